//! Manage packages of Debian and its kin.
//!
//! What is installed is read from dpkg's own status file, so that a task with nothing to do starts no program.
//!
//! ```yaml
//! - apt: { name: [nginx, curl], state: present, update_cache: true, cache_valid_time: 3600 }
//! - apt: { upgrade: dist }
//! - apt: { name: apache2, state: absent, purge: true, autoremove: true }
//! ```
use std::collections::{HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use shevek_kit::prelude::*;

use crate::pattern::matches as glob;

mod deb;
pub(crate) use deb::speak;

/// Arguments of `apt`.
#[derive(Args)]
#[module(procedure)]
#[rule(exclusive("deb", "package", "upgrade"))]
#[rule(one_of("autoremove", "clean", "deb", "package", "update_cache", "upgrade"))]
pub struct Apt {
    /// Package names, with `=version` or a pattern for one where wanted (`nginx=1.22*`, `linux-image-*`).
    #[arg(aliases("name", "pkg"))]
    package: Vec<String>,
    /// What is wanted of them.
    #[arg(default = "present")]
    state: Wanted,
    /// Run `apt-get update` first.
    #[arg(alias = "update-cache")]
    update_cache: Option<bool>,
    /// How often a failing update is tried.
    #[arg(default = 5)]
    update_cache_retries: u32,
    /// Longest pause between these tries, in seconds.
    #[arg(default = 12)]
    update_cache_retry_max_delay: u64,
    /// Update only when the last update is older than this many seconds.
    #[arg(default = 0)]
    cache_valid_time: u64,
    /// Remove configuration files too.
    #[arg(default = false)]
    purge: bool,
    /// Package files on the host, or the address of one.
    deb: Option<String>,
    /// The release to take packages from (`-t`).
    #[arg(alias = "default-release")]
    default_release: Option<String>,
    /// Whether recommended packages are installed too; left out: as the host is configured.
    #[arg(alias = "install-recommends")]
    install_recommends: Option<bool>,
    /// Override apt's refusals (`--force-yes`). Dangerous.
    #[arg(default = false)]
    force: bool,
    /// Upgrade all packages: `safe` (or `yes`) installs new ones where needed, `dist` and `full` remove some too.
    upgrade: Option<Upgrade>,
    /// Options for dpkg, separated by commas.
    #[arg(default = "force-confdef,force-confold")]
    dpkg_options: String,
    /// Remove packages that were installed only because others needed them.
    #[arg(default = false)]
    autoremove: bool,
    /// Remove package files that can't be downloaded any more.
    #[arg(default = false)]
    autoclean: bool,
    /// Fail when packages would have to be removed.
    #[arg(default = false)]
    fail_on_autoremove: bool,
    /// Exit code of `policy-rc.d` while packages are set up: 101 keeps services from being started.
    policy_rc_d: Option<i64>,
    /// Don't install what is not installed yet.
    #[arg(default = false)]
    only_upgrade: bool,
    /// Has no effect: apt-get is used even where aptitude is there.
    #[arg(default = false, name = "force_apt_get")]
    _force_apt_get: bool,
    /// Remove all downloaded package files.
    #[arg(default = false)]
    clean: bool,
    /// Install packages whose origin can't be verified.
    #[arg(default = false, alias = "allow-unauthenticated")]
    allow_unauthenticated: bool,
    /// Install older versions than the installed ones.
    #[arg(default = false, aliases("allow-downgrade", "allow_downgrades", "allow-downgrades"))]
    allow_downgrade: bool,
    /// Change the version of packages that are on hold.
    #[arg(default = false)]
    allow_change_held_packages: bool,
    /// Seconds to wait for another apt or dpkg to finish.
    #[arg(default = 60)]
    lock_timeout: u32,
    /// Has no effect: no Python package is needed here.
    #[arg(default = true, name = "auto_install_module_deps")]
    _auto_install_module_deps: bool,
}

/// What is wanted of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Wanted {
    /// Not installed.
    Absent,
    /// What they are built with is installed.
    #[choice("build-dep")]
    BuildDep,
    /// Installed, and broken dependencies mended.
    Fixed,
    /// Installed in the newest version.
    Latest,
    /// Installed.
    Present,
}

/// How to upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Upgrade {
    /// `apt-get dist-upgrade`.
    Dist,
    /// The same.
    Full,
    /// Not at all.
    No,
    /// `apt-get upgrade --with-new-pkgs`.
    Safe,
    /// The same.
    Yes,
}

