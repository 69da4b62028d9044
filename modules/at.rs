//! Run a command or a script once, at a later time, with at(1).
//!
//! ```yaml
//! - ansible.posix.at: { command: 'ls -d / >/dev/null', count: 20, units: minutes }
//! - ansible.posix.at: { script_file: /srv/nightly.sh, count: 1, units: days, unique: true }
//! - ansible.posix.at: { command: 'ls -d / >/dev/null', state: absent }
//! ```
use std::path::{Path, PathBuf};

use shevek_kit::prelude::*;

/// Arguments of `at`.
#[derive(Args)]
#[module(procedure, collection = "ansible.posix")]
#[rule(exclusive("command", "script_file"), one_of("command", "script_file"))]
pub struct At {
    /// The command.
    command: Option<String>,
    /// A script that is on the host.
    script_file: Option<String>,
    /// How many units from now.
    count: Option<i64>,
    /// What is counted.
    units: Option<Units>,
    /// Whether there is such a job.
    #[arg(default = "present")]
    state: Presence,
    /// Add none if there is one like it.
    #[arg(default = false)]
    unique: bool,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Units {
    Minutes,
    Hours,
    Days,
    Weeks,
}

// Differs from Ansible: check mode looks which jobs there are, and says what would be done; Ansible skips the task.
impl Procedure for At {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let at = host.need("at")?;
        let outcome = Outcome::ok().with("state", self.state.word());
        if self.state == Presence::Absent {
            let jobs = self.jobs(host, &at)?;
            for job in &jobs {
                host.run(cmd(&at).arg("-r").arg(job).does(Effect::Nothing))?;
            }
            return Ok(outcome.changed_if(!jobs.is_empty()));
        }
        let (Some(count), Some(units)) = (self.count.filter(|count| *count != 0), self.units) else {
            fail!("present state requires count and units");
        };
        if self.unique && !self.jobs(host, &at)?.is_empty() {
            return Ok(outcome);
        }
        // Differs from Ansible: it has the name of a temporary file here for a command, which is gone when one reads that.
        let script = self.script_file.as_ref().map_or(Val::Null, Val::from);
        let outcome = outcome.with("script_file", script).with("count", count).with("units", units.word());
        let command = cmd(&at);
        let command = match self.file(host) {
            Some(path) => {
                if host.rehearsing() && !host.may(&path, Access::Read) {
                    return Err(Fault::absent(format!("Cannot open input file {}", path.display())));
                }
                command.arg("-f").arg(path)
            }
            None => command.stdin(self.script(host)?),
        };
        let when = ["now".to_owned(), "+".to_owned(), count.to_string(), units.word().to_owned()];
        host.run(command.args(when).does(Effect::Nothing))?;
        Ok(outcome.changed_if(true))
    }
}

impl At {
    fn file(&self, host: &Probe) -> Option<PathBuf> {
        self.script_file.as_ref().map(|path| host.folder().join(path))
    }

    /// What is to be run.
    fn script(&self, host: &Probe) -> Result<Vec<u8>> {
        match (&self.command, self.file(host)) {
            (None, Some(path)) => host.read(path),
            (command, _) => Ok(format!("{}\n", command.as_deref().unwrap_or_default()).into_bytes()),
        }
    }

    /// The numbers of the jobs that have these words in them.
    fn jobs(&self, host: &Probe, at: &Path) -> Result<Vec<String>> {
        let listed = host.ask(cmd(host.need("atq")?))?.out();
        let numbers: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let script = String::from_utf8_lossy(&self.script(host)?).into_owned();
        let mut jobs = Vec::new();
        for number in numbers {
            if host.ask(cmd(at).arg("-c").arg(number))?.out().contains(script.trim()) {
                jobs.push(number.to_owned());
            }
        }
        Ok(jobs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .program("at")
            .program("atq")
            .says("/usr/bin/atq", "3\tSun Nov 22 10:00:00 2026 a root\n7\tSun Nov 22 11:00:00 2026 a root\n")
            .says("/usr/bin/at -c 3", "#!/bin/sh\numask 22\nls /srv\n")
            .says("/usr/bin/at -c 7", "#!/bin/sh\numask 22\nreboot\n")
    }

    #[test]
    fn a_command_becomes_a_job() {
        let args = "{ command: ls /srv, count: 20, units: minutes }";
        let done = conform::<At>(args, world()).changed().ran(["/usr/bin/at now + 20 minutes"]);
        let done = done.gives("state", "present").gives("count", 20).gives("units", "minutes");
        done.gives("script_file", Val::Null);
    }

    #[test]
    fn a_unique_job_is_added_only_where_there_is_none_like_it() {
        conform::<At>("{ command: ls /srv, count: 1, units: days, unique: yes }", world())
            .unchanged()
            .ran([]);
        let other = "{ script_file: /s.sh, count: 1, units: days, unique: yes }";
        let done = conform::<At>(other, world().file("/s.sh", "halt\n")).changed();
        done.ran(["/usr/bin/at -f /s.sh now + 1 days"]).gives("script_file", "/s.sh");
    }

    #[test]
    fn jobs_like_it_are_removed() {
        conform::<At>("{ command: reboot, state: absent }", world()).changed().ran(["/usr/bin/at -r 7"]);
        conform::<At>("{ command: halt, state: absent }", world()).unchanged().ran([]);
        let none = World::new().program("at").program("atq").says("/usr/bin/atq", "");
        conform::<At>("{ script_file: /none, state: absent }", none).unchanged();
    }

    #[test]
    fn a_job_needs_a_time_and_a_command() {
        conform::<At>("{ command: ls, count: 0, units: days }", world())
            .failed("present state requires count and units");
        conform::<At>("{ count: 1, units: days }", world())
            .failed("one of the following is required: command, script_file");
        conform::<At>("{ command: ls, count: 1, units: days }", World::new()).failed("\"at\"");
        conform::<At>("{ script_file: /none, state: absent }", world()).failed("/none");
    }
}
