//! `consolidate` (ansible.utils): several lists of mappings as one mapping, by the value of a key of each.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::bind;
use shevek_python::sort::sort_by_key;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["consolidate", "ansible.utils.consolidate"],
    markers: Markers::Propagate,
    run: consolidate,
}];

struct Source {
    name: Value,
    /// By the value of the match key, the last of several.
    entries: Map,
}

fn wrong(detail: String) -> Box<Diagnostic> {
    Diagnostic::new("data can't be consolidated").detail(detail)
}

fn consolidate(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([sources], [fail_key, fail_value, fail_duplicate]) = bind(
        arguments,
        ["data_sources"],
        ["fail_missing_match_key", "fail_missing_match_value", "fail_duplicate"],
    )?;
    // Strict unless told otherwise.
    let flag = |value: Option<&Value>| value.is_none_or(Value::is_true);
    let mut all = Map::default();
    let mut read = Vec::new();
    for (place, source) in context.iterate(sources)?.iter().enumerate() {
        let place = place + 1;
        let part = |name: &str| {
            source.get(name).cloned().ok_or_else(|| {
                wrong(format!("data source {place} has no '{name}'")).at_maybe(source.origin(), "")
            })
        };
        let (name, key, data) = (part("name")?, part("match_key")?, part("data")?);
        let mut entries = Map::default();
        for (number, entry) in context.iterate(&data)?.into_iter().enumerate() {
            let Some(value) = entry.as_map().and_then(|map| map.get(&key)).cloned() else {
                if flag(fail_key) {
                    return Err(wrong(format!(
                        "'fail_missing_match_key' reported missing match key '{}' in data source {place} in list entry {}",
                        key.text(),
                        number + 1
                    ))
                    .at_maybe(entry.origin(), ""));
                }
                continue;
            };
            if entries.insert(value.clone(), entry).is_some() && flag(fail_duplicate) {
                return Err(wrong(format!(
                    "'fail_duplicate' reported duplicate values in data source {place}"
                ))
                .at_maybe(value.origin(), ""));
            }
            all.insert(value, Value::NULL);
        }
        read.push(Source { name, entries });
    }
    if flag(fail_value) {
        for (place, source) in read.iter().enumerate() {
            let missing: Vec<String> =
                all.keys().filter(|value| !source.entries.contains_key(*value)).map(Value::text).collect();
            if !missing.is_empty() {
                return Err(wrong(format!(
                    "'fail_missing_match_value' reported missing match value {} in data source {}",
                    missing.join(", "),
                    place + 1
                )));
            }
        }
    }
    let keyed = all.into_keys().map(|value| (value.clone(), value)).collect();
    let mut out = Map::default();
    for value in sort_by_key(context, keyed, false)? {
        let of = |source: &Source| {
            let entry = source.entries.get(&value).cloned();
            (source.name.clone(), entry.unwrap_or_else(|| Value::map(Map::default())))
        };
        let entry = Value::map(read.iter().map(of).collect());
        out.insert(value, entry);
    }
    Ok(Value::map(out))
}
