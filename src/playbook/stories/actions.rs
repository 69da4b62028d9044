//! All ways to write an action.

use shevek_value::Value;

use super::Content;
use crate::{LoopKind, Target};

/// The action as name, arguments and free form.
fn action(task: &str) -> (String, String, Option<String>) {
    let action = &Content::new().tasks(task).task().action;
    let args = Value::map((*action.args).clone()).repr();
    (action.resolved.to_string(), args, action.free_form.as_ref().map(Value::text))
}

#[test]
fn every_way_to_write_an_action_means_the_same() {
    let expected = ("copy".to_owned(), "{'src': 'a b', 'dest': 'c'}".to_owned(), None);
    for task in [
        "- copy: { src: a b, dest: c }",
        "- ansible.builtin.copy: src=\"a b\" dest=c",
        "- action: copy src=\"a b\" dest=c",
        "- copy:\n  args: { src: a b, dest: c }",
        "- ansible.legacy.copy: { dest: c }\n  args: { src: a b }",
        "- action: copy dest=c\n  args: { src: a b }",
    ] {
        assert_eq!(action(task), expected, "{task}");
    }
}

#[test]
fn a_command_line_keeps_its_words() {
    let (name, args, line) = action("- shell: echo a=b \"c  d\" | cat chdir=/tmp");
    assert_eq!((name.as_str(), args.as_str()), ("shell", "{'chdir': '/tmp'}"));
    assert_eq!(line.as_deref(), Some("echo a=b \"c  d\" | cat"));
}

#[test]
fn a_local_action_runs_on_localhost() {
    let task = Content::new().tasks("- local_action: command ls -l\n").task();
    assert_eq!(task.keywords.delegate_to, Some(Value::str("localhost")));
    assert_eq!(task.action.free_form, Some(Value::str("ls -l")));
}

#[test]
fn arguments_can_come_from_a_template() {
    let task = Content::new().tasks("- copy:\n  args: '{{ a }}'\n").task();
    assert!(task.action.variable_args.as_ref().unwrap().is_template());
    let task = Content::new().tasks("- copy: '{{ a }}'\n").task();
    assert_eq!(task.action.free_form, Some(Value::str("{{ a }}")));
    let task = Content::new().tasks("- action: '{{ a }} x=1'\n").task();
    assert_eq!((&task.action.target, &*task.action.resolved), (&Target::Template, "{{ a }}"));
}

#[test]
fn loops_of_both_kinds_are_told_apart() {
    let tasks = Content::new()
        .tasks("- debug:\n  loop: [1]\n- debug:\n  with_dict: '{{ d }}'\n- debug:\n  with_ns.coll.tree: x\n  loop_control: { loop_var: i }\n")
        .all();
    let kinds: Vec<LoopKind> = tasks.iter().map(|task| task.loop_.as_ref().unwrap().kind.clone()).collect();
    let with = |name: &str| LoopKind::With(name.into());
    assert_eq!(kinds, [LoopKind::Loop, with("dict"), with("ns.coll.tree")]);
    assert_eq!(tasks[2].loop_control.loop_var, Some(Value::str("i")));
}

