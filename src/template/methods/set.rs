//! Methods of sets.

use std::sync::Arc;

use shevek_diag::Result;
use shevek_value::{Kind, Set, Value};

use super::arguments::Args;

pub(super) const METHODS: [&str; 8] = [
    "union",
    "intersection",
    "difference",
    "symmetric_difference",
    "issubset",
    "issuperset",
    "isdisjoint",
    "copy",
];
pub(super) const CHANGING: [&str; 4] = ["add", "discard", "remove", "clear"];

fn other(args: &Args<'_>) -> Result<Set> {
    match args.get(0, "others") {
        None => Ok(Set::default()),
        Some(value) => match super::items(value) {
            Some(items) => Ok(items.into_iter().collect()),
            None => Err(args.wrong(format!("'{}' object is not iterable", value.type_name()))),
        },
    }
}

pub(super) fn call(items: &Arc<Set>, args: &Args<'_>) -> Result<Value> {
    let set = |items: Set| Value::new(Kind::Set(Arc::new(items)));
    let other = other(args)?;
    Ok(match args.name {
        "union" => set(items.union(&other).cloned().collect()),
        "intersection" => set(items.intersection(&other).cloned().collect()),
        "difference" => set(items.difference(&other).cloned().collect()),
        "symmetric_difference" => set(items.symmetric_difference(&other).cloned().collect()),
        "issubset" => Value::from(items.is_subset(&other)),
        "issuperset" => Value::from(items.is_superset(&other)),
        "isdisjoint" => Value::from(items.is_disjoint(&other)),
        "copy" => Value::new(Kind::Set(items.clone())),
        _ => return Err(args.unknown()),
    })
}

pub(super) fn change(items: &mut Set, args: &Args<'_>) -> Result<Value> {
    match args.name {
        "add" => {
            items.insert(args.require(0, "element")?.clone());
        }
        "discard" => {
            items.shift_remove(args.require(0, "element")?);
        }
        "remove" => {
            let wanted = args.require(0, "element")?;
            if !items.shift_remove(wanted) {
                return Err(args.wrong(format!("{} is not in the set", wanted.repr())));
            }
        }
        "clear" => items.clear(),
        _ => return Err(args.unknown()),
    }
    Ok(Value::NULL)
}
