//! Runs commands: both outputs captured apart, a deadline, and the whole process group killed when it is over.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command as Process, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid,
};

use crate::command::{Command, Ran};
use crate::guard::{self, Guarded};

/// How often a wait looks whether the controller has cancelled.
const TICK: Duration = Duration::from_millis(100);

/// How much a command may print: more than any result may hold, and less than fills the host's memory.
const MOST: usize = 128 << 20;

/// Runs a command to its end.
pub(crate) fn run(command: &Command, interrupted: &AtomicBool) -> io::Result<Ran> {
    guard::stand_by();
    let mut child = start(command)?;
    let guarded = Guarded::new(Pid::from_child(&child));
    let mut job = Job {
        stdin: child.stdin.take().filter(|_| !command.stdin.is_empty()),
        stdout: child.stdout.take(),
        stderr: child.stderr.take(),
        written: 0,
        ran: Ran::default(),
    };
    job.prepare()?;
    let exit = Pid::from_child(&child);
    let exit = pidfd_open(exit, PidfdFlags::empty()).ok();
    let deadline = command.timeout.map(|t| Instant::now() + t);
    let done = job.converse(
        &mut child,
        exit.as_ref(),
        &command.stdin,
        &Limits { deadline, linger: command.linger, interrupted },
    );
    if !matches!(done, Ok(true)) {
        kill(&mut child);
    }
    // Until it is reaped nobody else can be given its number.
    drop(guarded);
    let status = child.wait()?;
    job.ran.timed_out = !done? && !interrupted.load(Ordering::Relaxed);
    job.ran.rc = exit_code(status);
    if interrupted.load(Ordering::Relaxed) {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "cancelled"));
    }
    Ok(job.ran)
}

/// An exit code, or minus the number of the signal that ended it.
pub(crate) fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| -status.signal().unwrap_or(1))
}

struct Limits<'a> {
    deadline: Option<Instant>,
    linger: Duration,
    interrupted: &'a AtomicBool,
}

fn start(command: &Command) -> io::Result<Child> {
    let program = locate(command)?;
    let mut process = match command.umask {
        None => {
            let mut process = Process::new(program);
            process.arg0(&command.program);
            process
        }
        // A umask belongs to a whole process: this one has threads that make files, so the child sets its own.
        Some(umask) => {
            let mut process = Process::new("/bin/sh");
            process.arg("-c").arg(format!("umask {umask:04o} && exec \"$0\" \"$@\"")).arg(program);
            process
        }
    };
    process.args(&command.args).process_group(0);
    process.stdin(if command.stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
    process.stdout(Stdio::piped()).stderr(Stdio::piped());
    surround(&mut process, command);
    process.spawn()
}

/// Gives a process the command's folder and variables.
pub(crate) fn surround(process: &mut Process, command: &Command) {
    if let Some(folder) = &command.folder {
        process.current_dir(folder);
    }
    for (name, value) in &command.env {
        match value {
            Some(value) => process.env(name, value),
            None => process.env_remove(name),
        };
    }
}

/// The program's path: names are looked for in the command's own `PATH`, then in the system's folders, which a login
/// user's `PATH` may lack.
pub(crate) fn locate(command: &Command) -> io::Result<PathBuf> {
    let program = Path::new(&command.program);
    if program.components().count() > 1 || program.is_absolute() {
        // Where the child's shell starts it, nobody else would say that it is not there.
        let from = command.folder.as_deref().unwrap_or(Path::new("")).join(program);
        if command.umask.is_some() {
            rustix::fs::access(&from, rustix::fs::Access::EXEC_OK)?;
        }
        return Ok(program.to_owned());
    }
    let own = command.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
    let path: OsString = own.unwrap_or_else(|| std::env::var_os("PATH")).unwrap_or_default();
    let system = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(system)
        .map(|folder| folder.join(program))
        .find(|p| rustix::fs::access(p, rustix::fs::Access::EXEC_OK).is_ok() && p.is_file())
        .ok_or_else(|| io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error()))
}

