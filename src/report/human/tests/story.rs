//! The runs of `testdata`, told as the engine would.

use std::collections::BTreeMap;

use shevek_diag::Place;
use shevek_event::{
    Counts, CustomStats, Delegate, Diff, Event, Excerpt, HostResult, Included, ItemLabel, Masker, Notice,
    NoticeKind, Notified, PlayId, PlayStarted, Recap, Retry, RunFinished, RunStarted, Show, Stamped, Status,
    TaskId, TaskKind, TaskStarted, Verbose,
};
use shevek_value::{Map, Value};

/// Tells a run, event by event.
#[derive(Default)]
pub(super) struct Story {
    events: Vec<Stamped>,
    check: bool,
    masker: Masker,
    task: TaskStarted,
    play: u32,
    tasks: u64,
}

/// Results that modules give.
fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn command(cmd: &str, stdout: &str, rc: i32, changed: bool) -> Value {
    let words: Vec<&str> = cmd.split('|').collect();
    let lines = Value::from(stdout.lines().map(Value::from).collect::<Vec<_>>());
    Value::dict([
        ("changed", Value::from(changed)),
        ("cmd", Value::from(words)),
        ("delta", Value::from("0:00:00.01")),
        ("end", Value::from("2026-01-02 03:04:05.000006")),
        ("failed", Value::from(rc != 0)),
        ("msg", Value::from(if rc == 0 { "" } else { "non-zero return code" })),
        ("rc", Value::from(rc)),
        ("start", Value::from("2026-01-02 03:04:05.000006")),
        ("stderr", Value::from("")),
        ("stderr_lines", Value::list(vec![])),
        ("stdout", Value::from(stdout)),
        ("stdout_lines", lines),
    ])
}

fn with(base: &Value, key: &str, item: Value) -> Value {
    let mut map: Map = base.as_map().unwrap().clone();
    map.insert(Value::from(key), item);
    Value::map(map)
}

