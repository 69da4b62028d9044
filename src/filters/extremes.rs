//! `min` and `max`: the smallest and the largest item.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Undefined, Value};

use shevek_python::arguments::{bind, flag};
use shevek_python::sequence::{Attribute, ignore_case};
use shevek_python::sort::less;

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["min"], markers: Markers::Propagate, run: |c, a| extreme(c, a, false) },
    Filter { names: &["max"], markers: Markers::Propagate, run: |c, a| extreme(c, a, true) },
];

fn extreme(context: &dyn Context, arguments: &Arguments, largest: bool) -> Result<Value> {
    let ([value], [case_sensitive, attribute]) = bind(arguments, ["value"], ["case_sensitive", "attribute"])?;
    let attribute = Attribute::new(attribute, None);
    let mut best: Option<(Value, Value)> = None;
    for item in context.iterate(value)? {
        let key = attribute.of(context, &item)?;
        if key.is_undefined() {
            return Ok(key);
        }
        let key = if flag(case_sensitive) { key } else { ignore_case(key) };
        let better = match &best {
            None => true,
            Some((best, _)) if largest => less(context, best, &key)?,
            Some((best, _)) => less(context, &key, best)?,
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or_else(
        || {
            Undefined { hint: "No aggregated item, sequence was empty.".into(), ..Undefined::default() }
                .into()
        },
        |(_, item)| item,
    ))
}
