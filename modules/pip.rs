//! Manage Python packages with pip.
//!
//! ```yaml
//! - pip: { name: bottle, version: '0.11' }
//! - pip: { name: ['django>1.11.0,<1.12.0', bottle], virtualenv: /srv/venv, virtualenv_command: python3 -m venv }
//! - pip: { requirements: /my_app/requirements.txt, virtualenv: /my_app/venv }
//! ```
use std::path::{Path, PathBuf};

use shevek_kit::prelude::*;
use shevek_kit::words;

/// Arguments of `pip`.
#[derive(Args)]
#[module(procedure)]
#[rule(
    one_of("name", "requirements"),
    exclusive("name", "requirements"),
    exclusive("executable", "virtualenv")
)]
pub struct Pip {
    /// Packages, with versions (`django>=4,<5`) if need be, or addresses of such.
    name: Vec<String>,
    /// The version of the one package.
    version: Option<String>,
    /// A file of requirements on the host.
    requirements: Option<String>,
    /// A virtual environment; it is made if it isn't there.
    virtualenv: Option<PathBuf>,
    /// Whether a new one sees the system's packages.
    #[arg(default = false)]
    virtualenv_site_packages: bool,
    /// The command that makes one.
    #[arg(default = "virtualenv")]
    virtualenv_command: String,
    /// The Python for a new one.
    virtualenv_python: Option<String>,
    /// What shall be.
    #[arg(default = "present")]
    state: Wanted,
    /// Further arguments for pip.
    extra_args: Option<String>,
    /// Install from a folder in place.
    #[arg(default = false)]
    editable: bool,
    /// The folder to run in.
    chdir: Option<PathBuf>,
    /// The pip program.
    executable: Option<String>,
    /// The umask for files that are made, as octal text.
    umask: Option<String>,
    /// Allow to change a Python that the system manages.
    #[arg(default = false)]
    break_system_packages: bool,
}

/// What shall be of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Wanted {
    /// They aren't there.
    Absent,
    /// They are installed again.
    Forcereinstall,
    /// They are there in the newest version.
    Latest,
    /// They are there.
    Present,
}

