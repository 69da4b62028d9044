//! Conversations with a real runner process, over its pipes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests may panic as tests may"
)]

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use shevek_proto::{
    BLOB_CHUNK, Batch, Become, BecomeMethod, Blob, Call, Decoder, Down, FaultKind, Mode, Outcome, Part, Up,
    VERSION, Val, encode,
};

struct Talk {
    process: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    decoder: Decoder,
}

impl Talk {
    fn start() -> Talk {
        Talk::start_from(Path::new(env!("CARGO_BIN_EXE_shevek-runner")))
    }

    fn start_from(program: &Path) -> Talk {
        let mut process = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take().unwrap());
        let mut talk = Talk { process, stdin, stdout, decoder: Decoder::new() };
        talk.say(&Down::Hello { protocol: VERSION });
        assert!(
            matches!(talk.hear(), Up::Hello(hello) if hello.protocol == VERSION && !hello.user.is_empty())
        );
        talk
    }

    fn say(&mut self, message: &Down) {
        self.stdin.as_mut().unwrap().write_all(&encode(message).unwrap()).unwrap();
    }

    fn hear(&mut self) -> Up {
        let mut buffer = [0; 4096];
        loop {
            if let Some(message) = self.decoder.next().unwrap() {
                return message;
            }
            let n = self.stdout.read(&mut buffer).unwrap();
            assert!(n > 0, "the runner ended");
            self.decoder.push(&buffer[..n]);
        }
    }

    /// Runs a batch to its end.
    fn run(&mut self, batch: Batch) -> Result<Vec<Outcome>, (FaultKind, String)> {
        let id = batch.id;
        self.say(&Down::Run(batch));
        let mut outcomes = Vec::new();
        loop {
            match self.hear() {
                Up::Item(item) => {
                    assert_eq!((item.batch, item.index as usize), (id, outcomes.len()));
                    outcomes.push(item.outcome);
                }
                Up::Done { batch } => {
                    assert_eq!(batch, id);
                    return Ok(outcomes);
                }
                Up::Fault { batch, fault } => {
                    assert_eq!(batch, Some(id));
                    return Err((fault.kind, fault.message));
                }
                other => panic!("unexpected {other:?}"),
            }
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.stdin = None;
        self.process.wait().unwrap();
    }
}

fn call(module: &str, args: &[(&str, &str)]) -> Call {
    Call {
        module: module.into(),
        args: args.iter().map(|(k, v)| ((*k).to_owned(), Val::from(*v))).collect(),
        mode: Mode { diff: true, ..Mode::default() },
        environment: Vec::new(),
        timeout: None,
        job: None,
    }
}

fn batch(id: u64, calls: Vec<Call>) -> Batch {
    Batch { id, become_user: None, calls, task_ends: Vec::new() }
}

fn checked(call: Call) -> Call {
    Call { mode: Mode { check: true, diff: true, ..Mode::default() }, ..call }
}

#[test]
fn tasks_behind_one_that_fails_are_left_undone_but_not_the_rest_of_its_loop() {
    let mut talk = Talk::start();
    let calls = ["true", "false", "true", "true"].map(|c| call("command", &[("cmd", c)])).to_vec();
    let mut failed = |id, task_ends| {
        let outcomes = talk.run(Batch { task_ends, ..batch(id, calls.clone()) }).unwrap();
        outcomes.iter().map(|outcome| outcome.failed).collect::<Vec<_>>()
    };
    assert_eq!(failed(1, vec![1, 2, 3]), [false, true]);
    assert_eq!(failed(2, vec![1, 3]), [false, true, false]);
    assert_eq!(failed(3, vec![]), [false, true, false, false]);
}

