//! Keep kernel modules from being loaded of themselves.
//!
//! ```yaml
//! - community.general.kernel_blacklist: { name: nouveau, state: present }
//! - community.general.kernel_blacklist: { name: pcspkr, state: absent, blacklist_file: /etc/modprobe.d/blacklist.conf }
//! ```
use std::path::Path;

use shevek_kit::lossless;
use shevek_kit::prelude::*;

/// Arguments of `kernel_blacklist`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
pub struct KernelBlacklist {
    /// The kernel module.
    name: String,
    /// Whether it is on the list.
    #[arg(default = "present")]
    state: Presence,
    /// The list.
    #[arg(default = "/etc/modprobe.d/blacklist-ansible.conf")]
    blacklist_file: String,
}

impl Procedure for KernelBlacklist {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let path = followed(host, Path::new(&self.blacklist_file), Links::Follow);
        let before = host.read_if_there(&path)?;
        let text = lossless::text(before.as_deref().unwrap_or_default());
        let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let line = format!("blacklist {}", self.name);
        let is_there = lines.iter().any(|line| self.is_named(line));
        let wanted = self.state == Presence::Present;
        let shown =
            |lines: &[&str]| Val::List(lines.iter().map(|line| Val::from(lossless::shown(line))).collect());
        let old = shown(&lines);
        match wanted {
            true if !is_there => lines.push(&line),
            false => lines.retain(|line| !self.is_named(line)),
            true => {}
        }
        if wanted != is_there || before.is_none() {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            // As with Ansible, the file is there afterwards, if only as an empty one.
            host.write(&path, lossless::bytes(&text))?;
        }
        if wanted != is_there {
            let of = |lines: Val| Val::Map(vec![("lines".to_owned(), lines)]);
            host.diff(Diff { before: of(old), after: of(shown(&lines)), ..Diff::default() });
        }
        Ok(Outcome::ok()
            .changed_if(wanted != is_there || before.is_none())
            .with("name", &self.name)
            .with("state", self.state)
            .with("filename", &self.blacklist_file)
            .with("lines", shown(&lines))
            .with("is_blacklisted", wanted))
    }
}

impl KernelBlacklist {
    /// Whether a line puts the module on the list.
    fn is_named(&self, line: &str) -> bool {
        let rest = line.trim().strip_prefix("blacklist").unwrap_or_default();
        rest.starts_with(char::is_whitespace) && rest.trim_start() == self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "/etc/modprobe.d/blacklist-ansible.conf";

    #[test]
    fn a_module_goes_onto_the_list_once() {
        let world = World::new().folder("/etc/modprobe.d");
        conform::<KernelBlacklist>("{ name: nouveau }", world)
            .changed()
            .holds(LIST, "blacklist nouveau\n")
            .gives("filename", LIST)
            .gives("lines", vec!["blacklist nouveau"])
            .gives("is_blacklisted", true)
            .then("{ name: nouveau }")
            .unchanged()
            .then("{ name: nouveau, state: absent }")
            .changed()
            .holds(LIST, "")
            .gives("state", "absent")
            .gives("is_blacklisted", false);
    }

    #[test]
    fn what_else_is_in_the_file_stays() {
        let old =
            b"# J\xf6rg  \n  blacklist \t pcspkr\nblacklist pcspkr2\n#blacklist x\nalias a b".as_slice();
        let args = "{ name: pcspkr, blacklist_file: /etc/x, state: absent }";
        let done = conform::<KernelBlacklist>(args, World::new().file("/etc/x", old)).changed();
        let left = b"# J\xf6rg\nblacklist pcspkr2\n#blacklist x\nalias a b\n";
        assert_eq!(done.probe().read("/etc/x").unwrap(), left);
        let done = done.then("{ name: x, blacklist_file: /etc/x, state: absent }").unchanged();
        assert_eq!(done.probe().read("/etc/x").unwrap(), left);
    }
}
