//! Control systemd units: running, enabled, masked.
//!
//! Reloads and re-executes the manager when asked, before anything else.
//!
//! ```yaml
//! - systemd_service: { name: nginx, state: started, enabled: true }
//! - systemd_service: { daemon_reload: true }
//! - systemd_service: { name: apt-daily.timer, masked: true, state: stopped }
//! ```
use shevek_kit::prelude::*;

/// Arguments of `systemd_service`.
#[derive(Args)]
#[module(procedure, aliases("systemd"))]
#[rule(one_of("state", "enabled", "masked", "daemon_reload", "daemon_reexec"))]
#[rule(with("state", needs("name")), with("enabled", needs("name")), with("masked", needs("name")))]
pub struct SystemdService {
    /// The unit; without a suffix, a service.
    #[arg(aliases("service", "unit"))]
    name: Option<String>,
    /// What it should be doing. `restarted` and `reloaded` act each time, and start a unit that is stopped.
    state: Option<Wanted>,
    /// Whether it starts with the system.
    enabled: Option<bool>,
    /// Replace links of other units that are in the way.
    force: Option<bool>,
    /// Whether it can't be started at all.
    masked: Option<bool>,
    /// Read unit files again first.
    #[arg(default = false, alias = "daemon-reload")]
    daemon_reload: bool,
    /// Restart the manager itself first.
    #[arg(default = false, alias = "daemon-reexec")]
    daemon_reexec: bool,
    /// Which manager: the system's, the user's, or for all users.
    #[arg(default = "system")]
    scope: Scope,
    /// Don't wait until the unit has done what it was told.
    #[arg(default = false)]
    no_block: bool,
}

/// What a unit should be doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Wanted {
    /// It is told to read its configuration again.
    Reloaded,
    /// It is stopped and started.
    Restarted,
    /// It runs.
    Started,
    /// It doesn't.
    Stopped,
}

/// Which manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Scope {
    /// The system's.
    System,
    /// The user's.
    User,
    /// All users'.
    Global,
}

/// What `systemctl show` says of a unit, in its order.
type Properties = Vec<(String, String)>;

impl Procedure for SystemdService {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        host.probe().need("systemctl")?;
        for (wanted, verb) in [(self.daemon_reload, "daemon-reload"), (self.daemon_reexec, "daemon-reexec")] {
            if wanted {
                self.manager(host, verb)?;
            }
        }
        let Some(unit) = &self.name else {
            return Ok(Outcome::ok().with("name", Val::Null).with("status", Val::Map(Vec::new())));
        };
        if let Some(glob) = ['*', '?', '['].into_iter().find(|glob| unit.contains(*glob)) {
            fail!(
                "This module does not currently support using glob patterns, found '{glob}' in service name: {unit}"
            );
        }
        self.control(unit, host)
    }
}

impl SystemdService {
    /// With the way to the user's own manager, where the login has not set it.
    fn reaching(&self, command: Command, host: &Probe) -> Command {
        match host.env("XDG_RUNTIME_DIR") {
            Some(_) => command,
            None => command.env("XDG_RUNTIME_DIR", format!("/run/user/{}", host.identity().uid)),
        }
    }

    fn systemctl(&self, verb: &str, host: &Probe) -> Command {
        let scope = match self.scope {
            Scope::System => None,
            Scope::User => Some("--user"),
            Scope::Global => Some("--global"),
        };
        let command = match scope {
            Some(scope) => cmd("systemctl").arg(scope),
            None => cmd("systemctl"),
        };
        let command = self.reaching(command, host);
        command.flag("--no-block", self.no_block).flag("--force", self.force == Some(true)).arg(verb)
    }

    /// `systemctl` without options that only matter when something is changed.
    fn question(&self, verb: &str, host: &Probe) -> Command {
        let quiet = SystemdServiceQuestion { scope: self.scope };
        self.reaching(quiet.command(verb), host).any_rc()
    }

    fn manager(&self, host: &mut Host, verb: &str) -> Result<()> {
        let ran = host.run(self.systemctl(verb, host).any_rc().does(Effect::Nothing))?;
        if !ran.ok() {
            let words = ran.err();
            if offline(host.probe()) {
                host.probe().warn(format!(
                    "{verb} failed, but target is a chroot or systemd is offline. Continuing. Error was: {} / {words}",
                    ran.rc
                ));
            } else {
                fail!("failure {} during {verb}: {words}", ran.rc);
            }
        }
        Ok(())
    }