#[test]
fn a_batch_that_is_halted_ends_behind_the_task_that_is_running() {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    assert!(Command::new("mkfifo").arg(&gate).status().unwrap().success());
    let gate = gate.to_str().unwrap();
    let mut talk = Talk::start();
    let calls =
        vec![call("command", &[("cmd", &format!("cat {gate}"))]), call("command", &[("cmd", "true")])];
    talk.say(&Down::Run(Batch { task_ends: vec![1], ..batch(1, calls) }));
    talk.say(&Down::Halt { batch: 1 });
    // Messages are taken in order: when this is answered, the other has been heard.
    talk.say(&Down::Hello { protocol: VERSION });
    assert!(matches!(talk.hear(), Up::Hello(_)));
    std::fs::write(gate, "open").unwrap();
    assert!(matches!(talk.hear(), Up::Item(item) if item.index == 0 && !item.outcome.failed));
    assert!(matches!(talk.hear(), Up::Done { batch: 1 }));
}

/// The binary with the rare modules, in pieces, as the controller sends it.
fn send_rare(talk: &mut Talk) {
    let binary = std::fs::read(env!("CARGO_BIN_EXE_shevek-runner-rare")).unwrap();
    let hash = shevek_kit::checksum(shevek_kit::Algorithm::Sha256, &mut &*binary).unwrap();
    let mut pieces = binary.chunks(BLOB_CHUNK).peekable();
    while let Some(piece) = pieces.next() {
        let (hash, data, last) = (hash.clone(), piece.to_vec(), pieces.peek().is_none());
        talk.say(&Down::PartChunk { part: Part::Rare, hash, data, last });
    }
}

fn uri_of_nobody(id: u64, check: bool) -> Batch {
    let url = "http://127.0.0.1:9/";
    let call = Call { mode: Mode { check, diff: true, ..Mode::default() }, ..call("uri", &[("url", url)]) };
    batch(id, vec![call])
}

#[test]
fn the_rare_part_is_asked_for_once_and_then_runs_its_modules() {
    let mut talk = Talk::start();
    talk.say(&Down::Run(uri_of_nobody(1, false)));
    assert_eq!(talk.hear(), Up::NeedPart { part: Part::Rare, have: Vec::new() });
    send_rare(&mut talk);
    assert!(matches!(talk.hear(), Up::Item(item) if item.outcome.get("status") == Some(&Val::Int(-1))));
    assert!(matches!(talk.hear(), Up::Done { batch: 1 }));
    assert_eq!(talk.run(uri_of_nobody(2, false)).unwrap().len(), 1);
    assert_eq!(talk.run(batch(3, vec![call("nonesuch", &[])])).unwrap_err().0, FaultKind::UnknownModule);
}

#[test]
fn a_kept_rare_part_is_used_again_and_a_wrong_one_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("runner-abc");
    std::fs::copy(env!("CARGO_BIN_EXE_shevek-runner"), &program).unwrap();
    let mut talk = Talk::start_from(&program);
    talk.say(&Down::Run(uri_of_nobody(1, false)));
    assert_eq!(talk.hear(), Up::NeedPart { part: Part::Rare, have: Vec::new() });
    send_rare(&mut talk);
    assert!(matches!(talk.hear(), Up::Item(_)));
    drop(talk);

    let mut talk = Talk::start_from(&program);
    talk.say(&Down::Run(uri_of_nobody(1, false)));
    let Up::NeedPart { have, .. } = talk.hear() else { panic!("it must ask") };
    let hash = have[0].clone();
    talk.say(&Down::PartChunk { part: Part::Rare, hash, data: Vec::new(), last: true });
    assert!(matches!(talk.hear(), Up::Item(_)));
    drop(talk);

    let mut talk = Talk::start_from(&program);
    talk.say(&Down::Run(uri_of_nobody(1, false)));
    assert!(matches!(talk.hear(), Up::NeedPart { .. }));
    talk.say(&Down::PartChunk {
        part: Part::Rare,
        hash: "00".into(),
        data: b"#!/bin/sh".to_vec(),
        last: true,
    });
    let Up::Fault { batch: Some(1), fault } = talk.hear() else { panic!("it must not run") };
    assert_eq!(
        (fault.kind, fault.message.as_str()),
        (FaultKind::NoPlace, "the rare part of the runner: it did not arrive whole")
    );
}

