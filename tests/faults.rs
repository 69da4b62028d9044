//! Everything that can go wrong between here and a host, one row each: `docs/reliability.md` is what this finds.
//!
//! Each row is a run against two hosts, of which one breaks; `SHEVEK_UPDATE=1` writes the page anew.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use crate::lab::How::{
    Corrupt, Cut, Disks, Drip, Exit, Flood, FloodErrors, Goodbye, HalfClose, Refuse, Says, Slow, Stall,
};
use crate::lab::When::{
    Banner, Channel, Command as Exec, KeyExchange, LoggedIn, Login, Never, Result as Answer, Told, Upload,
};
use crate::lab::{How, Lab, Scripted, When, repository};

/// What becomes of the host.
#[derive(Clone, Copy, PartialEq)]
enum Host {
    /// It is unreachable, in this phase.
    Lost(&'static str),
    /// The task fails, in this phase.
    Failed(&'static str),
    /// It does all its tasks.
    Fine,
}
use Host::{Failed, Fine, Lost};

/// What the hosts do, between a first and a last task.
#[derive(Clone, Copy)]
enum Doing {
    /// Nothing of note.
    Little,
    /// A result that fills many packets.
    LongResult,
    /// Something long, in the middle of which the breaking host is told to break.
    Work,
    /// Nothing; the host is told to break between two tasks.
    Rest,
    /// This, with a task's time of two seconds.
    Task(&'static str),
    /// This, for as long as it takes.
    Long(&'static str),
    /// Nothing of note; the host breaks once, and may be tried twice.
    Again,
    /// Something long, in the middle of which the host breaks once; it may be tried twice.
    WorkAgain,
}
use Doing::{Again, Little, Long, LongResult, Rest, Task, Work, WorkAgain};

/// One row: what happens, how it is brought about, and what must come of it.
struct Row(&'static str, (When, How), Doing, Host, &'static str);

/// The host says that it is the runner, and then something else.
const ENDLESS: How = Says(&[255, 255, 255, 255, 1, 2, 3]);
const RUBBISH: How = Says(&[3, 0, 0, 0, 99, 99, 99]);
const SILENT: How = Says(&[]);
const HTTP: How = Says(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");

/// Disks with no room for the runner; a disk with no room for a file.
const NO_PLACE: How = Disks(
    "mount -t tmpfs -o size=64k none /mnt; export HOME=/mnt; for d in /var/tmp /dev/shm /tmp; do mount -t tmpfs -o ro none $d; done;",
);
const SMALL: How = Disks("mount -t tmpfs -o size=64k none /mnt;");

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row("closes the connection before a word", (Banner, Cut), Little, Lost("connect"), "closed the connection before the key exchange"),
    Row("takes the connection and says nothing", (Banner, Stall), Little, Lost("connect"), "waiting for the server's key exchange"),
    Row("says lines without end before its banner", (Banner, Flood), Little, Lost("connect"), "what answers does not speak SSH"),
    Row("answers as a web server would", (Banner, HTTP), Little, Lost("connect"), ""),
    Row("garbles its banner", (Banner, Corrupt), Little, Lost("connect"), ""),
    Row("says a byte now and then", (Banner, Drip), Little, Lost("connect"), "waiting for the server's key exchange"),
    Row("closes its half at once", (Banner, HalfClose), Little, Lost("connect"), "closed the connection before the key exchange"),
    Row("closes in the middle of the key exchange", (KeyExchange, Cut), Little, Lost("connect"), ""),
    Row("stalls in the middle of the key exchange", (KeyExchange, Stall), Little, Lost("connect"), "waiting for the server's key exchange"),
    Row("garbles the key exchange", (KeyExchange, Corrupt), Little, Lost("connect"), ""),
    Row("closes its half in the key exchange", (KeyExchange, HalfClose), Little, Lost("connect"), ""),
    Row("refuses the key", (Login, Refuse), Little, Lost("auth"), "does not let"),
    Row("closes during the login", (Login, Cut), Little, Lost("auth"), ""),
    Row("stalls during the login", (Login, Stall), Little, Lost("auth"), ""),
    Row("garbles the login", (Login, Corrupt), Little, Lost("auth"), ""),
    Row("closes its half during the login", (Login, HalfClose), Little, Lost("auth"), ""),
    Row("closes right after the login", (LoggedIn, Cut), Little, Lost("auth"), ""),
    Row("says goodbye right after the login", (LoggedIn, Goodbye), Little, Lost("start"), "closed for the night"),
    Row("refuses the channel", (Channel, Refuse), Little, Lost("start"), "MaxSessions"),
    Row("closes when it is asked for a channel", (Channel, Cut), Little, Lost("start"), ""),
    Row("stalls when it is asked for a channel", (Channel, Stall), Little, Lost("start"), "waiting for the server to open a channel"),
    Row("refuses to run commands", (Exec, Refuse), Little, Lost("start"), "refuses to run commands"),
    Row("closes when it is asked to run a command", (Exec, Cut), Little, Lost("start"), ""),
    Row("stalls when it is asked to run a command", (Exec, Stall), Little, Lost("start"), "waiting for the runner to start"),
    Row("has a login shell that ends at once", (Exec, Exit), Little, Lost("start"), "no entry"),
    Row("has a login shell that prints without end", (Exec, Flood), Little, Lost("start"), "prints without end"),
    Row("has a login shell that complains without end", (Exec, FloodErrors), Little, Lost("start"), "waiting for the runner to start"),
    Row("starts a runner that says nothing", (Exec, SILENT), Little, Lost("start"), "the runner's greeting"),
    Row("starts a runner that announces a giant message", (Exec, ENDLESS), Little, Failed("start"), "is over the limit"),
    Row("starts a runner that talks rubbish", (Exec, RUBBISH), Little, Failed("start"), "cannot be understood"),
    Row("closes in the middle of the upload", (Upload, Cut), Little, Lost("upload"), ""),
    Row("stalls in the middle of the upload", (Upload, Stall), Little, Lost("upload"), "to take what is sent"),
    Row("garbles the upload", (Upload, Corrupt), Little, Lost("upload"), ""),
    Row("closes its half in the middle of the upload", (Upload, HalfClose), Little, Lost("upload"), ""),
    Row("is slow all the way", (Channel, Slow), LongResult, Fine, ""),
    Row("closes in the middle of a task", (Told, Cut), Work, Lost("run"), ""),
    Row("stalls in the middle of a task", (Told, Stall), Work, Lost("idle"), ""),
    Row("closes its half in the middle of a task", (Told, HalfClose), Work, Lost("run"), ""),
    Row("closes in the middle of a result", (Answer, Cut), LongResult, Lost("run"), ""),
    Row("stalls in the middle of a result", (Answer, Stall), LongResult, Lost("idle"), ""),
    Row("garbles a result", (Answer, Corrupt), LongResult, Lost("run"), ""),
    Row("closes its half in the middle of a result", (Answer, HalfClose), LongResult, Lost("run"), ""),
    Row("closes between two tasks", (Told, Cut), Rest, Fine, ""),
    Row("stalls between two tasks", (Told, Stall), Rest, Lost("idle"), ""),
    Row("kills the runner in the middle of a task", (Never, Cut), Task("shell: 'sleep 0.2; kill -9 $PPID; sleep 30'"), Lost("run"), "signal KILL"),
    Row("stops the runner in the middle of a task", (Never, Cut), Task("shell: 'sleep 0.2; kill -STOP $PPID; sleep 30'"), Failed("Task failed: Timed out"), "after 2 second"),
    Row("has a command that never ends", (Never, Cut), Task("command: sleep 30"), Failed("Task failed: Timed out"), "after 2 second"),
    Row("has a command that prints without end", (Never, Cut), Long("command: 'yes'"), Failed(""), "printed more than 128 MiB"),
    Row("has a result that is too long", (Never, Cut), Long("shell: 'head -c 70000000 /dev/zero'"), Failed("the result"), "larger than one message"),
    Row("has a way to another user that never answers", (Never, Cut), Task(BECOME), Failed("Task failed: Timed out"), "after 2 second"),
    Row("has no place for the runner", (Exec, NO_PLACE), Little, Lost("upload"), "no place for the runner"),
    Row("has a full disk", (Exec, SMALL), Task("copy: { content: \"{{ 'x' * 200000 }}\", dest: /mnt/file }"), Failed("could not"), "No space left on device"),
    Row("closes before a word, once, and is tried again", (Banner, Cut), Again, Fine, ""),
    Row("stalls during the login, once, and is tried again", (Login, Stall), Again, Fine, ""),
    Row("closes when it is asked to run a command, once, and is tried again", (Exec, Cut), Again, Fine, ""),
    Row("closes in the middle of the upload, once, and is tried again", (Upload, Cut), Again, Fine, ""),
    Row("closes in the middle of a task, once, and that is not begun again", (Told, Cut), WorkAgain, Lost("run"), ""),
];

/// Becomes somebody by a program that says nothing.
const BECOME: &str =
    "command: id\n      become: true\n      become_user: nobody\n      become_exe: '{{ playbook_dir }}/mute'";

/// Seconds that each phase may take in these runs, and after which a silent host is given up.
const PATIENCE: u64 = 3;

/// What a loaded machine may add to that: two tasks wait for their time, and a stopped runner for its end. The usual deadlines are
/// further off than both together.
const SLACK: Duration = Duration::from_secs(22);

/// Rows at the same time: most of them wait for a deadline.
const AT_ONCE: usize = 8;

/// The key that everybody logs in with.
static KEY: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("id");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    assert!(made.is_ok_and(|status| status.success()), "ssh-keygen is missing: run scripts/setup-tests");
    folder
});

/// Whether this process may mount file systems in a place of its own.
static MAY_MOUNT: LazyLock<bool> = LazyLock::new(|| {
    let tried = Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    tried.is_ok_and(|output| output.status.success())
});

/// A lab with one host that is fine and one behind a scripted server.
fn two_hosts(lab: Lab, server: &Scripted) -> Lab {
    let port = server.address().port();
    let key = KEY.path().join("id");
    let options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ServerAliveInterval=1 -o ServerAliveCountMax=3 -o IdentitiesOnly=yes";
    let temp = lab.path().join("tmp");
    std::fs::create_dir_all(&temp).unwrap();
    lab.inventory(&format!(
        "good\nbad ansible_connection=ssh ansible_host=127.0.0.1 ansible_port={port} ansible_user=op ansible_ssh_private_key_file={} ansible_ssh_common_args='{options}'\n",
        key.display()
    ))
    .env("TMPDIR", &temp.display().to_string())
}

impl Doing {
    fn tasks(self) -> String {
        let told = "file: { path: '{{ playbook_dir }}/far/break', state: touch }";
        let broken = "wait_for: { path: '{{ playbook_dir }}/far/broken', sleep: 1, timeout: 20 }";
        match self {
            Little | Again => "    - command: echo two\n".to_owned(),
            LongResult => "    - shell: head -c 150000 /dev/zero | tr '\\0' x\n".to_owned(),
            Work | WorkAgain => {
                "    - shell: \"[ {{ inventory_hostname }} = good ] || { touch break; sleep 30; }\"\n"
                    .to_owned()
            }
            Rest => format!(
                "    - {told}\n      delegate_to: good\n      run_once: true\n    - {broken}\n      delegate_to: good\n      run_once: true\n    - command: 'true'\n      delegate_to: good\n      run_once: true\n"
            ),
            Long(task) => format!("    - {task}\n      when: inventory_hostname == 'bad'\n"),
            Task(task) => format!("{}      timeout: 2\n", Long(task).tasks()),
        }
    }
}

/// Files that nobody asked for: all but the runner that hosts keep.
fn strangers(lab: &Lab, before: &[String]) -> Vec<String> {
    let is_kept = |name: &str| {
        let name = name.rsplit('/').next().unwrap();
        name.starts_with("runner-") || [".cache", "shevek", "break", "broken", "said"].contains(&name)
    };
    lab.files().into_iter().filter(|name| !before.contains(name) && !is_kept(name)).collect()
}

/// What a row comes to, as a line of the table; an error where it is not what it should be.
fn play(row: &Row) -> Result<String, String> {
    let Row(what, (when, how), doing, expected, words) = row;
    if matches!(how, Disks(_)) && !*MAY_MOUNT {
        eprintln!("skipped, since it needs root: a host that {what}");
        return Ok(line(row));
    }
    let play = format!(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: echo one\n{}    - command: echo last\n",
        doing.tasks()
    );
    let lab = Lab::local().unwatched().playbook(&play);
    let home = lab.path().join("far");
    std::fs::create_dir(&home).unwrap();
    let server = Scripted::start(
        &home,
        *when,
        *how,
        matches!(doing, Again | WorkAgain) || (matches!(doing, Rest) && *expected == Fine),
    );
    let tries = if matches!(doing, Again | WorkAgain) { "1" } else { "0" };
    // Only where a phase comes to its deadline is that a near one: this machine may be busy.
    let waits = matches!(how, Stall | Drip | FloodErrors | Says([]))
        && matches!(when, Banner | KeyExchange | Login | Channel | Exec | Upload);
    let patience = if waits { PATIENCE } else { 30 }.to_string();
    let lab = two_hosts(lab, &server)
        .env("ANSIBLE_SSH_RETRIES", tries)
        .env("ANSIBLE_TIMEOUT", &patience)
        .env("SHEVEK_PHASE_TIMEOUT", &patience);
    let lab = lab.file("mute", "#!/bin/sh\nexec sleep 3000\n");
    std::fs::set_permissions(lab.path().join("mute"), std::fs::Permissions::from_mode(0o755)).unwrap();
    // The lab's own files are there before the first run.
    lab.shevek(&["--version"]).exit(0);
    let before = lab.files();
    let begin = Instant::now();
    // An earlier run may have left the runner outside its home, on a machine whose disk was full.
    let run = if *when == Upload { lab.run(["--no-cache"]) } else { lab.run([]) };
    let took = begin.elapsed();
    let has_broken = server.has_broken() || *when == Never;
    drop(server);
    let text = run.text();
    let message = text.lines().find_map(|line| {
        let (state, rest) = line.strip_prefix("fatal: [bad]: ")?.split_once("! => ")?;
        let message = rest.split_once("\"msg\": \"")?.1;
        Some((state.to_owned(), message.to_owned()))
    });
    let starts = |phase: &str| message.as_ref().is_some_and(|(_, message)| message.starts_with(phase));
    let state = message.as_ref().map(|(state, _)| state.as_str());
    let right = match *expected {
        Lost(phase) => state == Some("UNREACHABLE") && starts(&format!("{phase}: ")) && run.code() == Some(4),
        Failed(phase) => state == Some("FAILED") && starts(phase) && run.code() == Some(2),
        Fine => message.is_none() && run.code() == Some(0),
    };
    let good = text.lines().any(|line| {
        line.starts_with("good ") && line.contains("unreachable=0 ") && line.contains("failed=0 ")
    }) && text.contains("changed: [good]")
        && text.rsplit("TASK [").next().unwrap().contains("changed: [good]");
    let told = matches!(expected, Failed(_) | Fine) || text.contains("UNREACHABLE HOSTS");
    let (processes, files) = (lab.orphans(), strangers(&lab, &before));
    let on_time = took < Duration::from_secs(PATIENCE) + SLACK;
    let clean = processes.is_empty() && files.is_empty();
    if !(right && good && told && has_broken && on_time && clean && text.contains(words)) {
        return Err(format!(
            "a host that {what}: took {took:?}, broken {has_broken}, as expected {right}, others {good}, processes left {processes:?}, files left {files:?}\n{text}"
        ));
    }
    Ok(line(row))
}

#[test]
fn tasks_that_a_host_may_have_done_when_it_was_lost_are_named() {
    let play = "- hosts: bad\n  gather_facts: false\n  tasks:\n    - command: echo one\n    - name: the last heard of\n      \
                shell: until grep -q stdout...one {{ playbook_dir }}/run.jsonl; do sleep 0.05; done; touch break; sleep 30\n    \
                - name: on {{ inventory_hostname }}\n      command: echo two\n    \
                - set_fact: { here: 1 }\n    - import_role: { name: base }\n";
    let lost = |ahead: &str, no_log: &str| {
        let play = play.replace("sleep 30\n", &format!("sleep 30\n      no_log: {no_log}\n"));
        let lab = Lab::local().unwatched().playbook(&play);
        let lab = lab.file("roles/base/tasks/main.yml", "- name: base\n  command: echo three\n");
        let home = lab.path().join("far");
        std::fs::create_dir(&home).unwrap();
        let server = Scripted::start(&home, Told, Cut, false);
        let lab = two_hosts(lab, &server).env("SHEVEK_SEND_AHEAD", ahead);
        lab.run(["--report", "jsonl=run.jsonl"]).exit(4).recap("bad", "ok=1 changed=1 unreachable=1").text()
    };
    let words = "2 more tasks were sent with it and may have been done: on bad, base : base";
    let text = lost("remote", "false");
    let says =
        |text: &str, begin: &str| text.lines().any(|line| line.starts_with(begin) && line.contains(words));
    assert!(says(&text, "fatal: [bad]: UNREACHABLE! => ") && says(&text, "bad: run: "), "{text}");
    let text = lost("remote", "true");
    let warning = text.split_once("[WARNING]: ").map_or("", |(_, rest)| rest);
    let warning = warning.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        warning.starts_with("bad was lost sight of in the task 'the last heard of': 2 more tasks"),
        "{text}"
    );
    let text = lost("never", "false");
    assert!(!text.contains("may have been done"), "{text}");
}

#[test]
fn a_task_that_a_host_may_have_done_is_not_sent_again() {
    // The runner is stopped: that it is late is not heard from it, and nobody knows how far it came.
    let play = "- hosts: bad\n  gather_facts: false\n  tasks:\n    - shell: echo 1 >>done; kill -STOP $PPID; sleep 30\n      \
                timeout: 2\n      ignore_errors: true\n    - name: then\n      shell: echo 2 >>done\n      ignore_errors: true\n    \
                - shell: echo 3 >>done\n";
    let lab = Lab::local().unwatched().playbook(play);
    let home = lab.path().join("far");
    std::fs::create_dir(&home).unwrap();
    let server = Scripted::start(&home, Never, Cut, false);
    let lab = two_hosts(lab, &server);
    lab.run([])
        .exit(2)
        .says("2 more tasks were sent with it and may have been done: then, shell")
        .says("it may or may not have been done, and is not sent again")
        .recap("bad", "ok=2 changed=0 failed=1 ignored=2");
    drop(server);
    let done = std::fs::read_to_string(home.join("done")).unwrap();
    assert!(!done.contains("2\n2") && !done.contains("3\n3"), "{done}");
}

/// A row that is as it should be.
fn line(Row(what, _, _, expected, _): &Row) -> String {
    let (host, phase) = match expected {
        Lost(phase) => ("unreachable", *phase),
        Failed(phase) => ("failed", *phase),
        Fine => ("fine", "–"),
    };
    format!("| {what} | {host} | {phase} | yes | yes | none | none |")
}

const PAGE: &str = "docs/reliability.md";
const HEAD: &str = "# When things break

What becomes of a run when a host does not do what it should. The table is the outcome of a test (`tests/faults.rs`; `SHEVEK_UPDATE=1 cargo
nextest run -p shevek faults` writes it): each row is a run against two hosts, one of which is as it should be, while the other one, a
scripted SSH server that runs the real runner, breaks as the row says. *Phase* is how the message begins, except where a task is given up for
its own `timeout`. *In time*: no later than the deadline of that phase. *Others*: the other host did all its tasks. *Left*: what was there
of processes on either side, and of files (temporary ones, parts of the runner), once the connection was gone; runners that are whole stay.

| the host … | it is | phase | in time | others go on | processes left | files left |
|---|---|---|---|---|---|---|
";

#[test]
fn every_fault_has_its_phase_and_its_deadline_and_leaves_nothing() {
    let rows: Vec<&Row> = match std::env::var("SHEVEK_ROW") {
        Ok(part) => ROWS.iter().filter(|row| row.0.contains(&part)).collect(),
        Err(_) => ROWS.iter().collect(),
    };
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(vec![None; rows.len()]);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((index, row)) = Some(next.fetch_add(1, Ordering::SeqCst))
                    .and_then(|index| Some((index, *rows.get(index)?)))
                {
                    let outcome = play(row);
                    outcomes.lock().unwrap()[index] = Some(outcome);
                }
            });
        }
    });
    let (mut page, mut wrong) = (HEAD.to_owned(), Vec::new());
    for outcome in outcomes.into_inner().unwrap() {
        match outcome.expect("a row that was played") {
            Ok(line) => writeln!(page, "{line}").unwrap(),
            Err(why) => wrong.push(why),
        }
    }
    assert!(wrong.is_empty(), "{} rows are not as they should be:\n{}", wrong.len(), wrong.join("\n\n"));
    if rows.len() < ROWS.len() {
        return;
    }
    page += TAIL;
    let path = repository().join(PAGE);
    if std::env::var_os("SHEVEK_UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "{PAGE} is not what the rows come to; SHEVEK_UPDATE=1 writes it:\n{page}");
}

