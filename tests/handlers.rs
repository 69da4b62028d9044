//! Handlers: once, at the end, in the order of definition, by name and by topic.

use crate::lab::Lab;

#[test]
fn a_handler_runs_once_however_often_it_is_notified() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - copy: { content: one, dest: "{{ root }}/one" }
      notify: [second, first]
    - copy: { content: two, dest: "{{ root }}/two" }
      notify: first
    - copy: { content: three, dest: "{{ root }}/three" }
      notify: everyone
  handlers:
    - name: first
      debug: { msg: handler number 1 }
    - name: second
      debug: { msg: handler number 2 }
    - name: third
      listen: everyone
      debug: { msg: handler number 3 }
"#,
    );
    let run = lab.run([]).exit(0).recap("web1", "ok=6 changed=3");
    let order: Vec<&str> =
        run.stdout().lines().filter(|l| l.contains("handler number")).map(str::trim).collect();
    assert_eq!(
        order,
        [r#""msg": "handler number 1""#, r#""msg": "handler number 2""#, r#""msg": "handler number 3""#]
    );
    lab.run([]).exit(0).hides("handler number").recap("web1", "ok=3 changed=0").untouched("web1");
}

#[test]
fn flushed_handlers_run_in_the_middle() {
    let run = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: "true"
      notify: mark
    - meta: flush_handlers
    - debug: { msg: after the flush }
  handlers:
    - name: mark
      debug: { msg: flushed }
"#,
    );
    let run = run.run([]).exit(0).recap("web1", "ok=3 changed=1");
    let text = run.stdout();
    assert!(text.find("flushed").unwrap() < text.find("after the flush").unwrap(), "{text}");
}

#[test]
fn a_failed_host_runs_its_handlers_only_when_forced() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: "true"
      notify: mark
    - fail: { msg: on purpose }
  handlers:
    - name: mark
      debug: { msg: handled }
"#,
    );
    lab.run([]).exit(2).hides("handled");
    lab.run(["--force-handlers"]).exit(2).says("handled");
}

#[test]
fn notifying_nobody_is_an_error_with_its_name() {
    Lab::local()
        .playbook(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: 'true'\n      notify: ghost\n",
        )
        .run([])
        .says("ghost")
        .says("handler");
}

/// They were passed over with the other tasks of a role that had run.
#[test]
fn the_handlers_of_a_role_run_though_the_role_is_done() {
    let lab = Lab::local()
        .file("roles/site/tasks/main.yml", "- include_tasks: write.yml\n")
        .file("roles/site/tasks/write.yml", "- copy: { content: one, dest: \"{{ root }}/one\" }\n  notify: tell\n")
        .file("roles/site/tasks/told.yml", "- debug: { msg: the role was told }\n")
        .file("roles/site/handlers/main.yml", "- name: tell\n  include_tasks: told.yml\n")
        .playbook("- hosts: all\n  gather_facts: false\n  roles: [site]\n  tasks:\n    - debug: { msg: after the role }\n");
    lab.run([]).exit(0).says("the role was told").recap("web1", "ok=5 changed=1");
    lab.run([]).exit(0).hides("the role was told").recap("web1", "ok=3 changed=0");
}

#[test]
fn the_first_of_a_list_and_the_last_list_win() {
    let lab = Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  roles: [other]
  tasks:
    - command: "true"
      notify: same
  handlers:
    - name: same
      debug: { msg: first of the play }
    - name: same
      debug: { msg: second of the play }
    - name: "{{ nowhere }}"
      debug:
"#,
        )
        .file("roles/other/handlers/main.yml", "- name: same\n  debug: { msg: of the role }\n")
        .file("roles/other/tasks/main.yml", "[]\n");
    let run = lab.run([]).exit(0).says("first of the play").hides("second of the play").hides("of the role");
    run.recap("web1", "ok=2");
}

#[test]
fn a_handler_whose_name_needs_what_is_not_there_is_named() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: "true"
      notify: known
  handlers:
    - name: "{{ nowhere }}"
      debug:
    - name: known
      debug:
"#,
    );
    lab.run([]).exit(0).says("Handler '{{ nowhere }}' is unusable because it has no listen topics");
}