#[test]
fn a_kept_rare_part_that_is_damaged_is_removed_and_asked_for_anew() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("runner-abc");
    std::fs::copy(env!("CARGO_BIN_EXE_shevek-runner"), &program).unwrap();
    // As a crash in the middle of writing leaves it.
    let kept = folder.path().join("rare-0123");
    std::fs::write(&kept, b"").unwrap();
    let mut talk = Talk::start_from(&program);
    talk.say(&Down::Run(uri_of_nobody(1, false)));
    assert_eq!(talk.hear(), Up::NeedPart { part: Part::Rare, have: vec!["0123".into()] });
    talk.say(&Down::PartChunk { part: Part::Rare, hash: "0123".into(), data: Vec::new(), last: true });
    assert_eq!(talk.hear(), Up::NeedPart { part: Part::Rare, have: Vec::new() });
    send_rare(&mut talk);
    assert!(matches!(talk.hear(), Up::Item(_)));
    assert!(!kept.exists());
}

#[test]
fn a_machine_without_a_rare_part_still_has_the_other_modules() {
    let mut talk = Talk::start();
    talk.say(&Down::Run(uri_of_nobody(1, false)));
    assert!(matches!(talk.hear(), Up::NeedPart { .. }));
    talk.say(&Down::NoPart { part: Part::Rare, machine: "riscv64".into() });
    assert!(matches!(talk.hear(), Up::Fault { batch: Some(1), fault } if fault.kind == FaultKind::NoPart));
    assert_eq!(talk.run(uri_of_nobody(2, false)).unwrap_err().0, FaultKind::NoPart);
    assert!(!talk.run(batch(3, vec![call("ping", &[])])).unwrap()[0].failed);
}

#[test]
fn the_plan_of_check_mode_goes_on_in_the_rare_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page");
    let mut talk = Talk::start();
    let write = call("file", &[("path", path.to_str().unwrap()), ("state", "touch")]);
    assert!(talk.run(batch(1, vec![checked(write)])).unwrap()[0].changed);
    let creates = [("url", "http://127.0.0.1:9/"), ("creates", path.to_str().unwrap())];
    talk.say(&Down::Run(batch(2, vec![checked(call("uri", &creates))])));
    assert!(matches!(talk.hear(), Up::NeedPart { .. }));
    send_rare(&mut talk);
    let Up::Item(item) = talk.hear() else { panic!("the call must end") };
    let said = item.outcome.get("stdout").and_then(Val::as_str).unwrap_or_default();
    assert!(said.contains("exists"), "{:?}", item.outcome);
    assert!(!path.exists());
}

#[test]
fn a_check_in_a_real_run_supposes_nothing_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let write = |alone| {
        let mut call = checked(call("copy", &[("dest", path.to_str().unwrap()), ("content", "hello")]));
        call.mode.alone = alone;
        call
    };
    let mut talk = Talk::start();
    let mut changes = |id, calls| -> Vec<bool> {
        talk.run(batch(id, calls)).unwrap().iter().map(|outcome| outcome.changed).collect()
    };
    // The second call of a task sees what the first one supposed, the next task doesn't.
    assert_eq!(changes(1, vec![write(1), write(1), write(2)]), [true, false, true]);
    std::fs::write(&path, "hello").unwrap();
    assert_eq!(changes(2, vec![write(3)]), [false]);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(changes(3, vec![write(4)]), [true]);
}

#[test]
fn environment_and_timeout_reach_the_command() {
    let mut talk = Talk::start();
    let mut echo = call("shell", &[("cmd", "echo $GREETING")]);
    echo.environment = vec![("GREETING".into(), "hello".into())];
    let outcome = talk.run(batch(1, vec![echo])).unwrap().remove(0);
    assert_eq!(outcome.get("stdout"), Some(&"hello".into()));
    let mut slow = call("command", &[("cmd", "sleep 30")]);
    slow.timeout = Some(1);
    let outcome = talk.run(batch(2, vec![slow])).unwrap().remove(0);
    assert!(outcome.failed);
    assert_eq!(outcome.message(), "Task failed: Timed out after 1 second(s).");
}

