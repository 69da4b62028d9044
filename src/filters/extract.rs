//! `extract`: an item of a container, found by key from the left.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, given};

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["extract"], markers: Markers::Inside, run: extract }];

fn extract(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([item, container], [more]) = bind(arguments, ["item", "container"], ["morekeys"])?;
    let mut value = context.item(container, item)?;
    match given(more) {
        None => {}
        Some(more) => match more.as_list() {
            Some(keys) => {
                for key in keys {
                    value = context.item(&value, key)?;
                }
            }
            None => value = context.item(&value, more)?,
        },
    }
    Ok(value)
}
