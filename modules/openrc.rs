//! Control services by OpenRC, where `service` finds that to be the service manager.
//!
//! No task names it: `service` calls it.
use shevek_kit::prelude::*;

use crate::sysvinit::Wanted;

/// Arguments of `openrc`: those of `service`.
#[derive(Args)]
#[module(procedure)]
#[rule(one_of("state", "enabled"))]
pub struct Openrc {
    /// The service.
    name: String,
    /// What it should be doing.
    state: Option<Wanted>,
    /// Whether it starts with the system.
    enabled: Option<bool>,
    /// The runlevel for which it is enabled.
    #[arg(default = "default")]
    runlevel: String,
    /// Text to look for among the processes, instead of asking for the service's status.
    pattern: Option<String>,
    /// Further arguments for the service's script.
    #[arg(alias = "args")]
    arguments: Option<String>,
    /// Accepted; a restart of OpenRC waits as long as it takes.
    #[expect(dead_code, reason = "accepted, of no consequence, as in Ansible")]
    sleep: Option<i64>,
}

/// What a service is doing.
struct Status {
    runs: bool,
    /// It ended by itself; OpenRC starts it again only after it was told to forget that.
    crashed: bool,
}

impl Procedure for Openrc {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        refuse_options([self.name.as_str(), self.runlevel.as_str()])?;
        let mut outcome = Outcome::ok().with("name", &self.name);
        if let Some(enabled) = self.enabled {
            outcome.changed = self.enable(enabled, host)?;
            outcome.set("enabled", enabled);
        }
        let Some(state) = self.state else { return Ok(outcome) };
        let now = self.status(host)?;
        let verb = match state {
            Wanted::Started if now.runs => None,
            Wanted::Stopped if !now.runs => None,
            Wanted::Reloaded if !now.runs => Some("start"),
            Wanted::Started => Some("start"),
            Wanted::Stopped => Some("stop"),
            Wanted::Restarted => Some("restart"),
            Wanted::Reloaded => Some("reload"),
        };
        if let Some(verb) = verb {
            self.act(verb, now.crashed, host)?;
            outcome.changed = true;
        }
        Ok(outcome.with("state", if state == Wanted::Stopped { "stopped" } else { "started" }))
    }
}

impl Openrc {
    fn effect(&self, thing: Thing, state: &str) -> Effect {
        Effect::Set { thing, name: self.name.clone(), state: state.to_owned() }
    }

    /// Enables or disables it; whether that took anything.
    fn enable(&self, enabled: bool, host: &mut Host) -> Result<bool> {
        let is_enabled = match host.planned(Thing::UnitEnabled, &self.name) {
            Some(state) => state == "enabled",
            None => {
                let shown = host.ask(cmd("rc-update").arg("show").any_rc())?.out();
                let mut rows = shown.lines().filter_map(|line| line.split_once('|'));
                let levels = rows.find(|(name, _)| name.trim() == self.name).map(|(_, levels)| levels);
                levels.is_some_and(|levels| levels.split_whitespace().any(|level| level == self.runlevel))
            }
        };
        if is_enabled == enabled {
            return Ok(false);
        }
        let (verb, state) = if enabled { ("add", "enabled") } else { ("delete", "disabled") };
        self.must_be_there(host)?;
        let command = cmd("rc-update").args([verb, &self.name, &self.runlevel]).any_rc();
        let ran = host.run(command.does(self.effect(Thing::UnitEnabled, state)))?;
        if ran.ok() {
            return Ok(true);
        }
        let (rc, out, err) = (ran.rc, ran.out(), ran.err());
        let name = &self.name;
        fail!(
            "{}",
            match err.is_empty() {
                true => format!("Failure for {verb} {name}: rc={rc} {out}"),
                false => format!("Error when trying to {verb} {name}: rc={rc} {err}"),
            }
        )
    }