#[test]
fn a_check_run_sees_what_its_earlier_tasks_would_have_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sub/file").to_str().unwrap().to_owned();
    let sub = folder.path().join("sub").to_str().unwrap().to_owned();
    let mut talk = Talk::start();
    let make = checked(call("file", &[("path", &sub), ("state", "directory")]));
    let copy = checked(call("copy", &[("dest", &path), ("content", "hello")]));
    let look = checked(call("stat", &[("path", &path)]));
    for (id, call) in [(1, make), (2, copy.clone())] {
        let outcome = talk.run(batch(id, vec![call])).unwrap().remove(0);
        assert!(outcome.changed && !outcome.failed, "{outcome:?}");
    }
    let outcome = talk.run(batch(3, vec![copy, look])).unwrap();
    assert!(!outcome[0].changed);
    assert_eq!(outcome[1].get("stat").unwrap().get("exists"), Some(&Val::Bool(true)));
    assert!(!Path::new(&sub).exists(), "nothing is really there");
}

#[test]
fn cancelling_kills_what_is_running() {
    let mut talk = Talk::start();
    let start = Instant::now();
    talk.say(&Down::Run(batch(1, vec![call("command", &[("cmd", "sleep 30")])])));
    talk.say(&Down::Cancel { batch: 1 });
    assert!(matches!(talk.hear(), Up::Fault { batch: Some(1), fault } if fault.kind == FaultKind::Cancelled));
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn nothing_is_left_running_when_the_controller_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("pid");
    let mut talk = Talk::start();
    let line = format!("echo $$ > {0}.new; mv {0}.new {0}; sleep 60", note.display());
    talk.say(&Down::Run(batch(1, vec![call("shell", &[("cmd", &line)])])));
    while !note.exists() {
        std::thread::yield_now();
    }
    let pid = std::fs::read_to_string(&note).unwrap().trim().to_owned();
    drop(talk);
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "still there: {state}");
}

/// The processes that a process has started, without the one that guards its commands.
fn children(of: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{of}/task")).unwrap().flatten();
    let lists =
        threads.map(|thread| std::fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    let ids =
        lists.flat_map(|list| list.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<u32>>());
    let is_guard = |id: &u32| {
        let line = std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        line.contains("--guard")
    };
    ids.filter(|id| !is_guard(id)).collect()
}

#[test]
fn commands_of_a_runner_that_is_killed_die_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("pid");
    let mut talk = Talk::start();
    let line = format!("sleep 61 & echo $! > {0}.new; mv {0}.new {0}; wait", note.display());
    talk.say(&Down::Run(batch(1, vec![call("shell", &[("cmd", &line)])])));
    while !note.exists() {
        std::thread::yield_now();
    }
    talk.process.kill().unwrap();
    let pid = std::fs::read_to_string(&note).unwrap().trim().to_owned();
    let deadline = Instant::now() + Duration::from_secs(10);
    let lives =
        || std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while lives() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert!(!lives(), "its command is there still");
}

#[test]
fn a_further_runner_that_is_stopped_holds_nothing_up() {
    let mut talk = Talk::start();
    talk.say(&Down::Run(uri_of_nobody(1, false)));
    assert!(matches!(talk.hear(), Up::NeedPart { .. }));
    send_rare(&mut talk);
    assert!(matches!(talk.hear(), Up::Item(_)) && matches!(talk.hear(), Up::Done { batch: 1 }));
    let further = children(talk.process.id());
    assert_eq!(further.len(), 1, "the rare part");
    let further = rustix::process::Pid::from_raw(i32::try_from(further[0]).unwrap()).unwrap();
    rustix::process::kill_process(further, rustix::process::Signal::STOP).unwrap();
    // More than a pipe holds, and then word for who does not listen.
    let body = "x".repeat(50_000);
    for id in 2..10 {
        let asked = call("uri", &[("url", "http://127.0.0.1:9/"), ("method", "POST"), ("body", &body)]);
        talk.say(&Down::Run(batch(id, vec![asked])));
    }
    for id in 2..10 {
        talk.say(&Down::Cancel { batch: id });
    }
    talk.say(&Down::Run(batch(50, vec![call("command", &[("cmd", "echo here")])])));
    loop {
        match talk.hear() {
            Up::Item(item) => assert_eq!(item.outcome.get("stdout"), Some(&Val::from("here"))),
            Up::Done { batch: 50 } => break,
            // Those that were cancelled before they were handed on.
            Up::Fault { batch: Some(2..10), fault } => assert_eq!(fault.kind, FaultKind::Cancelled),
            other => panic!("unexpected {other:?}"),
        }
    }
    // It is killed when the conversation ends: the test would not end otherwise.
}

