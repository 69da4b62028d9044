//! Sorting with Python's `<`, which can fail.

use std::cmp::Ordering;

use shevek_diag::Result;
use shevek_template::plugin::Context;
use shevek_value::{Kind, Value};

/// Sorts stably by keys. Rust's own sort may panic when an order is inconsistent, and can't fail: so a merge sort.
pub fn sort_by_key(context: &dyn Context, items: Vec<(Value, Value)>, reverse: bool) -> Result<Vec<Value>> {
    // Python keeps the order of equal items when reversed, too: it sorts the reversed list and reverses that.
    let mut items = items;
    if reverse {
        items.reverse();
    }
    let mut sorted = merge_sort(context, items)?;
    if reverse {
        sorted.reverse();
    }
    Ok(sorted.into_iter().map(|(_, item)| item).collect())
}

/// Pairs of key and item, sorted by key.
pub fn merge_sort(context: &dyn Context, mut items: Vec<(Value, Value)>) -> Result<Vec<(Value, Value)>> {
    if items.len() < 2 {
        return Ok(items);
    }
    let right = merge_sort(context, items.split_off(items.len() / 2))?;
    let left = merge_sort(context, items)?;
    let mut out = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
        let next = if less(context, &r.0, &l.0)? { right.next() } else { left.next() };
        out.extend(next);
    }
    out.extend(left);
    out.extend(right);
    Ok(out)
}

/// Python's `<`.
pub fn less(context: &dyn Context, a: &Value, b: &Value) -> Result<bool> {
    match (a.kind(), b.kind()) {
        (Kind::Str(a), Kind::Str(b)) => Ok(a < b),
        (Kind::Int(a), Kind::Int(b)) => Ok(a < b),
        (Kind::List(x), Kind::List(y)) | (Kind::Tuple(x), Kind::Tuple(y)) => {
            for (a, b) in x.iter().zip(y.iter()) {
                if a != b {
                    return less(context, a, b);
                }
            }
            Ok(x.len().cmp(&y.len()) == Ordering::Less)
        }
        _ => context.less(a, b),
    }
}
