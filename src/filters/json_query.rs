//! `json_query` (community.general): JMESPath.
//!
//! The crate reads expressions; they are evaluated here, over our own values, so that mappings keep their order and
//! numbers their kind.

use jmespath::ast::{Ast, Comparator};
use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, string};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Kind, Map, Value};

use crate::query::functions::call;

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["json_query", "community.general.json_query"],
    markers: Markers::Propagate,
    run: json_query,
}];

fn json_query(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data, expression], []) = bind(arguments, ["data", "expr"], [])?;
    let text = string(expression, "expr")?;
    let tree = jmespath::parse(text).map_err(|error| {
        Diagnostic::new("not a JMESPath expression")
            .detail(format!("JMESPathError in json_query filter plugin: {error}"))
            .at_maybe(expression.origin(), "")
    })?;
    evaluate(&tree, data)
}

/// What an expression gives for a value.
pub(crate) fn evaluate(tree: &Ast, data: &Value) -> Result<Value> {
    Ok(match tree {
        Ast::Identity { .. } | Ast::Expref { .. } => data.clone(),
        Ast::Field { name, .. } => data.get(name).cloned().unwrap_or_default(),
        Ast::Index { idx, .. } => index(data, *idx),
        Ast::Literal { value, .. } => serde_json::from_str(&value.to_string()).unwrap_or_default(),
        Ast::Subexpr { lhs, rhs, .. } => evaluate(rhs, &evaluate(lhs, data)?)?,
        Ast::Or { lhs, rhs, .. } => {
            let left = evaluate(lhs, data)?;
            if is_true(&left) { left } else { evaluate(rhs, data)? }
        }
        Ast::And { lhs, rhs, .. } => {
            let left = evaluate(lhs, data)?;
            if is_true(&left) { evaluate(rhs, data)? } else { left }
        }
        Ast::Not { node, .. } => Value::from(!is_true(&evaluate(node, data)?)),
        Ast::Condition { predicate, then, .. } => {
            if is_true(&evaluate(predicate, data)?) {
                evaluate(then, data)?
            } else {
                Value::NULL
            }
        }
        Ast::Comparison { comparator, lhs, rhs, .. } => {
            compare(comparator, &evaluate(lhs, data)?, &evaluate(rhs, data)?)
        }
        Ast::ObjectValues { node, .. } => match evaluate(node, data)?.as_map() {
            Some(map) => Value::list(map.values().cloned().collect()),
            None => Value::NULL,
        },
        Ast::Projection { lhs, rhs, .. } => {
            let items = evaluate(lhs, data)?;
            let Some(items) = items.as_list() else { return Ok(Value::NULL) };
            let mut out = Vec::new();
            for item in items {
                let result = evaluate(rhs, item)?;
                if !result.is_null() {
                    out.push(result);
                }
            }
            Value::list(out)
        }
        Ast::Flatten { node, .. } => {
            let items = evaluate(node, data)?;
            let Some(items) = items.as_list() else { return Ok(Value::NULL) };
            let mut out = Vec::new();
            for item in items {
                match item.as_list() {
                    Some(inner) => out.extend_from_slice(inner),
                    None => out.push(item.clone()),
                }
            }
            Value::list(out)
        }
        Ast::MultiList { .. } | Ast::MultiHash { .. } if data.is_null() => Value::NULL,
        Ast::MultiList { elements, .. } => {
            Value::list(elements.iter().map(|element| evaluate(element, data)).collect::<Result<_>>()?)
        }
        Ast::MultiHash { elements, .. } => {
            let mut out = Map::default();
            for pair in elements {
                out.insert(Value::from(pair.key.as_str()), evaluate(&pair.value, data)?);
            }
            Value::map(out)
        }
        Ast::Slice { start, stop, step, .. } => slice(data, (*start, *stop, *step)),
        Ast::Function { name, args, .. } => call(name, args, data)?,
    })
}

/// JMESPath's truth: numbers are always true.
fn is_true(value: &Value) -> bool {
    match value.kind() {
        Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => true,
        _ => value.is_true(),
    }
}

fn is_number(value: &Value) -> bool {
    matches!(value.kind(), Kind::Int(_) | Kind::Big(_) | Kind::Float(_))
}

fn compare(comparator: &Comparator, a: &Value, b: &Value) -> Value {
    // A truth value is no number here.
    let equal = a == b && is_number(a) == is_number(b);
    let (Some(x), Some(y)) = (a.as_float(), b.as_float()) else {
        return match comparator {
            Comparator::Equal => Value::from(equal),
            Comparator::NotEqual => Value::from(!equal),
            _ => Value::NULL,
        };
    };
    let ordered = is_number(a) && is_number(b);
    match comparator {
        Comparator::Equal => Value::from(equal),
        Comparator::NotEqual => Value::from(!equal),
        _ if !ordered => Value::NULL,
        Comparator::LessThan => Value::from(x < y),
        Comparator::LessThanEqual => Value::from(x <= y),
        Comparator::GreaterThan => Value::from(x > y),
        Comparator::GreaterThanEqual => Value::from(x >= y),
    }
}

fn index(data: &Value, place: i32) -> Value {
    let Some(items) = data.as_list() else { return Value::NULL };
    let place = if place < 0 {
        items.len().checked_sub(place.unsigned_abs() as usize)
    } else {
        usize::try_from(place).ok()
    };
    place.and_then(|place| items.get(place)).cloned().unwrap_or_default()
}

/// Python's slice.
fn slice(data: &Value, (start, stop, step): (Option<i32>, Option<i32>, i32)) -> Value {
    let Some(items) = data.as_list() else { return Value::NULL };
    let length = items.len() as i64;
    let step = i64::from(step);
    let place = |given: Option<i32>, usual: i64| match given.map(i64::from) {
        None => usual,
        Some(place) if place < 0 => (place + length).max(if step < 0 { -1 } else { 0 }),
        Some(place) => place.min(if step < 0 { length - 1 } else { length }),
    };
    let (mut at, end) = if step < 0 {
        (place(start, length - 1), place(stop, -1))
    } else {
        (place(start, 0), place(stop, length))
    };
    let mut out = Vec::new();
    while step != 0 && ((step > 0 && at < end) || (step < 0 && at > end)) {
        out.extend(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned());
        at += step;
    }
    Value::list(out)
}