#[test]
fn content_comes_in_pieces_when_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big").to_str().unwrap().to_owned();
    let content: Vec<u8> = (0..9_000_000u32).map(|i| (i / 7) as u8).collect();
    let checksum = shevek_kit::checksum(shevek_kit::Algorithm::Sha1, &mut content.as_slice()).unwrap();
    let blob = Blob { id: 7, size: content.len() as u64, checksum: Some(checksum), inline: None };
    let mut copy = call("copy", &[("dest", &path)]);
    copy.mode.diff = false;
    copy.args.push(("content".into(), Val::Blob(blob)));
    let mut talk = Talk::start();
    talk.say(&Down::Run(batch(1, vec![copy.clone()])));
    let (mut sent, mut credit) = (0, 0);
    let outcome = loop {
        match talk.hear() {
            Up::Need { blob: 7, credit: more } => {
                credit += more as usize;
                while credit > 0 && sent < content.len() {
                    let n = credit.min(200_000).min(content.len() - sent);
                    let last = sent + n == content.len();
                    talk.say(&Down::Chunk { blob: 7, data: content[sent..sent + n].to_vec(), last });
                    sent += n;
                    credit -= n;
                }
            }
            Up::Item(item) => break item.outcome,
            other => panic!("unexpected {other:?}"),
        }
    };
    assert!(outcome.changed && !outcome.failed, "{outcome:?}");
    assert_eq!(std::fs::read(&path).unwrap(), content);
    assert_eq!(talk.hear(), Up::Done { batch: 1 });
    // The second time its checksum is enough.
    let outcome = talk.run(batch(2, vec![copy])).unwrap().remove(0);
    assert!(!outcome.changed && !outcome.failed, "{outcome:?}");
}

#[test]
fn the_controller_reads_content_through_only_for_who_may_have_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big").to_str().unwrap().to_owned();
    let content: Vec<u8> = (0..300_000u32).map(|i| (i / 7) as u8).collect();
    let checksum = shevek_kit::checksum(shevek_kit::Algorithm::Sha1, &mut content.as_slice()).unwrap();
    let blob = Blob { id: 7, size: content.len() as u64, checksum: None, inline: None };
    let mut copy = call("copy", &[("dest", &path)]);
    copy.args.push(("content".into(), Val::Blob(blob)));
    copy.mode.diff = false;
    let mut talk = Talk::start();
    // Nothing is there, or something of another length: it comes, and is summed up here.
    for there in [None, Some("other")] {
        if let Some(other) = there {
            std::fs::write(&path, other).unwrap();
        }
        talk.say(&Down::Run(batch(1, vec![copy.clone()])));
        assert!(matches!(talk.hear(), Up::Need { blob: 7, .. }));
        talk.say(&Down::Chunk { blob: 7, data: content.clone(), last: true });
        let Up::Item(item) = talk.hear() else { panic!("the call must end") };
        assert!(item.outcome.changed, "{:?}", item.outcome);
        assert_eq!(item.outcome.get("checksum"), Some(&Val::Str(checksum.clone())));
        assert_eq!(std::fs::read(&path).unwrap(), content);
        assert_eq!(talk.hear(), Up::Done { batch: 1 });
    }
    // Something of its length is there: now its checksum is asked for.
    talk.say(&Down::Run(batch(2, vec![copy.clone()])));
    assert_eq!(talk.hear(), Up::NeedSum { blob: 7 });
    talk.say(&Down::Sum { blob: 7, checksum: checksum.clone() });
    let Up::Item(item) = talk.hear() else { panic!("the call must end") };
    assert!(!item.outcome.changed && !item.outcome.failed, "{:?}", item.outcome);
    assert_eq!(talk.hear(), Up::Done { batch: 2 });
    // What comes then must be what was summed up.
    std::fs::write(&path, vec![0; content.len()]).unwrap();
    talk.say(&Down::Run(batch(3, vec![copy])));
    assert_eq!(talk.hear(), Up::NeedSum { blob: 7 });
    talk.say(&Down::Sum { blob: 7, checksum });
    assert!(matches!(talk.hear(), Up::Need { blob: 7, .. }));
    talk.say(&Down::Chunk { blob: 7, data: vec![1; content.len()], last: true });
    let Up::Item(item) = talk.hear() else { panic!("the call must end") };
    assert!(item.outcome.failed, "{:?}", item.outcome);
    assert_eq!(std::fs::read(&path).unwrap(), vec![0; content.len()]);
}

