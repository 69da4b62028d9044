//! The rules of the repository, as tests: what may import what, how long a file may be, which words may not stay,
//! that no test file is forgotten, and that the page of differences is complete.

mod architecture;
mod differences;
mod files;
mod layers;
mod security;
mod settings;

use std::path::{Path, PathBuf};

use crate::lab::repository;

/// A text file of the repository.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The lines without the test module at the end of the file, numbered from 1.
    fn production(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut lines = self.text.lines().enumerate().map(|(n, line)| (n + 1, line)).peekable();
        std::iter::from_fn(move || {
            let (number, line) = lines.next()?;
            let tests_begin = line == "#[cfg(test)]"
                && lines.peek().is_some_and(|(_, next)| next.starts_with("mod ") && next.ends_with('{'));
            (!tests_begin).then_some((number, line))
        })
    }
}

/// All files with this ending, sorted, without build output.
fn sources(ending: &str) -> Vec<Source> {
    let mut found = Vec::new();
    walk(repository(), ending, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(folder: &Path, ending: &str, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                walk(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push(Source { path: path.strip_prefix(repository()).unwrap().to_owned(), text });
        }
    }
}
