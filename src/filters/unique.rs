//! `unique`: every item once.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Set, Value};

use shevek_python::arguments::{bind, flag};
use shevek_python::sequence::{Attribute, ignore_case};

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["unique"], markers: Markers::Propagate, run: unique }];

fn unique(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [case_sensitive, attribute]) = bind(arguments, ["a"], ["case_sensitive", "attribute"])?;
    let case_sensitive = flag(case_sensitive);
    let attribute = Attribute::new(attribute, None);
    let mut seen = Set::default();
    let mut out = Vec::new();
    for item in context.iterate(value)? {
        let key = attribute.of(context, &item)?;
        if key.is_undefined() {
            return Ok(key);
        }
        if seen.insert(if case_sensitive { key } else { ignore_case(key) }) {
            out.push(item);
        }
    }
    Ok(Value::list(out))
}