/// A call that waits for content that never comes.
fn waiting_for_content(folder: &Path) -> Call {
    let path = folder.join("big").to_str().unwrap().to_owned();
    let blob = Blob { id: 7, size: 1_000_000, checksum: Some("0".repeat(40)), inline: None };
    let mut copy = call("copy", &[("dest", &path)]);
    copy.mode.diff = false;
    copy.args.push(("content".into(), Val::Blob(blob)));
    copy
}

#[test]
fn content_that_never_comes_is_not_waited_for_when_the_batch_is_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let mut talk = Talk::start();
    talk.say(&Down::Run(batch(1, vec![waiting_for_content(folder.path())])));
    assert!(matches!(talk.hear(), Up::Need { blob: 7, .. }));
    talk.say(&Down::Cancel { batch: 1 });
    assert!(matches!(talk.hear(), Up::Fault { batch: Some(1), fault } if fault.kind == FaultKind::Cancelled));
}

#[test]
fn content_that_never_comes_is_not_waited_for_beyond_the_calls_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut talk = Talk::start();
    let hurried = Call { timeout: Some(1), ..waiting_for_content(folder.path()) };
    talk.say(&Down::Run(batch(1, vec![hurried])));
    assert!(matches!(talk.hear(), Up::Need { blob: 7, .. }));
    let Up::Item(item) = talk.hear() else { panic!("the call must end") };
    assert_eq!(item.outcome.message(), "Task failed: Timed out after 1 second(s).");
}

/// These need root and the program; elsewhere they are skipped, and say so.
fn become_with(method: BecomeMethod, program: &str, user: &str) -> Option<Become> {
    let there =
        Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap().status.success();
    let root = std::fs::metadata("/proc/self").map(|m| std::os::unix::fs::MetadataExt::uid(&m)).unwrap() == 0;
    if !there || !root {
        eprintln!("skipped: needs root and {program}");
        return None;
    }
    Some(Become {
        method,
        user: user.into(),
        exe: None,
        flags: None,
        password: None,
        prompts: Vec::new(),
        within: 60,
    })
}

#[test]
fn another_user_gets_a_runner_of_its_own() {
    for (method, program, flags) in [
        (BecomeMethod::Su, "su", "-s /bin/sh"),
        (BecomeMethod::Runuser, "runuser", "-s /bin/sh"),
        (BecomeMethod::Sudo, "sudo", "-n"),
    ] {
        let Some(wanted) = become_with(method, program, "nobody") else { continue };
        let wanted = Become { flags: Some(flags.into()), ..wanted };
        let mut talk = Talk::start();
        let id = |n| Batch {
            become_user: Some(wanted.clone()),
            ..batch(n, vec![call("command", &[("cmd", "id -un")])])
        };
        for n in 1..3 {
            let outcome = talk.run(id(n)).unwrap().remove(0);
            assert_eq!(outcome.get("stdout"), Some(&"nobody".into()), "{program}: {outcome:?}");
        }
    }
}

