//! Load and unload kernel modules, now and at boot.
//!
//! ```yaml
//! - community.general.modprobe: { name: 8021q, state: present }
//! - community.general.modprobe: { name: dummy, state: present, params: numdummies=2, persistent: present }
//! ```
use std::collections::BTreeSet;
use std::path::PathBuf;

use shevek_kit::lossless;
use shevek_kit::prelude::*;

/// Arguments of `modprobe`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
pub struct Modprobe {
    /// The kernel module.
    name: String,
    /// Whether it is loaded.
    #[arg(default = "present")]
    state: Presence,
    /// Its parameters.
    #[arg(default = "")]
    params: String,
    /// Whether it is loaded at boot.
    #[arg(default = "disabled")]
    persistent: Persistent,
}

/// Whether a module is loaded at boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Persistent {
    /// That is left as it is.
    Disabled,
    /// It is loaded, with its parameters.
    Present,
    /// It isn't; lines that say so are commented out.
    Absent,
}

const LOADED: &str = "/etc/modules-load.d";
const OPTIONS: &str = "/etc/modprobe.d";

impl Procedure for Modprobe {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let loaded = self.is_loaded(host)?;
        let mut changed = loaded != (self.state == Presence::Present);
        if changed {
            let state = if loaded { "absent" } else { "present" };
            let name = format!("kernel module {}", self.name);
            let effect = Effect::Set { thing: Thing::Other, name, state: state.to_owned() };
            let parameters = shevek_kit::words::split(&self.params).map_err(Fault::new)?;
            let (command, dry) = match self.state {
                Presence::Present => {
                    let command = |options: &[&str]| {
                        cmd("modprobe").args(options).arg(&self.name).args(&parameters).any_rc()
                    };
                    (command(&[]), command(&["-n"]))
                }
                Presence::Absent => {
                    let command = cmd("modprobe").arg("-r").arg(&self.name).any_rc();
                    (command.clone(), command.arg("-n"))
                }
            };
            let ran = match host.rehearsing() {
                true => Some(host.ask(dry)?).filter(|ran| !ran.ok()),
                false => None,
            };
            let ran = ran.map_or_else(|| host.run(command.does(effect)), Ok)?;
            if !ran.ok() {
                let fault = Fault::absent(ran.err()).with("rc", ran.rc).with("stdout", ran.out());
                let fault =
                    fault.with("stderr", ran.err()).with("name", &self.name).with("params", &self.params);
                return Err(fault.with("state", self.state));
            }
            // What has another name, or is kept from being loaded, is not there afterwards.
            changed = self.state == Presence::Absent || self.is_loaded(host)?;
            if !changed {
                let first = cmd("modprobe").args(["-n", "--first-time", &self.name]).args(&parameters);
                let ran = host.ask(first.any_rc())?;
                if !ran.ok() {
                    host.warn(ran.err());
                }
            }
        }
        match self.persistent {
            Persistent::Disabled => {}
            Persistent::Present => {
                changed |= self.keep_name(host)?;
                changed |= self.keep_parameters(host)?;
            }
            Persistent::Absent => {
                changed |= self.drop_lines(host, LOADED, &self.name)?;
                changed |= self.drop_lines(host, OPTIONS, &format!("options {} ", self.name))?;
            }
        }
        Ok(Outcome::ok()
            .changed_if(changed)
            .with("name", &self.name)
            .with("params", &self.params)
            .with("state", self.state))
    }
}

