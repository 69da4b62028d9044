//! `version_sort` (community.general): versions in order.

use std::cmp::Ordering;

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, flag};
use shevek_python::text::str_of;
use shevek_python::version::{Kind, compare};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["community.general.version_sort", "version_sort"],
    markers: Markers::Propagate,
    run: version_sort,
}];

fn version_sort(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [reverse]) = bind(arguments, ["value"], ["reverse"])?;
    let mut items = context.iterate(value)?;
    let reverse = flag(reverse);
    if reverse {
        items.reverse();
    }
    let mut sorted = merge_sort(items)?;
    if reverse {
        sorted.reverse();
    }
    Ok(Value::list(sorted))
}

fn merge_sort(mut items: Vec<Value>) -> Result<Vec<Value>> {
    if items.len() < 2 {
        return Ok(items);
    }
    let right = merge_sort(items.split_off(items.len() / 2))?;
    let left = merge_sort(items)?;
    let mut out = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
        let order = compare(Kind::Loose, &str_of(r), &str_of(l))
            .map_err(|why| Diagnostic::new("versions can't be compared").detail(why))?;
        out.extend(if order == Ordering::Less { right.next() } else { left.next() });
    }
    out.extend(left);
    out.extend(right);
    Ok(out)
}
