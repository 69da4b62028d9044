use super::*;

fn verb(line: &str) -> Result<Verb, String> {
    let words = shell_words(line);
    let surroundings =
        Surroundings { folder: "/nowhere".into(), home: "/nowhere".into(), ..Surroundings::default() };
    parse(&words, &load(&surroundings)).map_err(|refused| match refused {
        Refused::Usage(error) => error.kind().to_string(),
        Refused::Absent(diagnostic) => diagnostic.summary.to_string(),
    })
}

/// Words at spaces, with `'…'` around those that have spaces.
fn shell_words(line: &str) -> Vec<OsString> {
    let mut words = Vec::new();
    for (position, part) in line.split('\'').enumerate() {
        if position % 2 == 1 {
            words.push(part.into());
        } else {
            words.extend(part.split_whitespace().map(Into::into));
        }
    }
    words
}

/// The verb's options as they were understood, as far as they are given here.
#[track_caller]
fn understood(line: &str, parts: &[&str]) {
    let text = format!("{:?}", verb(line).unwrap_or_else(|error| panic!("{line}: {error}")));
    for part in parts {
        assert!(text.contains(part), "{line}\n{part} is not in\n{text}");
    }
}

#[test]
fn the_words_that_ansible_playbook_takes() {
    for (line, parts) in [
        ("ansible-playbook site.yml", &["Play(", "playbooks: [\"site.yml\"]", "check: false"][..]),
        ("ansible-playbook a.yml b.yml", &["playbooks: [\"a.yml\", \"b.yml\"]"]),
        ("ansible-playbook -CD site.yml", &["check: true", "diff: true"]),
        ("ansible-playbook site.yml --check --diff", &["check: true", "diff: true"]),
        ("ansible-playbook -i a -i b,c x", &["inventory: [\"a\", \"b,c\"]"]),
        ("ansible-playbook --inventory-file a x", &["inventory: [\"a\"]"]),
        ("ansible-playbook -l web:!web1 x", &["limit: Some(\"web:!web1\")"]),
        ("ansible-playbook -l a -l b x", &["limit: Some(\"b\")"]),
        ("ansible-playbook -e a=1 -e @f.yml x", &["extra_vars: [\"a=1\", \"@f.yml\"]"]),
        ("ansible-playbook -e '{\"a\": 1}' x", &["extra_vars: [\"{\\\"a\\\": 1}\"]"]),
        (
            "ansible-playbook -t a,b --tags c --skip-tags d x",
            &["tags: [\"a,b\", \"c\"]", "skip_tags: [\"d\"]"],
        ),
        ("ansible-playbook -vvv x", &["verbose: 3"]),
        ("ansible-playbook -v --verbose x", &["verbose: 2"]),
        ("ansible-playbook -f 10 x", &["forks: Some(10)"]),
        (
            "ansible-playbook -u me -b --become-user you -K x",
            &[
                "user: Some(\"me\")",
                "become_user_too: true",
                "become_user: Some(\"you\")",
                "ask_become_pass: true",
            ],
        ),
        (
            "ansible-playbook --become-pass-file f --conn-pass-file g x",
            &["become_password_file: Some(\"f\")", "connection_password_file: Some(\"g\")"],
        ),
        (
            "ansible-playbook --key-file k -c local -T 5 x",
            &["private_key: Some(\"k\")", "connection: Some(\"local\")", "timeout: Some(5)"],
        ),
        (
            "ansible-playbook --ssh-common-args '-o ProxyJump=j' --ssh-extra-args=-4 x",
            &["ssh_common_args: Some(\"-o ProxyJump=j\")", "ssh_extra_args: Some(\"-4\")"],
        ),
        (
            "ansible-playbook --vault-id a@prompt --vault-id f --vault-pass-file g x",
            &["vault_id: [\"a@prompt\", \"f\"]", "vault_password_file: [\"g\"]"],
        ),
        ("ansible-playbook -J x", &["ask_vault_password: true"]),
        ("ansible-playbook --ask-vault-pass x", &["ask_vault_password: true"]),
        (
            "ansible-playbook --list-hosts --list-tasks --list-tags --syntax-check x",
            &["list_hosts: true", "list_tasks: true", "list_tags: true", "syntax_check: true"],
        ),
        (
            "ansible-playbook --start-at-task 'Do it' --step --force-handlers --flush-cache x",
            &["start_at_task: Some(\"Do it\")", "step: true", "force_handlers: true", "flush_cache: true"],
        ),
        // Beginnings of options are enough, as in Python's argparse.
        ("ansible-playbook --limi a --skip b x", &["limit: Some(\"a\")", "skip_tags: [\"b\"]"]),
        (
            "shevek play --json --no-color --no-cache --runner-dir d --report junit=f.xml x",
            &[
                "json: true",
                "no_color: true",
                "no_cache: true",
                "runner_dir: Some(\"d\")",
                "report: [ReportTo { kind: Junit, file: \"f.xml\" }]",
            ],
        ),
        ("/usr/local/bin/ansible-playbook x", &["Play("]),
    ] {
        understood(line, parts);
    }
}

