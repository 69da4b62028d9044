//! Open and close ports, services and more with firewalld.
//!
//! One thing of one zone a task; with only `zone` and `state` the zone itself. Where firewalld does not run, permanent changes are
//! made in its files.
//!
//! ```yaml
//! - ansible.posix.firewalld: { service: https, permanent: true, immediate: true, state: enabled }
//! - ansible.posix.firewalld: { port: 8081/tcp, zone: dmz, permanent: true, state: disabled }
//! - ansible.posix.firewalld: { rich_rule: 'rule service name="ftp" accept', permanent: true, state: enabled }
//! - ansible.posix.firewalld: { zone: custom, state: present, permanent: true }
//! ```
use shevek_kit::prelude::*;
use shevek_kit::printed::python_str;

/// Arguments of `firewalld`.
#[derive(Args)]
#[module(procedure, collection = "ansible.posix")]
#[rule(exclusive(
    "icmp_block",
    "icmp_block_inversion",
    "service",
    "protocol",
    "port",
    "port_forward",
    "rich_rule",
    "interface",
    "forward",
    "masquerade",
    "source",
    "target"
))]
#[rule(with("interface", needs("zone")), with("target", needs("zone")))]
pub struct Firewalld {
    /// A service by its name.
    service: Option<String>,
    /// A protocol by its name.
    protocol: Option<String>,
    /// A port or a range of them, with its protocol: `8080-8090/tcp`.
    port: Option<String>,
    /// A port that leads to another one.
    port_forward: Option<Vec<Dict>>,
    /// A rule in firewalld's language for them.
    rich_rule: Option<String>,
    /// An address or a network.
    source: Option<String>,
    /// A network interface.
    interface: Option<String>,
    /// A type of ICMP messages that is blocked.
    icmp_block: Option<String>,
    /// Whether the blocks of ICMP messages are the other way round.
    icmp_block_inversion: Option<bool>,
    /// The zone; left out: the default zone.
    zone: Option<String>,
    /// Change what is there from the next start on.
    #[arg(default = false)]
    permanent: bool,
    /// Change what is there now; so it is where `permanent` is not said.
    #[arg(default = false)]
    immediate: bool,
    /// Whether it is there; `present` and `absent` are for zones.
    #[arg(required)]
    state: State,
    /// Seconds that it is there, where it is not permanent.
    #[arg(default = 0)]
    timeout: i64,
    /// Whether packets go from one interface of the zone to another.
    forward: Option<bool>,
    /// Whether addresses are hidden behind the host's.
    masquerade: Option<bool>,
    /// Do without `immediate` where firewalld does not run.
    #[arg(default = false)]
    offline: bool,
    /// What becomes of packets that nothing is said about.
    target: Option<Target>,
}

/// Whether something is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum State {
    /// The zone is not.
    Absent,
    /// It is not.
    Disabled,
    /// It is.
    Enabled,
    /// The zone is.
    Present,
}

/// What becomes of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Target {
    /// Firewalld's own choice.
    Default,
    /// They pass.
    #[choice("ACCEPT")]
    Accept,
    /// They are lost.
    #[choice("DROP")]
    Drop,
    /// They are sent back.
    #[choice("%%REJECT%%")]
    Reject,
}

