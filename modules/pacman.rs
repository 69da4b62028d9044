//! Manage packages with pacman.
//!
//! ```yaml
//! - community.general.pacman: { name: [ nginx, git ], state: present }
//! - community.general.pacman: { name: nginx, state: latest, update_cache: true }
//! - community.general.pacman: { name: telnet, state: absent, extra_args: --recursive }
//! - community.general.pacman: { upgrade: true, update_cache: true }
//! ```
use std::collections::{BTreeMap, BTreeSet};

use shevek_kit::prelude::*;
use shevek_kit::words;

/// Arguments of `pacman`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(one_of("name", "update_cache", "upgrade"))]
#[rule(exclusive("name", "upgrade"))]
pub struct Pacman {
    /// Packages, groups of them, files, or addresses.
    #[arg(aliases("pkg", "package"))]
    name: Option<Vec<String>>,
    /// Whether they are there.
    #[arg(default = "present")]
    state: State,
    /// Remove packages that others need; load the lists again even if they are new.
    #[arg(default = false)]
    force: bool,
    /// Remove changed configuration with the packages.
    #[arg(default = false)]
    remove_nosave: bool,
    /// The program.
    #[arg(default = "pacman")]
    executable: String,
    /// Further options for packages.
    #[arg(default = "")]
    extra_args: String,
    /// Bring all that is installed up to date.
    upgrade: Option<bool>,
    /// Further options for that.
    #[arg(default = "")]
    upgrade_extra_args: String,
    /// Load the lists of packages first.
    update_cache: Option<bool>,
    /// Further options for that.
    #[arg(default = "")]
    update_cache_extra_args: String,
    /// Why they are installed.
    reason: Option<Reason>,
    /// Of which packages that is said.
    #[arg(default = "new")]
    reason_for: Which,
}

/// Whether packages are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum State {
    /// They are.
    Present,
    /// The same.
    Installed,
    /// They are, and new.
    Latest,
    /// They are not.
    Absent,
    /// The same.
    Removed,
}

/// Why a package is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Reason {
    /// It was asked for.
    Explicit,
    /// Another one needs it.
    Dependency,
}

/// Of which packages a reason is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Which {
    /// Of those that are installed now.
    New,
    /// Of all that the task names.
    All,
}

/// A package that the task means.
struct Package {
    name: String,
    /// As pacman takes it.
    source: String,
    /// Whether it is a file or an address.
    is_file: bool,
}

/// What the host has and could have.
#[derive(Default)]
struct Inventory {
    installed: BTreeMap<String, String>,
    available: BTreeSet<String>,
    groups: Vec<(String, String)>,
    /// With the version that is there and the one to be had.
    upgradable: Vec<[String; 3]>,
    reasons: BTreeMap<String, &'static str>,
}

/// What is said at the end.
#[derive(Default)]
struct Said {
    words: Vec<String>,
    out: Vec<String>,
    err: Vec<String>,
}

impl Said {
    fn hear(&mut self, ran: &Ran) {
        self.out.extend(Some(ran.out()).filter(|text| !text.is_empty()));
        self.err.extend(Some(ran.err()).filter(|text| !text.is_empty()));
    }

    fn outcome(self, changed: bool) -> Outcome {
        let mut outcome = Outcome::ok().changed_if(changed).with("msg", self.words.join("\n"));
        for (key, lines) in [("stdout", self.out), ("stderr", self.err)] {
            if !lines.is_empty() {
                outcome.set(key, lines.join("\n"));
            }
        }
        outcome
    }

    fn failure(mut self, host: &Probe, words: impl Into<String>, command: &Command, ran: &Ran) -> Fault {
        self.hear(ran);
        self.words.push(words.into());
        let name = command.program.to_string_lossy();
        let program = host.which(&name).map_or_else(|| command.program.clone(), Into::into);
        let command = Command { program, ..command.clone() };
        let mut fault = Fault::new(self.words.join("\n")).with("cmd", command.words());
        for (key, lines) in [("stdout", self.out), ("stderr", self.err)] {
            if !lines.is_empty() {
                fault = fault.with(key, lines.join("\n"));
            }
        }
        fault
    }
}

