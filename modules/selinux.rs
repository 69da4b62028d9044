//! Switch SELinux on and off, now and in its configuration.
//!
//! A change from or to `disabled` needs a restart: see `reboot_required` in the result.
//!
//! ```yaml
//! - ansible.posix.selinux: { policy: targeted, state: enforcing }
//! - ansible.posix.selinux: { state: disabled, update_kernel_param: true }
//! ```
use std::path::PathBuf;

use shevek_kit::lossless;
use shevek_kit::prelude::*;
use shevek_kit::selinux_enabled;

/// Arguments of `selinux`.
#[derive(Args)]
#[module(procedure, collection = "ansible.posix")]
pub struct Selinux {
    /// The policy; left out only with `disabled`.
    policy: Option<String>,
    /// The mode.
    #[arg(required)]
    state: Mode,
    /// Change the kernel's arguments, too; `grubby` does it.
    #[arg(default = false)]
    update_kernel_param: bool,
    /// The configuration.
    #[arg(default = "/etc/selinux/config", aliases("conf", "file"))]
    configfile: String,
}

/// Modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Mode {
    /// It is off.
    Disabled,
    /// It forbids.
    Enforcing,
    /// It only complains.
    Permissive,
}

/// What a setting of the configuration is.
fn setting(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
    Some(line.split('=').next().unwrap_or_default().trim().to_owned())
}

/// A text with a setting in its place, or at the end.
fn with_setting(text: &str, name: &str, value: &str) -> String {
    let start = format!("{name}=");
    let new = format!("{name}={value}\n");
    let mut out: String = text
        .lines()
        .map(|line| if line.starts_with(&start) { new.clone() } else { format!("{line}\n") })
        .collect();
    if !text.lines().any(|line| line.starts_with(&start)) {
        out.push_str(&new);
    }
    out
}

fn shown(value: Option<&str>) -> &str {
    value.unwrap_or("None")
}

impl Procedure for Selinux {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let file = PathBuf::from(&self.configfile);
        if !host.stat(&file)?.is_some_and(|stat| stat.is_file()) {
            let fault = Fault::absent(format!("Unable to find file {}", self.configfile));
            return Err(fault.with(
                "details",
                "Please install SELinux-policy package, if this package is not installed previously.",
            ));
        }
        let before = lossless::text(&host.read(&file)?);
        let now = self.running(host)?;
        let kernel = if self.update_kernel_param { self.kernel(host)? } else { None };
        let had_policy = setting(&before, "SELINUXTYPE");
        let given = self.policy.clone().filter(|policy| !policy.is_empty());
        if given.is_none() && self.state != Mode::Disabled {
            fail!("Policy is required if state is not 'disabled'");
        }
        let policy = given.or_else(|| had_policy.clone());
        let mut words = Vec::new();
        let mut changed = false;
        let mut text = before.clone();
        let running_policy = running_policy(host)?;
        if policy != running_policy {
            words.push(format!(
                "Running SELinux policy changed from '{}' to '{}'",
                shown(running_policy.as_deref()),
                shown(policy.as_deref())
            ));
        }
        if policy != had_policy {
            let name = policy.clone().unwrap_or_default();
            if !host.exists(format!("/etc/selinux/{name}/policy")) {
                return Err(Fault::absent(format!("Policy {name} does not exist in /etc/selinux/")));
            }
            text = with_setting(&text, "SELINUXTYPE", &name);
            words.push(format!(
                "SELinux policy configuration in '{}' changed from '{}' to '{name}'",
                self.configfile,
                shown(had_policy.as_deref())
            ));
        }
        let reboot = self.switch(host, now, &mut words, &mut changed)?;
        let had_state = setting(&text, "SELINUX");
        if had_state.as_deref() != Some(self.state.word()) {
            text = with_setting(&text, "SELINUX", self.state.word());
            words.push(format!(
                "Config SELinux state changed from '{}' to '{}'",
                shown(had_state.as_deref()),
                self.state.word()
            ));
        }
        if text != before {
            host.write(&file, lossless::bytes(&text))?;
            host.diff(text_diff(
                &self.configfile,
                Some(&lossless::bytes(&before)),
                Some(&lossless::bytes(&text)),
            ));
        }
        let on = self.state != Mode::Disabled;
        if self.update_kernel_param && kernel != Some(on) {
            self.boot_with(host, on)?;
            let was = if on { "disabled" } else { "enabled" };
            let was = if kernel.is_none() { "<inconsistent>" } else { was };
            let is = if on { "enabled" } else { "disabled" };
            words.push(format!("Kernel SELinux state changed from '{was}' to '{is}'"));
        }
        Ok(Outcome::ok()
            .changed_if(changed || !words.is_empty())
            .with("msg", words.join(", "))
            .with("configfile", self.configfile.as_str())
            .with("policy", policy.map_or(Val::Null, Val::from))
            .with("state", self.state.word())
            .with("reboot_required", reboot))
    }
}

