//! `shevek config validate`: names in the configuration that nobody knows.

use std::path::Path;

use clap::ValueEnum;
use shevek_diag::{Diagnostic, Diagnostics, Kind};
use shevek_settings::{Ini, ROWS, UNUSED};

/// What to look through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Where {
    /// The `ansible.cfg`.
    #[default]
    Ini,
    /// The environment.
    Env,
}

/// Variables that steer the commands and are no settings.
const OTHER_VARIABLES: [&str; 3] = ["ANSIBLE_CONFIG", "ANSIBLE_PYTHON_INTERPRETER", "ANSIBLE_VAULT_PASSWORD"];

/// The sections and keys of a file that are none.
pub(super) fn file(path: &Path, ini: &Ini) -> Diagnostics {
    let known: Vec<(&str, &str)> = ROWS
        .iter()
        .map(|row| row.ini)
        .chain(UNUSED.iter().map(|unused| unused.ini))
        .flatten()
        .copied()
        .collect();
    let mut found = Diagnostics::new();
    let mut strange: Vec<&str> = Vec::new();
    for entry in ini.entries() {
        let (section, key) = (entry.section.as_str(), entry.key.as_str());
        // What plugins of collections read has sections of its own; those of Ansible's plugins are in the tables.
        if super::galaxy::is_section(section) {
            if !super::galaxy::has_key(key) {
                let detail =
                    format!("Found unknown key '{key}' in section '{section}' in '{}'.", path.display());
                found.push(unknown(detail).at(&entry.origin, ""));
            }
        } else if !known.iter().any(|(s, _)| *s == section) {
            if !strange.contains(&section) {
                strange.push(section);
                let detail = format!("Found unknown section '{section}' in '{}'.", path.display());
                let sections = known.iter().map(|(s, _)| *s);
                found.push(unknown(detail).did_you_mean(section, sections).at(&entry.origin, ""));
            }
        } else if !known.contains(&(section, key)) {
            let detail = format!("Found unknown key '{key}' in section '{section}' in '{}'.", path.display());
            let keys = known.iter().filter(|(s, _)| *s == section).map(|(_, key)| *key);
            found.push(unknown(detail).did_you_mean(key, keys).at(&entry.origin, ""));
        }
    }
    found
}

/// The variables of the environment that look like settings and are none.
pub(super) fn environment(names: impl Iterator<Item = String>) -> Diagnostics {
    let known: Vec<&str> = ROWS
        .iter()
        .map(|row| row.env)
        .chain(UNUSED.iter().map(|unused| unused.env))
        .flatten()
        .copied()
        .collect();
    let mut found = Diagnostics::new();
    let is_of_other_tools =
        |name: &String| ["ANSIBLE_TEST_", "ANSIBLE_LINT_"].iter().any(|of| name.starts_with(of));
    let mut names: Vec<String> =
        names.filter(|name| name.starts_with("ANSIBLE_") && !is_of_other_tools(name)).collect();
    names.sort_unstable();
    for name in names
        .iter()
        .filter(|name| !known.contains(&name.as_str()) && !OTHER_VARIABLES.contains(&name.as_str()))
    {
        let detail = format!("Found unknown environment variable '{name}'.");
        found.push(unknown(detail).did_you_mean(name, known.iter().copied()));
    }
    found
}

fn unknown(detail: String) -> Box<Diagnostic> {
    Diagnostic::new("no such setting").kind(Kind::Options).detail(detail)
}

#[cfg(test)]
mod tests {
    use shevek_diag::Source;

    use super::*;

    fn said(found: &Diagnostics) -> Vec<String> {
        found.iter().map(|one| one.detail.to_string()).collect()
    }

    #[test]
    fn unknown_sections_and_keys_are_named() {
        let source = Source::new("ansible.cfg", "[defaults]\nforkss = 3\nforks = 3\n[nope]\na = 1\nb = 2\n");
        let ini = Ini::parse(&source).unwrap();
        assert_eq!(
            said(&file(Path::new("/a/ansible.cfg"), &ini)),
            [
                "Found unknown key 'forkss' in section 'defaults' in '/a/ansible.cfg'.",
                "Found unknown section 'nope' in '/a/ansible.cfg'.",
            ]
        );
    }

    #[test]
    fn unknown_variables_are_named() {
        let names =
            ["ANSIBLE_FORKS", "ANSIBLE_CONFIG", "ANSIBLE_FORK", "ANSIBLE_TEST_CI", "HOME"].map(str::to_owned);
        assert_eq!(
            said(&environment(names.into_iter())),
            ["Found unknown environment variable 'ANSIBLE_FORK'."]
        );
    }
}
