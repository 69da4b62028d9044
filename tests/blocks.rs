//! block, rescue and always; what fails, what is rescued, what is ignored.

use crate::lab::Lab;

#[test]
fn a_rescue_runs_after_a_failure_and_always_runs_anyway() {
    Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - block:
        - command: "false"
        - debug: { msg: never reached }
      rescue:
        - debug: { msg: "rescued {{ ansible_failed_task.action }} rc={{ ansible_failed_result.rc }}" }
      always:
        - debug: { msg: and always }
    - debug: { msg: the play goes on }
"#,
        )
        .run([])
        .exit(0)
        .says("rescued command rc=1")
        .says("and always")
        .says("the play goes on")
        .hides("never reached")
        .recap("web1", "ok=3 failed=0 rescued=1");
}

#[test]
fn a_failure_in_the_rescue_fails_the_host_after_always() {
    Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - block:
        - fail: { msg: first }
      rescue:
        - fail: { msg: second }
      always:
        - debug: { msg: and always }
    - debug: { msg: never reached }
"#,
        )
        .run([])
        .exit(2)
        .says("second")
        .says("and always")
        .hides("never reached")
        .recap("web1", "ok=1 failed=1 rescued=1");
}

#[test]
fn failed_when_and_ignore_errors_decide_what_a_failure_is() {
    Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: "false"
      register: result
      failed_when: result.rc not in [0, 1]
    - command: "true"
      register: odd
      failed_when: odd.rc == 0
      ignore_errors: true
    - assert: { that: [odd is failed, result is not failed, result.rc == 1] }
"#,
        )
        .run([])
        .exit(0)
        .recap("web1", "ok=3 failed=0 ignored=1");
}

#[test]
fn one_failed_host_leaves_the_others_alone() {
    Lab::local()
        .inventory("web1\nweb2\nweb3\n")
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - fail: { msg: not me }
      when: inventory_hostname == 'web2'
    - debug: { msg: "{{ ansible_play_hosts | join(' ') }}" }
"#,
        )
        .run([])
        .exit(2)
        .says("web1 web3")
        .recap("web1", "ok=1 skipped=1 failed=0")
        .recap("web2", "ok=0 failed=1")
        .recap("web3", "ok=1 skipped=1 failed=0");
}

#[test]
fn any_errors_fatal_stops_everyone() {
    Lab::local()
        .inventory("web1\nweb2\n")
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - fail: { msg: stop }
      when: inventory_hostname == 'web2'
    - debug: { msg: never reached }
"#,
        )
        .run([])
        .exit(2)
        .hides("never reached")
        .recap("web1", "ok=0 skipped=1");
}
