//! Manage entries of a crontab.
//!
//! Each entry has a name, which stands in a comment above it (`#Ansible: name`) and by which it is found again. Variables of a
//! crontab (`env: true`) are set and removed, too.
//!
//! ```yaml
//! - cron: { name: check dirs, minute: '0', hour: '5,2', job: "ls -alh > /dev/null" }
//! - cron: { name: old job, state: absent }
//! - cron: { name: PATH, env: true, job: /opt/bin }
//! - cron: { name: yum autoupdate, weekday: '2', user: root, job: yum-autoupdate, cron_file: ansible_yum }
//! ```
use std::path::{Path, PathBuf};

use shevek_kit::lossless;
use shevek_kit::prelude::*;

/// Arguments of `cron`.
#[derive(Args)]
#[module(procedure)]
#[rule(exclusive("insertafter", "insertbefore"))]
pub struct Cron {
    /// What the entry is called; of a variable, its name.
    name: String,
    /// Whose crontab it is; left out: that of the user that the task runs as.
    user: Option<String>,
    /// The command, or the variable's value.
    #[arg(alias = "value")]
    job: Option<String>,
    /// A file of `/etc/cron.d`, or another one by its full path, instead of a user's crontab.
    cron_file: Option<PathBuf>,
    /// Whether the entry exists.
    #[arg(default = "present")]
    state: Presence,
    /// Keep a copy of a crontab that changes; `backup_file` says where.
    #[arg(default = false)]
    backup: bool,
    /// Minute.
    #[arg(default = "*")]
    minute: String,
    /// Hour.
    #[arg(default = "*")]
    hour: String,
    /// Day of the month.
    #[arg(default = "*", alias = "dom")]
    day: String,
    /// Month.
    #[arg(default = "*")]
    month: String,
    /// Day of the week.
    #[arg(default = "*", alias = "dow")]
    weekday: String,
    /// A time that has a name.
    special_time: Option<Special>,
    /// Whether the entry is commented out.
    #[arg(default = false)]
    disabled: bool,
    /// The entry is a variable.
    #[arg(default = false)]
    env: bool,
    /// The variable after which a new one is put.
    insertafter: Option<String>,
    /// The variable before which a new one is put.
    insertbefore: Option<String>,
}

/// Times that have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Special {
    /// At boot.
    Reboot,
    /// Once a year.
    Yearly,
    /// Once a year.
    Annually,
    /// Once a month.
    Monthly,
    /// Once a week.
    Weekly,
    /// Once a day.
    Daily,
    /// Once an hour.
    Hourly,
}

/// What stands before an entry's name in the comment above it.
const MARK: &str = "#Ansible: ";

/// The plan's name for a user's crontab.
fn planned_name(user: Option<&str>) -> String {
    format!("crontab {}", user.unwrap_or_default())
}

