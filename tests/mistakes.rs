//! Mistakes of the person who wrote the playbook: said before anything runs, with the place and, where possible, the cure.

use crate::lab::Lab;

#[test]
fn an_unknown_module_is_named_with_its_place() {
    Lab::local()
        .playbook("- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: { msg: ran }\n    - no_such_module: { a: 1 }\n")
        .run([])
        .says("no_such_module")
        .says("playbook.yml:5")
        .hides("\"msg\": \"ran\"");
}

#[test]
fn an_unknown_argument_is_named() {
    let lab = Lab::local().playbook("- hosts: all\n  gather_facts: false\n  tasks:\n    - file: { path: \"{{ root }}/x\", stat: directory }\n");
    let run = lab.run([]).says("stat").says("playbook.yml:4").untouched("web1");
    assert!(run.code() != Some(0));
}

#[test]
fn broken_yaml_is_shown_with_its_line() {
    let lab = Lab::local().playbook("- hosts: all\n  tasks:\n    - debug: { msg: one\n    - debug:\n");
    let run = lab.run([]).says("playbook.yml:");
    assert!(matches!(run.code(), Some(1 | 4)), "{:?}", run.code());
}

#[test]
fn a_missing_playbook_is_named() {
    Lab::local().shevek(&["play", "nowhere.yml"]).exit(1).says("nowhere.yml");
}

#[test]
fn an_unknown_option_is_a_usage_error() {
    Lab::local()
        .tool("ansible-playbook", ["--no-such-option", "playbook.yml"])
        .exit(2)
        .says("--no-such-option");
}