impl Procedure for Pacman {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        refuse_options(self.name.iter().flatten().map(String::as_str))?;
        host.need(&self.executable)?;
        let mut said = Said::default();
        let named = self.name.as_deref().filter(|names| !names.is_empty());
        let upgrades = self.upgrade == Some(true);
        let mut changed = false;
        let mut updated = None;
        if self.update_cache == Some(true) {
            (said, changed) = self.update(host, said)?;
            updated = Some(changed);
            if named.is_none() && !upgrades {
                return Ok(said.outcome(changed).with("cache_updated", changed));
            }
        }
        let inventory = self.inventory(host)?;
        let outcome = if upgrades {
            self.upgrade(host, &inventory, said)?
        } else if let Some(named) = named {
            let packages = self.packages(host, named, &inventory)?;
            match self.state {
                State::Absent | State::Removed => self.remove(host, &packages, &inventory, said)?,
                _ => self.install(host, &packages, &inventory, said)?,
            }
        } else {
            said.words.push("Nothing to do".to_owned());
            said.outcome(false)
        };
        let all = outcome.changed || changed;
        let outcome = outcome.changed_if(all);
        Ok(match updated {
            Some(updated) => outcome.with("cache_updated", updated),
            None => outcome,
        })
    }
}

fn extra(text: &str) -> Result<Vec<String>> {
    words::split(text).map_err(|why| Fault::new(format!("{why}: {text}")))
}

impl Pacman {
    fn command(&self) -> Command {
        cmd(&self.executable)
    }

    fn ask(&self, host: &Probe, args: &[&str]) -> Result<String> {
        Ok(host.ask(self.command().args(args))?.out())
    }

    /// Lists what is installed.
    // Differs from Ansible: pacman calls it a failure when there is nothing to list (no dependency is installed, say), and
    // that is none.
    fn query(&self, host: &Probe, args: &[&str]) -> Result<String> {
        let command = self.command().args(args).any_rc();
        let ran = host.ask(command.clone())?;
        if ran.rc == 1 && ran.stdout.is_empty() && ran.stderr.is_empty() {
            return Ok(String::new());
        }
        Ok(ran.check(&command.accept(&[0]))?.out())
    }

    /// All packages that can be had, line by line.
    fn database(&self, host: &Probe) -> Result<Vec<String>> {
        let mut lines: Vec<String> =
            self.ask(host, &["--sync", "--list"])?.lines().map(str::to_owned).collect();
        lines.sort();
        Ok(lines)
    }

    fn update(&self, host: &mut Host, mut said: Said) -> Result<(Said, bool)> {
        if host.rehearsing() {
            said.words.push("Would have updated the package db".to_owned());
            return Ok((said, true));
        }
        let before = if self.force { Vec::new() } else { self.database(host)? };
        let command =
            self.command().args(["--sync", "--refresh"]).args(extra(&self.update_cache_extra_args)?);
        let command = command.flag("--refresh", self.force).any_rc().does(Effect::Nothing);
        let ran = host.run(command.clone())?;
        if !ran.ok() {
            return Err(said.failure(host, "could not update package db", &command, &ran));
        }
        let changed = self.force || self.database(host)? != before;
        said.words.push("Updated package db".to_owned());
        said.hear(&ran);
        Ok((said, changed))
    }

