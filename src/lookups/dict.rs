//! `dict`: the entries of mappings, each with `key` and `value`.

use shevek_diag::{Diagnostic, Result};
use shevek_python::sequence::mapping;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

pub(crate) const LOOKUP: Lookup = Lookup { names: &["dict"], markers: Markers::Propagate, run: dict };

fn dict(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let mut out = Vec::new();
    for term in &arguments.positional {
        let Some(map) = mapping(term)? else {
            return Err(Diagnostic::new("not a mapping")
                .detail(format!("the 'dict' lookup plugin expects a dictionary, got '{}'", term.text()))
                .at_maybe(term.origin(), ""));
        };
        out.extend(
            map.iter().map(|(key, value)| Value::dict([("key", key.clone()), ("value", value.clone())])),
        );
    }
    Ok(Value::list(out))
}
