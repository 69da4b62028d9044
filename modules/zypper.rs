//! Manage packages of SUSE with zypper.
//!
//! ```yaml
//! - community.general.zypper: { name: [ nginx, git ] }
//! - community.general.zypper: { name: 'docker>=1.10', state: present, update_cache: true }
//! - community.general.zypper: { name: /tmp/own.rpm, disable_gpg_check: true }
//! - community.general.zypper: { name: telnet, state: absent, clean_deps: true }
//! - community.general.zypper: { name: '*', state: latest, type: patch }
//! - community.general.zypper: { name: '*', state: dist-upgrade, allow_vendor_change: true }
//! ```
use std::collections::BTreeMap;

use shevek_kit::prelude::*;
use shevek_xml::{Document, NodeId, Reading};

/// Arguments of `zypper`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
pub struct Zypper {
    /// The packages: names, with a version behind `=`, `<`, `>` if it matters and `-` before those that go; files;
    /// addresses; `*` for all.
    #[arg(alias = "pkg", required)]
    name: Vec<String>,
    /// Whether they are there.
    #[arg(default = "present")]
    state: State,
    /// What they are.
    #[arg(name = "type", default = "package")]
    kind: Sort,
    /// Further options, before the verb.
    extra_args_precommand: Option<String>,
    /// Take packages without looking at their signatures.
    #[arg(default = false)]
    disable_gpg_check: bool,
    /// Trust keys of repositories that are new, when installing.
    #[arg(default = false)]
    auto_import_keys: bool,
    /// Leave out what packages only recommend.
    #[arg(default = true)]
    disable_recommends: bool,
    /// Install again, older ones too.
    #[arg(default = false)]
    force: bool,
    /// Let zypper find a way where packages are in conflict.
    #[arg(default = false)]
    force_resolution: bool,
    /// Load the lists of packages first.
    #[arg(default = false, alias = "refresh")]
    update_cache: bool,
    /// Take older packages too.
    #[arg(default = false)]
    oldpackage: bool,
    /// Further options, behind the verb.
    extra_args: Option<String>,
    /// With `dist-upgrade`: packages may come from another vendor than before.
    #[arg(default = false)]
    allow_vendor_change: bool,
    /// Packages may replace files of others.
    #[arg(default = false)]
    replacefiles: bool,
    /// Remove what nobody needs then.
    #[arg(default = false)]
    clean_deps: bool,
    /// Show only zypper's messages.
    #[arg(default = false)]
    simple_errors: bool,
    /// Let zypper say less.
    #[arg(default = true)]
    quiet: bool,
    /// It is no failure when a script of a package fails after it is installed.
    #[arg(default = false)]
    skip_post_errors: bool,
}

/// Whether packages are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum State {
    /// They are not.
    Absent,
    /// They are.
    Installed,
    /// They are, and new.
    Latest,
    /// They are.
    Present,
    /// They are not.
    Removed,
    /// All are as the repositories have them.
    #[choice("dist-upgrade")]
    DistUpgrade,
}

/// What is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "zypper's words")]
pub enum Sort {
    Package,
    Patch,
    Pattern,
    Product,
    Srcpackage,
    Application,
}

/// A package that the task means.
#[derive(Debug, PartialEq)]
struct Package<'a> {
    name: &'a str,
    /// A comparison and a version, or nothing.
    version: &'a str,
    goes: Option<bool>,
}

impl<'a> Package<'a> {
    fn read(text: &'a str) -> Self {
        let (goes, text) = match text.strip_prefix(['-', '~']) {
            Some(rest) => (Some(true), rest),
            None => text.strip_prefix('+').map_or((None, text), |rest| (Some(false), rest)),
        };
        let is_version = |rest: &str| {
            let number = ["<=", ">=", "<", ">", "="].iter().find_map(|sign| rest.strip_prefix(sign));
            number.is_some_and(|n| n.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-'))
        };
        let at = text.char_indices().map(|(at, _)| at).find(|at| text.get(*at..).is_some_and(is_version));
        let (name, version) = text.split_at(at.unwrap_or(text.len()));
        Package { name, version, goes }
    }
}

/// How a call of zypper went.
#[derive(Default)]
struct Went {
    rc: i32,
    out: String,
    err: String,
    cmd: Option<Val>,
    /// What happened to which package.
    done: Vec<Done>,
}

struct Done {
    name: String,
    group: String,
    old: String,
    new: String,
}

impl Went {
    /// What changed, in Ansible's words.
    fn summary(&self) -> String {
        let upgraded = |done: &Done| format!("{} ({} => {})", done.name, done.old, done.new);
        let named = |done: &Done| done.name.clone();
        let line = |word: &str, group: &str, show: &dyn Fn(&Done) -> String| {
            let all: Vec<String> = self.done.iter().filter(|done| done.group == group).map(show).collect();
            if all.is_empty() { String::new() } else { format!("{word}: {}\n", all.join(", ")) }
        };
        line("installed", "to-install", &named)
            + &line("removed", "to-remove", &named)
            + &line("upgraded", "to-upgrade", &upgraded)
    }

