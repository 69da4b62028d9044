//! How the program ends.

use shevek_diag::{Diagnostic, Diagnostics, Kind};

/// Why a verb could not do its work; everything that is wrong, together.
#[derive(Debug, Clone, Default)]
pub struct Stop(pub Diagnostics);

impl Stop {
    /// The exit code, as Ansible's tools have it.
    pub fn code(&self) -> u8 {
        let kinds: Vec<Kind> = self.0.iter().map(|diagnostic| diagnostic.kind).collect();
        if kinds.contains(&Kind::Bug) {
            250
        } else if kinds.contains(&Kind::Content) {
            4
        } else if kinds.contains(&Kind::Options) {
            5
        } else {
            1
        }
    }
}

impl From<Diagnostics> for Stop {
    fn from(diagnostics: Diagnostics) -> Self {
        Self(diagnostics)
    }
}

impl From<Box<Diagnostic>> for Stop {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self(diagnostic.into())
    }
}

/// What a verb returns: the exit code of a run that came to its end, or why there was none.
pub(crate) type Ending = Result<u8, Stop>;

/// An error about a file of this machine.
pub(crate) fn unreadable(path: &std::path::Path, error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::new("a file can't be read").kind(Kind::Machine).detail(format!("{}: {error}", path.display()))
}

/// An error about a file that can't be written.
pub(crate) fn unwritable(path: &std::path::Path, error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::new("a file can't be written")
        .kind(Kind::Machine)
        .detail(format!("{}: {error}", path.display()))
}