impl Procedure for Cron {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let file = self.file(host)?;
        host.need("crontab")?;
        self.check()?;
        let (before, mut lines) = self.read(file.as_deref(), host)?;
        let copy = lines.clone();
        let mut changed =
            if self.env { self.edit_variable(&mut lines)? } else { self.edit_job(&mut lines, host)? };
        let mut outcome = Outcome::ok();
        if let Some(given) = &self.cron_file {
            outcome.set("cron_file", given);
        }
        let header = match (&file, &self.user) {
            (Some(file), _) => file.display().to_string(),
            (None, Some(user)) => format!("crontab for user \"{user}\""),
            (None, None) => "crontab".to_owned(),
        };
        let mut diff = Diff {
            before: lossless::shown(&before).into(),
            after: "".into(),
            before_header: Some(header.clone()),
            after_header: Some(header),
            prepared: None,
        };
        if let Some(file) = &file
            && changed
            && !self.env
            && self.state == Presence::Absent
            && lines.iter().all(|line| line.trim().is_empty())
        {
            diff.after_header = Some("/dev/null".to_owned());
            let is_there = host.lstat(file)?.is_some();
            host.remove(file)?;
            host.diff(diff);
            return Ok(outcome.changed_if(is_there).with("state", "absent"));
        }
        // A crontab without an end of line at its end is mended.
        changed |= !before.is_empty() && !before.ends_with(['\n', '\r']);
        let jobs: Vec<String> =
            lines.iter().filter_map(|line| line.strip_prefix(MARK)).map(lossless::shown).collect();
        let names: Vec<String> =
            lines.iter().filter_map(|line| variable(line)).map(lossless::shown).collect();
        outcome = outcome.changed_if(changed).with("jobs", jobs).with("envs", names);
        if changed {
            let after = render(&lines);
            if self.backup && !host.rehearsing() {
                let backup =
                    crate::tempfile::folder(host)?.join(format!("crontab{}", crate::tempfile::unguessable()));
                let private = Commit { mode: Some(0o600), fresh: true, ..Commit::default() };
                host.write_as(&backup, &mut &*lossless::bytes(&render(&copy)), &private)?;
                outcome.set("backup_file", &backup);
            }
            self.write(file.as_deref(), &after, host)?;
            diff.after = lossless::shown(&after).into();
            host.diff(diff);
        }
        Ok(outcome)
    }
}

/// The name of the variable that a line sets.
fn variable(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    (!name.is_empty() && !name.contains(char::is_whitespace)).then_some(name)
}

fn render(lines: &[String]) -> String {
    let text = lines.join("\n");
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}

