//! Includes while a run goes on.

use shevek_value::{Map, Value};

use super::Content;
use crate::Item;

fn map(name: &str, value: &str) -> Map {
    [(Value::str(name), Value::str(value))].into_iter().collect()
}

#[test]
fn included_tasks_inherit_from_around_the_include_and_from_apply() {
    let content = Content::new()
        .tasks(
            "- block:\n    - include_tasks:\n        file: sub/more.yml\n        apply: { tags: applied, become: true }\n      when: of_include\n      tags: of_include\n      vars: { a: 1 }\n  when: of_block\n",
        )
        .file("sub/more.yml", "- debug:\n  when: own\n- include_tasks: deeper.yml\n")
        .file("sub/deeper.yml", "- name: deep\n  debug:\n");
    let loader = content.loader();
    let site = loader.playbook(&content.dir().join("site.yml")).unwrap().value;
    let mut tasks = Vec::new();
    site.plays[0].tasks[0].each_task(&mut |task| tasks.push(task.clone()));
    let included = loader.include_tasks(&tasks[0], "sub/more.yml", &map("item", "x")).unwrap().value;
    let Item::Task(task) = &included.items[0] else { panic!() };
    let texts = |values: &[Value]| values.iter().map(Value::text).collect::<Vec<_>>();
    assert_eq!(texts(&task.when), ["of_block", "own"]);
    assert_eq!(texts(&task.tags), ["applied"]);
    assert_eq!(task.keywords.become_, Some(Value::from(true)));
    assert_eq!(Value::map((*task.vars).clone()).repr(), "{'a': 1, 'item': 'x'}");
    assert_eq!(task.vars, task.include_vars);
    assert!(task.id > tasks[0].id);

    // A file is found beside the one that includes it.
    let Item::Task(inner) = &included.items[1] else { panic!() };
    let deeper = loader.include_tasks(inner, "deeper.yml", &Map::default()).unwrap().value;
    assert!(deeper.path.ends_with("sub/deeper.yml"));
    assert!(loader.include_tasks(inner, "gone.yml", &Map::default()).is_err());
}

#[test]
fn files_beside_a_main_file_in_a_folder_of_tasks_are_found() {
    // As the CIS roles of ansible-lockdown have theirs: `section_1` looks like a role, and is none.
    let content = Content::new()
        .file("roles/cis/tasks/main.yml", "- import_tasks: { file: section_1/main.yml }\n")
        .file("roles/cis/tasks/section_1/main.yml", "- import_tasks: { file: cis_1.1.yml }\n")
        .file("roles/cis/tasks/section_1/cis_1.1.yml", "- name: found\n  debug:\n")
        .site("- hosts: all\n  roles: [cis]\n");
    assert_eq!(content.titles(), ["cis : found"]);
}

#[test]
fn an_included_role_sees_the_role_it_is_included_from() {
    let content = Content::new()
        .site("- hosts: all\n  roles: [{ role: outer, p: 1 }]\n")
        .file("roles/outer/tasks/main.yml", "- include_role: { name: inner }\n  vars: { x: 1 }\n")
        .file("roles/outer/defaults/main.yml", "o: 1\n")
        .file("roles/inner/tasks/main.yml", "- name: t\n  debug:\n- include_tasks: more.yml\n")
        .file("roles/inner/tasks/more.yml", "- debug:\n")
        .file("roles/inner/handlers/main.yml", "- { name: h, debug: }\n");
    let loader = content.loader();
    let site = loader.playbook(&content.dir().join("site.yml")).unwrap().value;
    let mut tasks = Vec::new();
    site.plays[0].role_tasks[0].each_task(&mut |task| tasks.push(task.clone()));
    let args = map("name", "inner");
    let included = loader.include_role(&tasks[0], &args, &Map::default()).unwrap().value;
    let role = included.role.unwrap();
    assert_eq!(Value::map((*role.defaults).clone()).repr(), "{'o': 1}");
    assert_eq!(Value::map((*role.params).clone()).repr(), "{'p': 1}");
    assert!(!role.is_public && role.is_included);
    assert_eq!(included.handlers[0][0].title(), "inner : h");
    let Item::Task(task) = &included.items[0] else { panic!() };
    assert_eq!(task.include_vars.get("ansible_parent_role_names").unwrap().repr(), "['outer']");
    assert_eq!(task.vars.get("x"), Some(&Value::from(1)));
    let Item::Task(more) = &included.items[1] else { panic!() };
    let more = loader.include_tasks(more, "more.yml", &Map::default()).unwrap().value;
    assert!(more.path.ends_with("roles/inner/tasks/more.yml"));
}

#[test]
fn what_is_wrong_in_an_included_file_is_said_with_its_place() {
    let content =
        Content::new().tasks("- include_tasks: bad.yml\n").file("bad.yml", "- shel: x\n- debug:\n  foo: 1\n");
    let problems = content.loader().include_tasks(&content.task(), "bad.yml", &Map::default()).unwrap_err();
    let lines: Vec<String> = problems.iter().map(|problem| super::shown(problem, content.dir())).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("@bad.yml:1:3") && lines[1].contains("@bad.yml:3:3"), "{lines:?}");
}

#[test]
fn imports_are_found_by_rendered_names_and_beside_each_other() {
    let content = Content::new()
        .site("- hosts: all\n  vars: { kind: web }\n  vars_files: [v.yml]\n  tasks:\n    - import_tasks: '{{ kind }}/main.yml'\n    - import_tasks: '{{ of_file }}.yml'\n    - import_tasks: '{{ extra }}.yml'\n")
        .file("v.yml", "of_file: two\n")
        .file("web/main.yml", "- import_tasks: next.yml\n")
        .file("web/next.yml", "- { name: one, debug: }\n")
        .file("two.yml", "- { name: two, debug: }\n")
        .file("three.yml", "- { name: three, debug: }\n")
        .extra("extra", "three");
    assert_eq!(content.titles(), ["one", "two", "three"]);
}

/// A role of sections: each is a folder below `tasks` with a `main.yml` that names the files beside it.
#[test]
fn imports_are_found_beside_each_other_in_folders_below_a_role_s_tasks() {
    let content = Content::new()
        .site("- hosts: all\n  roles: [hardened]\n")
        .file("roles/hardened/tasks/main.yml", "- import_tasks: { file: section_1/main.yml }\n")
        .file("roles/hardened/tasks/section_1/main.yml", "- import_tasks: { file: first.yml }\n")
        .file("roles/hardened/tasks/section_1/first.yml", "- { name: one, debug: }\n");
    assert_eq!(content.titles(), ["hardened : one"]);
}

#[test]
fn variables_come_from_files_of_many_names() {
    let content =
        Content::new().file("vars/a.yml", "x: 1\n").file("b.json", "{\"y\": 2}").file("list.yml", "- 1\n");
    let loader = content.loader();
    let path = loader.vars_file(content.dir(), "a.yml").unwrap();
    assert!(path.ends_with("vars/a.yml"));
    assert_eq!(loader.variables(&path).unwrap().get("x"), Some(&Value::from(1)));
    let path = loader.vars_file(content.dir(), "b.json").unwrap();
    assert_eq!(loader.variables(&path).unwrap().get("y"), Some(&Value::from(2)));
    assert!(loader.variables(&content.dir().join("list.yml")).is_err());
    assert_eq!(loader.vars_file(content.dir(), "c.yml"), None);
}
