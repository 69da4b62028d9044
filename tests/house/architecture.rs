//! docs/architecture.md tells the way of a run: every crate has its place in it, and every file that it names is there.

use std::collections::BTreeSet;
use std::path::Path;

use super::sources;
use crate::lab::repository;

fn page() -> String {
    std::fs::read_to_string(repository().join("docs/architecture.md")).unwrap()
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The numbered steps, each with the crate folders that it names (in bold).
fn steps(page: &str) -> Vec<(Vec<&str>, &str)> {
    let (_, rest) = page.split_once("## The way of a run\n").unwrap();
    let (way, _) = rest.split_once("\n## ").unwrap();
    let numbered =
        |line: &str| line.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    for line in way.split_inclusive('\n') {
        if numbered(line) {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([way.len()]);
    let texts = starts.iter().zip(ends).map(|(start, end)| &way[*start..end]);
    texts
        .map(|text| {
            (text.split("**`").skip(1).filter_map(|t| t.split_once("`**")).map(|t| t.0).collect(), text)
        })
        .collect()
}

#[test]
fn every_file_that_the_way_of_a_run_names_is_in_a_crate_of_its_step() {
    let page = page();
    let mut wrong = Vec::new();
    for (folders, text) in steps(&page) {
        for name in quoted(text).filter(|name| name.ends_with(".rs")) {
            let there = folders.iter().any(|folder| {
                let folder = repository().join(folder);
                folder.join(name).is_file() || folder.join("src").join(name).is_file()
            });
            if !there {
                wrong.push(format!("{name} is in none of {folders:?}"));
            }
        }
        wrong.extend(
            folders
                .iter()
                .filter(|folder| !repository().join(folder).is_dir())
                .map(|f| format!("{f} is not there")),
        );
    }
    assert!(wrong.is_empty(), "docs/architecture.md: {}", wrong.join("; "));
}

#[test]
fn every_crate_of_the_controller_has_its_place_in_the_way_of_a_run() {
    let page = page();
    let told: BTreeSet<&str> = quoted(&page).collect();
    let missing: Vec<String> = sources("Cargo.toml")
        .iter()
        .filter_map(|manifest| manifest.path.parent().map(Path::to_owned))
        .filter(|folder| folder.starts_with("src"))
        .map(|folder| folder.display().to_string())
        .filter(|folder| !told.contains(folder.as_str()))
        .collect();
    assert!(missing.is_empty(), "docs/architecture.md does not say what these are for: {missing:?}");
}

#[test]
fn the_way_of_a_run_is_the_way_of_the_layers() {
    // Who calls comes before who is called.
    let page = page();
    let order = ["src/cli", "src/engine", "src/actions", "src/connection", "crates/runner"];
    let steps = steps(&page);
    let first = |folder: &str| steps.iter().position(|(folders, _)| folders.contains(&folder));
    let places: Vec<Option<usize>> = order.iter().map(|folder| first(folder)).collect();
    assert!(places.iter().all(Option::is_some), "{order:?} are at {places:?}");
    assert!(places.is_sorted(), "{order:?} are at {places:?}");
}
