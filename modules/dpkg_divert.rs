//! Keep packages from installing a file where another one shall be: diversions of dpkg.
//!
//! ```yaml
//! - community.general.dpkg_divert: { path: /usr/bin/busybox }
//! - community.general.dpkg_divert: { path: /usr/bin/busybox, holder: branding, divert: /usr/bin/busybox.dpkg-divert, rename: true }
//! - community.general.dpkg_divert: { path: /usr/bin/busybox, state: absent, rename: true, force: true }
//! ```
use std::path::PathBuf;

use shevek_kit::prelude::*;

/// Arguments of `dpkg_divert`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
pub struct DpkgDivert {
    /// The file that packages want to install.
    path: PathBuf,
    /// Whether it is diverted.
    #[arg(default = "present")]
    state: Presence,
    /// The package that may install it there all the same; left out: none, it is the administrator's.
    holder: Option<String>,
    /// Where it is installed instead; left out: beside it, with `.distrib` after its name.
    divert: Option<PathBuf>,
    /// Rename the file that is there, when a diversion comes or goes.
    #[arg(default = false)]
    rename: bool,
    /// Rename it even over another file.
    #[arg(default = false)]
    force: bool,
}

/// A diversion; nothing if the file is not diverted.
#[derive(Clone, PartialEq)]
struct Diversion(Option<Diverted>);

#[derive(Clone, PartialEq)]
struct Diverted {
    to: String,
    holder: String,
}

const LOCAL: &str = "LOCAL";

impl Procedure for DpkgDivert {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let program = host.need("dpkg-divert")?;
        let said = host.ask(cmd(&program).arg("--version"))?.out();
        let version = version(&said);
        if version < [1, 15, 0] {
            fail!("Unsupported dpkg version (<1.15.0).");
        }
        let can_stay = version >= [1, 19, 1];
        let base = cmd(&program);
        let before = self.now(host, &base)?;
        let wanted = self.wanted();
        let call = |rename: bool| {
            let command = base.clone().flag("--rename", rename).flag("--no-rename", !rename && can_stay);
            self.order(command)
        };
        let main = call(self.rename);
        let is_right = wanted == before;
        // What an earlier task would have done, dpkg-divert knows nothing of.
        let tried = if host.rehearsing() && host.planned(Thing::Other, &self.thing()).is_some() {
            Ran::default()
        } else if host.rehearsing() || is_right {
            host.ask(test(&main))?
        } else {
            host.run(self.marked(main.clone(), host, &before).any_rc())?
        };
        let fault = |words: String, ran: &Ran| {
            Fault::new(words)
                .with("cmd", main.line())
                .with("rc", ran.rc)
                .with("stdout", ran.out())
                .with("stderr", ran.err())
                .with("diversion", self.shown(&before))
        };
        let messages;
        let mut commands = vec![main.line()];
        if tried.ok() {
            messages = vec![tried.out()];
            if host.rehearsing() && !is_right {
                host.run(self.marked(main.clone(), host, &before))?;
            }
        } else if wanted.0.is_some() != before.0.is_some() {
            // The other name is that of a file too.
            let in_the_way = match (&wanted.0, &before.0) {
                (Some(new), _) => host.exists(&new.to).then(|| PathBuf::from(&new.to)),
                (None, Some(old)) => host.exists(&old.to).then(|| self.path.clone()),
                (None, None) => None,
            };
            let Some(in_the_way) = in_the_way.filter(|_| self.rename && host.exists(&self.path)) else {
                return Err(fault("Unexpected error while changing state of the diversion.".into(), &tried));
            };
            if !self.force {
                return Err(fault("Set 'force' param to True to force renaming of files.".into(), &tried));
            }
            host.remove(&in_the_way)
                .map_err(|why| fault(format!("Failed to remove {}: {why}", in_the_way.display()), &tried))?;
            let ran = host.run(self.marked(main.clone(), host, &before))?;
            messages = vec![if host.rehearsing() { tried.out() } else { ran.out() }];
        } else {
            // dpkg-divert changes no diversion: the old one goes, a new one comes.
            let remove = base.clone().flag("--no-rename", can_stay).arg("--remove").arg(&self.path);
            let add = call(false);
            commands = vec![remove.line(), add.line()];
            if host.rehearsing() {
                let removed = host.ask(test(&remove).accept(&[0]))?.out();
                messages = vec![removed, "Running in check mode".to_owned()];
                host.run(self.marked(add, host, &before))?;
            } else {
                let removed = host.run(remove.does(Effect::Nothing))?.out();
                messages = vec![removed, host.run(self.marked(add, host, &before))?.out()];
            }
            if let (Some(old), Some(new)) = (&before.0, &wanted.0)
                && host.exists(&old.to)
                && !host.exists(&new.to)
            {
                host.rename(&old.to, &new.to)?;
            }
        }
        let after = if host.rehearsing() || is_right { wanted.clone() } else { self.now(host, &base)? };
        if after != wanted {
            return Err(fault("Unexpected error: see stdout and stderr for details.".into(), &tried));
        }
        if after != before {
            let (before, after) = (self.shown(&before), self.shown(&after));
            host.diff(Diff { before, after, ..Diff::default() });
        }
        let messages: Vec<&str> = messages.iter().map(|said| said.trim_end()).collect();
        Ok(Outcome::ok()
            .changed_if(after != before)
            .with("diversion", self.shown(&after))
            .with("commands", commands)
            .with("messages", messages))
    }
}