impl Cron {
    fn file(&self, host: &Probe) -> Result<Option<PathBuf>> {
        let Some(given) = &self.cron_file else { return Ok(None) };
        if given == Path::new("/etc/crontab") {
            fail!("Will not manage /etc/crontab via cron_file, see documentation.");
        }
        let name = given.file_name().unwrap_or_default().to_string_lossy();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
            host.warn(format!(
                "Filename portion of cron_file (\"{name}\") should consist solely of upper- and lower-case letters, \
                 digits, underscores, and hyphens"
            ));
        }
        Ok(Some(Path::new("/etc/cron.d").join(given)))
    }

    fn check(&self) -> Result<()> {
        let times = [&self.minute, &self.hour, &self.day, &self.month, &self.weekday];
        if self.special_time.is_some() && times.into_iter().any(|time| time != "*") {
            fail!("You cannot combine special_time with any of the time or day/date parameters.");
        }
        if self.state == Presence::Present {
            if self.cron_file.is_some() && self.user.is_none() {
                fail!("To use cron_file=... parameter you must specify user=... as well");
            }
            if self.job.is_none() {
                fail!("You must specify 'job' to install a new cron job or variable");
            }
            if (self.insertafter.is_some() || self.insertbefore.is_some()) && !self.env {
                fail!("Insertafter and insertbefore parameters are valid only with env=yes");
            }
        }
        if self.env && self.name.contains(' ') {
            fail!("Invalid name for environment variable");
        }
        Ok(())
    }

    fn command(&self, host: &Probe) -> Result<Command> {
        let command = cmd("crontab");
        let Some(user) = &self.user else { return Ok(command) };
        let own = host.user_of(host.identity().uid)?.is_some_and(|own| own.name == *user);
        Ok(if own { command } else { command.arg("-u").arg(user) })
    }

    /// The whole text, and its lines without the header that old crons write.
    fn read(&self, file: Option<&Path>, host: &Probe) -> Result<(String, Vec<String>)> {
        if let Some(file) = file {
            let text = host.read_lossless(file)?;
            let lines = text.lines().map(str::to_owned).collect();
            return Ok((text, lines));
        }
        let text = match host.planned(Thing::Other, &planned_name(self.user.as_deref())) {
            Some(text) => text,
            None => {
                let ran = host.ask(self.command(host)?.arg("-l").any_rc())?;
                if ran.rc != 0 && ran.rc != 1 {
                    fail!("Unable to read crontab");
                }
                lossless::text(&ran.stdout)
            }
        };
        let is_header = |line: &str| {
            line.starts_with("# DO NOT EDIT THIS FILE - edit the master and reinstall.")
                || (line.starts_with("# (/tmp/") && line.contains("installed on"))
                || (line.starts_with("# (") && line.contains("version"))
        };
        let kept = text.split_inclusive('\n').enumerate().filter(|(at, line)| *at > 2 || !is_header(line));
        let text: String = kept.map(|(_, line)| line).collect();
        let lines = text.lines().map(str::to_owned).collect();
        Ok((text, lines))
    }

    fn write(&self, file: Option<&Path>, text: &str, host: &mut Host) -> Result<()> {
        if let Some(file) = file {
            let mode = if host.exists(file) { None } else { Some(0o644) };
            return host.write_as(file, &mut &*lossless::bytes(text), &Commit { mode, ..Commit::default() });
        }
        let name = planned_name(self.user.as_deref());
        let effect = Effect::Set { thing: Thing::Other, name, state: text.to_owned() };
        let ran =
            host.run(self.command(host)?.arg("-").stdin(lossless::bytes(text)).any_rc().does(effect))?;
        if !ran.ok() {
            return Err(Fault::new("Failed to install new cronfile")
                .with("stderr", ran.err())
                .with("stdout", ran.out())
                .with("rc", ran.rc));
        }
        Ok(())
    }

    fn edit_variable(&self, lines: &mut Vec<String>) -> Result<bool> {
        let position = |lines: &[String], name: &str| {
            lines.iter().position(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
        };
        let now = position(lines, &self.name);
        if self.state == Presence::Absent {
            let before = lines.len();
            lines.retain(|line| !line.strip_prefix(&self.name).is_some_and(|rest| rest.starts_with('=')));
            return Ok(lines.len() != before);
        }
        let line = format!("{}=\"{}\"", self.name, self.job.as_deref().unwrap_or_default());
        if let Some(now) = now.and_then(|at| lines.get_mut(at)) {
            let changed = *now != line;
            *now = line;
            return Ok(changed);
        }
        let at = match (&self.insertafter, &self.insertbefore) {
            (None, None) => 0,
            (Some(other), _) | (None, Some(other)) => {
                let Some(at) = position(lines, other) else { fail!("Variable named '{other}' not found.") };
                at + usize::from(self.insertafter.is_some())
            }
        };
        lines.insert(at, line);
        Ok(true)
    }

    fn line(&self, job: &str) -> String {
        let off = if self.disabled { "#" } else { "" };
        let time = match self.special_time {
            Some(special) => format!("@{}", special.word()),
            None => [&self.minute, &self.hour, &self.day, &self.month, &self.weekday]
                .map(String::as_str)
                .join(" "),
        };
        let user = match (&self.cron_file, &self.user) {
            (Some(_), Some(user)) => format!(" {user}"),
            _ => String::new(),
        };
        format!("{off}{time}{user} {}", job.trim_matches(['\r', '\n']))
    }

    fn edit_job(&self, lines: &mut Vec<String>, host: &Probe) -> Result<bool> {
        let comment = format!("{MARK}{}", self.name);
        let known = lines.iter().position(|line| *line == comment);
        if self.state == Presence::Absent {
            let mut at = 0;
            let before = lines.len();
            while let Some(line) = lines.get(at) {
                if *line == comment {
                    lines.drain(at..lines.len().min(at + 2));
                } else {
                    at += 1;
                }
            }
            return Ok(lines.len() != before);
        }
        let job = self.job.as_deref().unwrap_or_default();
        if job.trim_matches(['\r', '\n']).contains(['\r', '\n']) {
            host.warn("Job should not contain line breaks");
        }
        let line = self.line(job);
        if let Some(at) = known {
            return Ok(match lines.get_mut(at + 1) {
                Some(now) if *now == line => false,
                Some(now) => {
                    *now = line;
                    true
                }
                None => {
                    lines.push(line);
                    true
                }
            });
        }
        // The same job without a name gets one.
        match lines.iter().position(|known| *known == line) {
            Some(at) => {
                let above = at.checked_sub(1).and_then(|above| lines.get_mut(above));
                match above {
                    Some(above) if above.starts_with(MARK) => {
                        if above.as_str() != MARK && above.as_str() != "#Ansible: None" {
                            lines.extend([comment, line]);
                        } else {
                            *above = comment;
                        }
                    }
                    _ => lines.insert(at, comment),
                }
            }
            None => lines.extend([comment, line]),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERS: &str = "MAILTO=\"ann\"\n#Ansible: old\n0 5 * * * /bin/old\n";

    fn world() -> World {
        World::new().program("crontab").says("crontab -l", HERS)
    }

    #[test]
    fn a_new_job_comes_last_with_its_name_above_it() {
        let done =
            conform::<Cron>("{ name: check, minute: '0', hour: '5,2', job: 'ls > /dev/null' }", world());
        let done = done.changed().ran(["crontab -"]).gives("jobs", vec!["old", "check"]);
        let done = done.gives("envs", vec!["MAILTO"]);
        let after = format!("{HERS}#Ansible: check\n0 5,2 * * * ls > /dev/null\n");
        assert_eq!(done.outcome().diff[0].after, after.into());
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let odd = b"# f\xfcr alle\n0 5 * * * root /bin/old\n".as_slice();
        let world = || World::new().program("crontab").file("/etc/cron.d/x", odd);
        let args = "{ name: new, user: root, cron_file: x, job: b }";
        let done = conform::<Cron>(args, world()).changed();
        let wanted = [odd, b"#Ansible: new\n* * * * * root b\n"].concat();
        assert_eq!(done.probe().read("/etc/cron.d/x").unwrap(), wanted);
    }

    #[test]
    fn a_job_that_is_as_wanted_stays() {
        conform::<Cron>("{ name: old, minute: 0, hour: 5, job: /bin/old }", world()).unchanged().ran([]);
        let done = conform::<Cron>("{ name: old, special_time: daily, job: /bin/old }", world()).changed();
        let after = "MAILTO=\"ann\"\n#Ansible: old\n@daily /bin/old\n";
        assert_eq!(done.outcome().diff[0].after, after.into());
        conform::<Cron>("{ name: none, state: absent }", world()).unchanged();
        conform::<Cron>("{ name: old, state: absent, user: ann }", world().says("crontab -u ann -l", HERS))
            .changed()
            .ran(["crontab -u ann -"])
            .gives("jobs", Val::List(Vec::new()));
    }

    #[test]
    fn variables_are_set_where_told() {
        conform::<Cron>("{ name: MAILTO, env: yes, job: ann }", world()).unchanged();
        conform::<Cron>("{ name: PATH, env: yes, value: /bin, insertafter: MAILTO }", world())
            .changed()
            .gives("envs", vec!["MAILTO", "PATH"]);
        conform::<Cron>("{ name: A, env: yes, value: b, insertafter: NOPE }", world())
            .failed("'NOPE' not found");
    }

    #[test]
    fn a_file_of_cron_d_is_made_and_removed() {
        let world = World::new().program("crontab").folder("/etc/cron.d");
        let args = "{ name: up, user: root, job: run, cron_file: up }";
        let done = conform::<Cron>(args, world).changed();
        let done = done.holds("/etc/cron.d/up", "#Ansible: up\n* * * * * root run\n").then(args).unchanged();
        let gone = "{ name: up, state: absent, cron_file: up }";
        done.then(gone).changed().lacks("/etc/cron.d/up").then(gone).unchanged();
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let world = || World::new().program("crontab");
        conform::<Cron>("{ name: a, cron_file: a, job: b }", world()).failed("you must specify user");
        conform::<Cron>("{ name: a, job: b, special_time: daily, hour: 3 }", world()).failed("special_time");
        conform::<Cron>("{ name: a, job: b, user: root, cron_file: /etc/crontab }", world())
            .failed("Will not manage /etc/crontab");
    }
}