    fn fault(self, words: impl Into<String>) -> Fault {
        let fault = Fault::new(words).with("rc", self.rc).with("stdout", self.out).with("stderr", self.err);
        self.cmd.into_iter().fold(fault, |fault, cmd| fault.with("cmd", cmd))
    }
}

impl Procedure for Zypper {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let program = host.need("zypper")?;
        let base = cmd(program).env("LANG", "C").env("LC_ALL", "C").any_rc();
        let names: Vec<&str> = self.name.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        refuse_options(names.iter().map(|name| Package::read(name).name))?;
        let is_all = names == ["*"];
        if self.update_cache && !host.rehearsing() {
            let command = self.command(&base, "refresh", host).does(Effect::Nothing);
            let went = self.call(host, command)?;
            if went.rc != 0 {
                return Err(went.fault("Zypper refresh run failed."));
            }
        }
        let went = match self.state {
            State::Latest | State::DistUpgrade if is_all => {
                let verb = match (self.kind, self.state) {
                    (Sort::Patch, _) => "patch",
                    (_, State::DistUpgrade) => "dist-upgrade",
                    _ => "update",
                };
                let command = self.command(&base, verb, host).does(Effect::Nothing);
                self.call(host, command)?
            }
            State::DistUpgrade => fail!("Can not dist-upgrade specific packages."),
            State::Absent | State::Removed => self.remove(host, &base, &names)?,
            _ => self.install(host, &base, &names)?,
        };
        let is_fine = matches!(went.rc, 0 | 102);
        if !is_fine {
            return Err(went.fault("Zypper run failed."));
        }
        let changed = !went.done.is_empty();
        host.diff(Diff { prepared: Some(went.summary()), ..Diff::default() });
        let mut outcome = Outcome::ok()
            .changed_if(changed)
            .with("name", names)
            .with("state", self.state)
            .with("update_cache", self.update_cache)
            .with("rc", went.rc);
        if let Some(cmd) = went.cmd {
            outcome.set("cmd", cmd);
        }
        if changed {
            outcome.set("stdout", went.out);
            outcome.set("stderr", went.err);
        }
        Ok(outcome)
    }
}

/// Whether the root is a snapshot that only `transactional-update` may change.
fn is_transactional(host: &Probe) -> Result<bool> {
    if !host.exists("/usr/sbin/transactional-update") {
        return Ok(false);
    }
    let mounts = host.read_if_there("/proc/mounts")?.unwrap_or_default();
    let mounts = String::from_utf8_lossy(&mounts).into_owned();
    let root =
        mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|line| line.get(1) == Some(&"/"));
    Ok(root.is_some_and(|line| {
        let is_read_only = line.get(3).is_some_and(|options| options.split(',').any(|option| option == "ro"));
        line.get(2) == Some(&"btrfs") && is_read_only
    }))
}

