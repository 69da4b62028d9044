//! Return which packages are installed, as facts.
//!
//! `ansible_facts.packages` has a list under each name, as several versions or architectures of one package may be there.
//!
//! ```yaml
//! - package_facts: { manager: auto }
//! - debug: { var: ansible_facts.packages.openssl }
//! - package_facts: { manager: [apt, rpm], strategy: all }
//! ```
use shevek_kit::prelude::*;

/// Arguments of `package_facts`.
#[derive(Args)]
#[module(query)]
pub struct PackageFacts {
    /// Which package managers to ask; `auto`: those that are there.
    #[arg(default("auto"))]
    manager: Vec<String>,
    /// Whether the first that answers is enough.
    #[arg(default = "first")]
    strategy: Strategy,
}

/// How many managers are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Strategy {
    /// The first that answers.
    First,
    /// All of them.
    All,
}

/// Managers that can be named, in the order in which `auto` tries them, and those that stand for another.
const MANAGERS: [&str; 7] = ["apk", "apt", "pacman", "pkg", "pkg_info", "portage", "rpm"];
const ALIASES: [(&str, &str); 7] = [
    ("dnf", "rpm"),
    ("dnf5", "rpm"),
    ("yum", "rpm"),
    ("zypper", "rpm"),
    ("pkg5", "pkg"),
    ("pkgng", "pkg"),
    ("openbsd_pkg", "pkg_info"),
];

/// One package: its name, and what is told of it.
type Package = (String, Vec<(String, Val)>);

impl Query for PackageFacts {
    fn ask(&self, host: &Probe) -> Result<Outcome> {
        let given: Vec<String> = self.manager.iter().map(|name| name.to_lowercase()).collect();
        let mut wanted: Vec<&str> = given.iter().map(String::as_str).filter(|name| *name != "auto").collect();
        let is_auto = wanted.len() < given.len();
        if is_auto {
            wanted.extend(MANAGERS);
        }
        let is_known =
            |name: &str| MANAGERS.contains(&name) || ALIASES.iter().any(|(alias, _)| *alias == name);
        let unknown: Vec<&str> = wanted.iter().copied().filter(|name| !is_known(name)).collect();
        if !unknown.is_empty() {
            if is_auto {
                fail!("Could not auto detect a usable package manager, check warnings for details.");
            }
            fail!("Unsupported package managers requested: {}", unknown.join(", "));
        }
        let mut packages: Vec<(String, Val)> = Vec::new();
        let (mut found, mut seen) = (false, Vec::new());
        for name in &wanted {
            let name = ALIASES.iter().find(|(alias, _)| alias == name).map_or(*name, |(_, own)| own);
            if (found && self.strategy == Strategy::First) || seen.contains(&name) {
                continue;
            }
            seen.push(name);
            let listed = match list(name, host) {
                None => {
                    if given.iter().any(|given| given == name) {
                        host.warn(format!(
                            "Requested package manager {name} was not usable by this module: it is not there"
                        ));
                    }
                    continue;
                }
                Some(Ok(listed)) => listed,
                Some(Err(fault)) => {
                    host.warn(format!(
                        "Failed to retrieve packages with {name}: Unable to list packages: {}",
                        fault.message
                    ));
                    Vec::new()
                }
            };
            if listed.is_empty() {
                host.warn(format!("Found \"{name}\" but no associated packages"));
            }
            found |= !listed.is_empty();
            gather(&mut packages, listed, name);
        }
        if !found {
            fail!(
                "Could not detect a supported package manager from the following list: {}, or the required Python \
                 library is not installed. Check warnings for details.",
                shevek_kit::printed::python_repr(&wanted.into())
            );
        }
        let mut outcome = Outcome::ok();
        outcome.facts.push(("packages".to_owned(), Val::Map(packages)));
        Ok(outcome)
    }
}

/// Adds packages under their names.
fn gather(packages: &mut Vec<(String, Val)>, mut listed: Vec<Package>, source: &str) {
    listed.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, mut entries) in listed {
        entries.push(("source".to_owned(), source.into()));
        let known = packages.iter().rposition(|(known, _)| *known == name);
        match known.and_then(|at| packages.get_mut(at)) {
            Some((_, Val::List(all))) => all.push(Val::Map(entries)),
            _ => packages.push((name, Val::List(vec![Val::Map(entries)]))),
        }
    }
}

