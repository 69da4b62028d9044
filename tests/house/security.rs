//! docs/security.md promises nothing without a test.

use std::fs;

use crate::lab::repository;

#[test]
fn every_promise_names_tests_that_are_there() {
    let page = fs::read_to_string(repository().join("docs/security.md")).unwrap();
    let named: Vec<(&str, &str)> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|word| word.split_once("::").filter(|(file, _)| file.ends_with(".rs")))
        .collect();
    assert!(named.len() > 30, "the page is not read any more");
    let missing: Vec<_> = named
        .iter()
        .filter(|(file, test)| {
            let text = fs::read_to_string(repository().join(file)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            let at = lines.iter().position(|line| line.contains(&format!("fn {test}(")));
            !at.is_some_and(|at| at > 0 && lines[at - 1].ends_with("test]"))
        })
        .collect();
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}

#[test]
fn every_point_under_a_threat_names_one() {
    let page = fs::read_to_string(repository().join("docs/security.md")).unwrap();
    let threats = page.split("\n## ").filter(|part| {
        ["A hostile", "The network", "Secrets"].iter().any(|heading| part.starts_with(heading))
    });
    for point in threats.flat_map(|part| part.split("\n- ").skip(1)) {
        let admits =
            ["`PATH` and the environment", "A secret shorter"].iter().any(|begin| point.starts_with(begin));
        assert!(point.contains(".rs::") || admits, "no test for: {point}");
    }
}
