//! The one form of everything that is wrong.

use std::borrow::Cow;
use std::fmt;

use crate::Origin;

/// What most fallible functions return: an error is a boxed [`Diagnostic`], small to pass along.
pub type Result<T, E = Box<Diagnostic>> = std::result::Result<T, E>;

/// Who can mend it; picks the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// The playbook, inventory, template or variable is wrong. Exit code 1 (4 in Ansible's parser errors).
    #[default]
    Content,
    /// The command line or configuration is wrong.
    Options,
    /// Something about a host or this machine (a file that can't be read).
    Machine,
    /// A broken invariant of the program itself.
    Bug,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Severity {
    /// The thing asked for can't be done.
    #[default]
    Error,
    /// It is done, but probably not as meant.
    Warning,
}

/// A place with a word on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub origin: Origin,
    /// What is there; may be empty.
    pub text: String,
}

/// Something wrong, in words for the user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// Who can mend it.
    pub kind: Kind,
    /// What is wrong, in fixed words where possible, so that it can be searched for.
    pub summary: Cow<'static, str>,
    /// The case at hand: what and why.
    pub detail: String,
    /// Where; the first is the main place.
    pub labels: Vec<Label>,
    /// What to do, or "did you mean".
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error in the user's content.
    pub fn new(summary: impl Into<Cow<'static, str>>) -> Box<Self> {
        Box::new(Self { summary: summary.into(), ..Self::default() })
    }

    /// A warning.
    pub fn warning(summary: impl Into<Cow<'static, str>>) -> Box<Self> {
        Box::new(Self { summary: summary.into(), severity: Severity::Warning, ..Self::default() })
    }

    /// A broken invariant: never the user's fault.
    pub fn bug(summary: impl Into<Cow<'static, str>>) -> Box<Self> {
        Box::new(Self { summary: summary.into(), kind: Kind::Bug, ..Self::default() })
    }

    /// Sets who can mend it.
    #[must_use]
    pub fn kind(mut self: Box<Self>, kind: Kind) -> Box<Self> {
        self.kind = kind;
        self
    }

    /// Adds what and why.
    #[must_use]
    pub fn detail(mut self: Box<Self>, detail: impl Into<String>) -> Box<Self> {
        self.detail = detail.into();
        self
    }

    /// Adds a place with a word on it.
    #[must_use]
    pub fn at(mut self: Box<Self>, origin: &Origin, text: impl Into<String>) -> Box<Self> {
        self.labels.push(Label { origin: origin.clone(), text: text.into() });
        self
    }

    /// Adds a place if there is one.
    #[must_use]
    pub fn at_maybe(self: Box<Self>, origin: Option<&Origin>, text: impl Into<String>) -> Box<Self> {
        match origin {
            Some(origin) => self.at(origin, text),
            None => self,
        }
    }

    /// Adds a place only where none is known yet: callers know less than the finder.
    #[must_use]
    pub fn or_at(self: Box<Self>, origin: Option<&Origin>) -> Box<Self> {
        if self.labels.is_empty() { self.at_maybe(origin, "") } else { self }
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self: Box<Self>, help: impl Into<String>) -> Box<Self> {
        self.help.push(help.into());
        self
    }

    /// Adds "did you mean" when a candidate is near.
    #[must_use]
    pub fn did_you_mean<'a>(
        self: Box<Self>,
        word: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Box<Self> {
        match crate::nearest(word, candidates) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// The summary and detail in one line, as `msg` of a failed task's result.
    pub fn message(&self) -> String {
        match (self.summary.is_empty(), self.detail.is_empty()) {
            (false, false) => format!("{}: {}", self.summary, self.detail),
            (false, true) => self.summary.to_string(),
            (true, _) => self.detail.clone(),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())?;
        if let Some(label) = self.labels.first() {
            write!(f, " ({})", label.origin)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// Several, gathered so that the user sees all of them at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    #[allow(clippy::boxed_local, reason = "diagnostics travel boxed")]
    pub fn push(&mut self, diagnostic: Box<Diagnostic>) {
        self.0.push(*diagnostic);
    }

    /// Takes the value, or keeps the error.
    pub fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(diagnostic) => {
                self.push(diagnostic);
                None
            }
        }
    }

    /// Adds another collection's.
    pub fn extend(&mut self, other: Diagnostics) {
        self.0.extend(other.0);
    }

    /// Whether any is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in the order found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Box<Diagnostic>> for Diagnostics {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self(vec![*diagnostic])
    }
}