/// What a task is about.
enum Subject {
    /// Something with a value: the option's name, the value, and how it is looked for.
    Entry(&'static str, String, Look),
    /// Something that a zone has or has not: the option's name.
    Switch(&'static str),
    Target(&'static str),
    Zone,
}

/// How it is found out whether an entry is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// In a list of names.
    List,
    /// Firewalld compares.
    Query,
}

/// The firewall as the task meets it.
struct Firewall {
    zone: String,
    offline: bool,
}

/// Which configuration is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Permanent,
    Now,
}

/// The words of a task that names zones for what is now.
const NOT_PERMANENT: &str = "Zone operations must be permanent. Make sure you didn't set the 'permanent' flag to 'false' or the 'immediate' flag to 'true'.";

impl Procedure for Firewalld {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        host.need("firewall-cmd")?;
        let offline = !host.ask(cmd("firewall-cmd").arg("--state").any_rc())?.ok();
        if offline {
            host.need("firewall-offline-cmd")?;
        }
        if self.offline && !self.permanent {
            fail!("offline cannot be enabled unless permanent changes are allowed");
        }
        let immediate = (self.immediate && !(self.offline && offline)) || !self.permanent;
        if immediate && offline {
            fail!(
                "firewall is not currently running, unable to perform immediate actions without a running firewall daemon"
            );
        }
        let subject = self.subject()?;
        let mut firewall = Firewall { zone: String::new(), offline };
        firewall.zone = match self.zone.clone().filter(|zone| !zone.is_empty()) {
            Some(zone) => zone,
            None => firewall.ask(host, Level::Now, "--get-default-zone")?.trim().to_owned(),
        };
        let Some(subject) = subject else {
            let words = if offline { OFFLINE } else { "" };
            return Ok(Outcome::ok().with("msg", words));
        };
        let (levels, mut words): (&[Level], _) = match (self.permanent, immediate) {
            (true, true) => (
                &[Level::Permanent, Level::Now],
                vec!["Permanent and Non-Permanent(immediate) operation".to_owned()],
            ),
            (true, false) => (&[Level::Permanent], vec!["Permanent operation".to_owned()]),
            (false, _) => (&[Level::Now], vec!["Non-permanent operation".to_owned()]),
        };
        let wanted = self.wanted(&subject);
        let mut wrong = Vec::new();
        for level in levels {
            let there = firewall.has(host, &subject, *level).map_err(|fault| failed(fault, &[], offline))?;
            if wanted.is_some_and(|wanted| wanted != there) {
                wrong.push(*level);
            }
        }
        for level in &wrong {
            let on = wanted == Some(true);
            // Differs from Ansible: there a change without the daemon also sets the zone's `forward` to no.
            firewall
                .set(host, &subject, (*level, on), self.timeout)
                .map_err(|fault| failed(fault, &words, offline))?;
        }
        if !wrong.is_empty() {
            words.extend(self.told(&subject, &firewall.zone, wanted == Some(true)));
        }
        if offline {
            words.push(OFFLINE.to_owned());
        }
        Ok(Outcome::ok().changed_if(!wrong.is_empty()).with("msg", words.join(", ")))
    }
}

const OFFLINE: &str = "(offline operation: only on-disk configs were altered)";

/// A failure of firewalld's in the words in which Ansible passes it on: with the bus's name where it came by that.
fn failed(fault: Fault, words: &[String], offline: bool) -> Fault {
    let mut words = words.to_vec();
    if fault.message.contains("INVALID_SERVICE") {
        words.push(
            "Services are defined by port/tcp relationship and named as they are in /etc/services (on most systems)"
                .to_owned(),
        );
    }
    if fault.message == NOT_PERMANENT {
        return fault;
    }
    let said = fault.message.trim().trim_start_matches("Error: ").to_owned();
    let by = if offline || said.starts_with("INVALID_RULE") {
        ""
    } else {
        "org.fedoraproject.FirewallD1.Exception: "
    };
    let space = if words.is_empty() { "" } else { " " };
    Fault { message: format!("ERROR: Exception caught: {by}{said}{space}{}", words.join(", ")), ..fault }
}

