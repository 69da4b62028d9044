//! Check mode: it says what a run would do, sees its own plan, and touches nothing.

use crate::lab::Lab;

const SITE: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - file: { path: "{{ root }}/site/conf", state: directory, mode: "0755" }
    - copy: { content: "port = 80\n", dest: "{{ root }}/site/conf/main", mode: "0644", force: false }
    - lineinfile: { path: "{{ root }}/site/conf/main", line: "user = www" }
    - file: { src: main, dest: "{{ root }}/site/conf/current", state: link }
    - file: { path: "{{ root }}/old", state: absent }
"#;

/// Ansible fails here: the line goes into a file, and the link to one, that the check run has not made.
#[test]
fn a_check_on_an_empty_host_goes_through_because_it_sees_its_own_plan() {
    let lab = Lab::local().host_file("web1", "old", "gone soon\n").playbook(SITE);
    lab.run(["--check", "--diff"])
        .exit(0)
        .says("+port = 80")
        .says("+user = www")
        .recap("web1", "ok=5 changed=5 failed=0")
        .untouched("web1");
}

#[test]
fn a_check_promises_what_the_run_then_does() {
    let lab = Lab::local().host_file("web1", "old", "gone soon\n").playbook(SITE);
    lab.run(["--check"]).exit(0).recap("web1", "ok=5 changed=5").untouched("web1");
    lab.run([])
        .exit(0)
        .recap("web1", "ok=5 changed=5")
        .touched("web1", "- old\n+ site\n+ site/conf\n+ site/conf/current\n+ site/conf/main");
    lab.run(["--check"]).exit(0).recap("web1", "ok=5 changed=0").untouched("web1");
    lab.run([]).exit(0).recap("web1", "ok=5 changed=0").untouched("web1");
}

#[test]
fn commands_are_not_run_in_check_mode_unless_they_say_that_they_may() {
    Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: touch {{ root }}/made
    - command: echo read only
      check_mode: false
      changed_when: false
      register: said
    - command: touch {{ root }}/other
      args: { creates: "{{ root }}/other" }
    - assert: { that: [said.stdout == 'read only', ansible_check_mode] }
"#,
        )
        .run(["--check"])
        .exit(0)
        .untouched("web1");
}
