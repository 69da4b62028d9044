//! Where a node is, as libxml2 writes it: `/a/b[2]`.

use crate::tree::{Document, Kind, NodeId};

impl Document {
    /// The path to a node.
    pub fn path(&self, node: NodeId) -> String {
        let mut parts = Vec::new();
        let mut at = node;
        while let Some(parent) = self.parent(at) {
            let alike: Vec<NodeId> =
                self.children(parent).iter().copied().filter(|other| self.alike(*other, at)).collect();
            let index = match alike.iter().position(|other| *other == at) {
                Some(place) if alike.len() > 1 => format!("[{}]", place + 1),
                _ => String::new(),
            };
            parts.push(format!("/{}{index}", self.step(at)));
            at = parent;
        }
        parts.reverse();
        if parts.is_empty() { "/".to_owned() } else { parts.concat() }
    }

    fn step(&self, node: NodeId) -> String {
        match self.kind(node) {
            Kind::Element(element) => match (&element.prefix, &element.uri) {
                (Some(prefix), _) => format!("{prefix}:{}", element.name),
                (None, Some(_)) => "*".to_owned(),
                (None, None) => element.name.to_string(),
            },
            Kind::Comment(_) => "comment()".to_owned(),
            Kind::Instruction(target, _) => format!("processing-instruction('{target}')"),
            Kind::Text(_) | Kind::Cdata(_) => "text()".to_owned(),
            Kind::Document | Kind::Doctype(_) => String::new(),
        }
    }

    /// Whether two nodes would have the same step; one that is `*` may be any element.
    fn alike(&self, other: NodeId, node: NodeId) -> bool {
        let step = self.step(node);
        match step.as_str() {
            "*" => self.element(other).is_some(),
            _ => self.step(other) == step,
        }
    }
}
