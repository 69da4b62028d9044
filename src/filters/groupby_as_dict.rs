//! `groupby_as_dict` (community.general): mappings under the value of one of their keys.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::bind;
use shevek_python::sequence::{is_sequence, mapping};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["community.general.groupby_as_dict", "groupby_as_dict"],
    markers: Markers::Inside,
    run: groupby_as_dict,
}];

fn groupby_as_dict(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value, attribute], []) = bind(arguments, ["sequence", "attribute"], [])?;
    if !is_sequence(value) {
        return Err(Diagnostic::new("Input is not a sequence").at_maybe(value.origin(), ""));
    }
    let mut out = Map::default();
    for (place, item) in context.iterate(value)?.into_iter().enumerate() {
        let wrong = |summary: &'static str, detail: String| {
            Diagnostic::new(summary).detail(detail).at_maybe(item.origin(), "")
        };
        let Some(map) = mapping(&item)? else {
            return Err(wrong("not a mapping", format!("Sequence element #{place} is not a mapping")));
        };
        let Some(key) = map.get(attribute).cloned() else {
            return Err(wrong(
                "a key is missing",
                format!("Attribute not contained in element #{place} of sequence"),
            ));
        };
        if out.contains_key(&key) {
            return Err(wrong(
                "a key is not unique",
                format!("Multiple sequence entries have attribute value {}", key.repr()),
            ));
        }
        out.insert(key, item.clone());
    }
    Ok(Value::map(out))
}
