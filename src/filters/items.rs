//! `items`: the entries of a mapping, none of something undefined.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::bind;
use shevek_python::sequence::mapping;

pub(crate) const FILTERS: &[Filter] = &[Filter { names: &["items"], markers: Markers::Inside, run: items }];

fn items(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    let Some(map) = mapping(value)? else {
        return Err(
            Diagnostic::new("not a mapping").detail("Can only get item pairs from a mapping.".to_owned())
        );
    };
    let pairs = map.iter().map(|(key, item)| Value::tuple(vec![key.clone(), item.clone()]));
    Ok(Value::list(pairs.collect()))
}
