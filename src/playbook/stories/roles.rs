//! Roles: where they are found, what they bring, what they see.

use shevek_value::{Map, Value};

use super::Content;

fn repr(map: &Map) -> String {
    Value::map(map.clone()).repr()
}

#[test]
fn dependencies_come_first_then_the_role_then_tasks() {
    let content = Content::new()
        .site("- hosts: all\n  pre_tasks: [{ debug: , name: pre }]\n  roles: [web]\n  tasks: [{ debug: , name: own }]\n  post_tasks: [{ debug: , name: post }]\n")
        .file("roles/web/meta/main.yml", "dependencies:\n  - role: base\n    p: 1\n")
        .file("roles/web/tasks/main.yml", "- name: serve\n  debug:\n")
        .file("more-roles/base/tasks/main.yaml", "- debug:\n");
    assert_eq!(content.titles(), ["pre", "base : debug", "web : serve", "own", "post"]);
    let play = content.playbook().plays[0].clone();
    let mut words = Vec::new();
    for item in play.sections(crate::Handlers::WhenGood) {
        item.each_task(&mut |task| words.extend(task.meta().map(str::to_owned)));
    }
    assert_eq!(
        words,
        ["flush_handlers", "role_complete", "role_complete", "flush_handlers", "flush_handlers"]
    );
}

#[test]
fn forced_handlers_run_at_the_end_of_each_section_in_any_case() {
    let content = Content::new().site("- hosts: all\n  tasks: [{ debug: }]\n");
    let sections = content.playbook().plays[0].sections(crate::Handlers::Forced);
    assert_eq!(sections.len(), 3);
    for section in sections {
        match section {
            crate::Item::Block(block) => assert_eq!(block.always.len(), 1),
            crate::Item::Task(task) => panic!("{task:?}"),
        }
    }
}

#[test]
fn a_role_that_is_a_link_is_where_it_leads() {
    let content = Content::new()
        .site("- hosts: all\n  roles: [web]\n")
        .file("shared/web/tasks/main.yml", "- debug:\n")
        .file("roles/README", "");
    let folder = content.dir().canonicalize().unwrap();
    std::os::unix::fs::symlink(folder.join("shared/web"), folder.join("roles/web")).unwrap();
    assert_eq!(content.all()[0].role.as_ref().unwrap().path, folder.join("shared/web"));
}

#[test]
fn a_roles_tasks_see_variables_of_parents_and_dependencies() {
    let content = Content::new()
        .site("- hosts: all\n  roles:\n    - role: web\n      p: 80\n      vars: { v: use }\n      tags: t\n      when: c\n")
        .file("roles/web/meta/main.yml", "dependencies:\n  - { role: base, size: 1 }\n")
        .file("roles/web/defaults/main.yml", "d: web\nw: web\n")
        .file("roles/web/vars/main.yml", "v: web\n")
        .file("roles/web/tasks/main.yml", "- debug:\n")
        .file("roles/base/defaults/main.yml", "d: base\nb: base\n")
        .file("roles/base/vars/main/one.yml", "v: base\n")
        .file("roles/base/vars/main/two.yml", "x: base\n")
        .file("roles/base/tasks/main.yml", "- debug:\n");
    let tasks = content.all();
    let (base, web) = (tasks[0].role.as_ref().unwrap(), tasks[1].role.as_ref().unwrap());
    assert_eq!(repr(&base.defaults), "{'d': 'base', 'w': 'web', 'b': 'base'}");
    assert_eq!(repr(&base.vars), "{'v': 'base', 'x': 'base'}");
    assert_eq!(repr(&base.params), "{'p': 80, 'size': 1}");
    assert_eq!(repr(&web.defaults), "{'d': 'web', 'b': 'base', 'w': 'web'}");
    assert_eq!(repr(&web.vars), "{'v': 'use', 'x': 'base'}");
    assert_eq!(repr(&web.public_vars), "{'v': 'web', 'x': 'base'}");
    assert_eq!(repr(&web.params), "{'p': 80}");
    for task in &tasks {
        assert_eq!((task.when.len(), task.tags.len()), (1, 1));
    }
    assert_eq!(tasks[0].search_path().len(), 3);
}

#[test]
fn the_same_use_of_a_role_has_the_same_key() {
    let content = Content::new()
        .site("- hosts: all\n  roles: [a, a, { role: a, x: 1 }]\n")
        .file("roles/a/tasks/main.yml", "- debug:\n");
    let keys: Vec<_> = content.all().iter().map(|task| task.role.as_ref().unwrap().key.clone()).collect();
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], keys[2]);
}

