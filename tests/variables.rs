//! Where variables come from and which one wins.

use crate::lab::Lab;

const SHOW: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - debug: { msg: "{{ inventory_hostname }} sees {{ colour }}" }
"#;

#[test]
fn host_wins_over_child_group_over_parent_group_over_all() {
    Lab::local()
        .inventory(
            "[web]\nweb1\nweb2\nweb3\n[front]\nweb1\nweb2\n[front:vars]\n[site:children]\nweb\nfront\n",
        )
        .file("inventory/group_vars/all.yml", "colour: all\n")
        .file("inventory/group_vars/site.yml", "colour: parent\n")
        .file("inventory/group_vars/front.yml", "colour: child\n")
        .file("inventory/host_vars/web1.yml", "colour: host\n")
        .playbook(SHOW)
        .run([])
        .exit(0)
        .says("web1 sees host")
        .says("web2 sees child")
        .says("web3 sees parent");
}

#[test]
fn extra_variables_win_over_everything() {
    let lab = Lab::local().inventory("web1 colour=inventory\n").playbook(
        r#"
- hosts: all
  gather_facts: false
  vars: { colour: play }
  tasks:
    - set_fact: { colour: fact }
    - debug: { msg: "sees {{ colour }}" }
      vars: { colour: task }
"#,
    );
    lab.run([]).exit(0).says("sees fact");
    lab.run(["-e", "colour=extra"]).exit(0).says("sees extra");
    lab.run(["-e", r#"{"colour": [1, 2]}"#]).exit(0).says("sees [1, 2]");
}

#[test]
fn a_role_brings_defaults_that_anyone_may_override() {
    let lab = Lab::local()
        .file("roles/paint/defaults/main.yml", "colour: default\nfinish: matt\n")
        .file("roles/paint/vars/main.yml", "finish: role\n")
        .file(
            "roles/paint/tasks/main.yml",
            "- debug: { msg: \"{{ role_name }}: {{ colour }} and {{ finish }}\" }\n",
        )
        .playbook("- hosts: all\n  gather_facts: false\n  roles: [paint]\n");
    lab.run([]).exit(0).says("paint: default and role");
    let lab = lab.inventory("web1 colour=inventory finish=inventory\n");
    lab.run([]).exit(0).says("paint: inventory and role");
}

#[test]
fn an_undefined_variable_is_an_error_with_its_name_and_place() {
    Lab::local().playbook(SHOW).run([]).exit(2).says("colour").says("undefined").says("playbook.yml:5");
}

#[test]
fn registered_results_and_facts_live_on_in_the_next_play() {
    Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: echo from the first play
      register: said
    - set_fact: { kept: "{{ said.stdout_lines }}" }
- hosts: all
  gather_facts: false
  tasks:
    - debug: { msg: "{{ said.stdout }} / {{ hostvars['web1'].kept | first }}" }
"#,
        )
        .run([])
        .exit(0)
        .says("from the first play / from the first play");
}

#[test]
fn facts_that_are_kept_are_there_in_the_next_run_until_they_are_flushed() {
    let lab = Lab::local()
        .env("ANSIBLE_CACHE_PLUGIN", "jsonfile")
        .env("ANSIBLE_CACHE_PLUGIN_CONNECTION", "facts")
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - debug: { msg: "kept {{ ansible_facts.colour | default('nothing') }} {{ colour | default('-') }}" }
    - set_fact: { colour: red, cacheable: true }
"#,
        );
    lab.run([]).exit(0).says("kept nothing -");
    lab.run([]).exit(0).says("kept red red");
    lab.run(["--flush-cache"]).exit(0).says("kept nothing -");
}

#[test]
fn a_task_sees_how_its_host_is_reached() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  remote_user: joe
  tasks:
    - debug: { msg: "as {{ ansible_user }} at {{ ansible_host }}" }
      when: ansible_ssh_user == 'joe'
    - assert: { that: "hostvars[inventory_hostname].ansible_user is undefined" }
"#,
    );
    lab.run([]).exit(0).says("as joe at web1");
}

#[test]
fn defaults_of_modules_by_name_and_by_group() {
    let lab = Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  module_defaults:
    ping: { data: outer }
    group/some.where.pinging: { data: by group }
    group/some.where.all: { data: by another }
  tasks:
    - ping:
      register: by_name
    - ping:
      module_defaults: { ansible.builtin.ping: {} }
      register: nearest
    - assert: { that: [by_name.ping == 'outer', nearest.ping == 'by another'] }
"#,
        )
        .file(
            "collections/ansible_collections/some/where/meta/runtime.yml",
            "action_groups:\n  pinging: [ansible.builtin.ping]\n  all:\n    - metadata: { extend_group: [pinging] }\n",
        );
    lab.run([]).exit(0).recap("web1", "ok=3");
}

#[test]
fn include_vars_merges_with_what_the_host_has_when_it_is_told_to() {
    let lab = Lab::local()
        .file("one.yml", "config: {a: 1, deep: {x: 1}}")
        .file("two.yml", "config: {b: 2, deep: {y: 2}}")
        .playbook(
            r"
- hosts: all
  gather_facts: false
  tasks:
    - include_vars: one.yml
    - include_vars: { file: two.yml, hash_behaviour: merge }
    - debug: { msg: 'merged {{ config.a }} {{ config.b }} {{ config.deep | length }}' }
    - include_vars: two.yml
    - debug: { msg: 'replaced {{ config.keys() | list }}' }
",
        );
    lab.run([]).exit(0).says("merged 1 2 2").says("replaced ['b', 'deep']");
}

