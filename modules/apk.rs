//! Manage packages of Alpine Linux.
//!
//! ```yaml
//! - community.general.apk: { name: [ nginx, git ], update_cache: true }
//! - community.general.apk: { name: nginx, state: latest, repository: 'http://dl-cdn.alpinelinux.org/alpine/edge/main' }
//! - community.general.apk: { name: telnet, state: absent }
//! - community.general.apk: { upgrade: true, available: true }
//! ```
use shevek_kit::prelude::*;
use shevek_kit::printed::python_str;

/// Arguments of `apk`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(one_of("name", "update_cache", "upgrade"))]
#[rule(exclusive("name", "upgrade"))]
pub struct Apk {
    /// Bringing all up to date, replace or downgrade what no repository has any more.
    #[arg(default = false)]
    available: bool,
    /// The packages.
    name: Option<Vec<String>>,
    /// Do without the local cache.
    #[arg(default = false)]
    no_cache: bool,
    /// Repositories, instead of those of the system.
    repository: Vec<String>,
    /// Whether the packages are there.
    #[arg(default = "present")]
    state: State,
    /// Load the lists of packages first.
    update_cache: Option<bool>,
    /// Bring all that is installed up to date.
    upgrade: Option<bool>,
    /// The file that names what was asked for.
    #[arg(default = "/etc/apk/world")]
    world: String,
}

/// Whether packages are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum State {
    /// They are.
    Present,
    /// They are not.
    Absent,
    /// They are, and new.
    Latest,
    /// They are.
    Installed,
    /// They are not.
    Removed,
}

impl Procedure for Apk {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        host.need("apk")?;
        let names = self.name.as_deref().unwrap_or_default();
        refuse_options(names.iter().map(String::as_str))?;
        if names.iter().any(|name| name.trim().is_empty()) {
            fail!("Package name(s) cannot be empty or whitespace-only");
        }
        let upgrades = self.upgrade == Some(true);
        if self.update_cache == Some(true) {
            let ran = host.run(self.command().arg("update").any_rc().does(Effect::Nothing))?;
            if !ran.ok() {
                return Err(said(Fault::new("could not update package db"), &ran));
            }
            if names.is_empty() && !upgrades {
                let outcome = Outcome::ok().changed_if(true).with("msg", "updated repository indexes");
                return Ok(outcome.with("stdout", ran.out()).with("stderr", ran.err()));
            }
        }
        if upgrades {
            return self.upgrade(host);
        }
        match self.state {
            State::Absent | State::Removed => self.remove(host, names),
            _ => self.install(host, names),
        }
    }
}

fn said(fault: Fault, ran: &Ran) -> Fault {
    fault.with("stdout", ran.out()).with("stderr", ran.err())
}

/// The packages that apk says it does something to: `(1/2) Installing nginx (1.0-r0)`.
fn packages(out: &str) -> Vec<&str> {
    let is_count = |word: &str| {
        let inner = word.strip_prefix('(').and_then(|word| word.strip_suffix(')'));
        inner.and_then(|inner| inner.split_once('/')).is_some_and(|(at, of)| {
            [at, of].iter().all(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
        })
    };
    let package = |line: &'_ str| -> Option<usize> {
        let words: Vec<&str> = line.split_whitespace().collect();
        (line.starts_with('(') && is_count(words.first()?) && words.len() > 2).then_some(2)
    };
    out.lines().filter_map(|line| line.split_whitespace().nth(package(line)?)).collect()
}

/// A list as Python prints it.
fn list(names: &[&str]) -> String {
    python_str(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().into())
}

impl Apk {
    fn command(&self) -> Command {
        let command = cmd("apk").flag("--no-cache", self.no_cache);
        self.repository.iter().fold(command, |command, repository| {
            command.args(["--repository", repository, "--repositories-file", "/dev/null"])
        })
    }

    fn ask(&self, host: &Probe, args: &[&str]) -> Result<Ran> {
        host.ask(self.command().args(args).any_rc())
    }

    /// Does something to packages; check mode lets apk say what it would do.
    fn order(&self, host: &mut Host, args: &[&str], names: &[&str]) -> Result<Ran> {
        let state = if args.first() == Some(&"del") { "absent" } else { "present" };
        let (verb, options) = args.split_first().unwrap_or((&"", &[]));
        let told = match host.rehearsing() {
            true => {
                // What is only planned, apk does not know.
                let real = names.iter().filter(|name| planned(host, name).is_none());
                let command = self.command().arg(verb).args(options).arg("--simulate").args(real);
                Some(host.ask(command.any_rc())?)
            }
            false => None,
        };
        let mut command = self.command().arg(verb).args(options).args(names).any_rc().does(Effect::Nothing);
        for name in names {
            let (thing, name, state) = (Thing::Package, (*name).to_owned(), state.to_owned());
            command = command.does(Effect::Set { thing, name, state });
        }
        match told {
            Some(told) if !told.ok() => Ok(told),
            Some(told) => host.run(command).map(|_| told),
            None => host.run(command),
        }
    }

