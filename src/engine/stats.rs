//! Counts of a run.

use std::collections::{BTreeMap, BTreeSet};

use shevek_event::{Counts, CustomStats, Recap};
use shevek_value::{Kind, Map, Value};

/// What the hosts of a run came to.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    hosts: BTreeMap<String, Counts>,
    custom: BTreeMap<String, Map>,
    run: Map,
    /// Hosts on which something failed for good.
    pub(crate) failed: BTreeSet<String>,
    /// Hosts that could not be reached, and why.
    pub(crate) unreachable: BTreeMap<String, String>,
}

impl Stats {
    /// A host's counts, to be changed.
    pub(crate) fn host(&mut self, name: &str) -> &mut Counts {
        self.hosts.entry(name.to_owned()).or_default()
    }

    /// Takes what `set_stats` says, for a host or the whole run.
    pub(crate) fn set(&mut self, host: Option<&str>, data: &Map, aggregate: bool) {
        let map = match host {
            Some(host) => self.custom.entry(host.to_owned()).or_default(),
            None => &mut self.run,
        };
        for (key, value) in data {
            let value = match map.get(key).filter(|_| aggregate) {
                Some(old) => add(old, value),
                None => Some(value.clone()),
            };
            if let Some(value) = value {
                map.insert(key.clone(), value);
            }
        }
    }

    pub(crate) fn recap(&self) -> Recap {
        let hosts = self.custom.iter().map(|(host, map)| (host.clone(), Value::map(map.clone()))).collect();
        let run = Some(Value::map(self.run.clone())).filter(Value::is_true);
        let custom = CustomStats { hosts, run };
        let custom = (!custom.hosts.is_empty() || custom.run.is_some()).then_some(custom);
        Recap { hosts: self.hosts.clone(), custom, unreachable: self.unreachable.clone() }
    }
}

/// Values of one kind added up: mappings merge, lists and texts join, numbers add; of two kinds the first stays.
fn add(old: &Value, new: &Value) -> Option<Value> {
    Some(match (old.kind(), new.kind()) {
        (Kind::Map(_), Kind::Map(_)) => shevek_vars::merge(old, new),
        (Kind::List(a), Kind::List(b)) => Value::list(a.iter().chain(b.iter()).cloned().collect()),
        (Kind::Str(a), Kind::Str(b)) => format!("{a}{b}").into(),
        (Kind::Int(a), Kind::Int(b)) => a.checked_add(*b)?.into(),
        (Kind::Float(a), Kind::Float(b)) => (a + b).into(),
        _ => return None,
    })
}
