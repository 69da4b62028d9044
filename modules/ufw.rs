//! Manage the firewall with ufw.
//!
//! ```yaml
//! - community.general.ufw: { state: enabled, policy: allow }
//! - community.general.ufw: { rule: allow, port: http, proto: tcp }
//! - community.general.ufw: { rule: deny, src: 10.0.0.0/8, dest: 172.31.0.1, port: '53', proto: udp, delete: true }
//! - community.general.ufw: { rule: allow, name: OpenSSH, insert: 1, comment: never locked out }
//! ```
use std::net::{Ipv4Addr, Ipv6Addr};

use shevek_kit::prelude::*;
use shevek_kit::words;

/// Arguments of `ufw`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(exclusive("name", "proto", "logging"))]
#[rule(exclusive("direction", "interface_in"), exclusive("direction", "interface_out"))]
#[rule(one_of("state", "default", "rule", "logging"))]
#[rule(with("interface", needs("direction")))]
pub struct Ufw {
    /// Whether it works, now and after a start.
    state: Option<State>,
    /// What becomes of traffic that no rule is about.
    #[arg(alias = "policy")]
    default: Option<Policy>,
    /// The direction of the rule or of the default.
    direction: Option<Direction>,
    /// What is logged.
    logging: Option<Logging>,
    /// The rule's number: it comes before the one that has it now.
    insert: Option<i64>,
    /// What that number is counted from.
    #[arg(default = "zero")]
    insert_relative_to: From,
    /// What a rule does.
    rule: Option<Rule>,
    /// Log new connections that the rule is about.
    #[arg(default = false)]
    log: bool,
    /// The address that traffic is from.
    #[arg(default = "any", aliases("from", "src"))]
    from_ip: String,
    /// The port that it is from.
    from_port: Option<String>,
    /// The address that it goes to.
    #[arg(default = "any", aliases("dest", "to"))]
    to_ip: String,
    /// The port that it goes to.
    #[arg(alias = "port")]
    to_port: Option<String>,
    /// Its protocol.
    #[arg(alias = "protocol")]
    proto: Option<Protocol>,
    /// A profile of an application.
    #[arg(alias = "app")]
    name: Option<String>,
    /// Remove the rule.
    #[arg(default = false)]
    delete: bool,
    /// The interface, in the rule's direction.
    #[arg(alias = "if")]
    interface: Option<String>,
    /// The interface that traffic comes in by.
    #[arg(alias = "if_in")]
    interface_in: Option<String>,
    /// The interface that it goes out by.
    #[arg(alias = "if_out")]
    interface_out: Option<String>,
    /// The rule is about what is passed on.
    #[arg(default = false)]
    route: bool,
    /// A remark.
    comment: Option<String>,
}

/// Whether it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum State {
    /// It does not.
    Disabled,
    /// It does.
    Enabled,
    /// It reads its rules again.
    Reloaded,
    /// It forgets its rules.
    Reset,
}

/// What becomes of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Policy {
    /// It passes.
    Allow,
    /// It is lost.
    Deny,
    /// It is sent back.
    Reject,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Rule {
    /// Lets traffic pass.
    Allow,
    /// Loses it.
    Deny,
    /// Lets it pass, but not too often.
    Limit,
    /// Sends it back.
    Reject,
}

/// Directions; rules and defaults have different words for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Direction {
    In,
    Incoming,
    Out,
    Outgoing,
    Routed,
}

/// What is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "ufw's words, see ufw(8)")]
pub enum Logging {
    Full,
    High,
    Low,
    Medium,
    Off,
    On,
}

/// What a rule's number is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum From {
    /// Nothing: it is the number.
    Zero,
    /// The first rule for IPv4.
    #[choice("first-ipv4")]
    FirstIpv4,
    /// The last one.
    #[choice("last-ipv4")]
    LastIpv4,
    /// The first rule for IPv6.
    #[choice("first-ipv6")]
    FirstIpv6,
    /// The last one.
    #[choice("last-ipv6")]
    LastIpv6,
}

/// Protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "names of protocols")]
pub enum Protocol {
    Ah,
    Any,
    Esp,
    Ipv6,
    Tcp,
    Udp,
    Gre,
    Igmp,
    Vrrp,
}

/// Where ufw keeps rules.
const RULES: [&str; 6] = [
    "/lib/ufw/user.rules",
    "/lib/ufw/user6.rules",
    "/etc/ufw/user.rules",
    "/etc/ufw/user6.rules",
    "/var/lib/ufw/user.rules",
    "/var/lib/ufw/user6.rules",
];

/// A run with ufw, and what it ran.
struct Session {
    program: String,
    commands: Vec<String>,
}

