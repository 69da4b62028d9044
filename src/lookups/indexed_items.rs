//! `indexed_items`: items with their places, from 0.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::items::one_level;

pub(crate) const LOOKUP: Lookup =
    Lookup { names: &["indexed_items"], markers: Markers::Propagate, run: indexed_items };

fn indexed_items(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let items = one_level(&arguments.positional).into_iter().enumerate();
    Ok(Value::list(items.map(|(place, item)| Value::list(vec![Value::from(place), item])).collect()))
}
