//! `dictsort`: the entries of a mapping, sorted.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, flag};
use shevek_python::sequence::{ignore_case, mapping};
use shevek_python::sort::sort_by_key;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["dictsort"], markers: Markers::Propagate, run: dictsort }];

fn dictsort(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [case_sensitive, by, reverse]) =
        bind(arguments, ["value"], ["case_sensitive", "by", "reverse"])?;
    let by_value = match by.map(Value::text).as_deref() {
        None | Some("key") => false,
        Some("value") => true,
        Some(other) => {
            return Err(Diagnostic::new("unknown sort order")
                .detail(format!("'by' must be 'key' or 'value', not '{other}'")));
        }
    };
    let Some(map) = mapping(value)? else {
        return Err(Diagnostic::new("not a mapping")
            .detail(format!("'{}' object has no attribute 'items'", value.type_name())));
    };
    let entries = map.iter().map(|(key, item)| {
        let by = if by_value { item } else { key }.clone();
        let by = if flag(case_sensitive) { by } else { ignore_case(by) };
        (by, Value::tuple(vec![key.clone(), item.clone()]))
    });
    Ok(Value::list(sort_by_key(context, entries.collect(), flag(reverse))?))
}
