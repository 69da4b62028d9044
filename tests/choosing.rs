//! What a run leaves out: limits, tags, steps of the command line that run nothing.

use crate::lab::Lab;

fn lab() -> Lab {
    Lab::local().inventory("web1\nweb2\n[db]\ndb1\n").playbook(
        r#"
- name: First play
  hosts: all
  gather_facts: false
  tasks:
    - name: Packages
      debug: { msg: "packages of {{ inventory_hostname }}" }
      tags: packages
    - name: Settings
      debug: { msg: "settings of {{ inventory_hostname }}" }
      tags: [settings, slow]
    - name: Never unless asked
      debug: { msg: asked }
      tags: never
    - name: Always
      debug: { msg: always }
      tags: always
"#,
    )
}

#[test]
fn a_limit_takes_patterns() {
    lab().run(["--limit", "all:!db"]).exit(0).says("packages of web1").says("packages of web2").hides("db1");
    lab().run(["-l", "db"]).exit(0).says("packages of db1").hides("packages of web1");
    lab().run(["-l", "nobody"]).hides("packages of");
}

#[test]
fn tags_choose_tasks() {
    lab().run(["--tags", "packages", "-l", "web1"]).exit(0).recap("web1", "ok=2");
    lab().run(["--skip-tags", "slow", "-l", "web1"]).exit(0).hides("settings of").recap("web1", "ok=2");
    lab().run(["-t", "never", "-l", "web1"]).exit(0).says("asked").recap("web1", "ok=2");
}

#[test]
fn listing_and_syntax_check_run_nothing() {
    lab().run(["--list-tasks"]).exit(0).says("Packages").says("TAGS: [settings, slow]").hides("packages of");
    lab().run(["--list-hosts"]).exit(0).says("hosts (3)").says("db1").hides("packages of");
    lab().run(["--syntax-check"]).exit(0).hides("packages of");
}

#[test]
fn a_limit_that_leaves_nobody_is_refused_by_listings_too() {
    lab().run(["--list-tasks", "-l", "nobody"]).exit(1).hides("Packages");
    lab().run(["--syntax-check", "-l", "web1:!web1"]).exit(1);
}

#[test]
fn hosts_and_name_of_a_play_may_come_from_its_files_and_from_groups() {
    let play = "- hosts: \"{{ chosen }}\"\n  name: \"On {{ chosen }} of {{ groups['all'] | length }}\"\n  vars_files: [\"{{ stage }}.yml\"]\n  gather_facts: false\n  tasks: [{ debug: { msg: here } }]\n";
    let lab = Lab::local().inventory("web1\nweb2\n").file("vars/test.yml", "chosen: web2\n").playbook(play);
    lab.run(["-e", "stage=test"]).exit(0).says("PLAY [On web2 of 2]").says("ok: [web2]").hides("web1");
    lab.run(["-e", "stage=test", "--list-hosts"])
        .exit(0)
        .says("play #1 (web2): On web2 of 2")
        .says("hosts (1)");
    lab.run(["-e", "stage=test", "--syntax-check"]).exit(0);
    // What is not there is missed by those that run nothing, too.
    lab.run(["--syntax-check"]).exit(4).says("'chosen' is undefined");
    let nameless = Lab::local().inventory("web1\n").playbook("- hosts: all\n  name: \"{{ none_such }}\"\n");
    nameless.run(["--list-tasks"]).exit(4).says("'none_such' is undefined");
}

