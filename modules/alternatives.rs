//! Choose between programs that stand for the same command.
//!
//! ```yaml
//! - community.general.alternatives: { name: java, path: /usr/lib/jvm/java-7-openjdk-amd64/jre/bin/java }
//! - community.general.alternatives: { name: editor, path: /usr/bin/vim, state: auto }
//! ```
use std::path::PathBuf;

use shevek_kit::prelude::*;

/// Arguments of `alternatives`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(one_of("path", "family"), when(state = "absent", needs("path")))]
pub struct Alternatives {
    /// The name of the choice.
    name: String,
    /// The program that shall stand for it.
    path: Option<PathBuf>,
    /// The link that leads to it; needed for a name that isn't known yet.
    link: Option<PathBuf>,
    /// A family of programs to choose (Red Hat).
    family: Option<String>,
    /// The program's priority.
    priority: Option<i64>,
    /// What shall be.
    #[arg(default = "selected")]
    state: Wanted,
    /// Links that follow this one.
    #[arg(alias = "slaves")]
    subcommands: Option<Vec<Subcommand>>,
}

/// A link that follows another one.
#[derive(Args)]
pub struct Subcommand {
    /// Its name.
    name: String,
    /// The program.
    path: PathBuf,
    /// The link.
    link: PathBuf,
}

/// What shall be of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Wanted {
    /// The program can't be chosen.
    Absent,
    /// The system chooses by priority.
    Auto,
    /// The program can be chosen.
    Present,
    /// The program is chosen.
    Selected,
}

/// What is known of a choice.
#[derive(Default)]
struct Now {
    mode: String,
    link: Option<String>,
    current: Option<String>,
    /// Programs with their priorities and the links that follow them.
    choices: Vec<Choosable>,
}

/// A program with its priority, and the links that follow it.
type Choosable = (String, Option<i64>, Vec<(String, String)>);

impl Procedure for Alternatives {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let program = "update-alternatives";
        host.need(program)?;
        let now = self.read(program, host)?;
        let wanted = match (&self.path, &self.family) {
            (Some(path), _) => path.to_string_lossy().into_owned(),
            (None, family) => family.clone().unwrap_or_default(),
        };
        let known = now.choices.iter().find(|(path, ..)| *path == wanted);
        let effect = |state: &str| Effect::Set {
            thing: Thing::Other,
            name: format!("alternative {}", self.name),
            state: state.to_owned(),
        };
        let mut changed = false;
        if self.state == Wanted::Absent {
            if known.is_some() {
                host.run(cmd(program).args(["--remove", &self.name, &wanted]).does(effect("")))?;
                changed = true;
            }
            return Ok(Outcome::ok().changed_if(changed));
        }
        let priority = self.priority.or_else(|| known.and_then(|(_, priority, _)| *priority)).unwrap_or(50);
        let follow: Option<Vec<(String, String)>> = self.subcommands.as_ref().map(|all| {
            let pair = |s: &Subcommand| (s.name.clone(), s.path.to_string_lossy().into_owned());
            all.iter().map(pair).collect()
        });
        let is_as_wanted = known.is_some_and(|(_, has, followers)| {
            (self.priority.is_none() || *has == Some(priority))
                && follow.as_ref().is_none_or(|wanted| wanted.iter().all(|pair| followers.contains(pair)))
        });
        let other_link = self
            .link
            .as_ref()
            .is_some_and(|link| now.link.as_deref().is_some_and(|is| is != link.to_string_lossy()));
        if (!is_as_wanted || other_link)
            && self.path.is_some()
            && host.planned(Thing::Other, &format!("alternative {}", self.name)).as_ref() != Some(&wanted)
        {
            self.install((&wanted, priority), &now, host, effect(&wanted))?;
            changed = true;
        }
        if self.state == Wanted::Selected && now.current.as_ref() != Some(&wanted) {
            host.run(cmd(program).args(["--set", &self.name, &wanted]).does(effect(&wanted)))?;
            changed = true;
        }
        if self.state == Wanted::Auto && now.mode != "auto" {
            host.run(cmd(program).args(["--auto", &self.name]).does(effect(&wanted)))?;
            changed = true;
        }
        Ok(Outcome::ok().changed_if(changed))
    }
}