    fn control(&self, unit: &str, host: &mut Host) -> Result<Outcome> {
        let mut properties = self.properties(unit, host.probe())?;
        let mut outcome = Outcome::ok().with("name", unit);
        let is_script = host.probe().exists(format!("/etc/init.d/{}", unit.trim_end_matches(".service")));
        let found = is_loaded(&properties) || is_script || planned(host.probe(), unit);
        if let Some(error) =
            get(&properties, "LoadError").filter(|_| get(&properties, "LoadState") != Some("masked"))
            && get(&properties, "LoadState").is_some_and(|state| state != "not-found")
        {
            fail!("Error loading unit file '{unit}': {error}");
        }
        if let Some(masked) = self.masked {
            outcome.changed |= self.mask(unit, masked, host)?;
        }
        if let Some(enabled) = self.enabled {
            exists(found, unit)?;
            outcome.changed |= self.enable(unit, enabled, host)?;
            outcome.set("enabled", enabled);
        }
        if let Some(state) = self.state {
            exists(found, unit)?;
            if get(&properties, "ActiveState").is_none()
                && host.probe().planned(Thing::UnitActive, unit).is_none()
            {
                if offline(host.probe()) {
                    host.probe().warn(
                        "Target is a chroot or systemd is offline. This can lead to false positives or prevent the \
                         init system tools from working.",
                    );
                } else {
                    fail!("Service is in unknown state");
                }
            } else {
                outcome.changed |= self.drive(unit, state, &properties, host)?;
            }
            outcome.set("state", if state == Wanted::Stopped { "stopped" } else { "started" });
        }
        properties.retain(|(name, _)| !name.is_empty());
        outcome.set("status", Val::Map(properties.into_iter().map(|(k, v)| (k, v.into())).collect()));
        Ok(outcome)
    }

    fn properties(&self, unit: &str, probe: &Probe) -> Result<Properties> {
        let ran = probe.ask(self.question("show", probe).arg(unit))?;
        let ignored = |words: &str| words.contains("=") && words.contains("ignoring request");
        if ran.ok() && !ignored(&ran.out()) && !ignored(&ran.err()) {
            return Ok(parse(&ran.out()));
        }
        // In a chroot `show` says nothing, but unit files can still be looked at.
        let ran = probe.ask(self.question("list-unit-files", probe).arg(unit))?;
        let full = if unit.contains('.') { unit.to_owned() } else { format!("{unit}.service") };
        let is_there = ran.out().lines().any(|line| line.split_whitespace().next() == Some(full.as_str()));
        // A template without an instance is only asked for so.
        let is_there = is_there
            || unit.contains('@') && {
                let ran = probe.ask(self.question("is-enabled", probe).arg(unit))?;
                !matches!(ran.out().trim(), "" | "not-found")
            };
        if !is_there && ran.err().contains("Failed to connect to bus") {
            let fault = Fault::absent(ran.err().trim()).with("rc", ran.rc);
            return Err(fault.with("stdout", ran.out()).with("stderr", ran.err()));
        }
        Ok(if is_there { vec![("LoadState".into(), "loaded".into())] } else { Vec::new() })
    }

    fn mask(&self, unit: &str, wanted: bool, host: &mut Host) -> Result<bool> {
        let masked = match host.probe().planned(Thing::UnitEnabled, unit) {
            Some(state) => state == "masked",
            None => host.probe().ask(self.question("is-enabled", host).arg(unit))?.out().trim() == "masked",
        };
        if masked == wanted {
            return Ok(false);
        }
        let (verb, state) = if wanted { ("mask", "masked") } else { ("unmask", "disabled") };
        let ran = host.run(self.systemctl(verb, host).arg(unit).any_rc().does(set(
            Thing::UnitEnabled,
            unit,
            state,
        )))?;
        if !ran.ok() {
            fail!("Failed to {verb} the service ({unit}): {}", ran.err().trim());
        }
        Ok(true)
    }

    fn enable(&self, unit: &str, wanted: bool, host: &mut Host) -> Result<bool> {
        let enabled = match host.probe().planned(Thing::UnitEnabled, unit) {
            Some(state) => state == "enabled",
            None => {
                let ran = host.probe().ask(self.question("is-enabled", host).arg(unit).arg("-l"))?;
                // These count as enabled for systemctl, and are not what was asked for.
                ran.ok() && !matches!(ran.out().trim_end(), "enabled-runtime" | "indirect" | "alias")
            }
        };
        if enabled == wanted {
            return Ok(false);
        }
        let (verb, state) = if wanted { ("enable", "enabled") } else { ("disable", "disabled") };
        let ran = host.run(self.systemctl(verb, host).arg(unit).any_rc().does(set(
            Thing::UnitEnabled,
            unit,
            state,
        )))?;
        if !ran.ok() {
            fail!("Unable to {verb} service {unit}: {}{}", ran.out(), ran.err());
        }
        Ok(true)
    }

