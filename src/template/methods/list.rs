//! Methods of lists and tuples.

use std::sync::Arc;

use shevek_diag::Result;
use shevek_value::Value;

use super::arguments::Args;

pub(super) const METHODS: [&str; 3] = ["index", "count", "copy"];
pub(super) const CHANGING: [&str; 8] =
    ["append", "extend", "insert", "pop", "remove", "sort", "reverse", "clear"];

pub(super) fn call(value: &Value, items: &Arc<Vec<Value>>, args: &Args<'_>) -> Result<Value> {
    match args.name {
        "index" => {
            let wanted = args.require(0, "value")?;
            let length = items.len();
            let bound = |at: i64| if at < 0 { (at + length as i64).max(0) } else { at } as usize;
            let start = bound(args.int_or(1, "start", 0)?);
            let stop = bound(args.int_or(2, "stop", i64::MAX)?);
            let found = items.iter().enumerate().take(stop).skip(start).find(|(_, item)| *item == wanted);
            match found {
                Some((at, _)) => Ok(Value::from(at)),
                None => Err(args.wrong(format!("{} is not in {}", wanted.repr(), value.type_name()))),
            }
        }
        "count" => {
            let wanted = args.require(0, "value")?;
            Ok(Value::from(items.iter().filter(|item| *item == wanted).count()))
        }
        "copy" => Ok(value.clone()),
        _ => Err(args.unknown()),
    }
}

pub(super) fn change(items: &mut Vec<Value>, args: &Args<'_>) -> Result<Value> {
    match args.name {
        "append" => items.push(args.require(0, "object")?.clone()),
        "extend" => {
            let more = args.require(0, "iterable")?;
            let Some(more) = super::items(more) else {
                return Err(args.wrong(format!("'{}' object is not iterable", more.type_name())));
            };
            items.extend(more);
        }
        "insert" => {
            let at = args.int_or(0, "index", 0)?;
            let value = args.require(1, "object")?.clone();
            let at = if at < 0 { at.saturating_add(items.len() as i64).max(0) } else { at };
            items.insert(usize::try_from(at).unwrap_or(usize::MAX).min(items.len()), value);
        }
        "pop" => {
            let at = args.int_or(0, "index", -1)?;
            let at = if at < 0 { at + items.len() as i64 } else { at };
            return match usize::try_from(at).ok().filter(|at| *at < items.len()) {
                Some(at) => Ok(items.remove(at)),
                None if items.is_empty() => Err(args.wrong("pop from empty list")),
                None => Err(args.wrong("pop index out of range")),
            };
        }
        "remove" => {
            let wanted = args.require(0, "value")?;
            match items.iter().position(|item| item == wanted) {
                Some(at) => drop(items.remove(at)),
                None => return Err(args.wrong(format!("{} is not in the list", wanted.repr()))),
            }
        }
        "sort" => {
            sort(items)?;
            if args.bool_or(9, "reverse", false) {
                items.reverse();
            }
        }
        "reverse" => items.reverse(),
        "clear" => items.clear(),
        _ => return Err(args.unknown()),
    }
    Ok(Value::NULL)
}

/// Sorts as Python does: what doesn't compare is an error.
fn sort(items: &mut [Value]) -> Result<()> {
    let mut wrong = None;
    items.sort_by(|a, b| match a.compare(b) {
        Ok(ordering) => ordering,
        Err(why) => {
            wrong.get_or_insert(why);
            std::cmp::Ordering::Equal
        }
    });
    wrong.map_or(Ok(()), Err)
}
