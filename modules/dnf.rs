//! Manage packages with dnf.
//!
//! `yum` and `dnf5` are other names of it: the host's own program of those is called.
//!
//! ```yaml
//! - dnf: { name: [httpd, 'mariadb>=10'], state: present }
//! - dnf: { name: '*', state: latest, exclude: kernel* }
//! - dnf: { name: '@Development tools', state: present }
//! - dnf: { name: httpd, state: absent, autoremove: true }
//! ```
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use shevek_kit::prelude::*;

/// Arguments of `dnf`.
#[derive(Args)]
#[module(procedure, aliases("yum", "dnf5"))]
#[rule(
    one_of("name", "list", "update_cache", "autoremove"),
    exclusive("name", "list"),
    exclusive("best", "nobest")
)]
pub struct Dnf {
    /// Packages, groups (`@name`), files and addresses of packages.
    #[arg(alias = "pkg")]
    name: Vec<String>,
    /// Only tell about packages: `installed`, `available`, `updates`, `repos`, or a name.
    list: Option<String>,
    /// What shall be.
    state: Option<Wanted>,
    /// Repositories to switch on for this.
    enablerepo: Vec<String>,
    /// Repositories to switch off for this.
    disablerepo: Vec<String>,
    /// The configuration, instead of the host's.
    conf_file: Option<PathBuf>,
    /// Take packages without a signature.
    #[arg(default = false)]
    disable_gpg_check: bool,
    /// The folder that is taken for the root.
    #[arg(default = "/")]
    installroot: String,
    /// The release whose packages are taken.
    releasever: Option<String>,
    /// Remove what nothing needs any more.
    #[arg(default = false)]
    autoremove: bool,
    /// Packages that are left alone.
    exclude: Vec<String>,
    /// Leave out packages that can't be installed.
    #[arg(default = false)]
    skip_broken: bool,
    /// Fetch the lists of packages first.
    #[arg(default = false, alias = "expire-cache")]
    update_cache: bool,
    /// With `latest`: only packages that are installed.
    #[arg(default = false)]
    update_only: bool,
    /// With `latest`: only updates that mend a security hole.
    #[arg(default = false)]
    security: bool,
    /// With `latest`: only updates that mend a bug.
    #[arg(default = false)]
    bugfix: bool,
    /// Plugins to switch on for this.
    enable_plugin: Vec<String>,
    /// Plugins to switch off for this.
    disable_plugin: Vec<String>,
    /// Which exclusions of the configuration don't count: `all`, `main`, or a repository.
    disable_excludes: Option<String>,
    /// Whether certificates of servers are checked.
    #[arg(default = true)]
    validate_certs: bool,
    /// Whether certificates of repositories are checked.
    #[arg(default = true)]
    sslverify: bool,
    /// Allow an older version than the installed one.
    #[arg(default = false)]
    allow_downgrade: bool,
    /// Accepted; nothing is needed here.
    #[arg(default = true)]
    #[expect(dead_code, reason = "accepted, of no consequence")]
    install_repoquery: bool,
    /// Only download.
    #[arg(default = false)]
    download_only: bool,
    /// Seconds to wait for another dnf to end.
    #[arg(default = 30)]
    lock_timeout: u32,
    /// Whether packages that are only recommended are installed.
    #[arg(default = true)]
    install_weak_deps: bool,
    /// Where packages are downloaded to.
    download_dir: Option<String>,
    /// Allow packages to be removed for others to be installed.
    #[arg(default = false)]
    allowerasing: bool,
    /// Take an older version where the newest can't be installed.
    nobest: Option<bool>,
    /// Fail where the newest version can't be installed.
    best: Option<bool>,
    /// Use only what was fetched before.
    #[arg(default = false)]
    cacheonly: bool,
    /// Which generation of dnf is used, instead of the newest that is there.
    #[arg(default = "auto")]
    use_backend: Backend,
}

/// Generations of dnf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Backend {
    /// The newest that is there.
    Auto,
    /// The fourth.
    Yum,
    /// The fourth.
    Yum4,
    /// The fourth.
    Dnf4,
    /// The fifth.
    Dnf5,
    /// What the host calls so.
    Dnf,
}

impl Backend {
    /// The programs that do, in the order in which they are looked for.
    fn programs(self) -> &'static [&'static str] {
        match self {
            Backend::Auto => &["dnf5", "dnf", "yum"],
            Backend::Dnf => &["dnf", "yum"],
            Backend::Dnf5 => &["dnf5"],
            // Where `dnf` is the fifth, the fourth goes by this name.
            Backend::Yum | Backend::Yum4 | Backend::Dnf4 => &["dnf-3", "dnf", "yum"],
        }
    }
}

/// What shall be of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Wanted {
    /// They aren't there.
    Absent,
    /// They are there.
    Present,
    /// They are there.
    Installed,
    /// They aren't there.
    Removed,
    /// They are there in the newest version.
    Latest,
}

