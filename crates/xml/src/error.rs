//! What can be wrong with a document, and with a path.

use std::fmt;

/// A document that is not well-formed, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong, in libxml2's words where it has some.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}, column {}", self.message, self.line, self.column)
    }
}

impl std::error::Error for Malformed {}

/// A path that cannot be read, or cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Which of the two.
    pub kind: WrongKind,
    /// What is wrong, in libxml2's words.
    pub message: String,
}

/// What is wrong with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongKind {
    /// It is no XPath.
    Syntax,
    /// It asks for what there is not: a function, a variable, a prefix.
    Evaluation,
}

impl Wrong {
    pub(crate) fn syntax(message: &str) -> Self {
        Wrong { kind: WrongKind::Syntax, message: message.to_owned() }
    }

    pub(crate) fn evaluation(message: &str) -> Self {
        Wrong { kind: WrongKind::Evaluation, message: message.to_owned() }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Wrong {}
