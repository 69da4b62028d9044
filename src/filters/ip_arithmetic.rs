//! `nthhost`, `ipmath`, `ip4_hex`, `ipsubnet`, `next_nth_usable`, `previous_nth_usable`, `network_in_network`,
//! `network_in_usable`, `reduce_on_network`, `usable_range` (ansible.utils): reckoning with addresses.

use num_bigint::BigInt;
use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, given, integer};
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use crate::ipaddr::{nth_address, understand};
use crate::network::Net;

const fn filter(names: &'static [&'static str], run: shevek_template::plugin::Run) -> Filter {
    Filter { names, markers: Markers::Propagate, run }
}

pub(crate) const FILTERS: &[Filter] = &[
    filter(&["nthhost", "ansible.utils.nthhost", "ansible.netcommon.nthhost"], |_, a| nthhost(a)),
    filter(&["ipmath", "ansible.utils.ipmath", "ansible.netcommon.ipmath"], |_, a| ipmath(a)),
    filter(&["ip4_hex", "ansible.utils.ip4_hex", "ansible.netcommon.ip4_hex"], |_, a| ip4_hex(a)),
    filter(&["ipsubnet", "ansible.utils.ipsubnet", "ansible.netcommon.ipsubnet"], |_, a| ipsubnet(a)),
    filter(&["next_nth_usable", "ansible.utils.next_nth_usable"], |_, a| nth_usable(a, 1)),
    filter(&["previous_nth_usable", "ansible.utils.previous_nth_usable"], |_, a| nth_usable(a, -1)),
    filter(&["network_in_network", "ansible.utils.network_in_network"], |_, a| network_in_network(a)),
    filter(&["network_in_usable", "ansible.utils.network_in_usable"], |_, a| network_in_usable(a)),
    filter(&["reduce_on_network", "ansible.utils.reduce_on_network"], reduce_on_network),
    filter(&["usable_range", "ansible.utils.usable_range"], |_, a| usable_range(a)),
];

/// The network that a value is; an address in a network keeps its place in it.
fn net(value: &Value) -> Option<Net> {
    understand(value, None).map(|found| found.net)
}

fn not_an_address(value: &Value) -> Box<Diagnostic> {
    Diagnostic::new("not an IP address")
        .detail(format!("You must pass a valid IP address; {} is invalid", value.text()))
        .at_maybe(value.origin(), "")
}

fn nthhost(arguments: &Arguments) -> Result<Value> {
    let ([value], [query]) = bind(arguments, ["value"], ["query"])?;
    let no = Value::from(false);
    let (Some(net), Some(query)) = (net(value), given(query)) else { return Ok(no) };
    let Ok(nth) = str_of(query).trim().parse::<i128>() else { return Ok(no) };
    Ok(nth_address(&net, nth).map_or(no, |value| Value::from(net.show(value))))
}

fn ipmath(arguments: &Arguments) -> Result<Value> {
    let ([value, amount], []) = bind(arguments, ["value", "amount"], [])?;
    let net = Net::parse(&str_of(value)).ok_or_else(|| not_an_address(value))?;
    let amount = match amount.as_int() {
        Some(amount) => amount,
        None => str_of(amount).trim().parse().map_err(|_| {
            Diagnostic::new("not a whole number").detail(format!(
                "You must pass an integer for arithmetic; {} is not a valid integer",
                amount.text()
            ))
        })?,
    };
    let sum = net.value.checked_add_signed(i128::from(amount)).and_then(|sum| net.version.address(sum));
    sum.map(Value::from).ok_or_else(|| {
        Diagnostic::new("address out of range")
            .detail(format!("{} moved by {amount} is no address", value.text()))
    })
}

fn ip4_hex(arguments: &Arguments) -> Result<Value> {
    let ([value], [delimiter]) = bind(arguments, ["arg"], ["delimiter"])?;
    let address: std::net::Ipv4Addr = str_of(value).parse().map_err(|_| not_an_address(value))?;
    let delimiter = delimiter.map(str_of).unwrap_or_default();
    let parts = address.octets().map(|part| format!("{part:02x}"));
    Ok(Value::from(parts.join(&delimiter)))
}

/// Whether `ipaddr('type')` calls it a network.
fn is_network(net: &Net) -> bool {
    net.host_bits() > 0 && net.value == net.network()
}

