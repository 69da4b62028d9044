//! Follows expressions.

use std::collections::HashMap;

use super::{Expression, Item, Operator, Start, Step, Value, compare, functions, step};
use crate::error::Wrong;
use crate::tree::{Document, NodeId};

/// What an evaluation knows.
pub(super) struct Scene<'a> {
    pub(super) document: &'a Document,
    pub(super) prefixes: &'a [(String, String)],
    /// Where each node comes in the document.
    order: HashMap<NodeId, u32>,
}

/// Where an expression is seen from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) item: Item,
    pub(super) position: usize,
    pub(super) size: usize,
}

type Found<T> = Result<T, Wrong>;

pub(super) fn evaluate(
    expression: &Expression,
    document: &Document,
    from: NodeId,
    prefixes: &[(String, String)],
) -> Found<Value> {
    let mut order = HashMap::new();
    // A node that stands nowhere in the document has what stands in it around.
    let top = std::iter::successors(Some(from), |node| document.parent(*node)).last();
    let mut todo = vec![top.unwrap_or(from)];
    while let Some(node) = todo.pop() {
        let place = u32::try_from(order.len()).unwrap_or(u32::MAX);
        order.insert(node, place);
        todo.extend(document.children(node).iter().rev());
    }
    let scene = Scene { document, prefixes, order };
    scene.value(expression, Place { item: Item::Node(from), position: 0, size: 0 })
}

impl Scene<'_> {
    pub(super) fn value(&self, expression: &Expression, place: Place) -> Found<Value> {
        Ok(match expression {
            Expression::Number(number) => Value::Number(*number),
            Expression::Literal(text) => Value::Text(text.clone()),
            Expression::Variable => return Err(Wrong::evaluation("Undefined variable")),
            Expression::Negative(inner) => Value::Number(-self.value(inner, place)?.number(self.document)),
            Expression::Two(operator, left, right) => return self.two(*operator, (left, right), place),
            Expression::Call(name, arguments) => return functions::call(self, name, arguments, place),
            Expression::Path(start, steps) => {
                let first = match start {
                    Start::Here => place.item,
                    Start::Document => Item::Node(self.top(place.item.node())),
                };
                Value::Nodes(self.steps(vec![first], steps)?)
            }
            Expression::Filter(inner, predicates, steps) => {
                let mut items = self.nodes(inner, place)?;
                for predicate in predicates {
                    items = self.filtered(items, predicate)?;
                }
                Value::Nodes(self.steps(items, steps)?)
            }
        })
    }

    fn top(&self, node: NodeId) -> NodeId {
        std::iter::successors(Some(node), |node| self.document.parent(*node)).last().unwrap_or(node)
    }

    /// Nodes, or a failure if it gives something else.
    pub(super) fn nodes(&self, expression: &Expression, place: Place) -> Found<Vec<Item>> {
        match self.value(expression, place)? {
            Value::Nodes(items) => Ok(items),
            _ => Err(Wrong::evaluation("Invalid type")),
        }
    }

    fn two(&self, operator: Operator, of: (&Expression, &Expression), place: Place) -> Found<Value> {
        let (left, right) = of;
        let number = |expression| -> Found<f64> { Ok(self.value(expression, place)?.number(self.document)) };
        Ok(match operator {
            Operator::Or => {
                Value::Truth(self.value(left, place)?.truth() || self.value(right, place)?.truth())
            }
            Operator::And => {
                Value::Truth(self.value(left, place)?.truth() && self.value(right, place)?.truth())
            }
            Operator::Union => {
                let mut items = self.nodes(left, place)?;
                items.extend(self.nodes(right, place)?);
                Value::Nodes(self.in_order(items))
            }
            Operator::Plus => Value::Number(number(left)? + number(right)?),
            Operator::Minus => Value::Number(number(left)? - number(right)?),
            Operator::Times => Value::Number(number(left)? * number(right)?),
            Operator::Divided => Value::Number(number(left)? / number(right)?),
            Operator::Modulo => Value::Number(number(left)? % number(right)?),
            _ => {
                let (left, right) = (self.value(left, place)?, self.value(right, place)?);
                Value::Truth(compare::holds(operator, &left, &right, self.document))
            }
        })
    }

    /// Items in the document's order, each once.
    fn in_order(&self, mut items: Vec<Item>) -> Vec<Item> {
        let rank = |item: &Item| {
            let inside = match item {
                Item::Node(_) => (0, 0),
                Item::Namespace(_, at) => (1, *at),
                Item::Attribute(_, at) => (2, *at),
            };
            (self.order.get(&item.node()).copied().unwrap_or(u32::MAX), inside)
        };
        items.sort_by_key(rank);
        items.dedup();
        items
    }

    fn steps(&self, mut items: Vec<Item>, steps: &[Step]) -> Found<Vec<Item>> {
        for step in steps {
            let mut next = Vec::new();
            for item in &items {
                let mut found = step::along(self, *item, step)?;
                for predicate in &step.predicates {
                    found = self.filtered(found, predicate)?;
                }
                next.append(&mut found);
            }
            items = if items.len() == 1 && !step.axis.is_reverse() { next } else { self.in_order(next) };
        }
        Ok(items)
    }

    fn filtered(&self, items: Vec<Item>, predicate: &Expression) -> Found<Vec<Item>> {
        let size = items.len();
        let mut out = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            let position = at + 1;
            let fits = match self.value(predicate, Place { item, position, size })? {
                Value::Number(number) => number == position as f64,
                other => other.truth(),
            };
            if fits {
                out.push(item);
            }
        }
        Ok(out)
    }

    /// The namespace of a prefix in the expression.
    pub(super) fn namespace(&self, prefix: &str) -> Found<&str> {
        if prefix == "xml" {
            return Ok(crate::tree::XML);
        }
        let known = self.prefixes.iter().find(|(known, _)| known == prefix);
        known.map(|(_, uri)| uri.as_str()).ok_or_else(|| Wrong::evaluation("Undefined namespace prefix"))
    }
}
