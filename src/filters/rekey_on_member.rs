//! `rekey_on_member`: mappings under the value of one of their members.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

use shevek_python::arguments::bind;
use shevek_python::sequence::mapping;
use shevek_python::text::str_of;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["rekey_on_member"], markers: Markers::Propagate, run: rekey_on_member }];

fn rekey_on_member(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data, key], [duplicates]) = bind(arguments, ["data", "key"], ["duplicates"])?;
    let overwrite = match duplicates.map_or_else(|| "error".into(), str_of).as_ref() {
        "error" => false,
        "overwrite" => true,
        other => {
            return Err(Diagnostic::new("unknown way to treat duplicates")
                .detail(format!("duplicates parameter to rekey_on_member has unknown value '{other}': it is 'error' or 'overwrite'")));
        }
    };
    let items = match mapping(data)? {
        Some(map) => map.values().cloned().collect(),
        None if data.as_str().is_some() => {
            return Err(Diagnostic::new("Type is not a valid list, set, or dict"));
        }
        None => {
            context.iterate(data).map_err(|_| Diagnostic::new("Type is not a valid list, set, or dict"))?
        }
    };
    let mut out = Map::default();
    for item in items {
        let Some(map) = mapping(&item)? else {
            return Err(Diagnostic::new("List item is not a valid dict")
                .detail(format!("it is a '{}'", item.type_name()))
                .at_maybe(item.origin(), ""));
        };
        let Some(name) = map.get(key) else {
            return Err(Diagnostic::new("a key is missing")
                .detail(format!("Key {} was not found.", key.repr()))
                .at_maybe(item.origin(), "in this item"));
        };
        if out.contains_key(name) && !overwrite {
            return Err(Diagnostic::new("a key is not unique")
                .detail(format!("Key {} is not unique, cannot convert to dict.", name.repr()))
                .at_maybe(item.origin(), "")
                .help("duplicates='overwrite' keeps the last"));
        }
        out.insert(name.clone(), item.clone());
    }
    Ok(Value::map(out))
}