fn skipped(condition: Value) -> Value {
    let base = value(r#"{"changed": false, "skipped": true, "skip_reason": "Conditional result was False"}"#);
    with(&base, "false_condition", condition)
}

fn of_item(base: &Value, item: Value) -> Value {
    with(&with(base, "item", item), "ansible_loop_var", Value::from("item"))
}

fn counts(numbers: [u32; 7]) -> Counts {
    let [ok, changed, unreachable, failed, skipped, rescued, ignored] = numbers;
    Counts { ok, changed, unreachable, failed, skipped, rescued, ignored }
}

impl Story {
    fn send(&mut self, event: Event) {
        self.events.push(Stamped::now(self.masker.mask_event(event)));
    }

    fn play(&mut self, name: &str, free: bool) {
        self.play += 1;
        let play = PlayStarted {
            id: PlayId(self.play),
            name: name.to_owned(),
            check: self.check,
            free,
            ..PlayStarted::default()
        };
        self.send(Event::PlayStarted(play));
    }

    fn start(&mut self, name: &str, action: &str, (file, line, column): (&str, u32, u32)) {
        self.start_as(TaskStarted {
            name: name.to_owned(),
            action: format!("ansible.builtin.{action}"),
            place: Some(Place { file: format!("/srv/site/{file}"), line, column }),
            ..TaskStarted::default()
        });
    }

    fn start_as(&mut self, task: TaskStarted) {
        self.tasks += 1;
        self.task =
            TaskStarted { id: TaskId(self.tasks), play: PlayId(self.play), check: self.check, ..task };
        self.send(Event::TaskStarted(Box::new(self.task.clone())));
    }

    fn result(&self, host: &str, status: Status, result: Value) -> HostResult {
        let host = host.to_owned();
        HostResult { task: self.task.id, host, status, result, seconds: 0.5, ..HostResult::default() }
    }

    fn done(&mut self, host: &str, status: Status, result: Value) {
        let result = self.result(host, status, result);
        self.send(Event::HostDone(Box::new(result)));
    }

    fn item(&mut self, host: &str, status: Status, label: &str, result: Value) {
        let item = Some(ItemLabel { index: 0, label: label.to_owned() });
        let result = HostResult { item, ..self.result(host, status, result) };
        self.send(Event::ItemDone(Box::new(result)));
    }

    fn debug(&mut self, host: &str, result: &str) {
        let result = HostResult { show: Show::Always, ..self.result(host, Status::Ok, value(result)) };
        self.send(Event::HostDone(Box::new(result)));
    }

    /// What went wrong, with the lines around the task.
    fn error(&self, message: &str) -> Notice {
        let place = self.task.place.clone().unwrap();
        let path = place.file.replace("/srv/site", &format!("{}/human/testdata", env!("CARGO_MANIFEST_DIR")));
        let text = std::fs::read_to_string(path).unwrap();
        let end = place.line as usize;
        let lines = text.lines().skip(end - 3).take(3).map(str::to_owned).collect();
        Notice {
            severity: NoticeKind::Error,
            message: message.to_owned(),
            excerpts: vec![Excerpt { place, lines, text: String::new() }],
            ..Notice::default()
        }
    }

    fn failed(&mut self, host: &str, message: &str, ignored: bool, result: Value) {
        let notices = vec![self.error(message)];
        let result = HostResult { ignored, notices, ..self.result(host, Status::Failed, result) };
        self.send(Event::HostDone(Box::new(result)));
    }

    fn recap(&mut self, hosts: &[(&str, [u32; 7])], apples: Option<i64>) {
        let hosts: BTreeMap<String, Counts> =
            hosts.iter().map(|(host, numbers)| ((*host).to_owned(), counts(*numbers))).collect();
        let run = apples.map(|apples| Value::dict([("apples", apples)]));
        let custom = run.map(|run| CustomStats { run: Some(run), ..CustomStats::default() });
        self.send(Event::Recap(Recap { hosts, custom, ..Recap::default() }));
    }

    fn began(playbook: &str, check: bool) -> Self {
        let mut story = Self { check, ..Self::default() };
        story.send(Event::RunStarted(RunStarted { check, ..RunStarted::default() }));
        let text = "Using /srv/site/ansible.cfg as config file".to_owned();
        story.send(Event::Verbose(Verbose { level: 1, host: None, text }));
        story.send(Event::PlaybookStarted { file: playbook.to_owned(), plays: 4 });
        story
    }

    /// `site.yml`.
    pub(super) fn site(check: bool) -> Vec<Stamped> {
        let mut story = Self::began("site.yml", check);
        story.first_tasks();
        story.loops();
        story.failures();
        story.files_and_roles();
        story.other_plays();
        story.events
    }

    fn first_tasks(&mut self) {
        self.play("Tour", false);
        self.start("Say hello", "debug", ("site.yml", 7, 7));
        for host in ["web1", "web2"] {
            self.debug(host, &format!(r#"{{"msg": "Hello {host}", "changed": false}}"#));
        }
        self.start("ansible.builtin.debug", "debug", ("site.yml", 10, 7));
        for host in ["web1", "web2"] {
            self.debug(host, r#"{"folder": "/srv/out", "changed": false, "failed": false}"#);
        }
        self.start("Say a lot", "debug", ("site.yml", 12, 7));
        for host in ["web1", "web2"] {
            self.debug(
                host,
                r#"{"msg": ["one", {"two": 2, "three": [3, 3.0, null, true]}], "changed": false}"#,
            );
        }
        self.start("Change something", "command", ("site.yml", 17, 7));
        for host in ["web1", "web2"] {
            self.done(host, Status::Changed, command("echo|é done", "é done", 0, true));
        }
        self.start("Change nothing", "command", ("site.yml", 19, 7));
        for host in ["web1", "web2"] {
            self.done(host, Status::Ok, command("true", "", 0, false));
        }
        self.start("Skip one", "command", ("site.yml", 22, 7));
        self.done("web1", Status::Changed, command("true", "", 0, true));
        self.done("web2", Status::Skipped, skipped(Value::from("inventory_hostname == 'web1'")));
    }

    fn loops(&mut self) {
        let task = |name: &str, line| TaskStarted {
            name: name.to_owned(),
            action: "ansible.builtin.command".to_owned(),
            is_loop: true,
            place: Some(Place { file: "/srv/site/site.yml".to_owned(), line, column: 7 }),
            ..TaskStarted::default()
        };
        let results = value(r#"{"results": [], "changed": true, "msg": "All items completed"}"#);
        self.start_as(task("Loop", 25));
        for host in ["web1", "web2"] {
            let first = of_item(&command("echo|1", "1", 0, false), Value::from(1));
            self.item(host, Status::Ok, "1", first);
            let second = of_item(&skipped(Value::from("item != 'two'")), Value::from("two"));
            self.item(host, Status::Skipped, "two", second);
            let third = command("echo|{three:|3}", "{three: 3}", 0, true);
            let third = of_item(&third, Value::dict([("three", 3)]));
            self.item(host, Status::Changed, "{'three': 3}", third);
            self.done_loop(host, Status::Changed, &results);
        }
        self.start_as(task("Skip all of a loop", 30));
        for host in ["web1", "web2"] {
            for item in [1, 2] {
                let result = of_item(&skipped(Value::from(false)), Value::from(item));
                self.item(host, Status::Skipped, &item.to_string(), result);
            }
            let result =
                value(r#"{"results": [], "changed": false, "skipped": true, "msg": "All items skipped"}"#);
            self.done(host, Status::Skipped, result);
        }
        self.start("Secret", "command", ("site.yml", 34, 7));
        for host in ["web1", "web2"] {
            let result = self.result(host, Status::Changed, command("echo|secret", "secret", 0, true));
            self.send(Event::HostDone(Box::new(HostResult { no_log: true, ..result })));
        }
    }

    fn done_loop(&mut self, host: &str, status: Status, results: &Value) {
        // Ansible says nothing of a loop that went well beyond its items.
        self.done(host, status, results.clone());
    }

    fn failures(&mut self) {
        const FAILED: &str = "Task failed: Module failed: non-zero return code";
        self.start("Fail and go on", "command", ("site.yml", 37, 7));
        for host in ["web1", "web2"] {
            self.failed(host, FAILED, true, command("false", "", 1, true));
        }
        self.start_as(TaskStarted {
            name: "Fail in a loop and go on".to_owned(),
            action: "ansible.builtin.command".to_owned(),
            is_loop: true,
            place: Some(Place { file: "/srv/site/site.yml".to_owned(), line: 40, column: 7 }),
            ..TaskStarted::default()
        });
        for host in ["web1", "web2"] {
            self.item(
                host,
                Status::Changed,
                "true",
                of_item(&command("true", "", 0, true), Value::from("true")),
            );
            let item = Some(ItemLabel { index: 1, label: "false".to_owned() });
            let notices = vec![self.error(FAILED)];
            let result = of_item(&command("false", "", 1, true), Value::from("false"));
            let result = HostResult { item, notices, ..self.result(host, Status::Failed, result) };
            self.send(Event::ItemDone(Box::new(result)));
            let result = value(
                r#"{"results": [], "changed": true, "failed": true, "msg": "One or more items failed"}"#,
            );
            let result = HostResult { ignored: true, ..self.result(host, Status::Failed, result) };
            self.send(Event::HostDone(Box::new(result)));
        }
        self.start("Delegated", "command", ("site.yml", 44, 7));
        for host in ["web1", "web2"] {
            let delegate = Some(Delegate { name: "web2".to_owned(), address: None });
            let result = self.result(host, Status::Changed, command("echo|hi", "hi", 0, true));
            self.send(Event::HostDone(Box::new(HostResult { delegate, ..result })));
        }
    }

    fn files_and_roles(&mut self) {
        let not_web1 = || skipped(Value::from("inventory_hostname == 'web1'"));
        self.start("Written", "copy", ("site.yml", 47, 7));
        self.send(Event::Notified(Notified { handler: "Restart".to_owned(), host: "web1".to_owned() }));
        let result = value(
            r#"{"changed": true, "checksum": "c708d7ef841f7e1748436b8ef5670d0b2de1a227", "dest": "/srv/out",
                "diff": [], "gid": 0, "group": "root", "md5sum": "2094b601daac3d68f5aed51d3c20f7cd", "mode": "0644",
                "owner": "root", "size": 8, "src": "/home/tmp/.source", "state": "file", "uid": 0}"#,
        );
        let diff = value(r#"{"before": "", "after": "one\ntwo\n", "after_header": "/srv/out"}"#);
        let result = HostResult { diffs: Diff::read(&diff), ..self.result("web1", Status::Changed, result) };
        self.send(Event::HostDone(Box::new(result)));
        self.done("web2", Status::Skipped, not_web1());

        self.start("Wait for it", "command", ("site.yml", 54, 7));
        let attempt = with(&command("false", "", 1, true), "attempts", Value::from(2));
        for left in [2, 1] {
            let result = self.result("web1", Status::Failed, attempt.clone());
            self.send(Event::Retry(Box::new(Retry { result, left })));
        }
        self.failed("web1", "Task failed: Module failed: non-zero return code", true, attempt);
        self.done("web2", Status::Skipped, not_web1());

        self.start_as(TaskStarted {
            name: "More tasks".to_owned(),
            action: "ansible.builtin.include_tasks".to_owned(),
            is_loop: true,
            is_include: true,
            ..TaskStarted::default()
        });
        let include = self.task.id;
        for host in ["web1", "web2"] {
            self.item(host, Status::Ok, "a", value(r#"{"include": "more.yml"}"#));
            self.done(host, Status::Ok, value(r#"{"results": []}"#));
        }
        let hosts = ["web1".to_owned(), "web2".to_owned()];
        for item in ["a", "b"] {
            self.send(Event::Included(Included {
                task: include,
                file: "/srv/site/more.yml".to_owned(),
                hosts: hosts.to_vec(),
                label: Some(item.to_owned()),
            }));
        }
        for item in ["a", "b"] {
            self.start(&format!("Included for {item}"), "debug", ("more.yml", 1, 3));
            for host in ["web1", "web2"] {
                self.debug(host, &format!(r#"{{"msg": "{item}"}}"#));
            }
        }
        self.start("Fails", "fail", ("site.yml", 68, 11));
        let notices = vec![self.error("Task failed: Action failed: boo")];
        let result = value(r#"{"changed": false, "failed": true, "msg": "boo"}"#);
        let result = HostResult { rescued: true, notices, ..self.result("web1", Status::Failed, result) };
        self.send(Event::HostDone(Box::new(result)));
        self.done("web2", Status::Skipped, not_web1());
        self.start("Save it", "debug", ("site.yml", 72, 11));
        self.debug("web1", r#"{"msg": "saved"}"#);
        self.start("Count", "set_stats", ("site.yml", 75, 7));
        for host in ["web1", "web2"] {
            let stats = r#"{"ansible_stats": {"aggregate": true, "data": {"apples": 3}, "per_host": false}, "changed": false}"#;
            self.done(host, Status::Ok, value(stats));
        }
        self.start_as(TaskStarted {
            name: "nginx : Install".to_owned(),
            action: "ansible.builtin.command".to_owned(),
            role: Some("nginx".to_owned()),
            ..TaskStarted::default()
        });
        for host in ["web1", "web2"] {
            self.done(host, Status::Changed, command("echo|install", "install", 0, true));
        }
        self.start_as(TaskStarted {
            name: "Restart".to_owned(),
            action: "ansible.builtin.command".to_owned(),
            task_kind: TaskKind::Handler,
            ..TaskStarted::default()
        });
        self.done("web1", Status::Changed, command("echo|restarted", "restarted", 0, true));
    }

    fn other_plays(&mut self) {
        self.play("Nobody", false);
        self.send(Event::Notice(Notice::warning("Could not match supplied host pattern, ignoring: nobody")));
        self.send(Event::NoHostsMatched);
        self.play("dead", false);
        self.start("Reach", "command", ("site.yml", 90, 7));
        let message = "Task failed: Failed to connect to the host via ssh: ssh: connect to host 127.0.0.1 port 9: \
                       Connection refused";
        let notices = vec![self.error(&message.replace("\n", ""))];
        let result = Value::dict([
            ("changed", Value::from(false)),
            ("msg", Value::from(message)),
            ("unreachable", Value::from(true)),
        ]);
        let result =
            HostResult { ignored: true, notices, ..self.result("dead", Status::Unreachable, result) };
        self.send(Event::HostDone(Box::new(result)));
        self.play("web2", false);
        self.start("Really fail", "fail", ("site.yml", 96, 7));
        let result = value(r#"{"changed": false, "failed": true, "msg": "two\nlines"}"#);
        self.failed("web2", "Task failed: Action failed: two\nlines", false, result);
        let hosts = [
            ("dead", [1, 0, 0, 0, 0, 0, 1]),
            ("web1", [21, 11, 0, 0, 1, 1, 3]),
            ("web2", [16, 7, 0, 1, 5, 0, 2]),
        ];
        self.recap(&hosts, Some(6));
        self.send(Event::RunFinished(RunFinished { exit: 2, seconds: 1.0 }));
    }

    /// `check.yml`.
    pub(super) fn check(check: bool) -> Vec<Stamped> {
        let mut story = Self::began("check.yml", check);
        let text = |before: &str, after: &str| {
            let header = Some("/srv/out".to_owned());
            Diff { before_header: header.clone(), after_header: header, ..Diff::between(before, after) }
        };
        story.play("Check", false);
        let attributes = Diff::between(
            value(r#"{"path": "/srv/out", "mode": "0644"}"#),
            value(r#"{"path": "/srv/out", "mode": "0600"}"#),
        );
        story.changed("Attributes", attributes);
        story.changed("Content", text("one\ntwo\n", "one\nTWO"));
        story.start("Unchanged", "file", ("check.yml", 14, 7));
        story.done("web1", Status::Ok, value(r#"{"changed": false}"#));
        story.start_as(TaskStarted {
            name: "Loop with differences".to_owned(),
            action: "ansible.builtin.copy".to_owned(),
            is_loop: true,
            ..TaskStarted::default()
        });
        let mut before = if check { "one\ntwo\n" } else { "one\nTWO" };
        for (label, after) in [("x", "x\n"), ("y", "y\n")] {
            let item = Some(ItemLabel { index: 0, label: label.to_owned() });
            let result = story.result("web1", Status::Changed, value(r#"{"changed": true}"#));
            let result = HostResult { item, diffs: vec![text(before, after)], ..result };
            story.send(Event::ItemDone(Box::new(result)));
            before = if check { before } else { after };
        }
        story.done("web1", Status::Changed, value(r#"{"results": [], "changed": true}"#));
        story.changed("Not a file", Diff { source_binary: true, ..Diff::default() });
        story.recap(&[("web1", [5, 4, 0, 0, 0, 0, 0])], None);
        story.events
    }

    fn changed(&mut self, name: &str, diff: Diff) {
        self.start(name, "copy", ("check.yml", 5, 7));
        let result = self.result("web1", Status::Changed, value(r#"{"changed": true}"#));
        self.send(Event::HostDone(Box::new(HostResult { diffs: vec![diff], ..result })));
    }

    /// `free.yml`.
    pub(super) fn free() -> Vec<Stamped> {
        let mut story = Self::began("free.yml", false);
        story.play("Free", true);
        story.start("First", "debug", ("free.yml", 6, 7));
        for host in ["web1", "web2"] {
            story.debug(host, r#"{"msg": 1}"#);
        }
        for host in ["web1", "web2"] {
            story.start("Second", "command", ("free.yml", 8, 7));
            story.done(host, Status::Changed, command("echo|2", "2", 0, true));
        }
        story.recap(&[("web1", [2, 1, 0, 0, 0, 0, 0]), ("web2", [2, 1, 0, 0, 0, 0, 0])], None);
        story.events
    }

    fn adhoc(action: &str) -> Self {
        let mut story = Self::default();
        story.play("Ansible Ad-Hoc", false);
        story.start(action, action, ("<adhoc>", 1, 1));
        story
    }

    /// `-m command -a 'echo hi'`.
    pub(super) fn adhoc_echo() -> Vec<Stamped> {
        let mut story = Self::adhoc("command");
        for host in ["web1", "web2"] {
            story.done(host, Status::Changed, command("echo|hi", "hi", 0, true));
        }
        story.events
    }

    /// `-m command -a 'ls /nope'`, one host down.
    pub(super) fn adhoc_fail() -> Vec<Stamped> {
        let mut story = Self::adhoc("command");
        let message = "ls: cannot access '/nope': No such file or directory";
        let result = command("ls|/nope", "", 2, true);
        let result = with(&result, "stderr", Value::from(message));
        let result = with(&result, "stderr_lines", Value::list(vec![Value::from(message)]));
        story.done("web1", Status::Failed, result);
        let message = "Task failed: Failed to connect to the host via ssh: ssh: connect to host 127.0.0.1 port 9: \
                       Connection refused";
        story.done("dead", Status::Unreachable, Value::dict([("msg", message)]));
        story.events
    }

    /// `-m copy --diff`.
    pub(super) fn adhoc_copy() -> Vec<Stamped> {
        let mut story = Self::adhoc("copy");
        let result = value(
            r#"{"changed": true, "checksum": "11f6ad8ec52a2984abaafd7c3b516503785c2072", "dest": "/srv/out",
                "diff": [], "gid": 0, "group": "root", "md5sum": "9dd4e461268c8034f5c8564e155c67a6", "mode": "0644",
                "owner": "root", "size": 1, "src": "/home/tmp/.source", "state": "file", "uid": 0}"#,
        );
        let header = Some("/srv/out".to_owned());
        let diff =
            Diff { before_header: header.clone(), after_header: header, ..Diff::between("one\n", "x") };
        let result = HostResult { diffs: vec![diff], ..story.result("web1", Status::Changed, result) };
        story.send(Event::HostDone(Box::new(result)));
        story.events
    }
}
