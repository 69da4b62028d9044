//! Who does what when: delegation, run_once, serial, several plays.

use crate::lab::Lab;

#[test]
fn serial_takes_batches_and_run_once_takes_the_first_of_each() {
    let lab = Lab::local().inventory("web1\nweb2\nweb3\n").playbook(
        r#"
- hosts: all
  gather_facts: false
  serial: 2
  tasks:
    - debug: { msg: "batch {{ ansible_play_batch | join('+') }}" }
      run_once: true
    - debug: { msg: done }
"#,
    );
    let run = lab
        .run([])
        .exit(0)
        .says("batch web1+web2")
        .says("batch web3")
        .recap("web1", "ok=2")
        .recap("web2", "ok=1")
        .recap("web3", "ok=2");
    assert_eq!(run.stdout().matches("batch ").count(), 2, "{}", run.text());
}

#[test]
fn a_delegated_task_works_over_there_with_the_variables_from_here() {
    let lab = Lab::local().inventory("web1 colour=red\nweb2 colour=blue\n").playbook(
        r#"
- hosts: web1
  gather_facts: false
  tasks:
    - copy: { content: "{{ colour }} for {{ inventory_hostname }}\n", dest: "{{ hostvars['web2'].root }}/note" }
      delegate_to: web2
"#,
    );
    lab.run([])
        .exit(0)
        .says("web1 -> web2")
        .recap("web1", "changed=1")
        .untouched("web1")
        .touched("web2", "+ note");
    assert_eq!(std::fs::read_to_string(lab.root("web2").join("note")).unwrap(), "red for web1\n");
}

#[test]
fn of_several_hosts_that_tell_of_one_the_last_in_order_counts_whoever_answered_first() {
    Lab::local()
        .inventory("web1\nweb2\nother\n")
        .playbook(
            r#"
- hosts: web1,web2
  gather_facts: false
  vars:
    mark: "{{ hostvars['other'].root }}/web2-was-here"
    wait: "until test -e {{ mark }}; do sleep 0.05; done; sleep 0.2"
    work: "{{ wait if inventory_hostname == 'web1' else 'touch ' ~ mark }}"
  tasks:
    - set_fact: { teller: "{{ inventory_hostname }}{{ lookup('pipe', work) }}" }
      delegate_to: other
      delegate_facts: true
    - debug: { msg: "told by {{ hostvars['other'].teller }}" }
      run_once: true
"#,
        )
        .run([])
        .exit(0)
        .says("told by web2");
}

#[test]
fn groups_that_hosts_put_themselves_into_keep_the_order_of_hosts() {
    let hosts: Vec<String> = (1..=12).map(|number| format!("web{number:02}")).collect();
    // Templates of earlier hosts take longer.
    Lab::local()
        .inventory(&hosts.join("\n"))
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  vars:
    place: "{{ groups.all.index(inventory_hostname) }}"
    long: "{{ range(200 * (12 - place | int)) | map('string') | join | length }}"
  tasks:
    - group_by: { key: "{{ 'all_of_them' if long | int >= 0 }}" }
    - set_stats: { data: { seen: ["{{ inventory_hostname if long | int >= 0 }}"] }, aggregate: true }
    - debug: { msg: "{{ groups.all_of_them | join('+') }}" }
      run_once: true
"#,
        )
        .env("ANSIBLE_SHOW_CUSTOM_STATS", "1")
        .run([])
        .exit(0)
        .says(&hosts.join("+"))
        .says(&hosts.iter().map(|host| format!("\"{host}\"")).collect::<Vec<_>>().join(",  "));
}

#[test]
fn a_serial_play_that_fails_does_not_go_on_to_the_next_batch() {
    Lab::local()
        .inventory("web1\nweb2\nweb3\n")
        .playbook("- hosts: all\n  gather_facts: false\n  serial: 1\n  tasks:\n    - fail: { msg: no }\n      when: inventory_hostname == 'web2'\n")
        .run([])
        .exit(2)
        .recap("web1", "skipped=1")
        .recap("web2", "failed=1")
        .hides("web3 ");
}

