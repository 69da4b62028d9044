//! Execute a command on a host.
//!
//! The command is run without a shell: variables such as `$HOSTNAME`, and operators such as `<`, `|`, `;` and `&`, mean nothing
//! special to it. Use `shell` for those.
//!
//! ```yaml
//! - command: cat /etc/motd
//! - command: /usr/bin/make_database.sh db_user db_name creates=/path/to/database
//! - command:
//!     argv: [ /usr/bin/make_database.sh, Username with whitespace, dbname with whitespace ]
//!     creates: /path/to/database
//! ```
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use shevek_kit::prelude::*;
use shevek_kit::printed::python_str;
use shevek_kit::{glob, moment, words};

/// Arguments of `command`.
#[derive(Args)]
#[module(procedure)]
#[rule(exclusive("_raw_params", "cmd", "argv"), one_of("_raw_params", "cmd", "argv"))]
pub struct Command {
    /// The command in free form.
    #[arg(name = "_raw_params")]
    free_form: Option<String>,
    /// Run it by a shell; the module `shell` says so.
    #[arg(name = "_uses_shell", default = false)]
    uses_shell: bool,
    /// The command as one line.
    cmd: Option<String>,
    /// The command as a list: its words need no quotes.
    argv: Option<Vec<String>>,
    /// Change into this folder first.
    chdir: Option<PathBuf>,
    /// The shell to use; only where a shell is used.
    executable: Option<String>,
    /// Whether `~` and `$VARIABLES` in arguments are expanded.
    #[arg(default = true)]
    expand_argument_vars: bool,
    /// A path or pattern: if something is there already, the command is not run.
    creates: Option<String>,
    /// A path or pattern: if nothing is there, the command is not run.
    removes: Option<String>,
    /// What the command reads.
    stdin: Option<String>,
    /// Whether a newline is added to what it reads.
    #[arg(default = true)]
    stdin_add_newline: bool,
    /// Whether newlines at the end of the outputs are cut off.
    #[arg(default = true)]
    strip_empty_ends: bool,
}

impl Procedure for Command {
    fn guard(&self, host: &Probe) -> Result<Guard> {
        self.task(host)?.guard(host)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        self.task(host)?.run(host)
    }

    fn would(&self, host: &Probe) -> Result<Would> {
        Ok(self.task(host)?.would())
    }
}

impl Command {
    fn task(&self, host: &Probe) -> Result<Task> {
        let line = self.free_form.clone().or_else(|| self.cmd.clone());
        if let Some(shell) = self.executable.as_ref().filter(|_| !self.uses_shell) {
            host.warn(format!(
                "'executable' is no longer supported by the module 'command'; '{shell}' is not used. The module 'shell' has it."
            ));
        }
        let what = match (line, &self.argv) {
            (Some(line), _) if self.uses_shell => What::Line { line, shell: self.executable.clone() },
            (Some(line), _) => {
                What::Words(words::split(&line).map_err(|why| Fault::new(format!("{line}: {why}")))?)
            }
            (None, argv) => What::Words(argv.clone().unwrap_or_default()),
        };
        Ok(Task {
            what,
            chdir: self.chdir.clone(),
            creates: self.creates.as_ref().map(|p| host.expand(p)),
            removes: self.removes.as_ref().map(|p| host.expand(p)),
            stdin: self.stdin.clone(),
            add_newline: self.stdin_add_newline,
            strip: self.strip_empty_ends,
            expand: self.expand_argument_vars,
        })
    }
}

/// What `command` and `shell` have in common.
pub(crate) struct Task {
    pub what: What,
    pub chdir: Option<PathBuf>,
    pub creates: Option<String>,
    pub removes: Option<String>,
    pub stdin: Option<String>,
    pub add_newline: bool,
    pub strip: bool,
    pub expand: bool,
}

/// What is run.
pub(crate) enum What {
    /// Words, without a shell.
    Words(Vec<String>),
    /// A line for a shell.
    Line { line: String, shell: Option<String> },
}

impl What {
    fn val(&self) -> Val {
        match self {
            What::Words(words) => words.clone().into(),
            What::Line { line, .. } => line.into(),
        }
    }
}