/// Whether a name can be looked up with rpm as it is.
fn is_plain(name: &str) -> bool {
    !name.starts_with('@') && !name.contains(['*', '?', '[', '/', ' ', '<', '>', '='])
}

fn effect(name: &str, state: &str) -> Effect {
    Effect::Set { thing: Thing::Package, name: name.to_owned(), state: state.to_owned() }
}

impl Procedure for Dnf {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let programs = self.use_backend.programs();
        let Some(program) = programs.iter().copied().find(|name| host.which(name).is_some()) else {
            let name = if self.use_backend == Backend::Dnf5 { "dnf5" } else { "dnf" };
            return Err(Fault::absent(format!("Failed to find required executable \"{name}\"")));
        };
        if let Some(what) = &self.list {
            return self.tell(program, what, host);
        }
        let names = self.names();
        refuse_options(names.iter().map(String::as_str))?;
        if self.update_cache {
            let command = self.command(program).arg("makecache").does(Effect::Nothing);
            self.through(command, host)?;
            if names.is_empty() && !self.autoremove {
                return Ok(done(false, "Cache updated", Vec::new()));
            }
        }
        let wanted = self.state.unwrap_or(if self.autoremove { Wanted::Absent } else { Wanted::Present });
        let mut skipped = Vec::new();
        let mut back = None;
        let (command, todo) = match wanted {
            Wanted::Absent | Wanted::Removed => {
                let there: Vec<&String> = self.installed(&names, host)?;
                let missing = names.iter().filter(|name| !there.contains(name));
                skipped = missing.map(|name| format!("No match for argument: {name}")).collect();
                let verb = if self.autoremove { "autoremove" } else { "remove" };
                let todo = !there.is_empty() || (self.autoremove && names.is_empty());
                let mut command = self.command(program).arg(verb);
                for name in there {
                    command = command.arg(name).does(effect(name, "absent"));
                }
                (command, todo)
            }
            Wanted::Present | Wanted::Installed if self.update_only => {
                let there = self.installed(&names, host)?;
                skipped =
                    names.iter().filter(|name| !there.contains(name)).map(|name| without(name)).collect();
                let there: Vec<String> = there.into_iter().cloned().collect();
                self.newest(program, &there, host)?
            }
            Wanted::Present | Wanted::Installed => {
                let there = self.installed(&names, host)?;
                let (mut missing, mut older): (Vec<&String>, Vec<&String>) = (Vec::new(), Vec::new());
                for name in names.iter().filter(|name| !there.contains(name)) {
                    match self.is_newer_there(program, name, host)? {
                        false => missing.push(name),
                        true if self.allow_downgrade => older.push(name),
                        true => {}
                    }
                }
                skipped = names.iter().filter(|n| is_file(n)).map(|n| format!("Installed {n}")).collect();
                if !older.is_empty() {
                    let mut command = self.command(program).arg("downgrade");
                    for name in older {
                        command = command.arg(spec(name)).does(effect(name, "present"));
                    }
                    back = Some(command);
                }
                let todo = !missing.is_empty();
                let mut command = self.command(program).arg("install");
                command = command.flag("--downloadonly", self.download_only);
                for name in missing {
                    command = command.arg(spec(name)).does(effect(name, "present"));
                }
                (command, todo)
            }
            Wanted::Latest => {
                if self.update_only {
                    let there = self.installed(&names, host)?;
                    let missing = names.iter().filter(|name| *name != "*" && !there.contains(name));
                    skipped = missing.map(|name| without(name)).collect();
                }
                self.newest(program, &names, host)?
            }
        };
        let mut results = skipped;
        let mut changed = false;
        for command in Some(command).filter(|_| todo).into_iter().chain(back) {
            let foretold = self.foretell(&command, host)?;
            let out = self.through(command, host)?.out();
            if host.rehearsing() {
                changed |= foretold.as_ref().is_none_or(|rows| !rows.is_empty());
                results.extend(foretold.unwrap_or_default());
                continue;
            }
            let told = match self.download_only {
                true => table(&out).into_iter().map(|row| format!("Downloaded: {}", row.package)).collect(),
                false => transaction(&out),
            };
            let nothing = out.contains("Nothing to do") || out.contains("No packages marked for removal");
            changed |= !nothing && (out.contains("Complete!") || !told.is_empty());
            results.extend(told);
        }
        let message = match (changed, host.rehearsing()) {
            (false, _) => "Nothing to do",
            (true, false) => "",
            (true, true) => "Check mode: No changes made, but would have if not in check mode",
        };
        Ok(done(changed, message, results))
    }
}

fn done(changed: bool, message: &str, results: Vec<String>) -> Outcome {
    Outcome::ok().changed_if(changed).with("msg", message).with("rc", 0).with("results", results)
}

