//! Set kernel settings, now and in the file that is read at boot.
//!
//! ```yaml
//! - ansible.posix.sysctl: { name: vm.swappiness, value: '5', state: present }
//! - ansible.posix.sysctl: { name: net.ipv4.ip_forward, value: '1', sysctl_set: true, reload: true }
//! - ansible.posix.sysctl: { name: kernel.panic, state: absent, sysctl_file: /etc/sysctl.d/99-own.conf }
//! ```
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
            Presence::Present => last.is_some_and(|last| same(last, &value)),
        };
        let of_kernel = match (self.sysctl_set, self.state) {
            (true, Presence::Present) => Some(self.current(name, host)?),
            _ => None,
        };
        let set = of_kernel.is_some_and(|now| !same(&now, &value));
        if set {
            let effect = Effect::Set { thing: Thing::Sysctl, name: name.to_owned(), state: value.clone() };
            let command =
                cmd("sysctl").flag("-e", self.ignoreerrors).arg("-w").arg(format!("{name}={value}"));
            let ran = host.run(command.any_rc().does(effect))?;
            // Some versions tell a refusal only in words.
            if !ran.ok() || ran.err().contains("Invalid argument") || ran.err().contains("Read-only") {
                fail!("setting {name} failed: {}{}", ran.out(), ran.err());
            }
        }
        if !is_right {
            let after = lossless::bytes(&self.edited(&text, name, &value));
            host.write(&path, &after)?;
            let shown = path.display().to_string();
            host.diff(text_diff(&shown, before.as_deref(), Some(&after)));
            if self.reload {
                let command = cmd("sysctl").flag("-e", self.ignoreerrors).arg("-p").arg(&path);
                let ran = host.run(command.any_rc().does(Effect::Nothing))?;
                if !ran.ok() && !self.ignoreerrors {
                    fail!("Failed to reload sysctl: {}{}", ran.out(), ran.err());
                }
            }
        }
        Ok(Outcome::ok().changed_if(set || !is_right))
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
    fn edited(&self, text: &str, name: &str, value: &str) -> String {
        let mut out = String::new();
        let mut seen: Vec<&str> = Vec::new();
        for line in text.lines() {
            let Some((known, _)) = setting(line) else {
                out.push_str(line);
                out.push('\n');
                continue;
            };
            if seen.contains(&known) {
                continue;
            }
            seen.push(known);
            let last = text.lines().filter_map(setting).rfind(|(other, _)| *other == known);
            let shown = match (known == name, self.state) {
                (true, Presence::Absent) => continue,
                (true, Presence::Present) => value,
                (false, _) => last.map(|(_, value)| value).unwrap_or_default(),
            };
            out.push_str(&format!("{known}={shown}\n"));
        }
        if self.state == Presence::Present && !seen.contains(&name) {
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
