//! Set kernel settings, now and in the file that is read at boot.
//!
//! ```yaml
//! - ansible.posix.sysctl: { name: vm.swappiness, value: '5', state: present }
//! - ansible.posix.sysctl: { name: net.ipv4.ip_forward, value: '1', sysctl_set: true, reload: true }
//! - ansible.posix.sysctl: { name: kernel.panic, state: absent, sysctl_file: /etc/sysctl.d/99-own.conf }
//! ```
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use shevek_kit::lossless;
use shevek_kit::prelude::*;

/// Arguments of `sysctl`.
#[derive(Args)]
#[module(procedure, collection = "ansible.posix")]
#[rule(when(state = "present", needs("value")))]
pub struct Sysctl {
    /// The setting, with dots.
    #[arg(alias = "key")]
    name: String,
    /// Its value.
    #[arg(alias = "val")]
    value: Option<String>,
    /// Whether the file has the setting.
    #[arg(default = "present")]
    state: Presence,
    /// Pass over settings that the kernel doesn't know.
    #[arg(default = false)]
    ignoreerrors: bool,
    /// Let the kernel read the file after a change.
    #[arg(default = true)]
    reload: bool,
    /// The file.
    #[arg(default = "/etc/sysctl.conf")]
    sysctl_file: PathBuf,
    /// Check the value that the kernel has, too, and set it.
    #[arg(default = false)]
    sysctl_set: bool,
}

/// The value as it is written: words for yes and no are numbers.
fn plain(value: &str) -> String {
    match value.trim().to_lowercase().as_str() {
        "y" | "yes" | "on" | "true" | "t" => "1".to_owned(),
        "n" | "no" | "off" | "false" | "f" => "0".to_owned(),
        _ => value.trim().to_owned(),
    }
}

fn same(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}

/// Whether a setting was refused: some versions tell it only in words.
fn refused(ran: &Ran) -> bool {
    let ends = [": Invalid argument", ": Read-only file system"];
    ran.err().lines().any(|line| {
        line.starts_with("sysctl: setting key ") && ends.iter().any(|end| line.trim_end().ends_with(end))
    })
}

/// A line that sets something: the name and the value.
fn setting(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with(['#', ';']) {
        return None;
    }
    line.split_once('=').map(|(name, value)| (name.trim(), value.trim()))
}

impl Procedure for Sysctl {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let name = self.name.trim();
        let value = self.value.as_deref().map(plain).unwrap_or_default();
        if name.is_empty() {
            fail!("name cannot be blank");
        }
        if self.state == Presence::Present && value.is_empty() {
            fail!("value cannot be blank");
        }
        let path = followed(host, &self.sysctl_file, Links::Follow);
        let before = host.read_if_there(&path)?;
        let text = lossless::text(before.as_deref().unwrap_or_default());
        let last =
            text.lines().filter_map(setting).filter(|(known, _)| *known == name).map(|(_, v)| v).next_back();
        let is_right = match self.state {
            Presence::Absent => last.is_none(),
            Presence::Present => last == Some(value.as_str()),
        };
        // A file that is right is read again where the kernel has another value.
        let asks = self.state == Presence::Present && (self.sysctl_set || (is_right && self.reload));
        let is_other = asks && !same(&self.current(name, host)?, &value);
        let effect = || Effect::Set { thing: Thing::Sysctl, name: name.to_owned(), state: value.clone() };
        if is_other && self.sysctl_set {
            let effect = effect();
            let command =
                cmd("sysctl").flag("-e", self.ignoreerrors).arg("-w").arg(format!("{name}={value}"));
            let ran = host.run(command.any_rc().does(effect))?;
            if !ran.ok() || refused(&ran) {
                fail!("setting {name} failed: {}{}", ran.out(), ran.err());
            }
        }
        if !is_right {
            let after = lossless::bytes(&self.edited(&text, name, &value));
            host.write(&path, &after)?;
            let shown = path.display().to_string();
            host.diff(text_diff(&shown, before.as_deref(), Some(&after)));
        }
        let changed = !is_right || is_other;
        if changed && self.reload {
            let command = cmd("sysctl").flag("-e", self.ignoreerrors).arg("-p").arg(&path);
            let effect = if self.state == Presence::Present { effect() } else { Effect::Nothing };
            let ran = host.run(command.any_rc().does(effect))?;
            if !ran.ok() || refused(&ran) {
                fail!("Failed to reload sysctl: {}{}", ran.out(), ran.err());
            }
        }
        Ok(Outcome::ok().changed_if(changed))
    }
}