/// A package's name as PEP 503 compares it.
fn canonical(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// A requirement: the package, and conditions on its version. `None` for addresses and paths.
fn requirement(text: &str) -> Option<(String, Vec<(String, String)>)> {
    if text.contains("://") || text.contains('/') || text.contains(" @ ") {
        return None;
    }
    let text = text.split(';').next().unwrap_or(text);
    let end = text.find(['<', '>', '=', '!', '~', '[', ' ']).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    if let Some(open) = rest.trim_start().strip_prefix('[') {
        rest = open.split_once(']').map_or("", |(_, after)| after);
    }
    let mut conditions = Vec::new();
    for condition in rest.trim().trim_matches(['(', ')']).split(',').map(str::trim).filter(|c| !c.is_empty())
    {
        let at = condition.find(|c: char| !"<>=!~".contains(c)).unwrap_or(condition.len());
        let (operator, version) = condition.split_at(at);
        conditions.push((operator.to_owned(), version.trim().to_owned()));
    }
    Some((canonical(name.trim()), conditions))
}

/// The numbers of a version, without zeros at the end; what follows them as text.
fn parts(version: &str) -> (Vec<u64>, String) {
    let version = version.trim().trim_start_matches('v');
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    let (release, rest) = version.split_at(end);
    let mut numbers: Vec<u64> = release.split('.').filter_map(|n| n.parse().ok()).collect();
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    // What comes before the release itself sorts below it.
    let rest = match rest {
        "" => "m".to_owned(),
        dev if dev.starts_with("dev") => format!("0{dev}"),
        post if post.starts_with("post") || post.starts_with('+') => format!("n{post}"),
        candidate => format!("1{candidate}"),
    };
    (numbers, rest)
}

fn fits(version: &str, conditions: &[(String, String)]) -> bool {
    let is = parts(version);
    conditions.iter().all(|(operator, wanted)| {
        if let Some(start) = wanted.strip_suffix(".*") {
            let same = version == start || version.starts_with(&format!("{start}."));
            return same == (operator != "!=");
        }
        let to = parts(wanted);
        match operator.as_str() {
            "==" | "===" => is == to,
            "!=" => is != to,
            ">=" => is >= to,
            "<=" => is <= to,
            ">" => is > to,
            "<" => is < to,
            "~=" => {
                let above = wanted.rsplit_once('.').map_or("", |(above, _)| above);
                is >= to && version.starts_with(&format!("{above}."))
            }
            _ => false,
        }
    })
}

impl Procedure for Pip {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        if self.state == Wanted::Latest && self.version.is_some() {
            fail!("version is incompatible with state=latest");
        }
        let umask = match self.umask.as_deref().map(|text| u32::from_str_radix(text, 8)) {
            Some(Err(_)) => fail!("umask must be an octal integer"),
            other => other.and_then(std::result::Result::ok),
        };
        let (mut out, mut err) = (String::new(), String::new());
        let mut made = false;
        let environment = self.environment();
        if let Some(folder) = &environment
            && !host.exists(folder.join("bin/activate"))
        {
            made = true;
            let ran = self.make_environment(folder, umask, host)?;
            out.push_str(&ran.out());
            err.push_str(&ran.err());
            if host.rehearsing() {
                return Ok(self.outcome(Outcome::ok().changed_if(true)));
            }
        }
        let packages = self.packages()?;
        let pip = self.pip(host)?;
        let folder = self.folder(host)?;
        let mut command =
            pip_command(&pip).arg(if self.state == Wanted::Absent { "uninstall" } else { "install" });
        command = match self.state {
            Wanted::Absent => command.arg("-y"),
            Wanted::Latest => command.arg("-U"),
            Wanted::Forcereinstall => command.args(["-U", "--force-reinstall"]),
            Wanted::Present => command,
        };
        let extra = self.extra_args.as_deref().unwrap_or_default();
        let extra = words::split(extra).map_err(|why| Fault::new(format!("{extra}: {why}")))?;
        // Differs from Ansible: there the option also comes before `-r`, and with uninstall; pip refuses both.
        let editable = self.editable && self.requirements.is_none() && self.state != Wanted::Absent;
        let editable = editable && !extra.iter().any(|word| word == "-e");
        command = command.args(extra);
        if self.break_system_packages {
            // Versions of pip that don't know the option pass over the variable.
            command = command.env("PIP_BREAK_SYSTEM_PACKAGES", "1");
        }
        command = match &self.requirements {
            Some(file) => command.arg("-r").arg(file),
            // As in Ansible, the option is for the first of them only.
            None => command.flag("-e", editable).args(&packages),
        };
        if let Some(folder) = &environment {
            let path = host.env("PATH").unwrap_or_default();
            command = command.env("PATH", format!("{}/bin:{path}", folder.display()));
        }
        let command = command.umask(umask).folder(folder);
        let shown = command.words();
        if self.requirements.is_none()
            && matches!(self.state, Wanted::Present | Wanted::Absent)
            && packages.iter().all(|package| requirement(package).is_some())
            && let Some(installed) = installed(&pip, host)?
        {
            // Differs from Ansible: pip does not run where its list has all that is wanted, or nothing of what is to go.
            let installed = versions(&installed);
            let is_there = |package: &String| {
                let (name, conditions) = requirement(package).unwrap_or_default();
                installed.iter().any(|(known, version)| *known == name && fits(version, &conditions))
            };
            let todo = match self.state {
                Wanted::Absent => packages.iter().any(is_there),
                _ => !packages.iter().all(is_there),
            };
            if !todo {
                let outcome = Outcome::ok().changed_if(made).with("cmd", shown).with("stdout", out);
                return Ok(self.outcome(outcome.with("stderr", err)));
            }
        }
        // pip installs addresses and files anew each time: what changed, only its list tells.
        let is_address =
            |name: &String| ["svn+", "git+", "hg+", "bzr+"].iter().any(|kind| name.starts_with(kind));
        let before = match self.requirements.is_some() || self.name.iter().any(is_address) {
            true => installed(&pip, host)?,
            false => None,
        };
        let ran = host.run(command.any_rc())?;
        out.push_str(&ran.out());
        err.push_str(&ran.err());
        // To remove what isn't there is no failure.
        if ran.rc != 0 && !(ran.rc == 1 && self.state == Wanted::Absent && err.contains("not installed")) {
            let mut message = String::new();
            if !out.is_empty() {
                message.push_str(&format!("stdout: {out}"));
            }
            if !err.is_empty() {
                message.push_str(&format!("\n:stderr: {err}"));
            }
            return Err(Fault::new(message).with("cmd", shown));
        }
        let changed = match self.state {
            _ if host.rehearsing() => true,
            Wanted::Absent => out.contains("Successfully uninstalled"),
            _ if before.is_some() => installed(&pip, host)? != before,
            _ => out.contains("Successfully installed"),
        };
        let outcome = Outcome::ok().changed_if(changed || made).with("cmd", shown);
        Ok(self.outcome(outcome.with("stdout", out).with("stderr", err)))
    }
}

