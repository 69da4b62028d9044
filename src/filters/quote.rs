//! `quote`: text as one word of a shell's command line.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::bind;
use shevek_python::text::str_of;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["quote"], markers: Markers::Propagate, run: quote }];

fn quote(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["a"], [])?;
    let text = if value.is_null() { "".into() } else { str_of(value) };
    let safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    Ok(Value::from(match text.as_ref() {
        "" => "''".to_owned(),
        text if text.chars().all(safe) => text.to_owned(),
        text => format!("'{}'", text.replace('\'', r#"'"'"'"#)),
    }))
}
