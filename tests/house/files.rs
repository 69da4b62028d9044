//! Files: their length, their names, words that may not stay, and test files that nobody runs.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::sources;
use crate::lab::repository;

#[test]
fn no_file_is_longer_than_the_wall() {
    const WALL: usize = 800;
    let long: Vec<String> = sources(".rs")
        .iter()
        .map(|s| (s.production().count(), s.path.display()))
        .filter(|(lines, _)| *lines > WALL)
        .map(|(lines, path)| format!("{path}: {lines} lines without its tests; {WALL} is the wall"))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn files_are_named_after_the_one_thing_they_hold() {
    let vague =
        ["utils.rs", "util.rs", "helpers.rs", "helper.rs", "common.rs", "misc.rs", "imp.rs", "types.rs"];
    let named: Vec<String> = sources(".rs")
        .iter()
        .filter(|s| vague.iter().any(|v| s.path.file_name().is_some_and(|n| n == *v)))
        .map(|s| s.path.display().to_string())
        .collect();
    assert!(named.is_empty(), "say what is in them: {}", named.join(", "));
}

#[test]
fn no_unfinished_business() {
    // Written in two halves, so that this file does not find itself.
    let words = [("to", "do!"), ("unimple", "mented!"), ("FIX", "ME"), ("XX", "X:"), ("db", "g!(")]
        .map(|(a, b)| format!("{a}{b}"));
    let mut found = Vec::new();
    for source in sources(".rs") {
        for (number, line) in source.text.lines().enumerate() {
            if let Some(word) = words.iter().find(|w| line.contains(w.as_str())) {
                found.push(format!("{}:{}: {word}", source.path.display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_top_folder_holds_nothing_but_what_belongs_there() {
    let belongs = [
        ".ci",
        ".gitattributes",
        ".gitignore",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "benches",
        "clippy.toml",
        "crates",
        "docs",
        "inventory",
        "modules",
        "playbooks",
        "rustfmt.toml",
        "scripts",
        "src",
        "tests",
    ];
    let listed = Command::new("git").arg("ls-files").current_dir(repository()).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let names: BTreeSet<&str> = listed.lines().filter_map(|path| path.split('/').next()).collect();
    let strange: Vec<&str> = names.into_iter().filter(|name| !belongs.contains(name)).collect();
    assert!(strange.is_empty(), "left over from some experiment? {}", strange.join(", "));
}

#[test]
fn every_test_file_is_run() {
    let main = fs::read_to_string(repository().join("tests/main.rs")).unwrap();
    for entry in fs::read_dir(repository().join("tests")).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.extension().is_some_and(|e| e == "rs") || path.join("mod.rs").exists();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if is_test && name != "main" {
            assert!(
                main.lines().any(|l| l == format!("mod {name};")),
                "tests/{name} is not named in tests/main.rs, so nobody runs it"
            );
        }
    }
}

#[test]
fn every_crate_says_what_it_is_for() {
    let silent: Vec<String> = sources(".rs")
        .iter()
        .filter(|s| s.path.ends_with("lib.rs") || s.path.ends_with("mod.rs"))
        .filter(|s| !s.text.starts_with("//! ") || s.text.lines().next().is_some_and(|l| l.len() < 20))
        .map(|s| s.path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "these do not open with `//!` and a sentence: {}", silent.join(", "));
}
