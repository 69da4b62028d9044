//! Manage single rules, chains and policies of the packet filter.
//!
//! What is set here is lost at the next boot, unless something saves it.
//!
//! ```yaml
//! - iptables: { chain: INPUT, source: 8.8.8.8, jump: DROP }
//! - iptables: { chain: INPUT, protocol: tcp, destination_ports: ['80', '443'], jump: ACCEPT }
//! - iptables: { chain: INPUT, policy: DROP }
//! - iptables: { chain: TESTCHAIN, chain_management: true }
//! ```
use shevek_kit::prelude::*;

/// Arguments of `iptables`.
#[derive(Args)]
#[module(procedure)]
#[rule(exclusive("set_dscp_mark", "set_dscp_mark_class"), exclusive("flush", "policy"))]
#[rule(with("set_dscp_mark", needs("jump")), with("set_dscp_mark_class", needs("jump")))]
#[rule(when(jump = "TEE", needs("gateway")), when(jump = "tee", needs("gateway")))]
#[rule(when(flush = false, needs("chain")))]
pub struct Iptables {
    /// The table.
    #[arg(default = "filter")]
    table: Table,
    /// Whether the rule is there.
    #[arg(default = "present")]
    state: Presence,
    /// Whether a new rule comes last or first.
    #[arg(default = "append")]
    action: Place,
    /// Which protocol's filter it is.
    #[arg(default = "ipv4")]
    ip_version: Version,
    /// The chain.
    chain: Option<String>,
    /// The number before which a rule is inserted.
    rule_num: Option<String>,
    /// The protocol; `!` before it negates, as with most options.
    protocol: Option<String>,
    /// Seconds to wait for another program that changes rules.
    wait: Option<String>,
    /// Where packets come from.
    source: Option<String>,
    /// The new source of packets.
    to_source: Option<String>,
    /// Where packets go.
    destination: Option<String>,
    /// The new destination of packets.
    to_destination: Option<String>,
    /// Extensions that match packets.
    r#match: Vec<String>,
    /// Flags of TCP.
    tcp_flags: Option<TcpFlags>,
    /// What becomes of packets.
    jump: Option<String>,
    /// Where copies of packets go.
    gateway: Option<String>,
    /// Text before each entry of the log.
    log_prefix: Option<String>,
    /// The level of the log's entries.
    log_level: Option<Level>,
    /// The chain to go on with.
    goto: Option<String>,
    /// The interface that packets come in by.
    in_interface: Option<String>,
    /// The interface that packets go out by.
    out_interface: Option<String>,
    /// Whether further fragments are meant.
    fragment: Option<String>,
    /// The counters' first values.
    set_counters: Option<String>,
    /// The port that packets come from.
    source_port: Option<String>,
    /// The port that packets go to.
    destination_port: Option<String>,
    /// Several of those.
    destination_ports: Vec<String>,
    /// The new ports of packets.
    to_ports: Option<String>,
    /// The mark for the type of service.
    set_dscp_mark: Option<String>,
    /// The class for the type of service.
    set_dscp_mark_class: Option<String>,
    /// A comment.
    comment: Option<String>,
    /// States of connections.
    ctstate: Vec<String>,
    /// Addresses that packets come from.
    src_range: Option<String>,
    /// Addresses that packets go to.
    dst_range: Option<String>,
    /// A set of addresses.
    match_set: Option<String>,
    /// Which address the set is about.
    match_set_flags: Option<SetFlags>,
    /// How many packets match.
    limit: Option<String>,
    /// How many at once.
    limit_burst: Option<String>,
    /// Whose packets.
    uid_owner: Option<String>,
    /// Of which group.
    gid_owner: Option<String>,
    /// The answer to what is rejected.
    reject_with: Option<String>,
    /// The type of ICMP.
    icmp_type: Option<String>,
    /// Packets that open a connection.
    #[arg(default = "ignore")]
    syn: Syn,
    /// Remove all rules of the chain or table.
    #[arg(default = false)]
    flush: bool,
    /// What becomes of packets that no rule matches.
    policy: Option<Policy>,
    /// Make and remove chains, where no rule is given.
    #[arg(default = false)]
    chain_management: bool,
    /// Don't resolve names when chains are looked at.
    #[arg(default = false)]
    numeric: bool,
}