impl Procedure for Ufw {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let program = host.need("ufw")?.display().to_string();
        let mut session = Session { program, commands: Vec::new() };
        let state = session.ask(host, "status verbose")?;
        let rules = rules(host)?;
        let mut changed = false;
        if let Some(wanted) = self.state {
            changed |= session.switch(host, wanted, &state)?;
        }
        if let Some(policy) = self.default {
            changed |= self.set_default(host, &mut session, policy, &state)?;
        }
        if let Some(rule) = self.rule {
            changed |= self.set_rule(host, &mut session, rule, &rules)?;
        }
        if let Some(logging) = self.logging {
            changed |= differs(logging, &state);
            session.act(host, &format!("logging {}", logging.word()))?;
        }
        if host.rehearsing() {
            return Ok(Outcome::ok().changed_if(changed).with("commands", session.commands));
        }
        let after = session.ask(host, "status verbose")?;
        changed |= after != state || self::rules(host)? != rules;
        Ok(Outcome::ok().changed_if(changed).with("commands", session.commands).with("msg", after.trim_end()))
    }
}

/// All rules, as ufw keeps them.
fn rules(host: &Probe) -> Result<String> {
    let mut all = String::new();
    for path in RULES {
        let text = host.read_if_there(path).ok().flatten().unwrap_or_default();
        all.push_str(&tuples(&String::from_utf8_lossy(&text)));
    }
    Ok(all)
}

/// The lines that are rules.
fn tuples(text: &str) -> String {
    text.lines().filter(|line| line.starts_with("### tuple")).map(|line| format!("{line}\n")).collect()
}

/// Whether what is logged is something else.
fn differs(wanted: Logging, state: &str) -> bool {
    // Logging: on (low)
    let Some(line) = state.lines().find_map(|line| line.strip_prefix("Logging: ")) else { return true };
    let mut words = line.split([' ', '(', ')']).filter(|word| !word.is_empty());
    let (on, level) = (words.next() == Some("on"), words.next());
    match wanted {
        Logging::Off => on,
        Logging::On => !on,
        wanted => !on || level != Some(wanted.word()),
    }
}

fn without_length(address: &str) -> &str {
    address.split('/').next().unwrap_or_default()
}

fn is_v4(address: &str) -> bool {
    without_length(address).parse::<Ipv4Addr>().is_ok()
}

fn is_v6(address: &str) -> bool {
    without_length(address).parse::<Ipv6Addr>().is_ok()
}

impl Session {
    fn command(&mut self, args: &str) -> Result<Command> {
        let line = format!("{} {args}", self.program);
        let words = words::split(&line).map_err(|why| Fault::new(format!("{why}: {line}")))?;
        self.commands.push(line);
        let mut words = words.into_iter();
        Ok(cmd(words.next().unwrap_or_default()).args(words).any_rc())
    }

    fn done(&self, ran: Ran) -> Result<String> {
        if !ran.ok() {
            let said = if ran.stderr.is_empty() { ran.out() } else { ran.err() };
            return Err(Fault::new(said).with("commands", self.commands.clone()));
        }
        Ok(ran.out())
    }

    fn ask(&mut self, host: &Probe, args: &str) -> Result<String> {
        let command = self.command(args)?;
        self.done(host.ask(command)?)
    }

    /// Does something; check mode only notes that something would be done.
    fn act(&mut self, host: &mut Host, args: &str) -> Result<String> {
        let before = self.commands.len();
        let command = self.command(args)?.does(Effect::Nothing);
        if host.rehearsing() {
            self.commands.truncate(before);
        }
        self.done(host.run(command)?)
    }

    fn switch(&mut self, host: &mut Host, wanted: State, state: &str) -> Result<bool> {
        let works = state.contains(" active");
        let (verb, changed) = match wanted {
            State::Enabled => ("enable", !works),
            State::Disabled => ("disable", works),
            State::Reloaded => ("reload", true),
            State::Reset => ("reset", true),
        };
        self.act(host, &format!("-f {verb}"))?;
        Ok(changed)
    }
}

impl Ufw {
    fn set_default(
        &self,
        host: &mut Host,
        session: &mut Session,
        policy: Policy,
        state: &str,
    ) -> Result<bool> {
        if matches!(self.direction, Some(Direction::In | Direction::Out)) {
            fail!(
                "For default, direction must be one of \"outgoing\", \"incoming\" and \"routed\", or direction must not be specified."
            );
        }
        let direction = self.direction.map(|direction| direction.word());
        session
            .act(host, format!("default {} {}", policy.word(), direction.unwrap_or_default()).trim_end())?;
        if !host.rehearsing() {
            return Ok(false);
        }
        // Default: deny (incoming), allow (outgoing), disabled (routed)
        let line = state.lines().find_map(|line| line.strip_prefix("Default: ")).unwrap_or_default();
        let of = format!(" ({})", direction.unwrap_or("incoming"));
        let now = line.split(", ").find_map(|part| part.strip_suffix(of.as_str()));
        Ok(now.is_none_or(|now| now != policy.word() && now != "disabled"))
    }

