//! What tasks inherit.

use shevek_value::Value;

use super::Content;

fn texts(values: &[Value]) -> Vec<String> {
    values.iter().map(Value::text).collect()
}

#[test]
fn the_nearest_keyword_wins_and_null_ends_inheritance() {
    let tasks = Content::new()
        .site(
            "- hosts: all\n  become: true\n  remote_user: root\n  tasks:\n\
             - block:\n    - debug:\n      become: false\n    - debug:\n      remote_user:\n  become_user: joe\n"
                .replace("\n  tasks:\n", "\n  tasks:\n    ")
                .replace("\n    - debug:\n      become", "\n        - debug:\n          become")
                .replace("\n    - debug:\n      remote", "\n        - debug:\n          remote")
                .replace("\n  become_user", "\n      become_user")
                .as_str(),
        )
        .all();
    let of = |number: usize| {
        let keywords = &tasks[number].keywords;
        let text = |value: &Option<Value>| value.as_ref().map(Value::text);
        (text(&keywords.become_), text(&keywords.become_user), text(&keywords.remote_user))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(of(0), (some("False"), some("joe"), some("root")));
    assert_eq!(of(1), (some("True"), some("joe"), None));
}

#[test]
fn conditions_tags_and_environment_add_up_outermost_first() {
    let task = Content::new()
        .site(
            r#"
- hosts: all
  tags: [play]
  environment: { A: "1" }
  tasks:
    - block:
        - debug:
          when: [c2, c3]
          tags: own, block
          environment: { A: "3" }
      when: c1
      tags: block
      environment: { A: "2" }
"#,
        )
        .task();
    assert_eq!(texts(&task.when), ["c1", "c2", "c3"]);
    assert_eq!(texts(&task.tags), ["play", "block", "own"]);
    assert_eq!(texts(&task.keywords.environment), ["{'A': '1'}", "{'A': '2'}", "{'A': '3'}"]);
}

#[test]
fn tasks_without_keywords_of_their_own_share_their_blocks() {
    let tasks = Content::new().tasks("- debug:\n- debug:\n").all();
    assert!(std::sync::Arc::ptr_eq(&tasks[0].keywords, &tasks[1].keywords));
    assert!(tasks[0].id < tasks[1].id);
}

#[test]
fn variables_of_blocks_are_seen_inside_and_the_inner_one_wins() {
    let task =
        Content::new().tasks("- block:\n    - debug:\n      vars: { a: 2 }\n  vars: { a: 1, b: 1 }\n").task();
    assert_eq!(Value::map((*task.vars).clone()).repr(), "{'a': 2, 'b': 1}");
    assert!(task.include_vars.is_empty());
}

#[test]
fn an_import_gives_everything_to_what_it_imports() {
    let task = Content::new()
        .tasks("- import_tasks: more.yml\n  when: c\n  tags: t\n  become: true\n  vars: { a: 1 }\n")
        .file("more.yml", "- debug:\n  when: d\n")
        .task();
    assert_eq!(texts(&task.when), ["c", "d"]);
    assert_eq!(texts(&task.tags), ["t"]);
    assert_eq!(task.keywords.become_, Some(Value::from(true)));
    assert_eq!(task.vars.get("a"), Some(&Value::from(1)));
}

#[test]
fn module_defaults_go_by_canonical_names() {
    let task = Content::new()
        .tasks("- debug:\n  module_defaults:\n    ansible.builtin.copy: { mode: '0600' }\n    group/docker: { x: 1 }\n")
        .task();
    let keys: Vec<String> =
        task.keywords.module_defaults[0].as_map().unwrap().keys().map(Value::text).collect();
    assert_eq!(keys, ["copy", "group/docker"]);
}

#[test]
fn tags_are_rendered_when_read() {
    let task = Content::new()
        .site("- hosts: all\n  vars: { t: [one, two] }\n  tasks:\n    - debug:\n      tags: '{{ t }}'\n")
        .task();
    assert_eq!(texts(&task.tags), ["one", "two"]);
}

#[test]
fn an_imported_playbook_takes_variables_tags_and_conditions() {
    let content = Content::new()
        .site("- import_playbook: sub/other.yml\n  vars: { a: 1 }\n  tags: t\n  when: c\n")
        .file("sub/other.yml", "- hosts: web\n  vars: { a: 0, b: 0 }\n  tasks:\n    - debug:\n  handlers:\n    - name: h\n      debug:\n");
    let play = content.playbook().plays[0].clone();
    assert_eq!(Value::map((*play.vars).clone()).repr(), "{'a': 1, 'b': 0}");
    assert!(play.dir.ends_with("sub"));
    assert_eq!(texts(&play.import_conditions), ["c"]);
    let task = content.task();
    assert_eq!((texts(&task.when), texts(&task.tags)), (vec!["c".to_owned()], vec!["t".to_owned()]));
    assert!(play.handlers[0][0].when.is_empty());
}
