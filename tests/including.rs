//! Includes: what goes wrong with them, duplicates, and for whom they count.

use crate::lab::Lab;

#[test]
fn content_that_is_wrong_ends_the_run_though_there_is_a_rescue() {
    let lab = Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - block:
        - include_tasks: wrong.yml
      rescue:
        - debug: { msg: not reached }
"#,
        )
        .file("wrong.yml", "- name: nameless\n  include_tasks:\n");
    lab.run([]).exit(4).says("No file specified for include_tasks").hides("not reached");
    let lab = lab.file("wrong.yml", "- nobody.knows.this: { a: b }\n");
    lab.run([]).exit(4).says("couldn't resolve module/action 'nobody.knows.this'").hides("not reached");
}

#[test]
fn what_is_missing_is_the_hosts_failure_and_can_be_rescued() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - block:
        - include_tasks: "{{ item }}"
          loop: [a.yml, b.yml]
      rescue:
        - debug: { msg: rescued }
"#,
    );
    // Ansible counts them as failed all the same.
    lab.run([])
        .exit(0)
        .says("Could not find or access 'a.yml'")
        .says("rescued")
        .recap("web1", "ok=1 failed=2");
}

#[test]
fn a_role_without_duplicates_runs_once_however_it_is_brought_in() {
    for how in ["include_role", "import_role"] {
        let lab = Lab::local()
            .playbook(&format!(
                r#"
- hosts: all
  gather_facts: false
  tasks:
    - {how}: {{ name: once, allow_duplicates: false }}
    - {how}: {{ name: once }}
    - {how}: {{ name: once, allow_duplicates: false }}
"#
            ))
            .file("roles/once/tasks/main.yml", "- debug: { msg: the role ran }\n");
        let run = lab.run([]).exit(0);
        assert_eq!(run.stdout().matches("the role ran").count(), 2, "{how}: {}", run.stdout());
    }
}

#[test]
fn what_runs_once_counts_for_hosts_that_never_came_to_it() {
    let lab = Lab::local().inventory("web1\nweb2").playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - include_tasks: { file: once.yml, apply: { run_once: true } }
      run_once: true
    - assert: { that: [known == 'yes', said.stdout == 'x'] }
"#,
    );
    let lab = lab.file("once.yml", "- set_fact: { known: 'yes' }\n- command: echo x\n  register: said\n");
    lab.run([]).exit(0).recap("web2", "ok=1");
}
