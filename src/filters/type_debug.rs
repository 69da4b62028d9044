//! `type_debug`: Python's name of a value's type.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Reason, Value};

use shevek_python::arguments::bind;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["type_debug"], markers: Markers::Accept, run: type_debug }];

fn type_debug(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["obj"], [])?;
    Ok(Value::from(match value.as_undefined().map(|undefined| &undefined.reason) {
        Some(Reason::Failed(_)) => "CapturedExceptionMarker",
        Some(_) => "UndefinedMarker",
        None => value.type_name(),
    }))
}
