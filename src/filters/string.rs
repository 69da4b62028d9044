//! `string`: anything as text.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::bind;
use shevek_python::text::str_of;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["string"], markers: Markers::Propagate, run: string }];

fn string(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["s"], [])?;
    match value.as_str() {
        Some(_) => Ok(value.clone()),
        None => Ok(Value::from(str_of(value).into_owned())),
    }
}
