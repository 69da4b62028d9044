//! What a module that the user brings is written in: those for Ansible's own Python cannot be run, all others can.

use std::path::Path;

/// What a module is written in, as far as that matters for running it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// A script of any language that has its interpreter in its first line.
    Script,
    /// A program.
    Binary,
    /// Python that needs Ansible's own.
    Python,
    /// PowerShell.
    PowerShell,
    /// Not a module at all: an action plugin, in Python.
    ActionPlugin,
}

impl Language {
    /// Of this file with these bytes (or its first ones).
    pub fn of(path: &Path, bytes: &[u8]) -> Self {
        let below = |kind: &str| path.parent().is_some_and(|folder| folder.ends_with(kind));
        if below("action_plugins") || below("plugins/action") {
            return Self::ActionPlugin;
        }
        if is_binary(bytes) {
            return Self::Binary;
        }
        let text = String::from_utf8_lossy(bytes);
        if is_python(&text) {
            Self::Python
        } else if is_powershell(path, &text) {
            Self::PowerShell
        } else {
            Self::Script
        }
    }

    /// Whether a host can run it.
    pub fn runs(self) -> bool {
        matches!(self, Self::Script | Self::Binary)
    }
}

/// Whether the beginning of a file has bytes that no text has.
fn is_binary(bytes: &[u8]) -> bool {
    let is_text = |byte: &u8| matches!(byte, 7..=10 | 12 | 13 | 27 | 0x20..=0x7e | 0x80..);
    !bytes.iter().take(1024).all(is_text)
}

/// Whether it imports Ansible's own Python code. A file without a first line for an interpreter is none of a host's.
fn is_python(text: &str) -> bool {
    let imports = |line: &str| {
        let mut words = line.split_whitespace();
        let (Some("from" | "import"), Some(what)) = (words.next(), words.next()) else { return false };
        let of_collection = (what.starts_with("ansible_collections.") || what.starts_with('.'))
            && what.contains("module_utils");
        what.starts_with("ansible.module_utils") || of_collection
    };
    text.contains("#<<INCLUDE_ANSIBLE_MODULE_COMMON>>") || text.lines().any(imports)
}

fn is_powershell(path: &Path, text: &str) -> bool {
    let marks = ["#requires -module", "#requires -version", "#ansiblerequires", "# powershell_common"];
    path.extension().is_some_and(|extension| extension == "ps1")
        || text.lines().any(|line| {
            let line = line.trim_start().to_lowercase();
            marks.iter().any(|mark| line.starts_with(mark))
        })
}