fn pip_command(pip: &[String]) -> Command {
    let (program, args) = pip.split_first().map_or(("pip3", &[][..]), |(first, rest)| (first.as_str(), rest));
    cmd(program).args(args)
}

/// What is installed, as pip lists it; `None` where it can't.
fn installed(pip: &[String], host: &Probe) -> Result<Option<String>> {
    let ran = host.ask(pip_command(pip).args(["list", "--format=freeze"]).any_rc())?;
    let ran = if ran.ok() { ran } else { host.ask(pip_command(pip).arg("freeze").any_rc())? };
    Ok(ran.ok().then(|| ran.out()))
}

/// The canonical names and the versions of such a list.
fn versions(list: &str) -> Vec<(String, &str)> {
    list.lines()
        .filter_map(|line| line.split_once("=="))
        .map(|(name, version)| (canonical(name), version))
        .collect()
}

impl Pip {
    /// The environment; it may be said from the folder to run in.
    fn environment(&self) -> Option<PathBuf> {
        let folder = self.virtualenv.as_ref()?;
        Some(self.chdir.as_ref().map_or_else(|| folder.clone(), |from| from.join(folder)))
    }

    fn outcome(&self, outcome: Outcome) -> Outcome {
        let text = |value: Option<&String>| value.map_or(Val::Null, Val::from);
        let environment = self.environment().map(|path| path.display().to_string());
        let name = if self.name.is_empty() { Val::Null } else { self.name.clone().into() };
        outcome
            .with("name", name)
            .with("version", text(self.version.as_ref()))
            .with("state", self.state.word())
            .with("requirements", text(self.requirements.as_ref()))
            .with("virtualenv", text(environment.as_ref()))
    }

    /// The packages; conditions that a comma cut off go back to theirs.
    fn packages(&self) -> Result<Vec<String>> {
        let mut packages: Vec<String> = Vec::new();
        let mut inside = false;
        for part in self.name.iter().flat_map(|name| name.split(',')) {
            let belongs = inside || part.trim_start().starts_with(['<', '>', '=', '!', '~']);
            match packages.last_mut().filter(|_| belongs) {
                Some(last) => {
                    last.push(',');
                    last.push_str(part);
                }
                None => packages.push(part.trim().to_owned()),
            }
            inside = (inside || part.contains('[')) && !part.contains(']');
        }
        if let Some(version) = &self.version {
            let [package] = packages.as_mut_slice() else {
                fail!(
                    "'version' argument is ambiguous when installing multiple package distributions. Please specify \
                       version restrictions next to each package in 'name' argument."
                );
            };
            if requirement(package).is_some_and(|(_, conditions)| !conditions.is_empty()) {
                fail!(
                    "The 'version' argument conflicts with any version specifier provided along with a package name. \
                       Please keep the version specifier, but remove the 'version' argument."
                );
            }
            let version = version.trim();
            let equals = if version.starts_with(|c: char| c.is_ascii_digit()) { "==" } else { "" };
            package.push_str(&format!("{equals}{version}"));
        }
        Ok(packages)
    }

    fn folder(&self, host: &Probe) -> Result<PathBuf> {
        match &self.chdir {
            Some(folder) => Ok(folder.clone()),
            None => crate::tempfile::folder(host),
        }
    }

    fn pip(&self, host: &Probe) -> Result<Vec<String>> {
        if let Some(folder) = &self.environment() {
            let found = ["bin/pip3", "bin/pip"]
                .into_iter()
                .map(|name| folder.join(name))
                .find(|path| host.exists(path));
            return match found {
                Some(path) => Ok(vec![path.to_string_lossy().into_owned()]),
                None => Err(Fault::absent(format!(
                    "Unable to find pip in the virtualenv, {}, under any of these names: pip3, pip. Make sure pip is \
                     present in the virtualenv.",
                    folder.display()
                ))),
            };
        }
        let name = self.executable.as_deref().unwrap_or("pip3");
        match host.which(name) {
            Some(path) => Ok(vec![path.to_string_lossy().into_owned()]),
            None => Err(Fault::absent(format!(
                "Unable to find any of {name} to use.  pip needs to be installed."
            ))),
        }
    }