#[test]
fn included_tasks_and_imported_plays_are_run_in_place() {
    let lab = Lab::local()
        .file(
            "more.yml",
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: { msg: imported play }\n",
        )
        .file("tasks.yml", "- debug: { msg: \"included for {{ who }}\" }\n")
        .playbook(
            r#"
- import_playbook: more.yml
- hosts: all
  gather_facts: false
  tasks:
    - include_tasks: tasks.yml
      loop: [ann, bob]
      loop_control: { loop_var: who }
    - import_tasks: tasks.yml
      vars: { who: import }
"#,
        );
    lab.run([])
        .exit(0)
        .says("imported play")
        .says("included for ann")
        .says("included for bob")
        .says("included for import")
        .recap("web1", "ok=6");
}

#[test]
fn every_batch_has_its_banner_and_hosts_that_did_nothing_are_in_no_recap() {
    let run = Lab::local().inventory("web1\nweb2\nweb3\n").playbook(
        "- hosts: all\n  gather_facts: false\n  serial: 1\n  tasks:\n    - debug: { msg: hi }\n\
         - hosts: all\n  gather_facts: false\n  tasks: []\n",
    );
    let run = run.run(["--limit", "web1,web2"]).exit(0).hides("web3");
    assert_eq!(run.stdout().matches("PLAY [all]").count(), 3, "{}", run.text());
    Lab::local()
        .playbook("- hosts: all\n  gather_facts: false\n  tasks: []\n")
        .run([])
        .exit(0)
        .says("PLAY RECAP")
        .hides("ok=0");
}

/// Every task notes its beginning and end in one file: what is between them ran at the same time.
fn overlaps(strategy: &str, keywords: &str, args: &[&str]) -> usize {
    let lab = Lab::local().inventory("web1\nweb2\nweb3\nweb4\n").playbook(&format!(
        "- hosts: all\n  gather_facts: false\n  strategy: {strategy}\n  tasks:\n    \
         - shell: echo begin >> ../log; sleep 0.1; echo end >> ../log\n      args: {{ chdir: '{{{{ root }}}}' }}\n{keywords}\
         \x20   - shell: echo end >> ../log\n      args: {{ chdir: '{{{{ root }}}}' }}\n"
    ));
    let args: Vec<&str> = [&["playbook.yml"], args].concat();
    lab.shevek(&[&["play", "-i", "inventory"], args.as_slice()].concat());
    let log = std::fs::read_to_string(lab.path().join("hosts/log")).unwrap();
    let mut most = 0;
    let mut now = 0;
    for line in log.lines() {
        now = if line == "begin" { now + 1 } else { 0 };
        most = most.max(now);
    }
    most
}

#[test]
fn a_pinned_host_goes_through_the_play_before_the_next_one_begins() {
    let play = |strategy: &str| {
        let lab = Lab::local().inventory("web1\nweb2\n").playbook(&format!(
            "- hosts: all\n  gather_facts: false\n  strategy: {strategy}\n  tasks:\n    \
             - debug: {{ msg: one }}\n    - debug: {{ msg: two }}\n"
        ));
        let run = lab.run(["--forks", "1"]).exit(0);
        let hosts = run.stdout().lines().filter_map(|line| line.strip_prefix("ok: [")?.split(']').next());
        hosts.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(play("host_pinned"), "web1 web1 web2 web2");
    // Free hosts overtake one another as it comes; each does all.
    let free = play("free");
    assert_eq!((free.matches("web1").count(), free.matches("web2").count()), (2, 2), "{free}");
}

#[test]
fn throttle_holds_under_the_free_strategy_too() {
    assert_eq!(overlaps("free", "      throttle: 1\n", &[]), 1);
}
