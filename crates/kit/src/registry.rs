//! [`Module`]: one module as the registry lists it, with the text of its file's documentation.

use crate::drive::Entry;
use crate::schema::Schema;

/// A module, its schema and its documentation.
#[derive(Clone, Copy)]
pub struct Module {
    /// Short name: that of its file.
    pub name: &'static str,
    /// What it accepts and how it runs.
    pub entry: &'static Entry,
    /// The text of the file's `//!` lines.
    pub doc: &'static str,
}

impl Module {
    /// What it accepts.
    pub fn schema(&self) -> &'static Schema {
        &self.entry.schema
    }

    /// One line that says what it is for.
    pub fn summary(&self) -> &'static str {
        self.page().summary()
    }

    /// The documentation.
    pub fn page(&self) -> Page {
        Page(self.doc)
    }
}

/// The text of a file's `//!` lines: summary, prose and examples.
#[derive(Debug, Clone, Copy)]
pub struct Page(pub &'static str);

impl Page {
    /// The first line.
    pub fn summary(self) -> &'static str {
        self.0.lines().next().unwrap_or_default().trim()
    }

    /// The prose below the summary, without examples.
    pub fn description(self) -> String {
        let mut out = Vec::new();
        let mut inside = false;
        for line in self.0.lines().skip(1) {
            if line.trim_start().starts_with("```") {
                inside = !inside;
            } else if !inside {
                out.push(line);
            }
        }
        out.join("\n").trim().to_owned()
    }

    /// The YAML of the examples.
    pub fn examples(self) -> Vec<String> {
        let mut out = Vec::new();
        let mut example: Option<String> = None;
        for line in self.0.lines() {
            match (&mut example, line.trim_start().starts_with("```")) {
                (None, true) => example = Some(String::new()),
                (Some(_), true) => out.extend(example.take()),
                (Some(text), false) => {
                    text.push_str(line);
                    text.push('\n');
                }
                (None, false) => {}
            }
        }
        out
    }
}

/// A text of the documentation, or none where nobody shows it.
#[cfg(any(test, feature = "docs"))]
#[macro_export]
macro_rules! doc {
    ($text:expr) => {
        $text
    };
}

/// A text of the documentation, or none where nobody shows it.
#[cfg(not(any(test, feature = "docs")))]
#[macro_export]
macro_rules! doc {
    ($text:expr) => {
        ""
    };
}