    fn inventory(&self, host: &Probe) -> Result<Inventory> {
        let mut inventory = Inventory::default();
        let pairs = |text: &str| -> Vec<(String, String)> {
            let pair = |line: &str| {
                let words: Vec<&str> = line.split_whitespace().collect();
                <[&str; 2]>::try_from(words).ok().map(|[one, two]| (one.to_owned(), two.to_owned()))
            };
            text.lines().filter_map(pair).collect()
        };
        inventory.installed = pairs(&self.query(host, &["--query"])?).into_iter().collect();
        for line in self.database(host)? {
            inventory.available.extend(line.split_whitespace().nth(1).map(str::to_owned));
        }
        inventory.groups = pairs(&self.ask(host, &["--sync", "--groups", "--groups"])?);
        let ran = host.ask(self.command().args(["--query", "--upgrades"]).any_rc())?;
        let out = ran.out();
        let lines: Vec<&str> = out.lines().filter(|line| !line.contains("Avoid running")).collect();
        let is_none = ran.rc == 1 && lines.is_empty();
        if !ran.ok() && !is_none {
            let fault = Fault::new("Couldn't get list of packages available for upgrade");
            return Err(fault.with("stdout", ran.out()).with("stderr", ran.err()).with("rc", ran.rc));
        }
        for line in lines.into_iter().filter(|line| !line.trim().is_empty() && !line.contains("[ignored]")) {
            // strace 5.14-1 -> 5.15-1
            let words: Vec<&str> = line.split_whitespace().collect();
            let [name, current, _, latest] = words.as_slice() else { fail!("Invalid line: {}", line.trim()) };
            inventory.upgradable.push([name, current, latest].map(|word| (*word).to_owned()));
        }
        for (option, reason) in [("--explicit", "explicit"), ("--deps", "dependency")] {
            for line in self.query(host, &["--query", option])?.lines() {
                inventory
                    .reasons
                    .extend(line.split_whitespace().next().map(|name| (name.to_owned(), reason)));
            }
        }
        Ok(inventory)
    }

    /// The packages that the task's words mean.
    fn packages(&self, host: &Probe, named: &[String], inventory: &Inventory) -> Result<Vec<Package>> {
        let mut packages = Vec::new();
        let plain = |name: &str| Package { name: name.to_owned(), source: name.to_owned(), is_file: false };
        for word in named.iter().filter(|word| !word.is_empty()) {
            let group = inventory.groups.iter().filter(|(group, _)| group == word);
            let members: Vec<Package> = group.map(|(_, member)| plain(member)).collect();
            if !members.is_empty() {
                packages.extend(members);
                continue;
            }
            if inventory.available.contains(word) || inventory.installed.contains_key(word) {
                packages.push(plain(word));
                continue;
            }
            // Perhaps REPOSITORY/NAME; otherwise a file or an address.
            let print = |how: &str| self.command().args([how, "--print-format", "%n", word]).any_rc();
            let ran = host.ask(print("--sync"))?;
            if ran.ok() {
                packages.push(Package { name: ran.out().trim().to_owned(), ..plain(word) });
                continue;
            }
            let command = print("--upgrade");
            let ran = host.ask(command.clone())?;
            if ran.ok() {
                let name = ran.out().lines().next_back().unwrap_or_default().trim().to_owned();
                packages.push(Package { name, source: word.clone(), is_file: true });
            } else if !matches!(self.state, State::Absent | State::Removed) {
                let words = format!("Failed to list package {word}");
                return Err(Said::default().failure(host, words, &command, &ran).with("rc", ran.rc));
            }
        }
        Ok(packages)
    }

    /// Whether a package is installed, counting what check mode would have done.
    fn has(host: &Probe, inventory: &Inventory, name: &str) -> bool {
        match host.planned(Thing::Package, name) {
            Some(planned) => planned != "absent",
            None => inventory.installed.contains_key(name),
        }
    }

