//! Talks with a command on a terminal of its own: hears what it writes and answers, as somebody at a keyboard would.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command as Process};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use rustix::termios::{LocalModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

use crate::command::{Command, Ran};
use crate::spawn;
use crate::terminal;

/// The half of a talk that answers.
pub trait Talk {
    /// Hears what the command has written since last time, and says what is to be done. It is asked again after each
    /// answer, with nothing new.
    fn hear(&mut self, new: &[u8]) -> Reply;
}

/// What is to be done after something was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Listen on.
    Listen,
    /// Say this.
    Say(Vec<u8>),
    /// End the talk, and the command.
    Stop,
}

/// How a talk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// Whether the terminal shows what is said.
    pub echo: bool,
    /// How long to wait from one answer to the next; `None`: for ever.
    pub patience: Option<Duration>,
}

/// How often a wait looks whether the controller has cancelled.
const TICK: Duration = Duration::from_millis(100);

/// How long to wait before an answer: programs that ask for a password throw away what came before they were ready.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a command that is told to end may take for it.
const GRACE: Duration = Duration::from_millis(100);

/// Runs a command on a terminal to its end. All that it writes is standard output, also when it ran out of time; its
/// exit code is then the one of the signal that ended it.
pub(crate) fn run(
    command: &Command,
    manner: Manner,
    talk: &mut dyn Talk,
    interrupted: &AtomicBool,
) -> io::Result<Ran> {
    let (mut child, mut ours) = start(command, manner)?;
    let exit = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
    let mut ran = Ran::default();
    let deadline = command.timeout.map(|t| Instant::now() + t);
    let end =
        Line { ours: &mut ours, exit: &exit, deadline, interrupted }.listen(manner, talk, &mut ran.stdout);
    drop(ours);
    if !matches!(end, Ok(End::Ended)) {
        end_it(&mut child, &exit)?;
    }
    let status = child.wait()?;
    ran.rc = spawn::exit_code(status);
    ran.timed_out = matches!(end?, End::Late);
    if interrupted.load(Ordering::Relaxed) {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "cancelled"));
    }
    Ok(ran)
}

fn start(command: &Command, manner: Manner) -> io::Result<(Child, File)> {
    let terminal = terminal::open()?;
    tcsetwinsize(&terminal.held, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 })?;
    if !manner.echo {
        let mut modes = tcgetattr(&terminal.held)?;
        modes.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal.held, OptionalActions::Now, &modes)?;
    }
    let mut process = Process::new("/proc/self/exe");
    process.arg("--on-terminal").arg(&terminal.path).arg(spawn::locate(command)?).args(&command.args);
    process.stdin(terminal.held.try_clone()?).stdout(terminal.held.try_clone()?).stderr(terminal.held);
    spawn::surround(&mut process, command);
    Ok((process.spawn()?, terminal.master))
}

/// How listening ended.
enum End {
    /// The command did.
    Ended,
    /// The answering half did, or its patience.
    Stopped,
    /// The task's time is over.
    Late,
}

/// The line to the command.
struct Line<'a> {
    ours: &'a mut File,
    exit: &'a OwnedFd,
    deadline: Option<Instant>,
    interrupted: &'a AtomicBool,
}

impl Line<'_> {
    fn listen(&mut self, manner: Manner, talk: &mut dyn Talk, said: &mut Vec<u8>) -> io::Result<End> {
        let patience = || manner.patience.map(|p| Instant::now() + p);
        let mut until = patience();
        let mut buffer = [0; 16 * 1024];
        loop {
            if self.interrupted.load(Ordering::Relaxed) || until.is_some_and(|t| Instant::now() >= t) {
                return Ok(End::Stopped);
            }
            if self.deadline.is_some_and(|t| Instant::now() >= t) {
                return Ok(End::Late);
            }
            let soon = [until, self.deadline].into_iter().flatten().min();
            let wait = soon.map_or(TICK, |t| t.saturating_duration_since(Instant::now()).min(TICK));
            let (more, ended) = self.wait(wait)?;
            if !more {
                match ended {
                    true => return Ok(End::Ended),
                    false => continue,
                }
            }
            let new = match self.ours.read(&mut buffer) {
                // This is how the kernel says that nobody has the other end any more.
                Err(e) if e.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
                    return Ok(End::Ended);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
                Ok(0) => return Ok(End::Ended),
                Ok(n) => buffer.get(..n).unwrap_or_default(),
            };
            said.extend_from_slice(new);
            let mut reply = talk.hear(new);
            while let Reply::Say(answer) = reply {
                std::thread::sleep(PAUSE);
                self.ours.write_all(&answer)?;
                until = patience();
                reply = talk.hear(&[]);
            }
            if reply == Reply::Stop {
                return Ok(End::Stopped);
            }
        }
    }

    /// Waits for something to read, and says whether there is, and whether the command has ended.
    fn wait(&self, at_most: Duration) -> io::Result<(bool, bool)> {
        let mut fds = [
            PollFd::from_borrowed_fd(self.ours.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.exit.as_fd(), PollFlags::IN),
        ];
        let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(at_most.subsec_nanos()) };
        match poll(&mut fds, Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
        let [ours, exit] = fds.map(|fd| !fd.revents().is_empty());
        Ok((ours, exit))
    }
}

/// Tells a command to end, with more and more force.
fn end_it(child: &mut Child, exit: &OwnedFd) -> io::Result<()> {
    let pid = Pid::from_child(child);
    let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(GRACE.subsec_nanos()) };
    // The first wait is without a signal: the terminal is gone, and most programs notice.
    for signal in [None, Some(Signal::HUP), Some(Signal::CONT), Some(Signal::INT), Some(Signal::KILL)] {
        if let Some(signal) = signal {
            // Gone already is as good.
            let _ = kill_process(pid, signal);
        }
        let mut fds = [PollFd::from_borrowed_fd(exit.as_fd(), PollFlags::IN)];
        if poll(&mut fds, Some(&wait)).is_ok_and(|n| n > 0) {
            break;
        }
    }
    Ok(())
}