impl Firewalld {
    fn subject(&self) -> Result<Option<Subject>> {
        let port = match self.port.as_deref().map(str::trim) {
            None => None,
            Some(port) => match port.split_once('/').filter(|(_, protocol)| !protocol.is_empty()) {
                None => fail!("improper port format (missing protocol?)"),
                Some(_) => Some(port.to_owned()),
            },
        };
        let forwarded = self.forwarded()?;
        let entries = [
            ("icmp-block", self.icmp_block.clone(), Look::List),
            ("service", self.service.clone(), Look::List),
            ("protocol", self.protocol.clone(), Look::List),
            ("source", self.source.clone(), Look::List),
            ("port", port, Look::Query),
            ("forward-port", forwarded, Look::Query),
            ("rich-rule", self.rich_rule.clone(), Look::Query),
            ("interface", self.interface.clone(), Look::List),
        ];
        let entry =
            entries.into_iter().find_map(|(name, value, look)| Some(Subject::Entry(name, value?, look)));
        let switches = [
            ("icmp-block-inversion", self.icmp_block_inversion),
            ("forward", self.forward),
            ("masquerade", self.masquerade),
        ];
        let is_on = switches.iter().any(|(_, on)| *on == Some(true));
        let switch = switches.iter().find(|(_, on)| on.is_some()).map(|(name, _)| Subject::Switch(name));
        let is_of_zones = matches!(self.state, State::Absent | State::Present);
        if is_of_zones && (entry.is_some() || is_on) {
            fail!("absent and present state can only be used in zone level operations");
        }
        let target = self.target.map(|target| Subject::Target(target.word()));
        Ok(entry.or(switch).or(target).or(is_of_zones.then_some(Subject::Zone)))
    }

    /// The port that leads to another one, as firewalld writes it.
    fn forwarded(&self) -> Result<Option<String>> {
        let Some(all) = &self.port_forward else { return Ok(None) };
        let [one] = all.as_slice() else { fail!("Only one port forward supported at a time") };
        let get = |name: &str| one.iter().find(|(key, _)| key == name).map(|(_, value)| python_str(value));
        let Some(port) = get("port") else { fail!("port must be specified for port forward") };
        let Some(proto) = get("proto") else { fail!("proto udp/tcp must be specified for port forward") };
        let Some(toport) = get("toport") else { fail!("toport must be specified for port forward") };
        let toaddr = get("toaddr").unwrap_or_default();
        Ok(Some(format!("port={port}:proto={proto}:toport={toport}:toaddr={toaddr}")))
    }

    /// Whether the subject is to be there; `None` where the state says nothing of such subjects.
    fn wanted(&self, subject: &Subject) -> Option<bool> {
        let enabled = match self.state {
            State::Enabled => Some(true),
            State::Disabled => Some(false),
            State::Present | State::Absent => None,
        };
        let present = match self.state {
            State::Present => Some(true),
            State::Absent => Some(false),
            State::Enabled | State::Disabled => None,
        };
        match subject {
            Subject::Entry(..) => enabled,
            Subject::Switch(_) => {
                let on = self.icmp_block_inversion.or(self.forward).or(self.masquerade)?;
                Some((self.state == State::Enabled) == on)
            }
            Subject::Target(_) => enabled.or(present),
            Subject::Zone => present,
        }
    }

    /// What is said of a change.
    fn told(&self, subject: &Subject, zone: &str, on: bool) -> Vec<String> {
        let state = self.state.word();
        let to_zone = |what: &str| match on {
            true => format!("Added {what} to zone {zone}"),
            false => format!("Removed {what} from zone {zone}"),
        };
        match subject {
            Subject::Entry("source", source, _) => vec![to_zone(source)],
            Subject::Entry("interface", name, _) if on => vec![format!("Changed {name} to zone {zone}")],
            Subject::Entry("interface", name, _) => vec![to_zone(name)],
            Subject::Entry(name, value, _) => {
                let name = match *name {
                    "forward-port" => "port_forward",
                    "rich-rule" => "rich_rule",
                    other => other,
                };
                vec![format!("Changed {name} {value} to {state}")]
            }
            Subject::Switch("icmp-block-inversion") => {
                let given = if self.icmp_block_inversion == Some(true) { "True" } else { "False" };
                vec![format!("Changed icmp-block-inversion {given} to {state}")]
            }
            Subject::Switch(name) => vec![to_zone(name)],
            Subject::Target(target) if on => vec![format!("Set zone {zone} target to {target}")],
            Subject::Target(_) => vec![format!("Reset zone {zone} target to default")],
            Subject::Zone => {
                let done = if on { "Added" } else { "Removed" };
                vec![format!("{done} zone {zone}"), format!("Changed zone {zone} to {state}")]
            }
        }
    }
}

impl Firewall {
    fn command(&self, level: Level) -> Command {
        match (self.offline, level) {
            (true, _) => cmd("firewall-offline-cmd"),
            (false, Level::Permanent) => cmd("firewall-cmd").arg("--permanent"),
            (false, Level::Now) => cmd("firewall-cmd"),
        }
    }

