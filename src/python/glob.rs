//! Python's `glob.glob` and `fnmatch`.

use std::fs;
use std::path::{Path, PathBuf};

use shevek_pyre::{Flags, Regex, escape};

/// The pattern as a regular expression (`fnmatch.translate`).
fn translate(pattern: &str) -> Option<Regex> {
    let mut out = String::from(r"(?s)\A");
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' => {
                if !out.ends_with(".*") {
                    out.push_str(".*");
                }
            }
            '?' => out.push('.'),
            '[' => {
                let ahead: String = rest.clone().collect();
                let skip = usize::from(ahead.starts_with('!'));
                let skip = skip + usize::from(ahead.get(skip..).is_some_and(|ahead| ahead.starts_with(']')));
                match ahead.get(skip..).and_then(|ahead| ahead.find(']')).map(|end| end + skip) {
                    None => out.push_str(r"\["),
                    Some(end) => {
                        let inside = ahead.get(..end).unwrap_or("");
                        let (negate, inside) = match inside.strip_prefix('!') {
                            Some(inside) => ("^", inside),
                            None => ("", inside),
                        };
                        out.push('[');
                        out.push_str(negate);
                        out.push_str(&inside.replace('\\', r"\\").replace('[', r"\[").replace('^', r"\^"));
                        out.push(']');
                        for _ in 0..=ahead.get(..end).unwrap_or("").chars().count() {
                            rest.next();
                        }
                    }
                }
            }
            c => out.push_str(&escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out.push_str(r"\Z");
    Regex::new(&out, Flags::NONE).ok()
}

/// `fnmatch.fnmatchcase`.
pub fn matches(pattern: &str, name: &str) -> bool {
    if has_magic(pattern) {
        translate(pattern).is_some_and(|regex| regex.is_match(name).unwrap_or(false))
    } else {
        pattern == name
    }
}

fn has_magic(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The paths that match; hidden files only where the pattern has the dot. In the order of their names.
// Differs from Ansible: Python gives them in the order in which the folder has them.
pub fn glob(pattern: &str) -> Vec<PathBuf> {
    let (mut found, rest) = match pattern.strip_prefix('/') {
        Some(rest) => (vec![PathBuf::from("/")], rest),
        None => (vec![PathBuf::new()], pattern),
    };
    for part in rest.split('/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|folder| step(folder, part)).collect();
    }
    found
}

fn step(folder: &Path, part: &str) -> Vec<PathBuf> {
    if !has_magic(part) {
        let path = folder.join(part);
        return if path.symlink_metadata().is_ok() { vec![path] } else { Vec::new() };
    }
    let Some(regex) = translate(part) else { return Vec::new() };
    let shown = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = fs::read_dir(shown) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| part.starts_with('.') || !name.starts_with('.'))
        .filter(|name| regex.is_match(name).unwrap_or(false))
        .collect();
    names.sort();
    names.into_iter().map(|name| folder.join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names_as_in_python() {
        let fits = |pattern, name| translate(pattern).unwrap().is_match(name).unwrap();
        assert!(fits("*.conf", "a.conf"));
        assert!(fits("[a-c]?", "b1"));
        assert!(fits("[!a-c]", "d"));
        assert!(fits("[]]", "]"));
        assert!(!fits("[!a]", "a"));
        assert!(fits("[x", "[x"));
    }
}
