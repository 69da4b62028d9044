//! Mistakes of the person who wrote the playbook: said before anything runs, with the place and, where possible, the cure.

use crate::lab::Lab;

#[test]
fn an_unknown_module_is_named_with_its_place() {
    Lab::local()
        .playbook("- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: { msg: ran }\n    - no_such_module: { a: 1 }\n")
        .run([])
        .says("no_such_module")
        .says("playbook.yml:5")
        .hides("\"msg\": \"ran\"");
}

#[test]
fn an_unknown_argument_is_named() {
    let lab = Lab::local().playbook("- hosts: all\n  gather_facts: false\n  tasks:\n    - file: { path: \"{{ root }}/x\", stat: directory }\n");
    let run = lab.run([]).says("stat").says("playbook.yml:4").untouched("web1");
    assert!(run.code() != Some(0));
}

#[test]
fn broken_yaml_is_shown_with_its_line() {
    let lab = Lab::local().playbook("- hosts: all\n  tasks:\n    - debug: { msg: one\n    - debug:\n");
    let run = lab.run([]).says("playbook.yml:");
    assert!(matches!(run.code(), Some(1 | 4)), "{:?}", run.code());
}

#[test]
fn a_missing_playbook_is_named() {
    Lab::local().shevek(&["play", "nowhere.yml"]).exit(1).says("nowhere.yml");
}

#[test]
fn an_unknown_option_is_a_usage_error() {
    Lab::local()
        .tool("ansible-playbook", ["--no-such-option", "playbook.yml"])
        .exit(2)
        .says("--no-such-option");
}
