//! `ternary`: one value for true, another for false.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, given};

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["ternary"], markers: Markers::Accept, run: ternary }];

fn ternary(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value, yes, no], [null]) = bind(arguments, ["value", "true_val", "false_val"], ["none_val"])?;
    if value.is_undefined() {
        return Ok(value.clone());
    }
    let chosen = match given(null) {
        Some(null) if value.is_null() => null,
        _ if value.is_true() => yes,
        _ => no,
    };
    Ok(chosen.clone())
}
