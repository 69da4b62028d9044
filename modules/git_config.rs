//! Set and unset options of git's configuration.
//!
//! ```yaml
//! - community.general.git_config: { name: user.email, value: root@example.org, scope: global }
//! - community.general.git_config: { name: alias.ci, scope: global, state: absent }
//! - community.general.git_config: { name: color.ui, value: auto, repo: /srv/app, scope: local }
//! ```
use std::path::PathBuf;

use shevek_kit::prelude::*;

/// Arguments of `git_config`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(when(scope = "local", needs("repo")), when(scope = "file", needs("file")))]
#[rule(when(state = "present", needs("value")))]
pub struct GitConfig {
    /// The option.
    name: String,
    /// The repository.
    repo: Option<PathBuf>,
    /// The file.
    file: Option<PathBuf>,
    /// Whose configuration it is; left out: that of the repository, the file, or the system.
    scope: Option<Scope>,
    /// Whether the option is set.
    #[arg(default = "present")]
    state: Presence,
    /// Its value.
    value: Option<String>,
    /// Whether the value takes the place of others, or is added to them.
    #[arg(default = "replace-all")]
    add_mode: Mode,
}

/// Whose configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Scope {
    /// A file's.
    File,
    /// A repository's.
    Local,
    /// The user's.
    Global,
    /// The system's.
    System,
}

/// What becomes of other values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Mode {
    /// They stay.
    #[choice("add")]
    Add,
    /// They go.
    #[choice("replace-all")]
    ReplaceAll,
}

impl Procedure for GitConfig {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        host.need("git")?;
        let ran = host.ask(self.command().args(["--get-all", &self.name]).any_rc())?;
        // 1: it is not set; 128 and above: git has more to say.
        if ran.rc >= 2 {
            fail!("{}", ran.err().trim());
        }
        let out = ran.out();
        let thing = format!("git config {} {}", self.command().line(), self.name);
        let before: Vec<String> = match host.planned(Thing::Other, &thing) {
            Some(planned) => planned.lines().map(str::to_owned).collect(),
            None => out.lines().map(str::to_owned).collect(),
        };
        let wanted = self.value.clone().unwrap_or_default();
        let mut after = match (self.state, self.add_mode) {
            (Presence::Absent, _) => Vec::new(),
            (Presence::Present, Mode::ReplaceAll) => vec![wanted.clone()],
            (Presence::Present, Mode::Add) => before.clone(),
        };
        if !after.contains(&wanted) && self.state == Presence::Present {
            after.push(wanted.clone());
        }
        if before == after {
            let gone = self.state == Presence::Absent;
            return Ok(Outcome::ok().with("msg", if gone { "no setting to unset" } else { "" }));
        }
        let effect = Effect::Set { thing: Thing::Other, name: thing, state: after.join("\n") };
        let command = match (self.state, self.add_mode) {
            (Presence::Absent, _) => self.command().args(["--unset-all", &self.name]),
            (_, Mode::ReplaceAll) => self.command().args(["--replace-all", &self.name, &wanted]),
            (_, Mode::Add) => self.command().args(["--add", &self.name, &wanted]),
        };
        host.run(command.does(effect))?;
        let shown = |values: &[String]| Val::from(format!("{}\n", values.join("\n")));
        let header = Some(self.command().line());
        host.diff(Diff {
            before: shown(&before),
            after: shown(&after),
            before_header: header.clone(),
            after_header: header,
            prepared: None,
        });
        Ok(Outcome::ok().changed_if(true).with("msg", "setting changed"))
    }
}

impl GitConfig {
    fn command(&self) -> Command {
        let command = cmd("git").arg("config").arg("--includes");
        match (self.scope, &self.repo, &self.file) {
            (Some(Scope::Local), Some(repo), _) | (None, Some(repo), _) => {
                command.arg("--local").folder(repo)
            }
            (Some(Scope::File), _, Some(file)) | (None, None, Some(file)) => command.arg("-f").arg(file),
            (Some(Scope::Global), ..) => command.arg("--global"),
            _ => command.arg("--system"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .program("git")
            .says("git config --includes --global --get-all user.name", "Ann\n")
            .answers("git config --includes --global --get-all user.email", Ran::failed(1, ""))
    }

    #[test]
    fn an_option_is_set_and_unset() {
        conform::<GitConfig>("{ name: user.email, value: a@b, scope: global }", world())
            .changed()
            .ran(["git config --includes --global --replace-all user.email a@b"])
            .gives("msg", "setting changed");
        conform::<GitConfig>("{ name: user.name, value: Ann, scope: global }", world()).unchanged().ran([]);
        conform::<GitConfig>("{ name: user.name, value: Eve, scope: global, add_mode: add }", world())
            .ran(["git config --includes --global --add user.name Eve"]);
        conform::<GitConfig>("{ name: user.name, scope: global, state: absent }", world())
            .ran(["git config --includes --global --unset-all user.name"]);
        conform::<GitConfig>("{ name: user.email, scope: global, state: absent }", world()).unchanged();
    }
}
