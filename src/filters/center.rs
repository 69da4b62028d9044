//! `center`: text in the middle of a field.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, count};
use shevek_python::text::{length, str_of};

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["center"], markers: Markers::Propagate, run: center }];

fn center(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [width]) = bind(arguments, ["value"], ["width"])?;
    let text = str_of(value);
    let width = count(width, "width", 80)?;
    let margin = width.saturating_sub(length(&text));
    // Python puts the odd space to the left of text when the width is odd.
    let left = margin / 2 + (margin & width & 1);
    Ok(Value::from(format!("{}{text}{}", " ".repeat(left), " ".repeat(margin - left))))
}
