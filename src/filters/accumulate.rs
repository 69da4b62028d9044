//! `accumulate` (community.general): running totals.

use shevek_diag::Result;
use shevek_python::arguments::bind;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["community.general.accumulate", "accumulate"],
    markers: Markers::Propagate,
    run: accumulate,
}];

fn accumulate(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["sequence"], [])?;
    let mut out: Vec<Value> = Vec::new();
    for item in context.iterate(value)? {
        let next = match (out.last().and_then(Value::as_str), item.as_str()) {
            (Some(before), Some(text)) => Value::from(format!("{before}{text}")),
            _ => match out.last() {
                None => item,
                Some(before) => crate::sum::add(before, &item)?,
            },
        };
        out.push(next);
    }
    Ok(Value::list(out))
}
