//! Control services by SysV init scripts.
//!
//! ```yaml
//! - sysvinit: { name: apache2, state: started, enabled: true }
//! - sysvinit: { name: apache2, state: restarted, runlevels: [3, 5] }
//! ```
use shevek_kit::prelude::*;

/// Arguments of `sysvinit`.
#[derive(Args)]
#[module(procedure)]
#[rule(one_of("state", "enabled"))]
pub struct Sysvinit {
    /// The service.
    #[arg(alias = "service")]
    name: String,
    /// What it should be doing.
    state: Option<Wanted>,
    /// Whether it starts with the system.
    enabled: Option<bool>,
    /// Seconds between stopping and starting, for a restart.
    #[arg(default = 1)]
    sleep: u32,
    /// Text to look for among the processes, where the script knows no status.
    pattern: Option<String>,
    /// The runlevels for which it is enabled.
    runlevels: Vec<String>,
    /// Further arguments for the script.
    #[arg(alias = "args")]
    arguments: Option<String>,
    /// Accepted; the scripts have no way to stay attached here.
    #[arg(default = false)]
    #[expect(dead_code, reason = "accepted, of no consequence")]
    daemonize: bool,
}

/// What a service should be doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Wanted {
    /// It runs.
    Started,
    /// It doesn't.
    Stopped,
    /// It is stopped and started.
    Restarted,
    /// It reads its configuration again.
    Reloaded,
}

impl Procedure for Sysvinit {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let script = format!("/etc/init.d/{}", self.name);
        if !host.exists(&script) {
            return Err(Fault::absent(format!("Could not find the requested service {}: ", self.name)));
        }
        let runs = self.runs(host)?;
        let mut changed = false;
        let mut enabling = None;
        if let Some(enabled) = self.enabled
            && self.is_enabled(host)? != enabled
        {
            changed = true;
            enabling = Some(self.enable(enabled, host)?);
        }
        let mut told = told(enabling.as_ref(), host);
        if !self.runlevels.is_empty() {
            told.push(("runlevels".to_owned(), self.runlevels.clone().into()));
        }
        let mut status = vec![("enabled".to_owned(), Val::Map(told))];
        let Some(state) = self.state else {
            // As Ansible's result has it.
            status.push(("null".to_owned(), Val::Map(self::told(None, host))));
            return Ok(Outcome::ok().changed_if(changed).with("name", &self.name).with("status", status));
        };
        {
            let verb = match state {
                Wanted::Started if runs => None,
                Wanted::Stopped if !runs => None,
                Wanted::Started => Some("start"),
                Wanted::Stopped => Some("stop"),
                Wanted::Restarted => Some("restart"),
                Wanted::Reloaded => Some("reload"),
            };
            changed |= verb.is_some();
            let ran = verb.map(|verb| self.act(&script, verb, host)).transpose()?;
            status.push((state.word().to_owned(), Val::Map(self::told(ran.as_ref(), host))));
        }
        Ok(Outcome::ok().changed_if(changed).with("name", &self.name).with("status", status))
    }
}

/// What the result says of a command that ran or was not needed.
fn told(ran: Option<&Ran>, host: &Probe) -> Vec<(String, Val)> {
    let shown = ran.filter(|_| !host.rehearsing());
    let entries = [
        ("changed", ran.is_some().into()),
        ("rc", shown.map_or(Val::Null, |ran| ran.rc.into())),
        ("stdout", shown.map_or(Val::Null, |ran| ran.out().into())),
        ("stderr", shown.map_or(Val::Null, |ran| ran.err().into())),
    ];
    entries.map(|(key, value)| (key.to_owned(), value)).to_vec()
}

impl Sysvinit {
    fn runs(&self, host: &Probe) -> Result<bool> {
        if let Some(state) = host.planned(Thing::UnitActive, &self.name) {
            return Ok(state == "started");
        }
        let process = |part: &str| -> Result<bool> {
            Ok(host.ask(cmd("ps").arg("-ef"))?.out().lines().any(|line| line.contains(part)))
        };
        let unsure = || host.warn("Unable to determine if service is up, assuming it is down");
        if let Some(pattern) = &self.pattern {
            let runs = process(pattern)?;
            if !runs {
                unsure();
            }
            return Ok(runs);
        }
        let ran = host.ask(cmd("service").arg(&self.name).arg("status").any_rc())?;
        let out = ran.out();
        // Many scripts tell it only in words, in one line.
        if out.matches('\n').count() <= 1 {
            let words = out.to_lowercase().replace(&self.name.to_lowercase(), "");
            let says = |list: &[&str]| list.iter().any(|word| words.contains(word));
            if says(&["stop", "is dead ", "dead but ", "could not access pid file", "inactive"]) {
                return Ok(false);
            }
            if says(&["run", "start", "active"]) && !words.contains("not ") {
                return Ok(true);
            }
        }
        if matches!(ran.rc, 0..=4 | 69) {
            return Ok(ran.rc == 0);
        }
        let runs = process(&self.name)?;
        match runs {
            true => host
                .warn("Used ps output to match service name and determine it is up, this is very unreliable"),
            false => unsure(),
        }
        Ok(runs)
    }

    fn levels(&self) -> Vec<String> {
        if self.runlevels.is_empty() {
            return ["2", "3", "4", "5"].map(str::to_owned).to_vec();
        }
        self.runlevels.clone()
    }

