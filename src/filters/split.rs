//! `split`: text into a list.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, given, integer, string};
use shevek_python::text::is_space;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["split"], markers: Markers::Propagate, run: split }];

fn split(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [separator, most]) = bind(arguments, ["string"], ["sep", "maxsplit"])?;
    let text = string(value, "string")?;
    let most = most.map_or(Ok(-1), |most| integer(most, "maxsplit"))?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let Some(separator) = given(separator) else { return Ok(Value::list(words(text, most))) };
    let separator = string(separator, "sep")?;
    if separator.is_empty() {
        return Err(Diagnostic::new("empty separator").detail("text can't be split at nothing"));
    }
    let parts = text.splitn(most.saturating_add(1), separator);
    Ok(Value::list(parts.map(Value::from).collect()))
}

/// Words between white space; the last keeps the rest when there were enough.
fn words(text: &str, most: usize) -> Vec<Value> {
    let mut out = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let end = if out.len() == most { None } else { rest.find(is_space) };
        let Some(end) = end else {
            out.push(Value::from(rest));
            break;
        };
        let (word, after) = rest.split_at(end);
        out.push(Value::from(word));
        rest = after.trim_start_matches(is_space);
    }
    out
}