fn without(name: &str) -> String {
    format!("Packages providing {name} not installed due to update_only specified")
}

/// A package as the command line takes it: conditions on versions stand in one word, with blanks.
fn spec(name: &str) -> String {
    match name.find(['<', '>', '=']) {
        Some(at) if !name.contains(' ') && !name.contains('/') => {
            let (package, condition) = name.split_at(at);
            let end = condition.find(|c: char| !"<>=".contains(c)).unwrap_or(condition.len());
            let (operator, version) = condition.split_at(end);
            format!("{package} {operator} {version}")
        }
        _ => name.to_owned(),
    }
}

/// Whether a name is that of a package's file.
fn is_file(name: &str) -> bool {
    name.contains("://") || (name.starts_with('/') && name.ends_with(".rpm"))
}

/// What a transaction did, from the lists below `Installed:` and the like: what came, then what went.
fn transaction(out: &str) -> Vec<String> {
    let (mut came, mut went) = (Vec::new(), Vec::new());
    let mut doing = "";
    for line in out.lines() {
        let words = line.trim();
        let replaced = words.strip_prefix("Cleanup").or_else(|| words.strip_prefix("Obsoleting"));
        if let Some((_, package)) = replaced.and_then(|rest| rest.split_once(": ")) {
            went.extend(package.split_whitespace().next().map(|package| format!("Removed: {package}")));
            continue;
        }
        match line.trim_end() {
            "Installed:" | "Upgraded:" | "Downgraded:" | "Reinstalled:" => doing = "Installed",
            "Removed:" => doing = "Removed",
            "" | "Skipped:" => doing = "",
            entry if !doing.is_empty() && entry.starts_with(' ') => {
                let side = if doing == "Removed" { &mut went } else { &mut came };
                side.extend(entry.split_whitespace().map(|package| format!("{doing}: {package}")));
            }
            _ => {}
        }
    }
    came.append(&mut went);
    came
}

/// A row of the table of what a transaction would do.
struct Row {
    name: String,
    package: String,
    /// Whether it comes; none: in the place of another version.
    comes: Option<bool>,
}

/// The rows of that table. A name that is too long for its column has the others on the next line.
fn table(out: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    let mut heading = "";
    for line in out.lines().take_while(|line| !line.starts_with("Transaction Summary")) {
        if !line.starts_with(' ') {
            heading = line.trim_end();
        }
        if !line.starts_with("  ") {
            words.clear();
        }
        let comes = match heading.split_whitespace().next() {
            Some("Installing" | "Installing:" | "Reinstalling:") => Some(true),
            Some("Removing" | "Removing:") => Some(false),
            Some("Upgrading:" | "Downgrading:") => None,
            _ => continue,
        };
        if !line.starts_with(' ') || words.len() >= 3 {
            continue;
        }
        words.extend(line.split_whitespace());
        if let [name, arch, version, ..] = words.as_slice()
            && version.contains('-')
        {
            let package = format!("{name}-{version}.{arch}");
            rows.push(Row { name: (*name).to_owned(), package, comes });
        }
    }
    rows
}

/// Compares `epoch:version-release`, as rpm does.
fn compare(one: &str, other: &str) -> Ordering {
    let parts = |evr: &str| -> (u64, String, String) {
        let (epoch, rest) = evr.split_once(':').unwrap_or(("0", evr));
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (epoch.parse().unwrap_or(0), version.to_owned(), release.to_owned())
    };
    let ((e1, v1, r1), (e2, v2, r2)) = (parts(one), parts(other));
    e1.cmp(&e2).then_with(|| compare_parts(&v1, &v2)).then_with(|| compare_parts(&r1, &r2))
}

/// Compares runs of digits and of letters in turn; `~` comes before everything, `^` only before more.
fn compare_parts(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        let separates = |c: char| !c.is_ascii_alphanumeric() && c != '~' && c != '^';
        (one, other) = (one.trim_start_matches(separates), other.trim_start_matches(separates));
        for (mark, if_only_one, if_at_end) in
            [('~', Ordering::Less, None), ('^', Ordering::Less, Some(Ordering::Greater))]
        {
            match (one.strip_prefix(mark), other.strip_prefix(mark)) {
                (Some(a), Some(b)) => return compare_parts(a, b),
                (Some(_), None) => return if_at_end.filter(|_| other.is_empty()).unwrap_or(if_only_one),
                (None, Some(_)) => {
                    return if_at_end.filter(|_| one.is_empty()).unwrap_or(if_only_one).reverse();
                }
                (None, None) => {}
            }
        }
        let (Some(a), Some(b)) = (one.chars().next(), other.chars().next()) else {
            return one.len().cmp(&other.len());
        };
        let digits = a.is_ascii_digit();
        if digits != b.is_ascii_digit() {
            return if digits { Ordering::Greater } else { Ordering::Less };
        }
        let run = |text: &str| {
            let ends = |c: char| !c.is_ascii_alphanumeric() || c.is_ascii_digit() != digits;
            text.find(ends).unwrap_or(text.len())
        };
        let ((head, tail), (other_head, other_tail)) = (one.split_at(run(one)), other.split_at(run(other)));
        let order = if digits {
            let (x, y) = (head.trim_start_matches('0'), other_head.trim_start_matches('0'));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        } else {
            head.cmp(other_head)
        };
        if order.is_ne() {
            return order;
        }
        (one, other) = (tail, other_tail);
    }
}