    fn install(
        &self,
        host: &mut Host,
        packages: &[Package],
        inventory: &Inventory,
        mut said: Said,
    ) -> Result<Outcome> {
        let already = |mut said: Said| {
            said.words.push("package(s) already installed".to_owned());
            said.outcome(false).with("packages", Vec::<String>::new())
        };
        let (mut from_lists, mut from_files, mut to_mark) = (Vec::new(), Vec::new(), Vec::new());
        for package in packages {
            let name = &package.name;
            if let Some(reason) = self.reason {
                let is = inventory.reasons.get(name);
                if is.is_none() || (self.reason_for == Which::All && is != Some(&reason.word())) {
                    to_mark.push(name.clone());
                }
            }
            let is_old = || inventory.upgradable.iter().any(|[old, ..]| old == name);
            if package.is_file {
                from_files.push(package);
            } else if !Self::has(host, inventory, name) || (self.state == State::Latest && is_old()) {
                from_lists.push(package);
            }
        }
        if from_lists.is_empty() && from_files.is_empty() && to_mark.is_empty() {
            return Ok(already(said));
        }
        let base = self.command().args(["--noconfirm", "--noprogressbar", "--needed"]);
        let base = base.args(extra(&self.extra_args)?);
        let ways = [("--sync", from_lists), ("--upgrade", from_files)];
        let (mut installed, mut before, mut after) = (Vec::new(), Vec::new(), Vec::new());
        for (verb, packages) in ways.iter().filter(|(_, packages)| !packages.is_empty()) {
            let command = base.clone().args([verb, "--print-format", "%n %v"]);
            let command = command.args(packages.iter().map(|package| &package.source)).any_rc();
            let ran = host.ask(command.clone())?;
            if !ran.ok() {
                return Err(said.failure(host, "Failed to list package(s) to install", &command, &ran));
            }
            let noise = ["loading packages", "there is nothing to do", "Avoid running"];
            for line in ran.out().lines().filter(|line| !noise.iter().any(|words| line.contains(words))) {
                let Some((name, version)) = line.trim().split_once(char::is_whitespace) else { continue };
                let reason = inventory.reasons.get(name);
                if let Some(old) = inventory.installed.get(name) {
                    before.push(format!("{name}-{old}-{}", reason.unwrap_or(&"")));
                }
                let wanted = self.reason.filter(|_| to_mark.iter().any(|marked| marked == name));
                after.push(match (wanted, reason) {
                    (Some(wanted), _) => format!("{name}-{version}-{}", wanted.word()),
                    (None, Some(reason)) => format!("{name}-{version}-{reason}"),
                    (None, None) => format!("{name}-{version}"),
                });
                installed.push(name.to_owned());
            }
        }
        if installed.is_empty() && to_mark.is_empty() {
            return Ok(already(said));
        }
        let only_marked = to_mark.iter().filter(|name| !installed.contains(name));
        let mut all: Vec<String> = installed.iter().chain(only_marked).cloned().collect();
        all.sort();
        for (verb, packages) in ways.iter().filter(|(_, packages)| !packages.is_empty()) {
            let mut command = base.clone().arg(verb).args(packages.iter().map(|package| &package.source));
            for name in &installed {
                command = command.does(is(name, "present"));
            }
            let command = command.any_rc().does(Effect::Nothing);
            said = attempt(host, command, "Failed to install package(s)", said)?;
        }
        if let (Some(reason), false) = (self.reason, to_mark.is_empty()) {
            let option = if reason == Reason::Dependency { "--asdeps" } else { "--asexplicit" };
            let command = self.command().args(["--noconfirm", "--database", option]).args(&to_mark);
            let command = command.any_rc().does(Effect::Nothing);
            said = attempt(host, command, "Failed to install package(s)", said)?;
        }
        host.diff(difference(before, after));
        said.words.push(match host.rehearsing() {
            true => format!("Would have installed {} packages", all.len()),
            false => format!("Installed {} package(s)", all.len()),
        });
        Ok(said.outcome(true).with("packages", all))
    }