/// The packages of one manager; `None` when it is not there.
fn list(manager: &str, host: &Probe) -> Option<Result<Vec<Package>>> {
    let has = |program: &str| host.which(program).is_some();
    match manager {
        "apt" if host.exists(crate::apt::STATUS) => Some(apt(host)),
        "rpm" if has("rpm") => Some(rpm(host)),
        "pacman" if has("pacman") => Some(pacman(host)),
        "apk" if has("apk") => Some(apk(host)),
        _ => None,
    }
}

fn package(name: &str, entries: &[(&str, &str)]) -> Package {
    let named = std::iter::once(("name".to_owned(), name.into()));
    let rest = entries.iter().map(|(key, value)| ((*key).to_owned(), Val::from(*value)));
    (name.to_owned(), named.chain(rest).collect())
}

/// What dpkg has installed, with where apt would get it from.
fn apt(host: &Probe) -> Result<Vec<Package>> {
    let text = host.read(crate::apt::STATUS)?;
    let text = String::from_utf8_lossy(&text);
    let own = host.ask(cmd("dpkg").arg("--print-architecture").any_rc())?.out().trim().to_owned();
    let mut installed = Vec::new();
    for paragraph in text.split("\n\n") {
        let field = |name: &str| {
            let line = paragraph.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(str::trim).unwrap_or_default()
        };
        let state = field("Status").rsplit(' ').next().unwrap_or_default();
        if !matches!(
            state,
            "installed" | "triggers-awaited" | "triggers-pending" | "half-configured" | "unpacked"
        ) {
            continue;
        }
        let architecture = field("Architecture");
        let name = match architecture {
            "all" | "" => field("Package").to_owned(),
            other if other == own || own.is_empty() => field("Package").to_owned(),
            other => format!("{}:{other}", field("Package")),
        };
        installed.push((name, field("Version"), architecture, field("Section")));
    }
    let origins = origins(host, installed.iter().map(|(name, ..)| name.as_str()))?;
    let described = installed.iter().map(|(name, version, architecture, section)| {
        let origin = origins.iter().find(|(known, _)| known == name).map(|(_, origin)| origin.as_str());
        let details = [
            ("version", *version),
            ("arch", *architecture),
            ("category", *section),
            ("origin", origin.unwrap_or("")),
        ];
        package(name, &details)
    });
    Ok(described.collect())
}

// Differs from Ansible: packages are read from dpkg's status file and `apt-cache policy`, or from `rpm -qa`; the Python
// bindings of apt and rpm are not needed.
/// The origin (`Debian`) of the first source that has the installed version of a package.
fn origins<'a>(host: &Probe, names: impl Iterator<Item = &'a str>) -> Result<Vec<(String, String)>> {
    if host.which("apt-cache").is_none() {
        return Ok(Vec::new());
    }
    // The sources come as ` 500 http://… bookworm/main amd64 Packages`, with `release …,o=Debian,…` below.
    let all = host.ask(cmd("apt-cache").arg("policy").any_rc())?.out();
    let mut sources: Vec<(&str, &str)> = Vec::new();
    for line in all.lines() {
        let line = line.trim();
        if let Some(release) = line.strip_prefix("release ")
            && let Some((_, origin)) = sources.last_mut()
        {
            *origin = release.split(',').find_map(|part| part.strip_prefix("o=")).unwrap_or_default();
        } else if let Some((priority, source)) = line.split_once(' ')
            && priority.parse::<i32>().is_ok()
        {
            sources.push((source.trim(), ""));
        }
    }
    let told = host.ask(cmd("apt-cache").arg("policy").args(names).any_rc())?.out();
    let mut found: Vec<(String, String)> = Vec::new();
    let (mut name, mut inside) = ("", false);
    for line in told.lines() {
        if !line.starts_with(' ') {
            name = line.trim_end_matches(':');
            inside = false;
        } else if line.starts_with(" *** ") {
            inside = true;
        } else if inside && line.starts_with("        ") {
            let source = line.trim().split_once(' ').map(|(_, source)| source.trim()).unwrap_or_default();
            let origin = sources.iter().find(|(known, _)| *known == source).map_or("", |(_, origin)| origin);
            found.push((name.to_owned(), origin.to_owned()));
            inside = false;
        }
    }
    Ok(found)
}

