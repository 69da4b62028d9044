//! Execute a shell line on a host.
//!
//! Like `command`, but by a shell (`/bin/sh`), so that variables, pipes and redirections work.
//!
//! ```yaml
//! - shell: cat < /etc/motd > /tmp/copy
//! - shell: cat < /etc/motd | sort
//!   args: { chdir: /etc, executable: /bin/bash }
//! ```
use std::path::PathBuf;

use shevek_kit::prelude::*;

use crate::command::{Task, What};

/// Arguments of `shell`.
#[derive(Args)]
#[module(procedure)]
#[rule(exclusive("_raw_params", "cmd"), one_of("_raw_params", "cmd"))]
pub struct Shell {
    /// The line in free form.
    #[arg(name = "_raw_params")]
    free_form: Option<String>,
    /// Always so; here for tasks that were made for `command`.
    #[arg(name = "_uses_shell", default = true)]
    uses_shell: bool,
    /// The line.
    cmd: Option<String>,
    /// Change into this folder first.
    chdir: Option<PathBuf>,
    /// The shell to use, by its full path.
    executable: Option<String>,
    /// A path or pattern: if something is there already, the line is not run.
    creates: Option<String>,
    /// A path or pattern: if nothing is there, the line is not run.
    removes: Option<String>,
    /// What the line reads.
    stdin: Option<String>,
    /// Whether a newline is added to what it reads.
    #[arg(default = true)]
    stdin_add_newline: bool,
    /// Whether newlines at the end of the outputs are cut off.
    #[arg(default = true)]
    strip_empty_ends: bool,
    /// Only for `command`; here it is refused, as the shell expands what it will.
    expand_argument_vars: Option<bool>,
}

impl Procedure for Shell {
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

impl Shell {
    fn task(&self, host: &Probe) -> Result<Task> {
        if self.expand_argument_vars.is_some() {
            fail!("Unsupported parameters for (shell) module: expand_argument_vars");
        }
        let line = self.free_form.clone().or_else(|| self.cmd.clone()).unwrap_or_default();
        let what = if self.uses_shell {
            What::Line { line, shell: self.executable.clone() }
        } else {
            What::Words(shevek_kit::words::split(&line).map_err(|why| Fault::new(format!("{line}: {why}")))?)
        };
        Ok(Task {
            what,
            chdir: self.chdir.clone(),
            creates: self.creates.as_ref().map(|p| host.expand(p)),
            removes: self.removes.as_ref().map(|p| host.expand(p)),
            stdin: self.stdin.clone(),
            add_newline: self.stdin_add_newline,
            strip: self.strip_empty_ends,
            expand: !self.uses_shell,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_goes_to_the_shell_as_it_is() {
        let world = World::new().says("/bin/sh *", "a\n");
        let done = conform::<Shell>("{ _raw_params: 'echo \"a\" | sort' }", world);
        done.ran([r#"/bin/sh -c 'echo "a" | sort'"#]).gives("cmd", r#"echo "a" | sort"#).gives("stdout", "a");
    }

    #[test]
    fn another_shell_can_be_asked_for() {
        let world = World::new().says("/bin/bash *", "");
        conform::<Shell>("{ cmd: 'true', executable: /bin/bash, chdir: /tmp }", world)
            .ran(["/bin/bash -c true"])
            .changed();
    }
}