    fn is_enabled(&self, host: &Probe) -> Result<bool> {
        if let Some(state) = host.planned(Thing::UnitEnabled, &self.name) {
            return Ok(state == "enabled");
        }
        let starts = |level: &str| -> Result<bool> {
            for folder in [format!("/etc/rc{level}.d"), format!("/etc/rc.d/rc{level}.d")] {
                if !host.is_folder(&folder) {
                    continue;
                }
                let is_ours = |name: &str| {
                    name.strip_prefix('S')
                        .and_then(|rest| rest.get(2..))
                        .is_some_and(|rest| rest == self.name)
                };
                if host.list(&folder)?.iter().any(|name| is_ours(&name.to_string_lossy())) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let levels = self.levels();
        let mut found = 0;
        for level in &levels {
            found += usize::from(starts(level)?);
        }
        // With runlevels given all of them count; otherwise any will do.
        Ok(if self.runlevels.is_empty() { found > 0 } else { found == levels.len() })
    }

    fn enable(&self, enabled: bool, host: &mut Host) -> Result<Ran> {
        let state = if enabled { "enabled" } else { "disabled" };
        let effect =
            || Effect::Set { thing: Thing::UnitEnabled, name: self.name.clone(), state: state.to_owned() };
        if host.which("update-rc.d").is_some() {
            if enabled {
                // Differs from Ansible: what was never enabled has no links to enable; they are made first.
                host.run(cmd("update-rc.d").args([&self.name, "defaults"]).does(effect()))?;
            }
            let verb = if enabled { "enable" } else { "disable" };
            return host
                .run(cmd("update-rc.d").args([&self.name, verb]).args(&self.runlevels).does(effect()));
        }
        if host.which("chkconfig").is_some() {
            let verb = if enabled { "on" } else { "off" };
            let command =
                cmd("chkconfig").arg("--level").arg(self.levels().concat()).args([&self.name, verb]);
            return host.run(command.does(effect()));
        }
        Err(Fault::absent("Cannot enable the service: neither update-rc.d nor chkconfig is there"))
    }

    fn act(&self, script: &str, verb: &str, host: &mut Host) -> Result<Ran> {
        let state = if verb == "stop" { "stopped" } else { "started" };
        let run = |verb: &str, host: &mut Host| -> Result<Ran> {
            let effect =
                Effect::Set { thing: Thing::UnitActive, name: self.name.clone(), state: state.to_owned() };
            let further = self.arguments.iter().flat_map(|args| args.split_whitespace());
            let ran = host.run(cmd(script).arg(verb).args(further).any_rc().does(effect))?;
            if !ran.ok() {
                return Err(Fault::new(format!("Failed to {verb} service: {}", self.name))
                    .with("rc", ran.rc)
                    .with("stdout", ran.out())
                    .with("stderr", ran.err()));
            }
            Ok(ran)
        };
        if verb != "restart" {
            return run(verb, host);
        }
        // Not every script waits until the old processes are gone.
        run("stop", host)?;
        if self.sleep > 0 {
            host.run(cmd("sleep").arg(self.sleep.to_string()).does(Effect::Nothing))?;
        }
        run("start", host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .file("/etc/init.d/web", "#!")
            .folder("/etc/rc2.d")
            .program("update-rc.d")
            .says("/etc/init.d/web*", "")
            .answers("service web status", Ran { rc: 3, ..Ran::default() })
    }

    fn told(one: &str, one_changed: bool, other: &str, other_changed: bool) -> Val {
        let part = |changed: bool| {
            let (rc, out) = if changed { (Val::Int(0), Val::from("")) } else { (Val::Null, Val::Null) };
            let entries = [("changed", changed.into()), ("rc", rc), ("stdout", out.clone()), ("stderr", out)];
            Val::Map(entries.map(|(key, value)| (key.to_owned(), value)).to_vec())
        };
        Val::Map(vec![(one.to_owned(), part(one_changed)), (other.to_owned(), part(other_changed))])
    }

    #[test]
    fn a_service_is_started_and_enabled() {
        let done = conform::<Sysvinit>("{ name: web, state: started, enabled: yes }", world()).changed();
        done.ran(["update-rc.d web defaults", "update-rc.d web enable", "/etc/init.d/web start"])
            .gives("name", "web")
            .gives("status", told("enabled", true, "started", true));
        let world = world().says("service web status", "web is running\n").file("/etc/rc2.d/S01web", "");
        let done =
            conform::<Sysvinit>("{ name: web, state: started, enabled: yes }", world).unchanged().ran([]);
        done.gives("status", told("enabled", false, "started", false));
    }

    #[test]
    fn what_a_script_says_of_itself_is_understood() {
        let runs = |rc: i32, out: &str| {
            let world = world().answers("service web status", Ran { rc, ..Ran::said(out) });
            let world = world.says("ps -ef", "root 1 0 /usr/bin/websocket\n");
            let done = conform::<Sysvinit>("{ name: web, state: started }", world);
            (!done.outcome().changed, done.outcome().warnings.len())
        };
        assert_eq!(runs(0, "web is running.\n"), (true, 0));
        assert_eq!(runs(0, "web is not running\n"), (true, 0));
        assert_eq!(runs(0, "web is stopped\n"), (false, 0));
        assert_eq!(runs(3, "a\nb\nrunning\n"), (false, 0));
        assert_eq!(runs(5, ""), (true, 1));
        let args = "{ name: web, state: stopped, pattern: nothing }";
        let done = conform::<Sysvinit>(args, world().says("ps -ef", "root 1 0 init\n")).unchanged();
        assert_eq!(done.outcome().warnings, ["Unable to determine if service is up, assuming it is down"]);
    }

    #[test]
    fn a_restart_stops_waits_and_starts() {
        conform::<Sysvinit>("{ name: web, state: restarted }", world()).changed().ran([
            "/etc/init.d/web stop",
            "sleep 1",
            "/etc/init.d/web start",
        ]);
        conform::<Sysvinit>("{ name: no, state: started }", world())
            .failed("Could not find the requested service no");
    }
}
