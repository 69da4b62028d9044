//! What is said to the user when something is wrong: a [`Diagnostic`], with its places in the source.
//!
//! Start reading at [`Diagnostic`]. Every error and warning that is shown becomes one, and is put into words
//! once, here or where it is found; [`render`] draws it with the source line and a caret.
//!
//! Imports nothing of the project.

mod diagnostic;
mod near;
mod render;
mod source;

pub use diagnostic::{Diagnostic, Diagnostics, Kind, Label, Result, Severity};
pub use near::nearest;
pub use render::{Style, render};
pub use source::{Origin, Place, Source};
