//! `replace`: text for text.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, given, integer};
use shevek_python::text::str_of;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["replace"], markers: Markers::Propagate, run: replace }];

fn replace(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value, old, new], [count]) = bind(arguments, ["s", "old", "new"], ["count"])?;
    let (text, old, new) = (str_of(value), str_of(old), str_of(new));
    let count = match given(count) {
        Some(count) => usize::try_from(integer(count, "count")?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    Ok(Value::from(text.replacen(&*old, &new, count)))
}