/// An installed package, as dpkg's status file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Installed {
    version: String,
    is_installed: bool,
    has_files: bool,
}

/// One entry of `package`, taken apart.
struct Spec {
    name: String,
    version: Option<(Relation, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    AtLeast,
}

/// Whether apt-get says that it changes nothing. The line is looked at from its start: "10 upgraded" ends like "0 upgraded".
fn nothing_done(said: &str) -> bool {
    said.lines().any(|line| line.starts_with("0 upgraded, 0 newly installed, 0 to remove"))
}

pub(crate) const STATUS: &str = "/var/lib/dpkg/status";
/// Where apt keeps which packages were installed only because others needed them.
const EXTENDED: &str = "/var/lib/apt/extended_states";
const STAMP: &str = "/var/lib/apt/periodic/update-success-stamp";
const LISTS: &str = "/var/lib/apt/lists";

impl Procedure for Apt {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        refuse_options(self.package.iter().map(String::as_str))?;
        host.probe().need("apt-get")?;
        let upgrade = self.upgrade.filter(|upgrade| *upgrade != Upgrade::No);
        if self.clean {
            let ran = host.run(cmd("apt-get").arg("clean").any_rc().does(Effect::Nothing))?;
            if !ran.ok() {
                return Err(Fault::new("apt-get clean failed").with("stdout", ran.out()).with("rc", ran.rc));
            }
            if self.package.is_empty() && upgrade.is_none() && self.deb.is_none() {
                return Ok(Outcome::ok()
                    .changed_if(true)
                    .with("msg", ran.out())
                    .with("stdout", ran.out())
                    .with("stderr", ran.err()));
            }
        }
        let updated = self.update(host)?;
        let mut outcome = self.rest(upgrade, updated, host)?;
        // As Ansible has it: of the lists is told when they are all that was asked for, and when packages are installed.
        let upgrades = self.state == Wanted::Latest && self.package.iter().any(|name| name.trim() == "*");
        let installs = !self.package.is_empty() && self.state != Wanted::Absent && !upgrades;
        let only_lists = self.package.is_empty() && !self.autoremove && !self.autoclean;
        if upgrade.is_none() && self.deb.is_none() && (installs || only_lists) {
            outcome.set("cache_updated", updated);
            outcome.set("cache_update_time", updated_at(host.probe())?);
        }
        Ok(outcome)
    }
}

impl Apt {
    fn rest(&self, upgrade: Option<Upgrade>, updated: bool, host: &mut Host) -> Result<Outcome> {
        let packages: Vec<&str> =
            self.package.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
        if packages.is_empty()
            && upgrade.is_none()
            && self.deb.is_none()
            && !self.autoremove
            && !self.autoclean
        {
            return Ok(Outcome::ok().changed_if(updated));
        }
        if let Some(upgrade) = upgrade {
            return self.upgrade(upgrade, host);
        }
        if let Some(deb) = &self.deb {
            return self.install_files(deb, host);
        }
        if packages.contains(&"*") && self.state == Wanted::Latest {
            if packages.len() > 1 {
                fail!("unable to install additional packages when upgrading all installed packages");
            }
            return self.upgrade(Upgrade::Yes, host);
        }
        if packages.is_empty() {
            return self.clean_up(if self.autoclean { "autoclean" } else { "autoremove" }, host);
        }
        match self.state {
            Wanted::Absent => self.remove(&packages, host),
            Wanted::BuildDep => self.build_dep(&packages, host),
            Wanted::Fixed | Wanted::Latest | Wanted::Present => self.install(&packages, host),
        }
    }

