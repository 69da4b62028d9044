//! `items`: terms, lists among them by their items.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

pub(crate) const LOOKUP: Lookup = Lookup { names: &["items"], markers: Markers::Propagate, run: items };

fn items(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    Ok(Value::list(one_level(&arguments.positional)))
}

/// The items of lists in the lists' stead, one level down.
pub(crate) fn one_level(terms: &[Value]) -> Vec<Value> {
    let mut out = Vec::with_capacity(terms.len());
    for term in terms {
        match term.as_list() {
            Some(items) => out.extend_from_slice(items),
            None => out.push(term.clone()),
        }
    }
    out
}
