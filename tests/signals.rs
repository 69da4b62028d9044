//! Signals to a run: an ordered end, an end at once, and a question that changes nothing.

use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use crate::lab::{Lab, wait_for};

/// The second task says when it runs, and ends when the file `go` is there.
const PLAY: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - name: a job
      shell: touch {{ root }}/job; sleep 3000
      async: 4000
      poll: 0
      when: inventory_hostname == 'web1' and has_job | default(false)
    - name: first
      shell: touch {{ root }}/begun; while [ ! -e {{ root }}/go ]; do sleep 0.05; done
      notify: told
    - name: second
      file: { path: "{{ root }}/second", state: touch }
  handlers:
    - name: told
      file: { path: "{{ root }}/told", state: touch }
"#;

/// A lab with two hosts over SSH, both in the middle of the first task.
fn lab() -> Lab {
    Lab::ssh().inventory("web1\nweb2\n").playbook(PLAY)
}

fn both_have_begun(lab: &Lab) {
    for host in ["web1", "web2"] {
        wait_for(&lab.root(host).join("begun"));
    }
}

fn let_go(lab: &Lab) {
    for host in ["web1", "web2"] {
        std::fs::write(lab.root(host).join("go"), "").unwrap();
    }
}

/// Waits until the run has printed that it heard.
fn has_heard(lab: &Lab) {
    let log = lab.path().join("run.jsonl");
    let deadline = Instant::now() + Duration::from_secs(20);
    while !std::fs::read_to_string(&log).unwrap_or_default().contains("interrupted: running tasks") {
        assert!(Instant::now() < deadline, "the run does not hear");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn after_an_interrupt_what_runs_comes_to_its_end_and_nothing_else_begins() {
    for signal in [Signal::INT, Signal::TERM] {
        let lab = lab();
        let run = lab.begin(["--report", "jsonl=run.jsonl"]);
        both_have_begun(&lab);
        run.signal(signal);
        has_heard(&lab);
        let_go(&lab);
        run.end()
            .exit(99)
            .says("INTERRUPTED")
            .says("not started: [web1]: second")
            .says("not started: [web2]: second")
            .says("handler not run: [web1]: told")
            .hides("stopped:")
            .recap("web1", "ok=1 changed=1 failed=0")
            .recap("web2", "ok=1 changed=1 failed=0");
        assert!(!lab.root("web1").join("second").exists());
        assert_eq!(lab.orphans(), [""; 0]);
    }
}

#[test]
fn what_does_not_end_after_an_interrupt_is_killed_when_its_time_is_over_and_so_are_its_processes() {
    let lab = lab().env("SHEVEK_INTERRUPT_GRACE", "1");
    let run = lab.begin([]);
    both_have_begun(&lab);
    let begin = Instant::now();
    run.signal(Signal::INT);
    run.end()
        .exit(99)
        .says("stopped: [web1]: first")
        .says("stopped: [web2]: first")
        .says("stopped by the interrupt")
        .recap("web1", "ok=0 failed=1");
    assert!(begin.elapsed() > Duration::from_secs(1));
    assert_eq!(lab.orphans(), [""; 0]);
}

#[test]
fn a_task_that_was_sent_ahead_and_is_killed_after_an_interrupt_is_told_as_stopped() {
    let play = "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: echo before\n";
    let play = format!("{play}{}", PLAY.split_once("  tasks:\n").unwrap().1);
    let lab = Lab::ssh().inventory("web1\n").playbook(&play).env("SHEVEK_INTERRUPT_GRACE", "1");
    let run = lab.begin([]);
    wait_for(&lab.root("web1").join("begun"));
    run.signal(Signal::INT);
    run.end()
        .exit(99)
        .says("stopped: [web1]: first")
        .says("stopped by the interrupt")
        .hides("not started: [web1]: first")
        .hides("may have been done")
        .recap("web1", "ok=1 failed=1");
    assert!(!lab.root("web1").join("second").exists());
    assert_eq!(lab.orphans(), [""; 0]);
}

#[test]
fn a_run_that_is_lost_in_templates_hears_an_interrupt_and_is_left() {
    let lab = Lab::local().inventory("web1\nweb2\nweb3\nweb4\n").env("SHEVEK_INTERRUPT_GRACE", "1").playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - debug: { msg: "{{ lookup('pipe', 'touch ' ~ root ~ '/begun') }}{% for a in range(10 ** 6) %}{% for b in range(10 ** 6) %}{% endfor %}{% endfor %}" }
"#,
    );
    let run = lab.begin([]);
    // By then they have all threads.
    both_have_begun(&lab);
    run.signal(Signal::TERM).complains("interrupted: running tasks have 1 s");
    run.end().exit(99).says("did not come to their end in time");
}

#[test]
fn a_second_interrupt_ends_the_run_at_once_and_what_runs_on_hosts_dies_but_for_jobs() {
    let lab = lab().env("SHEVEK_INTERRUPT_GRACE", "3000");
    let run = lab.begin(["--report", "jsonl=run.jsonl", "-e", "has_job=true"]);
    both_have_begun(&lab);
    wait_for(&lab.root("web1").join("job"));
    run.signal(Signal::INT);
    has_heard(&lab);
    run.signal(Signal::INT);
    // Their time is not over, nor will it be.
    run.end().exit(99).hides("stopped by the interrupt");
    let lives = |what: &str| lab.processes().iter().any(|(_, line)| line.contains(what));
    let deadline = Instant::now() + Duration::from_secs(10);
    while lives("/begun") && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    let left = lab.processes();
    let job = |line: &str| ["--job", "/job;", "sleep 3000"].iter().any(|part| line.contains(part));
    assert!(lives("sleep 3000"), "the job is there still: {left:?}");
    assert!(left.iter().all(|(_, line)| job(line)), "{left:?}");
    for (id, _) in left {
        let _ = kill_process(id, Signal::KILL);
    }
}

#[test]
fn a_local_run_that_is_left_at_once_leaves_nothing_either() {
    let lab = Lab::local().inventory("web1\nweb2\n").playbook(PLAY);
    let run = lab.begin(["--report", "jsonl=run.jsonl"]);
    both_have_begun(&lab);
    run.signal(Signal::TERM);
    has_heard(&lab);
    run.signal(Signal::TERM);
    run.end().exit(99);
    assert_eq!(lab.orphans(), [""; 0]);
}

#[test]
fn a_run_that_is_asked_says_what_hosts_are_doing_and_goes_on() {
    let lab = lab();
    let run = lab.begin([]);
    both_have_begun(&lab);
    run.signal(Signal::QUIT).complains("web2: TASK [first]");
    let_go(&lab);
    let text = run
        .end()
        .exit(0)
        .says("2 hosts are at work:")
        .says("  web1: TASK [first], running for ")
        .says("  web2: TASK [first], running for ")
        .recap("web1", "ok=3 changed=3")
        .text();
    assert!(text.find("hosts are at work") > text.find("standard error"), "{text}");
}

#[test]
fn a_host_that_cannot_be_reached_is_rescued_where_that_is_asked_for() {
    let play = |variable: &str| {
        format!(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - block:\n        - command: echo there\n      rescue:\n        - debug: {{ msg: \"lost at {{{{ ansible_failed_result.msg | split(':') | first }}}}\" }}\n{variable}    - command: echo after\n      delegate_to: web1\n"
        )
    };
    let lab =
        Lab::local().inventory("web1\nweb2 ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1\n");
    let lab = lab.playbook(&play(""));
    lab.run([])
        .exit(4)
        .says("UNREACHABLE HOSTS")
        .says("\nweb2: connect: 127.0.0.1:[port]: Connection refused\n")
        .hides("lost at")
        .recap("web1", "ok=2 rescued=0")
        .recap("web2", "ok=0 unreachable=1 rescued=0");
    let asked = "      vars: { shevek_rescue_unreachable: true }\n";
    let lab = lab.playbook(&play(asked));
    let rescued = |lab: &Lab| {
        lab.run([])
            .exit(0)
            .says("lost at connect")
            .hides("UNREACHABLE HOSTS")
            .recap("web2", "ok=2 unreachable=0 failed=0 rescued=1");
    };
    rescued(&lab);
    let lab = lab.playbook(&play("")).env("SHEVEK_RESCUE_UNREACHABLE", "true");
    rescued(&lab);
    // What is nearer is stronger.
    let lab = lab.playbook(&play("      vars: { shevek_rescue_unreachable: false }\n"));
    lab.run([]).exit(4).recap("web2", "unreachable=1 rescued=0");
}