impl Task {
    fn blank(&self) -> Outcome {
        Outcome::ok()
            .with("stdout", "")
            .with("stderr", "")
            .with("rc", Val::Null)
            .with("cmd", self.what.val())
            .with("start", Val::Null)
            .with("end", Val::Null)
            .with("delta", Val::Null)
            .with("msg", "")
    }

    fn there(&self, host: &Probe, pattern: &str) -> bool {
        let path = match &self.chdir {
            Some(folder) => folder.join(pattern).to_string_lossy().into_owned(),
            None => pattern.to_owned(),
        };
        !glob::glob(host, &path).is_empty()
    }

    pub fn guard(&self, host: &Probe) -> Result<Guard> {
        if let What::Words(words) = &self.what
            && words.is_empty()
        {
            return Ok(Guard::done(Outcome {
                failed: true,
                ..self.blank().with("rc", 256).with("msg", "no command given")
            }));
        }
        if let Some(folder) = &self.chdir
            // That it is there is not enough: one must be let in.
            && !host.is_folder(folder.join("."))
        {
            let message = "Unable to change directory before execution.";
            if host.unsure() {
                return Err(Fault::absent(format!("{message} {} is not there", folder.display())));
            }
            let error = match host.is_folder(folder) {
                true => "[Errno 13] Permission denied",
                false => "[Errno 2] No such file or directory",
            };
            let why = format!("{message} {error}: '{}'", folder.display());
            return Ok(Guard::done(Outcome { failed: true, ..self.blank().with("msg", why) }));
        }
        let did = if host.rehearsing() { "Would" } else { "Did" };
        if let Some(path) = self.creates.as_deref().filter(|p| self.there(host, p)) {
            let outcome = self.blank().with("rc", 0).with("stdout", format!("skipped, since {path} exists"));
            return Ok(Guard::done(
                outcome.with("msg", format!("{did} not run command since '{path}' exists")),
            ));
        }
        if let Some(path) = self.removes.as_deref().filter(|p| !self.there(host, p)) {
            let outcome =
                self.blank().with("rc", 0).with("stdout", format!("skipped, since {path} does not exist"));
            let message = format!("{did} not run command since '{path}' does not exist");
            return Ok(Guard::done(outcome.with("msg", message)));
        }
        Ok(Guard::Run)
    }

    pub fn would(&self) -> Would {
        let mut outcome =
            self.blank().with("rc", 0).with("msg", "Command would have run if not in check mode");
        outcome.unknown = true;
        let conditional = self.creates.is_some() || self.removes.is_some();
        outcome.skipped = !conditional;
        outcome.changed = conditional;
        Would::answer(outcome)
    }

    pub fn run(&self, host: &mut Host) -> Result<Outcome> {
        let command = self.command(host).any_rc().own_locale().lingering();
        let shown = command
            .words()
            .as_list()
            .unwrap_or_default()
            .iter()
            .map(python_str)
            .collect::<Vec<_>>()
            .join(" ");
        let start = host.now();
        let ran = match host.run(command) {
            Ok(ran) => ran,
            Err(fault) => {
                let Some(code) = fault.os else { return Err(fault) };
                let program = match &self.what {
                    What::Words(words) => words.first().cloned().unwrap_or_default(),
                    What::Line { shell, .. } => shell.clone().unwrap_or_else(|| "/bin/sh".into()),
                };
                return Err(Fault::new(format!(
                    "Error executing command: [Errno {code}] {}: '{program}'",
                    os_words(code)
                ))
                .with("cmd", shown)
                .with("rc", code)
                .with("stdout", "")
                .with("stderr", ""));
            }
        };
        let end = host.now();
        let stripped = |text: String| match self.strip {
            true => text.trim_end_matches(['\r', '\n']).to_owned(),
            false => text,
        };
        let mut outcome = self
            .blank()
            .with("stdout", stripped(ran.out()))
            .with("stderr", stripped(ran.err()))
            .with("rc", ran.rc)
            .with("start", time(host, start))
            .with("end", time(host, end))
            .with("delta", moment::python_span(end.duration_since(start).unwrap_or_default()))
            .changed_if(true);
        if ran.rc != 0 {
            outcome.failed = true;
            outcome.set("msg", "non-zero return code");
        }
        Ok(outcome)
    }