    /// `apt-get` with what all its calls have in common.
    fn apt_get(&self) -> Command {
        let mut command = cmd("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("DEBIAN_PRIORITY", "critical")
            .any_rc()
            .arg("-y")
            .arg("-q");
        for option in self.dpkg_options.split(',').filter(|option| !option.is_empty()) {
            command = command.arg("-o").arg(format!("Dpkg::Options::=--{option}"));
        }
        command
            .arg("-o")
            .arg(format!("DPkg::Lock::Timeout={}", self.lock_timeout))
            .flag("--force-yes", self.force)
    }

    /// Options of calls that install.
    fn installing(&self, command: Command) -> Command {
        let command = command
            .flag("--auto-remove", self.autoremove)
            .flag("--no-remove", self.fail_on_autoremove)
            .flag("--only-upgrade", self.only_upgrade)
            .flag("--fix-broken", self.state == Wanted::Fixed)
            .flag("--allow-unauthenticated", self.allow_unauthenticated)
            .flag("--allow-downgrades", self.allow_downgrade)
            .flag("--allow-change-held-packages", self.allow_change_held_packages)
            .opt("-t", self.default_release.as_ref());
        match self.install_recommends {
            Some(true) => command.arg("-o").arg("APT::Install-Recommends=yes"),
            Some(false) => command.arg("-o").arg("APT::Install-Recommends=no"),
            None => command,
        }
    }

    /// Updates the lists when asked for and due; true: it was done.
    fn update(&self, host: &mut Host) -> Result<bool> {
        if self.update_cache != Some(true) && (self.cache_valid_time == 0 || self.update_cache == Some(false))
        {
            return Ok(false);
        }
        let before = updated_at(host.probe())?;
        let now = seconds(host.probe().now());
        let valid = i64::try_from(self.cache_valid_time).unwrap_or(i64::MAX);
        if before.saturating_add(valid) >= now && valid > 0 {
            return Ok(false);
        }
        let retries = (self.update_cache_retries, self.update_cache_retry_max_delay);
        fetch_lists(retries, self.lock_timeout, host)?;
        // Lists that had not changed keep their time, and nothing was updated then.
        let planned = host.probe().planned(Thing::Other, "apt lists").is_some();
        Ok(planned || updated_at(host.probe())? != before)
    }

    fn install(&self, packages: &[&str], host: &mut Host) -> Result<Outcome> {
        let known = Known::read(host.probe())?;
        let specs = specs(packages, &known, host.probe())?;
        let open: Vec<&Spec> = specs.iter().filter(|spec| self.needs_a_look(spec, &known)).collect();
        let candidates = candidates(&open, &known, self.default_release.as_deref(), host.probe())?;
        let mut wanted = Vec::new();
        for spec in &specs {
            if let Some(word) = self.to_install(spec, &known, &candidates, host.probe())? {
                wanted.push((spec.name.clone(), word));
            }
        }
        // What apt-get is told to install is marked by apt-get itself.
        let rest = specs.iter().map(|spec| spec.name.as_str());
        let rest: Vec<&str> = rest.filter(|name| !wanted.iter().any(|(known, _)| known == name)).collect();
        mark_manual(&rest, &known, host)?;
        if wanted.is_empty() {
            return Ok(Outcome::ok());
        }
        let mut command =
            self.installing(self.apt_get()).arg("install").args(wanted.iter().map(|(_, word)| word));
        for (name, _) in &wanted {
            command = command.does(package(name, "present"));
        }
        self.change(command, host)
    }

    /// Whether dpkg's status alone cannot say that nothing is to be done.
    fn needs_a_look(&self, spec: &Spec, known: &Known) -> bool {
        match known.get(&spec.name) {
            Some(there) if there.is_installed => match &spec.version {
                None => self.state == Wanted::Latest,
                Some((Relation::Equal, version)) => {
                    // Of versions that fit a pattern the newest is installed.
                    self.state == Wanted::Latest
                        || !glob(version, &there.version)
                        || version.contains(['*', '?', '['])
                }
                Some((Relation::AtLeast, _)) => true,
            },
            // What another package provides may be to be had as itself, too; that is the one that is meant then.
            _ => !known.is_planned(&spec.name),
        }
    }

    /// The word to give to apt-get for a package; `None`: it is as wanted.
    fn to_install(
        &self,
        spec: &Spec,
        known: &Known,
        candidates: &HashMap<String, Candidate>,
        probe: &Probe,
    ) -> Result<Option<String>> {
        let there = known.get(&spec.name).filter(|there| there.is_installed);
        if there.is_none() && self.only_upgrade {
            return Ok(None);
        }
        if !self.needs_a_look(spec, known) {
            return Ok(None);
        }
        let candidate = candidates.get(&spec.name);
        let is_virtual = candidate.is_none_or(|candidate| candidate.best.is_none());
        if there.is_none() && spec.version.is_none() && is_virtual && known.provides(&spec.name) {
            return Ok(None);
        }
        if candidate.is_none() && there.is_none() {
            return Err(Fault::absent(format!("No package matching '{}' is available", spec.name)));
        }
        let best = candidate.and_then(|candidate| candidate.best.clone());
        let Some((relation, version)) = &spec.version else {
            let newer = match (there, &best) {
                (Some(there), Some(best)) => there.version != *best,
                (Some(_), None) => false,
                (None, _) => true,
            };
            return Ok(newer.then(|| spec.name.clone()));
        };
        let versions = candidate.map(|candidate| candidate.versions.clone()).unwrap_or_default();
        let fits = |have: &str| -> Result<bool> {
            Ok(match relation {
                Relation::Equal => glob(version, have),
                Relation::AtLeast => at_least(have, version, probe)?,
            })
        };
        let is_good = match there {
            Some(there) => fits(&there.version)?,
            None => false,
        };
        if is_good && self.state != Wanted::Latest && *relation != Relation::Equal {
            return Ok(None);
        }
        for have in &versions {
            if fits(have)? {
                let is_there = there.is_some_and(|there| there.version == *have);
                return Ok((!is_there).then(|| format!("{}={have}", spec.name)));
            }
        }
        if is_good {
            return Ok(None);
        }
        let sign = if *relation == Relation::Equal { "=" } else { ">=" };
        Err(Fault::absent(format!("no available installation candidate for {}{sign}{version}", spec.name)))
    }

    fn build_dep(&self, packages: &[&str], host: &mut Host) -> Result<Outcome> {
        let command = self.installing(self.apt_get()).arg("build-dep").args(packages);
        let simulated =
            host.probe().ask(self.installing(self.apt_get()).arg("-s").arg("build-dep").args(packages))?;
        if simulated.ok() && nothing_done(&simulated.out()) {
            return Ok(Outcome::ok().with("stdout", simulated.out()).with("stderr", simulated.err()));
        }
        self.change(command, host)
    }

    fn remove(&self, packages: &[&str], host: &mut Host) -> Result<Outcome> {
        let known = Known::read(host.probe())?;
        let mut wanted = Vec::new();
        for spec in specs(packages, &known, host.probe())? {
            let Some(there) = known.get(&spec.name) else { continue };
            let fits = match &spec.version {
                None => true,
                Some((Relation::Equal, version)) => glob(version, &there.version),
                Some((Relation::AtLeast, version)) => at_least(&there.version, version, host.probe())?,
            };
            if (there.is_installed && fits) || (there.has_files && self.purge) {
                wanted.push(spec.name);
            }
        }
        if wanted.is_empty() {
            return Ok(Outcome::ok());
        }
        let mut command = self
            .apt_get()
            .flag("--purge", self.purge)
            .flag("--auto-remove", self.autoremove)
            .flag("--allow-change-held-packages", self.allow_change_held_packages)
            .arg("remove")
            .args(&wanted);
        for name in &wanted {
            command = command.does(package(name, "absent"));
        }
        self.change(command, host)
    }

    fn clean_up(&self, verb: &str, host: &mut Host) -> Result<Outcome> {
        let command = || self.apt_get().flag("--purge", self.purge);
        let simulated = host.probe().ask(command().arg("-s").arg(verb))?;
        let nothing = match verb {
            "autoremove" => nothing_done(&simulated.out()) || !simulated.out().contains("Remv "),
            _ => !simulated.out().lines().any(|line| line.starts_with("Del ")),
        };
        if simulated.ok() && nothing {
            return Ok(Outcome::ok().with("stdout", simulated.out()).with("stderr", simulated.err()));
        }
        self.change(command().arg(verb).does(Effect::Nothing), host)
    }

    fn upgrade(&self, how: Upgrade, host: &mut Host) -> Result<Outcome> {
        let verbs: &[&str] = match how {
            Upgrade::Dist | Upgrade::Full => &["dist-upgrade"],
            Upgrade::Safe | Upgrade::Yes | Upgrade::No => &["upgrade", "--with-new-pkgs"],
        };
        let command = || {
            self.apt_get()
                .flag("--auto-remove", self.autoremove)
                .flag("--no-remove", self.fail_on_autoremove)
                .flag("--allow-unauthenticated", self.allow_unauthenticated)
                .flag("--allow-downgrades", self.allow_downgrade)
                .opt("-t", self.default_release.as_ref())
        };
        let simulated = host.probe().ask(command().arg("-s").args(verbs))?;
        if simulated.ok() && nothing_done(&simulated.out()) {
            let words = simulated.out();
            return Ok(Outcome::ok()
                .with("msg", words.clone())
                .with("stdout", words)
                .with("stderr", simulated.err()));
        }
        let outcome = self.change(command().args(verbs).does(package("(upgraded)", "present")), host)?;
        let words = outcome.get("stdout").cloned().unwrap_or_default();
        Ok(outcome.with("msg", words))
    }

    /// Runs a command that changes packages, with `policy-rc.d` in place if that was asked for.
    fn change(&self, command: Command, host: &mut Host) -> Result<Outcome> {
        let policy = Policy::set(self.policy_rc_d, host)?;
        let words = command.line();
        // What a check run shows is what apt says it would do, as far as apt can tell without the tasks before.
        let told = match host.probe().rehearsing() {
            true => Some(host.probe().ask(command.clone().arg("-s"))?),
            false => None,
        };
        // New lists may have what it does not know of.
        let is_fresh = host.probe().planned(Thing::Other, "apt lists").is_some();
        let told = told.filter(|ran| ran.ok() || !is_fresh);
        let rehearsed = told.is_some();
        let ran = match told {
            Some(told) if !told.ok() => Ok(told),
            told => host.run(command).map(|ran| told.unwrap_or(ran)),
        };
        policy.restore(host)?;
        let ran = ran?;
        if !ran.ok() {
            let errors = ran.err();
            let missing = errors.lines().find_map(|line| line.strip_prefix("E: Unable to locate package "));
            let message = match missing {
                Some(name) => format!("No package matching '{}' is available", name.trim()),
                None => format!("'{words}' failed: {errors}"),
            };
            // In check mode something before may be going to bring what is missing.
            let fault = if rehearsed { Fault::absent(message) } else { Fault::new(message) };
            return Err(fault.with("stdout", ran.out()).with("stderr", errors).with("rc", ran.rc));
        }
        if host.probe().wants_diff() {
            host.diff(Diff { prepared: Some(changes(&ran.out())), ..Diff::default() });
        }
        Ok(Outcome::ok().changed_if(true).with("stdout", ran.out()).with("stderr", ran.err()))
    }
}

/// Marks installed packages that a task names as wanted for themselves, so that no `autoremove` takes them away. As with
/// Ansible, that alone is no change.
fn mark_manual(names: &[&str], known: &Known, host: &mut Host) -> Result<()> {
    let Some(states) = host.probe().read_if_there(EXTENDED)?.filter(|_| !names.is_empty()) else {
        return Ok(());
    };
    let states = String::from_utf8_lossy(&states).into_owned();
    let mut automatic: HashSet<&str> = HashSet::new();
    for paragraph in states.split("\n\n") {
        let has = |line: &str| paragraph.lines().any(|known| known.trim_end() == line);
        if has("Auto-Installed: 1") {
            automatic.extend(paragraph.lines().find_map(|line| line.strip_prefix("Package:")).map(str::trim));
        }
    }
    let is_installed = |name: &str| known.get(name).is_some_and(|there| there.is_installed);
    let bare = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
    let marked: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| is_installed(name) && automatic.contains(bare(name).as_str()))
        .collect();
    if marked.is_empty() {
        return Ok(());
    }
    if host.which("apt-mark").is_none() {
        host.warn("Could not find apt-mark binary, not marking package(s) as manually installed.");
        return Ok(());
    }
    let ran = host.run(cmd("apt-mark").arg("manual").args(&marked).any_rc().does(Effect::Nothing))?;
    if !ran.ok() {
        let message = format!("'apt-mark manual {}' failed: {}", marked.join(" "), ran.err());
        return Err(Fault::new(message)
            .with("stdout", ran.out())
            .with("stderr", ran.err())
            .with("rc", ran.rc));
    }
    Ok(())
}

