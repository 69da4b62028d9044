//! docs/differences-from-ansible.md is what the `// Differs from Ansible:` comments say, and nothing else.
//!
//! `SHEVEK_UPDATE=1 cargo test --test integration differences` writes it again.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

use super::sources;
use crate::lab::repository;

const PAGE: &str = "docs/differences-from-ansible.md";
const HEAD: &str = "# Differences from Ansible

Where shevek deliberately does something else than ansible-core 2.19, collected from the `Differs from Ansible` comments in the code by a test
(`SHEVEK_UPDATE=1 cargo test --test integration differences` writes this page again). Anything else that differs is a bug.
";

const UNMET: &str = "
## Conformance targets that do not pass

Of Ansible's own integration tests in `tests/conformance/open.json`; all others of that list pass, in each run of CI.

| targets | why not |
|---|---|
";

fn collected() -> String {
    let sign = concat!("// Differs from ", "Ansible:");
    let mut page = HEAD.to_owned();
    for source in sources(".rs").iter().filter(|s| !s.path.starts_with("tests")) {
        let mut found = Vec::new();
        let mut open = false;
        for line in source.text.lines().map(str::trim) {
            // Doc comments may carry the mark too.
            let line = line.replacen("///", "//", 1).replacen("//!", "//", 1);
            if let Some(text) = line.strip_prefix(sign) {
                found.push(text.trim().to_owned());
                open = true;
            } else if let (true, Some(more)) = (open, line.strip_prefix("//")) {
                let last = found.last_mut().unwrap();
                write!(last, " {}", more.trim()).unwrap();
            } else {
                open = false;
            }
        }
        if !found.is_empty() {
            write!(page, "\n## {}\n\n", source.path.display()).unwrap();
            for text in found {
                writeln!(page, "- {}", text.trim()).unwrap();
            }
        }
    }
    page.push_str(UNMET);
    for (targets, why) in not_passing() {
        writeln!(page, "| {} | {why} |", targets.join(", ")).unwrap();
    }
    page
}

/// Targets of the conformance harness that do not pass, with the reasons.
fn not_passing() -> Vec<(Vec<String>, String)> {
    let text = fs::read_to_string(repository().join("tests/conformance/not-passing.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (targets, why) = line.split_once(": ").unwrap();
            (targets.split(", ").map(str::to_owned).collect(), why.to_owned())
        })
        .collect()
}

#[test]
fn every_open_target_passes_or_has_a_reason() {
    let folder = repository().join("tests/conformance");
    let open: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("open.json")).unwrap()).unwrap();
    let open: BTreeSet<String> =
        open.as_array().unwrap().iter().map(|one| one["target"].as_str().unwrap().to_owned()).collect();
    let expected = fs::read_to_string(folder.join("expected.txt")).unwrap();
    let mut known: Vec<String> = expected
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(str::to_owned)
        .collect();
    known.extend(not_passing().into_iter().flat_map(|(targets, _)| targets));
    let all: BTreeSet<String> = known.iter().cloned().collect();
    assert_eq!(all.len(), known.len(), "a target that passes needs no reason, and one is enough");
    assert_eq!(all, open);
}

#[test]
fn the_page_of_differences_is_what_the_comments_say() {
    let path = repository().join(PAGE);
    let page = collected();
    if std::env::var_os("SHEVEK_UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "{PAGE} is not what the comments say; SHEVEK_UPDATE=1 writes it. It should be:\n{page}"
    );
}

#[test]
fn the_readme_counts_the_conformance_targets_that_pass() {
    let read = |file: &str| fs::read_to_string(repository().join(file)).unwrap();
    let passing =
        read("tests/conformance/expected.txt").lines().filter(|line| !line.starts_with('#')).count();
    let all = read("tests/conformance/open.json").matches("\"target\":").count();
    let told = format!("{passing} of {all} pass");
    assert!(read("README.md").contains(&told), "README.md must say that {told}");
}
