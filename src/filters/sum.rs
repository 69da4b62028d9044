//! `sum`: items added up.

use num_bigint::BigInt;
use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Kind, Value};

use shevek_python::arguments::{bind, given};
use shevek_python::integer::as_big;
use shevek_python::sequence::Attribute;

pub(crate) const FILTERS: &[Filter] = &[Filter { names: &["sum"], markers: Markers::Propagate, run: sum }];

fn sum(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [attribute, start]) = bind(arguments, ["iterable"], ["attribute", "start"])?;
    let attribute = Attribute::new(given(attribute), None);
    let mut total = start.cloned().unwrap_or_else(|| Value::from(0));
    if total.as_str().is_some() {
        return Err(Diagnostic::new("text can't be summed")
            .detail("sum() can't sum strings [use ''.join(seq) instead]"));
    }
    let mut lists: Option<Vec<Value>> = None;
    for item in context.iterate(value)? {
        let item = attribute.of(context, &item)?;
        if item.is_undefined() {
            return Ok(item);
        }
        // One list that grows, rather than a new one for every item.
        if let (Kind::List(_), Kind::List(items)) = (total.kind(), item.kind()) {
            let all = lists.get_or_insert_with(|| total.as_list().map(<[Value]>::to_vec).unwrap_or_default());
            all.extend(items.iter().cloned());
            continue;
        }
        total = add(&total, &item)?;
    }
    Ok(lists.map_or(total, Value::list))
}

/// Two numbers added, or two lists put together.
pub(crate) fn add(a: &Value, b: &Value) -> Result<Value> {
    let wrong = || {
        Diagnostic::new("these can't be added").detail(format!(
            "unsupported operand type(s) for +: '{}' and '{}'",
            a.type_name(),
            b.type_name()
        ))
    };
    if let (Some(a), Some(b)) = (a.as_int(), b.as_int()) {
        return Ok(a.checked_add(b).map_or_else(|| Value::big(BigInt::from(a) + b), Value::from));
    }
    if let (Some(a), Some(b)) = (as_big(a), as_big(b)) {
        return Ok(Value::big(a + b));
    }
    match (a.kind(), b.kind()) {
        (Kind::Tuple(a), Kind::Tuple(b)) => Ok(Value::tuple(a.iter().chain(b.iter()).cloned().collect())),
        _ => a.as_float().zip(b.as_float()).map(|(a, b)| Value::from(a + b)).ok_or_else(wrong),
    }
}
