//! Load and unload kernel modules, now and at boot.
//!
//! ```yaml
//! - community.general.modprobe: { name: 8021q, state: present }
//! - community.general.modprobe: { name: dummy, state: present, params: numdummies=2, persistent: present }
//! ```
use std::path::PathBuf;

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
            let command = match self.state {
                Presence::Present => cmd("modprobe").arg(&self.name).args(self.params.split_whitespace()),
                Presence::Absent => cmd("modprobe").arg("-r").arg(&self.name),
            };
            host.run(command.does(effect))?;
        }
        match self.persistent {
            Persistent::Disabled => {}
            Persistent::Present => {
                changed |= self.keep(host, LOADED, std::slice::from_ref(&self.name))?;
                let options: Vec<String> = self
                    .params
                    .split_whitespace()
                    .map(|parameter| format!("options {} {parameter}", self.name))
                    .collect();
                changed |= self.keep(host, OPTIONS, &options)?;
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
    let paths = host.list(folder)?.into_iter().map(|name| PathBuf::from(folder).join(name));
    Ok(paths.filter(|path| path.extension().is_some_and(|end| end == "conf")).collect())
}

fn words(line: &str) -> String {
    line.split('#').next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
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

    /// Writes the file of this module, unless all lines stand in the folder already.
    fn keep(&self, host: &mut Host, folder: &str, lines: &[String]) -> Result<bool> {
        let mut there: Vec<String> = Vec::new();
        for path in files(host, folder)? {
            there.extend(host.read_text(&path)?.lines().map(words));
        }
        if lines.iter().all(|line| there.contains(line)) {
            return Ok(false);
        }
        if !host.exists(folder) {
            host.mkdir(folder, 0o755)?;
        }
        let path = format!("{folder}/{}.conf", self.name);
        let before = host.read_if_there(&path)?;
        let after = lines.join("\n") + "\n";
        host.write(&path, &after)?;
        host.diff(text_diff(&path, before.as_deref(), Some(after.as_bytes())));
        Ok(true)
    }

    /// Comments out the lines that start so.
    fn drop_lines(&self, host: &mut Host, folder: &str, start: &str) -> Result<bool> {
        let mut changed = false;
        for path in files(host, folder)? {
            let text = host.read_text(&path)?;
            let is_ours = |line: &str| {
                let line = words(line);
                line == start || (start.ends_with(' ') && line.starts_with(start))
            };
            if !text.lines().any(is_ours) {
                continue;
            }
            let mark = |line: &str| if is_ours(line) { format!("#{line}\n") } else { format!("{line}\n") };
            let after: String = text.lines().map(mark).collect();
            host.write(&path, &after)?;
            let name = path.display().to_string();
            host.diff(text_diff(&name, Some(text.as_bytes()), Some(after.as_bytes())));
            changed = true;
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new().file("/proc/modules", "br_netfilter 32768 0 - Live 0x0\n").folder(LOADED).folder(OPTIONS)
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
}
