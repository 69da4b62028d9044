//! `batch` and `slice`: a list cut into lists of one length, or into a number of lists.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, given, integer};

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["batch"], markers: Markers::Inside, run: batch },
    Filter { names: &["slice"], markers: Markers::Inside, run: slice },
];

fn batch(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value, length], [fill]) = bind(arguments, ["value", "linecount"], ["fill_with"])?;
    let items = context.iterate(value)?;
    let length = usize::try_from(integer(length, "linecount")?).unwrap_or(0);
    if length == 0 {
        // No list ever has the length at which a new one is begun.
        return Ok(Value::list(if items.is_empty() { Vec::new() } else { vec![Value::list(items)] }));
    }
    let lists = items.chunks(length).map(|chunk| {
        let mut list = chunk.to_vec();
        if let Some(fill) = given(fill) {
            list.resize(length, fill.clone());
        }
        Value::list(list)
    });
    Ok(Value::list(lists.collect()))
}

fn slice(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value, slices], [fill]) = bind(arguments, ["value", "slices"], ["fill_with"])?;
    let items = context.iterate(value)?;
    let slices = match integer(slices, "slices")? {
        0 => return Err(Diagnostic::new("division by zero").detail("a list can't be cut into 0 slices")),
        slices => usize::try_from(slices).unwrap_or(0),
    };
    let (each, longer) = (items.len() / slices.max(1), items.len() % slices.max(1));
    let mut rest = items.into_iter();
    let lists = (0..slices).map(|number| {
        let length = each + usize::from(number < longer);
        let mut list: Vec<Value> = rest.by_ref().take(length).collect();
        if let Some(fill) = given(fill)
            && number >= longer
        {
            list.push(fill.clone());
        }
        Value::list(list)
    });
    Ok(Value::list(lists.collect()))
}
