//! Manage rules of sudo, each in a file of its own.
//!
//! ```yaml
//! - community.general.sudoers: { name: backup, user: backup, commands: /usr/local/bin/backup }
//! - community.general.sudoers: { name: web, group: web, host: server, runas: alice, commands: [ /bin/systemctl restart nginx ], nopassword: false }
//! - community.general.sudoers: { name: backup, state: absent }
//! ```
use std::path::PathBuf;

use shevek_kit::prelude::*;

/// Arguments of `sudoers`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(exclusive("user", "group"))]
#[rule(when(state = "present", needs("commands")))]
pub struct Sudoers {
    /// The commands; `ALL` for all.
    commands: Vec<String>,
    /// The group that may run them.
    group: Option<String>,
    /// The rule's name, and its file's.
    name: String,
    /// The commands may start no others.
    #[arg(default = false)]
    noexec: bool,
    /// They take no password.
    #[arg(default = true)]
    nopassword: bool,
    /// They keep the user's variables.
    #[arg(default = false)]
    setenv: bool,
    /// The host that it is for.
    #[arg(default = "ALL")]
    host: String,
    /// The user that they run as.
    runas: Option<String>,
    /// The folder of the files.
    #[arg(default = "/etc/sudoers.d")]
    sudoers_path: String,
    /// Whether the rule is there.
    #[arg(default = "present")]
    state: Presence,
    /// The user that may run them.
    user: Option<String>,
    /// Whether `visudo` has its say.
    #[arg(default = "detect")]
    validation: Validation,
}

/// Whether `visudo` has its say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Validation {
    /// It has not.
    Absent,
    /// It has, where it is.
    Detect,
    /// It must.
    Required,
}

const MODE: u32 = 0o440;

impl Procedure for Sudoers {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let path = PathBuf::from(&self.sudoers_path).join(&self.name);
        let shown = path.display().to_string();
        let there = host.stat(&path)?;
        if self.state == Presence::Absent {
            if there.is_some() {
                let before = host.read_if_there(&path)?;
                host.remove(&path)?;
                host.diff(text_diff(&shown, before.as_deref(), None));
            }
            return Ok(Outcome::ok().changed_if(there.is_some()));
        }
        let rule = self.rule()?;
        self.validate(host, &rule)?;
        let before = host.read_if_there(&path)?;
        let is_right = before.as_deref() == Some(rule.as_bytes());
        if is_right && there.is_some_and(|stat| stat.mode & 0o777 == MODE) {
            return Ok(Outcome::ok());
        }
        host.write_as(&path, &mut rule.as_bytes(), &Commit { mode: Some(MODE), ..Commit::default() })?;
        host.diff(text_diff(&shown, before.as_deref(), Some(rule.as_bytes())));
        Ok(Outcome::ok().changed_if(true))
    }
}

impl Sudoers {
    fn rule(&self) -> Result<String> {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let owner = match (filled(&self.user), filled(&self.group)) {
            (Some(user), _) => user,
            (None, Some(group)) => format!("%{group}"),
            (None, None) => fail!("a rule needs a user or a group"),
        };
        let runas = self.runas.as_ref().map(|user| format!("({user})")).unwrap_or_default();
        let tags = [(self.noexec, "NOEXEC:"), (self.nopassword, "NOPASSWD:"), (self.setenv, "SETENV:")];
        let tags: String = tags.iter().filter(|(on, _)| *on).map(|(_, tag)| *tag).collect();
        Ok(format!("{owner} {}={runas}{tags} {}\n", self.host, self.commands.join(", ")))
    }

    fn validate(&self, host: &Probe, rule: &str) -> Result<()> {
        match self.validation {
            Validation::Absent => return Ok(()),
            Validation::Detect if host.which("visudo").is_none() => return Ok(()),
            Validation::Detect => {}
            Validation::Required => {
                host.need("visudo")?;
            }
        }
        let ran = host.ask(cmd("visudo").args(["-c", "-f", "-"]).stdin(rule).any_rc())?;
        if !ran.ok() {
            let said = if ran.stdout.is_empty() { ran.err() } else { ran.out() };
            return Err(Fault::new(format!("Failed to validate sudoers rule:\n{said}"))
                .with("stdout", ran.out())
                .with("stderr", ran.err()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new().folder("/etc/sudoers.d")
    }

    #[test]
    fn a_rule_is_written_once() {
        let args = "{ name: web, group: web, host: s1, runas: alice, commands: [/bin/a b, /bin/c], nopassword: no, setenv: yes, noexec: yes }";
        conform::<Sudoers>(args, world())
            .changed()
            .holds("/etc/sudoers.d/web", "%web s1=(alice)NOEXEC:SETENV: /bin/a b, /bin/c\n")
            .then(args)
            .unchanged()
            .then("{ name: web, state: absent }")
            .changed()
            .lacks("/etc/sudoers.d/web")
            .then("{ name: web, state: absent }")
            .unchanged();
        let loose =
            world().file("/etc/sudoers.d/x", "joe ALL=NOPASSWD: ALL\n").mode("/etc/sudoers.d/x", 0o644);
        let done = conform::<Sudoers>("{ name: x, user: joe, commands: ALL }", loose).changed();
        assert_eq!(done.probe().stat("/etc/sudoers.d/x").unwrap().unwrap().mode, 0o440);
    }

    #[test]
    fn a_wrong_rule_is_not_written() {
        let refused = world().program("visudo").answers("visudo -c -f -", Ran::failed(1, "syntax error\n"));
        conform::<Sudoers>("{ name: x, user: joe, commands: 'a:' }", refused)
            .failed("Failed to validate sudoers rule:\nsyntax error")
            .lacks("/etc/sudoers.d/x");
        conform::<Sudoers>("{ name: x, user: joe, commands: a, validation: required }", world())
            .failed("\"visudo\"");
        conform::<Sudoers>("{ name: x, commands: a }", world()).failed("needs a user or a group");
        conform::<Sudoers>("{ name: x, user: joe }", world()).failed("commands");
    }
}
