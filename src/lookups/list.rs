//! `list`: terms as they are.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

pub(crate) const LOOKUP: Lookup = Lookup { names: &["list"], markers: Markers::Propagate, run: list };

fn list(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    Ok(Value::list(arguments.positional.clone()))
}