const TAIL: &str = "
Over a real OpenSSH server the same is tested in `tests/network.rs`, on real Debian hosts (full disks, disks that take no writes, hosts without a
place for the runner, wrong passwords, changed keys) in `tests/disasters.rs`, the connection by itself in `src/connection/tests/faults.rs`, and hosts that reboot in `tests/rebooting.rs`.

## Deadlines

| phase | how long | set by |
|---|---|---|
| resolve, connect, host key | 10 s | `timeout` (`-T`, `ansible_timeout`, `ConnectTimeout`) |
| auth | 60 s | `phase_timeout` in `[shevek]` of ansible.cfg, `SHEVEK_PHASE_TIMEOUT` |
| start | 60 s | the same |
| become | 60 s | the same |
| upload | 60 s without a sign that the host takes more | the same |
| run | as long as it takes | `timeout` of the task, `task_timeout`; the host kills what is late, and a runner that does not is given up two seconds later |
| idle | 45 s without a word | `ServerAliveInterval`, `ServerAliveCountMax` |

While somebody is asked about a host key or for a passphrase no time passes.

## Hosts that cannot be reached

- **Tried again**: `retries` of `[connection]` (`ANSIBLE_SSH_RETRIES`, `ansible_ssh_retries`), as often as it says, with pauses that double. A
  login that was refused and a host key that does not fit are no matter of luck, and are not. What a host may have begun is never sent twice.