    fn in_zone(&self, level: Level) -> Command {
        self.command(level).arg(format!("--zone={}", self.zone))
    }

    /// What firewalld says to a question about all of it.
    fn ask(&self, host: &Probe, level: Level, question: &str) -> Result<String> {
        Ok(host.ask(self.command(level).arg(question))?.out())
    }

    fn has(&self, host: &Probe, subject: &Subject, level: Level) -> Result<bool> {
        if level == Level::Now && matches!(subject, Subject::Target(_) | Subject::Zone) {
            fail!("{NOT_PERMANENT}");
        }
        if let Some(planned) = host.planned(Thing::Other, &self.thing(subject, level)) {
            return Ok(planned == "enabled");
        }
        let query = |option: String| -> Result<bool> {
            Ok(host.ask(self.in_zone(level).arg(option).accept(&[0, 1]))?.ok())
        };
        match subject {
            // What is there permanently is compared by its words, as Ansible does; now, a range holds its ports.
            Subject::Entry(name, value, look)
                if *look == Look::List || (*name == "port" && level == Level::Permanent) =>
            {
                let said = host.ask(self.in_zone(level).arg(format!("--list-{name}s")))?.out();
                Ok(said.split_whitespace().any(|known| known == value))
            }
            Subject::Entry(name, value, _) => query(format!("--query-{name}={value}")),
            Subject::Switch(name) => query(format!("--query-{name}")),
            Subject::Target(target) => {
                // It has another word for what it shows than for what it takes.
                let told = host.ask(self.in_zone(level).arg("--get-target"))?.out();
                Ok(told.trim() == target.trim_matches('%'))
            }
            Subject::Zone => {
                let zones = self.ask(host, level, "--get-zones")?;
                Ok(zones.split_whitespace().any(|zone| zone == self.zone))
            }
        }
    }

    fn set(
        &self,
        host: &mut Host,
        subject: &Subject,
        (level, on): (Level, bool),
        timeout: i64,
    ) -> Result<()> {
        let verb = if on { "add" } else { "remove" };
        let effect = Effect::Set {
            thing: Thing::Other,
            name: self.thing(subject, level),
            state: if on { "enabled" } else { "disabled" }.to_owned(),
        };
        let command = match subject {
            Subject::Entry("interface", name, _)
                if level == Level::Permanent && !self.offline && host.which("busctl").is_some() =>
            {
                return self.bind(host, name, on, effect);
            }
            Subject::Entry("interface", name, _) if on => {
                self.in_zone(level).arg(format!("--change-interface={name}"))
            }
            // For this program `--remove-service` is an older word for something else.
            Subject::Entry("service", name, _) if self.offline && !on => {
                self.in_zone(level).arg(format!("--remove-service-from-zone={name}"))
            }
            Subject::Entry(name, value, _) => {
                let command = self.in_zone(level).arg(format!("--{verb}-{name}={value}"));
                let passes = on && timeout != 0 && level == Level::Now && *name != "source";
                if passes { command.arg(format!("--timeout={timeout}")) } else { command }
            }
            Subject::Switch(name) => self.in_zone(level).arg(format!("--{verb}-{name}")),
            Subject::Target(target) => {
                self.in_zone(level).arg(format!("--set-target={}", if on { target } else { "default" }))
            }
            Subject::Zone => {
                let option = if on { "--new-zone" } else { "--delete-zone" };
                self.command(level).arg(format!("{option}={}", self.zone))
            }
        };
        host.run(command.does(effect))?;
        Ok(())
    }