/// `policy-rc.d` for the time of one command.
struct Policy {
    /// What was there before; `None`: nothing was asked for.
    before: Option<Option<Vec<u8>>>,
}

const POLICY: &str = "/usr/sbin/policy-rc.d";

impl Policy {
    fn set(code: Option<i64>, host: &mut Host) -> Result<Self> {
        let Some(code) = code else { return Ok(Self { before: None }) };
        let before = host.probe().read_if_there(POLICY)?;
        let how = Commit { mode: Some(0o755), ..Commit::default() };
        host.write_as(POLICY, &mut format!("#!/bin/sh\nexit {code}\n").as_bytes(), &how)?;
        Ok(Self { before: Some(before) })
    }

    fn restore(self, host: &mut Host) -> Result<()> {
        match self.before {
            None => Ok(()),
            Some(None) => host.remove(POLICY),
            Some(Some(content)) => host.write(POLICY, content),
        }
    }
}

/// dpkg's status with what check mode's plan adds.
struct Known {
    packages: HashMap<String, Installed>,
    provided: HashMap<String, u32>,
    probe: Probe,
}

impl Known {
    fn read(probe: &Probe) -> Result<Self> {
        let text = probe.read_if_there(STATUS)?.unwrap_or_default();
        let mut known = Self { packages: HashMap::new(), provided: HashMap::new(), probe: probe.clone() };
        known.parse(&String::from_utf8_lossy(&text));
        Ok(known)
    }

