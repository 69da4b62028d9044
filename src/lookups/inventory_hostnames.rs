//! `inventory_hostnames`: the hosts that a pattern names.

use shevek_diag::Result;
use shevek_python::glob::matches;
use shevek_python::sequence::mapping;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::{IndexMap, IndexSet, Value};

pub(crate) const LOOKUP: Lookup =
    Lookup { names: &["inventory_hostnames"], markers: Markers::Propagate, run: inventory_hostnames };

type Groups = IndexMap<String, Vec<String>>;

fn inventory_hostnames(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let Some(groups) = context.scope().get("groups")? else { return Ok(Value::list(Vec::new())) };
    let groups = context.render(&groups)?;
    let mut known = Groups::new();
    for (name, hosts) in mapping(&groups)?.iter().flat_map(|map| map.iter()) {
        known.insert(name.text(), context.iterate(hosts)?.iter().map(Value::text).collect());
    }
    let all: IndexSet<String> = known.values().flatten().cloned().collect();
    let mut chosen: IndexSet<String> = IndexSet::new();
    let terms: Vec<String> = arguments.positional.iter().map(Value::text).collect();
    let mut parts: Vec<&str> = terms
        .iter()
        .flat_map(|term| term.split([',', ':']))
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    // First what is added, then what is also needed, then what is taken away.
    parts.sort_by_key(|part| (part.starts_with('&'), part.starts_with('!')));
    parts.sort_by_key(|part| part.starts_with('!'));
    for part in parts {
        let (mark, pattern) = match part.strip_prefix(['!', '&']) {
            Some(pattern) => (part.chars().next(), pattern),
            None => (None, part),
        };
        let named = hosts_of(pattern, &known, &all);
        match mark {
            Some('!') => chosen.retain(|host| !named.contains(host)),
            Some(_) => chosen.retain(|host| named.contains(host)),
            None => chosen.extend(named),
        }
    }
    Ok(Value::list(chosen.into_iter().map(Value::from).collect()))
}

fn hosts_of(pattern: &str, groups: &Groups, all: &IndexSet<String>) -> IndexSet<String> {
    if matches!(pattern, "all" | "*") {
        return all.clone();
    }
    let mut out = IndexSet::new();
    for (name, hosts) in groups {
        if matches(pattern, name) {
            out.extend(hosts.iter().cloned());
        }
    }
    if out.is_empty() || pattern.contains(['*', '?', '[']) {
        out.extend(all.iter().filter(|host| matches(pattern, host)).cloned());
    }
    out
}
