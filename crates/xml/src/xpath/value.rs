//! What an expression gives.

use crate::tree::{Document, Kind, NodeId};

/// What an expression gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nodes, in the document's order.
    Nodes(Vec<Item>),
    /// Text.
    Text(String),
    /// A number.
    Number(f64),
    /// Whether something holds.
    Truth(bool),
}

/// What can be found in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// A node.
    Node(NodeId),
    /// A namespace that is known at an element, by its number.
    Namespace(NodeId, usize),
    /// An attribute of an element, by its number.
    Attribute(NodeId, usize),
}

impl Item {
    /// The node that it is, or is part of.
    pub fn node(self) -> NodeId {
        match self {
            Item::Node(node) | Item::Namespace(node, _) | Item::Attribute(node, _) => node,
        }
    }

    /// Its text: of an element, all text in it.
    pub fn text(self, document: &Document) -> String {
        match self {
            Item::Attribute(node, at) => document
                .element(node)
                .and_then(|element| element.attributes.get(at))
                .map(|attribute| attribute.value.clone())
                .unwrap_or_default(),
            Item::Namespace(node, at) => {
                document.known(node).get(at).map(|(_, uri)| uri.to_string()).unwrap_or_default()
            }
            Item::Node(node) => {
                let mut out = String::new();
                match document.kind(node) {
                    Kind::Comment(text) | Kind::Instruction(_, text) => out.push_str(text),
                    _ => gather(document, node, &mut out),
                }
                out
            }
        }
    }
}

fn gather(document: &Document, node: NodeId, out: &mut String) {
    match document.kind(node) {
        Kind::Text(text) | Kind::Cdata(text) => out.push_str(text),
        Kind::Document | Kind::Element(_) => {
            for child in document.children(node) {
                gather(document, *child, out);
            }
        }
        _ => {}
    }
}

/// A number as XPath prints it.
fn shown(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if number == 0.0 {
        "0".to_owned()
    } else {
        // Fifteen digits count.
        let digits = format!("{number:.14e}").parse().unwrap_or(number);
        format!("{digits}")
    }
}

/// The number that text is, as libxml2 has it: no plus before it.
pub(super) fn number(text: &str) -> f64 {
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.chars().all(|c| c.is_ascii_digit() || ".eE+-".contains(c));
    if plain && digits.chars().any(|c| c.is_ascii_digit()) {
        text.parse().unwrap_or(f64::NAN)
    } else {
        f64::NAN
    }
}

impl Value {
    /// As text.
    pub fn text(&self, document: &Document) -> String {
        match self {
            Value::Nodes(items) => items.first().map(|item| item.text(document)).unwrap_or_default(),
            Value::Text(text) => text.clone(),
            Value::Number(number) => shown(*number),
            Value::Truth(truth) => truth.to_string(),
        }
    }

    /// As a number.
    pub fn number(&self, document: &Document) -> f64 {
        match self {
            Value::Number(number) => *number,
            Value::Truth(truth) => f64::from(u8::from(*truth)),
            _ => number(&self.text(document)),
        }
    }

    /// Whether it is something.
    pub fn truth(&self) -> bool {
        match self {
            Value::Nodes(items) => !items.is_empty(),
            Value::Text(text) => !text.is_empty(),
            Value::Number(number) => *number != 0.0 && !number.is_nan(),
            Value::Truth(truth) => *truth,
        }
    }
}