impl Sysctl {
    /// What the kernel has now.
    fn current(&self, name: &str, host: &Probe) -> Result<String> {
        if let Some(planned) = host.planned(Thing::Sysctl, name) {
            return Ok(planned);
        }
        // A dot within a part (a VLAN's interface) is a slash in the name.
        let swapped: String = name
            .chars()
            .map(|c| match c {
                '.' => '/',
                '/' => '.',
                c => c,
            })
            .collect();
        let text = host.read_if_there(format!("/proc/sys/{swapped}"))?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&text).trim().to_owned())
    }

    /// The file's text with the setting in its place; each setting once, as Ansible writes it.
    // Differs from Ansible: of another setting that is there twice the value that counts stays, not the first one.
    fn edited(&self, text: &str, name: &str, value: &str) -> String {
        let last: BTreeMap<&str, &str> = text.lines().filter_map(setting).collect();
        let mut out = String::new();
        let mut seen = BTreeSet::new();
        for line in text.lines() {
            let Some((known, _)) = setting(line) else {
                out.push_str(line.trim());
                out.push('\n');
                continue;
            };
            if !seen.insert(known) {
                continue;
            }
            let shown = match (known == name, self.state) {
                (true, Presence::Absent) => continue,
                (true, Presence::Present) => value,
                (false, _) => last.get(known).copied().unwrap_or_default(),
            };
            out.push_str(&format!("{known}={shown}\n"));
        }
        if self.state == Presence::Present && !seen.contains(name) {
            out.push_str(&format!("{name}={value}\n"));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/etc/sysctl.conf";

    fn world() -> World {
        World::new()
            .file(FILE, "# own\nvm.swappiness = 60\nkernel.panic=1\n")
            .file("/proc/sys/vm/swappiness", "60\n")
    }

    #[test]
    fn a_setting_is_written_and_read_again() {
        let done = conform::<Sysctl>("{ name: vm.swappiness, value: 5 }", world()).changed();
        let done =
            done.holds(FILE, "# own\nvm.swappiness=5\nkernel.panic=1\n").ran(["sysctl -p /etc/sysctl.conf"]);
        let done = done.then("{ name: vm.swappiness, value: '5' }").unchanged();
        let done = done.then("{ name: vm.swappiness, state: absent, reload: no }").changed().ran([]);
        done.holds(FILE, "# own\nkernel.panic=1\n")
            .then("{ name: vm.swappiness, state: absent }")
            .unchanged();
    }

    #[test]
    fn a_file_that_is_right_is_read_again_where_the_kernel_has_another_value() {
        let world = || world().file("/proc/sys/vm/swappiness", "10\n");
        let args = |reload: bool| format!("{{ name: vm.swappiness, value: 60, reload: {reload} }}");
        conform_apart::<Sysctl>(&args(true), world()).changed().ran(["sysctl -p /etc/sysctl.conf"]);
        conform::<Sysctl>(&args(false), world()).unchanged().ran([]);
        let refusal =
            Ran { rc: 0, ..Ran::failed(0, "sysctl: setting key \"vm.swappiness\": Invalid argument\n") };
        let world = world().answers("sysctl -p /etc/sysctl.conf", refusal);
        conform_apart::<Sysctl>(&args(true), world).failed("Failed to reload sysctl: sysctl: setting key");
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let world = world().file(FILE, b"# f\xfcr alle\nkernel.panic=1\n".as_slice());
        let done = conform::<Sysctl>("{ name: vm.swappiness, value: 5, reload: no }", world).changed();
        assert_eq!(done.probe().read(FILE).unwrap(), b"# f\xfcr alle\nkernel.panic=1\nvm.swappiness=5\n");
    }

    #[test]
    fn the_kernels_own_value_is_set_when_told() {
        let args = "{ name: vm.swappiness, value: 5, sysctl_set: yes, reload: no }";
        conform::<Sysctl>(args, world()).changed().ran(["sysctl -w vm.swappiness=5"]);
        let args = "{ name: vm.swappiness, value: 60, sysctl_set: yes }";
        conform::<Sysctl>(args, world()).unchanged().ran([]);
        conform::<Sysctl>("{ name: vm.swappiness }", world()).failed("value");
    }
}
