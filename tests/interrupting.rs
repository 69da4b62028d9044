//! Ctrl-C while somebody is being asked.

use crate::lab::Lab;

fn lab() -> Lab {
    Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  vars_prompt:
    - { name: open, prompt: open, private: false }
    - { name: hidden, prompt: hidden }
  tasks:
    - debug: { msg: "{{ open }}" }
    - pause: { prompt: go on }
    - copy: { content: "{{ hidden }}", dest: "{{ root }}/after" }
"#,
    )
}

#[test]
fn answers_are_taken_and_the_private_ones_not_shown() {
    let lab = Lab::local().playbook(
        "- hosts: all\n  gather_facts: false\n  vars_prompt: [{ name: a, private: false }, { name: b }]\n  tasks:\n    - copy: { content: '{{ a }} {{ b }}', dest: '{{ root }}/said' }\n",
    );
    lab.typed([], ": ", &["aloud", "sotto"]).exit(0).says("aloud").hides("sotto");
    assert_eq!(std::fs::read_to_string(lab.root("web1").join("said")).unwrap(), "aloud sotto");
}

#[test]
fn an_interrupt_ends_a_question_and_the_run() {
    lab().typed([], ": ", &["^C"]).exit(99).hides("TASK");
    lab().typed([], ": ", &["said", "^C"]).exit(99).hides("TASK");
    lab()
        .typed(["-e", "open=a hidden=b"], "go on:\r\n", &["^C"])
        .exit(99)
        .says("INTERRUPTED")
        .hides("TASK [copy]");
    lab().typed(["--step", "-e", "open=a hidden=b"], "ontinue: ", &["^C"]).exit(99).hides("\"msg\"");
}

/// Waits, on a host, until the run has heard of the interrupt.
const HEARD: &str = "until grep -q interrupted..running '{{ playbook_dir }}/run.jsonl'; do sleep 0.05; done";

#[test]
fn hosts_that_have_not_begun_when_an_interrupt_comes_do_not_begin() {
    for strategy in ["linear", "free"] {
        let lab = Lab::local().inventory("[web]\nweb1\nweb2\nweb3").playbook(&format!(
            "
- hosts: all
  gather_facts: false
  strategy: {strategy}
  tasks:
    - name: interrupts its own run
      shell: touch '{{{{ root }}}}/began'; kill -INT {{{{ lookup('pipe', 'echo $PPID') }}}}; {HEARD}
"
        ));
        lab.run(["--forks", "1", "--report", "jsonl=run.jsonl"])
            .exit(99)
            .says("INTERRUPTED")
            .says("interrupts its own run");
        let began = ["web1", "web2", "web3"].map(|host| lab.root(host).join("began").exists());
        assert_eq!(began, [true, false, false], "under {strategy}");
    }
}

#[test]
fn tasks_that_were_sent_ahead_and_not_begun_are_left_undone_when_an_interrupt_comes() {
    for strategy in ["linear", "free"] {
        let lab = Lab::local().env("SHEVEK_SEND_AHEAD", "always").playbook(&format!(
            "
- hosts: all
  gather_facts: false
  strategy: {strategy}
  vars: {{ controller: \"{{{{ lookup('pipe', 'echo $PPID') }}}}\" }}
  tasks:
    - shell: touch '{{{{ root }}}}/one'; kill -INT {{{{ controller }}}}; {HEARD}; sleep 1; touch '{{{{ root }}}}/whole'
    - command: touch '{{{{ root }}}}/two'
    - command: touch '{{{{ root }}}}/three'
"
        ));
        lab.run(["--report", "jsonl=run.jsonl"])
            .exit(99)
            .says("INTERRUPTED")
            .recap("web1", "ok=1 failed=0")
            .touched("web1", "+ one\n+ whole");
    }
}

/// What is typed while `pause` waits for time to pass.
#[test]
fn a_pause_that_is_interrupted_asks_how_to_go_on() {
    let pausing = || {
        Lab::local().playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - { name: wait, pause: { seconds: 600 } }
    - debug: { msg: went on }
"#,
        )
    };
    let told = "(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)";
    pausing().typed([], "\r\r\n", &["\u{3}", "c"]).exit(0).says(told).says("went on");
    pausing().typed([], "\r\r\n", &["\u{3}", "A"]).exit(2).says("user requested abort!").hides("went on");
}

#[test]
fn what_is_typed_at_a_pause_is_registered() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - { pause: { prompt: who, echo: false }, register: answer }
    - debug: { msg: "it is {{ answer.user_input }}, {{ answer.stdout[-7:] }}" }
"#,
    );
    let prompt = "(output is hidden):\r\n";
    lab.typed([], prompt, &["anm\u{7f}n"]).exit(0).says("it is ann, minutes");
}