    /// Binds an interface in the permanent configuration: by the bus, since `firewall-cmd` would change what
    /// NetworkManager has, too.
    fn bind(&self, host: &mut Host, interface: &str, on: bool, effect: Effect) -> Result<()> {
        const CONFIG: &str = "org.fedoraproject.FirewallD1.config";
        let call = |object: &str, of: &str, method: &str, word: &str| {
            let command = cmd("busctl").args(["call", "org.fedoraproject.FirewallD1", object]);
            command.args([&format!("{CONFIG}{of}"), method, "s", word])
        };
        let config = "/org/fedoraproject/FirewallD1/config";
        // An answer reads `s "public"`.
        let answer = |command: Command, host: &Probe| -> Result<String> {
            let out = host.ask(command)?.out();
            Ok(out.split('"').nth(1).unwrap_or_default().to_owned())
        };
        let zone = answer(call(config, "", "getZoneByName", &self.zone), host)?;
        if !on {
            host.run(call(&zone, ".zone", "removeInterface", interface).does(effect))?;
            return Ok(());
        }
        let before = answer(call(config, "", "getZoneOfInterface", interface), host)?;
        if !before.is_empty() && before != self.zone {
            let old = answer(call(config, "", "getZoneByName", &before), host)?;
            host.run(call(&old, ".zone", "removeInterface", interface).does(Effect::Nothing))?;
        }
        host.run(call(&zone, ".zone", "addInterface", interface).does(effect))?;
        Ok(())
    }

