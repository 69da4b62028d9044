//! `lower`, `upper`, `capitalize`, `title`: letters in another case.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::bind;
use shevek_python::text::{capitalize, is_space, lower, str_of, upper};

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["lower"], markers: Markers::Propagate, run: |_, a| each(a, lower) },
    Filter { names: &["upper"], markers: Markers::Propagate, run: |_, a| each(a, upper) },
    Filter { names: &["capitalize"], markers: Markers::Propagate, run: |_, a| each(a, capitalize) },
    Filter { names: &["title"], markers: Markers::Propagate, run: title },
];

fn each(arguments: &Arguments, change: fn(&str) -> String) -> Result<Value> {
    let ([value], []) = bind(arguments, ["s"], [])?;
    Ok(Value::from(change(&str_of(value))))
}

fn title(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["s"], [])?;
    let text = str_of(value);
    let mut out = String::with_capacity(text.len());
    let mut at_start = true;
    for c in text.chars() {
        let between = is_space(c) || matches!(c, '-' | '(' | '{' | '[' | '<');
        if at_start && !between {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        at_start = between;
    }
    Ok(Value::from(out))
}