fn ipsubnet(arguments: &Arguments) -> Result<Value> {
    let ([value], [query, index]) = bind(arguments, ["value"], ["query", "index"])?;
    let no = Value::from(false);
    let Some(net) = net(value) else { return Ok(no) };
    // An address in a network stands for the network.
    let net = net.cidr();
    let query = given(query).map(str_of).unwrap_or_default();
    if query.is_empty() {
        return Ok(Value::from(net.to_string()));
    }
    let bits = net.version.bits();
    if !query.bytes().all(|byte| byte.is_ascii_digit()) {
        return number_in(&net, &query);
    }
    let Some(wanted) = query.parse::<u32>().ok().filter(|wanted| *wanted <= bits) else { return Ok(no) };
    let index = given(index)
        .map(|index| integer(index, "index").or_else(|error| str_of(index).parse().map_err(|_| error)))
        .transpose()?;
    if !is_network(&net) {
        // Networks around the address, the widest asked for first.
        let around: Vec<u32> = (wanted..net.prefix).collect();
        let index = index.unwrap_or(0);
        let place = if index < 0 {
            around.len().checked_sub(index.unsigned_abs() as usize)
        } else {
            usize::try_from(index).ok()
        };
        let prefix = place.and_then(|place| around.get(place)).copied();
        return Ok(prefix.map_or(no, |prefix| Value::from(Net { prefix, ..net }.cidr().to_string())));
    }
    if wanted < net.prefix {
        return match index {
            None => Err(Diagnostic::new("wrong size of a subnet")
                .detail(format!("Requested subnet size of {wanted} is invalid"))),
            Some(_) => Ok(no),
        };
    }
    let subnets = BigInt::from(1) << (wanted - net.prefix);
    let Some(index) = index else { return Ok(Value::from(subnets.to_string())) };
    let mut index = BigInt::from(index);
    if index < BigInt::from(0) {
        index += &subnets;
    }
    if index < BigInt::from(0) || index >= subnets {
        return Ok(no);
    }
    let index = u128::try_from(index).unwrap_or(0);
    let offset = index.checked_shl(bits - wanted).unwrap_or(0);
    Ok(Value::from(Net { value: net.network() + offset, prefix: wanted, ..net }.to_string()))
}

/// The number of a subnet in a larger network, from 1.
fn number_in(net: &Net, query: &str) -> Result<Value> {
    let outer = understand(&Value::from(query), None).map(|found| found.net.cidr()).ok_or_else(|| {
        Diagnostic::new("not a subnet")
            .detail(format!("You must pass a valid subnet or IP address; {query} is invalid"))
    })?;
    if !outer.contains(net) {
        return Err(
            Diagnostic::new("not in the subnet").detail(format!("{net} is not in the subnet {outer}"))
        );
    }
    let within = net.value - outer.network();
    let number = within.checked_shr(net.host_bits()).unwrap_or(0) + 1;
    Ok(Value::from(number.to_string()))
}

fn nth_usable(arguments: &Arguments, direction: i128) -> Result<Value> {
    let ([value, offset], []) = bind(arguments, ["value", "offset"], [])?;
    let Some(net) = net(value) else { return Ok(Value::from(false)) };
    let offset = offset.as_int().ok_or_else(|| Diagnostic::new("Must pass in an integer"))?;
    let moved = net.value.checked_add_signed(direction * i128::from(offset));
    let usable = net.usable().zip(moved).filter(|((first, last), moved)| (first..=last).contains(&moved));
    Ok(usable.map_or(Value::NULL, |(_, moved)| Value::from(net.show(moved))))
}

fn network_in_network(arguments: &Arguments) -> Result<Value> {
    let ([value, test], []) = bind(arguments, ["value", "test"], [])?;
    let inside = net(value).zip(net(test)).is_some_and(|(outer, inner)| outer.contains(&inner));
    Ok(Value::from(inside))
}

fn network_in_usable(arguments: &Arguments) -> Result<Value> {
    let ([value, test], []) = bind(arguments, ["value", "test"], [])?;
    let inside = net(value).zip(net(test)).is_some_and(|(outer, inner)| {
        let (first, last) = outer.usable().unwrap_or((outer.value, outer.value));
        outer.version == inner.version && first <= inner.network() && inner.last() <= last
    });
    Ok(Value::from(inside))
}

fn reduce_on_network(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value, network], []) = bind(arguments, ["value", "network"], [])?;
    let Some(outer) = net(network) else { return Ok(Value::list(Vec::new())) };
    let items = context.iterate(value)?.into_iter();
    Ok(Value::list(items.filter(|item| net(item).is_some_and(|inner| outer.contains(&inner))).collect()))
}

fn usable_range(arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["ip"], [])?;
    let net = Net::parse(&str_of(value)).ok_or_else(|| not_an_address(value))?;
    if net.value != net.network() {
        return Err(Diagnostic::new("not a network").detail(format!("{net} has host bits set")));
    }
    if net.host_bits() > 20 {
        return Err(Diagnostic::new("too many addresses")
            .detail(format!("{net} has more addresses than can be listed")));
    }
    let all: Vec<Value> = (net.network()..=net.last()).map(|value| Value::from(net.show(value))).collect();
    let count = all.len();
    Ok(Value::dict([("usable_ips", Value::list(all)), ("number_of_ips", Value::from(count))]))
}