#[test]
fn variables_beside_a_playbook_are_those_of_its_own_plays() {
    let play = "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: { msg: \"{{ where | default('nowhere') }} {{ own | default('none') }}\" }\n";
    let lab = Lab::local()
        .file("group_vars/all.yml", "where: beside the first\n")
        .file("other/group_vars/all.yml", "where: beside the imported\n")
        .file("other/host_vars/web1.yml", "own: of the host\n")
        .file("other/site.yml", play)
        .file("third/site.yml", play)
        .file("again.yml", play)
        .playbook(&format!("{play}- import_playbook: other/site.yml\n{play}"));
    let run = lab.run(["third/site.yml", "again.yml"]).exit(0);
    let said: Vec<&str> =
        run.stdout().lines().filter_map(|line| line.trim().strip_prefix("\"msg\": ")).collect();
    assert_eq!(
        said,
        [
            "\"beside the first none\"",
            "\"beside the imported of the host\"",
            "\"beside the first none\"",
            "\"nowhere none\"",
            "\"beside the first none\"",
        ],
        "{}",
        run.text()
    );
}

#[test]
fn vars_files_are_those_of_each_host() {
    Lab::local()
        .inventory("web1 colour=red\nweb2 colour=blue\nweb3 colour=red\n")
        .file("common.yml", "kind: common\nlevel: { a: 1 }\n")
        .file("red.yml", "kind: red\n")
        .file("blue.yml", "level: { b: 2 }\n")
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  vars_files: [common.yml, "{{ colour }}.yml"]
  tasks:
    - assert: { that: [kind == 'red', "level == {'a': 1}"] }
      when: colour == 'red'
    - assert: { that: [kind == 'common', "level == {'b': 2}"] }
      when: colour == 'blue'
- hosts: all
  gather_facts: false
  vars_files: [[nowhere.yml, common.yml]]
  tasks:
    - assert: { that: [kind == 'common'] }
"#,
        )
        .run([])
        .exit(0)
        .recap("web2", "ok=2 skipped=1")
        .recap("web3", "ok=2 skipped=1");
}

#[test]
fn vars_files_may_be_named_by_facts_that_the_play_gathers() {
    let lab = Lab::local()
        .inventory("web1\n")
        .file("vars/Linux.yml", "kind: by fact\n")
        .file("other.yml", "kind: other\n");
    let lab = lab.playbook(
        r#"
- hosts: all
  vars_files:
    - ["vars/{{ ansible_facts.system }}.yml", other.yml]
    - "{{ ansible_facts.system }}-more.yml"
  tasks:
    - debug: { msg: "it is {{ kind }}" }
"#,
    );
    lab.run([])
        .exit(0)
        .says("skipping vars_files item due to an undefined variable")
        .says("it is by fact")
        .says("variable file not found: there is no Linux-more.yml")
        .recap("web1", "ok=2");
    // When they are there, a name that cannot be rendered never will be.
    let lab = lab.playbook(
        "- hosts: all\n  vars_files: ['{{ nope }}.yml']\n  tasks:\n    - debug: { msg: not reached }\n",
    );
    lab.run([]).exit(1).says("'nope' is undefined").hides("not reached").recap("web1", "ok=1");
}

#[test]
fn a_keyword_of_a_play_that_cannot_be_rendered_ends_the_run_before_the_play() {
    let keywords =
        ["name", "serial", "gather_facts", "strategy", "max_fail_percentage", "order", "force_handlers"];
    for keyword in keywords {
        let first = "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: { msg: first }\n";
        let second = format!(
            "- hosts: all\n  {keyword}: '{{{{ nope }}}}'\n  tasks:\n    - debug: {{ msg: second }}\n"
        );
        Lab::local()
            .inventory("web1\n")
            .playbook(&format!("{first}{second}"))
            .run([])
            .exit(4)
            .says(&format!("Error processing keyword '{keyword}': 'nope' is undefined"))
            .hides("second\"")
            .recap("web1", "ok=1");
    }
}

#[test]
fn the_root_of_playbook_variables_says_beside_which_files_they_are() {
    let show = "- debug: { msg: \"{{ WHO }} sees {{ colour }}\" }\n";
    let mut lab = Lab::local()
        .inventory("web1\n")
        .file("group_vars/all.yml", "colour: playbook\n")
        .file("sub/host_vars/web1.yml", "colour: file\n")
        .file("sub/shown.yml", &show.replace("{{ WHO }}", "include"))
        .file("roles/paint/group_vars/all.yml", "colour: role\n")
        .file("roles/paint/tasks/main.yml", &show.replace("{{ WHO }}", "role"))
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  roles: [paint]
  tasks:
    - debug: { msg: "play sees {{ colour }}" }
    - include_tasks: sub/shown.yml
"#,
        );
    lab.run([]).exit(0).says("role sees playbook").says("play sees playbook").says("include sees playbook");
    for root in ["bottom", "all"] {
        lab = lab.env("ANSIBLE_PLAYBOOK_VARS_ROOT", root);
        lab.run([]).exit(0).says("role sees role").says("play sees playbook").says("include sees file");
    }
}

#[test]
fn the_order_of_group_variables_can_be_set() {
    let lab = Lab::local()
        .inventory("[front]\nweb1\n[front:vars]\ncolour=group\n[all:vars]\ncolour=all\n")
        .playbook(SHOW);
    lab.run([]).exit(0).says("web1 sees group");
    lab.env("ANSIBLE_PRECEDENCE", "groups_inventory, all_inventory").run([]).exit(0).says("web1 sees all");
}