/// The name under which check mode's plan keeps the mode.
const MODE: &str = "selinux mode";

/// The policy that the system would use: libselinux reads it from the system's own configuration.
fn running_policy(host: &Probe) -> Result<Option<String>> {
    let text = host.read_if_there("/etc/selinux/config")?.unwrap_or_default();
    // It is not as strict as the module: spaces before the name do not matter to it.
    let text: String =
        String::from_utf8_lossy(&text).lines().map(|line| format!("{}\n", line.trim_start())).collect();
    let named = setting(&text, "SELINUXTYPE");
    Ok(Some(named.filter(|name| !name.is_empty()).unwrap_or_else(|| "targeted".to_owned())))
}

impl Selinux {
    fn running(&self, host: &Probe) -> Result<Mode> {
        if let Some(planned) = host.planned(Thing::Other, MODE) {
            return Ok(if planned == "1" { Mode::Enforcing } else { Mode::Permissive });
        }
        if !selinux_enabled(host) {
            return Ok(Mode::Disabled);
        }
        let enforces = host.read_text("/sys/fs/selinux/enforce")?.trim() == "1";
        Ok(if enforces { Mode::Enforcing } else { Mode::Permissive })
    }

    /// Changes the mode as far as that goes without a restart, and says whether it takes one.
    fn switch(
        &self,
        host: &mut Host,
        now: Mode,
        words: &mut Vec<String>,
        changed: &mut bool,
    ) -> Result<bool> {
        if now == self.state {
            return Ok(false);
        }
        if now == Mode::Disabled {
            host.warn(format!("Reboot is required to set SELinux state to '{}'", self.state.word()));
            return Ok(true);
        }
        if self.state == Mode::Disabled {
            if now == Mode::Enforcing {
                enforce(host, "0")?;
                host.warn(format!(
                    "SELinux state temporarily changed from '{}' to 'permissive'. State change will take effect next reboot.",
                    now.word()
                ));
                *changed = true;
            } else {
                host.warn("SELinux state change will take effect next reboot");
            }
            return Ok(true);
        }
        enforce(host, if self.state == Mode::Enforcing { "1" } else { "0" })?;
        words.push(format!("SELinux state changed from '{}' to '{}'", now.word(), self.state.word()));
        Ok(false)
    }

    /// Whether all kernels start with it; `None` where some do and some do not.
    fn kernel(&self, host: &Probe) -> Result<Option<bool>> {
        if host.which("grubby").is_none() {
            return Err(Fault::absent("'grubby' command not found on host").with(
                "details",
                "In order to update the kernel command line enabled/disabled setting, the grubby package needs to be present on the system.",
            ));
        }
        if let Some(planned) = host.planned(Thing::Other, "selinux kernel") {
            return Ok(Some(planned == "on"));
        }
        let ran = host.ask(cmd("grubby").arg("--info=ALL").any_rc())?;
        if !ran.ok() {
            fail!("unable to run grubby");
        }
        let out = ran.out();
        let args = out.lines().filter_map(|line| line.strip_prefix("args=\"")?.strip_suffix('"'));
        let off: Vec<bool> = args.map(|args| args.split(' ').any(|arg| arg == "selinux=0")).collect();
        let (all_on, all_off) = (!off.contains(&true), !off.contains(&false));
        Ok((all_on != all_off).then_some(all_on))
    }