    fn status(&self, host: &Probe) -> Result<Status> {
        if let Some(state) = host.planned(Thing::UnitActive, &self.name) {
            return Ok(Status { runs: state == "started", crashed: false });
        }
        if let Some(pattern) = &self.pattern {
            let processes = host.ask(cmd("ps").arg("auxww"))?.out();
            let is_it = |line: &str| line.contains(pattern) && !line.contains("pattern=");
            return Ok(Status { runs: processes.lines().any(is_it), crashed: false });
        }
        let ran = host.ask(cmd("rc-service").args([&self.name, "status"]).any_rc())?;
        Ok(Status { runs: ran.out().contains("started"), crashed: ran.err().contains("crashed") })
    }

    /// In check mode, what the real run would fail for.
    fn must_be_there(&self, host: &Probe) -> Result<()> {
        if host.rehearsing()
            && !host.exists(format!("/etc/init.d/{}", self.name))
            && !host.ask(cmd("rc-service").args(["--exists", &self.name]).any_rc())?.ok()
        {
            return Err(Fault::absent(format!("rc-service: service `{}' does not exist", self.name)));
        }
        Ok(())
    }

    fn act(&self, verb: &str, crashed: bool, host: &mut Host) -> Result<()> {
        self.must_be_there(host)?;
        let command = |verb: &str| cmd("rc-service").args([&self.name, verb]).any_rc();
        if verb == "start" && crashed {
            host.run(command("zap").does(Effect::Nothing))?;
        }
        let further = self.arguments.iter().flat_map(|args| args.split_whitespace());
        let state = if verb == "stop" { "stopped" } else { "started" };
        let ran = host.run(command(verb).args(further).does(self.effect(Thing::UnitActive, state)))?;
        if ran.ok() {
            return Ok(());
        }
        fail!("{}", if ran.err().is_empty() { ran.out() } else { ran.err() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .file("/etc/init.d/web", "#!/sbin/openrc-run")
            .says("rc-service *", "")
            .says("rc-update show", "             cron |      default\n              dbg | boot\n")
            .says("rc-update add web*", "")
            .says("rc-update delete cron default", "")
            .answers("rc-service web status", Ran { rc: 3, ..Ran::said(" * status: stopped\n") })
            .says("rc-service cron status", " * status: started\n")
    }

    #[test]
    fn a_service_is_started_and_enabled() {
        let done = conform::<Openrc>("{ name: web, state: started, enabled: yes }", world()).changed();
        done.ran(["rc-update add web default", "rc-service web start"])
            .gives("name", "web")
            .gives("state", "started")
            .gives("enabled", true);
        conform::<Openrc>("{ name: cron, state: started, enabled: yes }", world()).unchanged().ran([]);
        let done = conform::<Openrc>(
            "{ name: cron, state: stopped, enabled: no }",
            world().file("/etc/init.d/cron", ""),
        );
        done.changed().ran(["rc-update delete cron default", "rc-service cron stop"]);
    }

    #[test]
    fn a_service_is_enabled_for_a_runlevel() {
        let done = conform::<Openrc>("{ name: web, enabled: yes, runlevel: boot }", world()).changed();
        done.ran(["rc-update add web boot"]);
        let other = world().file("/etc/init.d/cron", "").says("rc-update add cron boot", "");
        conform::<Openrc>("{ name: cron, enabled: yes, runlevel: boot }", other).changed();
        conform::<Openrc>("{ name: cron, enabled: no, runlevel: boot }", world()).unchanged();
    }

    #[test]
    fn what_crashed_is_made_to_forget_it() {
        let crashed = Ran { rc: 32, stderr: " * status: crashed\n".into(), ..Ran::default() };
        let world = World::new()
            .file("/etc/init.d/web", "")
            .says("rc-service web *", "")
            .answers("rc-service web status", crashed);
        conform::<Openrc>("{ name: web, state: reloaded }", world)
            .changed()
            .ran(["rc-service web zap", "rc-service web start"]);
    }

    #[test]
    fn a_service_that_is_not_there_fails_in_check_mode_too() {
        let missing = Ran::failed(1, "rc-service: service `no' does not exist\n");
        let world = World::new().answers("rc-service*", missing);
        conform::<Openrc>("{ name: no, state: started }", world).failed("service `no' does not exist");
    }
}