    fn upgrade(&self, host: &mut Host) -> Result<Outcome> {
        let options: &[&str] = if self.available { &["upgrade", "--available"] } else { &["upgrade"] };
        let ran = self.order(host, options, &[])?;
        if !ran.ok() {
            let fault = said(Fault::new("failed to upgrade packages"), &ran);
            return Err(fault.with("packages", packages(&ran.out())));
        }
        let changed = !ran.out().starts_with("OK");
        Ok(outcome(changed, if changed { "upgraded packages" } else { "packages already upgraded" }, &ran))
    }

    fn install(&self, host: &mut Host, names: &[String]) -> Result<Outcome> {
        let world = match names.is_empty() {
            true => String::new(),
            false => host.read_text(&self.world)?,
        };
        let world: Vec<&str> = world.split_whitespace().collect();
        let latest = self.state == State::Latest;
        let (mut install, mut upgrade) = (Vec::new(), Vec::new());
        for name in names {
            let of_many;
            let old: Vec<&str> = if self.is_virtual(host, name)? {
                of_many = self.ask(host, &["-v", "info", "--depends", name])?.out();
                of_many.split_whitespace().skip(1).collect()
            } else if planned(host, name).is_some_and(|state| state == "present") {
                Vec::new()
            } else if !world.iter().any(|entry| is_entry_of(entry, name)) {
                install.push(name.clone());
                Vec::new()
            } else {
                vec![name]
            };
            for name in old.into_iter().filter(|_| latest) {
                if self.is_old(host, name)? {
                    upgrade.push(name.to_owned());
                }
            }
        }
        let all: Vec<&str> = install.iter().chain(&upgrade).map(String::as_str).collect();
        if all.is_empty() {
            return Ok(Outcome::ok().with("msg", "package(s) already installed"));
        }
        let options: &[&str] = if upgrade.is_empty() { &["add"] } else { &["add", "--upgrade"] };
        let ran = self.order(host, options, &all)?;
        if !ran.ok() {
            let fault = said(Fault::new(format!("failed to install {}", list(&all))), &ran);
            return Err(fault.with("packages", packages(&ran.out())));
        }
        Ok(outcome(true, &format!("installed {} package(s)", list(&all)), &ran))
    }

    fn remove(&self, host: &mut Host, names: &[String]) -> Result<Outcome> {
        let mut there = Vec::new();
        for name in names {
            let is_there = match planned(host, name) {
                Some(state) => state == "present",
                None => self.is_installed(host, name)?,
            };
            there.extend(Some(name.as_str()).filter(|_| is_there));
        }
        if there.is_empty() {
            return Ok(Outcome::ok().with("msg", "package(s) already removed"));
        }
        let ran = self.order(host, &["del", "--purge"], &there)?;
        // apk takes it for a success when a package stays because others need it.
        // Differs from Ansible: check mode asks apk's own words for that; Ansible's fails always, as nothing is gone yet.
        let mut stays = !ran.ok() || ran.out().contains("not removed due to");
        if !host.rehearsing() && !stays {
            for name in &there {
                stays = stays || (planned(host, name).is_none() && self.is_installed(host, name)?);
            }
        }
        if stays {
            let fault = said(Fault::new(format!("failed to remove {} package(s)", list(&there))), &ran);
            return Err(fault.with("packages", packages(&ran.out())));
        }
        Ok(outcome(true, &format!("removed {} package(s)", list(&there)), &ran))
    }

    fn is_installed(&self, host: &Probe, name: &str) -> Result<bool> {
        Ok(self.ask(host, &["-v", "info", "--installed", name])?.ok())
    }

    /// Whether it is a name for several packages, made on this host.
    fn is_virtual(&self, host: &Probe, name: &str) -> Result<bool> {
        let said = self.ask(host, &["-v", "info", "--description", name])?.out();
        Ok(said.starts_with(&format!("{name}: virtual meta package")))
    }

    /// Whether a newer version is to be had: `nginx-1.0-r0 < 1.1-r0`.
    fn is_old(&self, host: &Probe, name: &str) -> Result<bool> {
        let said = self.ask(host, &["version", name])?.out();
        let is_older = |line: &str| {
            let mut words = line.split_whitespace();
            let version = words.next().and_then(|word| word.strip_prefix(name)?.strip_prefix('-'));
            let ours = version?.matches('-').count() == 1;
            ours.then(|| words.next() == Some("<"))
        };
        Ok(said.lines().find_map(is_older).unwrap_or(false))
    }
}