    fn remove(
        &self,
        host: &mut Host,
        packages: &[Package],
        inventory: &Inventory,
        mut said: Said,
    ) -> Result<Outcome> {
        let there = packages.iter().filter(|package| Self::has(host, inventory, &package.name));
        let names: Vec<String> = there.map(|package| package.name.clone()).collect();
        if names.is_empty() {
            said.words.push("package(s) already absent".to_owned());
            return Ok(said.outcome(false).with("packages", Vec::<String>::new()));
        }
        let base = self.command().args(["--remove", "--noconfirm", "--noprogressbar"]);
        let base = base.args(extra(&self.extra_args)?);
        let base = base.flag("--nodeps", self.force).flag("--nodeps", self.force).any_rc();
        // What is only planned, pacman cannot list.
        let listed: Vec<&String> =
            names.iter().filter(|name| inventory.installed.contains_key(*name)).collect();
        let removed: Vec<String> = if listed.is_empty() {
            names.clone()
        } else {
            let command = base.clone().args(["--print-format", "%n-%v"]).args(listed);
            let ran = host.ask(command.clone())?;
            if !ran.ok() {
                return Err(said.failure(host, "failed to list package(s) to remove", &command, &ran));
            }
            ran.out().split_whitespace().map(str::to_owned).collect()
        };
        let mut command = base.flag("--nosave", self.remove_nosave).args(&names);
        for name in &names {
            command = command.does(is(name, "absent"));
        }
        said = attempt(host, command, "failed to remove package(s)", said)?;
        let mut before = removed.join("\n");
        before.push('\n');
        host.diff(Diff { before: before.into(), after: "".into(), ..Diff::default() });
        said.words.push(match host.rehearsing() {
            true => format!("Would have removed {} packages", removed.len()),
            false => format!("Removed {} package(s)", removed.len()),
        });
        Ok(said.outcome(true).with("packages", removed))
    }

    fn upgrade(&self, host: &mut Host, inventory: &Inventory, mut said: Said) -> Result<Outcome> {
        let old = &inventory.upgradable;
        if old.is_empty() {
            said.words.push("Nothing to upgrade".to_owned());
            return Ok(said.outcome(false));
        }
        let command = self.command().args(["--sync", "--sysupgrade", "--quiet", "--noconfirm"]);
        let command = command.args(extra(&self.upgrade_extra_args)?).any_rc().does(Effect::Nothing);
        said = attempt(host, command, "Could not upgrade", said)?;
        said.words.push(match host.rehearsing() {
            true => format!("{} packages would have been upgraded", old.len()),
            false => "System upgraded".to_owned(),
        });
        let shown = |at: usize| -> String {
            let version = |package: &[String; 3]| package.get(at).cloned().unwrap_or_default();
            old.iter().map(|package| format!("{}-{}\n", package[0], version(package))).collect()
        };
        host.diff(Diff { before: shown(1).into(), after: shown(2).into(), ..Diff::default() });
        let names: Vec<String> = old.iter().map(|[name, ..]| name.clone()).collect();
        Ok(said.outcome(true).with("packages", names))
    }
}

fn is(name: &str, state: &str) -> Effect {
    Effect::Set { thing: Thing::Package, name: name.to_owned(), state: state.to_owned() }
}

/// Runs a command whose failure has words of its own.
fn attempt(host: &mut Host, command: Command, words: &str, mut said: Said) -> Result<Said> {
    let ran = host.run(command.clone())?;
    if !ran.ok() {
        return Err(said.failure(host, words, &command, &ran));
    }
    said.hear(&ran);
    Ok(said)
}

