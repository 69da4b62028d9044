//! `nested` (`cartesian` in community.general): every item of one list with every item of the others.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::items::one_level;

pub(crate) const LOOKUP: Lookup = Lookup {
    names: &["nested", "cartesian", "community.general.cartesian"],
    markers: Markers::Propagate,
    run: nested,
};

fn nested(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let mut lists = Vec::new();
    for term in &arguments.positional {
        lists.push(context.iterate(term)?);
    }
    let mut lists = lists.into_iter();
    let Some(first) = lists.next() else {
        return Err(Diagnostic::new("nothing to nest")
            .detail("with_nested requires at least one element in the nested list"));
    };
    let mut rows: Vec<Vec<Value>> = first.into_iter().map(|item| one_level(&[item])).collect();
    for list in lists {
        rows = rows
            .iter()
            .flat_map(|row| {
                list.iter().map(move |item| {
                    let mut row = row.clone();
                    row.extend(one_level(std::slice::from_ref(item)));
                    row
                })
            })
            .collect();
    }
    Ok(Value::list(rows.into_iter().map(Value::list).collect()))
}