    fn parse(&mut self, text: &str) {
        for paragraph in text.split("\n\n") {
            let field = |name: &str| {
                paragraph.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
            };
            let (Some(name), Some(status)) = (field("Package"), field("Status")) else { continue };
            let state = status.rsplit(' ').next().unwrap_or_default();
            let entry = Installed {
                version: field("Version").unwrap_or_default().to_owned(),
                is_installed: matches!(state, "installed" | "triggers-awaited" | "triggers-pending"),
                has_files: state != "not-installed",
            };
            if entry.is_installed {
                for provided in field("Provides").unwrap_or_default().split(',') {
                    let provided = provided.split('(').next().unwrap_or_default().trim();
                    if !provided.is_empty() {
                        *self.provided.entry(provided.to_owned()).or_default() += 1;
                    }
                }
            }
            if let Some(architecture) = field("Architecture") {
                self.packages.insert(format!("{name}:{architecture}"), entry.clone());
            }
            // Of several architectures the installed one counts for the bare name.
            if entry.is_installed || !self.packages.contains_key(name) {
                self.packages.insert(name.to_owned(), entry);
            }
        }
    }

    fn get(&self, name: &str) -> Option<&Installed> {
        self.packages.get(name)
    }

    /// Whether an earlier task of a check run would have installed it.
    fn is_planned(&self, name: &str) -> bool {
        self.probe.planned(Thing::Package, name).is_some_and(|state| state != "absent")
    }

