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
    is_known: bool,
    mode: String,
    link: Option<String>,
    current: Option<String>,
    choices: Vec<Choosable>,
}

/// A program that can be chosen.
struct Choosable {
    path: String,
    family: Option<String>,
    priority: i64,
    followers: Vec<Follower>,
}

/// A link that follows: its name, its program, and the link itself where that is known.
#[derive(Clone, PartialEq)]
struct Follower {
    name: String,
    path: String,
    link: Option<String>,
}

impl Follower {
    fn val(&self) -> Val {
        let link = self.link.as_ref().map_or(Val::Null, Val::from);
        Val::Map(entries([("name", (&self.name).into()), ("path", (&self.path).into()), ("link", link)]))
    }
}

/// One side of a difference.
type Side = Vec<(String, Val)>;

fn entries<const N: usize>(all: [(&str, Val); N]) -> Side {
    all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn put(side: &mut Side, key: &str, value: impl Into<Val>) {
    side.retain(|(known, _)| known != key);
    side.push((key.to_owned(), value.into()));
}

const PROGRAM: &str = "update-alternatives";

impl Procedure for Alternatives {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        host.need(PROGRAM)?;
        let now = self.read(host)?;
        let path = self.path.as_ref().map(|path| path.to_string_lossy().into_owned());
        let known = now.choices.iter().find(|choice| path.as_ref() == Some(&choice.path));
        let before = self.before(&now, known);
        let mut after = Side::new();
        let mut said = Vec::new();
        if self.state == Wanted::Absent {
            if let (Some(known), Some(path)) = (known, &path) {
                self.tell(["--remove", &self.name, &known.path], "", host)?;
                said.push(format!("Remove alternative '{path}' from '{}'.", self.name));
                put(&mut after, "state", "absent");
            }
        } else {
            if let Some(path) = path.as_ref().filter(|_| !known.is_some_and(|known| self.is_as_wanted(known)))
            {
                after = self.install(path, &now, host)?;
                said.push(format!("Install alternative '{path}' for '{}'.", self.name));
            }
            let current = now.choices.iter().find(|choice| now.current.as_ref() == Some(&choice.path));
            let is_family = current.is_some_and(|is| self.family.is_some() && is.family == self.family);
            let is_path = path.is_some() && now.current == path;
            if self.state == Wanted::Selected && !is_path && !is_family {
                let chosen = path.as_ref().or(self.family.as_ref()).map_or("", String::as_str);
                self.tell(["--set", &self.name, chosen], chosen, host)?;
                said.push(format!("Set alternative '{chosen}' for '{}'.", self.name));
                put(&mut after, "state", "selected");
            }
            if self.state == Wanted::Auto && now.mode == "manual" {
                self.tell(["--auto", &self.name], path.as_deref().unwrap_or_default(), host)?;
                said.push(format!("Set alternative to auto for '{}'.", self.name));
                put(&mut after, "state", "present");
            }
        }
        if !said.is_empty() {
            host.diff(Diff { before: before.into(), after: after.into(), ..Diff::default() });
        }
        Ok(Outcome::ok().changed_if(!said.is_empty()).with("msg", said.join(" ")))
    }
}

impl Alternatives {
    /// Runs the program, and notes for later checks what is chosen by it.
    fn tell<const N: usize>(&self, words: [&str; N], chosen: &str, host: &mut Host) -> Result<()> {
        host.run(cmd(PROGRAM).args(words).does(self.effect(chosen))).map(drop)
    }

    fn effect(&self, chosen: &str) -> Effect {
        Effect::Set {
            thing: Thing::Other,
            name: format!("alternative {}", self.name),
            state: chosen.to_owned(),
        }
    }

    fn followers(&self) -> Option<Vec<Follower>> {
        let follower = |s: &Subcommand| Follower {
            name: s.name.clone(),
            path: s.path.to_string_lossy().into_owned(),
            link: Some(s.link.to_string_lossy().into_owned()),
        };
        Some(self.subcommands.as_ref()?.iter().map(follower).collect())
    }

    fn is_as_wanted(&self, known: &Choosable) -> bool {
        let all_in = |some: &[Follower], all: &[Follower]| some.iter().all(|one| all.contains(one));
        self.priority.is_none_or(|priority| known.priority == priority)
            && self
                .followers()
                .is_none_or(|wanted| all_in(&wanted, &known.followers) && all_in(&known.followers, &wanted))
    }

