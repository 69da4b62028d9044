//! `together`: the items of lists that have the same place.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::items::one_level;

pub(crate) const LOOKUP: Lookup = Lookup { names: &["together"], markers: Markers::Propagate, run: together };

fn together(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let mut lists = Vec::new();
    for term in &arguments.positional {
        lists.push(context.iterate(term)?);
    }
    if lists.is_empty() {
        return Err(Diagnostic::new("nothing to put together")
            .detail("with_together requires at least one element in each list"));
    }
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let row = |place: usize| {
        let row: Vec<Value> = lists.iter().map(|list| list.get(place).cloned().unwrap_or_default()).collect();
        Value::list(one_level(&row))
    };
    Ok(Value::list((0..longest).map(row).collect()))
}
