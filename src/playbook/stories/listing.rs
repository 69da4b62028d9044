//! What is listed.

use super::Content;
use crate::{Tags, list};

#[test]
fn lists_show_what_a_choice_of_tags_leaves() {
    let content = Content::new()
        .site("- name: Set up\n  hosts: [web, db]\n  tags: [p]\n  roles: [r]\n  tasks:\n    - debug:\n      tags: [b, a]\n    - name: n\n      debug:\n      tags: never\n    - block:\n        - ping:\n      rescue:\n        - debug:\n")
        .file("roles/r/tasks/main.yml", "- debug:\n- name: x\n  debug:\n");
    let plays = list(&content.playbook(), &Tags::new([], []));
    assert_eq!((plays[0].number, plays[0].hosts.as_str(), plays[0].title.as_str()), (1, "web,db", "Set up"));
    let shown: Vec<String> =
        plays[0].tasks.iter().map(|task| format!("{} {:?}", task.title, task.tags)).collect();
    assert_eq!(shown, ["debug [\"p\"]", "r : x [\"p\"]", "debug [\"a\", \"b\", \"p\"]", "ping [\"p\"]"]);
    assert_eq!(plays[0].task_tags(), ["a", "b", "p"]);
    let chosen = list(&content.playbook(), &Tags::new(["never"], []));
    assert_eq!(chosen[0].tasks.len(), 1);
}

#[test]
fn ten_thousand_tasks_load_fast() {
    let tasks: String = (0..10_000)
        .map(|number| {
            format!("    - name: task {number}\n      copy: {{ src: a, dest: '/tmp/{{{{ x }}}}' }}\n      when: a is defined\n")
        })
        .collect();
    let content = Content::new().site(&format!("- hosts: all\n  tasks:\n{tasks}"));
    let start = std::time::Instant::now();
    assert_eq!(content.playbook().plays[0].tasks.len(), 10_000);
    // Most of this is the YAML, unoptimised here.
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
}