#[test]
fn a_user_who_may_not_read_the_binary_is_handed_a_copy_that_does_not_stay() {
    let Some(wanted) = become_with(BecomeMethod::Su, "su", "nobody") else { return };
    let wanted = Become { flags: Some("-s /bin/sh".into()), ..wanted };
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let program = folder.path().join("runner");
    std::fs::copy(env!("CARGO_BIN_EXE_shevek-runner"), &program).unwrap();
    let mut talk = Talk::start_from(&program);
    let line = "id -un; readlink /proc/$PPID/exe";
    let asked = Batch { become_user: Some(wanted), ..batch(1, vec![call("shell", &[("cmd", line)])]) };
    let outcome = talk.run(asked).unwrap().remove(0);
    let said = outcome.get("stdout").unwrap().as_str().unwrap();
    assert!(said.starts_with("nobody\n") && said.ends_with(" (deleted)"), "{said}");
}

/// A runner in a place of its own, where `/etc` is a copy.
fn start_with_own_accounts() -> Option<Talk> {
    let mounts = "mount -t tmpfs none /mnt && cp -a /etc /mnt && mount --bind /mnt/etc /etc";
    let may = Command::new("unshare").args(["-m", "sh", "-c", mounts]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: needs leave to mount");
        return None;
    }
    let script = tempfile::NamedTempFile::new().unwrap();
    let text = format!("{mounts} && exec {}", env!("CARGO_BIN_EXE_shevek-runner"));
    let text = format!("#!/bin/sh\nexec unshare -m sh -c '{text}'\n");
    std::fs::write(script.path(), text).unwrap();
    std::fs::set_permissions(script.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    Some(Talk::start_from(&script.into_temp_path()))
}

#[test]
fn who_is_put_into_a_group_is_in_it_from_the_next_task_on() {
    let Some(wanted) = become_with(BecomeMethod::Su, "su", "nobody") else { return };
    let Some(mut talk) = start_with_own_accounts() else { return };
    let wanted = Become { flags: Some("-s /bin/sh".into()), ..wanted };
    let mut groups = |id| {
        let calls = vec![call("shell", &[("cmd", "echo $PPID; id -G")])];
        let asked = Batch { become_user: Some(wanted.clone()), ..batch(id, calls) };
        let said = talk.run(asked).unwrap().remove(0).get("stdout").unwrap().as_str().unwrap().to_owned();
        let (runner, groups) = said.split_once('\n').unwrap();
        let is_in = groups.split(' ').any(|group| group == "54321");
        if id == 2 {
            let join = call("shell", &[("cmd", "echo lab:x:54321:nobody >>/etc/group")]);
            assert!(talk.run(batch(3, vec![join])).unwrap()[0].changed);
        }
        (runner.to_owned(), is_in)
    };
    let (first, second, third, fourth) = (groups(1), groups(2), groups(4), groups(5));
    assert_eq!([first.1, second.1, third.1, fourth.1], [false, false, true, true]);
    assert!(first.0 == second.0 && third.0 == fourth.0, "one runner a user, while nothing changes");
}

#[test]
fn a_user_who_is_to_be_removed_has_no_runner_left() {
    let Some(wanted) = become_with(BecomeMethod::Su, "su", "nobody") else { return };
    let wanted = Become { flags: Some("-s /bin/sh".into()), ..wanted };
    let mut talk = Talk::start();
    let pid = call("shell", &[("cmd", "echo $PPID")]);
    let outcome = talk.run(Batch { become_user: Some(wanted), ..batch(1, vec![pid]) }).unwrap().remove(0);
    let runner = std::path::PathBuf::from("/proc").join(outcome.get("stdout").unwrap().as_str().unwrap());
    assert!(runner.exists());
    let remove = checked(call("user", &[("name", "nobody"), ("state", "absent")]));
    assert!(talk.run(batch(2, vec![remove])).unwrap()[0].changed);
    assert!(!runner.exists(), "{} is still there", runner.display());
}

#[test]
fn root_gives_its_password_to_nobody_who_prints_a_prompt() {
    let Some(wanted) = become_with(BecomeMethod::Su, "su", "nobody") else { return };
    let folder = tempfile::tempdir().unwrap();
    // Time enough for the answer to come: it would be the first that the runner reads.
    let su = folder.path().join("su");
    let text = "#!/bin/sh\nprintf \"Password: \" >&2\nsleep 0.5\nexec /bin/sh -c \"$3\"\n";
    std::fs::write(&su, text).unwrap();
    std::fs::set_permissions(&su, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let exe = Some(su.to_str().unwrap().to_owned());
    let wanted = Become { exe, password: Some("open sesame".into()), ..wanted };
    let mut talk = Talk::start();
    let asked = Batch { become_user: Some(wanted), ..batch(1, vec![call("ping", &[])]) };
    assert_eq!(talk.run(asked).unwrap().len(), 1);
}

#[test]
fn a_way_to_another_user_that_does_not_end_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    // Goes on after the runner has ended, and listens to nobody.
    let su = folder.path().join("su");
    std::fs::write(
        &su,
        "#!/bin/sh\n[ \"$2\" = -c ] && /bin/sh -c \"$3\"\nexec sleep 600 </dev/null >/dev/null 2>&1\n",
    )
    .unwrap();
    std::fs::set_permissions(&su, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let wanted = Become {
        method: BecomeMethod::Su,
        user: "nobody".into(),
        exe: Some(su.to_str().unwrap().into()),
        flags: None,
        password: None,
        prompts: Vec::new(),
        within: 60,
    };
    let mut talk = Talk::start();
    let asked = |id| Batch { become_user: Some(wanted.clone()), ..batch(id, vec![call("ping", &[])]) };
    assert_eq!(talk.run(asked(1)).unwrap().len(), 1);
    // While the runner of the user who is to be removed is waited for, other batches go on.
    let remove = checked(call("user", &[("name", "nobody"), ("state", "absent")]));
    talk.say(&Down::Run(batch(2, vec![remove])));
    talk.say(&Down::Run(batch(3, vec![call("ping", &[])])));
    let ends: Vec<u64> = std::iter::from_fn(|| Some(talk.hear()))
        .filter_map(|message| match message {
            Up::Done { batch } => Some(batch),
            _ => None,
        })
        .take(2)
        .collect();
    assert_eq!(ends, [3, 2]);
    // And the end of the conversation is not held up for ever.
    assert_eq!(talk.run(asked(4)).unwrap().len(), 1);
    let start = Instant::now();
    drop(talk);
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn the_plan_of_a_check_run_is_shared_between_users() {
    let Some(wanted) = become_with(BecomeMethod::Su, "su", "nobody") else { return };
    let wanted = Become { flags: Some("-s /bin/sh".into()), ..wanted };
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let path = folder.path().join("file").to_str().unwrap().to_owned();
    let mut talk = Talk::start();
    let copy = checked(call("copy", &[("dest", &path), ("content", "hello")]));
    assert!(talk.run(batch(1, vec![copy])).unwrap()[0].changed);
    let write = checked(call("copy", &[("dest", "/tmp/shevek-never"), ("content", "hello")]));
    assert!(talk.run(Batch { become_user: Some(wanted), ..batch(2, vec![write]) }).unwrap()[0].changed);
    for (id, path) in [(3, path.as_str()), (4, "/tmp/shevek-never")] {
        let look = checked(call("stat", &[("path", path)]));
        let outcome = talk.run(batch(id, vec![look])).unwrap().remove(0);
        assert_eq!(outcome.get("stat").unwrap().get("exists"), Some(&Val::Bool(true)), "{path}");
    }
}

#[test]
fn a_user_who_is_not_there_is_named() {
    let Some(wanted) = become_with(BecomeMethod::Su, "su", "nosuchuser") else { return };
    let mut talk = Talk::start();
    let asked = Batch { become_user: Some(wanted), ..batch(1, vec![call("ping", &[])]) };
    let (kind, message) = talk.run(asked).unwrap_err();
    assert_eq!(kind, FaultKind::Become);
    assert!(message.contains("nosuchuser"), "{message}");
}
