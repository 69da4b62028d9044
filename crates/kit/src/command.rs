//! [`Command`]: a program with its arguments, built by [`cmd`]; [`Ran`] is how it went.
//!
//! Arguments are a vector and never pass through a shell.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use shevek_proto::Val;

use crate::effect::Effect;
use crate::fault::{Fault, Kind, Result};

/// Starts building a command.
pub fn cmd(program: impl AsRef<OsStr>) -> Command {
    Command {
        program: program.as_ref().to_owned(),
        args: Vec::new(),
        stdin: Vec::new(),
        folder: None,
        env: Vec::new(),
        umask: None,
        timeout: None,
        accepted: vec![0],
        own_locale: false,
        linger: Duration::from_millis(150),
        effects: Vec::new(),
    }
}

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The program: a path, or a name to be found in `PATH`.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What it reads.
    pub stdin: Vec<u8>,
    /// Where it runs.
    pub folder: Option<PathBuf>,
    /// Variables set for it, on top of the task's; `None` unsets.
    pub env: Vec<(OsString, Option<OsString>)>,
    /// Its umask.
    pub umask: Option<u32>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// Exit codes that are no failure; empty: all are fine.
    pub accepted: Vec<i32>,
    /// Leave the locale alone; otherwise it is `C.UTF-8`, so that output can be parsed.
    pub own_locale: bool,
    /// How long its outputs may stay open and quiet after it has ended: a daemon that it started has them.
    pub linger: Duration,
    /// What it is known to do to the host; see [`Command::does`].
    pub effects: Vec<Effect>,
}

impl Command {
    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Adds an option and its value, if there is a value.
    #[must_use]
    pub fn opt(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.args.push(name.into());
            self.args.push(value.to_string().into());
        }
        self
    }

    /// Adds an option if the condition holds.
    #[must_use]
    pub fn flag(self, name: &str, on: impl Into<bool>) -> Self {
        if on.into() { self.arg(name) } else { self }
    }

    /// Gives it this to read.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs it in this folder.
    #[must_use]
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// Sets a variable for it.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Unsets a variable for it.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), None));
        self
    }

    /// Runs it with this umask.
    #[must_use]
    pub fn umask(mut self, umask: Option<u32>) -> Self {
        self.umask = umask;
        self
    }

    /// Kills it, with all that it started, after this time.
    #[must_use]
    pub fn timeout(mut self, after: Duration) -> Self {
        self.timeout = Some(after);
        self
    }

    /// Takes these exit codes for success.
    #[must_use]
    pub fn accept(mut self, codes: &[i32]) -> Self {
        self.accepted = codes.to_vec();
        self
    }

    /// Takes any exit code: the caller looks at [`Ran::rc`].
    #[must_use]
    pub fn any_rc(self) -> Self {
        self.accept(&[])
    }

    /// Leaves the locale as the user has it.
    #[must_use]
    pub fn own_locale(mut self) -> Self {
        self.own_locale = true;
        self
    }

    /// Listens for as long as Ansible does to what it leaves running: for commands of the user's.
    #[must_use]
    pub fn lingering(mut self) -> Self {
        self.linger = Duration::from_secs(1);
        self
    }

    /// Says what the command does, for check mode's plan and for the fake `World`. A command that says nothing leaves
    /// check mode unsure: what later tasks find missing is then *unknown*.
    #[must_use]
    pub fn does(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }

    /// The program and its arguments as one would type them.
    pub fn line(&self) -> String {
        let mut words = vec![quoted(&self.program)];
        words.extend(self.args.iter().map(|a| quoted(a)));
        words.join(" ")
    }

    /// The program and its arguments, as result key `cmd`.
    pub fn words(&self) -> Val {
        let words = std::iter::once(&self.program).chain(&self.args);
        Val::List(words.map(|w| Val::Str(w.to_string_lossy().into_owned())).collect())
    }

    /// The name of the program without its folder.
    pub fn name(&self) -> String {
        Path::new(&self.program).file_name().unwrap_or(&self.program).to_string_lossy().into_owned()
    }
}

/// Refuses names that a program would take for options: no package, account or device is called so.
// Differs from Ansible: there a name that begins with a dash becomes an option of the package manager, of git or of useradd.
pub fn refuse_options<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<()> {
    match names.into_iter().find(|name| name.starts_with('-')) {
        Some(name) => Err(Fault::new(format!("'{name}' is no name: it would be taken for an option"))),
        None => Ok(()),
    }
}

/// A word as a POSIX shell reads it back.
pub fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\"'\"'"))
    }
}

/// How a command went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ran {
    /// Its exit code; minus the signal's number when a signal ended it, as Python has it.
    pub rc: i32,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
    /// Whether it was killed because its time was over.
    pub timed_out: bool,
}

impl Ran {
    /// A success that wrote this.
    pub fn said(stdout: impl Into<Vec<u8>>) -> Self {
        Ran { stdout: stdout.into(), ..Ran::default() }
    }

    /// A failure with this exit code and message.
    pub fn failed(rc: i32, stderr: impl Into<Vec<u8>>) -> Self {
        Ran { rc, stderr: stderr.into(), ..Ran::default() }
    }

    /// Whether the exit code is 0.
    pub fn ok(&self) -> bool {
        self.rc == 0 && !self.timed_out
    }

    /// Standard output as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Passes if the exit code is one that the command accepts; a failure carries `cmd`, `rc`, `stdout`, `stderr`.
    pub fn check(self, command: &Command) -> Result<Ran> {
        if self.timed_out {
            let message = format!("{} took longer than allowed and was killed", command.line());
            return Err(Fault { kind: Kind::Timeout, ..self.fault(command, message) });
        }
        if command.accepted.is_empty() || command.accepted.contains(&self.rc) {
            return Ok(self);
        }
        let said = if self.stderr.is_empty() { self.out() } else { self.err() };
        let message = match said.trim() {
            "" => format!("{} failed with rc {}", command.line(), self.rc),
            said => said.to_owned(),
        };
        Err(self.fault(command, message))
    }

    fn fault(&self, command: &Command, message: String) -> Fault {
        Fault::new(message)
            .with("cmd", command.line())
            .with("rc", self.rc)
            .with("stdout", self.out())
            .with("stderr", self.err())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_a_dash_is_no_name() {
        assert_eq!(refuse_options(["nginx", "a-b", ""]), Ok(()));
        let refused = refuse_options(["nginx", "--root=/srv"]).unwrap_err();
        assert_eq!(refused.message, "'--root=/srv' is no name: it would be taken for an option");
    }

    #[test]
    fn a_command_reads_as_typed() {
        let command =
            cmd("useradd").opt("--uid", Some(5)).opt("--gid", None::<u32>).flag("-r", true).arg("it's me");
        assert_eq!(command.line(), r#"useradd --uid 5 -r 'it'"'"'s me'"#);
    }

    #[test]
    fn an_exit_code_that_was_not_expected_is_a_failure_with_its_output() {
        let command = cmd("grep").accept(&[0, 1]);
        assert!(Ran::failed(1, "").check(&command).is_ok());
        let fault = Ran::failed(2, "no such file\n").check(&command).unwrap_err();
        assert_eq!(fault.message, "no such file");
        assert!(fault.result.contains(&("rc".to_owned(), Val::Int(2))));
    }
}