impl Zypper {
    /// The options that all calls have, and the verb with its own.
    fn command(&self, base: &Command, verb: &str, host: &Probe) -> Command {
        let installs = matches!(verb, "install" | "update" | "patch" | "dist-upgrade");
        let of = |text: &Option<String>| text.clone().unwrap_or_default();
        let command = base.clone().args(["--non-interactive", "--xmlout"]).flag("--quiet", self.quiet);
        let command = command
            .args(of(&self.extra_args_precommand).split_whitespace())
            .flag("--no-gpg-checks", (installs || verb == "refresh") && self.disable_gpg_check)
            // Differs from Ansible: check mode does not take keys over.
            .flag("--gpg-auto-import-keys", installs && self.auto_import_keys && !host.rehearsing())
            .flag("--disable-repositories", verb == "search")
            .arg(verb);
        let typed = !matches!(verb, "patch" | "dist-upgrade" | "refresh");
        let command = command
            .opt("--type", typed.then(|| self.kind.word()))
            .flag("--dry-run", host.rehearsing() && verb != "search")
            .flag("--auto-agree-with-licenses", installs)
            .flag("--no-recommends", installs && self.disable_recommends)
            .flag("--force", installs && self.force)
            .flag("--force-resolution", installs && self.force_resolution)
            .flag("--oldpackage", installs && self.takes_old())
            .flag("--replacefiles", installs && self.replacefiles)
            .flag("--clean-deps", verb == "remove" && self.clean_deps)
            .flag("--allow-vendor-change", verb == "dist-upgrade" && self.allow_vendor_change);
        let extra = of(&self.extra_args);
        command.args(extra.split(' ').filter(|word| !word.is_empty()))
    }

    /// Whether older packages are taken; a version implies it.
    fn takes_old(&self) -> bool {
        let installs = !matches!(self.state, State::Absent | State::Removed);
        let is_file = |name: &str| name.contains("://") || name.ends_with(".rpm");
        let mut names = self.name.iter().filter(|name| !is_file(name));
        self.oldpackage || (installs && names.any(|name| !Package::read(name).version.is_empty()))
    }

    fn install(&self, host: &mut Host, base: &Command, names: &[&str]) -> Result<Went> {
        let (files, packages): (Vec<&str>, Vec<&str>) =
            names.iter().partition(|name| name.contains("://") || name.ends_with(".rpm"));
        let packages: Vec<Package<'_>> = packages.into_iter().map(Package::read).collect();
        let mut wanted: Vec<&Package<'_>> = packages.iter().collect();
        if self.state != State::Latest {
            let plain: Vec<&str> = packages
                .iter()
                .filter(|package| package.version.is_empty())
                .map(|package| package.name)
                .collect();
            let there = self.installed(host, base, &plain)?;
            wanted.retain(|package| (package.goes == Some(true)) == there.contains_key(package.name));
        }
        if wanted.is_empty() && files.is_empty() {
            return Ok(Went::default());
        }
        let mut command = self.command(base, "install", host).arg("--").args(&files);
        for package in &wanted {
            let goes = package.goes == Some(true);
            let sign = if goes { '-' } else { '+' };
            command = command.arg(format!("{sign}{}{}", package.name, package.version));
            command = command.does(is(package.name, if goes { "absent" } else { "present" }));
        }
        self.call(host, command.does(Effect::Nothing))
    }