    /// Whether an installed package stands in for this name.
    fn provides(&self, name: &str) -> bool {
        self.provided.contains_key(name) && !self.packages.contains_key(name)
    }
}

/// What could be installed of a package.
struct Candidate {
    best: Option<String>,
    versions: Vec<String>,
}

/// Takes the entries of `package` apart; patterns become the names that they match.
fn specs(packages: &[&str], known: &Known, probe: &Probe) -> Result<Vec<Spec>> {
    let mut specs = Vec::new();
    for package in packages {
        if package.matches('=').count() > 1 {
            fail!("invalid package spec: {package}");
        }
        let (name, version) = match package.split_once(">=") {
            Some((name, version)) => (name, Some((Relation::AtLeast, version.to_owned()))),
            None => match package.split_once('=') {
                Some((name, version)) => (name, Some((Relation::Equal, version.to_owned()))),
                None => (*package, None),
            },
        };
        if !name.contains(['*', '?', '[', ']', '!']) {
            specs.push(Spec { name: name.to_owned(), version });
            continue;
        }
        let all = probe.ask(cmd("apt-cache").arg("pkgnames"))?.out();
        let own = known.packages.keys().map(String::as_str).filter(|name| !name.contains(':'));
        let mut matching: Vec<&str> =
            all.lines().chain(own).filter(|candidate| glob(name, candidate)).collect();
        matching.sort_unstable();
        matching.dedup();
        if matching.is_empty() {
            return Err(Fault::absent(format!("No package(s) matching '{name}' available")));
        }
        specs.extend(
            matching.into_iter().map(|name| Spec { name: name.to_owned(), version: version.clone() }),
        );
    }
    Ok(specs)
}

/// What apt could install of packages, from one call.
fn candidates(
    specs: &[&Spec],
    known: &Known,
    release: Option<&str>,
    probe: &Probe,
) -> Result<HashMap<String, Candidate>> {
    if specs.is_empty() {
        return Ok(HashMap::new());
    }
    let mut command = cmd("apt-cache").arg("policy");
    if let Some(release) = release {
        command = command.arg("-o").arg(format!("APT::Default-Release={release}"));
    }
    let ran = probe.ask(command.args(specs.iter().map(|spec| &spec.name)).any_rc())?;
    let mut all = policies(&ran.out());
    // Names that only others provide are not in `policy`; apt-get sorts them out.
    for spec in specs.iter().filter(|spec| !spec.name.contains(':') && !known.provides(&spec.name)) {
        if !all.contains_key(&spec.name) {
            let shown = probe.ask(cmd("apt-cache").arg("showpkg").arg(&spec.name).any_rc())?.out();
            let providers = shown.split("Reverse Provides:").nth(1).unwrap_or_default();
            let is_fresh = probe.planned(Thing::Other, "apt lists").is_some();
            if providers.lines().any(|line| !line.trim().is_empty()) || is_fresh {
                all.insert(spec.name.clone(), Candidate { best: None, versions: Vec::new() });
            }
        }
    }
    Ok(all)
}

