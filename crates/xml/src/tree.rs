//! [`Document`]: a tree of nodes, with the verbs that lxml has to change one. As there, text that stands behind a node goes
//! with it.

use std::sync::Arc;

use crate::characters::is_name;

/// A node of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// What stands above all.
    pub const DOCUMENT: NodeId = NodeId(0);

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A document.
#[derive(Debug, Clone)]
pub struct Document {
    pub(crate) nodes: Vec<Node>,
    pub(crate) version: String,
    /// The number of the next prefix that is made up.
    made_up: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) parent: Option<NodeId>,
    pub(crate) children: Vec<NodeId>,
    pub(crate) kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// The whole.
    Document,
    /// An element.
    Element(Element),
    /// Text.
    Text(String),
    /// Text that is written as it is.
    Cdata(String),
    /// A comment.
    Comment(String),
    /// A processing instruction: its target, and the rest.
    Instruction(String, String),
    /// The document type, as it is written.
    Doctype(String),
}

/// An element.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// The prefix of its name.
    pub prefix: Option<Arc<str>>,
    /// The namespace of its name.
    pub uri: Option<Arc<str>>,
    /// Its name, without the prefix.
    pub name: Arc<str>,
    /// Namespaces that are declared here, with their prefixes.
    pub declared: Vec<(Option<Arc<str>>, Arc<str>)>,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

/// An attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// The prefix of its name.
    pub prefix: Option<Arc<str>>,
    /// The namespace of its name.
    pub uri: Option<Arc<str>>,
    /// Its name, without the prefix.
    pub name: Arc<str>,
    /// Its value.
    pub value: String,
}

/// The namespace of the prefix `xml`.
pub(crate) const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Prefixes that are not made up.
const USUAL: &[(&str, &str)] = &[
    ("http://www.w3.org/1999/xhtml", "html"),
    ("http://www.w3.org/1999/XSL/Transform", "xsl"),
    ("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdf"),
    ("http://schemas.xmlsoap.org/wsdl/", "wsdl"),
    ("http://www.w3.org/2001/XMLSchema", "xs"),
    ("http://www.w3.org/2001/XMLSchema-instance", "xsi"),
    ("http://purl.org/dc/elements/1.1/", "dc"),
    ("http://codespeak.net/lxml/objectify/pytype", "py"),
];

static NOTHING: Kind = Kind::Document;

/// A name with its namespace in braces, as two.
fn clark(name: &str) -> (Option<&str>, &str) {
    match name.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some(("", name)) => (None, name),
        Some((uri, name)) => (Some(uri), name),
        None => (None, name),
    }
}

fn in_braces(uri: Option<&Arc<str>>, name: &str) -> String {
    uri.map_or_else(|| name.to_owned(), |uri| format!("{{{uri}}}{name}"))
}

impl Element {
    /// Its name with its namespace in braces.
    pub fn full_name(&self) -> String {
        in_braces(self.uri.as_ref(), &self.name)
    }
}

impl Attribute {
    /// Its name with its namespace in braces.
    pub fn full_name(&self) -> String {
        in_braces(self.uri.as_ref(), &self.name)
    }

    fn is(&self, uri: Option<&str>, name: &str) -> bool {
        self.uri.as_deref() == uri && &*self.name == name
    }
}

impl Kind {
    /// Whether it is text.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Kind::Text(_) | Kind::Cdata(_))
    }
}

impl Document {
    /// One without anything.
    pub(crate) fn empty() -> Self {
        let whole = Node { parent: None, children: Vec::new(), kind: Kind::Document };
        Document { nodes: vec![whole], version: "1.0".to_owned(), made_up: 0 }
    }

    /// What a node is.
    pub fn kind(&self, node: NodeId) -> &Kind {
        self.nodes.get(node.index()).map_or(&NOTHING, |node| &node.kind)
    }

    /// The element that a node is.
    pub fn element(&self, node: NodeId) -> Option<&Element> {
        match self.kind(node) {
            Kind::Element(element) => Some(element),
            _ => None,
        }
    }

    pub(crate) fn element_mut(&mut self, node: NodeId) -> Option<&mut Element> {
        match self.nodes.get_mut(node.index()).map(|node| &mut node.kind) {
            Some(Kind::Element(element)) => Some(element),
            _ => None,
        }
    }

    /// What a node stands in.
    pub fn parent(&self, node: NodeId) -> Option<NodeId> {
        self.nodes.get(node.index())?.parent
    }

    /// What stands in a node.
    pub fn children(&self, node: NodeId) -> &[NodeId] {
        self.nodes.get(node.index()).map_or(&[], |node| node.children.as_slice())
    }

    /// The same without text.
    pub fn inner(&self, node: NodeId) -> Vec<NodeId> {
        self.children(node).iter().copied().filter(|child| !self.kind(*child).is_text()).collect()
    }