    fn set_rule(&self, host: &mut Host, session: &mut Session, rule: Rule, before: &str) -> Result<bool> {
        if !matches!(self.direction, None | Some(Direction::In | Direction::Out)) {
            fail!(
                "For rules, direction must be one of \"in\" and \"out\", or direction must not be specified."
            );
        }
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (into, out_of) = (filled(&self.interface_in), filled(&self.interface_out));
        if !self.route && into.is_some() && out_of.is_some() {
            fail!("Only route rules can combine interface_in and interface_out");
        }
        let mut parts: Vec<String> = Vec::new();
        let mut put = |prefix: &str, value: Option<String>| {
            parts.extend(value.map(|value| format!("{prefix}{value}")));
        };
        put("", host.rehearsing().then(|| "--dry-run".to_owned()));
        put("", self.route.then(|| "route".to_owned()));
        put("", self.delete.then(|| "delete".to_owned()));
        put("insert ", self.place(host, session)?.map(|place| place.to_string()));
        put("", Some(rule.word().to_owned()));
        put("", self.direction.map(|direction| direction.word().to_owned()));
        put("on ", filled(&self.interface));
        put("in on ", into);
        put("out on ", out_of);
        put("", self.log.then(|| "log".to_owned()));
        put("from ", Some(self.from_ip.clone()).filter(|ip| !ip.is_empty()));
        put("port ", filled(&self.from_port));
        put("to ", Some(self.to_ip.clone()).filter(|ip| !ip.is_empty()));
        put("port ", filled(&self.to_port));
        put("proto ", self.proto.map(|proto| proto.word().to_owned()));
        put("app ", filled(&self.name).map(|name| format!("'{name}'")));
        if self.knows_comments(host, session)? {
            put("comment ", filled(&self.comment).map(|comment| format!("'{comment}'")));
        }
        let line = parts.join(" ");
        if !host.rehearsing() {
            session.act(host, &line)?;
            return Ok(false);
        }
        let said = session.ask(host, &line)?;
        let skipped = said.lines().filter(|line| line.contains("Skipping")).count();
        if skipped > 0 && skipped == said.lines().count() {
            return Ok(false);
        }
        let after = tuples(&said);
        // A dry run tells only the rules of the addresses' own kind.
        let of = |text: &str, is: fn(&str) -> bool| -> Vec<String> {
            text.lines().filter(|line| line.split_whitespace().any(is)).map(str::to_owned).collect()
        };
        let ends = [&self.from_ip, &self.to_ip];
        let changed = if ends.iter().any(|ip| is_v4(ip)) {
            of(before, is_v4) != of(&after, is_v4)
        } else if ends.iter().any(|ip| is_v6(ip)) {
            of(before, is_v6) != of(&after, is_v6)
        } else {
            before != after
        };
        Ok(changed)
    }

    /// The number to insert the rule at.
    fn place(&self, host: &Probe, session: &Session) -> Result<Option<i64>> {
        let Some(insert) = self.insert.filter(|_| !self.delete) else { return Ok(None) };
        if self.insert_relative_to == From::Zero {
            return Ok(Some(insert));
        }
        let out = host.ask(cmd(&session.program).args(["status", "numbered"]).any_rc())?.out();
        // [ 1] 22/tcp (v6)   ALLOW IN   Anywhere (v6)
        let numbered = out.lines().filter_map(|line| {
            let number = line.strip_prefix('[')?.split_once(']')?.0.trim().parse::<i64>().ok()?;
            Some((number, line.contains("(v6)")))
        });
        let numbered: Vec<(i64, bool)> = numbered.collect();
        let last = numbered.iter().map(|(number, _)| *number).max().unwrap_or(0);
        let last_v4 = numbered.iter().filter(|(_, v6)| !v6).map(|(number, _)| *number).max();
        let has_v6 = numbered.iter().any(|(_, v6)| *v6);
        let start = match self.insert_relative_to {
            From::Zero => 0,
            From::FirstIpv4 => 1,
            From::LastIpv4 => last_v4.unwrap_or(1),
            From::FirstIpv6 => last_v4.map_or(1, |last| last + 1),
            From::LastIpv6 => last + i64::from(!has_v6),
        };
        // Beyond the last rule ufw takes no number.
        Ok(Some(insert + start).filter(|place| *place <= last))
    }

