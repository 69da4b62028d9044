//! `format`: Python's `%` with the arguments.

use shevek_diag::{Diagnostic, Result};
use shevek_python::text::str_of;
use shevek_template::percent;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["format"], markers: Markers::Propagate, run: format }];

fn format(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let pattern = str_of(arguments.subject());
    let positional = arguments.positional.get(1..).unwrap_or(&[]);
    if !positional.is_empty() && !arguments.named.is_empty() {
        return Err(Diagnostic::new("arguments by position and by name")
            .detail("can't handle positional and keyword arguments at the same time"));
    }
    let values = if arguments.named.is_empty() {
        Value::tuple(positional.to_vec())
    } else {
        Value::map(arguments.named.clone())
    };
    percent(&pattern, &values)
}
