//! Secrets: vaults, no_log, and what may never be printed.

use crate::lab::Lab;

/// `password: hunter2-very-secret`, encrypted by ansible-vault with the password `open sesame`.
const VAULTED: &str = "$ANSIBLE_VAULT;1.1;AES256\n\
    33363065633139393937623966616433356361616263313530376439613362633835353434323436\n\
    3136636237366164633232663161313162613132356631640a626535376163396639613631386535\n\
    36313437666366656239313930373534623139623336346537383238336431386432666462313533\n\
    3461626163323236380a326565636434316134626566376462663336323132396636663930383136\n\
    39353266323838303339303861343063323462363231386265353064643731616233\n";

#[test]
fn a_vaulted_file_is_read_with_its_password_and_not_without() {
    let lab = Lab::local().file("password", "open sesame\n").file("secrets.yml", VAULTED).playbook(
        r#"
- hosts: all
  gather_facts: false
  vars_files: [secrets.yml]
  tasks:
    - copy: { content: "{{ password }}", dest: "{{ root }}/password", mode: "0600" }
"#,
    );
    lab.run(["--vault-password-file", "password"]).exit(0).recap("web1", "changed=1");
    assert_eq!(std::fs::read_to_string(lab.root("web1").join("password")).unwrap(), "hunter2-very-secret");
    let run = lab.run([]);
    let run = run.says("secrets.yml").hides("hunter2").untouched("web1");
    assert!(run.code() != Some(0));
}

#[test]
fn vaults_of_hosts_that_are_not_in_the_run_may_stay_closed() {
    let lab = Lab::local()
        .inventory("[staging]\nweb1\n[prod]\nweb2\n")
        .file("inventory/group_vars/prod.yml", VAULTED)
        .playbook(
            "
- hosts: staging
  gather_facts: false
  tasks:
    - debug: { msg: \"{{ inventory_hostname }} runs\" }
    - debug: { msg: \"{{ hostvars.web2.password }}\" }
      ignore_errors: true
    - command: 'true'
      delegate_to: web2
      ignore_errors: true
- hosts: \"{{ later | default('staging') }}\"
  gather_facts: false
  tasks: [{ debug: { msg: the second play } }]
",
        );
    let run = lab.run([]).exit(0).says("web1 runs").says("the second play").says("no vault secrets found");
    assert_eq!(run.stdout().matches("...ignoring").count(), 2, "asked for twice, refused twice");
    lab.run(["--syntax-check"]).exit(0);
    lab.run(["--list-hosts", "--list-tasks"]).exit(0);
    lab.tool("ansible", ["web1", "-i", "inventory", "-m", "ping"]).exit(0);
    lab.tool("ansible-inventory", ["-i", "inventory", "--host", "web1"]).exit(0);
    lab.tool("ansible-inventory", ["-i", "inventory", "--list"]).exit(4).says("group_vars/prod.yml");
    // Before anything is begun, where it can be known then; else when the play begins.
    lab.run(["-e", "later=prod"]).exit(4).hides("web1 runs").says("group_vars/prod.yml");
    lab.tool("ansible", ["web2", "-i", "inventory", "-m", "ping"]).exit(4).says("group_vars/prod.yml");
}

/// Tools that type passwords wait for these words, in this order.
#[test]
fn passwords_are_asked_for_in_ansibles_words_and_order() {
    let lab = Lab::local().playbook("- hosts: all\n  gather_facts: false\n  tasks:\n    - ping:\n");
    let run = lab.typed(["-J", "-k", "-K", "--vault-id", "dev@prompt"], ": ", &["s", "b", "v", "d"]).exit(0);
    let shown = run.text();
    let asked: Vec<&str> =
        shown.lines().filter(|line| line.contains("password")).map(|line| line.trim_end()).collect();
    assert_eq!(
        asked,
        [
            "SSH password:",
            "BECOME password[defaults to SSH password]:",
            "Vault password (dev):",
            "Vault password:"
        ]
    );
}

#[test]
fn several_values_are_encrypted_in_one_go_and_told_apart() {
    let lab = Lab::local().file("password", "open sesame\n");
    let args = ["encrypt_string", "--vault-password-file", "password", "one", "two", "-n", "a"];
    lab.tool("ansible-vault", args)
        .exit(0)
        .says("a: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n")
        .says("\n!vault |\n")
        .says("# The encrypted version of variable (\"a\", the string #1 from the command line args).\n")
        .says("# The encrypted version of the string #2 from the command line args.)\n");
}

#[test]
fn vars_files_are_read_where_plays_are_only_listed() {
    let lab = Lab::local()
        .file("closed.yml", VAULTED)
        .playbook("- hosts: all\n  vars_files: [\"{{ nothing }}.yml\", closed.yml]\n  tasks: [{ debug: }]\n");
    lab.run(["--syntax-check"]).exit(1).says("no vault secrets found");
    lab.run(["--list-tasks"]).exit(1).says("closed.yml");
}

#[test]
fn the_vault_tool_encrypts_what_it_can_read_again() {
    let lab = Lab::local().file("password", "open sesame\n").file("plain.yml", "colour: red\n");
    lab.tool("ansible-vault", ["encrypt", "--vault-password-file", "password", "plain.yml"]).exit(0);
    let text = std::fs::read_to_string(lab.path().join("plain.yml")).unwrap();
    assert!(text.starts_with("$ANSIBLE_VAULT;1.1;AES256\n"), "{text}");
    lab.tool("ansible-vault", ["view", "--vault-password-file", "password", "plain.yml"])
        .exit(0)
        .says("colour: red");
    lab.tool("ansible-vault", ["decrypt", "--vault-password-file", "password", "plain.yml"]).exit(0);
    assert_eq!(std::fs::read_to_string(lab.path().join("plain.yml")).unwrap(), "colour: red\n");
}

#[test]
fn no_log_hides_arguments_results_and_diffs() {
    let lab = Lab::local()
        .host_file("web1", "token", "old-secret\n")
        .inventory("web1 secret=new-secret\n")
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - copy: { content: "{{ secret }}\n", dest: "{{ root }}/token" }
      no_log: true
    - command: echo {{ secret }}
      no_log: true
    - command: sh -c 'echo {{ secret }}; exit 1'
      no_log: true
      ignore_errors: true
"#,
        );
    lab.run(["--diff", "-vvv"])
        .exit(0)
        .hides("new-secret")
        .hides("old-secret")
        .recap("web1", "ok=3 changed=3 ignored=1")
        .touched("web1", "~ token");
}

#[test]
fn differences_show_nothing_of_what_was_encrypted_here() {
    let lab = Lab::local()
        .file("password", "open sesame\n")
        .file("files/tree/plain", "of the tree\n")
        .file("files/tree/secret", VAULTED)
        .file("files/parts/1", VAULTED)
        .file("templates/t", VAULTED)
        .file("files/s", VAULTED)
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - copy: { src: tree/, dest: "{{ root }}/tree/" }
    - assemble: { src: parts, dest: "{{ root }}/whole", remote_src: false }
    - template: { src: t, dest: "{{ root }}/t" }
    - copy: { content: "{{ lookup('file', 's') }}", dest: "{{ root }}/looked-up" }
    - debug: { msg: "{{ lookup('file', 's') }}" }
"#,
        );
    let run = lab.run(["--diff", "--vault-password-file", "password"]).exit(0).recap("web1", "changed=4");
    run.says("of the tree").hides("hunter2");
    for file in ["tree/secret", "whole", "t", "looked-up"] {
        assert!(std::fs::read_to_string(lab.root("web1").join(file)).unwrap().contains("hunter2"), "{file}");
    }
}