    /// The element that all others stand in.
    pub fn root(&self) -> NodeId {
        let elements = self.children(NodeId::DOCUMENT).iter().copied();
        elements.into_iter().find(|node| self.element(*node).is_some()).unwrap_or(NodeId::DOCUMENT)
    }

    pub(crate) fn add(&mut self, kind: Kind) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(Node { parent: None, children: Vec::new(), kind });
        id
    }

    /// Puts a node that stands nowhere at the end of another.
    pub(crate) fn push(&mut self, parent: NodeId, node: NodeId) {
        self.place(parent, usize::MAX, &[node]);
    }

    fn place(&mut self, parent: NodeId, at: usize, nodes: &[NodeId]) {
        for node in nodes {
            if let Some(node) = self.nodes.get_mut(node.index()) {
                node.parent = Some(parent);
            }
        }
        if let Some(parent) = self.nodes.get_mut(parent.index()) {
            let at = at.min(parent.children.len());
            parent.children.splice(at..at, nodes.iter().copied());
        }
    }

    /// Takes a node out of what it stands in, with the text behind it; gives all that.
    fn cut(&mut self, node: NodeId) -> Vec<NodeId> {
        let Some(parent) = self.parent(node) else { return vec![node] };
        let all = self.children(parent);
        let Some(at) = all.iter().position(|child| *child == node) else { return vec![node] };
        let behind = all.iter().skip(at + 1).take_while(|child| self.kind(**child).is_text()).count();
        let Some(parent) = self.nodes.get_mut(parent.index()) else { return vec![node] };
        let gone: Vec<NodeId> = parent.children.drain(at..=at + behind).collect();
        for node in &gone {
            if let Some(node) = self.nodes.get_mut(node.index()) {
                node.parent = None;
            }
        }
        gone
    }

    /// Takes a node out of the document, with the text behind it.
    pub fn remove(&mut self, node: NodeId) {
        self.cut(node);
    }

    /// Whether a node stands in another, or is it.
    fn is_within(&self, node: NodeId, other: NodeId) -> bool {
        std::iter::successors(Some(node), |node| self.parent(*node)).any(|above| above == other)
    }

    /// Moves a node to the end of another, with the text behind it. Nothing moves into itself.
    pub fn append(&mut self, parent: NodeId, node: NodeId) {
        if !self.is_within(parent, node) {
            let nodes = self.cut(node);
            self.place(parent, usize::MAX, &nodes);
            self.settle(node);
        }
    }

    /// Moves a node to this place among those of another that are no text.
    pub fn insert(&mut self, parent: NodeId, index: usize, node: NodeId) {
        if self.is_within(parent, node) {
            return;
        }
        let nodes = self.cut(node);
        let all = self.children(parent);
        let mut places = all.iter().enumerate().filter(|(_, child)| !self.kind(**child).is_text());
        let at = places.nth(index).map_or(usize::MAX, |(at, _)| at);
        self.place(parent, at, &nodes);
        self.settle(node);
    }

    /// The namespaces that are known at a node, the nearest first.
    pub(crate) fn scope(&self, node: NodeId) -> Vec<(Option<Arc<str>>, Arc<str>)> {
        let mut known: Vec<(Option<Arc<str>>, Arc<str>)> = Vec::new();
        for above in std::iter::successors(Some(node), |node| self.parent(*node)) {
            for (prefix, uri) in self.element(above).map_or(&[][..], |element| element.declared.as_slice()) {
                if !known.iter().any(|(other, _)| other == prefix) {
                    known.push((prefix.clone(), uri.clone()));
                }
            }
        }
        known
    }

    /// The same, with the one that is known everywhere.
    pub(crate) fn known(&self, node: NodeId) -> Vec<(Option<Arc<str>>, Arc<str>)> {
        let mut known = self.scope(node);
        known.push((Some("xml".into()), XML.into()));
        known
    }

    /// The namespace of a prefix at a node.
    pub(crate) fn namespace(&self, node: NodeId, prefix: Option<&str>) -> Option<Arc<str>> {
        if prefix == Some("xml") {
            return Some(XML.into());
        }
        std::iter::successors(Some(node), |node| self.parent(*node)).find_map(|above| {
            let declared = &self.element(above)?.declared;
            let found = declared.iter().find(|(known, _)| known.as_deref() == prefix)?;
            Some(found.1.clone())
        })
    }

    /// Takes namespaces from what a node stands in now, where that has them.
    fn settle(&mut self, top: NodeId) {
        let Some(above) = self.parent(top) else { return };
        let scope = self.scope(above);
        let mut known: Vec<(Arc<str>, Option<Arc<str>>)> = Vec::new();
        let mut todo = vec![top];
        while let Some(node) = todo.pop() {
            todo.extend(self.children(node).iter().rev());
            let Some(element) = self.element_mut(node) else { continue };
            element.declared.retain(|(_, uri)| match scope.iter().find(|(_, known)| known == uri) {
                Some((prefix, _)) => {
                    known.push((uri.clone(), prefix.clone()));
                    false
                }
                None => true,
            });
            let found = |uri: &Option<Arc<str>>, with_prefix: bool| {
                let uri = uri.as_ref()?;
                let fits = |(known, prefix): &&(Arc<str>, Option<Arc<str>>)| {
                    known == uri && (prefix.is_some() || !with_prefix)
                };
                known.iter().find(fits).map(|(_, prefix)| prefix.clone())
            };
            if let Some(prefix) = found(&element.uri, false) {
                element.prefix = prefix;
            }
            for attribute in &mut element.attributes {
                if let Some(prefix) = found(&attribute.uri, true) {
                    attribute.prefix = prefix;
                }
            }
        }
    }

    /// Makes an element that stands nowhere yet; the namespace of its name can be before it, in braces. `None` if that is no
    /// name.
    pub fn new_element(&mut self, full_name: &str) -> Option<NodeId> {
        let (uri, name) = clark(full_name);
        if !is_name(name) {
            return None;
        }
        let prefix: Option<Arc<str>> = uri.map(|uri| usual(uri).unwrap_or("ns0").into());
        let uri: Option<Arc<str>> = uri.map(Into::into);
        let declared = uri.iter().map(|uri| (prefix.clone(), uri.clone())).collect();
        let element = Element { prefix, uri, name: name.into(), declared, attributes: Vec::new() };
        Some(self.add(Kind::Element(element)))
    }

    /// Takes a copy of another document's element.
    pub fn adopt(&mut self, other: &Document, node: NodeId) -> NodeId {
        let copy = self.add(other.kind(node).clone());
        for child in other.children(node).to_vec() {
            let child = self.adopt(other, child);
            self.push(copy, child);
        }
        copy
    }

    /// The text before the first node in an element that is no text.
    pub fn text(&self, node: NodeId) -> Option<String> {
        let mut text: Option<String> = None;
        for child in self.children(node) {
            match self.kind(*child) {
                Kind::Text(part) | Kind::Cdata(part) => text.get_or_insert_default().push_str(part),
                _ => break,
            }
        }
        text
    }

    /// Replaces the text before the first node in an element that is no text.
    pub fn set_text(&mut self, node: NodeId, text: Option<&str>) {
        let count = self.children(node).iter().take_while(|child| self.kind(**child).is_text()).count();
        if let Some(node) = self.nodes.get_mut(node.index()) {
            node.children.drain(..count);
        }
        if let Some(text) = text {
            let text = self.add(Kind::Text(text.to_owned()));
            self.place(node, 0, &[text]);
        }
    }

    /// The value of an attribute; the namespace of its name can be before it, in braces.
    pub fn attribute(&self, node: NodeId, full_name: &str) -> Option<&str> {
        let (uri, name) = clark(full_name);
        let attribute = self.element(node)?.attributes.iter().find(|known| known.is(uri, name))?;
        Some(&attribute.value)
    }

    /// Sets an attribute. `false` if that is no name.
    pub fn set_attribute(&mut self, node: NodeId, full_name: &str, value: &str) -> bool {
        let (uri, name) = clark(full_name);
        if !is_name(name) {
            return false;
        }
        let Some(element) = self.element_mut(node) else { return false };
        if let Some(attribute) = element.attributes.iter_mut().find(|known| known.is(uri, name)) {
            attribute.value = value.to_owned();
            return true;
        }
        let prefix = uri.map(|uri| self.prefix_for(node, uri));
        let (uri, name, value) = (uri.map(Into::into), name.into(), value.to_owned());
        if let Some(element) = self.element_mut(node) {
            element.attributes.push(Attribute { prefix, uri, name, value });
        }
        true
    }

    /// Removes an attribute.
    pub fn remove_attribute(&mut self, node: NodeId, full_name: &str) {
        let (uri, name) = clark(full_name);
        if let Some(element) = self.element_mut(node) {
            element.attributes.retain(|known| !known.is(uri, name));
        }
    }

    /// A prefix that stands for a namespace at a node; it is declared there if there is none.
    fn prefix_for(&mut self, node: NodeId, uri: &str) -> Arc<str> {
        if uri == XML {
            return "xml".into();
        }
        let scope = self.scope(node);
        let known = scope.iter().find_map(|(prefix, known)| prefix.clone().filter(|_| **known == *uri));
        if let Some(prefix) = known {
            return prefix;
        }
        let taken = |prefix: &str| scope.iter().any(|(known, _)| known.as_deref() == Some(prefix));
        let mut prefix = usual(uri).map(str::to_owned);
        while prefix.as_deref().is_none_or(taken) {
            prefix = Some(format!("ns{}", self.made_up));
            self.made_up += 1;
        }
        let prefix: Arc<str> = prefix.unwrap_or_default().into();
        if let Some(element) = self.element_mut(node) {
            element.declared.push((Some(prefix.clone()), uri.into()));
        }
        prefix
    }
}

fn usual(uri: &str) -> Option<&'static str> {
    USUAL.iter().find(|(known, _)| *known == uri).map(|(_, prefix)| *prefix)
}