impl Dnf {
    fn names(&self) -> Vec<String> {
        let parts = self.name.iter().flat_map(|name| name.split(','));
        parts.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = cmd(program).arg("-y");
        if let Some(file) = &self.conf_file {
            command = command.arg("-c").arg(file);
        }
        let set = |command: Command, name: &str, values: &[String]| {
            let words =
                values.iter().flat_map(|value| value.split(',')).map(|value| format!("--{name}={value}"));
            command.args(words)
        };
        command = set(command, "disablerepo", &self.disablerepo);
        command = set(command, "enablerepo", &self.enablerepo);
        command = set(command, "exclude", &self.exclude);
        command = set(command, "enableplugin", &self.enable_plugin);
        command = set(command, "disableplugin", &self.disable_plugin);
        if let Some(what) = &self.disable_excludes {
            command = command.arg(format!("--disableexcludes={what}"));
        }
        if self.installroot != "/" {
            command = command.arg(format!("--installroot={}", self.installroot));
        }
        if let Some(release) = &self.releasever {
            command = command.arg(format!("--releasever={release}"));
        }
        if let Some(folder) = &self.download_dir {
            command = command.arg(format!("--setopt=destdir={folder}"));
        }
        if !self.sslverify || !self.validate_certs {
            command = command.arg("--setopt=sslverify=0");
        }
        if !self.install_weak_deps {
            command = command.arg("--setopt=install_weak_deps=False");
        }
        command =
            command.flag("--nogpgcheck", self.disable_gpg_check).flag("--skip-broken", self.skip_broken);
        command = command.flag("--allowerasing", self.allowerasing).flag("--cacheonly", self.cacheonly);
        let best = self.best.or(self.nobest.map(|no| !no));
        command.flag("--best", best == Some(true)).flag("--nobest", best == Some(false))
    }

    /// Runs it; another dnf at work is waited for as long as the task allows.
    fn through(&self, command: Command, host: &mut Host) -> Result<Ran> {
        let command = command.any_rc();
        let mut waited = 0;
        loop {
            let ran = host.run(command.clone())?;
            if ran.ok() {
                return Ok(ran);
            }
            let words = ran.err();
            let is_locked = words.contains("Waiting for process") || words.contains("is locked by another");
            if is_locked && waited < self.lock_timeout {
                host.run(cmd("sleep").arg("1").does(Effect::Nothing))?;
                waited += 1;
                continue;
            }
            return Err(self.failure(&ran));
        }
    }

    /// In check mode: what the resolver would do, in the words of the results. None: it cannot know, since it does not see
    /// what is only planned.
    fn foretell(&self, command: &Command, host: &Probe) -> Result<Option<Vec<String>>> {
        let repositories = Path::new("/etc/yum.repos.d");
        if !host.rehearsing() || host.unsure() || host.as_on_host(repositories).is_err() {
            return Ok(None);
        }
        let mut asked = command.clone().any_rc();
        asked.args.iter_mut().filter(|arg| *arg == "-y").for_each(|arg| *arg = "--assumeno".into());
        let ran = host.ask(asked)?;
        // It fails either because nobody says yes, or for what the real run will fail for.
        let is_asked = format!("{}{}", ran.out(), ran.err()).contains("Operation aborted");
        if !ran.ok() && !is_asked {
            return Err(self.failure(&ran));
        }
        let mut results = Vec::new();
        for row in table(&ran.out()) {
            if self.download_only {
                results.push(format!("Downloaded: {}", row.package));
                continue;
            }
            results.push(match row.comes {
                Some(false) => format!("Removed: {}", row.package),
                _ => format!("Installed: {}", row.package),
            });
            if row.comes.is_none() {
                let there = host.ask(cmd("rpm").args(["-q", &row.name]).any_rc())?.out();
                results.extend(there.lines().map(|package| format!("Removed: {package}")));
            }
        }
        // It would do something that the table does not show as packages, such as marking a group.
        Ok(Some(results).filter(|results| !results.is_empty() || !is_asked))
    }