/// The `.conf` files of a folder.
fn files(host: &Probe, folder: &str) -> Result<Vec<PathBuf>> {
    if !host.is_folder(folder) {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for name in host.list(folder)? {
        let path = PathBuf::from(folder).join(name);
        let is_conf = path.extension().is_some_and(|end| end == "conf");
        if is_conf && host.stat(&path)?.is_some_and(|stat| stat.is_file()) {
            files.push(path);
        }
    }
    Ok(files)
}

fn words(line: &str) -> String {
    line.split(['#', ';']).next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Modprobe {
    fn is_loaded(&self, host: &Probe) -> Result<bool> {
        if let Some(state) = host.planned(Thing::Other, &format!("kernel module {}", self.name)) {
            return Ok(state == "present");
        }
        let name = self.name.replace('-', "_");
        let text = host.read_if_there("/proc/modules")?.unwrap_or_default();
        if String::from_utf8_lossy(&text).lines().any(|line| line.split(' ').next() == Some(&name)) {
            return Ok(true);
        }
        let built_in = format!("/lib/modules/{}/modules.builtin", host.uname().release);
        let text = host.read_if_there(built_in)?.unwrap_or_default();
        let file = |line: &str| line.rsplit('/').next().unwrap_or_default().replace('-', "_");
        Ok(String::from_utf8_lossy(&text).lines().any(|line| file(line) == format!("{name}.ko")))
    }

    /// The parameters that the folder's files give the module.
    fn parameters(&self, host: &Probe) -> Result<BTreeSet<String>> {
        let start = format!("options {} ", self.name);
        let mut there = BTreeSet::new();
        for path in files(host, OPTIONS)? {
            for line in host.read_lossless(&path)?.lines().map(words) {
                there.extend(
                    line.strip_prefix(&start).into_iter().flat_map(str::split_whitespace).map(str::to_owned),
                );
            }
        }
        Ok(there)
    }

    /// Writes the parameters into the file of this module, unless just these are given already.
    fn keep_parameters(&self, host: &mut Host) -> Result<bool> {
        let wanted: BTreeSet<String> = self.params.split_whitespace().map(str::to_owned).collect();
        if self.parameters(host)? == wanted {
            return Ok(false);
        }
        self.drop_lines(host, OPTIONS, &format!("options {} ", self.name))?;
        let lines: Vec<String> = self
            .params
            .split_whitespace()
            .map(|parameter| format!("options {} {parameter}", self.name))
            .collect();
        self.add(host, OPTIONS, &lines)?;
        Ok(true)
    }

    /// Writes the module's name into its file, unless a file has it already.
    fn keep_name(&self, host: &mut Host) -> Result<bool> {
        for path in files(host, LOADED)? {
            if host.read_lossless(&path)?.lines().any(|line| words(line) == self.name) {
                return Ok(false);
            }
        }
        self.add(host, LOADED, std::slice::from_ref(&self.name))?;
        Ok(true)
    }

    /// Adds lines to the file of this module.
    // Differs from Ansible: what else is in the file stays there.
    fn add(&self, host: &mut Host, folder: &str, lines: &[String]) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        if !host.exists(folder) {
            host.mkdir(folder, 0o755)?;
        }
        let path = format!("{folder}/{}.conf", self.name);
        let before = host.read_if_there(&path)?;
        let mut after = before.clone().unwrap_or_default();
        if !after.is_empty() && !after.ends_with(b"\n") {
            after.push(b'\n');
        }
        lines.iter().for_each(|line| after.extend([line.as_bytes(), b"\n"].concat()));
        host.write(&path, &after)?;
        host.diff(text_diff(&path, before.as_deref(), Some(&after)));
        Ok(())
    }

    /// Comments out the lines that start so.
    fn drop_lines(&self, host: &mut Host, folder: &str, start: &str) -> Result<bool> {
        let mut changed = false;
        for path in files(host, folder)? {
            let before = host.read(&path)?;
            let text = lossless::text(&before);
            let is_ours = |line: &str| {
                let line = words(line);
                line == start || (start.ends_with(' ') && line.starts_with(start))
            };
            if !text.lines().any(is_ours) {
                continue;
            }
            let mark = |line: &str| if is_ours(line) { format!("#{line}\n") } else { format!("{line}\n") };
            let after = lossless::bytes(&text.lines().map(mark).collect::<String>());
            host.write(&path, &after)?;
            let name = path.display().to_string();
            host.diff(text_diff(&name, Some(&before), Some(&after)));
            changed = true;
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        let world = World::new().file("/proc/modules", "br_netfilter 32768 0 - Live 0x0\n");
        world.folder(LOADED).folder(OPTIONS).says("modprobe -n *", "").says("modprobe -r br_netfilter -n", "")
    }

    #[test]
    fn parameters_are_words_as_a_shell_reads_them() {
        let args = "{ name: dummy, params: \"a=1 x='b c'\" }";
        conform_apart::<Modprobe>(args, world().program("modprobe").says("modprobe dummy a=1 'x=b c'", ""))
            .changed();
        let failing = world()
            .program("modprobe")
            .answers("modprobe dummy", Ran::failed(1, "modprobe: FATAL: not found\n"));
        conform_apart::<Modprobe>("{ name: dummy }", failing)
            .failed("modprobe: FATAL: not found\n")
            .gives("params", "")
            .gives("rc", 1);
    }

    #[test]
    fn a_module_is_loaded_unless_it_is_there() {
        let done = conform::<Modprobe>("{ name: dummy, params: numdummies=2 }", world()).changed();
        done.ran(["modprobe dummy numdummies=2"]).gives("params", "numdummies=2").gives("state", "present");
        conform::<Modprobe>("{ name: br-netfilter }", world()).unchanged().ran([]);
        conform::<Modprobe>("{ name: br_netfilter, state: absent }", world())
            .ran(["modprobe -r br_netfilter"]);
        let built_in = world().file("/lib/modules/6.1.0-1-amd64/modules.builtin", "kernel/fs/ext4/ext4.ko\n");
        conform::<Modprobe>("{ name: ext4 }", built_in).unchanged();
    }

    #[test]
    fn a_module_is_loaded_at_boot() {
        let args = "{ name: br_netfilter, persistent: present, params: 'a=1 b=2' }";
        let done = conform::<Modprobe>(args, world()).changed();
        let done = done.holds("/etc/modules-load.d/br_netfilter.conf", "br_netfilter\n");
        let done = done.holds(
            "/etc/modprobe.d/br_netfilter.conf",
            "options br_netfilter a=1\noptions br_netfilter b=2\n",
        );
        let done = done.then(args).unchanged().then("{ name: br_netfilter, persistent: absent }").changed();
        done.holds("/etc/modules-load.d/br_netfilter.conf", "#br_netfilter\n");
    }

    #[test]
    fn new_parameters_take_the_place_of_old_ones_and_of_nothing_else() {
        let world = world()
            .folder("/etc/modprobe.d/odd.conf")
            .file(
                "/etc/modprobe.d/all.conf",
                b"options br_netfilter a=1 z=0 # J\xf6rg\noptions other a=1\n".as_slice(),
            )
            .file("/etc/modprobe.d/br_netfilter.conf", "blacklist x")
            .file("/etc/modules-load.d/br_netfilter.conf", "other\n");
        let args = "{ name: br_netfilter, persistent: present, params: 'a=2' }";
        let done = conform::<Modprobe>(args, world).changed();
        let done = done.holds("/etc/modules-load.d/br_netfilter.conf", "other\nbr_netfilter\n");
        let done = done.holds("/etc/modprobe.d/br_netfilter.conf", "blacklist x\noptions br_netfilter a=2\n");
        let all = b"#options br_netfilter a=1 z=0 # J\xf6rg\noptions other a=1\n";
        assert_eq!(done.probe().read("/etc/modprobe.d/all.conf").unwrap(), all);
        done.then(args).unchanged();
    }
}
