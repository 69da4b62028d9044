//! Modules that users bring in `library/`: scripts and programs.

use crate::lab::Lab;

const OLD: &str = r#"#!/bin/sh
. "$1"
echo "some greeting"
echo "{\"changed\": true, \"msg\": \"$salutation from $WHERE\", \"check\": \"$_ansible_module_name\"}"
echo "goodbye"
"#;

const JSON: &str = r#"#!/usr/bin/env sh
# WANT_JSON
printf '{"given": %s, "ansible_facts": {"color": "red"}}\n' "$(cat "$1")"
"#;

#[test]
fn scripts_get_their_arguments_as_words_or_as_json() {
    let lab = Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  environment: { WHERE: here }
  tasks:
    - greet: { salutation: "it's hello" }
      register: old
    - json:
        list: [1, "{{ 1 + 1 }}", null]
      register: new
    - action: "{{ 'gre' ~ 'et' }} salutation={{ item }}"
      loop: [one, two]
      register: all
    - assert:
        that:
          - old is changed and old.msg == "it's hello from here" and old.check == 'greet'
          - "old.warnings == ['Module invocation had junk after the JSON data: goodbye']"
          - new is not changed and new.given.list == [1, 2, none]
          - color == 'red'
          - all.results | map(attribute='msg') | list == ['one from here', 'two from here']
"#,
        )
        .file("library/greet.sh", OLD)
        .file("library/greet.txt", "no module")
        .file("library/json", JSON);
    lab.run([]).exit(0).recap("web1", "ok=4 changed=2");
}

#[test]
fn without_a_result_the_output_and_the_place_are_shown() {
    let lab = Lab::local()
        .playbook("- hosts: all\n  gather_facts: false\n  tasks:\n    - silent:\n")
        .file("library/silent", "#!/bin/sh\necho nothing; echo wrong >&2; exit 3\n");
    lab.run([])
        .exit(2)
        .says("Module result deserialization failed: No start of json char found")
        .says(r#""module_stderr": "wrong\n", "module_stdout": "nothing\n""#)
        .says(r#""rc": 3"#);
}

#[test]
fn one_that_needs_ansibles_python_is_named_with_its_file() {
    let lab = Lab::local()
        .playbook("- hosts: all\n  gather_facts: false\n  tasks:\n    - mine:\n")
        .file("library/mine.py", "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n");
    lab.run([]).exit(2).says("`mine` is a module written in Python").says("library/mine.py");
}

#[test]
fn check_mode_runs_only_those_that_look_at_it() {
    let lab = Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - careless: { path: "{{ playbook_dir }}/touched" }
    - careful: { path: "{{ playbook_dir }}/touched" }
      register: careful
    - debug: { var: careful.msg }
"#,
        )
        .file("library/careless", "#!/bin/sh\n. \"$1\"\ntouch $path\necho '{}'\n")
        .file(
            "library/careful",
            "#!/bin/sh\n. \"$1\"\n[ $_ansible_check_mode = True ] || touch $path\necho '{\"msg\": \"would touch\", \"changed\": true}'\n",
        );
    lab.run(["--check"]).exit(0).says("would touch").recap("web1", "ok=2 changed=1 skipped=1");
    assert!(!lab.path().join("touched").exists());
}

#[test]
fn the_playbooks_own_come_before_those_of_roles_in_their_order() {
    let says = |who: &str| format!("#!/bin/sh\necho '{{\"from\": \"{who}\"}}'\n");
    let lab = Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  roles: [first, second]
  tasks:
    - both:
      register: both
    - own:
      register: own
    - ping:
      register: ping
    - ansible.builtin.ping:
      register: builtin
    - assert:
        that: both.from == 'first' and own.from == 'playbook' and ping.from == 'second' and builtin.from is not defined
"#,
        )
        .file("library/own", &says("playbook"))
        .file("roles/first/library/own", &says("first"))
        .file("roles/first/library/both", &says("first"))
        .file("roles/second/library/both", &says("second"))
        .file("roles/second/library/ping", &says("second"));
    lab.run([]).exit(0);
}
