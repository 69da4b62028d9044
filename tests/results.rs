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
