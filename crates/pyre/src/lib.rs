//! Regular expressions as Python's `re` has them: same syntax, same matches, same errors.
//!
//! Playbooks and templates are written against Python's `re`, which differs from every Rust engine in syntax (`\Z`,
//! `(?P=name)`, `{,n}`, inline flags), in which empty matches count, and in what it refuses. This is a small
//! backtracking matcher of its own, without dependencies, so that controller and runner share one.
//!
//! Start reading at [`Regex`]; [`parse`] makes the tree, [`program`] the instructions, [`matcher`] runs them.
//!
//! Imports nothing of the project.

mod charset;
mod error;
mod flags;
mod latin1;
mod matcher;
mod parse;
mod program;
mod regex;
mod replacement;
mod tree;

pub use error::{Error, Exhausted};
pub use flags::Flags;
pub use latin1::{from_latin1, latin1};
pub use regex::{Captures, Matches, Regex, ReplaceError, escape};
pub use replacement::Replacement;