/// The same command, that only says what it would do.
fn test(command: &Command) -> Command {
    let mut command = command.clone().any_rc();
    command.args.insert(0, "--test".into());
    command
}

/// The first number with a dot in what a program says of its version.
fn version(said: &str) -> [u32; 3] {
    let words = said.lines().next().unwrap_or_default().split_whitespace();
    let mut words = words.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'));
    let mut numbers = words.next().unwrap_or_default().split(|c: char| !c.is_ascii_digit());
    [(); 3].map(|()| numbers.next().and_then(|number| number.parse().ok()).unwrap_or(0))
}

impl DpkgDivert {
    fn thing(&self) -> String {
        format!("diversion of {}", self.path.display())
    }

    fn wanted(&self) -> Diversion {
        if self.state == Presence::Absent {
            return Diversion(None);
        }
        let to = self.divert.as_ref().filter(|to| !to.as_os_str().is_empty());
        let to = to.unwrap_or(&self.path).display().to_string();
        let to = if self.divert.as_ref().is_none_or(|to| to.as_os_str().is_empty()) {
            to + ".distrib"
        } else {
            to
        };
        let holder = self.holder.clone().filter(|holder| !holder.is_empty());
        Diversion(Some(Diverted { to, holder: holder.unwrap_or_else(|| LOCAL.to_owned()) }))
    }

    fn now(&self, host: &Probe, base: &Command) -> Result<Diversion> {
        if let Some(planned) = host.planned(Thing::Other, &self.thing()) {
            let diverted =
                |(holder, to): (&str, &str)| Diverted { to: to.to_owned(), holder: holder.to_owned() };
            return Ok(Diversion(planned.split_once(' ').map(diverted)));
        }
        let ask = |option: &str| -> Result<String> {
            Ok(host.ask(base.clone().arg(option).arg(&self.path))?.out().trim_end().to_owned())
        };
        let holder = ask("--listpackage")?;
        Ok(Diversion(match holder.is_empty() {
            true => None,
            false => Some(Diverted { to: ask("--truename")?, holder }),
        }))
    }

    /// The order that makes or removes the diversion.
    fn order(&self, command: Command) -> Command {
        let Diversion(Some(new)) = self.wanted() else { return command.arg("--remove").arg(&self.path) };
        let command = match new.holder.as_str() {
            LOCAL => command.arg("--local"),
            holder => command.args(["--package", holder]),
        };
        let divert = self.divert.as_ref().filter(|to| !to.as_os_str().is_empty());
        let command = divert.into_iter().fold(command, |command, to| command.arg("--divert").arg(to));
        command.arg("--add").arg(&self.path)
    }

    /// The command, with what it does.
    fn marked(&self, command: Command, host: &Probe, before: &Diversion) -> Command {
        let wanted = self.wanted();
        let state =
            wanted.0.as_ref().map_or_else(|| "absent".to_owned(), |new| format!("{} {}", new.holder, new.to));
        let renames = command.args.iter().any(|arg| arg == "--rename");
        let command = command.does(Effect::Set { thing: Thing::Other, name: self.thing(), state });
        let (from, to) = match (&wanted.0, &before.0) {
            (Some(new), None) => (self.path.clone(), PathBuf::from(&new.to)),
            (None, Some(old)) => (PathBuf::from(&old.to), self.path.clone()),
            _ => return command,
        };
        if !renames || !host.exists(&from) {
            return command;
        }
        let content = host.read_if_there(&from).ok().flatten();
        command.does(Effect::File { path: to, content }).does(Effect::Gone(from))
    }

