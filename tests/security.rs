//! What docs/security.md promises and only whole runs can show: hostile hosts, hostile users on hosts, secrets.

use crate::lab::Lab;

#[test]
fn what_a_host_says_is_never_rendered() {
    let said = r#"{{ lookup('pipe', 'touch escaped') }} {{ 7 * 7 }}"#;
    let lab = Lab::local()
        .host_file("web1", "said", said)
        .file("page.j2", "{{ said.stdout }}|{{ item }}\n")
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: cat {{ root }}/said
      register: said
    - set_fact: { kept: "{{ said.stdout }}", list: ["{{ said.stdout }}"] }
    - debug: { msg: "{{ kept }}" }
    - template: { src: page.j2, dest: "{{ root }}/page" }
      loop: "{{ list }}"
    - command: echo {{ kept | quote }}
      register: again
      when: said.stdout == kept
      changed_when: again.stdout == said.stdout
    - add_host: { name: other, mark: "{{ said.stdout }}" }
    - copy: { content: "{{ hostvars.other.mark }}", dest: "{{ root }}/mark" }
"#,
        );
    lab.run([]).exit(0).hides(" 49").says("7 * 7").recap("web1", "ok=7 changed=5");
    assert!(!lab.path().join("escaped").exists(), "a lookup ran");
    let page = std::fs::read_to_string(lab.root("web1").join("page")).unwrap();
    assert_eq!(page, format!("{said}|{said}\n"));
    assert_eq!(std::fs::read_to_string(lab.root("web1").join("mark")).unwrap(), said);
}

#[test]
fn facts_do_not_say_how_a_host_is_reached_or_whom_to_become() {
    let module = "#!/bin/sh\necho '{\"ansible_facts\": {\"ansible_host\": \"10.0.0.9\", \"ansible_connection\": \"nowhere\", \"ansible_become\": true, \"ansible_become_exe\": \"/bin/false\", \"harmless\": 1}}'\n";
    let lab = Lab::local().file("library/liar", module).playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - liar:
    - command: echo {{ harmless }} {{ ansible_connection }}
"#,
    );
    lab.run(["-v"]).exit(0).says("\"stdout\": \"1 local\"");
}

#[test]
fn the_path_of_a_fetched_file_does_not_leave_its_folder() {
    let lab = Lab::local()
        .host_file("web1", "said", "../../../../../../../..")
        .host_file("web1", "escaped", "x")
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: cat {{ root }}/said
      register: said
    - fetch: { src: "/{{ said.stdout }}{{ root }}/escaped", dest: out }
"#,
        );
    lab.run([]).exit(0);
    let there: Vec<String> = lab
        .files()
        .into_iter()
        .filter(|path| path.ends_with("/escaped") && !path.contains("/hosts/web1/escaped"))
        .collect();
    assert_eq!(there, [""; 0], "beside the host's own");
    let fetched: Vec<String> =
        lab.files().into_iter().filter(|path| path.ends_with("web1/escaped")).collect();
    assert!(fetched.iter().any(|path| path.contains("/out/web1/")), "{fetched:?}");
}

const SECRET: &str = "hunter2-very-secret";

fn with_secret() -> Lab {
    Lab::ssh().file("secrets.yml", &format!("password: !unsafe {SECRET}\n")).playbook(
        r#"
- hosts: all
  gather_facts: false
  vars_files: [secrets.yml]
  tasks:
    - shell: "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c 'hunter[2]-very' ; true"
      register: seen
      environment: { TOKEN: "{{ password }}" }
    - copy: { content: "{{ password }}", dest: "{{ root }}/secret", mode: "0600" }
      no_log: true
      register: copied
    - shell: "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c 'hunter[2]-very' ; true"
      register: again
    - assert: { that: [seen.stdout == '0', again.stdout == '0', copied is changed] }
    - lineinfile: { path: "{{ root }}/secret", line: "{{ password }} too" }
      no_log: true
    - command: grep {{ password }} /nonexistent
      no_log: true
      ignore_errors: true
"#,
    )
}

#[test]
fn secrets_are_in_no_processs_arguments_on_either_side() {
    with_secret().run([]).exit(0).recap("web1", "ok=6 failed=0");
}

#[test]
fn secrets_are_in_no_output_difference_or_event_file() {
    let lab = with_secret();
    let reports = [
        "--diff",
        "-vvvvv",
        "--report",
        "jsonl=run.jsonl",
        "--report",
        "junit=run.xml",
        "--report",
        "json=run.json",
    ];
    lab.run(reports).exit(0).hides(SECRET);
    for file in ["run.jsonl", "run.xml", "run.json"] {
        let text = std::fs::read_to_string(lab.path().join(file)).unwrap();
        assert!(!text.is_empty() && !text.contains(SECRET), "{file}: {text}");
    }
}

#[test]
fn a_host_that_names_itself_in_colours_is_shown_without_them() {
    let lab = Lab::local().playbook(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - shell: \"printf '\\\\033]0;owned\\\\007\\\\033[31mred'\"\n",
    );
    lab.typed(["-v"], "never asked", &[]).exit(0).hides("\u{1b}]0;").hides("\u{7}").says("owned");
}
