//! `ipaddr`, `ipv4`, `ipv6`, `ipwrap` (ansible.utils): whether a value is an address or network, and what of it is wanted.

use num_bigint::BigInt;
use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, given};
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use crate::network::{Net, Version};

pub(crate) const FILTERS: &[Filter] = &[
    Filter {
        names: &["ipaddr", "ansible.utils.ipaddr", "ansible.netcommon.ipaddr"],
        markers: Markers::Propagate,
        run: ipaddr,
    },
    Filter {
        names: &["ipv4", "ansible.utils.ipv4", "ansible.netcommon.ipv4"],
        markers: Markers::Propagate,
        run: |_, a| of_version(a, Version::V4),
    },
    Filter {
        names: &["ipv6", "ansible.utils.ipv6", "ansible.netcommon.ipv6"],
        markers: Markers::Propagate,
        run: |_, a| of_version(a, Version::V6),
    },
    Filter {
        names: &["ipwrap", "ansible.utils.ipwrap", "ansible.netcommon.ipwrap"],
        markers: Markers::Propagate,
        run: ipwrap,
    },
];

fn ipaddr(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [query, version, _]) = bind(arguments, ["value"], ["query", "version", "alias"])?;
    let version = match version.filter(|version| version.is_true()).map(Value::text).as_deref() {
        None => None,
        Some("4") => Some(Version::V4),
        Some("6") => Some(Version::V6),
        Some(_) => return Ok(Value::from(false)),
    };
    check_type(value)?;
    ask(value, &query_text(query), version)
}

fn of_version(arguments: &Arguments, version: Version) -> Result<Value> {
    let ([value], [query]) = bind(arguments, ["value"], ["query"])?;
    check_type(value)?;
    ask(value, &query_text(query), Some(version))
}

fn query_text(query: Option<&Value>) -> String {
    given(query).map(|query| str_of(query).into_owned()).unwrap_or_default()
}

fn check_type(value: &Value) -> Result<()> {
    if value.as_str().is_some() || value.as_list().is_some() || value.as_int().is_some() {
        return Ok(());
    }
    Err(Diagnostic::new("neither an address nor a list of them")
        .detail(format!("Unrecognized type <{}> for ipaddr filter <value>", value.type_name()))
        .at_maybe(value.origin(), ""))
}

fn ipwrap(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [query]) = bind(arguments, ["value"], ["query"])?;
    let query = query_text(query);
    let wrapped = |value: &Value| match ask(value, &query, None) {
        Ok(found) if found.is_true() => ask(&found, "wrap", None).unwrap_or_else(|_| value.clone()),
        _ => value.clone(),
    };
    Ok(match value.as_list() {
        Some(items) => Value::list(items.iter().map(wrapped).collect()),
        None => wrapped(value),
    })
}

/// A value that was understood.
pub(crate) struct Understood {
    pub net: Net,
    /// Whether it was written with a prefix.
    pub is_network: bool,
    /// As it was written; numbers as the address that they are.
    pub text: String,
}