#[test]
fn the_words_that_the_other_programs_take() {
    for (line, parts) in [
        ("ansible web -m ping", &["Run(", "pattern: \"web\"", "module_name: Some(\"ping\")"][..]),
        ("ansible all -a '-c echo hi'", &["arguments: Some(\"-c echo hi\")"]),
        (
            "ansible all -a uptime -B 60 -P 5 -o -t out",
            &["background: Some(60)", "poll: Some(5)", "one_line: true", "tree: Some(\"out\")"],
        ),
        (
            "shevek run all --task-timeout 3 --playbook-dir d",
            &["task_timeout: Some(3)", "playbook_dir: Some(\"d\")"],
        ),
        ("ansible-inventory --list -y --export", &["list: true", "yaml: true", "export: true"]),
        ("ansible-inventory --graph web --vars", &["graph: true", "group: Some(\"web\")", "vars: true"]),
        ("ansible-inventory --host web1 --output f", &["host: Some(\"web1\")", "to: Some(\"f\")"]),
        ("ansible-vault encrypt --vault-password-file p a b", &["Encrypt(", "files: [\"a\", \"b\"]"]),
        (
            "ansible-vault encrypt_string -n key secret",
            &["EncryptString(", "names: [\"key\"]", "values: [\"secret\"]"],
        ),
        ("ansible-vault rekey --new-vault-id b@q f", &["Rekey(", "new_vault_id: Some(\"b@q\")"]),
        (
            "ansible-config dump --only-changed -f json",
            &["Dump(", "only_changed: true", "format: Some(Json)"],
        ),
        ("ansible-doc -l", &["list: true"]),
        ("ansible-doc -j copy", &["as_json: true", "modules: [\"copy\"]"]),
        ("shevek replay run.jsonl -v", &["Replay(", "recording: \"run.jsonl\"", "verbose: 1"]),
    ] {
        understood(line, parts);
    }
}

#[test]
fn words_that_make_no_sense_are_refused() {
    for (line, why) in [
        ("ansible-playbook", "one or more required arguments were not provided"),
        ("ansible-playbook --bogus x", "unexpected argument found"),
        ("ansible-playbook -f 0 x", "invalid value for one of the arguments"),
        (
            "ansible-playbook -k --connection-password-file f x",
            "an argument cannot be used with one or more of the other specified arguments",
        ),
        ("ansible-playbook --report pdf=x x", "invalid value for one of the arguments"),
        (
            "ansible-inventory --list --yaml --toml",
            "an argument cannot be used with one or more of the other specified arguments",
        ),
        ("ansible-galaxy install x", "a program of Ansible's that is not here"),
        ("shevek fly", "unrecognized subcommand"),
    ] {
        assert_eq!(verb(line).map(|_| ()).unwrap_err(), why, "{line}");
    }
}

#[test]
fn the_version_is_where_other_tools_look_for_it() {
    let words = shell_words("ansible-playbook --version");
    let loaded =
        load(&Surroundings { folder: "/nowhere".into(), home: "/nowhere".into(), ..Surroundings::default() });
    let Err(Refused::Usage(error)) = parse(&words, &loaded) else { panic!("it has a version") };
    let text = error.to_string();
    assert!(text.starts_with("ansible-playbook [core 2.19.14]\n  config file = None\n"), "{text}");
}

/// docs/reference has these pages; a changed option is a changed page.
#[test]
fn help_pages() {
    use clap::CommandFactory;
    let mut command = Shevek::command().term_width(100);
    insta::assert_snapshot!("shevek", command.render_long_help());
    for verb in command.get_subcommands_mut().filter(|verb| verb.get_name() != "help") {
        let name = verb.get_name().to_owned();
        let page = verb.clone().bin_name(format!("shevek {name}")).term_width(100).render_long_help();
        insta::assert_snapshot!(name, page);
    }
}
