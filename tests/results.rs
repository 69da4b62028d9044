//! What results tell: attempts, exceptions, the arguments that modules got, retry files.

use crate::lab::Lab;

#[test]
fn failures_have_an_exception_and_failed_when_takes_it_away() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: "false"
      ignore_errors: true
      register: one
    - command: "false"
      failed_when: false
      register: two
    - command: "true"
      register: three
    - assert:
        that:
          - one.exception is defined
          - two.exception is undefined and two.failed_when_suppressed_exception is defined
          - three.exception is undefined
"#,
    );
    lab.run([]).exit(0).hides("traceback unavailable");
}

#[test]
fn attempts_are_there_to_be_judged_by_and_a_broken_until_is_an_error() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: "true"
      register: tried
      until: tried.attempts == 2
      changed_when: tried.attempts == 2
      retries: 5
      delay: 0
    - assert: { that: [tried is changed, tried.attempts == 2] }
    - command: "true"
      until: nobody.knows
      delay: 0
      register: broken
      ignore_errors: true
    - assert: { that: [broken is failed, "'nobody' in broken.msg"] }
"#,
    );
    lab.run([]).exit(0);
}

#[test]
fn the_most_verbose_results_show_arguments_but_no_secrets() {
    let lab = Lab::local()
        .playbook("- hosts: all\n  gather_facts: false\n  tasks:\n    - ping: { data: heard }\n      register: r\n    - assert: { that: r.invocation is undefined }\n");
    lab.run(["-vv"]).exit(0).hides("module_args");
    lab.run(["-vvv"]).exit(0).says("\"data\": \"heard\"");
}

#[test]
fn hosts_that_failed_are_written_down_for_the_next_run() {
    let lab = Lab::local()
        .inventory("web1\nweb2\nweb3")
        .env("ANSIBLE_RETRY_FILES_ENABLED", "1")
        .playbook("- hosts: all\n  gather_facts: false\n  tasks:\n    - fail:\n      when: inventory_hostname != 'web2'\n");
    lab.run([]).exit(2).says("to retry, use: --limit @");
    let retry = lab.path().join("playbook.retry");
    assert_eq!(std::fs::read_to_string(&retry).unwrap(), "web1\nweb3\n");
    let limit = format!("@{}", retry.display());
    lab.run(["--limit", &limit]).exit(2).recap("web1", "failed=1").hides("web2");
}

#[test]
fn tasks_are_announced_with_their_arguments_where_the_configuration_asks_for_it() {
    let lab = Lab::local().env("ANSIBLE_DISPLAY_ARGS_TO_STDOUT", "1").playbook(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: { msg: hello }\n    - debug: { msg: sotto voce }\n      no_log: true\n",
    );
    lab.run([]).exit(0).says("TASK [debug msg=hello] ***").says("TASK [debug] ***").hides("sotto");
}

#[test]
fn templates_say_who_manages_them() {
    let lab = Lab::local()
        .file("ansible.cfg", "[defaults]\nansible_managed = Made from {file} by %Y\n")
        .file(
            "templates/t",
            "{{ ansible_managed }}|{{ template_mtime.strftime('%Y') }}|{{ template_uid is string }}\n",
        )
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - template: { src: t, dest: "{{ root }}/configured" }
    - template: { src: t, dest: "{{ root }}/own" }
      vars: { ansible_managed: mine }
"#,
        );
    lab.run([]).exit(0);
    let made = |file: &str| std::fs::read_to_string(lab.root("web1").join(file)).unwrap();
    let year = made("own").split('|').nth(1).unwrap().to_owned();
    assert!(year.parse::<u32>().unwrap() > 2024, "{year}");
    assert_eq!(made("configured"), format!("Made from t by {year}|{year}|True\n"));
    assert_eq!(made("own"), format!("mine|{year}|True\n"));
}

#[test]
fn fetched_files_are_as_private_as_any_that_the_user_makes() {
    use std::os::unix::fs::PermissionsExt;
    let lab = Lab::local().host_file("web1", "shadow", "secret\n").playbook(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - fetch: { src: '{{ root }}/shadow', dest: got, flat: true }\n",
    );
    std::fs::write(lab.path().join("got"), "").unwrap();
    std::fs::set_permissions(lab.path().join("got"), std::fs::Permissions::from_mode(0o600)).unwrap();
    lab.run([]).exit(0).recap("web1", "changed=1");
    let mode = std::fs::metadata(lab.path().join("got")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "a file that was there keeps its mode");
}

/// `package: { update_cache: true }` refreshes an index and names no package; `use` takes any module, so no manager is needed here.
#[test]
fn package_leaves_it_to_the_module_that_it_calls_whether_a_name_is_needed() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - package: { use: stat, path: / }
      register: root
    - assert: { that: root.stat.isdir }
    - package: { use: group, state: present }
      ignore_errors: true
      register: nameless
    - assert: { that: "'missing required arguments: name' in nameless.msg" }
"#,
    );
    lab.run([]).exit(0);
}

#[test]
fn facts_are_too_long_to_be_shown_but_why_none_were_gathered_is() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - setup: { gather_subset: '!all' }
    - setup:
      when: ansible_facts is not defined
"#,
    );
    lab.run(["-v"]).exit(0).hides("ansible_env").says(r#""false_condition": "ansible_facts is not defined""#);
}

#[test]
fn a_raw_command_that_sudo_wants_a_password_for_has_changed_nothing() {
    let sudo = "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n";
    let playbook = r#"
- hosts: all
  gather_facts: false
  tasks:
    - raw: id -un
      become: true
      become_user: somebody-else
      become_exe: sh {{ playbook_dir }}/sudo
      ignore_errors: true
      register: said
    - assert: { that: said is not changed and said.msg == 'Missing sudo password' }
"#;
    Lab::local().file("sudo", sudo).playbook(playbook).run([]).exit(0);
}

#[test]
fn a_host_that_goes_on_after_all_says_so() {
    let lab = Lab::local().playbook(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - { meta: end_host, when: 1 == 2 }\n    - debug: { msg: reached }\n",
    );
    lab.run(["-v"])
        .exit(0)
        .says(r#""msg": "end_host conditional evaluated to false, continuing execution for"#)
        .says("reached");
}
