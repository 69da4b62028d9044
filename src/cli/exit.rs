//! How the program ends.

use shevek_diag::{Diagnostic, Diagnostics, Kind, Severity};

/// Why a verb could not do its work; everything that is wrong, together.
#[derive(Debug, Clone, Default)]
pub struct Stop(pub Diagnostics);

impl Stop {
    /// The exit code, as Ansible's tools have it.
    pub fn code(&self) -> u8 {
        let errors = || self.0.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        if errors().any(|diagnostic| diagnostic.kind == Kind::Bug) {
            return 250;
        }
        // Ansible stops at the first of them.
        match errors().next().map(|diagnostic| diagnostic.kind) {
            Some(Kind::Content) => 4,
            Some(Kind::Options) => 5,
            _ => 1,
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