    fn boot_with(&self, host: &mut Host, on: bool) -> Result<()> {
        let option = if on { "--remove-args" } else { "--args" };
        let state = if on { "on" } else { "off" }.to_owned();
        let effect = Effect::Set { thing: Thing::Other, name: "selinux kernel".to_owned(), state };
        let command = cmd("grubby").args(["--update-kernel=ALL", option, "selinux=0"]).any_rc();
        if !host.run(command.does(effect))?.ok() {
            let doing = if on { "remove selinux=0 from" } else { "add selinux=0 to" };
            fail!("unable to {doing} kernel config");
        }
        Ok(())
    }
}

fn enforce(host: &mut Host, value: &str) -> Result<()> {
    let effect = Effect::Set { thing: Thing::Other, name: MODE.to_owned(), state: value.to_owned() };
    host.run(cmd("setenforce").arg(value).does(effect))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/etc/selinux/config";

    fn world(config: &str) -> World {
        World::new().folder("/etc/selinux/targeted/policy").file(FILE, config)
    }

    fn running(mode: &str) -> World {
        world("# own\nSELINUX=enforcing\nSELINUXTYPE=targeted\n").file("/sys/fs/selinux/enforce", mode)
    }

    #[test]
    fn the_mode_changes_now_and_in_the_configuration() {
        let done = conform::<Selinux>("{ policy: targeted, state: permissive }", running("1")).changed();
        let done =
            done.ran(["setenforce 0"]).holds(FILE, "# own\nSELINUX=permissive\nSELINUXTYPE=targeted\n");
        let done = done.gives(
            "msg",
            "SELinux state changed from 'enforcing' to 'permissive', Config SELinux state changed from 'enforcing' to 'permissive'",
        );
        done.gives("reboot_required", false).then("{ policy: targeted, state: permissive }").unchanged();
        conform::<Selinux>("{ policy: targeted, state: enforcing }", running("1")).unchanged().ran([]);
    }

    #[test]
    fn off_takes_a_restart() {
        let done = conform::<Selinux>("{ state: disabled }", running("1")).changed().ran(["setenforce 0"]);
        let done = done.gives("reboot_required", true).gives("policy", "targeted");
        assert!(done.outcome().warnings.iter().any(|w| w.contains("temporarily changed")));
        let done = conform::<Selinux>("{ policy: targeted, state: enforcing }", world("SELINUX=disabled\n"));
        let done = done.changed().ran([]).gives("reboot_required", true);
        done.holds(FILE, "SELINUX=enforcing\nSELINUXTYPE=targeted\n");
    }

    #[test]
    fn the_policy_that_runs_may_be_indented() {
        let host = world("SELINUX=permissive\n  SELINUXTYPE=mls\n").probe();
        assert_eq!(running_policy(&host).unwrap().as_deref(), Some("mls"));
        assert_eq!(running_policy(&world("").probe()).unwrap().as_deref(), Some("targeted"));
    }

    #[test]
    fn what_is_missing_is_named() {
        conform::<Selinux>("{ state: enforcing }", running("1")).failed("Policy is required");
        conform::<Selinux>("{ state: disabled }", World::new()).failed("Unable to find file");
        conform::<Selinux>("{ policy: mls, state: enforcing }", running("1"))
            .failed("Policy mls does not exist in /etc/selinux/");
    }

    #[test]
    fn kernels_start_with_it_or_without() {
        let args = "{ policy: targeted, state: enforcing, update_kernel_param: yes }";
        conform::<Selinux>(args, running("1")).failed("'grubby' command not found");
        let grubby = |out: &str| running("1").program("grubby").says("grubby --info=ALL", out);
        conform::<Selinux>(args, grubby("args=\"ro quiet\"\n")).unchanged();
        conform::<Selinux>(args, grubby("args=\"ro selinux=0\"\n"))
            .ran(["grubby --update-kernel=ALL --remove-args selinux=0"])
            .gives("msg", "Kernel SELinux state changed from 'disabled' to 'enabled'");
        conform::<Selinux>(args, grubby("args=\"ro\"\nargs=\"selinux=0\"\n"))
            .gives("msg", "Kernel SELinux state changed from '<inconsistent>' to 'enabled'");
    }
}