fn outcome(changed: bool, message: &str, ran: &Ran) -> Outcome {
    let outcome = Outcome::ok().changed_if(changed).with("msg", message);
    outcome.with("stdout", ran.out()).with("stderr", ran.err()).with("packages", packages(&ran.out()))
}

/// What check mode has planned for a package.
fn planned(host: &Probe, name: &str) -> Option<String> {
    host.planned(Thing::Package, name)
}

/// Whether a word of the world file asks for this package: `nginx`, `nginx@edge`, `nginx>1.0`.
fn is_entry_of(entry: &str, name: &str) -> bool {
    entry.strip_prefix(name).is_some_and(|rest| {
        rest.is_empty() || (rest.starts_with(['@', '=', '<', '>', '~']) && rest.len() > 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .program("apk")
            .file("/etc/apk/world", "base\nnginx@edge\nold\n")
            .says("apk -v info*", "")
            .says("apk version*", "Installed:   Available:\n")
    }

    const ADDS: &str = "(1/2) Installing pcre (1-r0)\n(2/2) Installing git (2-r0)\nOK: 5 MiB in 9 packages\n";

    #[test]
    fn what_nobody_asked_for_is_installed() {
        let world = world().says("apk add --simulate git", ADDS).says("apk add git", ADDS);
        conform::<Apk>("{ name: [git, nginx] }", world)
            .changed()
            .ran(["apk add git"])
            .gives("msg", "installed ['git'] package(s)")
            .gives("packages", vec!["pcre", "git"])
            .then("{ name: git }")
            .unchanged()
            .gives("msg", "package(s) already installed");
    }

    #[test]
    fn what_is_old_is_replaced() {
        let old = world().says("apk version old", "Installed:  Available:\nold-1.0-r0  < 2.0-r1 \n");
        let old = old.says("apk add --upgrade --simulate old", "(1/1) Upgrading old (1.0-r0 -> 2.0-r1)\n");
        conform::<Apk>("{ name: [old, nginx], state: latest }", old).changed().ran(["apk add --upgrade old"]);
        let new = world().says("apk version old", "old-1.0-r0  = 1.0-r0 \n");
        conform::<Apk>("{ name: old, state: latest }", new).unchanged();
        let other = world().says("apk version old", "old-doc-1.0-r0  < 2.0-r0 \n");
        conform::<Apk>("{ name: old, state: latest }", other).unchanged();
    }

    #[test]
    fn packages_go_unless_others_need_them() {
        let gone = || world().answers("apk -v info --installed git", Ran::failed(1, ""));
        let simulated = "apk del --purge --simulate old";
        let stays = "World updated, but the following packages are not removed due to:\n  old: nginx\n";
        conform::<Apk>(
            "{ name: [git, old], state: absent }",
            gone().says(simulated, "(1/1) Purging old (1-r0)\n"),
        )
        .changed()
        .ran(["apk del --purge old"])
        .gives("msg", "removed ['old'] package(s)");
        conform::<Apk>("{ name: git, state: removed }", gone()).unchanged();
        conform::<Apk>(
            "{ name: old, state: absent }",
            world().says(simulated, stays).says("apk del --purge old", stays),
        )
        .failed("failed to remove ['old'] package(s)")
        .gives("stdout", stays);
    }

    #[test]
    fn all_is_brought_up_to_date() {
        let with = "apk --no-cache --repository /srv/a --repositories-file /dev/null";
        let ok = world()
            .says(&format!("{with} update"), "v1\n")
            .says(&format!("{with} upgrade --available --simulate"), "OK: 5 MiB\n")
            .says(&format!("{with} upgrade --available"), "OK: 5 MiB\n");
        let args = "{ upgrade: yes, available: yes, update_cache: yes, no_cache: yes, repository: /srv/a }";
        conform::<Apk>(args, ok).unchanged().gives("msg", "packages already upgraded");
        conform::<Apk>("{ update_cache: yes }", world()).changed().gives("msg", "updated repository indexes");
        conform_apart::<Apk>(
            "{ update_cache: yes }",
            world().answers("apk update", Ran::failed(1, "no net")),
        )
        .failed("could not update package db")
        .gives("stderr", "no net");
        conform::<Apk>("{ name: ' ' }", world()).failed("cannot be empty");
        conform::<Apk>("{ name: [git, --root=/x] }", world()).failed("taken for an option").ran([]);
        conform::<Apk>("{}", world()).failed("one of the following is required");
    }
}
