//! `default`: another value for one that is undefined.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Reason, Value};

use shevek_python::arguments::{bind, wrong_type};

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["default", "d"], markers: Markers::Accept, run: default }];

fn default(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [other, boolean]) = bind(arguments, ["value"], ["default_value", "boolean"])?;
    let boolean = match boolean {
        None => false,
        Some(boolean) => boolean.as_bool().ok_or_else(|| wrong_type("boolean", "true or false", boolean))?,
    };
    let absent = match value.as_undefined() {
        // What failed to be made isn't missing: the failure goes on.
        Some(undefined) => !matches!(undefined.reason, Reason::Failed(_)),
        None => boolean && !value.is_true(),
    };
    if absent { Ok(other.cloned().unwrap_or_else(|| Value::from(""))) } else { Ok(value.clone()) }
}
