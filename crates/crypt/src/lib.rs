//! Passwords as password files of web servers and of systems have them: made and checked.
//!
//! Start reading at [`Scheme`]. What is in each format is in a file of its own: [`des`], [`md5`], [`sha`]; bcrypt is a
//! crate's. [`digits`] are what most of them are written in.
//!
//! Imports nothing of the project.

mod des;
pub mod digits;
mod md5;
mod scheme;
mod sha;

pub use scheme::{Scheme, Unhashable};