    /// The name under which check mode's plan keeps it.
    fn thing(&self, subject: &Subject, level: Level) -> String {
        let level = if level == Level::Permanent { "permanent" } else { "now" };
        let what = match subject {
            Subject::Entry(name, value, _) => format!("{name}={value}"),
            Subject::Switch(name) => (*name).to_owned(),
            Subject::Target(target) => format!("target={target}"),
            Subject::Zone => String::new(),
        };
        format!("firewalld {level} {} {what}", self.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .program("firewall-cmd")
            .program("firewall-offline-cmd")
            .says("firewall-cmd --state", "running\n")
            .says("firewall-cmd --get-default-zone", "public\n")
            .says("firewall-cmd --zone=public --list-services", "ssh http\n")
            .says("firewall-cmd --permanent --zone=public --list-services", "ssh\n")
    }

    #[test]
    fn services_are_opened_now_and_for_good() {
        let args = "{ service: http, state: enabled, permanent: yes, immediate: yes }";
        conform::<Firewalld>(args, world())
            .changed()
            .ran(["firewall-cmd --permanent --zone=public --add-service=http"])
            .gives("msg", "Permanent and Non-Permanent(immediate) operation, Changed service http to enabled")
            .then(args)
            .unchanged();
        conform::<Firewalld>("{ service: http, state: disabled }", world())
            .ran(["firewall-cmd --zone=public --remove-service=http"])
            .gives("msg", "Non-permanent operation, Changed service http to disabled");
        conform::<Firewalld>("{ service: https, state: enabled, timeout: 60 }", world())
            .ran(["firewall-cmd --zone=public --add-service=https --timeout=60"]);
    }

    #[test]
    fn ports_and_rules_are_compared_by_firewalld() {
        let ranged = || world().says("firewall-cmd --permanent --zone=dmz --list-ports", "79-81/tcp\n");
        conform::<Firewalld>("{ port: 80/tcp, zone: dmz, permanent: yes, state: enabled }", ranged())
            .ran(["firewall-cmd --permanent --zone=dmz --add-port=80/tcp"]);
        conform::<Firewalld>("{ port: 80/tcp, zone: dmz, permanent: yes, state: disabled }", ranged())
            .unchanged()
            .gives("msg", "Permanent operation");
        conform::<Firewalld>("{ port: '80', state: enabled }", world()).failed("missing protocol?");
        let args =
            "{ port_forward: [{ port: 443, proto: tcp, toport: 8443 }], state: enabled, permanent: yes }";
        let world =
            world().answers("firewall-cmd --permanent --zone=public --query-forward*", Ran::failed(1, ""));
        conform::<Firewalld>(args, world).gives(
            "msg",
            "Permanent operation, Changed port_forward port=443:proto=tcp:toport=8443:toaddr= to enabled",
        );
    }

    #[test]
    fn zones_are_made_for_good_only() {
        let zoned = || world().says("firewall-cmd --permanent --get-zones", "public dmz\n");
        conform::<Firewalld>("{ zone: own, state: present, permanent: yes }", zoned())
            .ran(["firewall-cmd --permanent --new-zone=own"])
            .gives("msg", "Permanent operation, Added zone own, Changed zone own to present");
        conform::<Firewalld>("{ zone: own, state: absent, permanent: yes }", zoned()).unchanged();
        conform::<Firewalld>("{ zone: own, state: present }", zoned())
            .failed("Zone operations must be permanent.");
        let world = zoned().says("firewall-cmd --permanent --zone=dmz --get-target", "default\n");
        conform::<Firewalld>("{ zone: dmz, target: DROP, state: present, permanent: yes }", world)
            .ran(["firewall-cmd --permanent --zone=dmz --set-target=DROP"]);
        let world = zoned().says("firewall-cmd --permanent --zone=dmz --get-target", "REJECT\n");
        let args = "{ zone: dmz, target: '%%REJECT%%', state: present, permanent: yes }";
        conform::<Firewalld>(args, world).unchanged().ran([]);
    }

    #[test]
    fn an_interface_leaves_its_zone_before_it_comes_to_another() {
        let bus = "busctl call org.fedoraproject.FirewallD1 /org/fedoraproject/FirewallD1/config";
        let world = world()
            .program("busctl")
            .says("firewall-cmd --permanent --zone=dmz --list-interfaces", "\n")
            .says(&format!("{bus} org.fedoraproject.FirewallD1.config getZoneByName s dmz"), "o \"/z/2\"\n")
            .says(
                &format!("{bus} org.fedoraproject.FirewallD1.config getZoneByName s public"),
                "o \"/z/1\"\n",
            )
            .says(
                &format!("{bus} org.fedoraproject.FirewallD1.config getZoneOfInterface s eth1"),
                "s \"public\"\n",
            );
        conform::<Firewalld>("{ zone: dmz, interface: eth1, permanent: yes, state: enabled }", world).ran([
            "busctl call org.fedoraproject.FirewallD1 /z/1 org.fedoraproject.FirewallD1.config.zone removeInterface s eth1",
            "busctl call org.fedoraproject.FirewallD1 /z/2 org.fedoraproject.FirewallD1.config.zone addInterface s eth1",
        ]);
    }

    #[test]
    fn without_the_daemon_the_files_are_changed() {
        let stopped = || {
            world()
                .answers("firewall-cmd --state", Ran::failed(252, "not running\n"))
                .says("firewall-offline-cmd --get-default-zone", "public\n")
                .answers("firewall-offline-cmd --zone=public --query-masquerade", Ran::failed(1, ""))
        };
        conform::<Firewalld>("{ masquerade: yes, state: enabled, permanent: yes }", stopped())
            .ran(["firewall-offline-cmd --zone=public --add-masquerade"])
            .gives(
                "msg",
                "Permanent operation, Added masquerade to zone public, (offline operation: only on-disk configs were altered)",
            );
        conform::<Firewalld>("{ masquerade: yes, state: enabled }", stopped())
            .failed("not currently running");
        let args = "{ masquerade: yes, state: enabled, offline: yes }";
        conform::<Firewalld>(args, stopped()).failed("unless permanent changes are allowed");
    }

    #[test]
    fn what_firewalld_complains_about_is_passed_on() {
        let fault =
            failed(Fault::new("Error: INVALID_SERVICE: nope\n"), &["Permanent operation".to_owned()], false);
        assert_eq!(
            fault.message,
            "ERROR: Exception caught: org.fedoraproject.FirewallD1.Exception: INVALID_SERVICE: nope Permanent operation, Services are defined by port/tcp relationship and named as they are in /etc/services (on most systems)"
        );
        let world = world().answers(
            "firewall-cmd --zone=nope --list-services",
            Ran::failed(112, "Error: INVALID_ZONE: nope\n"),
        );
        conform::<Firewalld>("{ service: ssh, zone: nope, state: enabled }", world)
            .failed("FirewallD1.Exception: INVALID_ZONE: nope");
        let args = "{ service: ssh, state: present }";
        conform::<Firewalld>(args, World::new().program("firewall-cmd").says("*", ""))
            .failed("zone level operations");
    }
}
