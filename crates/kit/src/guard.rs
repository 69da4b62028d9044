//! A second process of the runner, which kills what the first one has running should that be killed itself.
//!
//! The first tells it of each command's process group as it begins and ends. When the first is gone, however that came
//! about, its pipe ends, and what has not ended by then is killed. Commands that have put something into the background
//! and ended are done with: what they left is left alone, as it is without this.

use std::collections::HashSet;
use std::io::{self, BufRead, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

/// The argument with which the runner's binary is the guard.
pub const ARGUMENT: &str = "--guard";

enum State {
    /// Nobody guards: this is no runner.
    Off,
    /// It is started for the first command.
    Wanted,
    Running(Child),
}

static STATE: Mutex<State> = Mutex::new(State::Off);

/// From now on commands of this process are guarded; its binary must run [`guard`] for [`ARGUMENT`].
pub fn enable() {
    *STATE.lock().unwrap_or_else(PoisonError::into_inner) = State::Wanted;
}

/// Starts the guard, if there is to be one and it is not there: it must hear of a command as soon as that runs.
pub fn stand_by() {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    if matches!(*state, State::Wanted) {
        // Without a guard commands run all the same.
        *state = start().map_or(State::Off, State::Running);
    }
}

/// A process group that is guarded until this is dropped.
#[derive(Debug)]
pub struct Guarded(Pid);

impl Guarded {
    /// Guards a group from now on.
    pub fn new(group: Pid) -> Self {
        tell('+', group);
        Self(group)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        tell('-', self.0);
    }
}

fn tell(sign: char, group: Pid) {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    if let State::Running(guard) = &mut *state {
        let line = format!("{sign}{}\n", group.as_raw_nonzero());
        let told = guard.stdin.as_mut().is_some_and(|stdin| stdin.write_all(line.as_bytes()).is_ok());
        if !told {
            let _ = guard.wait();
            *state = State::Off;
        }
    }
}

/// This process is about to end: the guard ends before it, so that nothing of it is left when others see that it is gone.
pub fn end() {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    if let State::Running(mut guard) = std::mem::replace(&mut *state, State::Off) {
        drop(guard.stdin.take());
        let _ = guard.wait();
    }
}

fn start() -> Option<Child> {
    // The file of this program may be gone already; the kernel still has it.
    let mut guard = Command::new("/proc/self/exe");
    guard.arg(ARGUMENT).current_dir("/").process_group(0);
    guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}

/// The guard's work.
pub fn guard() -> ExitCode {
    let mut groups = HashSet::new();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let Some(group) = line.get(1..).and_then(|id| id.parse().ok()).and_then(Pid::from_raw) else {
            continue;
        };
        match line.starts_with('+') {
            true => groups.insert(group),
            false => groups.remove(&group),
        };
    }
    for group in groups {
        let _ = kill_process_group(group, Signal::KILL);
    }
    ExitCode::SUCCESS
}
