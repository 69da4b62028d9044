//! `ansible.cfg`'s syntax: Python's configparser with `;` as inline comment.

use std::sync::Arc;

use shevek_diag::{Diagnostic, Diagnostics, Kind, Origin, Source};

use crate::kind::unquote;

/// One `key = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The section's name, as written.
    pub section: String,
    /// The key in lower case.
    pub key: String,
    /// The value; continuation lines are joined with newlines.
    pub value: String,
    /// Where the key is.
    pub origin: Origin,
}

impl Entry {
    /// The value without the quotes around it.
    pub fn text(&self) -> &str {
        unquote(&self.value)
    }
}

/// A file that was read.
#[derive(Debug, Clone, Default)]
pub struct Ini {
    entries: Vec<Entry>,
    sections: Vec<String>,
}

impl Ini {
    /// Reads a file's text.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Diagnostics> {
        let mut reader =
            Reader { source, ini: Self::default(), section: None, open: None, errors: Diagnostics::new() };
        for (line, text) in (1..).zip(source.text().lines()) {
            reader.line(line, text);
        }
        for entry in &mut reader.ini.entries {
            entry.value.truncate(entry.value.trim_end().len());
        }
        if reader.errors.is_empty() { Ok(reader.ini) } else { Err(reader.errors) }
    }

    /// The value of a key; `section` is case-sensitive, `key` isn't.
    pub fn get(&self, section: &str, key: &str) -> Option<&Entry> {
        let of = |section: &str| {
            self.entries.iter().find(|entry| entry.section == section && entry.key.eq_ignore_ascii_case(key))
        };
        let own = of(section);
        // What is under `[DEFAULT]` holds in every section that is there.
        own.or_else(|| self.sections.iter().any(|known| known == section).then(|| of("DEFAULT")).flatten())
    }

    /// All entries in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    ini: Ini,
    section: Option<String>,
    /// Indentation of the key that continuation lines belong to.
    open: Option<usize>,
    errors: Diagnostics,
}

impl Reader<'_> {
    fn line(&mut self, line: u32, text: &str) {
        let content = without_comment(text).trim_end();
        let trimmed = content.trim_start();
        let indent = content.chars().count() - trimmed.chars().count();
        if trimmed.is_empty() {
            // An empty line inside a value of several lines belongs to it; at its end it is cut off again.
            if let (Some(_), Some(entry), true) =
                (self.open, self.ini.entries.last_mut(), text.trim().is_empty())
            {
                entry.value.push('\n');
            }
            return;
        }
        if let (Some(open), Some(entry)) = (self.open, self.ini.entries.last_mut())
            && indent > open
        {
            entry.value.push('\n');
            entry.value.push_str(trimmed);
            return;
        }
        let column = u32::try_from(indent + 1).unwrap_or(1);
        let origin = Origin { source: self.source.clone(), line, column };
        self.open = None;
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')) {
            self.section = Some(name.0.to_owned());
            if name.0 != "DEFAULT" && self.ini.sections.iter().any(|known| known == name.0) {
                self.wrong("a section is given twice", "put its settings below the first one", &origin);
            }
            self.ini.sections.push(name.0.to_owned());
            return;
        }
        let Some(section) = self.section.clone() else {
            self.wrong("a setting outside of any section", "put it below a line like `[defaults]`", &origin);
            return;
        };
        let Some((key, value)) = trimmed.split_once(['=', ':']) else {
            self.wrong("not a setting", "a setting is written `key = value`", &origin);
            return;
        };
        let key = key.trim_end().to_lowercase();
        let known = self.ini.entries.iter().find(|entry| entry.section == section && entry.key == key);
        if let Some(first) = known {
            let first = first.origin.clone();
            self.errors.push(
                Diagnostic::new("a setting is given twice")
                    .kind(Kind::Options)
                    .detail(format!("`{key}` is in section `{section}` already"))
                    .at(&origin, "again")
                    .at(&first, "first"),
            );
            return;
        }
        self.open = Some(indent);
        self.ini.entries.push(Entry { section, key, value: value.trim().to_owned(), origin });
    }

    fn wrong(&mut self, summary: &'static str, help: &str, origin: &Origin) {
        self.errors.push(Diagnostic::new(summary).kind(Kind::Options).at(origin, "").help(help));
    }
}

/// The line up to its comment: `#` and `;` start one at the start of a line, `;` also after a space.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with(['#', ';']) {
        return "";
    }
    let mut before = ' ';
    for (position, c) in line.char_indices() {
        if c == ';' && before.is_whitespace() {
            return line.get(..position).unwrap_or_default();
        }
        before = c;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Ini {
        Ini::parse(&Source::new("ansible.cfg", text)).unwrap()
    }

    #[test]
    fn reads_what_configparser_reads() {
        let ini = parse(
            "# comment\n[defaults]\nForks = 20 ; many\nroles_path: a:b\nlog_path=/x;y\nempty =\nlong = one,\n  two,\n\n  \
             # not this\n  three\n\n[ssh_connection]\n; comment\nssh_args = -o A=b # kept\n",
        );
        let get = |section: &str, key: &str| ini.get(section, key).map(|entry| entry.value.as_str());
        assert_eq!(get("defaults", "forks"), Some("20"));
        assert_eq!(get("defaults", "roles_path"), Some("a:b"));
        assert_eq!(get("defaults", "log_path"), Some("/x;y"));
        assert_eq!(get("defaults", "empty"), Some(""));
        assert_eq!(get("defaults", "long"), Some("one,\ntwo,\n\nthree"));
        assert_eq!(get("ssh_connection", "ssh_args"), Some("-o A=b # kept"));
        assert_eq!(get("Defaults", "forks"), None);
    }

    #[test]
    fn says_everything_that_is_wrong_with_its_place() {
        let text = "forks = 1\n[defaults]\nforks\na = 1\nA = 2\n[defaults]\nb = 1\n";
        let errors = Ini::parse(&Source::new("ansible.cfg", text)).unwrap_err();
        let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "a setting outside of any section (ansible.cfg:1:1)",
                "not a setting (ansible.cfg:3:1)",
                "a setting is given twice: `a` is in section `defaults` already (ansible.cfg:5:1)",
                "a section is given twice (ansible.cfg:6:1)",
            ]
        );
    }
}
