//! What is not there.

use shevek_diag::{Diagnostic, Origin};

/// Something that an expression asked for and that is not there.
///
/// It travels through expressions as a marker, as Ansible's does: `is defined` and `default` look at it, an attribute
/// of it is undefined too, and only use is an error, which then can say what was asked for and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undefined {
    /// What was asked for, as written (`groups.web`).
    pub name: String,
    /// Why it is missing, in words; empty for the usual "'x' is undefined".
    pub hint: String,
    /// Why it is missing.
    pub reason: Reason,
    /// Where it was asked for.
    pub origin: Option<Origin>,
}

/// Why something is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Reason {
    /// Nobody defined it.
    #[default]
    Missing,
    /// Only a real run can know it: this is a check run.
    Unknown,
    /// It is the value of an `if` without `else` that does not hold: beside other things it is nothing, and false.
    Blank,
    /// Making it failed; using it shows why.
    Failed(Box<Diagnostic>),
}

impl Undefined {
    /// The hint of `undef()` that was given none.
    pub const MANDATORY: &str = "Mandatory variable has not been overridden";

    /// The message of using it.
    pub fn message(&self) -> String {
        match (&self.reason, self.hint.is_empty(), self.name.is_empty()) {
            (Reason::Failed(why), ..) => why.message(),
            (Reason::Unknown, ..) => format!("'{}' is not known before the real run", self.name),
            (Reason::Missing | Reason::Blank, false, _) => self.hint.clone(),
            (Reason::Missing | Reason::Blank, true, false) => format!("'{}' is undefined", self.name),
            (Reason::Missing | Reason::Blank, true, true) => "the value is undefined".to_owned(),
        }
    }
}
