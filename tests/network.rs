//! Whole runs over a real SSH server: as they should be, far away, cut off and gone silent.

use std::fs::OpenOptions;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::lab::{Lab, Proxy};

const THREE_FILES: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - file: { path: "{{ root }}/a", state: directory, mode: "0750" }
    - copy: { content: "one\n", dest: "{{ root }}/a/one", mode: "0640" }
    - copy: { content: "two\n", dest: "{{ root }}/a/two", mode: "0640" }
"#;

#[test]
fn files_arrive_over_ssh_and_stay_as_they_are() {
    let lab = Lab::ssh().playbook(THREE_FILES);
    lab.run([]).exit(0).recap("web1", "ok=3 changed=3").touched("web1", "+ a\n+ a/one\n+ a/two");
    lab.run([]).exit(0).recap("web1", "ok=3 changed=0").untouched("web1");
}

#[test]
fn check_mode_over_ssh_touches_nothing() {
    let lab = Lab::ssh().playbook(THREE_FILES);
    lab.run(["--check", "--diff"])
        .exit(0)
        .says("+one")
        .recap("web1", "ok=3 changed=3 failed=0")
        .untouched("web1");
}

/// A task costs one round trip: three no-op tasks far away must not cost what a task's several questions would.
#[test]
fn a_far_host_costs_one_round_trip_a_task() {
    let lab = Lab::ssh().playbook(THREE_FILES);
    lab.run([]).exit(0);
    let near = Instant::now();
    lab.run([]).exit(0);
    let near = near.elapsed();
    let round_trip = Duration::from_millis(150);
    let proxy = Proxy::delay(lab.address(), round_trip);
    let lab = lab.through(&proxy);
    let mut took = Vec::new();
    // A busy machine makes some of the tries slow; none is fast by chance.
    for connections in 1..=10 {
        let far = Instant::now();
        lab.run([]).exit(0).recap("web1", "ok=3 changed=0");
        let extra = far.elapsed().saturating_sub(near);
        assert_eq!(proxy.connections(), connections, "one connection a host");
        // TCP and SSH's own greeting, key exchange and login take eight or nine; starting the runner two; then one a task.
        if extra < round_trip * 17 {
            return;
        }
        took.push(extra.as_secs_f64() / round_trip.as_secs_f64());
    }
    panic!("round trips: {took:?}");
}

/// Two hosts, and the second one is behind this proxy.
fn behind(lab: Lab, proxy: &Proxy) -> Lab {
    let port = proxy.address().port();
    let trust = "ansible_ssh_common_args='-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null'";
    lab.inventory(&format!("web1\nweb2 ansible_port={port} {trust}\n"))
}

#[test]
fn a_host_that_is_cut_off_while_it_greets_is_unreachable_and_the_others_go_on() {
    let lab = Lab::ssh().playbook(THREE_FILES);
    let proxy = Proxy::cut(lab.address(), 1_000);
    let lab = behind(lab, &proxy);
    lab.run([])
        .exit(4)
        .recap("web1", "ok=3 unreachable=0")
        .recap("web2", "ok=0 unreachable=1")
        .untouched("web2");
}

/// The last task says when it runs, and ends only with the test: the cut comes after all was asked and before all was answered.
#[test]
fn a_host_that_is_cut_off_before_the_last_answer_is_unreachable_and_not_taken_for_done() {
    let lab = Lab::ssh().playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - file: { path: "{{ root }}/a", state: directory, mode: "0750" }
    - command: { argv: [sh, -c, 'echo begun >"$0"; read end <"$1"', "{{ root }}/../../begun", "{{ root }}/../../end"] }
      when: inventory_hostname == 'web2'
"#,
    );
    let pipes = ["begun", "end"].map(|name| lab.path().join(name));
    assert!(Command::new("mkfifo").args(&pipes).status().unwrap().success());
    let [begun, end] = pipes;
    let _end = OpenOptions::new().read(true).write(true).open(end).unwrap();
    let proxy = Arc::new(Proxy::delay(lab.address(), Duration::ZERO));
    let lab = behind(lab, &proxy);
    std::thread::spawn(move || std::fs::read(begun).map(|_| proxy.cut_now()));
    lab.run([])
        .exit(4)
        .recap("web1", "ok=1 skipped=1 unreachable=0")
        .recap("web2", "ok=1 failed=0 unreachable=1");
}

#[test]
fn a_host_that_goes_silent_is_given_up_after_the_time_out() {
    let lab = Lab::ssh().playbook(THREE_FILES).env("ANSIBLE_TIMEOUT", "1");
    let proxy = Proxy::stall(lab.address(), 1_000);
    let lab = lab.through(&proxy);
    let begin = Instant::now();
    lab.run([]).exit(4).recap("web1", "ok=0 unreachable=1").says("web1");
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[test]
fn the_machines_own_ssh_that_gets_nowhere_says_why_and_is_tried_again() {
    let lab = Lab::ssh().playbook(THREE_FILES);
    let away = "ansible_host=127.0.0.1 ansible_port=1 ansible_ssh_retries=1";
    let lab =
        lab.inventory(&format!("web1 ansible_connection=openssh\nweb2 ansible_connection=openssh {away}\n"));
    lab.run([])
        .exit(4)
        .says("connect: ssh: connect to host 127.0.0.1 port 1: Connection refused")
        .recap("web1", "ok=3 unreachable=0")
        .recap("web2", "ok=0 unreachable=1");
}

#[test]
fn a_changed_host_key_with_checking_off_is_warned_about_with_its_place() {
    let lab = Lab::ssh().playbook(THREE_FILES);
    let known = lab.path().join("other_hosts");
    let key = lab.path().join("other_key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    assert!(made.unwrap().success());
    let other = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    std::fs::write(&known, format!("[127.0.0.1]:{} {other}", lab.address().port())).unwrap();
    let trust = format!(
        "ansible_ssh_common_args='-o StrictHostKeyChecking=no -o UserKnownHostsFile={}'",
        known.display()
    );
    let text = lab.inventory(&format!("web1 {trust}\n")).run([]).exit(0).text();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("web1: the host's ssh-ed25519 key has changed: it shows SHA256:"), "{text}");
    assert!(words.contains("other_hosts:1 has SHA256:"), "{text}");
}

#[test]
fn a_run_that_is_recorded_tells_how_far_hosts_are() {
    let lab = Lab::ssh().playbook(THREE_FILES);
    lab.run(["--report", "jsonl=run.jsonl"]).exit(0);
    let record = std::fs::read_to_string(lab.path().join("run.jsonl")).unwrap();
    let phases: Vec<&str> =
        record.lines().filter_map(|line| line.split_once("\"phase\":\"")?.1.split('"').next()).collect();
    assert_eq!(phases, ["connecting", "authenticating", "running", "uploading", "running"]);
}

/// The first play of a host often makes it able to be managed, by `raw`: there may be no sudo yet.
#[test]
fn who_is_that_user_already_needs_no_sudo() {
    let lab = Lab::ssh().playbook(
        r#"
- hosts: all
  gather_facts: false
  become: true
  become_exe: /no/sudo/here
  tasks:
    - { raw: echo reached, become_user: "{{ lookup('pipe', 'id -un') }}", register: said }
    - assert: { that: "said.stdout == 'reached\n'" }
      become: false
    - { raw: echo reached, become_user: somebody-else, register: said, ignore_errors: true }
    - assert: { that: said.rc == 127 }
      become: false
"#,
    );
    lab.run([]).exit(0);
}