#[test]
fn a_role_that_is_nowhere_is_looked_for_in_all_places() {
    let wrong = Content::new().site("- hosts: all\n  roles: [wep]\n").file("roles/web/x", "").wrong();
    assert!(wrong[0].starts_with("role not found: the role 'wep' was not found in "), "{wrong:?}");
    assert!(
        wrong[0].contains("more-roles") && wrong[0].ends_with("@site.yml:2:11 [did you mean `web`?]"),
        "{wrong:?}"
    );
}

#[test]
fn roles_of_collections_go_by_their_full_names() {
    let coll = "installed/ansible_collections/ns/coll";
    let content = Content::new()
        .site("- hosts: all\n  collections: [ns.coll]\n  roles: [ns.coll.one, two]\n")
        .file(&format!("{coll}/roles/one/tasks/main.yml"), "- own:\n")
        .file(&format!("{coll}/roles/two/tasks/main.yml"), "- name: n\n  debug:\n")
        .file(&format!("{coll}/plugins/modules/own.py"), "");
    assert_eq!(content.titles(), ["ns.coll.one : own", "ns.coll.two : n"]);
}

#[test]
fn imports_of_roles_take_other_files_and_show_their_variables() {
    let content = Content::new()
        .tasks("- import_role: { name: r, tasks_from: other, vars_from: other.yml }\n  vars: { own: 1 }\n  tags: t\n- debug:\n")
        .file("roles/r/tasks/other.yml", "- name: o\n  debug:\n")
        .file("roles/r/vars/other.yml", "v: 1\n")
        .file("roles/r/handlers/main.yml", "- name: h\n  listen: [l]\n  debug:\n");
    let tasks = content.all();
    assert_eq!(tasks[0].title(), "r : o");
    assert_eq!(tasks[0].tags.len(), 1);
    assert_eq!(repr(&tasks[0].role.as_ref().unwrap().vars), "{'own': 1, 'v': 1}");
    let play = content.playbook().plays[0].clone();
    assert_eq!(play.handlers[0][0].title(), "r : h");
    assert_eq!(play.handlers[0][0].listen.iter().map(|name| &**name).collect::<Vec<_>>(), ["l", "r : l"]);
    assert!(play.roles[0].is_public && play.roles[0].meta.allow_duplicates);
    let wrong = Content::new()
        .tasks("- import_role: { name: r, tasks_from: gone }\n")
        .file("roles/r/tasks/main.yml", "[]")
        .wrong();
    assert!(wrong[0].contains("Could not find specified file in role: tasks/gone"), "{wrong:?}");
}

#[test]
fn an_argument_specification_is_checked_first() {
    let content = Content::new()
        .site("- hosts: all\n  roles: [{ role: r, p: 1 }]\n")
        .file(
            "roles/r/meta/argument_specs.yml",
            "argument_specs:\n  main:\n    short_description: Sets up\n    options: { p: { type: int } }\n",
        )
        .file("roles/r/tasks/main.yml", "- debug:\n");
    let task = content.all()[0].clone();
    assert_eq!(task.title(), "r : Validating arguments against arg spec 'main' - Sets up");
    assert_eq!(&*task.action.resolved, "validate_argument_spec");
    assert_eq!(task.action.args.get("provided_arguments").unwrap().repr(), "{'p': 1}");
    assert_eq!(task.tags[0], "always");
}

#[test]
fn handlers_come_in_ansibles_order() {
    let content = Content::new()
        .site("- hosts: all\n  roles: [a]\n  tasks:\n    - import_role: { name: b }\n  handlers:\n    - { name: h, debug: }\n    - import_tasks: more.yml\n")
        .file("more.yml", "- { name: more, debug: }\n")
        .file("roles/a/handlers/main.yml", "- { name: h, debug: }\n")
        .file("roles/b/handlers/main.yml", "- { name: h, debug: }\n");
    let play = content.playbook().plays[0].clone();
    let titles: Vec<String> =
        play.handlers.iter().flat_map(|list| list.iter()).map(|task| task.title()).collect();
    assert_eq!(titles, ["a : h", "h", "more", "b : h"]);
    assert!(play.handlers.iter().flat_map(|list| list.iter()).all(|task| task.is_handler));
}
