//! The examples that the README shows do what it says.

use crate::lab::Lab;

fn quickstart() -> Lab {
    Lab::local().repository("playbooks")
}

#[test]
fn the_quick_start_needs_no_inventory_and_changes_nothing_the_second_time() {
    let lab = quickstart();
    lab.shevek(&["play", "playbooks/quickstart.yml"]).exit(0).recap("localhost", "ok=7 changed=3 failed=0");
    let page = std::fs::read_to_string(lab.path().join("home/.shevek-quickstart/machine.md")).unwrap();
    assert!(page.starts_with("# Welcome to "), "{page}");
    lab.shevek(&["play", "playbooks/quickstart.yml"]).exit(0).recap("localhost", "ok=6 changed=0 failed=0");
}

#[test]
fn the_quick_start_in_check_mode_shows_the_page_and_writes_nothing() {
    let lab = quickstart();
    lab.shevek(&["play", "playbooks/quickstart.yml", "--check", "--diff"])
        .exit(0)
        .says("+# Welcome to ")
        .recap("localhost", "failed=0");
    assert!(!lab.path().join("home/.shevek-quickstart").exists());
}

#[test]
fn the_quick_start_removes_what_it_made() {
    let lab = quickstart();
    lab.shevek(&["play", "playbooks/quickstart.yml"]).exit(0);
    lab.shevek(&["play", "playbooks/quickstart.yml", "-e", "folder_state=absent"])
        .exit(0)
        .recap("localhost", "ok=2 changed=1 skipped=4");
    assert!(!lab.path().join("home/.shevek-quickstart").exists());
}

/// Fingers know `ansible-playbook`: the same binary under that name takes the same options.
#[test]
fn the_quick_start_runs_under_the_old_name() {
    let lab = quickstart();
    lab.tool("ansible-playbook", ["playbooks/quickstart.yml", "--check"])
        .exit(0)
        .recap("localhost", "failed=0");
}

#[test]
fn an_inventory_is_written_as_toml_and_read_again() {
    let inventory = "all:\n  children:\n    web:\n      hosts: { w1: { port: 80, tags: [a, b] }, w2: {} }\n      vars: { size: 1.5 }\n    app: { children: { web: {} } }\n";
    let lab = Lab::local().file("inv.yml", inventory);
    let w1 = |file: &str| lab.shevek(&["inventory", "-i", file, "--host", "w1"]).exit(0).stdout().to_owned();
    lab.shevek(&["inventory", "-i", "inv.yml", "--list", "--toml", "--output", "inv.toml"]).exit(0);
    let toml = std::fs::read_to_string(lab.path().join("inv.toml")).unwrap();
    assert!(toml.contains("[app]\nchildren = [\"web\"]\n"), "{toml}");
    assert_eq!(w1("inv.toml"), w1("inv.yml"), "{toml}");
    let lab = Lab::local().file("inv.yml", "all: { hosts: { a: { n: null } } }\n");
    lab.shevek(&["inventory", "-i", "inv.yml", "--list", "--toml"])
        .exit(5)
        .says("ungrouped.hosts.a.n")
        .says("no null");
}