/// Flags of TCP.
#[derive(Args)]
pub struct TcpFlags {
    /// Which are looked at.
    flags: Vec<String>,
    /// Which are set.
    flags_set: Vec<String>,
}

/// Tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Table {
    Filter,
    Nat,
    Mangle,
    Raw,
    Security,
}

/// Where a new rule goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Place {
    /// Last.
    Append,
    /// First, or before `rule_num`.
    Insert,
}

/// Which protocol's filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Version {
    Ipv4,
    Ipv6,
    Both,
}

/// Levels of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Level {
    #[choice("0")]
    L0,
    #[choice("1")]
    L1,
    #[choice("2")]
    L2,
    #[choice("3")]
    L3,
    #[choice("4")]
    L4,
    #[choice("5")]
    L5,
    #[choice("6")]
    L6,
    #[choice("7")]
    L7,
    Emerg,
    Alert,
    Crit,
    Error,
    Warning,
    Notice,
    Info,
    Debug,
}

/// Which address a set is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "the words say it")]
pub enum SetFlags {
    #[choice("src")]
    Src,
    #[choice("dst")]
    Dst,
    #[choice("src,dst")]
    SrcDst,
    #[choice("dst,src")]
    DstSrc,
    #[choice("src,src")]
    SrcSrc,
    #[choice("dst,dst")]
    DstDst,
}

/// Packets that open a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Syn {
    /// They match like others.
    Ignore,
    /// Only they match.
    Match,
    /// They don't match.
    Negate,
}

/// What becomes of packets that no rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Policy {
    #[choice("ACCEPT")]
    Accept,
    #[choice("DROP")]
    Drop,
    #[choice("QUEUE")]
    Queue,
    #[choice("RETURN")]
    Return,
}

/// A rule as arguments.
#[derive(Default)]
struct Rule(Vec<String>);

impl Rule {
    /// An option with its value; `!` before the value goes before the option.
    fn put(&mut self, flag: &str, value: Option<&String>) {
        let Some(value) = value else { return };
        match value.strip_prefix('!') {
            Some(rest) => self.0.extend(["!".to_owned(), flag.to_owned(), rest.to_owned()]),
            None => self.0.extend([flag.to_owned(), value.clone()]),
        }
    }

    fn list(&mut self, flag: &str, values: &[String]) {
        if !values.is_empty() {
            self.0.extend([flag.to_owned(), values.join(",")]);
        }
    }

    /// An extension, if what it is for is given.
    fn extend(&mut self, flag: &str, name: &str, given: bool) {
        if given {
            self.0.extend([flag.to_owned(), name.to_owned()]);
        }
    }
}

impl Procedure for Iptables {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let logs = self.log_prefix.is_some() || self.log_level.is_some();
        let jump = match (&self.jump, logs) {
            (None, true) => Some("LOG".to_owned()),
            (Some(jump), true) if jump != "LOG" => {
                fail!("Logging options can only be used with the LOG jump target.")
            }
            (jump, _) => jump.clone(),
        };
        let shown = self.rule(self.jump.as_ref(), self.ip_version == Version::Ipv6).join(" ");
        let programs: &[(&str, bool)] = match self.ip_version {
            Version::Ipv4 => &[("iptables", false)],
            Version::Ipv6 => &[("ip6tables", true)],
            Version::Both => &[("iptables", false), ("ip6tables", true)],
        };
        let mut changed = false;
        for (program, six) in programs {
            host.need(program)?;
            let rule = self.rule(jump.as_ref(), *six);
            changed |= self.set(program, &rule, host)?;
        }
        let text = |value: &Option<String>| value.as_ref().map_or(Val::Null, Val::from);
        Ok(Outcome::ok()
            .changed_if(changed)
            .with("ip_version", self.ip_version.word())
            .with("table", self.table.word())
            .with("chain", text(&self.chain))
            .with("flush", self.flush)
            .with("rule", shown)
            .with("state", self.state)
            .with("chain_management", self.chain_management)
            .with("wait", text(&self.wait)))
    }
}

impl Iptables {
    fn command(&self, program: &str, verb: &str) -> Command {
        let mut command = cmd(program).args(["-t", self.table.word(), verb]);
        if let Some(chain) = &self.chain {
            command = command.arg(chain);
        }
        if let Some(number) = self.rule_num.as_ref().filter(|_| verb == "-I") {
            command = command.arg(number);
        }
        command.opt("-w", self.wait.as_ref())
    }