fn rpm(host: &Probe) -> Result<Vec<Package>> {
    let format = "%{NAME}\\t%{VERSION}\\t%{RELEASE}\\t%{EPOCH}\\t%{ARCH}\\n";
    let out = host.ask(cmd("rpm").args(["-qa", "--qf", format]))?.out();
    let read = |line: &str| {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_default();
        let (name, version, release, epoch, arch) = (next(), next(), next(), next(), next());
        let (epoch, arch) = (Some(epoch).filter(|e| *e != "(none)"), Some(arch).filter(|a| *a != "(none)"));
        let mut package = package(name, &[("version", version), ("release", release)]);
        package.1.push(("epoch".to_owned(), epoch.map_or(Val::Null, Val::from)));
        package.1.push(("arch".to_owned(), arch.map_or(Val::Null, Val::from)));
        package
    };
    Ok(out.lines().filter(|line| line.contains('\t')).map(read).collect())
}

fn pacman(host: &Probe) -> Result<Vec<Package>> {
    let out = host.ask(cmd("pacman").arg("-Qi"))?.out();
    let read = |paragraph: &str| {
        let field = |name: &str| {
            let line = paragraph.lines().find_map(|line| {
                let (key, value) = line.split_once(" : ")?;
                (key.trim() == name).then(|| value.trim())
            });
            line.unwrap_or_default()
        };
        let mut package =
            package(field("Name"), &[("version", field("Version")), ("arch", field("Architecture"))]);
        let provides = match field("Provides") {
            "None" => Val::Null,
            some => some
                .split("  ")
                .map(|one| one.split('=').next().unwrap_or(one).trim())
                .collect::<Vec<_>>()
                .into(),
        };
        package.1.push(("provides".to_owned(), provides));
        package
    };
    Ok(out.split("\n\n").filter(|text| text.contains("Name")).map(read).collect())
}

fn apk(host: &Probe) -> Result<Vec<Package>> {
    let out = host.ask(cmd("apk").args(["info", "-v"]))?.out();
    let read = |line: &str| {
        let mut parts = line.rsplitn(3, '-');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(release), Some(version), Some(name)) => {
                package(name, &[("version", version), ("release", release)])
            }
            _ => package(line, &[("version", ""), ("release", "")]),
        }
    };
    Ok(out.lines().map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(done: &Outcome) -> Val {
        done.facts.iter().find(|(name, _)| name == "packages").unwrap().1.clone()
    }

    #[test]
    fn debian_packages_are_told_with_their_origin() {
        let status = "Package: curl\nStatus: install ok installed\nSection: web\nVersion: 7.88\nArchitecture: amd64\n\n\
                      Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n";
        let policy = " 500 http://mirror.example.org/debian bookworm/main amd64 Packages\n     release v=12,o=Debian,a=stable\n";
        let of_curl = "curl:\n  Installed: 7.88\n  Candidate: 7.88\n  Version table:\n *** 7.88 500\n        500 \
                       http://mirror.example.org/debian bookworm/main amd64 Packages\n        100 /var/lib/dpkg/status\n";
        let world = World::new()
            .program("apt-cache")
            .file(crate::apt::STATUS, status)
            .says("dpkg --print-architecture", "amd64\n")
            .says("apt-cache policy", policy)
            .says("apt-cache policy curl", of_curl);
        let done = conform::<PackageFacts>("{}", world).unchanged();
        let all = packages(done.outcome());
        let curl = &all.get("curl").unwrap().as_list().unwrap()[0];
        let shown = ["version", "arch", "category", "origin", "source"]
            .map(|key| curl.get(key).unwrap().as_str().unwrap());
        assert_eq!(shown, ["7.88", "amd64", "web", "Debian", "apt"]);
        assert!(all.get("gone").is_none());
    }

    #[test]
    fn rpm_is_known_by_its_other_names() {
        let world = World::new()
            .program("rpm")
            .says("rpm *", "kernel\t3.10\t514\t(none)\tx86_64\nkernel\t3.11\t1\t2\tx86_64\n");
        let done = conform::<PackageFacts>("{ manager: dnf }", world).unchanged();
        let all = packages(done.outcome());
        let kernels = all.get("kernel").unwrap().as_list().unwrap();
        assert_eq!((kernels.len(), kernels[0].get("epoch")), (2, Some(&Val::Null)));
    }

    #[test]
    fn a_manager_that_is_none_is_refused() {
        conform::<PackageFacts>("{ manager: brew }", World::new())
            .failed("Unsupported package managers requested: brew");
        conform::<PackageFacts>("{ manager: rpm }", World::new()).failed("Could not detect");
    }
}
