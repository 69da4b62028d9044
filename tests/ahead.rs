//! Tasks that are sent ahead: fewer round trips, and nothing else that differs.

use std::fmt::Write;

use crate::lab::{Lab, Proxy, repository};

/// What a play may have beside its tasks: files, templates, tasks to include.
fn with_files(lab: Lab) -> Lab {
    lab.file(
        "templates/page.j2",
        "{{ word }} {{ n | default('none') }} {{ late.stdout | default('unset') }}\n",
    )
    .file("files/plain.txt", "plain\n")
    .file("some.yml", "- copy: { content: x, dest: '{{ root }}/x' }\n- command: echo {{ word }}\n")
}

/// The playbook played on a fresh host, with tasks sent ahead (`always`) or not (`never`): lines of what it printed, recorded
/// and left behind.
fn played(playbook: &str, ahead: &str, options: &[&str]) -> Vec<String> {
    let lab = with_files(Lab::local()).playbook(playbook).env("SHEVEK_SEND_AHEAD", ahead);
    // The root is made before the first run.
    let before = lab.tree("web1");
    let mut args = vec!["play", "-i", "inventory", "playbook.yml", "--report", "jsonl=run.jsonl"];
    args.extend(options);
    let outcome = lab.shevek(&args);
    let mut lines = vec![format!("exit {:?}", outcome.code()), without_times(&outcome.text())];
    let record = std::fs::read_to_string(lab.path().join("run.jsonl")).unwrap();
    lines.extend(record.replace(&lab.path().display().to_string(), "[lab]").lines().map(event));
    lines.push(before.difference(&lab.tree("web1")));
    lines.iter().flat_map(|text| text.lines()).map(without_names).collect()
}

/// Without the random names of temporary files.
fn without_names(line: &str) -> String {
    let mut parts = line.split(".shevek_");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out += ".shevek_";
        out += part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    out
}

/// The first lines in which two runs differ.
fn difference(a: &[String], b: &[String]) -> Option<String> {
    if a == b {
        return None;
    }
    let at = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let some = |lines: &[String]| lines[at.min(lines.len())..lines.len().min(at + 3)].join("\n");
    Some(format!("{}\n-- but --\n{}", some(a), some(b)))
}

