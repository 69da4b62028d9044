//! Manage packages of Node.js with npm.
//!
//! ```yaml
//! - community.general.npm: { path: /srv/app }
//! - community.general.npm: { name: coffee-script, version: 1.6.1, path: /srv/app }
//! - community.general.npm: { name: coffee-script, global: true, state: latest }
//! ```
use std::path::PathBuf;

use shevek_kit::json;
use shevek_kit::prelude::*;
use shevek_kit::printed::python_str;

/// Arguments of `npm`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(when(state = "absent", needs("name")))]
pub struct Npm {
    /// The package; left out: those that the folder's `package.json` names.
    name: Option<String>,
    /// The folder that has the packages.
    path: Option<PathBuf>,
    /// The version.
    version: Option<String>,
    /// Leave out what is only needed for development.
    #[arg(default = false)]
    production: bool,
    /// The program; words that it needs may follow.
    executable: Option<String>,
    /// The registry.
    registry: Option<String>,
    /// Whether it is there.
    #[arg(default = "present")]
    state: State,
    /// Run no scripts of packages.
    #[arg(default = false)]
    ignore_scripts: bool,
    /// Run scripts of packages as who runs npm.
    #[arg(default = false)]
    unsafe_perm: bool,
    /// Install exactly what the lock file says.
    #[arg(default = false)]
    ci: bool,
    /// Leave out what is optional.
    #[arg(default = false)]
    no_optional: bool,
    /// Make no links to programs.
    #[arg(default = false)]
    no_bin_links: bool,
    /// Do it in spite of what npm says.
    #[arg(default = false)]
    force: bool,
    /// For the whole system.
    #[arg(default = false)]
    global: bool,
}

/// Whether a package is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum State {
    /// It is.
    Present,
    /// It is not.
    Absent,
    /// It is, and new.
    Latest,
}

impl Procedure for Npm {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        refuse_options(self.name.as_deref())?;
        if self.path.is_none() && !self.global {
            fail!("path must be specified when not using global");
        }
        if self.executable.is_none() {
            host.need("npm")?;
        }
        if let Some(path) = self.path.as_deref().filter(|path| !host.is_folder(path)) {
            if host.exists(path) {
                fail!("path {} is not a directory", path.display());
            }
            make(host, path)?;
        }
        let mut verbs = Vec::new();
        if self.ci {
            verbs.push("ci");
        } else {
            let (installed, is_missing) = self.list(host)?;
            match self.state {
                State::Absent if self.name.as_ref().is_some_and(|name| installed.contains(name)) => {
                    verbs.push("uninstall");
                }
                State::Present | State::Latest if is_missing => verbs.push("install"),
                _ => {}
            }
            if self.state == State::Latest && self.is_outdated(host)? {
                verbs.push("update");
            }
        }
        for verb in &verbs {
            let state = if self.state == State::Absent { "absent" } else { "present" };
            let command = self.command(&[verb], self.production && *verb != "uninstall");
            let command = command.args(self.package()).args(self.registry());
            let effect = Effect::Set { thing: Thing::Other, name: self.thing(), state: state.to_owned() };
            host.run(self.last(command).does(effect))?;
        }
        Ok(Outcome::ok().changed_if(!verbs.is_empty()))
    }
}

/// Makes a folder, with those above it.
fn make(host: &mut Host, path: &std::path::Path) -> Result<()> {
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty() && !host.exists(above)) {
        make(host, above)?;
    }
    host.mkdir(path, 0o777 & !host.identity().umask)
}

impl Npm {
    /// The package as npm takes it.
    fn package(&self) -> Option<String> {
        let name = self.name.as_ref()?;
        match self.version.as_deref().filter(|version| !version.is_empty() && self.state != State::Absent) {
            Some(version) => Some(format!("{name}@{version}")),
            None => Some(name.clone()),
        }
    }

    fn thing(&self) -> String {
        let path = self.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        format!("npm {path} {}", self.package().unwrap_or_default())
    }

    fn registry(&self) -> Vec<String> {
        let registry = self.registry.iter().filter(|registry| !registry.is_empty());
        registry.flat_map(|registry| ["--registry".to_owned(), registry.clone()]).collect()
    }

    /// The command up to the package.
    fn command(&self, words: &[&str], production: bool) -> Command {
        let mut program = self.executable.as_deref().unwrap_or("npm").split(' ');
        let command = cmd(program.next().unwrap_or_default()).args(program).args(words);
        let command = command.flag("--global", self.global).flag("--production", production);
        let command = command.flag("--ignore-scripts", self.ignore_scripts);
        let command = command.flag("--unsafe-perm", self.unsafe_perm);
        match &self.path {
            Some(path) => command.folder(path),
            None => command,
        }
    }

    /// The options that come last.
    fn last(&self, command: Command) -> Command {
        let command = command.flag("--no-optional", self.no_optional);
        command.flag("--no-bin-links", self.no_bin_links).flag("--force", self.force)
    }