#[test]
fn each_playbook_has_its_recap_and_one_that_failed_is_the_last() {
    let lab = Lab::local()
        .inventory("web1\nweb2\n")
        .playbook("- hosts: all\n  gather_facts: false\n  tasks: [{ debug: { msg: first } }]\n")
        .file(
            "second.yml",
            "- hosts: all\n  gather_facts: false\n  tasks: [{ fail: , when: inventory_hostname == 'web2' }]\n",
        )
        .file("third.yml", "- hosts: web1\n  gather_facts: false\n  tasks: [{ debug: { msg: third } }]\n");
    let run = lab.run(["second.yml", "third.yml"]).exit(2).hides("third");
    let recaps: Vec<&str> = run.stdout().lines().filter(|line| line.starts_with("web2 ")).collect();
    assert_eq!(recaps.len(), 2, "{recaps:?}");
    assert!(recaps[0].contains("ok=1 ") && recaps[0].contains("failed=0 "), "{recaps:?}");
    assert!(recaps[1].contains("ok=1 ") && recaps[1].contains("failed=1 "), "{recaps:?}");
}

#[test]
fn commands_have_callbacks_where_they_are_to_have_them() {
    let lab = Lab::local().inventory("web1\n");
    let debug = ["-i", "inventory", "web1", "-m", "debug", "-a", "msg=hi"];
    lab.tool("ansible", debug).exit(0).says("web1 | SUCCESS => {\n");
    let lab = lab.env("ANSIBLE_STDOUT_CALLBACK", "oneline");
    lab.tool("ansible", debug).exit(0).says("web1 | SUCCESS => {\n");
    let lab = lab.env("ANSIBLE_LOAD_CALLBACK_PLUGINS", "1");
    lab.tool("ansible", debug).exit(0).says("web1 | SUCCESS => {    \"changed\": false");
}

#[test]
fn tools_that_are_asked_for_two_things_or_none_refuse_as_ansible_does() {
    let lab = Lab::local().inventory("web1\n");
    lab.tool("ansible-inventory", ["-i", "inventory", "--list", "--graph"]).exit(5);
    lab.tool("ansible-inventory", ["-i", "inventory"]).exit(5);
    lab.tool("ansible-doc", []).exit(5);
    // By the name that was asked for.
    lab.tool("ansible-doc", ["-j", "copy"]).exit(0).says("{\"copy\": {");
}

#[test]
fn facts_that_are_not_there_are_an_empty_mapping() {
    let lab = Lab::local().inventory("web1\n").file("nothing.yml", "{}\n").playbook(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - setup: { gather_subset: ['!all', '!min'], filter: none }\n      register: facts\n    - include_vars: nothing.yml\n      register: vars\n    - assert: { that: ['facts.ansible_facts == {}', 'vars.ansible_facts == {}'] }\n",
    );
    lab.run([]).exit(0);
}

#[test]
fn a_log_that_cannot_be_written_keeps_nobody_from_working() {
    lab().env("ANSIBLE_LOG_PATH", "/proc/none/log").run(["-l", "web1"]).exit(0).says("packages of web1");
}

#[test]
fn versions_are_told_to_those_who_ask_for_more() {
    let lab = lab();
    let args = ["-i", "inventory", "playbook.yml", "-l", "web1", "-vv"];
    lab.tool("ansible-playbook", args).exit(0).says("ansible-playbook [core 2.19").says("config file = ");
    lab.run(["-l", "web1", "-v"]).exit(0).hides("[core");
}

#[test]
fn a_task_to_start_at_skips_those_before() {
    lab()
        .run(["--start-at-task", "Settings", "-l", "web1"])
        .exit(0)
        .hides("packages of")
        .says("settings of web1");
}

#[test]
fn plays_after_the_one_to_start_in_run_from_their_start_and_those_before_not_at_all() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  tasks:
    - debug: { msg: too early }
- hosts: all
  gather_facts: false
  tasks:
    - debug: { msg: still too early }
    - name: Here
      debug: { msg: from here }
- hosts: all
  gather_facts: false
  tasks:
    - debug: { msg: and on }
"#,
    );
    let run = lab.run(["--start-at-task", "Here"]).exit(0).says("from here").says("and on");
    run.hides("too early").hides("Gathering Facts").recap("web1", "ok=2");
    lab.run(["--start-at-task", "Nowhere"]).says("No matching task \"Nowhere\" found").hides("and on");
}
