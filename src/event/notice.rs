//! Warnings, deprecations and errors as plain data.

use serde::{Deserialize, Serialize};
use shevek_diag::{Diagnostic, Label, Place, Severity};

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Probably not as meant.
    #[default]
    Warning,
    /// Will stop working one day.
    Deprecation,
    /// Went wrong.
    Error,
}

/// A place with the lines around it, so that a recorded run shows them too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// Where.
    pub place: Place,
    /// The line itself and up to two before it.
    pub lines: Vec<String>,
    /// What is there; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

impl Excerpt {
    /// Cuts the lines out of the source.
    pub fn of(label: &Label) -> Self {
        let place = label.origin.place();
        let end = place.line as usize;
        let start = end.saturating_sub(3);
        let source = label.origin.source.shown();
        // A vault file's text is no help to anyone.
        let lines = if source.starts_with("$ANSIBLE_VAULT") {
            Vec::new()
        } else {
            source.lines().skip(start).take(end - start).map(str::to_owned).collect()
        };
        Self { place, lines, text: label.text.clone() }
    }
}

/// A warning, deprecation or error for people.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Notice {
    /// How bad. (`kind` is taken by the event's own tag.)
    pub severity: NoticeKind,
    /// What.
    pub message: String,
    /// Where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excerpts: Vec<Excerpt>,
    /// What to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<String>,
}

impl Notice {
    /// A warning in a few words.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// A deprecation in a few words.
    pub fn deprecation(message: impl Into<String>) -> Self {
        Self { severity: NoticeKind::Deprecation, message: message.into(), ..Self::default() }
    }

    /// An error in a few words.
    pub fn error(message: impl Into<String>) -> Self {
        Self { severity: NoticeKind::Error, message: message.into(), ..Self::default() }
    }
}

impl From<&Diagnostic> for Notice {
    fn from(diagnostic: &Diagnostic) -> Self {
        Self {
            severity: match diagnostic.severity {
                Severity::Error => NoticeKind::Error,
                Severity::Warning => NoticeKind::Warning,
            },
            message: diagnostic.message(),
            excerpts: diagnostic.labels.iter().map(Excerpt::of).collect(),
            help: diagnostic.help.clone(),
        }
    }
}
