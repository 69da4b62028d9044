//! Files as they were read, and places in them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One file, or another piece of text that errors can point into (an `-e` option, standard input).
#[derive(PartialEq, Eq, Hash)]
pub struct Source {
    name: String,
    text: String,
    is_secret: bool,
}

impl Source {
    /// A source under the name by which the user knows it (its path, `<command line>`).
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), is_secret: false })
    }

    /// The same for text that came out of a vault: no error shows lines of it.
    pub fn secret(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), is_secret: true })
    }

    /// What of the text may be shown: all or nothing.
    pub fn shown(&self) -> &str {
        if self.is_secret { "" } else { &self.text }
    }

    /// The name: mostly a path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The byte offset of a place, or the end of the text for a place behind it.
    pub fn offset(&self, line: u32, column: u32) -> usize {
        let mut start = 0;
        for (number, text) in (1..).zip(self.text.split_inclusive('\n')) {
            if number == line {
                let within =
                    text.char_indices().nth(column.saturating_sub(1) as usize).map_or(text.len(), |(i, _)| i);
                return start + within.min(text.trim_end_matches(['\n', '\r']).len());
            }
            start += text.len();
        }
        self.text.len()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.name)
    }
}

/// A place in a source. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The file.
    pub source: Arc<Source>,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

impl Origin {
    /// The start of a whole file.
    pub fn whole(source: &Arc<Source>) -> Self {
        Self { source: source.clone(), line: 1, column: 1 }
    }

    /// The place without the file's text, for events.
    pub fn place(&self) -> Place {
        Place { file: self.source.name().to_owned(), line: self.line, column: self.column }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name(), self.line, self.column)
    }
}

/// A place as plain data.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_count_characters_and_stop_at_the_line_end() {
        let source = Source::new("x", "aé\nbc\n");
        assert_eq!(source.offset(1, 1), 0);
        assert_eq!(source.offset(1, 3), 3);
        assert_eq!(source.offset(1, 99), 3);
        assert_eq!(source.offset(2, 2), 5);
        assert_eq!(source.offset(9, 1), 7);
    }
}
