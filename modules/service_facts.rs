//! Return the state of services as facts.
//!
//! All units of type service that systemd knows, and the scripts of SysV init, Upstart and OpenRC where those are at work; they
//! are in `ansible_facts.services`, by name.
//!
//! ```yaml
//! - service_facts:
//! - debug: { var: ansible_facts.services }
//! ```
use shevek_kit::prelude::*;

/// Arguments of `service_facts`.
#[derive(Args)]
#[module(query)]
pub struct ServiceFacts {}

/// Services by name, in the order in which they were found.
type Services = Vec<(String, Val)>;

impl Query for ServiceFacts {
    fn ask(&self, host: &Probe) -> Result<Outcome> {
        let mut services = Services::new();
        scripts(host, &mut services)?;
        let canaries = ["/run/systemd/system/", "/dev/.run/systemd/", "/dev/.systemd/"];
        if host.which("systemctl").is_some() && canaries.into_iter().any(|path| host.exists(path)) {
            units(host, &mut services)?;
        }
        if services.is_empty() {
            let message = "Failed to find any services. This can be due to privileges or some other configuration issue.";
            return Ok(Outcome { skipped: true, ..Outcome::ok() }.with("msg", message));
        }
        let mut outcome = Outcome::ok();
        outcome.facts.push(("services".to_owned(), Val::Map(services)));
        Ok(outcome)
    }
}

/// Adds a service; one of that name is replaced.
fn put(services: &mut Services, name: &str, source: &str, entries: &[(&str, &str)]) {
    let mut map: Vec<(String, Val)> = vec![("name".to_owned(), name.into())];
    map.extend(entries.iter().map(|(key, value)| ((*key).to_owned(), Val::from(*value))));
    map.push(("source".to_owned(), source.into()));
    match services.iter_mut().find(|(known, _)| known == name) {
        Some(entry) => entry.1 = Val::Map(map),
        None => services.push((name.to_owned(), Val::Map(map))),
    }
}

fn scripts(host: &Probe, services: &mut Services) -> Result<()> {
    let has = |program: &str| host.which(program).is_some();
    let (chkconfig, openrc) = (has("chkconfig"), has("rc-status"));
    if has("service") && !chkconfig && !openrc {
        let ran = host.ask(cmd("service").arg("--status-all").any_rc())?;
        if !ran.ok() && (ran.rc != 4 || host.exists("/etc/init.d")) {
            host.warn(format!("Unable to query 'service' tool ({}): {}", ran.rc, ran.err()));
        }
        for line in ran.out().lines() {
            let line = line.trim_start();
            for (mark, state) in [("[ + ]", "running"), ("[ - ]", "stopped")] {
                if let Some(name) = line.strip_prefix(mark) {
                    put(services, name.trim(), "sysv", &[("state", state)]);
                }
            }
        }
    }
    if has("initctl") && !chkconfig {
        upstart(host, services)?;
    } else if chkconfig {
        red_hat(host, services)?;
    } else if openrc && has("rc-update") {
        open_rc(host, services)?;
    }
    Ok(())
}

fn upstart(host: &Probe, services: &mut Services) -> Result<()> {
    let ran = host.ask(cmd("initctl").arg("list").any_rc())?;
    if !ran.ok() {
        host.warn(format!("Unable to query upstart for service data: {}", ran.err()));
        return Ok(());
    }
    for line in ran.out().lines() {
        let job = line.split(", process").next().unwrap_or(line);
        if let Some((name, goal)) = job.trim_end().rsplit_once(' ')
            && let Some((goal, state)) = goal.split_once('/')
        {
            put(services, name.trim(), "upstart", &[("state", state), ("goal", goal)]);
        }
    }
    Ok(())
}

fn red_hat(host: &Probe, services: &mut Services) -> Result<()> {
    let listed = |args: &[&str]| -> Result<Vec<(String, bool)>> {
        let out = host.ask(cmd("chkconfig").args(args).any_rc())?.out();
        Ok(out.lines().filter_map(levels).collect())
    };
    let mut all = listed(&["--list"])?;
    if all.is_empty() {
        all = listed(&["-l", "--allservices"])?;
    }
    for (name, enabled) in all {
        let ran = host.ask(cmd("service").arg(&name).arg("status").any_rc())?;
        let state = if ran.rc == 0 { "running" } else { "stopped" };
        let status = if enabled { "enabled" } else { "disabled" };
        put(services, &name, "sysv", &[("state", state), ("status", status)]);
    }
    Ok(())
}

/// A line of `chkconfig --list`: the service, and whether runlevel 3 starts it.
fn levels(line: &str) -> Option<(String, bool)> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    let level = words.find(|word| word.starts_with("3:"))?;
    Some((name.to_owned(), level == "3:on"))
}

fn open_rc(host: &Probe, services: &mut Services) -> Result<()> {
    let shown = host.ask(cmd("rc-update").args(["show", "-v"]).any_rc())?.out();
    let levels: Vec<(&str, &str)> = shown.lines().filter_map(|line| line.split_once('|')).collect();
    let out = host.ask(cmd("rc-status").args(["-a", "-s", "-m"]).any_rc())?.out();
    for line in out.lines().filter(|line| line.starts_with(' ')) {
        let line = line.replace(['[', ']'], "");
        let mut words = line.split_whitespace();
        let (Some(name), Some(state)) = (words.next(), words.next()) else { continue };
        if name == "*" {
            continue;
        }
        let Some((_, of_service)) = levels.iter().find(|(service, _)| service.trim() == name) else {
            host.warn(format!("Service {name} not found in the service list"));
            continue;
        };
        let of_service: Vec<&str> = of_service.split_whitespace().collect();
        put(services, name, "openrc", &[("state", state)]);
        if let Some((_, Val::Map(entry))) = services.iter_mut().find(|(known, _)| known == name) {
            let value = if of_service.is_empty() { Val::Null } else { of_service.into() };
            entry.push(("runlevels".to_owned(), value));
        }
    }
    Ok(())
}

