//! Who may import whom: the table in docs/architecture.md against every Cargo.toml, and what the pushed binary must never link.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::sources;
use crate::lab::repository;

/// The rows of the table under "Who may import whom": crate to the crates it may name.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let page = fs::read_to_string(repository().join("docs/architecture.md")).unwrap();
    let section = page.split("## Who may import whom").nth(1).expect("the section in docs/architecture.md");
    let rows =
        section.lines().skip_while(|l| !l.starts_with("|---")).skip(1).take_while(|l| l.starts_with('|'));
    let words = |cell: &str| -> BTreeSet<String> {
        cell.split_whitespace().map(|w| w.trim_matches('`').to_owned()).collect()
    };
    let mut table = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        for name in words(cells[0]) {
            table.insert(name, words(cells[1]));
        }
    }
    table
}

fn manifest(text: &str) -> toml::Table {
    text.parse().unwrap()
}

#[test]
fn crates_import_only_what_the_table_allows() {
    let table = table();
    let mut wrong = Vec::new();
    for source in sources("Cargo.toml") {
        let manifest = manifest(&source.text);
        let Some(name) =
            manifest.get("package").and_then(|p| p["name"].as_str()).and_then(|n| n.strip_prefix("shevek-"))
        else {
            continue;
        };
        // Outside of all layers: it reads what all of them read.
        if name == "fuzz" {
            continue;
        }
        let Some(allowed) = table.get(name) else {
            wrong.push(format!("{name} is not in the table of docs/architecture.md"));
            continue;
        };
        for kind in ["dependencies", "build-dependencies"] {
            let used = manifest.get(kind).and_then(toml::Value::as_table).into_iter().flat_map(|t| t.keys());
            for other in used.filter_map(|d| d.strip_prefix("shevek-")).filter(|d| !allowed.contains(*d)) {
                wrong.push(format!(
                    "{}: {name} may not import {other} (docs/architecture.md)",
                    source.path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_circle_and_no_ghost() {
    let table = table();
    for name in table.keys() {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&String> = table[name].iter().collect();
        while let Some(next) = open.pop() {
            assert_ne!(next, name, "{name} reaches itself");
            if reached.insert(next) {
                open.extend(table.get(next).unwrap_or_else(|| panic!("{next} has no row")));
            }
        }
    }
    for name in table.keys() {
        let places =
            [format!("src/{name}"), format!("crates/{name}"), format!("benches/{name}"), name.clone()];
        assert!(
            places.iter().any(|p| repository().join(p).join("Cargo.toml").exists()),
            "{name} is in the table and nowhere else"
        );
    }
}

/// The runner goes to every host: it stays small, and has no business with networks, terminals and templates.
#[test]
fn the_runner_links_no_controller_crates() {
    let lock = manifest(&fs::read_to_string(repository().join("Cargo.lock")).unwrap());
    let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock["package"].as_array().unwrap() {
        let dependencies = package.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
        let names = dependencies.filter_map(|d| d.as_str()).filter_map(|d| d.split(' ').next());
        needs.entry(package["name"].as_str().unwrap()).or_default().extend(names);
    }
    let mut reached = BTreeSet::new();
    let mut open = vec!["shevek-runner"];
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            open.extend(needs.get(name).into_iter().flatten());
        }
    }
    for heavy in ["tokio", "russh", "minijinja", "clap", "indicatif", "shevek-template", "shevek-engine"] {
        assert!(!reached.contains(heavy), "shevek-runner reaches {heavy}");
    }
}