/// Whether a program has ended. It keeps its number all the same: what it has put into the background may be killed with its
/// group until nobody listens to that any more.
fn has_ended(child: &Child) -> io::Result<bool> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(Pid::from_child(child)), options)?.is_some())
}

fn kill(child: &mut Child) {
    let group = Pid::from_child(child);
    // Gone already is as good as killed.
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.kill();
}

struct Job {
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    written: usize,
    ran: Ran,
}

fn nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(fd)?;
    Ok(rustix::fs::fcntl_setfl(fd, flags | rustix::fs::OFlags::NONBLOCK)?)
}

impl Job {
    fn prepare(&self) -> io::Result<()> {
        if let Some(fd) = &self.stdin {
            nonblocking(fd.as_fd())?;
        }
        if let Some(fd) = &self.stdout {
            nonblocking(fd.as_fd())?;
        }
        if let Some(fd) = &self.stderr {
            nonblocking(fd.as_fd())?;
        }
        Ok(())
    }

    /// Feeds and listens until the program has ended; `false` when it must be killed.
    fn converse(
        &mut self,
        child: &mut Child,
        exit: Option<&OwnedFd>,
        input: &[u8],
        limits: &Limits<'_>,
    ) -> io::Result<bool> {
        let mut ended: Option<Instant> = None;
        loop {
            if limits.interrupted.load(Ordering::Relaxed)
                || limits.deadline.is_some_and(|d| Instant::now() >= d)
            {
                return Ok(false);
            }
            if ended.is_none() && has_ended(child)? {
                ended = Some(Instant::now());
                self.stdin = None;
            }
            if self.stdout.is_none() && self.stderr.is_none() && (ended.is_some() || exit.is_none()) {
                if ended.is_some() {
                    return Ok(true);
                }
                std::thread::sleep(Duration::from_millis(2));
                continue;
            }
            let wait =
                limits.deadline.map_or(TICK, |d| d.saturating_duration_since(Instant::now()).min(TICK));
            let wait = if ended.is_some() { wait.min(limits.linger) } else { wait };
            let heard = self.wait(exit.filter(|_| ended.is_none()), wait)?;
            self.write(input);
            let moved = self.read()?;
            if self.ran.stdout.len() + self.ran.stderr.len() > MOST {
                let why = format!("it printed more than {} MiB, and was killed", MOST >> 20);
                return Err(io::Error::other(why));
            }
            match ended {
                Some(since) if !heard && !moved && since.elapsed() >= limits.linger => return Ok(true),
                Some(_) if moved => ended = Some(Instant::now()),
                _ => {}
            }
        }
    }

    fn wait(&self, exit: Option<&OwnedFd>, at_most: Duration) -> io::Result<bool> {
        let mut fds = Vec::with_capacity(4);
        if let Some(fd) = &self.stdin {
            fds.push(PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::OUT));
        }
        if let Some(fd) = &self.stdout {
            fds.push(PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN));
        }
        if let Some(fd) = &self.stderr {
            fds.push(PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN));
        }
        if let Some(fd) = exit {
            fds.push(PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN));
        }
        let wait = Timespec {
            tv_sec: i64::try_from(at_most.as_secs()).unwrap_or(1),
            tv_nsec: i64::from(at_most.subsec_nanos()),
        };
        match poll(&mut fds, Some(&wait)) {
            Ok(n) => Ok(n > 0),
            Err(rustix::io::Errno::INTR) => Ok(true),
            Err(e) => Err(e.into()),
        }
    }

    fn write(&mut self, input: &[u8]) {
        let Some(stdin) = &mut self.stdin else { return };
        let rest = input.get(self.written..).unwrap_or_default();
        let done = match stdin.write(rest) {
            Ok(n) => {
                self.written += n;
                self.written >= input.len()
            }
            Err(e) => !matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
        };
        if done {
            self.stdin = None;
        }
    }

    fn read(&mut self) -> io::Result<bool> {
        let mut moved = false;
        moved |= drain(&mut self.stdout, &mut self.ran.stdout)?;
        moved |= drain(&mut self.stderr, &mut self.ran.stderr)?;
        Ok(moved)
    }
}

