//! `cidr_merge` (ansible.utils): the fewest networks for a list of addresses and networks.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::bind;
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use crate::network::Net;

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["cidr_merge", "ansible.utils.cidr_merge", "ansible.netcommon.cidr_merge"],
    markers: Markers::Propagate,
    run: cidr_merge,
}];

fn cidr_merge(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [action]) = bind(arguments, ["value"], ["action"])?;
    let wrong = |detail: String| Diagnostic::new("networks can't be merged").detail(detail);
    let mut nets = Vec::new();
    for item in context.iterate(value)? {
        let net = Net::parse(&str_of(&item));
        nets.push(net.ok_or_else(|| {
            wrong(format!("cidr_merge: {} is no address or network", item.repr())).at_maybe(item.origin(), "")
        })?);
    }
    match action.map_or_else(|| "merge".into(), str_of).as_ref() {
        "merge" => Ok(Value::list(merge(nets).into_iter().map(|net| Value::from(net.to_string())).collect())),
        "span" => match nets.as_slice() {
            [] => Ok(Value::NULL),
            [only] => Ok(Value::from(only.to_string())),
            all => span(all)
                .map(|net| Value::from(net.to_string()))
                .ok_or_else(|| wrong("cidr_merge: IP sequence cannot contain both IPv4 and IPv6".to_owned())),
        },
        other => {
            Err(wrong(format!("cidr_merge: invalid action '{other}'")).did_you_mean(other, ["merge", "span"]))
        }
    }
}

/// Addresses from one to another; what they came from, as long as they stand alone.
struct Range {
    first: Net,
    last: u128,
    alone: bool,
}

fn merge(mut nets: Vec<Net>) -> Vec<Net> {
    nets.sort_by_key(|net| (net.version.number(), net.last(), net.network()));
    let mut ranges: Vec<Range> = Vec::new();
    for net in nets {
        let mut range = Range { first: net, last: net.last(), alone: true };
        while let Some(before) = ranges.last() {
            let touches =
                before.first.version == net.version && range.first.network() <= before.last.saturating_add(1);
            if !touches {
                break;
            }
            if before.first.network() < range.first.network() {
                range.first = before.first;
            }
            range.alone = false;
            ranges.pop();
        }
        ranges.push(range);
    }
    ranges.into_iter().flat_map(|range| if range.alone { vec![range.first] } else { split(&range) }).collect()
}

/// The largest networks that make up a range.
fn split(range: &Range) -> Vec<Net> {
    let bits = range.first.version.bits();
    let mut start = range.first.network();
    let mut out = Vec::new();
    loop {
        let mut free = start.trailing_zeros().min(bits);
        let end = |free: u32| start | if free == 128 { u128::MAX } else { (1u128 << free) - 1 };
        while end(free) > range.last {
            free -= 1;
        }
        out.push(Net { version: range.first.version, value: start, prefix: bits - free });
        match end(free).checked_add(1) {
            Some(next) if next <= range.last => start = next,
            _ => return out,
        }
    }
}

/// The smallest network that has all of them in it.
fn span(nets: &[Net]) -> Option<Net> {
    let first = nets.first()?;
    if nets.iter().any(|net| net.version != first.version) {
        return None;
    }
    let lowest = nets.iter().map(Net::network).min()?;
    let highest = nets.iter().map(Net::last).max()?;
    let prefix = nets.iter().map(|net| net.prefix).min()?;
    let common = first.version.bits() - (128 - (lowest ^ highest).leading_zeros());
    Some(Net { version: first.version, value: lowest, prefix: prefix.min(common) }.cidr())
}