#[test]
fn what_a_lookup_found_is_hidden_where_it_was_but_a_part_of_an_argument() {
    let lab = Lab::local().file("password", "open sesame\n").file("files/s", VAULTED).playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - shell: "echo {{ (lookup('file', 's') | from_yaml).password }} is the one; echo {{ lookup('file', 's') | quote }} >&2"
    - shell: "echo {{ lookup('file', 's') | b64encode }} in other letters"
    - shell: "echo {{ lookup('unvault', 's') | trim }} was unvaulted"
"#,
    );
    let run = lab.run(["-vvv", "--vault-password-file", "password"]).exit(0);
    let run = run.says("is the one").says("in other letters").says("was unvaulted");
    // Of `password: hunter2-very-secret`.
    run.hides("hunter2").hides("cGFzc3dvcmQ6IGh1bnRlcjItdmVyeS1zZWNyZXQ");
}

#[test]
fn no_log_hides_what_a_looped_include_is_for() {
    Lab::local()
        .file("more.yml", "- debug: { msg: in it }\n")
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  vars: { secrets: [hunter-one, hunter-two] }
  tasks:
    - include_tasks: more.yml
      loop: "{{ secrets }}"
      no_log: true
    - include_tasks: more.yml
      loop: [seen, hunter-one]
      no_log: "{{ item != 'seen' }}"
    - include_tasks: "nowhere-{{ item }}.yml"
      loop: "{{ secrets }}"
      no_log: true
"#,
        )
        .run([])
        .exit(2)
        .says("for web1 => (item=(censored due to no_log))")
        .says("for web1 => (item=seen)")
        .says("\"censored\"")
        .hides("hunter");
}

/// `ab"c'd\e` with a tab behind it and `end`, encrypted by ansible-vault with the password `open sesame`.
#[test]
fn a_secret_is_hidden_in_labels_and_messages_that_quote_it() {
    let lab = Lab::local()
        .file("password", "open sesame\n")
        .file("plain.yml", "secret: \"one\\\"two'three\\\\four\\tfive\"\n");
    lab.tool("ansible-vault", ["encrypt", "--vault-password-file", "password", "plain.yml"]).exit(0);
    let run = lab.playbook(
        r#"
- hosts: all
  gather_facts: false
  vars_files: [plain.yml]
  tasks:
    - debug: { msg: hi }
      loop:
        - { name: u, password: "{{ secret }}" }
    - fail: { msg: "it is {{ {'a': secret} }}" }
      ignore_errors: true
    - assert: { that: ["secret == 'x'"], fail_msg: "{{ [secret] }}" }
      ignore_errors: true
"#,
    );
    run.run(["--vault-password-file", "password"])
        .exit(0)
        .says("(item={'name': 'u', 'password': '********'})")
        .hides("four");
}