fn drain<R: Read>(from: &mut Option<R>, to: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    let mut moved = false;
    // One that prints without end must not keep the others waiting.
    let full = to.len() + (1 << 20);
    while let Some(reader) = from.as_mut().filter(|_| to.len() < full) {
        match reader.read(&mut buffer) {
            Ok(0) => *from = None,
            Ok(n) => {
                to.extend_from_slice(buffer.get(..n).unwrap_or_default());
                moved = true;
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(moved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::cmd;

    fn ran(command: Command) -> Ran {
        run(&command, &AtomicBool::new(false)).unwrap()
    }

    #[test]
    fn both_outputs_and_the_exit_code_are_caught_apart() {
        let ran = ran(cmd("sh").args(["-c", "cat; echo oops >&2; exit 3"]).stdin("hello"));
        assert_eq!((ran.rc, ran.out().as_str(), ran.err().as_str()), (3, "hello", "oops\n"));
    }

    #[test]
    fn a_command_that_takes_too_long_is_killed_with_its_children() {
        let start = Instant::now();
        let ran = ran(cmd("sh").args(["-c", "sleep 60 & sleep 60"]).timeout(Duration::from_millis(50)));
        assert!(ran.timed_out);
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_daemon_that_keeps_the_outputs_open_does_not_hold_us() {
        let start = Instant::now();
        let ran = ran(cmd("sh").args(["-c", "sleep 20 & echo $!"]));
        assert!(start.elapsed() < Duration::from_secs(5));
        let pid = Pid::from_raw(ran.out().trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, Signal::KILL).unwrap();
    }

    #[test]
    fn what_a_child_says_a_moment_later_is_heard() {
        let late = cmd("sh").args(["-c", "(sleep 0.4; echo late) & echo now"]);
        assert_eq!(ran(late.clone().lingering()).out(), "now\nlate\n");
        assert_eq!(ran(late).out(), "now\n");
    }

    #[test]
    fn the_number_of_a_command_is_nobody_elses_as_long_as_it_may_be_killed() {
        let child = "while ! grep -q 'State:.Z' /proc/$$/status; do [ -e /proc/$$ ] || exit; done; sleep 0.1; echo /proc/$$*";
        let asked = cmd("sh").args(["-c", &format!("({child}) 2>/dev/null & echo $$")]);
        let ran = ran(asked.lingering());
        let id = ran.out().lines().next().unwrap().to_owned();
        assert_eq!(ran.out(), format!("{id}\n/proc/{id}\n"));
    }

    #[test]
    fn much_input_and_output_do_not_block_each_other() {
        let input = vec![b'x'; 1 << 20];
        assert_eq!(ran(cmd("cat").stdin(input.clone())).stdout, input);
    }

    #[test]
    fn a_command_that_prints_without_end_is_killed() {
        let why = run(&cmd("yes"), &AtomicBool::new(false)).unwrap_err().to_string();
        assert_eq!(why, "it printed more than 128 MiB, and was killed");
    }

    #[test]
    fn the_umask_holds_for_the_command_only() {
        let own = std::fs::read_to_string("/proc/self/status").unwrap();
        let asked = cmd("sh").args(["-c", "umask; grep Umask: /proc/$PPID/status; exit $1", "sh", "3"]);
        let ran = ran(asked.umask(Some(0o027)));
        let (umask, ours) = ran.out().split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert_eq!((umask.as_str(), ran.rc), ("0027", 3));
        assert!(own.contains(ours.trim()), "{ours}");
        assert!(run(&cmd("/no/such").umask(Some(0o027)), &AtomicBool::new(false)).is_err());
    }
}