#[test]
fn modules_in_python_are_found_and_named() {
    let content = Content::new()
        .site("- hosts: all\n  roles: [r]\n  tasks:\n    - mine:\n    - ns.coll.theirs:\n    - theirs:\n      collections: [ns.coll]\n    - of_role:\n")
        .file("library/mine.py", "")
        .file("roles/r/library/of_role.py", "")
        .file("installed/ansible_collections/ns/coll/plugins/modules/theirs.py", "");
    for (task, file) in content.all().iter().zip(["mine.py", "theirs.py", "theirs.py", "of_role.py"]) {
        match &task.action.target {
            Target::Foreign(path) => assert!(path.ends_with(file), "{path:?}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_module_of_the_community_package_is_for_the_run_to_complain_about() {
    let content = Content::new().tasks("- community.general.nmcli: { name: x }\n  when: never_true\n");
    assert_eq!(content.task().action.target, Target::Unsupported);
    let loaded = content.loader().playbook(&content.dir().join("site.yml")).unwrap();
    assert_eq!(loaded.warnings.iter().count(), 1);
}

#[test]
fn a_collection_that_is_nowhere_is_refused_before_anything_runs() {
    let content = Content::new().tasks("- acme.tools.hammer: { nail: x }\n  when: never_true\n");
    let problems = content.loader().playbook(&content.dir().join("site.yml")).unwrap_err();
    let problem = problems.iter().next().unwrap();
    assert_eq!(problem.detail, "couldn't resolve module/action 'acme.tools.hammer'");
    let installed = content.file("installed/ansible_collections/acme/tools/plugins/modules/hammer.py", "");
    assert!(matches!(installed.task().action.target, Target::Foreign(_)));
}

#[test]
fn a_module_that_an_installed_collection_has_not_is_refused_before_anything_runs() {
    for name in ["community.general.nothing", "npm"] {
        let tasks = format!("- {name}: {{ name: x }}\n  when: never_true\n");
        let installed = "installed/ansible_collections/community/general/plugins/modules/else.py";
        let content = Content::new().tasks(&tasks).file(installed, "");
        let problems = content.loader().playbook(&content.dir().join("site.yml")).unwrap_err();
        let problem = problems.iter().next().unwrap();
        assert_eq!(problem.detail, format!("couldn't resolve module/action '{name}'"));
    }
}

#[test]
fn a_collection_says_where_its_modules_went() {
    let runtime = "plugin_routing:\n  modules:\n    old: { redirect: ns.coll.mid }\n    mid: { redirect: ns.other.new }\n    gone: { redirect: community.docker.thing }\n    circle: { redirect: ns.coll.circle }\n";
    let content = Content::new()
        .tasks("- ns.coll.old:\n- ns.coll.gone:\n")
        .file("installed/ansible_collections/ns/coll/meta/runtime.yml", runtime)
        .file("installed/ansible_collections/ns/other/plugins/modules/new.py", "");
    let tasks = content.all();
    assert_eq!(&*tasks[0].action.resolved, "ns.other.new");
    assert!(matches!(&tasks[0].action.target, Target::Foreign(path) if path.ends_with("new.py")));
    let gone = &tasks[1].action;
    assert_eq!((&*gone.resolved, &gone.target), ("community.docker.thing", &Target::Unsupported));
    let content = content.tasks("- ns.coll.circle:\n");
    assert!(content.loader().playbook(&content.dir().join("site.yml")).is_err());
}

#[test]
fn a_module_that_its_collection_has_no_more_is_refused() {
    for name in ["ec2", "community.docker.docker_compose"] {
        let content = Content::new().tasks(&format!("- {name}: {{ name: x }}\n"));
        let problems = content.loader().playbook(&content.dir().join("site.yml")).unwrap_err();
        let problem = problems.iter().next().unwrap();
        assert_eq!(problem.detail, format!("couldn't resolve module/action '{name}'"));
        assert!(problem.help[0].starts_with("it was removed from "), "{:?}", problem.help);
    }
}

#[test]
fn short_names_of_old_lead_to_the_collections_that_have_them_now() {
    let content = Content::new()
        .tasks("- npm: { name: x }\n  when: c\n- zypper: { name: x }\n")
        .file("installed/ansible_collections/ns/coll/plugins/modules/zypper.py", "");
    let tasks = content.all();
    for (task, name) in tasks.iter().zip(["community.general.npm", "community.general.zypper"]) {
        assert_eq!((&*task.action.resolved, &task.action.target), (name, &Target::Unsupported));
    }
    let content = content.tasks("- zypper: { name: x }\n");
    let content =
        content.file("installed/ansible_collections/community/general/plugins/modules/zypper.py", "");
    assert!(matches!(content.task().action.target, Target::Foreign(_)));
}

#[test]
fn plugins_in_python_are_told_of_before_anything_runs() {
    let content = Content::new()
        .tasks("- import_role: { name: web }\n")
        .file("filter_plugins/shout.py", "")
        .file("filter_plugins/__init__.py", "")
        .file("filter_plugins/README.md", "")
        .file("roles/web/lookup_plugins/find.py", "")
        .file("roles/web/tasks/main.yml", "- debug:\n")
        .file("roles/other/test_plugins/unused.py", "");
    let loaded = content.loader().playbook(&content.dir().join("site.yml")).unwrap();
    let folder = format!("{}/", content.dir().display());
    let warnings: Vec<String> =
        loaded.warnings.iter().map(|warning| warning.message().replace(&folder, "")).collect();
    assert_eq!(
        warnings,
        [
            "plugins that are written in Python are not run: a task that needs one of these fails when its turn comes: \
          filter_plugins/shout.py, roles/web/lookup_plugins/find.py"
        ]
    );
}