/// All mistakes of a playbook come together, each with its line, and nothing has run.
#[test]
fn several_mistakes_are_told_at_once() {
    let lab = Lab::local()
        .playbook(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: { msg: ran }\n    - copi: { src: a, dest: b }\n    \
             - file: { path: \"{{ root }}/x\", state: dir }\n    - debug: { msg: a }\n      whem: true\n",
        );
    let run = lab
        .run([])
        .exit(4)
        .says("did you mean `copy`?")
        .says("value of state must be one of: absent, directory, file, hard, link, touch, got: dir")
        .says("did you mean `when`?")
        .hides("PLAY [")
        .untouched("web1");
    for place in ["playbook.yml:5:7", "playbook.yml:6:", "playbook.yml:8:7"] {
        assert!(run.text().contains(place), "{place}");
    }
}

#[test]
fn an_unknown_key_of_a_play_is_named_with_what_was_meant() {
    Lab::local()
        .playbook("- hosts: all\n  gather_fact: false\n  tasks: []\n")
        .run([])
        .exit(4)
        .says("'gather_fact' is not a valid attribute for a Play")
        .says("playbook.yml:2:3")
        .says("did you mean `gather_facts`?");
}

#[test]
fn an_undefined_variable_fails_the_task_with_line_and_caret_and_a_guess() {
    Lab::local()
        .playbook(
            "- hosts: all\n  gather_facts: false\n  vars: { user_name: x }\n  tasks:\n    - copy: { content: \"{{ user_nam }}\", dest: \"{{ root }}/x\" }\n",
        )
        .run([])
        .exit(2)
        .says("'user_nam' is undefined")
        .says("playbook.yml:5:")
        .says("^ column")
        .says("did you mean `user_name`?")
        .untouched("web1");
}

#[test]
fn broken_jinja_in_a_task_is_found_before_anything_runs_and_in_a_template_when_it_is_used() {
    let tasks = "- hosts: all\n  gather_facts: false\n  tasks:\n";
    Lab::local()
        .playbook(&format!("{tasks}    - debug: {{ msg: '{{{{ a + }}}}' }}\n"))
        .run([])
        .exit(4)
        .says("syntax error in a template")
        .says("playbook.yml:4:")
        .hides("PLAY [");
    Lab::local()
        .file("conf.j2", "one\n{% if x %}\ntwo\n")
        .playbook(&format!("{tasks}    - template: {{ src: conf.j2, dest: \"{{{{ root }}}}/conf\" }}\n"))
        .run([])
        .exit(2)
        .says("syntax error in a template")
        .says("conf.j2:")
        .untouched("web1");
}

#[test]
fn a_loop_over_what_cannot_be_stored_is_shown() {
    let tasks = "- hosts: all\n  gather_facts: false\n  tasks:\n";
    Lab::local()
        .playbook(&format!("{tasks}    - debug:\n      loop: \"{{{{ range(1, 3) }}}}\"\n"))
        .run([])
        .exit(2)
        .says("Type 'range' is unsupported for variable storage.")
        .says("playbook.yml:5:13");
}

#[test]
fn missing_files_roles_and_includes_are_named_with_the_places_that_were_looked_at() {
    let tasks = "- hosts: all\n  gather_facts: false\n  tasks:\n";
    Lab::local()
        .playbook(&format!("{tasks}    - copy: {{ src: nowhere.txt, dest: \"{{{{ root }}}}/x\" }}\n"))
        .run([])
        .exit(2)
        .says("nowhere.txt")
        .says("looked for it at [lab]/files/nowhere.txt")
        .says("playbook.yml:4:")
        .untouched("web1");
    Lab::local()
        .playbook("- hosts: all\n  roles: [nowhere]\n")
        .run([])
        .exit(1)
        .says("the role 'nowhere' was not found")
        .says("playbook.yml:2:11");
    Lab::local()
        .playbook(&format!("{tasks}    - import_tasks: nowhere.yml\n"))
        .run([])
        .exit(1)
        .says("nowhere.yml")
        .says("playbook.yml:4:21");
}

#[test]
fn a_keyword_that_cannot_be_rendered_is_not_taken_for_one_that_is_not_set() {
    let tasks =
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - copy: { content: x, dest: '{{ root }}/x' }\n";
    for keyword in ["any_errors_fatal", "ignore_errors", "ignore_unreachable", "delegate_facts"] {
        Lab::local()
            .playbook(&format!("{tasks}      {keyword}: \"{{{{ nope }}}}\"\n"))
            .run([])
            .exit(2)
            .says(&format!("Error processing keyword '{keyword}': 'nope' is undefined"))
            .recap("web1", "failed=1")
            .untouched("web1");
    }
    Lab::local()
        .playbook(&format!("{tasks}      no_log: \"{{{{ nope }}}}\"\n"))
        .run([])
        .exit(2)
        .says("\"censored\"")
        .untouched("web1");
    for keyword in ["run_once", "throttle"] {
        Lab::local()
            .playbook(&format!("{tasks}      {keyword}: \"{{{{ nope }}}}\"\n"))
            .run([])
            .exit(1)
            .says("'nope' is undefined")
            .untouched("web1");
    }
}

/// It is the run that fails, as in Ansible: no rescue and no `ignore_errors` takes care of it.
#[test]
fn a_meta_task_that_cannot_be_done_ends_the_run() {
    for (meta, says) in [
        ("flush_handlrs", "did you mean `flush_handlers`?"),
        ("flush_handlrs\n          when: false", "invalid meta action requested: `flush_handlrs`"),
        ("\n          ignore_errors: true", "invalid meta action requested"),
        ("end_host\n          when: nope", "'nope' is undefined"),
    ] {
        for strategy in ["linear", "free"] {
            Lab::local()
                .playbook(&format!(
                    "- hosts: all\n  gather_facts: false\n  strategy: {strategy}\n  tasks:\n    - block:\n        - meta: {meta}\n      \
                     rescue:\n        - debug: {{ msg: rescued }}\n    - debug: {{ msg: afterwards }}\n- hosts: all\n  tasks: []\n"
                ))
                .run([])
                .exit(1)
                .says(says)
                .says("playbook.yml:")
                .hides("rescued")
                .hides("afterwards")
                .hides("Gathering Facts");
        }
    }
}

#[test]
fn numbers_that_no_clock_can_wait_for_are_no_panic() {
    let tasks = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ping:\n";
    for timeout in ["-1", "abc", ".nan"] {
        Lab::ssh()
            .playbook(&format!("{tasks}      vars: {{ ansible_timeout: {timeout} }}\n"))
            .run([])
            .exit(2)
            .says("ansible_timeout must be a number of seconds");
    }
    Lab::ssh().playbook(&format!("{tasks}      vars: {{ ansible_timeout: 1e+30 }}\n")).run([]).exit(0);
    Lab::local()
        .playbook(&format!("{tasks}      loop: [1]\n      loop_control: {{ pause: 1e+30 }}\n"))
        .run([])
        .exit(0);
    Lab::local()
        .playbook(&format!("{tasks}      retries: 1\n      delay: .nan\n      until: false\n"))
        .run([])
        .exit(2)
        .says("delay must be a number of seconds");
}