    fn remove(&self, host: &mut Host, base: &Command, names: &[&str]) -> Result<Went> {
        let packages: Vec<Package<'_>> = names.iter().map(|name| Package::read(name)).collect();
        if packages.iter().any(|package| package.goes == Some(false)) {
            fail!("Can not combine '+' prefix with state=remove/absent.");
        }
        if names.iter().any(|name| name.contains("://") || name.ends_with(".rpm")) {
            fail!("Can not remove via URL.");
        }
        if self.kind == Sort::Patch {
            fail!("Can not remove patches.");
        }
        let all: Vec<&str> = packages.iter().map(|package| package.name).collect();
        let there = self.installed(host, base, &all)?;
        let gone: Vec<&Package<'_>> =
            packages.iter().filter(|package| there.contains_key(package.name)).collect();
        if gone.is_empty() {
            return Ok(Went::default());
        }
        // What is only planned, zypper does not know.
        let real: Vec<&&Package<'_>> =
            gone.iter().filter(|package| there.get(package.name) == Some(&true)).collect();
        let mut command = self.command(base, "remove", host);
        for package in &real {
            command = command.arg(format!("{}{}", package.name, package.version));
        }
        for package in &gone {
            command = command.does(is(package.name, "absent"));
        }
        if !real.is_empty() {
            return self.call(host, command);
        }
        host.run(command)?;
        let done = |package: &&Package<'_>| Done {
            name: package.name.to_owned(),
            group: "to-remove".to_owned(),
            old: String::new(),
            new: String::new(),
        };
        Ok(Went { done: gone.iter().map(done).collect(), ..Went::default() })
    }

    /// Which of these are installed, and whether really so or only in check mode's plan.
    fn installed(&self, host: &mut Host, base: &Command, names: &[&str]) -> Result<BTreeMap<String, bool>> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let command = self.command(base, "search", host);
        let command = command.args(["--match-exact", "--details", "--installed-only"]).args(names);
        // A snapshot that waits for the next boot counts, and only `transactional-update` sees into it.
        let ran = match is_transactional(host)? && !host.rehearsing() {
            true => host.run(in_snapshot(command.clone(), host)?.does(Effect::Nothing))?,
            false => host.ask(command.clone())?,
        };
        let went = self.read(&command, ran)?;
        let mut there: BTreeMap<String, bool> = match went.rc {
            104 => BTreeMap::new(),
            _ => went.done.into_iter().map(|done| (done.name, true)).collect(),
        };
        for name in names {
            match host.planned(Thing::Package, name).as_deref() {
                Some("absent") => drop(there.remove(*name)),
                Some(_) => drop(there.entry((*name).to_owned()).or_insert(false)),
                None => {}
            }
        }
        Ok(there)
    }

    /// Runs a call that changes something; check mode lets zypper say what it would do.
    fn call(&self, host: &mut Host, command: Command) -> Result<Went> {
        let transactional = is_transactional(host)?;
        let mut went = Went::default();
        // A zypper that has brought itself up to date wants to be run again.
        for is_first in [true, false] {
            let (shown, ran) = if host.rehearsing() {
                let told = host.ask(Command { effects: Vec::new(), ..command.clone() })?;
                host.run(command.clone())?;
                (command.clone(), told)
            } else {
                let command =
                    if transactional { in_snapshot(command.clone(), host)? } else { command.clone() };
                (command.clone(), host.run(command)?)
            };
            let next = self.read(&shown, ran)?;
            if next.rc == 104 {
                let words = stream(&next.out).ok().and_then(|said| messages(&said).pop());
                return Err(next.fault(words.unwrap_or_else(|| "No provider found".to_owned())));
            }
            let Went { done, .. } = std::mem::replace(&mut went, next);
            let again = is_first && (went.rc == 103 || (went.rc == 107 && self.skip_post_errors));
            let new: Vec<Done> = std::mem::take(&mut went.done);
            went.done = done.into_iter().filter(|old| new.iter().all(|new| new.name != old.name)).collect();
            went.done.extend(new);
            if !again {
                break;
            }
        }
        Ok(went)
    }

    /// What a call said; a failure if it went wrong altogether.
    fn read(&self, command: &Command, ran: Ran) -> Result<Went> {
        let mut went = Went {
            rc: ran.rc,
            out: ran.out(),
            err: ran.err(),
            cmd: Some(command.words()),
            ..Went::default()
        };
        let all = match stream(&went.out) {
            Ok(all) => all,
            Err(why) => return Err(went.fault(format!("Failed to parse zypper xml output: {why}"))),
        };
        if self.simple_errors && went.rc != 104 {
            let messages = messages(&all);
            if !messages.is_empty() {
                went.out = messages.join(" \n");
            }
        }
        if !matches!(went.rc, 0 | 102 | 103 | 104 | 106 | 107) {
            let words = format!("Zypper run command failed with return code {}.", went.rc);
            return Err(went.fault(words));
        }
        for solvable in elements(&all, "solvable") {
            let attribute = |name| all.attribute(solvable, name).unwrap_or_default().to_owned();
            let group = all.parent(solvable).and_then(|group| all.element(group));
            let done = Done {
                name: attribute("name"),
                group: group.map(|group| group.name.to_string()).unwrap_or_default(),
                old: attribute("edition-old"),
                new: attribute("edition"),
            };
            match went.done.iter_mut().find(|known| known.name == done.name) {
                Some(known) => *known = done,
                None => went.done.push(done),
            }
        }
        Ok(went)
    }
}

/// The same command, for the snapshot that the next boot takes.
fn in_snapshot(command: Command, host: &Probe) -> Result<Command> {
    let program = host.need("transactional-update")?;
    let mut args = Vec::from(["--continue", "--drop-if-no-change", "--quiet", "run"].map(Into::into));
    args.push(command.program);
    args.extend(command.args);
    Ok(Command { program: program.into(), args, ..command })
}