    /// What the difference shows of the program as it is.
    fn before(&self, now: &Now, known: Option<&Choosable>) -> Side {
        let Some(known) = known else {
            return if now.is_known { entries([("state", "absent".into())]) } else { Side::new() };
        };
        let is_other = now.mode == "manual" && now.current.as_ref() != Some(&known.path);
        let mut before = entries([
            ("state", if is_other { "selected" } else { "present" }.into()),
            ("path", (&known.path).into()),
            ("priority", known.priority.into()),
            ("link", now.link.as_ref().map_or(Val::Null, Val::from)),
        ]);
        if !known.followers.is_empty() {
            put(&mut before, "subcommands", Val::List(known.followers.iter().map(Follower::val).collect()));
        }
        before
    }

    /// Makes the program known; gives what the difference shows of it.
    fn install(&self, path: &str, now: &Now, host: &mut Host) -> Result<Side> {
        if !host.exists(path) {
            return Err(Fault::absent(format!("Specified path {path} does not exist")));
        }
        let link = self.link.as_ref().map(|link| link.to_string_lossy().into_owned());
        let Some(link) = link.or_else(|| now.link.clone()) else {
            fail!("Needed to install the alternative, but unable to do so as we are missing the link");
        };
        let known = now.choices.iter().find(|choice| choice.path == path);
        let priority = self.priority.or(known.map(|known| known.priority)).unwrap_or(50);
        let followers = self.followers();
        let mut command = cmd(PROGRAM).args(["--install", &link, &self.name, path]).arg(priority.to_string());
        command = command.opt("--family", self.family.as_ref());
        for follower in followers.iter().flatten() {
            let link = follower.link.as_deref().unwrap_or_default();
            command = command.args(["--slave", link, &follower.name, &follower.path]);
        }
        host.run(command.does(self.effect(path)))?;
        let mut after = entries([
            ("state", "present".into()),
            ("path", path.into()),
            ("family", self.family.as_ref().map_or(Val::Null, Val::from)),
            ("priority", priority.into()),
            ("link", link.into()),
        ]);
        let shown = followers.or_else(|| known.map(|known| known.followers.clone())).unwrap_or_default();
        if !shown.is_empty() {
            put(&mut after, "subcommands", Val::List(shown.iter().map(Follower::val).collect()));
        }
        Ok(after)
    }

    /// Reads what both Debian's and Red Hat's program say of the name.
    fn read(&self, host: &Probe) -> Result<Now> {
        let ran = host.ask(cmd(PROGRAM).args(["--display", &self.name]).any_rc().env("LC_ALL", "C"))?;
        let mut now = Now::default();
        let mut links: Vec<(String, String)> = Vec::new();
        for line in ran.out().lines().filter(|_| ran.ok()) {
            let words = line.trim();
            let follower = words.strip_prefix("slave ").or_else(|| words.strip_prefix("follower "));
            if let (Some(follower), Some(choice)) = (follower, now.choices.last_mut()) {
                let Some((name, path)) = follower.split_once(": ") else { continue };
                if path != "(null)" {
                    let link = None;
                    choice.followers.push(Follower { name: name.to_owned(), path: path.to_owned(), link });
                }
            } else if let Some(follower) = follower {
                links.extend(
                    follower.split_once(" is ").map(|(name, link)| (name.to_owned(), link.to_owned())),
                );
            } else if let Some(path) = words.strip_prefix("link currently points to ") {
                now.current = Some(path.to_owned());
            } else if let Some(link) = words.strip_prefix("link ") {
                now.link = link
                    .split_once(" is ")
                    .filter(|(name, _)| !name.contains(' '))
                    .map(|(_, link)| link.to_owned())
                    .or(now.link);
            } else if let Some((path, rest)) =
                line.rsplit_once(" - ").filter(|(path, _)| path.starts_with('/'))
            {
                let (family, rest) = match rest.strip_prefix("family ").and_then(|rest| rest.split_once(' '))
                {
                    Some((family, rest)) => (Some(family.to_owned()), rest),
                    None => (None, rest),
                };
                let Some(priority) = rest.strip_prefix("priority ").and_then(|rest| rest.trim().parse().ok())
                else {
                    continue;
                };
                now.choices.push(Choosable {
                    path: path.to_owned(),
                    family,
                    priority,
                    followers: Vec::new(),
                });
            } else if let Some((_, mode)) = line.rsplit_once(" - ").filter(|_| !now.is_known) {
                let mode = mode.strip_prefix("status is ").unwrap_or(mode);
                now.mode = mode.trim_end_matches(" mode").trim_end_matches('.').to_owned();
                now.is_known = true;
            }
        }
        if links.is_empty() {
            let wanted = self.subcommands.iter().flatten();
            links = wanted.map(|s| (s.name.clone(), s.link.to_string_lossy().into_owned())).collect();
        }
        for follower in now.choices.iter_mut().flat_map(|choice| &mut choice.followers) {
            follower.link =
                links.iter().find(|(name, _)| *name == follower.name).map(|(_, link)| link.clone());
        }
        self.supposed(&mut now, host);
        Ok(now)
    }

