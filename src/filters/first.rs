//! `first` and `last`: one item from an end.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Kind, Undefined, Value};

use shevek_python::arguments::bind;

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["first"], markers: Markers::Inside, run: first },
    Filter { names: &["last"], markers: Markers::Inside, run: last },
];

fn first(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["seq"], [])?;
    if let Some(items) = value.as_list() {
        return Ok(items.first().cloned().unwrap_or_else(|| empty("first")));
    }
    Ok(context.iterate(value)?.into_iter().next().unwrap_or_else(|| empty("first")))
}

fn last(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["seq"], [])?;
    if let Some(items) = value.as_list() {
        return Ok(items.last().cloned().unwrap_or_else(|| empty("last")));
    }
    if let Kind::Set(_) = value.kind() {
        return Err(Diagnostic::new("not reversible").detail("'set' object is not reversible"));
    }
    Ok(context.iterate(value)?.pop().unwrap_or_else(|| empty("last")))
}

/// What stands for an item of nothing.
fn empty(which: &str) -> Value {
    Undefined { hint: format!("No {which} item, sequence was empty."), ..Undefined::default() }.into()
}