    fn shown(&self, diversion: &Diversion) -> Val {
        let diverted = diversion.0.as_ref();
        let key = |key: &str, value: Val| (key.to_owned(), value);
        Val::Map(vec![
            key("path", Val::from(&self.path)),
            key("state", if diverted.is_some() { "present".into() } else { "absent".into() }),
            key("divert", diverted.map_or(Val::Null, |diverted| diverted.to.as_str().into())),
            key("holder", diverted.map_or(Val::Null, |diverted| diverted.holder.as_str().into())),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT: &str = "/usr/bin/dpkg-divert --version";

    fn world(holder: &str, to: &str) -> World {
        let divert = "/usr/bin/dpkg-divert";
        World::new()
            .program("dpkg-divert")
            .file("/bin/x", "the package's")
            .says(NOT, "Debian dpkg-divert version 1.21.22 (amd64).\n")
            .says(&format!("{divert} --listpackage /bin/x"), holder)
            .says(&format!("{divert} --truename /bin/x"), to)
            .says(&format!("{divert} --test*"), "Adding 'local diversion of /bin/x to /bin/x.distrib'\n")
    }

    #[test]
    fn a_file_is_diverted_once() {
        let add = "/usr/bin/dpkg-divert --no-rename --local --add /bin/x";
        conform::<DpkgDivert>("{ path: /bin/x }", world("", ""))
            .changed()
            .ran([add])
            .gives("commands", vec![add])
            .diff("~ holder: None -> LOCAL")
            .holds("/bin/x", "the package's");
        conform::<DpkgDivert>("{ path: /bin/x }", world("LOCAL\n", "/bin/x.distrib\n")).unchanged().ran([]);
        conform::<DpkgDivert>("{ path: /bin/x, state: absent }", world("", "")).unchanged().ran([]);
    }

    #[test]
    fn the_file_is_renamed_with_it() {
        conform::<DpkgDivert>("{ path: /bin/x, holder: mine, divert: /bin/y, rename: yes }", world("", ""))
            .changed()
            .ran(["/usr/bin/dpkg-divert --rename --package mine --divert /bin/y --add /bin/x"])
            .lacks("/bin/x")
            .holds("/bin/y", "the package's")
            .then("{ path: /bin/x, state: absent, rename: yes }")
            .changed()
            .holds("/bin/x", "the package's");
    }

    #[test]
    fn another_file_is_in_the_way() {
        let refused = || {
            world("", "")
                .file("/bin/x.distrib", "mine")
                .answers("/usr/bin/dpkg-divert --test*", Ran::failed(2, "rename involves overwriting"))
                .answers("/usr/bin/dpkg-divert --rename*", Ran::failed(2, "rename involves overwriting"))
        };
        conform::<DpkgDivert>("{ path: /bin/x, rename: yes }", refused())
            .failed("Set 'force' param to True")
            .gives("rc", 2)
            .holds("/bin/x.distrib", "mine");
    }

    #[test]
    fn another_holder_takes_two_steps() {
        let old = world("LOCAL\n", "/bin/x.distrib\n").file("/bin/x.distrib", "theirs");
        let refused = Ran::failed(2, "clash");
        let add = "/usr/bin/dpkg-divert --no-rename --local --divert /bin/z --add /bin/x";
        let remove = "/usr/bin/dpkg-divert --no-rename --remove /bin/x";
        let old = old
            .answers(
                "/usr/bin/dpkg-divert --test --rename --local --divert /bin/z --add /bin/x",
                refused.clone(),
            )
            .answers("/usr/bin/dpkg-divert --rename --local --divert /bin/z --add /bin/x", refused);
        let done = conform::<DpkgDivert>("{ path: /bin/x, divert: /bin/z, rename: yes }", old).changed();
        assert_eq!(done.commands().get(1..), Some([remove.to_owned(), add.to_owned()].as_slice()));
        done.holds("/bin/z", "theirs").lacks("/bin/x.distrib").gives("commands", vec![remove, add]);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(version("Debian dpkg-divert version 1.9.21 (amd64).\n"), [1, 9, 21]);
        let old = world("", "").says(NOT, "Debian dpkg-divert version 1.9.21.\n");
        conform::<DpkgDivert>("{ path: /bin/x }", old).failed("Unsupported dpkg version (<1.15.0).");
    }
}
