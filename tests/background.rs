//! `async`: jobs that go on by themselves, and waiting for them.

use crate::lab::Lab;

#[test]
fn a_job_goes_on_while_the_play_does_and_is_asked_for_later() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  vars: { ansible_async_dir: "{{ root }}/jobs" }
  tasks:
    - shell: sleep 0.3; echo done > "{{ root }}/end"; echo said
      async: 20
      poll: 0
      register: job
    - assert:
        that: [job.started, not job.finished, job is changed, job.results_file is search("/jobs/j")]
    - stat: { path: "{{ root }}/end" }
      register: early
    - assert: { that: not early.stat.exists }
    - async_status: { jid: "{{ job.ansible_job_id }}" }
      register: result
      until: result is finished
      retries: 100
      delay: 0.1
    - assert: { that: ["result.stdout_lines == ['said']", result.rc == 0, result.attempts > 1] }
    - async_status: { jid: "{{ job.ansible_job_id }}", mode: cleanup }
    - async_status: { jid: "{{ job.ansible_job_id }}" }
      register: gone
      failed_when: gone.msg != "could not find job"
"#,
    );
    lab.run([]).exit(0).recap("web1", "ok=8");
    assert_eq!(std::fs::read_to_string(lab.root("web1").join("end")).unwrap(), "done\n");
}

#[test]
fn a_job_outlives_the_run_that_started_it() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  environment: { ANSIBLE_ASYNC_DIR: "{{ root }}/jobs" }
  tasks:
    - shell: sleep 0.5; echo late > "{{ root }}/late"
      async: 20
      poll: 0
"#,
    );
    lab.run([]).exit(0);
    let late = lab.root("web1").join("late");
    assert!(!late.exists(), "the run did not wait");
    let start = std::time::Instant::now();
    while !late.exists() && start.elapsed().as_secs() < 20 {
        std::thread::yield_now();
    }
    assert!(late.exists());
}

#[test]
fn a_task_that_polls_waits_for_each_of_its_jobs() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  vars: { ansible_async_dir: "{{ root }}/jobs" }
  tasks:
    - command: "echo {{ item }}"
      async: 20
      poll: 0.1
      loop: [one, two]
      register: said
    - assert: { that: "said.results | map(attribute='stdout') | list == ['one', 'two']" }
    - command: sleep 30
      async: 1
      poll: 0.1
      register: late
      failed_when: not late.msg is search("Timeout exceeded|did not complete within the requested time - 1s")
    - copy: { content: x, dest: "{{ root }}/x" }
      async: 5
      register: copied
      failed_when: copied.msg != "This action (copy) does not support async."
"#,
    );
    let run = lab.run([]).exit(0).recap("web1", "ok=4");
    run.says("ASYNC OK on web1");
}