    /// Whether this ufw can keep remarks: since 0.35.
    fn knows_comments(&self, host: &Probe, session: &mut Session) -> Result<bool> {
        let out = session.ask(host, "--version")?;
        let line = out.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let version = line.split(|c: char| !c.is_ascii_digit() && c != '.').find(|word| word.contains('.'));
        let mut numbers = version.unwrap_or_default().split('.').map(str::parse::<u32>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok((major, minor) >= (0, 35)),
            _ => Err(Fault::new("Failed to get ufw version.").with("rc", 0).with("out", out)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str =
        "Status: active\nLogging: on (low)\nDefault: deny (incoming), allow (outgoing), disabled (routed)\n";
    const SSH: &str = "### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n";

    fn world() -> World {
        World::new()
            .program("ufw")
            .file("/etc/ufw/user.rules", format!("*filter\n{SSH}-A x\n"))
            .says("/usr/bin/ufw status verbose", STATUS)
            .says("/usr/bin/ufw --version", "ufw 0.36.2\nCopyright\n")
    }

    fn dry(line: &str, says: &str) -> World {
        world().says(&format!("/usr/bin/ufw --dry-run {line}"), says)
    }

    #[test]
    fn check_mode_compares_what_would_be() {
        let args = "{ rule: allow, port: '22', proto: tcp }";
        let line = "allow from any to any port 22 proto tcp";
        let done = conform::<Ufw>(args, dry(line, SSH)).unchanged();
        assert_eq!(
            done.check().get("commands"),
            Some(
                &vec![
                    "/usr/bin/ufw status verbose",
                    "/usr/bin/ufw --version",
                    &format!("/usr/bin/ufw --dry-run {line}")
                ]
                .into()
            )
        );
        done.ran([&format!("/usr/bin/ufw {line}")]).gives("msg", STATUS.trim_end());
        let skipping = "Skipping adding existing rule\nSkipping adding existing rule (v6)\n";
        conform::<Ufw>(args, dry(line, skipping)).unchanged();
    }

    #[test]
    fn a_rule_is_written_in_full() {
        let args = "{ rule: limit, direction: in, interface: eth0, log: yes, src: 10.0.0.0/8, from_port: 1, dest: 10.1.1.1, app: Open SSH, comment: it is, insert: 2, route: yes }";
        let line = "route insert 2 limit in on eth0 log from 10.0.0.0/8 port 1 to 10.1.1.1 app 'Open SSH' comment 'it is'";
        conform::<Ufw>(args, dry(line, SSH)).ran([&format!("/usr/bin/ufw {line}")]);
        let line = "delete deny from any to any";
        conform::<Ufw>("{ rule: deny, delete: yes, insert: 1 }", dry(line, SSH))
            .ran(["/usr/bin/ufw delete deny from any to any"]);
        conform::<Ufw>("{ rule: deny, direction: routed }", world()).failed("For rules, direction");
        conform::<Ufw>("{ rule: deny, if_in: a, if_out: b }", world()).failed("Only route rules");
        conform::<Ufw>("{ rule: deny, interface: a }", world()).failed("direction");
        conform::<Ufw>("{}", world()).failed("one of the following is required");
    }

    #[test]
    fn a_number_is_counted_from_where_the_task_says() {
        let numbered = "     To  Action\n[ 1] 22/tcp  ALLOW IN\n[ 2] 80  ALLOW IN\n[ 3] 22 (v6)  ALLOW IN\n[ 4] 80 (v6)  ALLOW IN\n";
        for (from, place) in [
            ("first-ipv4", "insert 1 "),
            ("last-ipv4", "insert 2 "),
            ("first-ipv6", "insert 3 "),
            ("last-ipv6", "insert 4 "),
        ] {
            let line = format!("{place}deny from any to any");
            let world = dry(&line, SSH).says("/usr/bin/ufw status numbered", numbered);
            conform::<Ufw>(&format!("{{ rule: deny, insert: 0, insert_relative_to: {from} }}"), world)
                .ran([&format!("/usr/bin/ufw {line}")]);
        }
        let world = dry("deny from any to any", SSH).says("/usr/bin/ufw status numbered", numbered);
        conform::<Ufw>("{ rule: deny, insert: 1, insert_relative_to: last-ipv6 }", world)
            .ran(["/usr/bin/ufw deny from any to any"]);
    }

    #[test]
    fn state_logging_and_defaults_are_set() {
        conform::<Ufw>("{ state: enabled }", world()).unchanged().ran(["/usr/bin/ufw -f enable"]);
        conform::<Ufw>("{ state: reset }", world()).changed().ran(["/usr/bin/ufw -f reset"]);
        conform::<Ufw>("{ logging: 'on' }", world()).unchanged();
        conform::<Ufw>("{ logging: high }", world()).changed().ran(["/usr/bin/ufw logging high"]);
        conform::<Ufw>("{ policy: deny }", world()).unchanged().ran(["/usr/bin/ufw default deny"]);
        conform::<Ufw>("{ default: allow, direction: outgoing }", world()).unchanged();
        conform::<Ufw>("{ default: allow, direction: out }", world()).failed("For default, direction");
    }
}