/// A difference of two lists.
fn difference(mut before: Vec<String>, mut after: Vec<String>) -> Diff {
    let text = |lines: &mut Vec<String>| -> Val {
        lines.sort();
        lines.iter().map(|line| format!("{line}\n")).collect::<String>().into()
    };
    Diff { before: text(&mut before), after: text(&mut after), ..Diff::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .program("pacman")
            .says("pacman --query", "git 2.1-1\nold 1.0-1\n")
            .says(
                "pacman --sync --list",
                "core git 2.1-1 [installed]\nextra nginx 1.2-1\ncore old 2.0-1\nextra vim-a 1-1\n",
            )
            .says("pacman --sync --groups --groups", "vim vim-a\n")
            .says("pacman --query --upgrades", "old 1.0-1 -> 2.0-1\n")
            .says("pacman --query --explicit", "git 2.1-1\n")
            .says("pacman --query --deps", "old 1.0-1\n")
    }

    const INSTALL: &str = "pacman --noconfirm --noprogressbar --needed --sync";

    #[test]
    fn what_is_missing_is_installed() {
        let world =
            || world().says(&format!("{INSTALL} --print-format '%n %v' nginx"), "pcre 1-1\nnginx 1.2-1\n");
        let done = conform::<Pacman>("{ name: [git, nginx] }", world()).changed();
        let done = done.ran([&format!("{INSTALL} nginx")]).gives("packages", vec!["nginx", "pcre"]);
        let done = done.gives("msg", "Installed 2 package(s)");
        assert_eq!(done.outcome().diff[0].after, "nginx-1.2-1\npcre-1-1\n".into());
        done.then("{ name: nginx }").unchanged().gives("msg", "package(s) already installed");
        conform::<Pacman>("{ name: git }", world()).unchanged();
        conform::<Pacman>("{ name: old }", world()).unchanged();
        let latest = world().says(&format!("{INSTALL} --print-format '%n %v' old"), "old 2.0-1\n");
        conform::<Pacman>("{ name: old, state: latest }", latest).ran([&format!("{INSTALL} old")]);
    }

    #[test]
    fn a_host_may_have_no_dependencies() {
        let none = world().answers("pacman --query --deps", Ran::failed(1, ""));
        conform::<Pacman>("{ name: git }", none).unchanged();
        let broken = world().answers("pacman --query --deps", Ran::failed(1, "error: no database"));
        conform::<Pacman>("{ name: git }", broken).failed("error: no database");
    }

    #[test]
    fn groups_and_files_are_packages_too() {
        let vim = world().says(&format!("{INSTALL} --print-format '%n %v' vim-a"), "vim-a 1-1\n");
        conform::<Pacman>("{ name: vim }", vim).ran([&format!("{INSTALL} vim-a")]);
        let file = world()
            .answers("pacman --sync --print-format %n /x.zst", Ran::failed(1, "no"))
            .says("pacman --upgrade --print-format %n /x.zst", "loading packages...\nx\n")
            .says(
                "pacman --noconfirm --noprogressbar --needed --upgrade --print-format '%n %v' /x.zst",
                "x 1-1\n",
            );
        conform::<Pacman>("{ name: /x.zst }", file)
            .ran(["pacman --noconfirm --noprogressbar --needed --upgrade /x.zst"]);
        let unknown = || {
            world()
                .answers("pacman --sync --print-format %n nope", Ran::failed(1, "no"))
                .answers("pacman --upgrade --print-format %n nope", Ran::failed(1, "no"))
        };
        conform::<Pacman>("{ name: nope }", unknown()).failed("Failed to list package nope").gives("rc", 1);
        conform::<Pacman>("{ name: nope, state: absent }", unknown()).unchanged();
    }

    #[test]
    fn packages_go_with_what_needs_them() {
        let world = world().says(
            "pacman --remove --noconfirm --noprogressbar --recursive --print-format %n-%v git",
            "git-2.1-1\nperl-5-1\n",
        );
        conform::<Pacman>("{ name: git, state: absent, extra_args: --recursive, remove_nosave: yes }", world)
            .changed()
            .ran(["pacman --remove --noconfirm --noprogressbar --recursive --nosave git"])
            .gives("packages", vec!["git-2.1-1", "perl-5-1"])
            .gives("msg", "Removed 2 package(s)");
    }

    #[test]
    fn a_reason_is_noted() {
        conform::<Pacman>("{ name: git, reason: dependency }", world()).unchanged();
        conform::<Pacman>("{ name: git, reason: dependency, reason_for: all }", world())
            .changed()
            .ran(["pacman --noconfirm --database --asdeps git"])
            .gives("packages", vec!["git"]);
    }

    #[test]
    fn the_whole_system_is_brought_up_to_date() {
        conform::<Pacman>("{ upgrade: yes }", world())
            .changed()
            .ran(["pacman --sync --sysupgrade --quiet --noconfirm"])
            .gives("msg", "System upgraded")
            .gives("packages", vec!["old"]);
        let none = world().answers("pacman --query --upgrades", Ran::failed(1, ""));
        conform::<Pacman>("{ upgrade: yes }", none).unchanged().gives("msg", "Nothing to upgrade");
        conform::<Pacman>("{}", world()).failed("one of the following is required");
    }
}