fn is(name: &str, state: &str) -> Effect {
    Effect::Set { thing: Thing::Package, name: name.to_owned(), state: state.to_owned() }
}

/// What zypper printed.
fn stream(text: &str) -> Result<Document, shevek_xml::Malformed> {
    Document::read(text.trim_start().as_bytes(), Reading::default())
}

/// The elements of this name, in the order in which they begin.
fn elements(document: &Document, name: &str) -> Vec<NodeId> {
    let (mut found, mut todo) = (Vec::new(), vec![document.root()]);
    while let Some(node) = todo.pop() {
        found.extend(document.element(node).filter(|element| &*element.name == name).map(|_| node));
        todo.extend(document.inner(node).into_iter().rev());
    }
    found
}

fn messages(document: &Document) -> Vec<String> {
    let texts = elements(document, "message").into_iter();
    texts.map(|message| document.text(message).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const Z: &str = "/usr/bin/zypper --non-interactive --xmlout --quiet";

    fn printed(inner: &str) -> String {
        format!("<?xml version='1.0'?>\n<stream>\n{inner}</stream>\n")
    }

    fn search(names: &str) -> String {
        format!(
            "{Z} --disable-repositories search --type package --match-exact --details --installed-only {names}"
        )
    }

    fn world(names: &str, there: &[&str]) -> World {
        let found: String =
            there.iter().map(|name| format!("<solvable status=\"installed\" name=\"{name}\"/>")).collect();
        let none = Ran {
            rc: 104,
            stdout: printed("<message type=\"error\">none</message>").into(),
            ..Ran::default()
        };
        let found = Ran::said(printed(&format!(
            "<search-result><solvable-list>{found}</solvable-list></search-result>"
        )));
        World::new().program("zypper").answers(&search(names), if there.is_empty() { none } else { found })
    }

    /// The same answer for check mode and for the real run.
    fn order(world: World, verb: &str, rest: &str, ran: Ran) -> World {
        let line = |dry: &str| format!("{Z} {verb}{dry}{rest}");
        world.answers(&line(" --dry-run"), ran.clone()).answers(&line(""), ran)
    }

    const INSTALL: &str = " --auto-agree-with-licenses --no-recommends";
    const DONE: &str = "<message type=\"info\">Ok &amp; done</message><install-summary>\
        <to-upgrade><solvable type=\"package\" name=\"git\" edition=\"2-1\" edition-old=\"1-1\"/></to-upgrade>\
        <to-install><solvable type=\"package\" name=\"nginx\" edition=\"1-1\"/></to-install></install-summary>";

    #[test]
    fn what_is_missing_is_installed() {
        let world = world("nginx git", &["git"]);
        let rest = format!("{INSTALL} -- +nginx");
        let world = order(world, "install --type package", &rest, Ran::said(printed(DONE)));
        let done = conform::<Zypper>("{ name: [nginx, git] }", world).changed();
        let prepared: Vec<_> = done.outcome().diff.iter().filter_map(|diff| diff.prepared.clone()).collect();
        assert_eq!(prepared, ["installed: nginx\nupgraded: git (1-1 => 2-1)\n"]);
        let line = format!("{Z} install --type package{rest}");
        done.ran([line.as_str()])
            .gives("rc", 0)
            .gives("name", vec!["nginx", "git"])
            .gives("stdout", printed(DONE))
            .then("{ name: [nginx, git] }")
            .unchanged();
    }

    #[test]
    fn versions_and_files_are_left_to_zypper() {
        let rest = format!("{INSTALL} --oldpackage -- /tmp/x.rpm +git>=2.0 -exim")
            .replace("+git>=2.0", "'+git>=2.0'");
        let world =
            order(world("exim", &["exim"]), "install --type package", &rest, Ran::said(printed(DONE)));
        conform::<Zypper>("{ name: ['git>=2.0', /tmp/x.rpm, '~exim'] }", world).changed();
        let read = |text: &'static str| (Package::read(text).name, Package::read(text).version);
        assert_eq!(read("a<=1.0-2"), ("a", "<=1.0-2"));
        assert_eq!(read("+a=1.0b"), ("a=1.0b", ""));
        assert_eq!(read("-gtk+2=1"), ("gtk+2", "=1"));
    }

    #[test]
    fn packages_go() {
        let gone = "<install-summary><to-remove><solvable name=\"git\" edition=\"1\"/></to-remove></install-summary>";
        let world = order(
            world("git vim", &["git"]),
            "remove --type package",
            " --clean-deps git",
            Ran::said(printed(gone)),
        );
        conform::<Zypper>("{ name: [git, vim], state: absent, clean_deps: yes }", world)
            .changed()
            .gives("state", "absent")
            .then("{ name: [git, vim], state: absent }")
            .unchanged();
        let of = |args: &str| conform::<Zypper>(args, self::world("x", &[]));
        of("{ name: +x, state: absent }").failed("Can not combine '+' prefix");
        of("{ name: /x.rpm, state: absent }").failed("Can not remove via URL.");
        of("{ name: [x, --root=/x], state: absent }").failed("'-root=/x' is no name");
        of("{ name: x, state: absent, type: patch }").failed("Can not remove patches.");
        of("{ name: x, state: dist-upgrade }").failed("Can not dist-upgrade specific packages.");
    }

    #[test]
    fn all_is_brought_up_to_date() {
        let none = || Ran::said(printed(""));
        let world = || World::new().program("zypper");
        conform::<Zypper>(
            "{ name: '*', state: latest }",
            order(world(), "update --type package", INSTALL, none()),
        )
        .unchanged();
        conform::<Zypper>(
            "{ name: '*', state: latest, type: patch }",
            order(world(), "patch", INSTALL, Ran { rc: 102, ..Ran::said(printed(DONE)) }),
        )
        .changed()
        .gives("rc", 102);
        let rest = format!("{INSTALL} --allow-vendor-change --x");
        conform::<Zypper>(
            "{ name: '*', state: dist-upgrade, allow_vendor_change: yes, extra_args: --x }",
            order(world(), "dist-upgrade", &rest, none()),
        )
        .unchanged();
        // A zypper that replaced itself is run again.
        let again =
            order(world(), "update --type package", INSTALL, Ran { rc: 103, ..Ran::said(printed(DONE)) });
        let done = conform::<Zypper>("{ name: '*', state: latest }", again).failed("Zypper run failed.");
        assert_eq!(done.commands().len(), 2);
    }

    #[test]
    fn failures_have_zyppers_words() {
        let rest = format!("{INSTALL} -- +x");
        let of = |rc: i32, inner: &str| {
            let ran = Ran { rc, ..Ran::said(printed(inner)) };
            order(world("x", &[]), "install --type package", &rest, ran)
        };
        let missing = "<message type=\"error\">Package 'x' not found.</message><message type=\"error\">No provider of '+x' found.</message>";
        conform::<Zypper>("{ name: x }", of(104, missing))
            .failed("No provider of '+x' found.")
            .gives("rc", 104);
        conform::<Zypper>("{ name: x }", of(8, "")).failed("Zypper run command failed with return code 8.");
        conform::<Zypper>("{ name: x, simple_errors: yes }", of(8, missing))
            .gives("stdout", "Package 'x' not found. \nNo provider of '+x' found.");
        conform::<Zypper>("{ name: x }", of(107, DONE)).failed("Zypper run failed.");
        let odd = order(world("x", &[]), "install --type package", &rest, Ran::said("no XML"));
        conform::<Zypper>("{ name: x }", odd).failed("Failed to parse zypper xml output");
    }

    #[test]
    fn a_root_of_snapshots_is_changed_through_the_next_one() {
        let transactional = "/usr/sbin/transactional-update --continue --drop-if-no-change --quiet run";
        let world = World::new()
            .program("zypper")
            .file("/usr/sbin/transactional-update", "")
            .mode("/usr/sbin/transactional-update", 0o755)
            .file("/proc/mounts", "/dev/sda / btrfs ro,relatime 0 0\n")
            .says(&format!("{transactional} {Z} update --type package{INSTALL}"), &printed(DONE))
            .says(&format!("{Z} update --type package --dry-run{INSTALL}"), &printed(DONE));
        conform::<Zypper>("{ name: '*', state: latest }", world).changed();
    }
}