/// A recorded event without what the clock says.
fn event(line: &str) -> String {
    fn walk(value: &mut serde_json::Value) {
        const OF_THE_CLOCK: [&str; 6] = ["at", "time", "seconds", "start", "end", "delta"];
        match value {
            serde_json::Value::Object(map) => {
                map.retain(|key, _| !OF_THE_CLOCK.contains(&key.as_str()) && !is_of_a_file(key));
                map.values_mut().for_each(walk);
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(walk),
            _ => {}
        }
    }
    let mut event: serde_json::Value = serde_json::from_str(line).unwrap();
    walk(&mut event);
    event.to_string()
}

fn is_of_a_file(key: &str) -> bool {
    ["mtime", "atime", "ctime", "inode", "dev"].contains(&key)
}

/// What was printed, without the times that results tell of.
fn without_times(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let words = line.split(", ").filter(|part| {
            let key =
                part.trim_start_matches(['{', ' ']).split(':').next().unwrap_or_default().trim_matches('"');
            !["delta", "end", "start"].contains(&key) && !is_of_a_file(key)
        });
        let _ = writeln!(out, "{}", words.collect::<Vec<_>>().join(", "));
    }
    out
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// What tasks do; `N` is their number.
const ACTIONS: &[&str] = &[
    "copy: { content: 'c{{ n }}', dest: '{{ root }}/copied' }",
    "copy: { src: plain.txt, dest: '{{ root }}/plain' }",
    "copy: { content: '{{ late.stdout | default(0) }}', dest: '{{ root }}/late' }",
    "template: { src: page.j2, dest: '{{ root }}/page' }",
    "file: { path: '{{ root }}/dN', state: directory }",
    "file: { path: '{{ root }}/copied', state: absent }",
    "lineinfile: { path: '{{ root }}/lines', line: 'line {{ n }}', create: true }",
    "command: echo N",
    "command: test -e {{ root }}/copied",
    "shell: echo N >> {{ root }}/log",
    "shell: cat {{ root }}/log",
    "stat: { path: '{{ root }}/copied' }",
    "debug: { msg: 'said {{ word }}' }",
    "debug: { var: late }",
    "set_fact: { n: N }",
    "set_fact: { copied: '{{ late.stdout | default(0) }}' }",
    "assert: { that: [n is defined] }",
    "assert: { that: [late is not defined or late.rc == 0] }",
    "include_tasks: some.yml",
    "meta: flush_handlers",
    "command: echo {{ lookup('pipe', 'cat ' ~ root ~ '/log 2>/dev/null || echo nothing') }}",
    "command: echo {{ q('fileglob', root ~ '/*') | length }}",
    "command: echo {{ hostvars[inventory_hostname].n | default('no n') }}",
    "command: echo {{ nowhere }}",
];

const KEYWORDS: &[&str] = &[
    "register: late",
    "register: other",
    "when: late is defined and late is changed",
    "when: n is defined and n | int > 3",
    "when: (root ~ '/copied') is exists",
    "when: word == 'x'",
    "ignore_errors: true",
    "failed_when: false",
    "failed_when: late is defined and late is failed",
    "changed_when: false",
    "changed_when: late.rc != 0",
    "notify: tell",
    "notify: [shout, tell]",
    "loop: [1, 2, 3]",
    "loop: '{{ late.stdout_lines | default([]) }}'",
    "environment: { WORD: '{{ word }}' }",
    "check_mode: true",
    "no_log: true",
    "vars: { n: 7 }",
    "name: 'about {{ late.stdout | default(word) }}'",
    "timeout: 30",
    "delegate_to: localhost",
    "tags: [some]",
];

/// A playbook made up by the dice.
fn made_up(seed: u64) -> String {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut text = String::from("- hosts: all\n  gather_facts: false\n  vars: { word: w }\n");
    if dice.below(3) == 0 {
        text += "  strategy: free\n";
    }
    text += "  handlers:\n    - { name: tell, command: echo told }\n    - { name: loud, listen: shout, shell: 'echo loud >> {{ root }}/log' }\n  tasks:\n";
    let tasks = 6 + dice.below(12);
    let mut number = 0;
    while number < tasks {
        if dice.below(6) == 0 {
            text += "    - block:\n";
            for _ in 0..=dice.below(3) {
                number += 1;
                task(&mut text, &mut dice, number, "        ");
            }
            for section in ["rescue", "always"] {
                if dice.below(2) == 0 {
                    let _ = writeln!(text, "      {section}:");
                    number += 1;
                    task(&mut text, &mut dice, number, "        ");
                }
            }
        } else {
            number += 1;
            task(&mut text, &mut dice, number, "    ");
        }
    }
    text
}

fn task(text: &mut String, dice: &mut Dice, number: usize, indent: &str) {
    // What a host can do is drawn more often than what ends a batch.
    let action = if dice.below(2) == 0 { dice.one(&ACTIONS[..12]) } else { dice.one(ACTIONS) };
    let _ = writeln!(text, "{indent}- {}", action.replace('N', &number.to_string()));
    if action.starts_with("meta") || dice.below(2) == 0 {
        return;
    }
    let mut used: Vec<&str> = Vec::new();
    for _ in 0..=dice.below(2) {
        let keyword = dice.one(KEYWORDS);
        let key = keyword.split(':').next().unwrap();
        let not_for_includes = action.starts_with("include")
            && !["when", "loop", "vars", "name", "register", "ignore_errors", "tags"].contains(&key);
        if !used.contains(&key) && !not_for_includes {
            let _ = writeln!(text, "{indent}  {keyword}");
            used.push(key);
        }
    }
}

#[test]
fn playbooks_come_out_the_same_whether_tasks_are_sent_ahead_or_not() {
    let kinds: [&[&str]; 4] = [&[], &["-vv"], &["--check", "--diff"], &["--diff", "--skip-tags", "some"]];
    let seeds = std::env::var("SHEVEK_AHEAD_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(32);
    std::thread::scope(|threads| {
        for half in 0..2 {
            threads.spawn(move || {
                for seed in (half..seeds).step_by(2) {
                    let playbook = made_up(seed);
                    let options = kinds[usize::try_from(seed).unwrap() / 2 % kinds.len()];
                    let [one_by_one, ahead] = ["never", "always"].map(|how| played(&playbook, how, options));
                    if let Some(difference) = difference(&ahead, &one_by_one) {
                        panic!("seed {seed} {options:?}\n{playbook}\n{difference}");
                    }
                }
            });
        }
    });
}

#[test]
fn corners_of_the_language_come_out_the_same_for_one_host_that_is_sent_tasks_ahead() {
    let folder = repository().join("tests/language");
    let mut books: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yml") && folder.join(name.replace(".yml", ".out")).exists())
        .collect();
    books.sort();
    let run = |name: &str, ahead: &str| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let options = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or_default();
        let path = format!("tests/language/{name}");
        let lab = Lab::local().repository("tests/language").env("SHEVEK_SEND_AHEAD", ahead);
        let mut args = vec!["play", "-i", "tests/language/hosts", "--limit", "a", &path];
        args.extend(options.split_whitespace());
        let outcome = lab.shevek(&args);
        (outcome.code(), without_times(&outcome.text()))
    };
    for name in &books {
        assert_eq!(run(name, "always"), run(name, "never"), "{name}");
    }
}

/// Fifty tasks of the plain sort, some with conditions, loops and results that nobody looks at soon.
fn fifty() -> String {
    let mut text = String::from("- hosts: all\n  gather_facts: false\n  vars: { word: w }\n  tasks:\n");
    for n in 0..10 {
        let _ = write!(
            text,
            "    - file: {{ path: '{{{{ root }}}}/d{n}', state: directory }}\n\
             \x20   - copy: {{ content: '{n}', dest: '{{{{ root }}}}/d{n}/f' }}\n\
             \x20   - template: {{ src: page.j2, dest: '{{{{ root }}}}/d{n}/page' }}\n\
             \x20   - command: test -e {{{{ root }}}}/d{n}/page\n      register: r{n}\n      changed_when: false\n\
             \x20   - lineinfile: {{ path: '{{{{ root }}}}/d{n}/lines', line: '{{{{ item }}}}', create: true }}\n      loop: [a, b]\n"
        );
    }
    text
}

#[test]
fn fifty_tasks_for_one_far_host_take_a_handful_of_round_trips() {
    let turns = |ahead: &str| {
        let lab = with_files(Lab::ssh()).playbook(&fifty()).env("SHEVEK_SEND_AHEAD", ahead);
        lab.run([]).exit(0).recap("web1", "ok=50 changed=40 failed=0");
        let proxy = Proxy::delay(lab.address(), std::time::Duration::ZERO);
        let lab = lab.through(&proxy);
        lab.run([]).exit(0).recap("web1", "ok=50 changed=0 failed=0");
        proxy.turns()
    };
    let (one_by_one, ahead) = (turns("never"), turns("remote"));
    // Connecting is the same for both.
    assert!(one_by_one >= 50, "{one_by_one}");
    assert!(ahead + 50 <= one_by_one + 10, "{ahead} instead of {one_by_one}");
}

#[test]
fn what_is_behind_a_failure_is_not_done() {
    let playbook = "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: touch {{ root }}/one\n    \
                    - command: 'false'\n    - command: touch {{ root }}/two\n";
    let lab = Lab::ssh().playbook(playbook);
    lab.run([]).exit(2).recap("web1", "ok=1 changed=1 failed=1").touched("web1", "+ one");
}

#[test]
fn tasks_that_were_sent_ahead_to_a_host_whose_play_another_one_ends_are_told_of() {
    let lab = Lab::local().env("SHEVEK_SEND_AHEAD", "always").inventory("a\nb\n").playbook(
        "
- hosts: all
  gather_facts: false
  strategy: free
  tasks:
    - shell: \"[ {{ inventory_hostname }} = b ] || until [ -e '{{ root }}/../b/begun' ]; do sleep 0.05; done\"
    - meta: end_play
      when: inventory_hostname == 'a'
    - name: last
      shell: touch '{{ root }}/begun'; until [ \"$(grep -c action...meta '{{ playbook_dir }}/run.jsonl')\" = 2 ]; do sleep 0.05; done
    - { name: one more, command: echo 1 }
    - set_fact: { here: true }
    - { name: and another, command: echo 2 }
",
    );
    let text = lab.run(["--report", "jsonl=run.jsonl"]).exit(0).recap("b", "ok=2").text();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("b: tasks were sent ahead and may have been done: one more, and another"),
        "{text}"
    );
}
