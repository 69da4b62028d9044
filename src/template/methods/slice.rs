//! `value[start:stop:step]`

use shevek_diag::{Diagnostic, Result};
use shevek_value::{Kind, Value};

/// Cuts a list, tuple, text or bytes.
pub(crate) fn slice(value: &Value, bounds: &[Value; 3]) -> Result<Value> {
    match value.kind() {
        Kind::List(items) => Ok(Value::list(pick(items, bounds)?)),
        Kind::Tuple(items) => Ok(Value::tuple(pick(items, bounds)?)),
        Kind::Str(text) => {
            if let Some(cut) = ascii(text, bounds) {
                return Ok(Value::from(cut));
            }
            let chars: Vec<char> = text.chars().collect();
            Ok(Value::from(pick(&chars, bounds)?.into_iter().collect::<String>()))
        }
        Kind::Bytes(bytes) => Ok(Value::bytes(pick(bytes, bounds)?)),
        Kind::Object(object) => match object.items() {
            Some(items) if object.keys().is_none() => Ok(Value::list(pick(&items, bounds)?)),
            _ => Err(unsliceable(value)),
        },
        _ => Err(unsliceable(value)),
    }
}

fn unsliceable(value: &Value) -> Box<Diagnostic> {
    Diagnostic::new("can't be sliced").detail(format!("'{}' object is not subscriptable", value.type_name()))
}

/// The common case without a list of characters.
fn ascii<'t>(text: &'t str, bounds: &[Value; 3]) -> Option<&'t str> {
    let [start, stop, step] = bounds;
    if !text.is_ascii() || !step.is_null() {
        return None;
    }
    let length = i64::try_from(text.len()).ok()?;
    let clamp = |bound: &Value, default: i64| {
        let at = if bound.is_null() { Some(default) } else { bound.as_int() }?;
        usize::try_from(if at < 0 { (at + length).max(0) } else { at.min(length) }).ok()
    };
    let (start, stop) = (clamp(start, 0)?, clamp(stop, length)?);
    text.get(start..stop.max(start))
}

fn pick<T: Clone>(items: &[T], [start, stop, step]: &[Value; 3]) -> Result<Vec<T>> {
    let number = |value: &Value| {
        if value.is_null() {
            return Ok(None);
        }
        value.as_int().map(Some).ok_or_else(|| {
            Diagnostic::new("can't be sliced").detail("slice indices must be integers or None".to_owned())
        })
    };
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let step = number(step)?.unwrap_or(1);
    if step == 0 {
        return Err(Diagnostic::new("can't be sliced").detail("slice step cannot be zero"));
    }
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let bound = |given: Option<i64>, default: i64| match given {
        None => default,
        Some(at) if at < 0 => (at.saturating_add(length)).clamp(low, high),
        Some(at) => at.clamp(low, high),
    };
    let start = bound(number(start)?, if step > 0 { 0 } else { length - 1 });
    let stop = bound(number(stop)?, if step > 0 { length } else { -1 });
    let mut picked = Vec::new();
    let mut at = start;
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        picked.extend(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned());
        at = at.saturating_add(step);
    }
    Ok(picked)
}
