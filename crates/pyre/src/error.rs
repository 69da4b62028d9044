//! What can be wrong with a pattern, and with a search.

use std::fmt;

/// A pattern or a replacement that Python would refuse, in Python's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub message: String,
    /// Where, in characters from 0; Python doesn't always say.
    pub position: Option<usize>,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>, position: usize) -> Self {
        Self { message: message.into(), position: Some(position) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.position {
            Some(position) => write!(f, " at position {position}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// A search that was given up: the pattern needs an exponential number of steps on that text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the regular expression needs too many steps on this text (nested repeats backtrack endlessly)",
        )
    }
}

impl std::error::Error for Exhausted {}
