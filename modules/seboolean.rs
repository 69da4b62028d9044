//! Set booleans of SELinux.
//!
//! ```yaml
//! - ansible.posix.seboolean: { name: httpd_can_network_connect, state: true, persistent: true }
//! ```
use shevek_kit::prelude::*;
use shevek_kit::selinux_enabled;

/// Arguments of `seboolean`.
#[derive(Args)]
#[module(procedure, collection = "ansible.posix")]
pub struct Seboolean {
    /// The boolean.
    name: String,
    /// Whether it stays so after a start.
    #[arg(default = false)]
    persistent: bool,
    /// Its value.
    #[arg(required)]
    state: bool,
    /// Go on where SELinux seems to be off, as in a folder that is to become a system.
    #[arg(default = false)]
    ignore_selinux_state: bool,
}

impl Procedure for Seboolean {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let enabled = selinux_enabled(host);
        if !enabled && !self.ignore_selinux_state {
            return Err(Fault::absent("SELinux is disabled on this host."));
        }
        let now = match (self.persistent, enabled) {
            (true, _) => self.stored(host, enabled)?,
            (false, true) => self.running(host)?,
            (false, false) => self.state,
        };
        let changed = now != self.state;
        if changed {
            let word = if self.state { "on" } else { "off" };
            let effect = Effect::Set { thing: Thing::Other, name: self.thing(), state: word.to_owned() };
            // `-N`: the policy itself is as it was, and need not be loaded again.
            let command = cmd("setsebool").flag("-P", self.persistent).flag("-N", self.persistent);
            host.run(command.args([&self.name, word]).does(effect)).map_err(|fault| Fault {
                message: format!("Failed to set boolean {} to {}: {fault}", self.name, u8::from(self.state)),
                ..fault
            })?;
        }
        Ok(Outcome::ok()
            .changed_if(changed)
            .with("name", self.name.as_str())
            .with("persistent", self.persistent)
            .with("state", self.state))
    }
}

impl Seboolean {
    fn thing(&self) -> String {
        format!("seboolean {} {}", if self.persistent { "stored" } else { "running" }, self.name)
    }

    /// The value in the kernel.
    fn running(&self, host: &Probe) -> Result<bool> {
        if let Some(planned) = host.planned(Thing::Other, &self.thing()) {
            return Ok(planned == "on");
        }
        // httpd_can_network_connect --> off
        let ran = host.ask(cmd("getsebool").arg(&self.name).any_rc())?;
        match ran.out().split_once("-->").and_then(|(_, value)| value.split_whitespace().next()) {
            Some(value) if ran.ok() => Ok(value == "on"),
            _ => fail!("Failed to determine current state for boolean {}", self.name),
        }
    }

    /// The value that comes with the next start.
    fn stored(&self, host: &Probe, enabled: bool) -> Result<bool> {
        if let Some(planned) = host.planned(Thing::Other, &self.thing()) {
            return Ok(planned == "on");
        }
        if host.which("semanage").is_some() {
            let listed = host.ask(cmd("semanage").args(["boolean", "-l"]))?.out();
            let words = |line: &str| -> Vec<String> {
                line.split([' ', '(', ',', ')']).filter(|w| !w.is_empty()).map(str::to_owned).collect()
            };
            // name    (running,stored)  Description
            let found = listed.lines().map(words).find(|words| words.first() == Some(&self.name));
            return match found.as_ref().and_then(|words| words.get(2)) {
                Some(value) => Ok(value == "on"),
                None => fail!("SELinux boolean {} is not defined in persistent policy", self.name),
            };
        }
        // Differs from Ansible: without semanage's library or program, what nobody has changed for good is taken to be as
        // it is in the kernel.
        let policy = policy(host).unwrap_or_else(|| "targeted".to_owned());
        let stores = [
            format!("/etc/selinux/{policy}/active/booleans.local"),
            format!("/var/lib/selinux/{policy}/active/booleans.local"),
        ];
        for store in stores {
            let text = host.read_if_there(&store)?.unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            let value = text
                .lines()
                .filter_map(|line| line.split_once('='))
                .find(|(name, _)| name.trim() == self.name);
            if let Some((_, value)) = value {
                return Ok(matches!(value.trim(), "1" | "on" | "true"));
            }
        }
        if !enabled {
            return Err(Fault::absent("Failed to find required executable \"semanage\""));
        }
        let of_kernel = Seboolean { name: self.name.clone(), persistent: false, ..*self };
        of_kernel.running(host)
    }
}

/// The policy that the system's configuration names.
fn policy(host: &Probe) -> Option<String> {
    let text = host.read_if_there("/etc/selinux/config").ok()??;
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().find_map(|line| line.strip_prefix("SELINUXTYPE=")).map(|value| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .file("/sys/fs/selinux/enforce", "1")
            .file("/etc/selinux/config", "SELINUXTYPE=mls\n")
            .says("getsebool httpd_x", "httpd_x --> off\n")
            .answers("getsebool nope", Ran::failed(1, "no"))
    }

    #[test]
    fn a_boolean_is_set_for_now() {
        conform::<Seboolean>("{ name: httpd_x, state: yes }", world())
            .changed()
            .ran(["setsebool httpd_x on"])
            .gives("name", "httpd_x")
            .gives("state", true)
            .then("{ name: httpd_x, state: yes }")
            .unchanged();
        conform::<Seboolean>("{ name: httpd_x, state: no }", world()).unchanged();
        conform::<Seboolean>("{ name: nope, state: no }", world())
            .failed("Failed to determine current state for boolean nope");
        conform::<Seboolean>("{ name: x, state: no }", World::new())
            .failed("SELinux is disabled on this host.");
    }

    #[test]
    fn a_boolean_is_set_for_good() {
        let list = "SELinux boolean    State  Default Description\n\nhttpd_x     (on   ,  off)  Let it\n";
        let managed = world().program("semanage").says("semanage boolean -l", list);
        conform::<Seboolean>("{ name: httpd_x, state: yes, persistent: yes }", managed)
            .ran(["setsebool -P -N httpd_x on"]);
        let managed = world().program("semanage").says("semanage boolean -l", list);
        conform::<Seboolean>("{ name: none, state: yes, persistent: yes }", managed).failed("is not defined");
        let changed = world().file("/var/lib/selinux/mls/active/booleans.local", "# x\nhttpd_x=1\n");
        conform::<Seboolean>("{ name: httpd_x, state: yes, persistent: yes }", changed).unchanged();
        conform::<Seboolean>("{ name: httpd_x, state: no, persistent: yes }", world()).unchanged();
    }
}