    fn effect(&self, program: &str, rule: &[String], state: &str) -> Effect {
        let name = self.planned(program, rule);
        Effect::Set { thing: Thing::Other, name, state: state.to_owned() }
    }

    fn planned(&self, program: &str, rule: &[String]) -> String {
        let chain = self.chain.as_deref().unwrap_or_default();
        format!("{program} {} {chain} {}", self.table.word(), rule.join(" "))
    }

    fn set(&self, program: &str, rule: &[String], host: &mut Host) -> Result<bool> {
        if self.flush {
            host.run(self.command(program, "-F").does(Effect::Nothing))?;
            return Ok(true);
        }
        let present = self.state == Presence::Present;
        let state = if present { "present" } else { "absent" };
        let look = || self.command(program, "-L").flag("--numeric", self.numeric);
        if let Some(policy) = self.policy {
            let out = host.ask(look())?.out();
            let first = out.lines().next().unwrap_or_default();
            let Some((_, rest)) = first.split_once("(policy ") else { fail!("Can't detect current policy") };
            let now = rest.split([' ', ')']).next().unwrap_or_default();
            if now == policy.word() {
                return Ok(false);
            }
            let command = self.command(program, "-P").arg(policy.word());
            host.run(command.does(self.effect(program, &[], "present")))?;
            return Ok(true);
        }
        let planned =
            host.planned(Thing::Other, &self.planned(program, rule)).map(|state| state == "present");
        if rule.is_empty() {
            let is_there = match planned {
                Some(planned) => planned,
                None => host.ask(look().any_rc())?.ok(),
            };
            if is_there != present && self.chain_management {
                let verb = if present { "-N" } else { "-X" };
                host.run(self.command(program, verb).does(self.effect(program, rule, state)))?;
            }
            return Ok(is_there != present);
        }
        let is_there = match planned {
            Some(planned) => planned,
            None => host.ask(self.command(program, "-C").args(rule).any_rc())?.ok(),
        };
        if is_there == present {
            return Ok(false);
        }
        let verb = match (present, self.action) {
            (true, Place::Append) => "-A",
            (true, Place::Insert) => "-I",
            (false, _) => "-D",
        };
        host.run(self.command(program, verb).args(rule).does(self.effect(program, rule, state)))?;
        Ok(true)
    }

