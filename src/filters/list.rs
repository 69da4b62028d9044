//! `list`: anything that has items, as a list.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::bind;

pub(crate) const FILTERS: &[Filter] = &[Filter { names: &["list"], markers: Markers::Propagate, run: list }];

fn list(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    Ok(Value::list(context.iterate(value)?))
}
