//! [`Fault`]: why a module could not do its work; it becomes a failed [`Outcome`].

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use shevek_proto::{Outcome, Val};

/// What modules return.
pub type Result<T, E = Fault> = std::result::Result<T, E>;

/// A failure, with the result keys that go with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What went wrong: the `msg` of the result.
    pub message: String,
    /// Which kind.
    pub kind: Kind,
    /// Further result keys (`rc`, `stdout`, `path`, …).
    pub result: Vec<(String, Val)>,
    /// The error number, where the system gave one.
    pub os: Option<i32>,
    /// The folder whose absence is the cause. Check mode supposes it, where something before may bring it.
    pub lacks: Option<PathBuf>,
}

/// Kinds of [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It went wrong.
    Failed,
    /// Something that it needs is not there. In check mode, a package or command that would have run before may be
    /// going to bring it; the outcome is then *unknown*, not failed.
    Absent,
    /// In check mode: it rests on something that only the real run can tell.
    Unknown,
    /// It took longer than allowed.
    Timeout,
    /// The controller cancelled it.
    Cancelled,
}

impl Fault {
    /// A failure with its message.
    pub fn new(message: impl Into<String>) -> Self {
        Fault { message: message.into(), kind: Kind::Failed, result: Vec::new(), os: None, lacks: None }
    }

    /// A failure because something is not there.
    pub fn absent(message: impl Into<String>) -> Self {
        Fault { kind: Kind::Absent, ..Self::new(message) }
    }

    /// The same: the folder of this path is not there.
    #[must_use]
    pub fn for_want_of_folder(self, path: &Path) -> Self {
        Fault { lacks: path.parent().map(Path::to_owned), ..self }
    }

    /// In check mode: it cannot be known.
    pub fn unknown(message: impl Into<String>) -> Self {
        Fault { kind: Kind::Unknown, ..Self::new(message) }
    }

    /// A failed system call: what was being done, to which path, and the system's words.
    pub fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        let kind = if error.kind() == io::ErrorKind::NotFound { Kind::Absent } else { Kind::Failed };
        let message = format!("{doing} {}: {}", path.display(), io_words(error));
        Fault { kind, os: error.raw_os_error(), ..Self::new(message) }
    }

    /// The same, with a result key.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Val>) -> Self {
        self.result.retain(|(k, _)| k != key);
        self.result.push((key.to_owned(), value.into()));
        self
    }

    /// The failed outcome.
    pub fn outcome(self) -> Outcome {
        let mut outcome = Outcome::failure(self.message);
        for (key, value) in self.result {
            outcome.set(&key, value);
        }
        outcome
    }
}

/// An error as the system words it, without Rust's "(os error 2)".
pub fn io_words(error: &io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(code) => text.trim_end_matches(&format!(" (os error {code})")).to_owned(),
        None => text,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Fault::new(message)
    }
}

impl From<&str> for Fault {
    fn from(message: &str) -> Self {
        Fault::new(message)
    }
}

/// Returns from a module with a failure: `fail!("no such user: {name}")`.
#[macro_export]
macro_rules! fail {
    ($($words:tt)*) => {
        return Err($crate::fault::Fault::new(format!($($words)*)))
    };
}