impl Alternatives {
    fn install(&self, wanted: (&str, i64), now: &Now, host: &mut Host, effect: Effect) -> Result<()> {
        let (path, priority) = wanted;
        if !host.exists(path) {
            return Err(Fault::absent(format!("Specified path {path} does not exist")));
        }
        let link =
            self.link.as_ref().map(|link| link.to_string_lossy().into_owned()).or_else(|| now.link.clone());
        let Some(link) = link else {
            fail!("Needed to install the alternative, but unable to do so as we are missing the link");
        };
        let mut command =
            cmd("update-alternatives").args(["--install", &link, &self.name, path]).arg(priority.to_string());
        for follower in self.subcommands.iter().flatten() {
            command = command.arg("--slave").arg(&follower.link).arg(&follower.name).arg(&follower.path);
        }
        host.run(command.does(effect)).map(drop)
    }

    fn read(&self, program: &str, host: &Probe) -> Result<Now> {
        let ran = host.ask(cmd(program).args(["--query", &self.name]).any_rc())?;
        let mut now = Now::default();
        if ran.ok() {
            let mut follows = false;
            for line in ran.out().lines() {
                if let Some(pair) = line.strip_prefix(' ').filter(|_| follows) {
                    if let Some((_, _, followers)) = now.choices.last_mut()
                        && let Some((name, path)) = pair.trim().split_once(' ')
                    {
                        followers.push((name.to_owned(), path.trim().to_owned()));
                    }
                    continue;
                }
                let Some((key, value)) = line.split_once(':') else { continue };
                let value = value.trim().to_owned();
                follows = key == "Slaves";
                match key {
                    "Status" => now.mode = value,
                    "Link" => now.link = Some(value),
                    "Value" => now.current = Some(value),
                    "Alternative" => now.choices.push((value, None, Vec::new())),
                    "Priority" => {
                        if let Some((_, priority, _)) = now.choices.last_mut() {
                            *priority = value.parse().ok();
                        }
                    }
                    _ => {}
                }
            }
            return Ok(now);
        }
        // Red Hat's program knows no `--query`.
        for line in host.ask(cmd(program).args(["--display", &self.name]).any_rc())?.out().lines() {
            if let Some((path, rest)) = line.split_once(" - ")
                && path.starts_with('/')
            {
                let priority =
                    rest.rsplit_once("priority ").and_then(|(_, number)| number.trim().parse().ok());
                now.choices.push((path.to_owned(), priority, Vec::new()));
            } else if let Some(path) = line.trim().strip_prefix("link currently points to ") {
                now.current = Some(path.trim().to_owned());
            } else if line.contains("status is") {
                now.mode = if line.contains("auto") { "auto" } else { "manual" }.to_owned();
            }
        }
        Ok(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "Name: editor\nLink: /usr/bin/editor\nSlaves:\n editor.1.gz /usr/share/man/man1/editor.1.gz\n\
                         Status: auto\nBest: /bin/nano\nValue: /bin/nano\n\nAlternative: /bin/nano\nPriority: 40\n\
                         Slaves:\n editor.1.gz /usr/share/man/man1/nano.1.gz\n\nAlternative: /usr/bin/vim\nPriority: 30\n";

    fn world() -> World {
        World::new()
            .program("update-alternatives")
            .program("vim")
            .program("emacs")
            .says("update-alternatives --query editor", QUERY)
    }

    #[test]
    fn a_program_is_chosen() {
        conform::<Alternatives>("{ name: editor, path: /usr/bin/vim }", world())
            .changed()
            .ran(["update-alternatives --set editor /usr/bin/vim"]);
        conform::<Alternatives>("{ name: editor, path: /bin/nano }", world()).unchanged().ran([]);
        conform::<Alternatives>("{ name: editor, path: /usr/bin/vim, state: auto }", world()).unchanged();
    }

    #[test]
    fn a_program_is_made_known_first() {
        let args = "{ name: editor, path: /usr/bin/emacs, priority: 10, state: present }";
        conform::<Alternatives>(args, world())
            .changed()
            .ran(["update-alternatives --install /usr/bin/editor editor /usr/bin/emacs 10"]);
        conform::<Alternatives>("{ name: editor, path: /bin/nano, state: absent }", world())
            .ran(["update-alternatives --remove editor /bin/nano"]);
        conform::<Alternatives>("{ name: editor, path: /no }", world()).failed("/no does not exist");
    }
}
