//! Comparisons: of nodes, one that fits is enough.

use super::value::number;
use super::{Item, Operator, Value};
use crate::tree::Document;

fn ordered(operator: Operator, left: f64, right: f64) -> bool {
    match operator {
        Operator::Less => left < right,
        Operator::LessOrEqual => left <= right,
        Operator::Greater => left > right,
        Operator::GreaterOrEqual => left >= right,
        Operator::Unequal => left != right,
        _ => left == right,
    }
}

/// Whether a comparison holds.
pub(super) fn holds(operator: Operator, left: &Value, right: &Value, document: &Document) -> bool {
    let is_equality = matches!(operator, Operator::Equal | Operator::Unequal);
    let same = |same: bool| same == (operator == Operator::Equal);
    match (left, right) {
        (Value::Nodes(lefts), Value::Nodes(rights)) => {
            let texts =
                |items: &[Item]| -> Vec<String> { items.iter().map(|item| item.text(document)).collect() };
            let rights = texts(rights);
            texts(lefts).iter().any(|left| {
                rights.iter().any(|right| match is_equality {
                    true => same(left == right),
                    false => ordered(operator, number(left), number(right)),
                })
            })
        }
        (Value::Truth(_), _) | (_, Value::Truth(_)) => match is_equality {
            true => same(left.truth() == right.truth()),
            false => ordered(operator, truth(left), truth(right)),
        },
        (Value::Nodes(items), other) => {
            items.iter().any(|item| holds(operator, &Value::Text(item.text(document)), other, document))
        }
        (other, Value::Nodes(items)) => {
            items.iter().any(|item| holds(operator, other, &Value::Text(item.text(document)), document))
        }
        (Value::Text(left), Value::Text(right)) if is_equality => same(left == right),
        _ => ordered(operator, left.number(document), right.number(document)),
    }
}

/// Beside a truth value, all others are one too.
fn truth(value: &Value) -> f64 {
    f64::from(u8::from(value.truth()))
}
