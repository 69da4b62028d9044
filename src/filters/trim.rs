//! `trim`: text without what surrounds it.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, given, string};
use shevek_python::text::{str_of, strip};

pub(crate) const FILTERS: &[Filter] = &[Filter { names: &["trim"], markers: Markers::Propagate, run: trim }];

fn trim(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [characters]) = bind(arguments, ["value"], ["chars"])?;
    let characters = given(characters).map(|chars| string(chars, "chars")).transpose()?;
    Ok(Value::from(strip(&str_of(value), characters)))
}
