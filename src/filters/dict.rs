//! `dict` and `dict_kv` (community.general): mappings from pairs.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::bind;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["community.general.dict", "dict"], markers: Markers::Inside, run: dict },
    Filter { names: &["community.general.dict_kv", "dict_kv"], markers: Markers::Inside, run: dict_kv },
];

fn dict(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["sequence"], [])?;
    if value.as_map().is_some() {
        return Ok(value.clone());
    }
    let mut out = Map::default();
    for (place, item) in context.iterate(value)?.into_iter().enumerate() {
        let pair = context.iterate(&item).ok().filter(|pair| pair.len() == 2);
        let [key, value] = pair.and_then(|pair| <[Value; 2]>::try_from(pair).ok()).ok_or_else(|| {
            Diagnostic::new("not a pair")
                .detail(format!("element #{place} of the sequence is {}, not a key and a value", item.repr()))
                .at_maybe(item.origin(), "")
        })?;
        out.insert(key, value);
    }
    Ok(Value::map(out))
}

fn dict_kv(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value, key], []) = bind(arguments, ["value", "key"], [])?;
    let mut out = Map::default();
    out.insert(key.clone(), value.clone());
    Ok(Value::map(out))
}