/// States that say more of a unit than its unit file does.
const BAD: [&str; 3] = ["not-found", "masked", "failed"];

fn units(host: &Probe, services: &mut Services) -> Result<()> {
    let list = |verb: &str, more: &[&str]| {
        let command = cmd("systemctl").args([verb, "--no-pager", "--type", "service", "--all"]).args(more);
        host.ask(command.any_rc())
    };
    let ran = list("list-units", &["--plain"])?;
    if !ran.ok() {
        host.warn(format!("Could not list units from systemd: {}", ran.err()));
    }
    // What was listed, with its status: the unit files may know better.
    let mut listed: Vec<(String, &str, String)> = Vec::new();
    for line in ran.out().lines().filter(|line| ran.ok() && line.contains(".service")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(name), Some(active), Some(sub)) = (words.first(), words.get(2), words.get(3)) else {
            continue;
        };
        let known = words.get(..words.len() - 1).unwrap_or_default();
        let status = BAD.into_iter().find(|bad| known.contains(bad)).unwrap_or(active);
        let state = if *sub == "running" { "running" } else { "stopped" };
        listed.push(((*name).to_owned(), state, status.to_owned()));
    }
    let ran = list("list-unit-files", &[])?;
    if !ran.ok() {
        host.warn(format!("Could not get unit files data from systemd: {}", ran.err()));
    }
    let mut only_files: Vec<(String, String)> = Vec::new();
    for line in ran.out().lines().filter(|line| ran.ok() && line.contains(".service")) {
        let mut words = line.split_whitespace();
        let (Some(name), Some(status)) = (words.next(), words.next()) else {
            fail!("Malformed output discovered from systemd list-unit-files: {line}");
        };
        match listed.iter_mut().find(|(known, _, _)| known == name) {
            Some((_, _, known)) if BAD.contains(&known.as_str()) => {}
            Some((_, _, known)) => status.clone_into(known),
            None => only_files.push((name.to_owned(), status.to_owned())),
        }
    }
    let states = active_states(host, &only_files)?;
    for (name, state, status) in &listed {
        put(services, name, "systemd", &[("state", state), ("status", status)]);
    }
    for (at, (name, status)) in only_files.iter().enumerate() {
        let state = states.get(at).map_or("unknown", String::as_str);
        put(services, name, "systemd", &[("state", state), ("status", status)]);
    }
    Ok(())
}

/// The states of units that are not loaded, from one call where Ansible makes one each. A template has none.
fn active_states(host: &Probe, names: &[(String, String)]) -> Result<Vec<String>> {
    let is_template = |name: &str| name.contains("@.");
    let real = names.iter().map(|(name, _)| name).filter(|name| !is_template(name));
    let command = cmd("systemctl").args(["show", "--property=ActiveState"]).args(real);
    let out = if command.args.len() > 2 { host.ask(command.any_rc())?.out() } else { String::new() };
    let mut shown = out.lines().filter_map(|line| line.strip_prefix("ActiveState="));
    let state = |(name, _): &(String, String)| match is_template(name) {
        true => "unknown".to_owned(),
        false => shown.next().unwrap_or("unknown").to_owned(),
    };
    Ok(names.iter().map(state).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(done: &Outcome) -> Val {
        done.facts.iter().find(|(name, _)| name == "services").unwrap().1.clone()
    }

    #[test]
    fn units_and_their_files_are_read_together() {
        let world = World::new()
            .program("systemctl")
            .folder("/run/systemd/system")
            .says(
                "systemctl list-units*",
                "UNIT LOAD ACTIVE SUB DESCRIPTION\n\
                 ssh.service loaded active running OpenBSD Secure Shell server\n\
                 auditd.service not-found inactive dead auditd.service\n",
            )
            .says(
                "systemctl list-unit-files*",
                "UNIT FILE STATE PRESET\nssh.service enabled enabled\ngetty@.service enabled enabled\n\
                 rsync.service disabled enabled\n",
            )
            .says("systemctl show --property=ActiveState rsync.service", "ActiveState=inactive\n");
        let done = conform::<ServiceFacts>("{}", world).unchanged();
        let all = services(done.outcome());
        let shown = |name: &str| {
            let service = all.get(name).unwrap();
            ["state", "status", "source"].map(|key| service.get(key).unwrap().as_str().unwrap().to_owned())
        };
        assert_eq!(shown("ssh.service"), ["running", "enabled", "systemd"]);
        assert_eq!(shown("auditd.service"), ["stopped", "not-found", "systemd"]);
        assert_eq!(shown("getty@.service"), ["unknown", "enabled", "systemd"]);
        assert_eq!(shown("rsync.service"), ["inactive", "disabled", "systemd"]);
    }

    #[test]
    fn scripts_are_asked_by_service() {
        let world =
            World::new().program("service").says("service --status-all", " [ + ]  cron\n [ - ]  rsync\n");
        let done = conform::<ServiceFacts>("{}", world).unchanged();
        let all = services(done.outcome());
        assert_eq!(all.get("cron").unwrap().get("state"), Some(&"running".into()));
        assert_eq!(all.get("rsync").unwrap().get("source"), Some(&"sysv".into()));
    }

    #[test]
    fn a_host_without_services_is_skipped() {
        assert!(conform::<ServiceFacts>("{}", World::new()).outcome().skipped);
    }
}