    fn make_environment(&self, folder: &Path, umask: Option<u32>, host: &mut Host) -> Result<Ran> {
        let line = &self.virtualenv_command;
        let mut line = words::split(line).map_err(|why| Fault::new(format!("{line}: {why}")))?;
        let is_venv = line.windows(2).any(|pair| pair == ["-m", "venv"])
            || line.first().is_some_and(|program| program.ends_with("pyvenv"));
        if is_venv && self.virtualenv_python.is_some() {
            fail!(
                "virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command"
            );
        }
        if line.is_empty() {
            fail!("virtualenv_command is empty");
        }
        let program = line.remove(0);
        let program = host.need(&program)?;
        let mut command =
            cmd(program).args(line).flag("--system-site-packages", self.virtualenv_site_packages);
        if let Some(python) = &self.virtualenv_python {
            command = command.arg(format!("-p{python}"));
        }
        let ran = host.run(command.arg(folder).umask(umask).folder(self.folder(host)?).any_rc())?;
        if !ran.ok() {
            fail!("stdout: {}\n:stderr: {}", ran.out(), ran.err());
        }
        Ok(ran)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .program("pip3")
            .says("/usr/bin/pip3 list --format=freeze", "Django==4.2.1\nruamel.yaml==0.18\n")
            .says("/usr/bin/pip3 install*", "Successfully installed x\n")
            .says("/usr/bin/pip3 uninstall*", "Successfully uninstalled x\n")
    }

    #[test]
    fn only_what_is_missing_is_installed() {
        conform::<Pip>("{ name: ['django>=4,<5', ruamel-yaml] }", world()).unchanged().ran([]);
        let done = conform::<Pip>("{ name: django, version: '4.1' }", world()).changed();
        let done = done.ran(["/usr/bin/pip3 install django==4.1"]).gives("version", "4.1");
        done.gives("cmd", vec!["/usr/bin/pip3", "install", "django==4.1"]).gives("name", vec!["django"]);
        conform::<Pip>("{ name: bottle, state: absent }", world()).unchanged();
        conform::<Pip>("{ name: django, state: absent }", world()).ran(["/usr/bin/pip3 uninstall -y django"]);
        conform_apart::<Pip>("{ name: 'git+https://h/x.git', state: latest }", world())
            .unchanged()
            .ran(["/usr/bin/pip3 install -U git+https://h/x.git"]);
    }

    #[test]
    fn the_first_of_several_is_editable() {
        let ran = |args: &str, line: &str| {
            conform_apart::<Pip>(&format!("{{ {args}, editable: yes }}"), world()).ran([line]);
        };
        ran("name: [/srv/a, /srv/b]", "/usr/bin/pip3 install -e /srv/a /srv/b");
        ran("name: /srv/a, extra_args: '-v -e'", "/usr/bin/pip3 install -v -e /srv/a");
        ran("requirements: /r.txt", "/usr/bin/pip3 install -r /r.txt");
        ran("name: django, state: absent", "/usr/bin/pip3 uninstall -y django");
    }

    #[test]
    fn an_environment_is_made_first() {
        let world = World::new()
            .program("python3")
            .says("/usr/bin/python3 -m venv /v", "made\n")
            .file("/v/bin/pip3", "")
            .says("/v/bin/pip3 list --format=freeze", "")
            .says("/v/bin/pip3 install -r /r.txt", "Successfully installed a\n");
        let args = "{ requirements: /r.txt, virtualenv: /v, virtualenv_command: python3 -m venv }";
        let done = conform::<Pip>(args, world).changed();
        done.ran(["/usr/bin/python3 -m venv /v", "/v/bin/pip3 install -r /r.txt"]).gives("virtualenv", "/v");
    }

    #[test]
    fn what_is_installed_anew_is_no_change() {
        let world = || {
            World::new()
                .file("/srv/v/bin/activate", "")
                .file("/srv/v/bin/pip3", "")
                .says("/srv/v/bin/pip3 list --format=freeze", "x==1\n")
                .says("/srv/v/bin/pip3 install*", "Successfully installed x\n")
        };
        let args = "{ requirements: r.txt, chdir: /srv, virtualenv: v }";
        // A check run cannot know it.
        conform_apart::<Pip>(args, world()).unchanged().gives("virtualenv", "/srv/v");
        conform::<Pip>("{ name: /srv/x.whl, virtualenv: /srv/v }", world()).changed();
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let fits = |version: &str, text: &str| super::fits(version, &requirement(text).unwrap().1);
        assert!(fits("1.10", "a>1.9") && !fits("1.10", "a<1.9") && fits("1.0", "a==1.0.0"));
        assert!(fits("1.4.2", "a~=1.4.1") && !fits("1.5", "a~=1.4.1") && fits("2.1", "a==2.*"));
        assert!(fits("2.0", "a>2.0rc1") && !fits("2.0.dev1", "a[x]>=2.0"));
    }
}
