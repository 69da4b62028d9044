//! Who does what when: delegation, run_once, serial, several plays.

use crate::lab::Lab;

#[test]
fn serial_takes_batches_and_run_once_takes_the_first_of_each() {
    let lab = Lab::local().inventory("web1\nweb2\nweb3\n").playbook(
        r#"
- hosts: all
  gather_facts: false
  serial: 2
  tasks:
    - debug: { msg: "batch {{ ansible_play_batch | join('+') }}" }
      run_once: true
    - debug: { msg: done }
"#,
    );
    let run = lab
        .run([])
        .exit(0)
        .says("batch web1+web2")
        .says("batch web3")
        .recap("web1", "ok=2")
        .recap("web2", "ok=1")
        .recap("web3", "ok=2");
    assert_eq!(run.stdout().matches("batch ").count(), 2, "{}", run.text());
}

#[test]
fn a_delegated_task_works_over_there_with_the_variables_from_here() {
    let lab = Lab::local().inventory("web1 colour=red\nweb2 colour=blue\n").playbook(
        r#"
- hosts: web1
  gather_facts: false
  tasks:
    - copy: { content: "{{ colour }} for {{ inventory_hostname }}\n", dest: "{{ hostvars['web2'].root }}/note" }
      delegate_to: web2
"#,
    );
    lab.run([])
        .exit(0)
        .says("web1 -> web2")
        .recap("web1", "changed=1")
        .untouched("web1")
        .touched("web2", "+ note");
    assert_eq!(std::fs::read_to_string(lab.root("web2").join("note")).unwrap(), "red for web1\n");
}

#[test]
fn a_serial_play_that_fails_does_not_go_on_to_the_next_batch() {
    Lab::local()
        .inventory("web1\nweb2\nweb3\n")
        .playbook("- hosts: all\n  gather_facts: false\n  serial: 1\n  tasks:\n    - fail: { msg: no }\n      when: inventory_hostname == 'web2'\n")
        .run([])
        .exit(2)
        .recap("web1", "skipped=1")
        .recap("web2", "failed=1")
        .hides("web3 ");
}

#[test]
fn included_tasks_and_imported_plays_are_run_in_place() {
    let lab = Lab::local()
        .file(
            "more.yml",
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: { msg: imported play }\n",
        )
        .file("tasks.yml", "- debug: { msg: \"included for {{ who }}\" }\n")
        .playbook(
            r#"
- import_playbook: more.yml
- hosts: all
  gather_facts: false
  tasks:
    - include_tasks: tasks.yml
      loop: [ann, bob]
      loop_control: { loop_var: who }
    - import_tasks: tasks.yml
      vars: { who: import }
"#,
        );
    lab.run([])
        .exit(0)
        .says("imported play")
        .says("included for ann")
        .says("included for bob")
        .says("included for import")
        .recap("web1", "ok=6");
}
