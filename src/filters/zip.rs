//! `zip` and `zip_longest`: items at the same places, together.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["zip"], markers: Markers::Inside, run: zip },
    Filter { names: &["zip_longest"], markers: Markers::Inside, run: zip_longest },
];

fn columns(context: &dyn Context, arguments: &Arguments, named: &str) -> Result<Vec<Vec<Value>>> {
    if let Some(other) = arguments.named.keys().find(|key| *key != named) {
        return Err(Diagnostic::new("unexpected argument")
            .detail(format!("there is no argument named {}", other.repr())));
    }
    arguments.positional.iter().map(|value| context.iterate(value)).collect()
}

fn rows(columns: &[Vec<Value>], count: usize, fill: &Value) -> Value {
    let row = |at| columns.iter().map(|column| column.get(at).unwrap_or(fill).clone()).collect();
    Value::list((0..count).map(|at| Value::tuple(row(at))).collect())
}

fn zip(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let columns = columns(context, arguments, "strict")?;
    let shortest = columns.iter().map(Vec::len).min().unwrap_or(0);
    let strict = arguments.named.get("strict").is_some_and(Value::is_true);
    if strict && columns.iter().any(|column| column.len() != shortest) {
        return Err(Diagnostic::new("lists of different lengths")
            .detail("zip(strict=True) needs lists of the same length"));
    }
    Ok(rows(&columns, shortest, &Value::NULL))
}

fn zip_longest(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let columns = columns(context, arguments, "fillvalue")?;
    let longest = columns.iter().map(Vec::len).max().unwrap_or(0);
    Ok(rows(&columns, longest, arguments.named.get("fillvalue").unwrap_or(&Value::NULL)))
}
