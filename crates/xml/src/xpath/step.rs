//! One step of a path: what is on an axis, and fits.

use super::eval::Scene;
use super::{Axis, Item, Step, Test};
use crate::error::Wrong;
use crate::tree::{Document, Kind, NodeId};

/// What is on the axis of a step from here, the nearest first.
pub(super) fn along(scene: &Scene<'_>, from: Item, step: &Step) -> Result<Vec<Item>, Wrong> {
    let uri = match &step.test {
        Test::Prefix(prefix) | Test::Name(Some(prefix), _) => Some(scene.namespace(prefix)?),
        _ => None,
    };
    let mut out = Vec::new();
    for item in axis(scene.document, from, step.axis) {
        if fits(scene.document, item, step, uri) {
            out.push(item);
        }
    }
    Ok(out)
}

fn is_shown(document: &Document, node: NodeId) -> bool {
    !matches!(document.kind(node), Kind::Doctype(_))
}

fn below(document: &Document, node: NodeId, out: &mut Vec<Item>) {
    let mut todo: Vec<NodeId> = document.children(node).iter().rev().copied().collect();
    while let Some(node) = todo.pop() {
        if is_shown(document, node) {
            out.push(Item::Node(node));
            todo.extend(document.children(node).iter().rev());
        }
    }
}

fn above(document: &Document, from: Item) -> impl Iterator<Item = NodeId> {
    let first = match from {
        Item::Node(node) => document.parent(node),
        Item::Attribute(node, _) | Item::Namespace(node, _) => Some(node),
    };
    std::iter::successors(first, |node| document.parent(*node))
}

/// What stands beside a node, behind it or before it, the nearest first.
fn beside(document: &Document, node: NodeId, behind: bool) -> Vec<NodeId> {
    let all = document.parent(node).map_or(&[][..], |parent| document.children(parent));
    let Some(at) = all.iter().position(|other| *other == node) else { return Vec::new() };
    let (before, after) = all.split_at(at);
    let found: Vec<NodeId> = match behind {
        true => after.iter().skip(1).copied().collect(),
        false => before.iter().rev().copied().collect(),
    };
    found.into_iter().filter(|node| is_shown(document, *node)).collect()
}

fn axis(document: &Document, from: Item, axis: Axis) -> Vec<Item> {
    let node = from.node();
    let is_node = matches!(from, Item::Node(_));
    let mut out = Vec::new();
    match axis {
        Axis::Own => out.push(from),
        Axis::Parent => out.extend(above(document, from).take(1).map(Item::Node)),
        Axis::Ancestor => out.extend(above(document, from).map(Item::Node)),
        Axis::AncestorOrOwn => {
            out.push(from);
            out.extend(above(document, from).map(Item::Node));
        }
        Axis::Child if is_node => {
            let shown = document.children(node).iter().copied().filter(|child| is_shown(document, *child));
            out.extend(shown.map(Item::Node));
        }
        Axis::Descendant if is_node => below(document, node, &mut out),
        Axis::DescendantOrOwn => {
            out.push(from);
            if is_node {
                below(document, node, &mut out);
            }
        }
        Axis::FollowingSibling | Axis::PrecedingSibling if is_node => {
            let behind = axis == Axis::FollowingSibling;
            out.extend(beside(document, node, behind).into_iter().map(Item::Node));
        }
        Axis::Following => {
            if !is_node {
                below(document, node, &mut out);
            }
            for step in std::iter::once(node).chain(above(document, Item::Node(node))) {
                for other in beside(document, step, true) {
                    out.push(Item::Node(other));
                    below(document, other, &mut out);
                }
            }
        }
        Axis::Preceding => {
            for step in std::iter::once(node).chain(above(document, Item::Node(node))) {
                for other in beside(document, step, false) {
                    let mut all = vec![Item::Node(other)];
                    below(document, other, &mut all);
                    out.extend(all.into_iter().rev());
                }
            }
        }
        Axis::Attribute if is_node => {
            let count = document.element(node).map_or(0, |element| element.attributes.len());
            out.extend((0..count).map(|at| Item::Attribute(node, at)));
        }
        Axis::Namespace if is_node && document.element(node).is_some() => {
            out.extend((0..document.known(node).len()).map(|at| Item::Namespace(node, at)));
        }
        _ => {}
    }
    out
}

/// The namespace and the name of what has one.
pub(super) fn name(document: &Document, item: Item) -> Option<(Option<String>, Option<String>, String)> {
    let text = |text: &Option<std::sync::Arc<str>>| text.as_ref().map(|text| text.to_string());
    match item {
        Item::Attribute(node, at) => {
            let attribute = document.element(node)?.attributes.get(at)?;
            Some((text(&attribute.uri), text(&attribute.prefix), attribute.name.to_string()))
        }
        Item::Namespace(node, at) => {
            let (prefix, _) = document.known(node).get(at)?.clone();
            Some((None, None, prefix.map(|prefix| prefix.to_string()).unwrap_or_default()))
        }
        Item::Node(node) => match document.kind(node) {
            Kind::Element(element) => {
                Some((text(&element.uri), text(&element.prefix), element.name.to_string()))
            }
            Kind::Instruction(target, _) => Some((None, None, target.clone())),
            _ => None,
        },
    }
}

fn fits(document: &Document, item: Item, step: &Step, uri: Option<&str>) -> bool {
    // Names are those of the axis's own kind of node.
    let is_main = match (step.axis, item) {
        (Axis::Attribute, Item::Attribute(..)) | (Axis::Namespace, Item::Namespace(..)) => true,
        (Axis::Attribute | Axis::Namespace, _) => false,
        (_, Item::Node(node)) => document.element(node).is_some(),
        _ => false,
    };
    let kind = |fits: fn(&Kind) -> bool| matches!(item, Item::Node(node) if fits(document.kind(node)));
    match &step.test {
        Test::Node => true,
        Test::Any => is_main,
        Test::Prefix(_) => is_main && name(document, item).is_some_and(|(of, _, _)| of.as_deref() == uri),
        Test::Name(_, wanted) => {
            is_main
                && name(document, item).is_some_and(|(of, _, name)| of.as_deref() == uri && name == *wanted)
        }
        Test::Text => kind(Kind::is_text),
        Test::Comment => kind(|kind| matches!(kind, Kind::Comment(_))),
        Test::Instruction(wanted) => match item {
            Item::Node(node) => matches!(document.kind(node), Kind::Instruction(target, _)
                if wanted.as_ref().is_none_or(|wanted| wanted == target)),
            _ => false,
        },
    }
}
