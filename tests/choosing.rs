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
