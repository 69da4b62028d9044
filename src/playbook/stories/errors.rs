//! What is wrong with content, and where.

use super::Content;

#[test]
fn all_that_is_wrong_is_said_at_once_with_its_place() {
    let content = Content::new().site(
        "- hosts: all\n  taskz: []\n  tasks:\n    - debug: msg=x\n      whn: y\n    - shel: ls\n    - name: nothing\n    - debug:\n      loop: [1]\n      with_items: [2]\n",
    );
    let wrong = content.wrong();
    assert_eq!(wrong.len(), 5, "{wrong:#?}");
    assert_eq!(
        wrong[0],
        "unknown keyword: 'taskz' is not a valid attribute for a Play @site.yml:2:3 [did you mean `tasks`?]"
    );
    assert!(
        wrong[1].starts_with("unknown keyword: conflicting action statements: debug, whn @site.yml:5:7"),
        "{}",
        wrong[1]
    );
    assert!(wrong[1].contains("did you mean `when`?"), "{}", wrong[1]);
    assert!(
        wrong[2].starts_with("unknown module or action: couldn't resolve module/action 'shel' @site.yml:6:7")
    );
    assert!(wrong[2].contains("did you mean `shell`?"));
    assert!(
        wrong[3].starts_with("a task without an action: no module/action detected in task. @site.yml:7:7")
    );
    assert!(wrong[4].starts_with("a task with two loops: duplicate loop in task: items @site.yml:10:7"));
}

#[test]
fn options_are_checked_where_the_task_surely_has_its_turn() {
    let wrong = Content::new().tasks("- group: { nam: x, gid: many }\n").wrong();
    assert_eq!(wrong.len(), 3, "{wrong:#?}");
    assert!(
        wrong[0].starts_with("an option is missing: missing required arguments: name @site.yml:3:7"),
        "{}",
        wrong[0]
    );
    assert!(wrong[1].contains("gid") && wrong[1].contains("@site.yml:3:29"), "{}", wrong[1]);
    assert!(wrong[2].contains("nam") && wrong[2].contains("[did you mean `name`?]"), "{}", wrong[2]);
    for handled in [
        "- group: { nam: x }\n  ignore_errors: true\n",
        "- group: { nam: x }\n  when: c\n",
        "- group: { nam: x }\n  tags: never\n",
        "- debug:\n  when: a ==\n  ignore_errors: true\n",
        "- block:\n    - debug:\n      when: a ==\n  ignore_errors: true\n",
        "- block:\n    - group: { nam: x }\n  rescue:\n    - debug:\n",
        "- group: '{{ all }}'\n",
        "- group: { name: '{{ x }}', gid: '{{ y }}' }\n",
    ] {
        Content::new().tasks(handled).all();
    }
}

#[test]
fn templates_and_conditions_that_cannot_be_parsed_are_found() {
    let wrong = Content::new().tasks("- debug: { msg: '{{ x' }\n- debug:\n  until: a ==\n").wrong();
    assert_eq!(wrong, ["template syntax @site.yml:3:21", "condition syntax @site.yml:5:14"]);
}

#[test]
fn a_block_needs_tasks_and_handlers_no_blocks() {
    let wrong = Content::new().tasks("- rescue:\n    - debug:\n").wrong();
    assert!(wrong[0].contains("'rescue' keyword cannot be used without 'block'"), "{wrong:?}");
    let site =
        "- hosts: all\n  handlers:\n    - block:\n        - debug:\n        - block:\n            - debug:\n";
    let wrong = Content::new().site(site).wrong();
    assert!(wrong[0].contains("Using a block as a handler is not supported."), "{wrong:?}");
}

#[test]
fn an_include_says_which_keywords_would_do_nothing() {
    let wrong = Content::new().tasks("- include_tasks: x.yml\n  become: true\n").wrong();
    assert!(
        wrong[0].contains("'become' is not a valid attribute for a TaskInclude @site.yml:4:7"),
        "{wrong:?}"
    );
    assert!(wrong[0].contains("under `apply`"), "{wrong:?}");
    let wrong = Content::new().tasks("- include: x.yml\n").wrong();
    assert!(wrong[0].contains("`include` is gone"), "{wrong:?}");
}

#[test]
fn unknown_keywords_can_be_let_go() {
    let content =
        Content::new().tasks("- debug:\n  with_nothing: 1\n  listen: x\n").ignoring_unknown_keywords();
    let wrong = content.wrong();
    assert_eq!(wrong.iter().filter(|line| line.contains("listen")).count(), 1);
    assert!(Content::new().tasks("- debug:\n  listen: x\n").ignoring_unknown_keywords().read().is_ok());
    assert!(Content::new().tasks("- debug:\n  listen: x\n").read().is_err());
}

#[test]
fn playbooks_that_are_none_are_told_from_each_other() {
    for (text, expected) in [
        ("", "Empty playbook, nothing to do"),
        ("[]", "A playbook must contain at least one play"),
        ("a: 1", "A playbook must be a list of plays"),
        ("- x", "playbook entries must be either valid plays"),
        ("- tasks: []", "The field 'hosts' is required"),
        ("- hosts: []", "Hosts list cannot be empty"),
        ("- hosts: [a, null]", "cannot contain values of 'None'"),
        ("- hosts: all\n  tasks: 5", "tasks must be a list"),
    ] {
        let wrong = Content::new().site(text).wrong();
        assert!(wrong[0].contains(expected), "{text:?}: {wrong:?}");
    }
}

#[test]
fn what_is_imported_must_be_there_and_known() {
    let wrong = Content::new().tasks("- import_tasks: gone.yml\n- import_tasks: '{{ x }}.yml'\n").wrong();
    assert!(wrong[0].contains("gone.yml") && wrong[0].contains("@site.yml:3:21"), "{wrong:?}");
    assert!(wrong[1].contains("'x' is undefined") && wrong[1].contains("include_tasks"), "{wrong:?}");
}

#[test]
fn files_that_import_each_other_come_to_an_end() {
    let wrong =
        Content::new().tasks("- import_tasks: a.yml\n").file("a.yml", "- import_tasks: a.yml\n").wrong();
    assert!(wrong[0].starts_with("files import each other without end"), "{wrong:?}");
    let wrong = Content::new()
        .site("- hosts: all\n  roles: [a]\n")
        .file("roles/a/meta/main.yml", "dependencies: [b]")
        .file("roles/b/meta/main.yml", "dependencies: [a]")
        .wrong();
    assert!(wrong[0].contains("recursion loop"), "{wrong:?}");
}