    /// What dnf says of a failure, in the words of Ansible, which asks dnf's library.
    fn failure(&self, ran: &Ran) -> Fault {
        let words = ran.err();
        let fault = |message: String, failures: Vec<String>| {
            let fault = Fault::new(message).with("failures", failures).with("rc", ran.rc);
            fault.with("results", Val::List(Vec::new()))
        };
        let problem =
            words.split_once("Error:").map(|(_, rest)| rest.trim_start_matches([' ', '\n']).trim_end());
        if let Some(problem) = problem.filter(|problem| problem.starts_with("Problem")) {
            return fault(format!("Depsolve Error occurred: \n {problem}"), Vec::new());
        }
        let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let after = |start: &str| lines.iter().find_map(|line| line.split_once(start)).map(|(_, rest)| rest);
        if let Some(path) = after("Could not open: ") {
            let why = format!("Error occurred attempting remote rpm operation: Could not open: {path}");
            return Fault::new(why).with("rc", ran.rc).with("results", Val::List(Vec::new()));
        }
        if let Some(group) = after("Module or Group '").and_then(|rest| rest.split_once('\'')) {
            return Fault::new(format!("No group {} available.", group.0))
                .with("results", Val::List(Vec::new()));
        }
        // The fourth dnf says so beside its errors.
        let out = ran.out();
        let filtered = out.lines().map(str::trim).chain(lines.iter().copied()).filter_map(|line| {
            let name = line.split_once("filtering for argument: ").map(|(_, name)| name)?;
            Some(format!("{name} {line}"))
        });
        let mut failures: Vec<String> = filtered.collect();
        let none = |name: &str| format!("No package {name} available.");
        if failures.is_empty() && words.contains("There are no enabled repositories") {
            failures = self.names().iter().map(|name| none(name)).collect();
        }
        if failures.is_empty() {
            let missing = lines.iter().filter_map(|line| {
                let found = line.split_once("Unable to find a match: ");
                found.or_else(|| line.split_once("No match for argument: ")).map(|(_, names)| names)
            });
            failures = missing.flat_map(str::split_whitespace).map(none).collect();
            failures.dedup();
        }
        match failures.is_empty() {
            false => fault("Failed to install some of the specified packages".to_owned(), failures),
            true => fault(lines.join("\n"), lines.iter().map(|line| (*line).to_owned()).collect()),
        }
    }