    /// In check mode: what an earlier task would have made of it.
    fn supposed(&self, now: &mut Now, host: &Probe) {
        let Some(chosen) = host.planned(Thing::Other, &format!("alternative {}", self.name)) else { return };
        if !now.choices.iter().any(|choice| choice.path == chosen) {
            let (priority, followers) = (self.priority.unwrap_or(50), self.followers().unwrap_or_default());
            now.choices.push(Choosable { path: chosen.clone(), family: None, priority, followers });
        }
        (now.current, now.is_known) = (Some(chosen), true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISPLAY: &str = "editor - auto mode\n  link best version is /bin/nano\n  link currently points to /bin/nano\n  \
                           link editor is /usr/bin/editor\n  slave editor.1.gz is /usr/share/man/man1/editor.1.gz\n\
                           /bin/nano - priority 40\n  slave editor.1.gz: /usr/share/man/man1/nano.1.gz\n\
                           /usr/bin/vim - priority 30\n";
    fn world() -> World {
        World::new()
            .program("update-alternatives")
            .program("vim")
            .program("emacs")
            .says("update-alternatives --display editor", DISPLAY)
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
        // Another link is no reason to make it known again.
        conform::<Alternatives>("{ name: editor, path: /bin/nano, link: /usr/bin/ed }", world()).unchanged();
    }

    #[test]
    fn links_that_follow_are_the_ones_that_are_named() {
        let follower = |rest: &str| format!("{{ name: editor, path: /bin/nano, subcommands: [{rest}] }}");
        let nano = "{ name: editor.1.gz, path: /usr/share/man/man1/nano.1.gz, link: /usr/share/man/man1/editor.1.gz }";
        let world = || world().file("/bin/nano", "");
        conform::<Alternatives>(&follower(nano), world()).unchanged().gives("msg", "");
        let done = conform::<Alternatives>(&follower(""), world()).changed();
        done.ran(["update-alternatives --install /usr/bin/editor editor /bin/nano 40"])
            .gives("msg", "Install alternative '/bin/nano' for 'editor'.");
        let done = conform::<Alternatives>(&follower(nano).replace("nano.1", "pico.1"), world()).changed();
        let install = "update-alternatives --install /usr/bin/editor editor /bin/nano 40 --slave \
                       /usr/share/man/man1/editor.1.gz editor.1.gz /usr/share/man/man1/pico.1.gz";
        done.ran([install]);
    }

    #[test]
    fn families_are_chosen_on_red_hat() {
        let display = "java - status is manual.\n link currently points to /usr/lib/java17\n\
                       /usr/lib/java8 - family java-8 priority 1800\n slave jre: /usr/lib/jre8\n\
                       /usr/lib/java17 - family java-17 priority 1700\n follower jre: (null)\n\
                       Current `best' version is /usr/lib/java8.\n";
        let world = || {
            World::new().program("update-alternatives").says("update-alternatives --display java", display)
        };
        conform::<Alternatives>("{ name: java, family: java-17 }", world()).unchanged();
        let done = conform::<Alternatives>("{ name: java, family: java-8 }", world()).changed();
        done.ran(["update-alternatives --set java java-8"])
            .gives("msg", "Set alternative 'java-8' for 'java'.");
        let done =
            conform::<Alternatives>("{ name: java, path: /usr/lib/java8, state: auto }", world()).changed();
        done.ran(["update-alternatives --auto java"]).gives("msg", "Set alternative to auto for 'java'.");
    }
}
