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

/// Tasks around it do real work, so a task that is checked alone supposes nothing of others; the items of its loop go together.
#[test]
fn a_task_that_is_checked_in_a_real_run_sees_what_its_own_items_suppose() {
    let check = "lineinfile: { path: \"{{ root }}/file\", line: one, create: true }\n      check_mode: true";
    let lab = Lab::local().playbook(&format!(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - {check}\n      loop: [1, 2, 3]\n      register: looped\n    \
         - debug: {{ msg: \"{{{{ looped.results | map(attribute='changed') }}}}\" }}\n    \
         - {check}\n    - copy: {{ content: \"one\\n\", dest: \"{{{{ root }}}}/file\" }}\n    - {check}\n"
    ));
    lab.run([]).exit(0).says("true,\n        false,\n        false").recap("web1", "ok=5 changed=3");
}

/// tar cannot look into a folder that is only planned, nor can any other program.
#[test]
fn an_archive_goes_into_a_folder_that_is_only_planned() {
    let lab = Lab::local().host_file("web1", "packed/file", "content\n").playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - community.general.archive: { path: "{{ root }}/packed", dest: "{{ root }}/packed.tgz" }
      tags: [pack]
    - file: { path: "{{ root }}/new", state: directory }
    - unarchive: { src: "{{ root }}/packed.tgz", dest: "{{ root }}/new", remote_src: true }
"#,
    );
    lab.run(["--tags", "pack"]).exit(0);
    lab.run(["--check"]).exit(0).recap("web1", "ok=3 changed=2 failed=0");
    lab.run([]).exit(0).recap("web1", "ok=3 changed=2 failed=0");
    lab.run(["--check"]).exit(0).recap("web1", "ok=3 changed=0 failed=0");
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

/// What a command or a package before may bring is supposed where it is needed, and never taken for known.
#[test]
fn a_check_supposes_the_folder_that_a_command_before_would_make() {
    Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: mkdir -p {{ root }}/etc/sites
    - copy: { content: "server\n", dest: "{{ root }}/etc/sites/one" }
    - file: { src: one, dest: "{{ root }}/etc/sites/enabled", state: link }
    - file: { path: "{{ root }}/etc/sites/default", state: absent }
    - lineinfile: { path: "{{ root }}/etc/main", line: "a = b" }
    - file: { path: "{{ root }}/gone", state: absent }
"#,
        )
        .run(["--check", "--diff"])
        .exit(0)
        .says("+server")
        .says("undecided: [web1]: only the real run can tell: whether [lab]/hosts/web1/etc/sites/default is there by then")
        .says("undecided: [web1]: only the real run can tell: Destination [lab]/hosts/web1/etc/main does not exist !")
        .recap("web1", "ok=3 changed=2 skipped=3 failed=0")
        .untouched("web1");
}

#[test]
fn what_a_check_did_not_run_is_not_waited_for() {
    Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: systemctl is-active web
      register: state
      until: state.stdout == 'active'
      retries: 3
      delay: 1000
"#,
        )
        .run(["--check"])
        .exit(0)
        .hides("RETRYING")
        .recap("web1", "skipped=1 failed=0");
}

#[test]
fn what_a_check_cannot_know_is_undecided_in_loops_notifications_and_facts() {
    Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  vars: { fixed: before }
  tasks:
    - command: echo x
      register: said
    - debug: { msg: "{{ item }}" }
      loop: "{{ said.stdout_lines }}"
    - set_fact: { answer: "{{ said.stdout }}" }
    - debug: { msg: "it is {{ answer | default('wrong') }}" }
    - debug: { msg: wrong }
      when: answer == 'x'
    - set_fact: { fixed: after }
      when: said.stdout == 'x'
    - debug: { msg: "wrong {{ fixed }}" }
    - debug: { msg: told }
      changed_when: true
      notify: "{{ said.stdout }}"
  handlers:
    - name: x
      debug: { msg: wrong }
"#,
        )
        .run(["--check"])
        .exit(0)
        .says(
            "undecided: [web1]: unknown in a check run: 'said.stdout_lines' is not known before the real run",
        )
        .says("told")
        .says("whom this notifies is")
        .hides("wrong")
        .recap("web1", "ok=1 skipped=7 failed=0");
}

#[test]
fn variables_of_a_file_that_a_check_cannot_name_are_unknown_not_missing() {
    let lab = Lab::local().file("web.yml", "colour: red\n").file("named.yml", "port: 80\n").playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: echo web
      register: said
    - include_vars: { file: "{{ said.stdout }}.yml", name: all_of_it }
    - debug: { msg: "named {{ all_of_it.colour }}" }
    - debug: { msg: "{{ nowhere }}" }
      ignore_errors: true
    - include_vars: "{{ said.stdout }}.yml"
    - debug: { msg: "it is {{ colour }}" }
    - debug: { msg: decided }
      when: colour is defined
    - debug: { msg: "by default {{ colour | default('none') }}" }
    - debug: { msg: "known {{ range(2) | list }} {{ inventory_hostname }}" }
"#,
    );
    let run = lab.run(["--check"]).exit(0).recap("web1", "ok=2 skipped=7 ignored=1").untouched("web1");
    run.says("'nowhere' is undefined")
        .says("known [0, 1] web1")
        .says("'colour' is not known before the real run");
    lab.run([]).says("it is red").says("decided").recap("web1", "ok=9 changed=1 ignored=1");
}
