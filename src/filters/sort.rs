//! `sort`: items in order.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, flag};
use shevek_python::sequence::{Attribute, ignore_case};
use shevek_python::sort::sort_by_key;

pub(crate) const FILTERS: &[Filter] = &[Filter { names: &["sort"], markers: Markers::Propagate, run: sort }];

fn sort(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [reverse, case_sensitive, attribute]) =
        bind(arguments, ["value"], ["reverse", "case_sensitive", "attribute"])?;
    let attributes = Attribute::list(attribute);
    let mut keyed = Vec::new();
    for item in context.iterate(value)? {
        let mut keys = Vec::with_capacity(attributes.len());
        for attribute in &attributes {
            let key = attribute.of(context, &item)?;
            if key.is_undefined() {
                return Ok(key);
            }
            keys.push(if flag(case_sensitive) { key } else { ignore_case(key) });
        }
        // Lists are compared item by item and equal items are passed over, so that two nulls don't disturb.
        keyed.push((Value::list(keys), item));
    }
    Ok(Value::list(sort_by_key(context, keyed, flag(reverse))?))
}