- **Rescued**, where that is asked for: with `rescue_unreachable = true` in `[shevek]` (`SHEVEK_RESCUE_UNREACHABLE`), or where the variable
  `shevek_rescue_unreachable` is true, `rescue` takes care of a host that cannot be reached as of one that failed. `ignore_unreachable` is as in Ansible.
- **Not done twice**: where a host is lost sight of, tasks that had been sent along with the one that was waited for
  (`docs/performance.md`) may have been done. The result names them, and so does the end of the run; none of them is sent again.
- **Summarised**: the end of the run names each host that was lost once more, with the reason.

## Signals

- **Ctrl-C** (or SIGTERM): no task is handed out any more. Those that run have 30 s for their end (`interrupt_grace` in `[shevek]`,
  `SHEVEK_INTERRUPT_GRACE`); then they are killed, on the hosts too. A run that still
  does not end, in a template without end, is left after as long again (one to ten seconds). The end says what was stopped, what was not begun, and which handlers did not run.
- **Ctrl-C again**: at once. Runners end with their connection and kill what they have running; jobs of `async` tasks live on.
- **Ctrl-\\** (SIGQUIT): says on standard error which hosts are at work, with the task, the phase and since when. The run goes on.
- A runner that is killed itself takes what it was running with it: a second process of its own watches.
";