    fn drive(&self, unit: &str, wanted: Wanted, now: &Properties, host: &mut Host) -> Result<bool> {
        let planned = host.probe().planned(Thing::UnitActive, unit);
        let state = get(now, "ActiveState").unwrap_or_default();
        let (runs, ends) = match planned.as_deref() {
            Some(state) => (state == "started", false),
            None => (matches!(state, "active" | "activating" | "reloading"), state == "deactivating"),
        };
        let verb = match wanted {
            Wanted::Started if runs => return Ok(false),
            Wanted::Stopped if !runs && !ends => return Ok(false),
            Wanted::Stopped => "stop",
            Wanted::Restarted if runs => "restart",
            Wanted::Reloaded if runs => "reload",
            Wanted::Started | Wanted::Restarted | Wanted::Reloaded => "start",
        };
        let end = if wanted == Wanted::Stopped { "stopped" } else { "started" };
        let ran =
            host.run(self.systemctl(verb, host).arg(unit).any_rc().does(set(Thing::UnitActive, unit, end)))?;
        if !ran.ok() {
            fail!("Unable to {verb} service {unit}: {}", ran.err());
        }
        Ok(true)
    }
}

/// A manager to ask.
struct SystemdServiceQuestion {
    scope: Scope,
}

impl SystemdServiceQuestion {
    fn command(&self, verb: &str) -> Command {
        match self.scope {
            Scope::System => cmd("systemctl"),
            Scope::User => cmd("systemctl").arg("--user"),
            Scope::Global => cmd("systemctl").arg("--global"),
        }
        .arg(verb)
    }
}

fn set(thing: Thing, unit: &str, state: &str) -> Effect {
    Effect::Set { thing, name: unit.to_owned(), state: state.to_owned() }
}

fn planned(probe: &Probe, unit: &str) -> bool {
    probe.planned(Thing::UnitActive, unit).is_some() || probe.planned(Thing::UnitEnabled, unit).is_some()
}

fn exists(found: bool, unit: &str) -> Result<()> {
    if found {
        Ok(())
    } else {
        Err(Fault::absent(format!("Could not find the requested service {unit}: host")))
    }
}

/// Whether there is no systemd at work that could be talked to.
fn offline(probe: &Probe) -> bool {
    probe.env("SYSTEMD_OFFLINE").as_deref() == Some("1") || !probe.is_folder("/run/systemd/system")
}

fn is_loaded(properties: &Properties) -> bool {
    get(properties, "LoadState").is_some_and(|state| state != "not-found")
}

fn get<'a>(properties: &'a Properties, name: &str) -> Option<&'a str> {
    properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// `KEY=value` lines; a value in braces goes on until a line that ends with the closing one.
fn parse(text: &str) -> Properties {
    let mut properties: Properties = Vec::new();
    let mut open: Option<(String, Vec<&str>)> = None;
    for line in text.lines() {
        if let Some((_, parts)) = &mut open {
            parts.push(line);
            if line.trim_end().ends_with('}')
                && let Some((key, parts)) = open.take()
            {
                properties.push((key, parts.join("\n").trim().to_owned()));
            }
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        if key.starts_with("Exec") && value.trim_start().starts_with('{') && !value.trim_end().ends_with('}')
        {
            open = Some((key.to_owned(), vec![value]));
        } else {
            properties.push((key.to_owned(), value.trim().to_owned()));
        }
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOPPED: &str = "Id=nginx.service\nLoadState=loaded\nActiveState=inactive\n";

    fn world() -> World {
        World::new()
            .program("systemctl")
            .folder("/run/systemd/system")
            .says("systemctl show nginx", STOPPED)
            .answers(
                "systemctl is-enabled nginx*",
                Ran { rc: 1, stdout: b"disabled\n".to_vec(), ..Ran::default() },
            )
    }

    #[test]
    fn starts_and_enables() {
        conform::<SystemdService>("{ name: nginx, state: started, enabled: true }", world())
            .changed()
            .ran(["systemctl enable nginx", "systemctl start nginx"]);
    }

    #[test]
    fn the_way_to_the_users_manager_is_known_without_a_login() {
        let module = shevek_kit::testing::module::<SystemdService>("{ name: a, scope: user }");
        let way = |world: World| module.systemctl("start", &world.probe()).env;
        let set = Some(std::ffi::OsString::from("/run/user/1000"));
        assert_eq!(way(World::new().running_as(1000, 1000)), [("XDG_RUNTIME_DIR".into(), set)]);
        assert_eq!(way(World::new().env("XDG_RUNTIME_DIR", "/x")), []);
    }

    #[test]
    fn leaves_a_stopped_unit_stopped() {
        conform::<SystemdService>("{ name: nginx, state: stopped }", world()).unchanged();
    }

    #[test]
    fn a_value_in_braces_may_take_several_lines() {
        let properties = parse("ExecStart={ path=/bin/a ;\n argv[]=/bin/a }\nId=a.service\n");
        assert_eq!(get(&properties, "ExecStart"), Some("{ path=/bin/a ;\n argv[]=/bin/a }"));
        assert_eq!(get(&properties, "Id"), Some("a.service"));
    }
}
