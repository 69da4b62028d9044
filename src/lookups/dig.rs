//! `dig` (community.general): records of the domain name system.

use std::net::IpAddr;

use shevek_diag::{Diagnostic, Kind as Fault, Result};
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::dns::{Kind, Outcome, Resolver, class_number};
use crate::source::options::{Options, term};

pub(crate) const LOOKUP: Lookup =
    Lookup { names: &["dig", "community.general.dig"], markers: Markers::Propagate, run: dig };

const KNOWN: [&str; 8] =
    ["qtype", "flat", "retry_servfail", "fail_on_error", "real_empty", "class", "tcp", "port"];

fn dig(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let mut options = Options::new(arguments, &KNOWN)?;
    let (mut domains, mut servers) = (Vec::new(), Vec::new());
    for value in &arguments.positional {
        let text = term(value, "dig")?;
        if let Some(names) = text.strip_prefix('@') {
            for name in names.split(',') {
                servers.push(server(name)?);
            }
        } else if let Some((name, value)) = text.split_once('=') {
            options = options.with([(name.to_owned(), Value::from(value))], &KNOWN)?;
        } else if let Some((domain, kind)) = text.split_once('/').filter(|(_, kind)| !kind.contains('/')) {
            options = options.with([("qtype".to_owned(), Value::from(kind))], &KNOWN)?;
            domains.push(domain.to_owned());
        } else {
            domains.push(text.to_owned());
        }
    }
    let kind = options.text("qtype", "A").to_uppercase();
    let kind = Kind::named(&kind).ok_or_else(|| {
        Diagnostic::new("unknown type of records")
            .detail(format!("dig can't ask for '{kind}'"))
            .did_you_mean(&kind, Kind::names())
    })?;
    let class = options.text("class", "IN");
    let class = class_number(&class).ok_or_else(|| {
        Diagnostic::new("unknown class of records").detail(format!("there is no '{class}'"))
    })?;
    let mut resolver = Resolver::of_system();
    if !servers.is_empty() {
        resolver.servers = servers;
    }
    resolver.is_tcp = options.truth("tcp", false)?;
    resolver.retries_failures = options.truth("retry_servfail", false)?;
    if let Some(port) = options.integer("port")?.and_then(|port| u16::try_from(port).ok()) {
        resolver.port = port;
    }
    if kind.name() == "PTR" {
        // Differs from Ansible: a name that is no address is asked for as it is, as its documentation says; it drops it.
        domains = domains.into_iter().map(|domain| reversed(&domain).unwrap_or(domain)).collect();
    }
    let form = Form {
        is_flat: options.integer("flat")?.unwrap_or(1) != 0,
        fails: options.truth("fail_on_error", false)?,
        is_empty: options.truth("real_empty", false)? || domains.len() > 1,
    };
    let mut out = Vec::new();
    for domain in domains {
        form.add(kind, resolver.ask(&domain, kind, class), &mut out)?;
    }
    Ok(Value::list(out))
}

/// How answers are given.
struct Form {
    is_flat: bool,
    fails: bool,
    is_empty: bool,
}

impl Form {
    fn add(&self, kind: Kind, outcome: Outcome, out: &mut Vec<Value>) -> Result<()> {
        let failed =
            |why: String| Diagnostic::new("a name can't be looked up").kind(Fault::Machine).detail(why);
        match outcome {
            Outcome::Found { owner, ttl, class, said } => {
                for said in said {
                    out.push(if self.is_flat {
                        let mut text = said.text;
                        if kind.name() == "TXT" {
                            // Without the outer quotes.
                            text = text.get(1..text.len().saturating_sub(1)).unwrap_or("").to_owned();
                        }
                        Value::from(text).untrusted()
                    } else {
                        let more = [
                            ("owner", Value::from(owner.as_str())),
                            ("type", Value::from(kind.name())),
                            ("ttl", Value::from(i64::from(ttl))),
                            ("class", Value::from(class.as_str())),
                        ];
                        Value::dict(said.parts.into_iter().chain(more)).untrusted()
                    });
                }
            }
            Outcome::NoName(why) | Outcome::Nothing(why) if self.fails => return Err(failed(why)),
            Outcome::NoName(_) | Outcome::Nothing(_) if self.is_empty => {}
            Outcome::NoName(_) => out.push(Value::from("NXDOMAIN")),
            Outcome::Nothing(_) => out.push(Value::from("")),
            Outcome::Wrong(why) => return Err(failed(why)),
        }
        Ok(())
    }
}

/// A name server by its address or name.
fn server(name: &str) -> Result<IpAddr> {
    if let Ok(address) = name.parse() {
        return Ok(address);
    }
    let wrong = |why: String| {
        Diagnostic::new("unknown name server").kind(Fault::Machine).detail(format!("dig @{name}: {why}"))
    };
    let kind = Kind::named("A").ok_or_else(|| wrong("no address".to_owned()))?;
    match Resolver::of_system().ask(name, kind, 1) {
        Outcome::Found { said, .. } => {
            said.first().and_then(|said| said.text.parse().ok()).ok_or_else(|| wrong("no address".to_owned()))
        }
        Outcome::NoName(why) | Outcome::Nothing(why) | Outcome::Wrong(why) => Err(wrong(why)),
    }
}

/// `5.2.0.192.in-addr.arpa.` for 192.0.2.5.
fn reversed(text: &str) -> Option<String> {
    Some(match text.parse().ok()? {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => return reversed(&address.to_string()),
            None => {
                let digits = format!("{:032x}", u128::from(address));
                let labels: Vec<String> = digits.chars().rev().map(|digit| digit.to_string()).collect();
                format!("{}.ip6.arpa.", labels.join("."))
            }
        },
    })
}