    /// The rule's options, in the order in which Ansible writes them.
    fn rule(&self, jump: Option<&String>, six: bool) -> Vec<String> {
        let mut rule = Rule::default();
        let is_jump = |name: &str| jump.is_some_and(|jump| jump.eq_ignore_ascii_case(name));
        rule.put("-p", self.protocol.as_ref());
        rule.put("-s", self.source.as_ref());
        rule.put("-d", self.destination.as_ref());
        self.r#match.iter().for_each(|name| rule.put("-m", Some(name)));
        if let Some(tcp) =
            self.tcp_flags.as_ref().filter(|tcp| !tcp.flags.is_empty() && !tcp.flags_set.is_empty())
        {
            rule.0.extend(["--tcp-flags".to_owned(), tcp.flags.join(","), tcp.flags_set.join(",")]);
        }
        rule.put("-j", jump);
        rule.put("--gateway", self.gateway.as_ref().filter(|_| is_jump("tee")));
        rule.put("--log-prefix", self.log_prefix.as_ref());
        rule.put("--log-level", self.log_level.map(|level| level.word().to_owned()).as_ref());
        rule.put("--to-destination", self.to_destination.as_ref());
        rule.extend("-m", "multiport", !self.destination_ports.is_empty());
        rule.list("--dports", &self.destination_ports);
        for (flag, value) in [
            ("--to-source", &self.to_source),
            ("-g", &self.goto),
            ("-i", &self.in_interface),
            ("-o", &self.out_interface),
            ("-f", &self.fragment),
            ("-c", &self.set_counters),
            ("--source-port", &self.source_port),
            ("--destination-port", &self.destination_port),
            ("--to-ports", &self.to_ports),
            ("--set-dscp", &self.set_dscp_mark),
        ] {
            rule.put(flag, value.as_ref());
        }
        rule.extend("-j", "DSCP", self.set_dscp_mark.is_some() && !is_jump("dscp"));
        rule.put("--set-dscp-class", self.set_dscp_mark_class.as_ref());
        rule.extend("-j", "DSCP", self.set_dscp_mark_class.is_some() && !is_jump("dscp"));
        match self.syn {
            Syn::Ignore => {}
            Syn::Match => rule.0.push("--syn".to_owned()),
            Syn::Negate => rule.0.extend(["!".to_owned(), "--syn".to_owned()]),
        }
        let has = |name: &str| self.r#match.iter().any(|known| known == name);
        let by_state = has("state") && !has("conntrack");
        rule.extend("-m", "conntrack", !self.ctstate.is_empty() && !has("conntrack") && !by_state);
        rule.list(if by_state { "--state" } else { "--ctstate" }, &self.ctstate);
        let ranged = self.src_range.is_some() || self.dst_range.is_some();
        rule.extend("-m", "iprange", ranged && !has("iprange"));
        rule.put("--src-range", self.src_range.as_ref());
        rule.put("--dst-range", self.dst_range.as_ref());
        rule.extend("-m", "set", self.match_set.is_some() && !has("set"));
        rule.put("--match-set", self.match_set.as_ref());
        if let Some(flags) = self.match_set_flags.filter(|_| self.match_set.is_some()) {
            rule.0.push(flags.word().to_owned());
        }
        rule.extend("-m", "limit", self.limit.is_some() || self.limit_burst.is_some());
        rule.put("--limit", self.limit.as_ref());
        rule.put("--limit-burst", self.limit_burst.as_ref());
        rule.extend("-m", "owner", self.uid_owner.is_some());
        rule.put("--uid-owner", self.uid_owner.as_ref());
        rule.extend("-m", "owner", self.gid_owner.is_some());
        rule.put("--gid-owner", self.gid_owner.as_ref());
        rule.extend("-j", "REJECT", jump.is_none() && self.reject_with.is_some());
        rule.put("--reject-with", self.reject_with.as_ref());
        rule.put(if six { "--icmpv6-type" } else { "--icmp-type" }, self.icmp_type.as_ref());
        rule.extend("-m", "comment", self.comment.is_some());
        rule.put("--comment", self.comment.as_ref());
        rule.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .program("iptables")
            .program("ip6tables")
            .answers("iptables -t filter -C*", Ran::failed(1, ""))
            .says("iptables -t filter -L INPUT", "Chain INPUT (policy ACCEPT)\n")
            .answers("iptables -t filter -L OWN", Ran::failed(1, "No chain"))
    }

    #[test]
    fn a_rule_is_appended_once() {
        let args = "{ chain: INPUT, protocol: tcp, destination_ports: ['80', '443'], source: '!10.0.0.1', ctstate: [NEW], jump: ACCEPT, comment: web }";
        let rule = "-p tcp ! -s 10.0.0.1 -j ACCEPT -m multiport --dports 80,443 -m conntrack --ctstate NEW -m comment --comment web";
        let done = conform::<Iptables>(args, world()).changed().gives("rule", rule).gives("state", "present");
        let command = format!("iptables -t filter -A INPUT {}", rule.replace("! -s", "'!' -s"));
        done.ran([command.as_str()]);
        let there = world().says("iptables -t filter -C*", "");
        conform::<Iptables>(args, there).unchanged().ran([]);
    }

    #[test]
    fn policies_and_chains() {
        conform::<Iptables>("{ chain: INPUT, policy: DROP }", world())
            .changed()
            .ran(["iptables -t filter -P INPUT DROP"]);
        conform::<Iptables>("{ chain: INPUT, policy: ACCEPT }", world()).unchanged();
        conform::<Iptables>("{ chain: OWN, chain_management: yes }", world())
            .ran(["iptables -t filter -N OWN"]);
        conform::<Iptables>("{ flush: yes }", world()).changed().ran(["iptables -t filter -F"]);
    }

    #[test]
    fn logging_takes_the_log() {
        conform::<Iptables>("{ chain: INPUT, log_prefix: x, jump: DROP }", world()).failed("Logging options");
        conform::<Iptables>("{ jump: DROP }", world()).failed("chain");
    }
}