/// Reads `apt-cache policy`.
fn policies(text: &str) -> HashMap<String, Candidate> {
    let mut all: HashMap<String, Candidate> = HashMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if !line.starts_with(' ') {
            name = line.trim_end_matches(':').to_owned();
            continue;
        }
        let entry = line.trim();
        if let Some(best) = entry.strip_prefix("Candidate: ") {
            if best != "(none)" {
                all.insert(name.clone(), Candidate { best: Some(best.to_owned()), versions: Vec::new() });
            }
            continue;
        }
        // Lines of the version table: `*** 1.2 500`, or deeper ones with the sources.
        let marked = entry.strip_prefix("*** ");
        let is_version = marked.is_some() || (line.starts_with("     ") && !line.starts_with("        "));
        if is_version
            && let Some(version) = marked.unwrap_or(entry).split_whitespace().next()
            && let Some(candidate) = all.get_mut(&name)
        {
            candidate.versions.push(version.to_owned());
        }
    }
    all
}

fn at_least(have: &str, wanted: &str, probe: &Probe) -> Result<bool> {
    let ran =
        probe.ask(cmd("dpkg").arg("--compare-versions").arg(have).arg("ge").arg(wanted).accept(&[0, 1]))?;
    Ok(ran.rc == 0)
}

fn package(name: &str, state: &str) -> Effect {
    Effect::Set { thing: Thing::Package, name: name.to_owned(), state: state.to_owned() }
}

/// Fetches the lists of packages; `retries` is how often, and the longest pause between in seconds.
pub(crate) fn fetch_lists(retries: (u32, u64), lock_timeout: u32, host: &mut Host) -> Result<()> {
    let (tries, longest) = retries;
    let command = cmd("apt-get").arg("update").arg("-q").any_rc();
    let command = command.arg("-o").arg(format!("DPkg::Lock::Timeout={lock_timeout}"));
    let mut words = String::new();
    for attempt in 0..tries.max(1) {
        let ran = host.run(command.clone().does(Effect::Set {
            thing: Thing::Other,
            name: "apt lists".to_owned(),
            state: "updated".to_owned(),
        }))?;
        if ran.ok() {
            return Ok(());
        }
        words = ran.err().trim().to_owned();
        if attempt + 1 < tries {
            let pause = 2_u64.saturating_pow(attempt).min(longest);
            host.probe().warn(format!(
                "Failed to update cache after {} retries due to {words}, retrying",
                attempt + 1
            ));
            host.run(cmd("sleep").arg(pause.to_string()).does(Effect::Nothing))?;
        }
    }
    Err(Fault::new(format!("Failed to update apt cache after {tries} retries: {words}")))
}

/// When the lists were updated last, in seconds since 1970; 0: never.
fn updated_at(probe: &Probe) -> Result<i64> {
    let stat = match probe.stat(STAMP)? {
        Some(stat) => Some(stat),
        None => probe.stat(LISTS)?,
    };
    Ok(stat.map_or(0, |stat| stat.modified.seconds))
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).ok().and_then(|past| i64::try_from(past.as_secs()).ok()).unwrap_or(0)
}