    fn command(&self, host: &Probe) -> shevek_kit::Command {
        let mut command = match &self.what {
            What::Words(words) => {
                let expanded = |word: &String| if self.expand { host.expand(word) } else { word.clone() };
                let mut words = words.iter().map(expanded);
                cmd(words.next().unwrap_or_default()).args(words)
            }
            What::Line { line, shell } => cmd(shell.as_deref().unwrap_or("/bin/sh")).arg("-c").arg(line),
        };
        if let Some(folder) = &self.chdir {
            command = command.folder(folder);
            // A program that is named by a relative path is meant from the folder, as after Python's chdir.
            let program = Path::new(&command.program).to_owned();
            if program.is_relative() && program.components().count() > 1 {
                command.program = folder.join(program).into_os_string();
            }
        }
        match self.stdin.as_deref() {
            None | Some("") => command,
            Some(text) if self.add_newline => command.stdin(format!("{text}\n")),
            Some(text) => command.stdin(text),
        }
    }
}

fn time(host: &Probe, time: SystemTime) -> String {
    moment::local(host, time).python()
}

fn os_words(code: i32) -> String {
    shevek_kit::fault::io_words(&std::io::Error::from_raw_os_error(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_has_all_keys() {
        let world = World::new().says("echo hi", "hi\n");
        let done = conform::<Command>("{ _raw_params: echo hi }", world).changed().ran(["echo hi"]);
        let done = done.gives("stdout", "hi").gives("stderr", "").gives("rc", 0).gives("msg", "");
        done.gives("cmd", vec!["echo", "hi"]).gives("start", "2023-11-14 22:13:20").gives("delta", "0:00:00");
    }

    #[test]
    fn a_failure_keeps_its_output() {
        let world =
            World::new().answers("false", Ran { rc: 3, stderr: b"no\n\n".to_vec(), ..Ran::default() });
        let done = conform::<Command>("{ cmd: 'false' }", world).failed("non-zero return code");
        assert!(done.gives("rc", 3).gives("stderr", "no").outcome().changed);
    }

    #[test]
    fn check_mode_does_not_know() {
        let done = conform::<Command>("{ cmd: make }", World::new().says("make", ""));
        let check = done.check();
        assert!(check.skipped && check.unknown && !check.changed);
        assert_eq!(check.message(), "Command would have run if not in check mode");
        let done = conform::<Command>("{ cmd: make, creates: /x }", World::new().says("make", ""));
        assert!(done.check().changed && !done.check().skipped);
    }

    #[test]
    fn what_is_there_already_is_not_made_again() {
        let world = World::new().file("/var/db/one.sql", "");
        let done = conform::<Command>("{ argv: [make], chdir: /var, creates: 'db/*.sql' }", world)
            .unchanged()
            .ran([]);
        done.gives("msg", "Did not run command since 'db/*.sql' exists").gives("rc", 0);
        let done =
            conform::<Command>("{ argv: [make], removes: /nothing }", World::new()).unchanged().ran([]);
        done.gives("stdout", "skipped, since /nothing does not exist");
    }

    #[test]
    fn arguments_are_expanded_unless_told_not_to_be() {
        let world = || World::new().env("A", "x y").answers("echo*", Ran::default());
        conform::<Command>("{ cmd: 'echo $A ~/b' }", world()).ran(["echo 'x y' /root/b"]);
        conform::<Command>("{ cmd: 'echo $A', expand_argument_vars: no }", world()).ran(["echo '$A'"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        conform::<Command>("{ cmd: pwd, chdir: /nope }", World::new()).failed("Unable to change directory");
    }

    #[test]
    fn no_command_and_two_commands_are_refused() {
        conform::<Command>("{ chdir: / }", World::new()).failed("one of the following is required");
        conform::<Command>("{ cmd: a, argv: [b] }", World::new()).failed("mutually exclusive");
        conform::<Command>("{ cmd: 'echo \"a' }", World::new()).failed("No closing quotation");
    }
}
