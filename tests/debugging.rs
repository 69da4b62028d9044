//! The task debugger and `--step`, typed at a terminal.

use crate::lab::Lab;

const PROMPT: &str = "(debug)> ";

#[test]
fn arguments_are_mended_and_the_task_is_done_again() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  debugger: on_failed
  vars: { words: [1, two] }
  tasks:
    - name: try
      command: /bin/false {{ words[1] }}
      register: tried
    - debug: { msg: "rc is {{ tried.rc }}" }
"#,
    );
    let answers = [
        "p task",
        "p task.args",
        "p result._result['rc']",
        "p task_vars['words'][0] + 1",
        "p nothing",
        "",
        "task.args['_raw_params'] = '/bin/true'",
        "redo",
    ];
    lab.typed([], PROMPT, &answers)
        .exit(0)
        .says("[web1] TASK: try (debug)> p task\nTASK: try\n")
        .says("p task.args\n{'_raw_params': '/bin/false two'}\n")
        .says("p result._result['rc']\n1\n")
        .says("p task_vars['words'][0] + 1\n2\n")
        .says("***undefined variable: 'nothing' is undefined\n[web1] TASK: try (debug)> \n***undefined variable")
        .says("changed: [web1]")
        .says("rc is 0")
        .recap("web1", "ok=2 changed=1 failed=0");
}

#[test]
fn a_variable_that_is_missing_is_set_and_the_task_taken_anew() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  strategy: debug
  tasks:
    - debug: { msg: "hello {{ whom }}" }
"#,
    );
    let answers =
        ["p task.args", "task_vars['whom'] = {'a': ['x']}", "task_vars['whom']['a'][0] = 'y'", "u", "r"];
    lab.typed([], PROMPT, &answers)
        .exit(0)
        .says("{'msg': 'hello {{ whom }}'}")
        .says("hello {'a': ['y']}")
        .recap("web1", "ok=1 failed=0");
    lab.typed([], PROMPT, &["c"]).exit(2).recap("web1", "ok=0 failed=1");
    lab.typed([], PROMPT, &["q"]).exit(99).says("User interrupted execution");
    // Nobody there: as if the input had ended.
    lab.run([]).exit(99).says("User interrupted execution");
}

#[test]
fn it_opens_for_what_the_nearest_keyword_says() {
    let lab = Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  debugger: on_skipped
  tasks:
    - { name: skipped, debug: , when: false }
    - { name: good, debug: , debugger: always }
    - { name: ignored, fail: , ignore_errors: true, debugger: on_failed }
    - block:
        - { name: spared, fail: }
      debugger: never
      rescue:
        - { name: rescued, debug:  }
"#,
        )
        .env("ANSIBLE_ENABLE_TASK_DEBUGGER", "1");
    let asked = |run: &crate::lab::Outcome<'_>| -> Vec<String> {
        let text = run.text();
        let lines = text.lines().filter(|line| line.contains("(debug)> "));
        lines.map(|line| line.split(" (debug)").next().unwrap().replace("[web1] TASK: ", "")).collect()
    };
    let run = lab.typed([], PROMPT, &["c", "c", "c", "c"]).exit(0);
    assert_eq!(asked(&run), ["skipped", "good"]);
    let lab = lab.env("ANSIBLE_TASK_DEBUGGER_IGNORE_ERRORS", "0");
    let run = lab.typed([], PROMPT, &["c", "c", "c", "c"]).exit(0);
    assert_eq!(asked(&run), ["skipped", "good", "ignored"]);
}

#[test]
fn a_task_for_all_hosts_is_mended_for_all() {
    let lab = Lab::local().inventory("web1\nweb2").playbook(
        r#"
- hosts: all
  gather_facts: false
  debugger: on_failed
  tasks:
    - { name: one, assert: { that: "false" }, run_once: true }
    - debug: { msg: both }
"#,
    );
    lab.typed([], PROMPT, &["task.args['that'] = []", "r"])
        .exit(0)
        .recap("web1", "ok=2 failed=0")
        .recap("web2", "ok=1 failed=0");
}

#[test]
fn step_by_step() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - { name: one, debug: { msg: first } }
    - { name: two, debug: { msg: second } }
    - { name: three, debug: { msg: third } }
    - { name: four, debug: { msg: fourth } }
"#,
    );
    lab.typed(["--step"], "ontinue: ", &["y", "n", "c"])
        .exit(0)
        .says("Perform task: TASK: one (N)o/(y)es/(c)ontinue: y\n")
        .says("Perform task: TASK: one (N)o/(y)es/(c)ontinue: *****")
        .says("first")
        .hides("second")
        .says("third")
        .hides("TASK: four")
        .says("fourth")
        .recap("web1", "ok=3");
}

#[test]
fn a_handler_that_is_declined_waits_for_the_next_flush() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - { name: one, debug: { msg: first }, changed_when: true, notify: again }
    - meta: flush_handlers
    - { name: two, debug: { msg: second } }
  handlers:
    - { name: again, debug: { msg: handled } }
"#,
    );
    lab.typed(["--step"], "ontinue: ", &["y", "n", "y", "y"])
        .exit(0)
        .says("TASK [two]")
        .says("RUNNING HANDLER [again]")
        .recap("web1", "ok=3");
}