/// The part of apt-get's output that says what changes.
fn changes(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let start = lines.iter().position(|line| *line == "Reading state information...").map_or(0, |at| at + 1);
    let is_end = |line: &&str| {
        line.starts_with(|c: char| c.is_ascii_digit())
            && (line.contains(" upgraded") || line.contains(" packages upgraded"))
    };
    let end = lines.iter().position(is_end).map_or(lines.len(), |at| at + 1);
    lines.get(start..end).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DPKG: &str = "Package: curl\nStatus: install ok installed\nVersion: 7.88.1-10\nArchitecture: amd64\n\n\
                        Package: exim4\nStatus: install ok installed\nVersion: 4.96-15\nArchitecture: all\n\
                        Provides: mail-transport-agent (= 1), smtp\n\n\
                        Package: nginx\nStatus: deinstall ok config-files\nVersion: 1.22.1-9\nArchitecture: amd64\n";
    const POLICY_OF_NGINX: &str = "nginx:\n  Installed: (none)\n  Candidate: 1.22.1-9\n  Version table:\n     1.22.1-9 500\n        500 somewhere\n";

    fn world() -> World {
        World::new()
            .program("apt-get")
            .file(STATUS, DPKG)
            .says("apt-cache policy nginx", POLICY_OF_NGINX)
            .says("apt-get *", "")
    }

    #[test]
    fn nothing_is_run_for_what_is_installed_already() {
        conform::<Apt>("{ name: [curl], state: present }", world()).unchanged().ran([]);
    }

    /// apt provides apt-transport-https, which is a package of its own in some releases and a mere name in others.
    #[test]
    fn what_another_package_provides_is_installed_only_if_it_is_to_be_had_as_itself() {
        let task = "{ name: [curl, mail-transport-agent], state: present }";
        let world = |policy: &str| world().says("apt-cache policy mail-transport-agent", policy);
        let mere_name = "mail-transport-agent:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n";
        conform::<Apt>(task, world(mere_name)).unchanged().ran([]);
        conform::<Apt>(task, world("")).unchanged().ran([]);
        let package = POLICY_OF_NGINX.replace("nginx", "mail-transport-agent");
        let done = conform::<Apt>(task, world(&package)).changed();
        assert!(done.commands()[0].ends_with(" install mail-transport-agent"), "{:?}", done.commands());
    }

    #[test]
    fn ten_upgraded_are_not_nothing() {
        let upgraded = "10 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n";
        let world = |said: &str| self::world().says("apt-get *", said);
        for args in ["{ upgrade: dist }", "{ name: '*', state: latest }", "{ name: nginx, state: build-dep }"]
        {
            conform::<Apt>(args, world(upgraded)).changed();
            conform::<Apt>(args, world(upgraded.trim_start_matches('1'))).unchanged();
        }
    }

    #[test]
    fn of_versions_that_fit_a_pattern_the_newest_is_installed() {
        let table = "curl:\n  Installed: 7.88.1-10\n  Candidate: 8.0\n  Version table:\n     8.0 500\n        500 x\n     7.88.1-11 500\n        500 x\n *** 7.88.1-10 100\n        100 /var/lib/dpkg/status\n";
        let world = || world().says("apt-cache policy curl", table);
        let done = conform::<Apt>("{ name: 'curl=7.88.*' }", world()).changed();
        assert!(done.commands()[0].ends_with(" install curl=7.88.1-11"), "{:?}", done.commands());
        conform::<Apt>("{ name: curl=7.88.1-10 }", world()).unchanged().ran([]);
        conform::<Apt>("{ name: 'curl=7.88.1-1[0]' }", world()).unchanged().ran([]);
    }

    #[test]
    fn a_check_fails_where_apt_would() {
        let held = || Ran::failed(100, "E: Held packages were changed\n");
        let done = conform::<Apt>("{ name: nginx }", world().answers("apt-get *", held()));
        assert!(done.check().failed && done.outcome().failed);
        assert!(done.check().message().ends_with("E: Held packages were changed\n"));
    }

    #[test]
    fn a_named_package_that_came_along_with_others_is_marked_as_wanted() {
        let states = "Package: curl\nArchitecture: amd64\nAuto-Installed: 1\n\n\
                      Package: exim4\nArchitecture: all\nAuto-Installed: 0\n";
        let world = || self::world().program("apt-mark").file(EXTENDED, states);
        let world = || world().says("apt-cache policy smtp", "");
        conform::<Apt>("{ name: [curl, exim4, smtp] }", world()).unchanged().ran(["apt-mark manual curl"]);
        conform::<Apt>("{ name: exim4 }", world()).unchanged().ran([]);
        let bare = self::world().file(EXTENDED, states);
        let done = conform::<Apt>("{ name: curl }", bare).unchanged().ran([]);
        assert!(done.outcome().warnings[0].contains("Could not find apt-mark binary"));
    }

    #[test]
    fn a_package_that_is_nowhere_is_named() {
        let world = world().says("apt-cache policy nosuch", "").says("apt-cache showpkg nosuch", "");
        conform::<Apt>("{ name: nosuch }", world).failed("No package matching 'nosuch' is available");
    }

    #[test]
    fn left_over_configuration_is_purged_but_not_removed() {
        conform::<Apt>("{ name: nginx, state: absent }", world()).unchanged();
    }

    #[test]
    fn reads_versions_that_could_be_installed() {
        let text = "a:\n  Installed: 1\n  Candidate: 2\n  Version table:\n     2 500\n        500 x\n *** 1 100\n        100 y\n";
        let all = policies(text);
        let a = all.get("a").unwrap();
        assert_eq!((a.best.as_deref(), a.versions.join(" ")), (Some("2"), "2 1".to_owned()));
    }
}