    /// Which of these are there, by name or by what provides them.
    fn installed<'a>(&self, names: &'a [String], host: &Probe) -> Result<Vec<&'a String>> {
        let mut there = Vec::new();
        for name in names {
            let is_there = match host.planned(Thing::Package, name) {
                Some(state) => state != "absent",
                None => {
                    let mut command = cmd("rpm");
                    if self.installroot != "/" {
                        command = command.args(["--root", &self.installroot]);
                    }
                    let pattern = name.contains(['*', '?']);
                    let words: &[&str] =
                        if pattern { &["-qa", name] } else { &["-q", "--whatprovides", name] };
                    let own = match name.starts_with('/') && is_file(name) {
                        true => {
                            let format = "%{name}-%{version}-%{release}.%{arch}";
                            Some(host.ask(cmd("rpm").args(["-qp", "--qf", format, name]).any_rc())?)
                        }
                        false => None,
                    };
                    if let Some(own) = own {
                        let own = own.out();
                        if !own.trim().is_empty() && host.ask(command.args(["-q", own.trim()]).any_rc())?.ok()
                        {
                            there.push(name);
                        }
                        continue;
                    }
                    let removing = matches!(self.state, Some(Wanted::Absent | Wanted::Removed));
                    if !(is_plain(name) || removing && pattern) {
                        // Groups and addresses are dnf's to judge.
                        removing && name.starts_with('@')
                    } else {
                        let ran = host.ask(command.args(words).any_rc())?;
                        let found = ran.ok() && !ran.out().trim().is_empty();
                        // `name-1.2` is no name that something provides.
                        found || (!pattern && host.ask(cmd("rpm").args(["-q", name]).any_rc())?.ok())
                    }
                }
            };
            if is_there {
                there.push(name);
            }
        }
        Ok(there)
    }

    /// Whether a newer version is installed than the one that is named: taking that would be a step back.
    fn is_newer_there(&self, program: &str, name: &str, host: &Probe) -> Result<bool> {
        if name.starts_with('@') || name.contains(['*', '?', '[', '/', ' ', '<', '>']) {
            return Ok(false);
        }
        // dnf takes its time to answer: it is asked only where rpm has what stands before a version.
        let mut is_there = false;
        for (at, _) in name.match_indices(['-', '=']) {
            let (package, version) =
                (name.get(..at).unwrap_or_default(), name.get(at + 1..).unwrap_or_default());
            if version.starts_with(|c: char| c.is_ascii_digit()) {
                is_there |= !self.installed(&[package.to_owned()], host)?.is_empty();
            }
        }
        if !is_there {
            return Ok(false);
        }
        let format = "%{name}\\t%{evr}\\n";
        let of = |which: &str| self.command(program).args(["repoquery", "--qf", format, which]).any_rc();
        let named = host.ask(of("--available").arg("--latest-limit=1").arg(spec(name)))?.out();
        let Some((package, evr)) = named.lines().find_map(|line| line.trim().split_once('\t')) else {
            return Ok(false);
        };
        if package == name {
            return Ok(false);
        }
        let there = host.ask(of("--installed").arg(package))?.out();
        let newest = there.lines().filter_map(|line| line.trim().split_once('\t')).map(|(_, evr)| evr);
        Ok(newest.max_by(|a, b| compare(a, b)).is_some_and(|there| compare(there, evr).is_gt()))
    }

    fn newest(&self, program: &str, names: &[String], host: &Probe) -> Result<(Command, bool)> {
        let everything = names.iter().any(|name| name == "*");
        let there = if everything { Vec::new() } else { self.installed(names, host)? };
        let missing: Vec<&String> =
            names.iter().filter(|name| !everything && !self.update_only && !there.contains(name)).collect();
        let mut check = self.command(program).arg("check-update");
        check = check.flag("--security", self.security).flag("--bugfix", self.bugfix);
        if !everything {
            check = check.args(there.iter().map(|name| name.as_str()));
        }
        // 100: there are updates.
        let has_updates = match everything || !there.is_empty() {
            true => host.ask(check.any_rc())?.rc == 100,
            false => false,
        };
        let only_updates = everything || self.update_only || missing.is_empty();
        let mut command = self.command(program).arg(if only_updates { "upgrade" } else { "install" });
        command = command.flag("--security", self.security && only_updates);
        command = command.flag("--bugfix", self.bugfix && only_updates);
        command = command.flag("--downloadonly", self.download_only);
        if self.allow_downgrade {
            command = command.arg("--setopt=best=False");
        }
        let mut todo = has_updates;
        for name in names.iter().filter(|name| *name != "*") {
            todo |= missing.contains(&name);
            command = command.arg(spec(name)).does(effect(name, "present"));
        }
        Ok((command, todo))
    }

    fn tell(&self, program: &str, what: &str, host: &Probe) -> Result<Outcome> {
        let format = "%{name}\\t%{version}\\t%{release}\\t%{epoch}\\t%{arch}\\t%{repoid}\\n";
        let command = self.command(program).args(["repoquery", "--qf", format]);
        let command = match what {
            "installed" => command.arg("--installed"),
            "available" => command.arg("--available"),
            "updates" | "upgrades" => command.arg("--upgrades"),
            "repos" | "repositories" => {
                let out = host.ask(self.command(program).arg("repolist"))?.out();
                let repos: Vec<Val> = out
                    .lines()
                    .skip(1)
                    .filter_map(|line| line.split_whitespace().next())
                    .map(|id| {
                        Val::Map(vec![
                            ("repoid".to_owned(), id.into()),
                            ("state".to_owned(), "enabled".into()),
                        ])
                    })
                    .collect();
                return Ok(Outcome::ok().with("msg", "").with("results", Val::List(repos)));
            }
            name => command.arg(name),
        };
        let out = host.ask(command)?.out();
        let results = out.lines().filter(|line| line.contains('\t')).map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let field = |at: usize| fields.get(at).copied().unwrap_or_default();
            let (name, version, release, epoch, arch, repo) =
                (field(0), field(1), field(2), field(3), field(4), field(5));
            let state = if repo == "@System" || what == "installed" { "installed" } else { "available" };
            let entries = [
                ("name", name.to_owned()),
                ("version", version.to_owned()),
                ("release", release.to_owned()),
                ("epoch", epoch.to_owned()),
                ("arch", arch.to_owned()),
                ("repo", repo.to_owned()),
                ("envra", format!("{epoch}:{name}-{version}-{release}.{arch}")),
                ("nevra", format!("{epoch}:{name}-{version}-{release}.{arch}")),
                ("yumstate", state.to_owned()),
            ];
            Val::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect())
        });
        Ok(Outcome::ok().with("msg", "").with("results", Val::List(results.collect())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the resolver says when nobody says yes.
    fn foretold() -> Ran {
        let table = " Package Architecture Version Repository Size\n====\nInstalling:\n a-very-long-name-of-a-package\n\
                     \x20     noarch  1.0-1  test  6.0 k\nUpgrading:\n httpd  x86_64  2.5-1  test  6 k\n\
                     Removing dependent packages:\n old  noarch  1-1  @System 1 k\n\nTransaction Summary\n====\nInstall  1 Package\n";
        Ran { stdout: table.into(), ..Ran::failed(1, "Operation aborted.\n") }
    }

    fn world() -> World {
        World::new()
            .program("dnf")
            .says("rpm -q httpd", "httpd-2.4-1.x86_64\n")
            .says("rpm -q --whatprovides httpd", "httpd-2.4-1.x86_64\n")
            .answers("rpm -q --whatprovides vim", Ran::failed(1, ""))
            .answers("rpm -q vim", Ran::failed(1, ""))
            .says("dnf -y install vim", "Installed:\n  vim-9.0-1.x86_64  gpm-1-1.x86_64\n\nComplete!\n")
            .answers("dnf --assumeno *", foretold())
            .says("dnf -y remove httpd", "Removed:\n  httpd-2.4-1.x86_64\n\nComplete!\n")
    }

    #[test]
    fn what_was_skipped_was_not_installed() {
        let out =
            "Installed:\n  one-1.0-1.noarch  two-1.0-1.noarch\nSkipped:\n  needs-1.0-1.noarch\n\nComplete!\n";
        assert_eq!(transaction(out), ["Installed: one-1.0-1.noarch", "Installed: two-1.0-1.noarch"]);
    }

    #[test]
    fn only_what_is_missing_is_installed() {
        conform::<Dnf>("{ name: httpd }", world()).unchanged().gives("msg", "Nothing to do").ran([]);
        let done = conform::<Dnf>("{ name: 'httpd, vim' }", world()).changed().ran(["dnf -y install vim"]);
        done.gives("results", vec!["Installed: vim-9.0-1.x86_64", "Installed: gpm-1-1.x86_64"])
            .gives("rc", 0);
        conform::<Dnf>("{ name: [vim], state: absent }", world()).unchanged();
        conform::<Dnf>("{ name: [httpd], state: removed }", world()).changed().ran(["dnf -y remove httpd"]);
        conform::<Dnf>("{ name: [vim], state: absent }", world())
            .gives("results", vec!["No match for argument: vim"]);
    }

    #[test]
    fn no_step_back_is_taken_unless_it_is_allowed() {
        let format = "'%{name}\\t%{evr}\\n'";
        let world = || {
            world()
                .answers("rpm -q*", Ran::failed(1, ""))
                .says("rpm -q --whatprovides bash", "bash-5.2-1.x86_64\n")
                .says(
                    &format!("dnf -y repoquery --qf {format} --available --latest-limit=1 bash-5.1"),
                    "bash\t5.1-2\n",
                )
                .says(
                    &format!("dnf -y repoquery --qf {format} --available --latest-limit=1 bash-5.10"),
                    "bash\t5.10-1\n",
                )
                .says(&format!("dnf -y repoquery --qf {format} --installed bash"), "bash\t5.2-1\n")
                .says("dnf -y downgrade bash*", "Complete!\n")
                .says("dnf -y install bash*", "Complete!\n")
        };
        conform::<Dnf>("{ name: bash-5.1 }", world()).unchanged().gives("msg", "Nothing to do").ran([]);
        conform::<Dnf>("{ name: bash-5.1, allow_downgrade: yes }", world())
            .ran(["dnf -y downgrade bash-5.1"]);
        conform::<Dnf>("{ name: bash-5.10 }", world()).changed().ran(["dnf -y install bash-5.10"]);
    }

    #[test]
    fn what_is_not_there_is_not_installed_when_only_updates_are_wanted() {
        let world = || world().says("dnf -y check-update httpd", "");
        let done = conform::<Dnf>("{ name: [httpd, vim], update_only: yes }", world()).unchanged().ran([]);
        done.gives("results", vec!["Packages providing vim not installed due to update_only specified"]);
        let done = conform::<Dnf>("{ name: vim, state: latest, update_only: yes }", world()).unchanged();
        done.gives("results", vec!["Packages providing vim not installed due to update_only specified"]);
        let upgraded = "Upgraded:\n  httpd-2.5-1.x86_64\n\nComplete!\n";
        let world = world().answers("dnf -y check-update httpd", Ran { rc: 100, ..Ran::default() });
        let world = world.says("dnf -y upgrade httpd", upgraded);
        conform::<Dnf>("{ name: httpd, update_only: yes }", world).changed().ran(["dnf -y upgrade httpd"]);
    }

    #[test]
    fn the_program_is_the_one_that_is_asked_for() {
        let world = || {
            world()
                .program("dnf5")
                .program("dnf-3")
                .says("dnf-3 -y install vim", "Complete!\n")
                .answers("dnf-3 --assumeno install vim", foretold())
        };
        conform::<Dnf>("{ name: vim, use_backend: dnf4 }", world()).changed().ran(["dnf-3 -y install vim"]);
        let bare = self::world();
        conform::<Dnf>("{ name: vim, use_backend: dnf5 }", bare).failed("executable \"dnf5\"");
        conform::<Dnf>("{ name: vim, use_backend: apt }", world())
            .failed("value of use_backend must be one of");
    }

    #[test]
    fn versions_are_compared_as_rpm_does() {
        for (low, high) in [
            ("1.0-1", "1.0-2"),
            ("1.9-1", "1.10-1"),
            ("9-1", "1:1-1"),
            ("1.0~rc1-1", "1.0-1"),
            ("1.0-1", "1.0a-1"),
            ("1.a-1", "1.1-1"),
            ("1.0-1", "1.0^git1-1"),
        ] {
            assert!(compare(low, high).is_lt(), "{low} {high}");
            assert!(compare(high, low).is_gt(), "{low} {high}");
        }
        assert!(compare("0:1.0-1", "1.0-1").is_eq() && compare("1.05-1", "1.5-1").is_eq());
    }

    #[test]
    fn updates_are_looked_for_first() {
        let world = || world().answers("dnf -y check-update httpd", Ran { rc: 100, ..Ran::default() });
        let upgraded = "Upgraded:\n  httpd-2.5-1.x86_64\n\nComplete!\n";
        conform::<Dnf>("{ name: httpd, state: latest }", world().says("dnf -y upgrade httpd", upgraded))
            .changed()
            .gives("results", vec!["Installed: httpd-2.5-1.x86_64"]);
        let current = world().says("dnf -y check-update httpd", "");
        conform::<Dnf>("{ name: httpd, state: latest }", current).unchanged().ran([]);
    }

    #[test]
    fn what_went_for_what_came_is_told() {
        let out = "  Upgrading        : one-2.0-1.noarch       1/2\n  Cleanup          : one-1.0-1.noarch       2/2\n\n\
                   Upgraded:\n  one-2.0-1.noarch\n\nComplete!\n";
        assert_eq!(transaction(out), ["Installed: one-2.0-1.noarch", "Removed: one-1.0-1.noarch"]);
        let table = " Package Architecture Version Repository Size\n====\nInstalling:\n one  noarch  2.0-1  test  6.0 k\n\n\
                     Transaction Summary\n====\nInstall  1 Package\n";
        assert_eq!(super::table(table)[0].package, "one-2.0-1.noarch");
    }

    #[test]
    fn the_fourth_dnf_is_asked_too() {
        let world = World::new().program("dnf-3").says("rpm -q --whatprovides httpd", "httpd-2.4-1.x86_64\n");
        let world = world.says("dnf-3 -y check-update httpd", "");
        conform::<Dnf>("{ name: httpd, state: latest, use_backend: dnf4 }", world).unchanged().ran([]);
    }

    #[test]
    fn what_a_check_run_says_comes_from_the_resolver() {
        let rows = table(&foretold().out());
        let told: Vec<_> = rows.iter().map(|row| (row.package.as_str(), row.comes)).collect();
        let first = "a-very-long-name-of-a-package-1.0-1.noarch";
        assert_eq!(
            told,
            [(first, Some(true)), ("httpd-2.5-1.x86_64", None), ("old-1-1.noarch", Some(false))]
        );
    }

    #[test]
    fn a_check_run_says_changed_of_what_the_table_does_not_show() {
        let table = "Installing Groups:\n Minimal Install\n\nTransaction Summary\n====\n";
        let asked = Ran { stdout: table.into(), ..Ran::failed(1, "Operation aborted.\n") };
        let world = |answer: Ran, said: &str| {
            let world = World::new().program("dnf").answers("rpm *", Ran::failed(1, ""));
            world.answers("dnf --assumeno *", answer).says("dnf -y install @minimal", said)
        };
        conform::<Dnf>("{ name: '@minimal' }", world(asked, "Complete!\n")).changed();
        let nothing = world(Ran::said("Nothing to do.\n"), "Nothing to do.\n");
        assert!(!conform::<Dnf>("{ name: '@minimal' }", nothing).check().changed);
    }

    #[test]
    fn failures_have_ansibles_words() {
        let world = |said: &str| world().answers("dnf -y install vim", Ran::failed(1, said));
        let said = "Unable to detect release version\nError: \n Problem: conflicting requests\n  - nothing provides x\n";
        conform_apart::<Dnf>("{ name: vim }", world(said))
            .failed("Depsolve Error occurred: \n Problem: conflicting requests\n  - nothing provides x")
            .gives("failures", Vec::<String>::new());
        let said = "All matches were filtered out by exclude filtering for argument: vim\nError: Unable to find a match: vim\n";
        let failures = vec!["vim All matches were filtered out by exclude filtering for argument: vim"];
        conform_apart::<Dnf>("{ name: vim }", world(said))
            .failed("Failed to install")
            .gives("failures", failures);
        conform_apart::<Dnf>("{ name: vim }", world("Module or Group 'x' is not available.\n"))
            .failed("No group x available.");
    }

    #[test]
    fn a_package_that_is_nowhere_is_named() {
        let world =
            world().answers("dnf -y install vim", Ran::failed(1, "Error: Unable to find a match: vim\n"));
        conform_apart::<Dnf>("{ name: vim }", world)
            .failed("Failed to install some of the specified packages")
            .gives("failures", vec!["No package vim available."]);
        assert_eq!(spec("mariadb>=10"), "mariadb >= 10");
    }
}