    /// Asks npm. A program that only leads to npm is not known to just read: check mode does without it.
    fn ask(&self, host: &mut Host, command: Command) -> Result<String> {
        let command = self.last(command).any_rc();
        if self.path.as_deref().is_some_and(|path| host.rehearsing() && !host.is_folder(path)) {
            return Ok(String::new());
        }
        if command.name() == "npm" {
            return Ok(host.ask(command)?.out());
        }
        if host.rehearsing() {
            return Err(Fault::unknown(format!("what {} would say", command.name())));
        }
        Ok(host.run(command.does(Effect::Nothing))?.out())
    }

    /// What is installed, and whether anything that should be is missing.
    fn list(&self, host: &mut Host) -> Result<(Vec<String>, bool)> {
        let planned = host.planned(Thing::Other, &self.thing());
        if let Some(planned) = planned {
            let there = planned == "present";
            let installed = self.name.iter().cloned().chain(self.package()).filter(|_| there).collect();
            return Ok((installed, !there));
        }
        let command = self.command(&["list", "--json", "--long"], false).args(self.registry());
        let out = self.ask(host, command)?;
        let text = if out.is_empty() { "{}" } else { out.as_str() };
        let data = json::read(text)
            .map_err(|why| Fault::new(format!("Failed to parse NPM output with error {why}")))?;
        let get = |map: &Val, key: &str| -> Option<Val> {
            map.as_map()?.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
        };
        let Some(dependencies) = get(&data, "dependencies") else { return Ok((Vec::new(), true)) };
        let (mut installed, mut is_missing) = (Vec::new(), false);
        for (name, properties) in dependencies.as_map().unwrap_or_default() {
            let says = |key: &str| {
                get(properties, key).is_some_and(|value| {
                    !matches!(value, Val::Null | Val::Bool(false)) && value != Val::from("")
                })
            };
            if says("missing") || says("invalid") {
                is_missing = true;
                continue;
            }
            installed.push(name.clone());
            if let Some(version) = get(properties, "version").filter(|_| says("version")) {
                installed.push(format!("{name}@{}", python_str(&version)));
            }
        }
        is_missing |= self.package().is_some_and(|package| !installed.contains(&package));
        Ok((installed, is_missing))
    }

    /// Whether there are newer versions.
    fn is_outdated(&self, host: &mut Host) -> Result<bool> {
        let command = self.command(&["outdated"], false).args(self.package()).args(self.registry());
        Ok(self.ask(host, command)?.lines().any(|line| !line.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(list: &str) -> World {
        World::new()
            .program("npm")
            .folder("/srv/app")
            .says("npm list --json --long", list)
            .says("npm list --json --long --global", list)
    }

    const LIST: &str = r#"{"dependencies": {"a": {"version": "1.2"}, "b": {"missing": true}}}"#;

    #[test]
    fn what_is_missing_is_installed() {
        conform::<Npm>(
            "{ name: c, path: /srv/app, version: 2.0.0, production: yes, registry: 'http://r' }",
            world("").says("npm list --json --long --registry http://r", "{}"),
        )
        .changed()
        .ran(["npm install --production c@2.0.0 --registry http://r"]);
        let whole = r#"{"dependencies": {"a": {"version": "1.2"}}}"#;
        conform::<Npm>("{ path: /srv/app }", world(whole)).unchanged();
        conform::<Npm>("{ path: /srv/app }", world(LIST)).ran(["npm install"]);
        conform::<Npm>("{ name: a, global: yes, version: '1.2' }", world(whole)).unchanged();
        conform::<Npm>("{ name: a, global: yes, version: '1.3' }", world(whole))
            .ran(["npm install --global a@1.3"]);
        conform::<Npm>("{ name: --prefix=/x, global: yes }", world(whole))
            .failed("taken for an option")
            .ran([]);
        conform::<Npm>("{ name: a }", world(whole)).failed("path must be specified when not using global");
        conform::<Npm>("{ name: a, path: /srv/app }", world("oops")).failed("Failed to parse NPM output");
    }

    #[test]
    fn a_package_is_removed_and_renewed() {
        conform::<Npm>("{ name: a, path: /srv/app, state: absent, production: yes }", world(LIST))
            .ran(["npm uninstall a"])
            .then("{ name: a, path: /srv/app, state: absent }")
            .unchanged();
        conform::<Npm>("{ name: c, path: /srv/app, state: absent }", world(LIST)).unchanged();
        let old = world(r#"{"dependencies": {"a": {}}}"#).says("npm outdated a", "a 1 2 2\n");
        conform::<Npm>("{ name: a, path: /srv/app, state: latest }", old).ran(["npm update a"]);
        conform::<Npm>("{ path: /srv/app, ci: yes }", world("")).ran(["npm ci"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_made() {
        let done = conform::<Npm>("{ name: a, path: /srv/new/app }", world("")).changed();
        assert!(done.probe().is_folder("/srv/new/app"));
        conform::<Npm>("{ name: a, path: /etc/passwd }", world("")).failed("is not a directory");
    }
}