/// An address, a network, or a number that stands for one.
pub(crate) fn understand(value: &Value, version: Option<Version>) -> Option<Understood> {
    let text = str_of(value);
    if !value.is_true() || value.as_bool() == Some(true) {
        return None;
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(&text) {
        let number: u128 = text.parse().ok()?;
        let fourth = if version == Some(Version::V6) { None } else { Net::single(Version::V4, number) };
        let net = fourth.or_else(|| Net::single(Version::V6, number))?;
        return Some(Understood { net, is_network: false, text: net.to_string() });
    }
    if let Some(net) = Net::parse(&text) {
        return Some(Understood { net, is_network: text.contains('/'), text: text.into_owned() });
    }
    // A number with a prefix.
    let (address, prefix) =
        text.split_once('/').filter(|(address, prefix)| digits(address) && digits(prefix))?;
    let (value, prefix): (u128, u32) = (address.parse().ok()?, prefix.parse().ok()?);
    let fourth = Net::single(Version::V4, value).filter(|_| prefix <= 32);
    let net = fourth.or_else(|| Net::single(Version::V6, value).filter(|_| prefix <= 128))?;
    let net = Net { prefix, ..net };
    Some(Understood { net, is_network: true, text: net.to_string() })
}

/// What is wanted of a value, or of each of a list: false or null where it isn't that.
pub(crate) fn ask(value: &Value, query: &str, version: Option<Version>) -> Result<Value> {
    if let Some(items) = value.as_list() {
        let answers: Vec<Value> =
            items.iter().map(|item| ask(item, query, version)).collect::<Result<_>>()?;
        return Ok(Value::list(answers.into_iter().filter(Value::is_true).collect()));
    }
    let Some(found) = understand(value, version) else { return Ok(Value::from(false)) };
    if version.is_some_and(|version| version != found.net.version) {
        return Ok(Value::from(false));
    }
    match answer(&found, query)? {
        Some(answer) => Ok(answer),
        None => other_query(&found, query),
    }
}

fn text(text: impl Into<String>) -> Value {
    Value::from(text.into())
}

fn when(holds: bool, value: impl FnOnce() -> Value) -> Value {
    if holds { value() } else { Value::NULL }
}

/// The answer to a query that has a name; `None`: there is none of that name.
fn answer(found: &Understood, query: &str) -> Result<Option<Value>> {
    let net = found.net;
    let host_bits = net.host_bits();
    let at_network = net.value == net.network();
    let itself = || text(found.text.as_str());
    let no_broadcast = net.broadcast().is_none_or(|broadcast| broadcast == 0);
    let with_prefix = || text(net.to_string());
    let needs_network = || {
        if found.is_network {
            Ok(())
        } else {
            Err(Diagnostic::new("Not a network address").detail(format!("{} has no prefix", found.text)))
        }
    };
    Ok(Some(match query {
        "" => text(if found.is_network { net.to_string() } else { net.ip() }),
        "address" | "ip" => {
            let is_host = host_bits == 0 || !at_network || no_broadcast || net.version == Version::V6;
            when(is_host, || text(net.ip()))
        }
        "address/prefix" | "gateway" | "gw" | "host/prefix" | "hostnet" | "router" => {
            let end = at_network || net.broadcast() == Some(net.value);
            if host_bits > 1 && end { Value::from(false) } else { with_prefix() }
        }
        "bool" => Value::from(true),
        "broadcast" => when(host_bits > 1, || text(net.show(net.last()))),
        "cidr" => with_prefix(),
        "first_usable" | "last_usable" | "range_usable" | "next_usable" | "previous_usable" | "peer" => {
            needs_network()?;
            return of_network(net, query).map(Some);
        }
        "host" => when(host_bits == 0 || !at_network || no_broadcast, with_prefix),
        "hostmask" | "wildcard" => text(net.show(net.hostmask())),
        "int" if found.is_network => text(format!("{}/{}", net.value, net.prefix)),
        "int" => Value::big(BigInt::from(net.value)),
        "ip/prefix" => when(host_bits == 1 || (host_bits > 1 && !at_network), with_prefix),
        "ip_netmask" => when(host_bits == 1 || (host_bits > 1 && !at_network), || {
            text(format!("{} {}", net.ip(), net.show(net.netmask())))
        }),
        "ipv4" | "v4" => match net.version {
            Version::V4 => itself(),
            Version::V6 => to_v4(net).map_or(Value::from(false), |net| text(net.to_string())),
        },
        "ipv6" | "v6" => match net.version {
            Version::V6 => itself(),
            Version::V4 => {
                let mapped =
                    Net { version: Version::V6, value: net.value | (0xffff << 32), prefix: net.prefix + 96 };
                text(mapped.to_string())
            }
        },
        "link-local" => when(net.is_in(&["169.254.0.0/16", "fe80::/10"]), itself),
        "lo" | "loopback" => when(net.is_loopback(), itself),
        "multicast" => when(net.is_multicast(), itself),
        "unicast" => when(!net.is_multicast(), itself),
        "private" => when(!net.is_global(), itself),
        "public" => {
            let public = !net.is_multicast() && net.is_global() && !net.is_loopback() && !net.is_mask();
            when(public, itself)
        }
        "net" => when(host_bits > 0 && at_network, || text(net.cidr().to_string())),
        "netmask" => text(net.show(net.netmask())),
        "network" | "network_id" => text(net.show(net.network())),
        "network/prefix" | "subnet" => text(net.cidr().to_string()),
        "network_netmask" => text(format!("{} {}", net.show(net.network()), net.show(net.netmask()))),
        "network_wildcard" => text(format!("{} {}", net.show(net.network()), net.show(net.hostmask()))),
        "prefix" => Value::from(net.prefix),
        "revdns" => text(net.reverse_name()),
        "size" => Value::big(net.size()),
        "size_usable" => match host_bits {
            0 => Value::from(0),
            1 => Value::from(2),
            _ => Value::big(net.size() - 2),
        },
        "type" => text(if host_bits > 0 && at_network { "network" } else { "address" }),
        "version" => Value::from(net.version.number()),
        "wrap" => match (net.version, found.is_network) {
            (Version::V4, _) => itself(),
            (_, true) => text(format!("[{}]/{}", net.ip(), net.prefix)),
            (_, false) => text(format!("[{}]", net.ip())),
        },
        "6to4" => six_to_four(found),
        _ => return Ok(None),
    }))
}

/// Queries that need a network.
fn of_network(net: Net, query: &str) -> Result<Value> {
    let usable = net.usable();
    let inside = |value: Option<u128>| {
        let (first, last) = usable?;
        value.filter(|value| (first..=last).contains(value)).map(|value| text(net.show(value)))
    };
    Ok(match query {
        "first_usable" => usable.map(|(first, _)| text(net.show(first))),
        "last_usable" => usable.map(|(_, last)| text(net.show(last))),
        "range_usable" => usable.map(|(first, last)| text(format!("{}-{}", net.show(first), net.show(last)))),
        "next_usable" => inside(net.value.checked_add(1)),
        "previous_usable" => inside(net.value.checked_sub(1)),
        _ => {
            let wrong =
                |why: &'static str| Diagnostic::new(why).detail(format!("{net} was asked for its peer"));
            match (net.host_bits(), net.value % 4) {
                (1, _) => Some(text(net.show(net.value ^ 1))),
                (2, 0) => return Err(wrong("Network address of /30 has no peer")),
                (2, 3) => return Err(wrong("Broadcast address of /30 has no peer")),
                (2, _) => Some(text(net.show(net.value ^ 3))),
                _ => return Err(wrong("Not a point-to-point network")),
            }
        }
    }
    .unwrap_or(Value::NULL))
}

/// The IPv4 network in an IPv6 one, if there is one.
fn to_v4(net: Net) -> Option<Net> {
    let high = net.value >> 32;
    if net.prefix < 96 || !(high == 0 || high == 0xffff) {
        return None;
    }
    Some(Net { version: Version::V4, value: net.value & 0xffff_ffff, prefix: net.prefix - 96 })
}

fn six_to_four(found: &Understood) -> Value {
    let net = found.net;
    let no = Value::from(false);
    match net.version {
        Version::V4 if net.host_bits() == 0 || net.value != net.network() => {
            let public = !net.is_multicast() && net.is_global() && !net.is_loopback() && !net.is_mask();
            if !public && net.is_global() {
                return no;
            }
            let [a, b, c, d] = (net.value as u32).to_be_bytes();
            text(format!("2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1/48"))
        }
        Version::V4 => no,
        Version::V6 if !net.is_in(&["2002::/16"]) => no,
        Version::V6 if found.is_network && net.value == net.network() => no,
        Version::V6 => text(found.text.as_str()),
    }
}

/// A network that the value may be in, or the number of an address in it.
fn other_query(found: &Understood, query: &str) -> Result<Value> {
    let net = found.net;
    let digits = query.bytes().all(|byte| byte.is_ascii_digit());
    if !digits && let Some(other) = understand(&Value::from(query), None) {
        let inside = other.net.cidr().contains(&net);
        return Ok(when(inside, || text(found.text.as_str())));
    }
    if query.trim().parse::<f64>().is_err() {
        return Err(Diagnostic::new("unknown query of an address filter")
            .detail(format!("ipaddr: unknown filter type: {query}")));
    }
    if net.host_bits() == 0 {
        return Ok(text(if found.is_network { net.to_string() } else { net.ip() }));
    }
    let address = query.trim().parse::<i128>().ok().and_then(|nth| nth_address(&net, nth));
    Ok(address.map_or(Value::from(false), |value| text(format!("{}/{}", net.show(value), net.prefix))))
}

/// The address with that number, from the end when negative.
pub(crate) fn nth_address(net: &Net, nth: i128) -> Option<u128> {
    let value = if nth < 0 {
        (net.last() + 1).checked_sub(nth.unsigned_abs())
    } else {
        net.network().checked_add(nth.unsigned_abs())
    };
    value.filter(|value| (net.network()..=net.last()).contains(value))
}
