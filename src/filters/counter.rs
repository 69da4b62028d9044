//! `counter` (community.general): how often each item is there.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::bind;
use shevek_python::sequence::is_sequence;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["community.general.counter", "counter"], markers: Markers::Propagate, run: counter }];

fn counter(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["sequence"], [])?;
    if value.as_str().is_none() && !is_sequence(value) {
        return Err(Diagnostic::new("not a sequence")
            .detail(format!("counter takes text or a list, not {}", value.type_name()))
            .at_maybe(value.origin(), ""));
    }
    let mut out = Map::default();
    for item in context.iterate(value)? {
        if item.as_map().is_some() || matches!(item.kind(), shevek_value::Kind::List(_)) {
            return Err(Diagnostic::new("items can't be counted").detail(format!(
                "counter needs hashable elements (int, float or str), not {}",
                item.type_name()
            )));
        }
        let count = out.get(&item).and_then(Value::as_int).unwrap_or(0);
        out.insert(item, Value::from(count + 1));
    }
    Ok(Value::map(out))
}
