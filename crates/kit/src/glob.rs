//! Paths that fit a pattern, as Python's `glob` and `fnmatch` have it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::probe::Probe;

/// Whether a name fits a pattern of `*`, `?` and `[…]`.
pub fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    fits_from(&pattern, &name)
}

/// Goes along both; at a mismatch it goes back to the last `*` and lets that take one more.
fn fits_from(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match (pattern.get(p), name.get(n)) {
            (Some('*'), _) => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            (None, None) => return true,
            (Some('?'), Some(_)) => Some(1),
            (Some('['), Some(c)) => class(pattern.get(p..).unwrap_or_default(), *c),
            (Some(a), Some(b)) if a == b => Some(1),
            _ => None,
        };
        match (step, star) {
            (Some(step), _) => {
                p += step;
                n += 1;
            }
            (None, Some((at, taken))) if taken < name.len() => {
                star = Some((at, taken + 1));
                p = at + 1;
                n = taken + 1;
            }
            _ => return false,
        }
    }
}

/// Whether a character is in the class that the pattern starts with; gives the length of the class.
fn class(pattern: &[char], c: char) -> Option<usize> {
    let negated = matches!(pattern.get(1), Some('!'));
    let start = if negated { 2 } else { 1 };
    // A `]` that comes first is one of the characters.
    let end = (start + 1..pattern.len()).find(|i| pattern.get(*i) == Some(&']'));
    let Some(end) = end else { return (c == '[').then_some(1) };
    let inside = pattern.get(start..end).unwrap_or_default();
    let mut found = false;
    let mut at = 0;
    while let Some(from) = inside.get(at) {
        match (inside.get(at + 1), inside.get(at + 2)) {
            (Some('-'), Some(to)) => {
                found |= (*from..=*to).contains(&c);
                at += 3;
            }
            _ => {
                found |= *from == c;
                at += 1;
            }
        }
    }
    (found != negated).then_some(end + 1)
}

/// All paths that fit a pattern, sorted; wild cards do not fit names that start with a dot.
pub fn glob(host: &Probe, pattern: &str) -> Vec<PathBuf> {
    let absolute = pattern.starts_with('/');
    let mut found = vec![if absolute { PathBuf::from("/") } else { PathBuf::new() }];
    for part in pattern.split('/').filter(|p| !p.is_empty()) {
        let mut next = Vec::new();
        for folder in found {
            if !part.contains(['*', '?', '[']) {
                next.push(folder.join(part));
                continue;
            }
            let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
            for name in host.list(listed).unwrap_or_default() {
                let text = name.to_string_lossy();
                if fits(part, &text) && (part.starts_with('.') || !text.starts_with('.')) {
                    next.push(folder.join(OsStr::new(&name)));
                }
            }
        }
        found = next;
    }
    found.retain(|path| host.lstat(path).is_ok_and(|s| s.is_some()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn patterns_fit_as_in_python() {
        for (pattern, name) in [
            ("*.conf", "a.conf"),
            ("a?c", "abc"),
            ("[a-c]x", "bx"),
            ("[!a]", "b"),
            ("[]]", "]"),
            ("*a*b", "xaxab"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("*.conf", "a.con"), ("a?c", "ac"), ("[a-c]x", "dx"), ("[!a]", "a"), ("", "a")]
        {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn hidden_files_are_not_found_by_wild_cards() {
        let probe = World::new().file("/d/a.x", "").file("/d/.b.x", "").file("/e/c.x", "").probe();
        assert_eq!(glob(&probe, "/*/*.x"), [PathBuf::from("/d/a.x"), PathBuf::from("/e/c.x")]);
        assert!(glob(&probe, "/d/missing").is_empty());
    }
}
