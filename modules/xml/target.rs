//! Sets, makes and removes what a path names.

use shevek_kit::prelude::*;
use shevek_kit::printed::python_str;
use shevek_pyre::{Flags, Regex};
use shevek_xml::{Item, Kind, NodeId};

use super::{Work, words};

/// A name, or one with a prefix.
const NAME: &str = r"(?:[a-zA-Z-][a-zA-Z0-9_\-\.]*|[a-zA-Z-][a-zA-Z0-9_\-\.]*:[a-zA-Z-][a-zA-Z0-9_\-\.]*)";
const QUOTED: &str = r#"('(?:.*)'|"(?:.*)")"#;

/// The last part of a path, which can be made if it is missing.
enum Last {
    /// An element, and its text.
    Element(String, Option<String>),
    /// An attribute, and its value.
    Attribute(String, Option<String>),
    /// An element for which these hold.
    Such(String, Vec<String>),
    /// The text of what the rest names.
    Text(String),
}

/// Makes a last part of a name and a value.
type Make = fn(&str, String) -> Last;

/// A path without its last part, and that.
fn split(xpath: &str) -> Result<Option<(String, Last)>> {
    let xpath = xpath.trim();
    let matched = |pattern: String| -> Result<Option<Vec<String>>> {
        let regex = Regex::new(&pattern, Flags::default()).map_err(|e| Fault::new(e.to_string()))?;
        let found = regex.match_start(xpath).map_err(|e| Fault::new(e.to_string()))?;
        Ok(found.map(|groups| (1..4).map(|at| groups.get(at).unwrap_or_default().to_owned()).collect()))
    };
    let inside = |quoted: &str| {
        let mut letters = quoted.chars();
        letters.next();
        letters.next_back();
        letters.as_str().to_owned()
    };
    let parts: [(String, Make); 6] = [
        (format!("^(.*)/({NAME})()$"), |name, _| Last::Element(name.to_owned(), None)),
        (format!(r"^(.*)/({NAME})/text\(\)={QUOTED}$"), |name, text| {
            Last::Element(name.to_owned(), Some(text))
        }),
        (format!("^(.*)/@({NAME})()$"), |name, _| Last::Attribute(name.to_owned(), None)),
        (format!("^(.*)/@({NAME})={QUOTED}$"), |name, text| Last::Attribute(name.to_owned(), Some(text))),
        (format!(r"^(.*)/({NAME})\[(.*)\]$"), |name, text| {
            Last::Such(name.to_owned(), text.split(" and ").map(|part| part.trim().to_owned()).collect())
        }),
        (format!(r"^(.*)/()text\(\)={QUOTED}$"), |_, text| Last::Text(text)),
    ];
    for (pattern, last) in parts {
        let is_such = pattern.contains(r"\[(.*)");
        if let Some(groups) = matched(pattern)?
            && let [rest, name, value] = groups.as_slice()
        {
            let value = if is_such { value.clone() } else { inside(value) };
            return Ok(Some((rest.clone(), last(name, value))));
        }
    }
    Ok(None)
}

impl Work<'_> {
    /// A name with its namespace in braces.
    fn full_name(&self, name: &str) -> Result<String> {
        let Some((prefix, local)) = name.split_once(':') else { return Ok(name.to_owned()) };
        match self.prefixes.iter().find(|(known, _)| known == prefix) {
            Some((_, uri)) => Ok(format!("{{{uri}}}{local}")),
            None => fail!("the namespace prefix '{prefix}' is not among the namespaces"),
        }
    }

    fn new_element(&mut self, name: &str) -> Result<NodeId> {
        let name = self.full_name(name)?;
        self.document.new_element(&name).ok_or_else(|| Fault::new(format!("Invalid tag name '{name}'")))
    }

    fn put_attribute(&mut self, node: NodeId, name: &str, value: &str) -> Result<()> {
        match self.document.set_attribute(node, name, value) {
            true => Ok(()),
            false => fail!("Invalid attribute name '{name}'"),
        }
    }

    /// Makes what a path names, and what that stands in.
    pub(super) fn make(&mut self, from: NodeId, xpath: &str) -> Result<()> {
        let Some((rest, last)) = split(xpath)?.filter(|(rest, _)| rest != xpath) else {
            fail!("Can't process Xpath {xpath} in order to spawn nodes! tree is {}", self.shown());
        };
        // Where nothing is before it, it is the document that cannot get another root.
        if rest.is_empty() {
            fail!("Can't process Xpath {xpath} in order to spawn nodes! tree is {}", self.shown());
        }
        if !self.finds_node(from, &rest)? {
            self.make(from, &rest)?;
        }
        let nodes = self.nodes(from, &rest)?;
        match last {
            Last::Element(name, text) => {
                let new = self.new_element(&name)?;
                if let Some(text) = text.filter(|text| !text.is_empty()) {
                    self.document.set_text(new, Some(&text));
                }
                for node in nodes {
                    self.document.append(node, new);
                }
            }
            Last::Such(name, conditions) => {
                let new = self.new_element(&name)?;
                for node in nodes {
                    self.document.append(node, new);
                    for condition in &conditions {
                        self.make(new, &format!("./{condition}"))?;
                    }
                }
            }
            Last::Text(text) => {
                for node in nodes {
                    self.document.set_text(node, Some(&text));
                }
            }
            Last::Attribute(name, value) => {
                let name = self.full_name(&name)?;
                for node in nodes {
                    self.put_attribute(node, &name, value.as_deref().unwrap_or_default())?;
                }
            }
        }
        Ok(())
    }

    /// Sets the text of elements, or an attribute of theirs.
    pub(super) fn set_value(&mut self, xpath: &str, value: &Val) -> Result<()> {
        let root = self.document.root();
        let made =
            self.finds_node(root, xpath).and_then(|is| if is { Ok(()) } else { self.make(root, xpath) });
        if let Err(fault) = made {
            let has_namespaces =
                self.document.element(self.document.root()).is_some_and(|root| !root.declared.is_empty());
            let hint = match has_namespaces && !xpath.contains(':') {
                true => "XML document has namespace(s) defined, but no namespace prefix(es) used in xpath!\n",
                false => "",
            };
            fail!("{hint}Xpath {xpath} causes a failure: {}\n  -- tree is {}", fault.message, self.shown());
        }
        if !self.finds_node(root, xpath)? {
            fail!("Xpath {xpath} does not reference a node! tree is {}", self.shown());
        }
        let text = words(value)?;
        let attribute = self.args.attribute.as_ref().filter(|name| **name != Val::Null).map(python_str);
        let attribute = match attribute.filter(|name| !name.is_empty()) {
            Some(name) => Some(self.full_name(&name)?),
            None => None,
        };
        for node in self.nodes(root, xpath)? {
            match &attribute {
                None if self.document.text(node) == text => {}
                None => self.document.set_text(node, text.as_deref()),
                Some(name) => self.put_attribute(node, name, text.as_deref().unwrap_or_default())?,
            }
        }
        Ok(())
    }

    /// Removes what a path finds.
    pub(super) fn delete(&mut self, xpath: &str) -> Result<()> {
        let refused = |why: &str| Fault::new(format!("Couldn't delete xpath target: {xpath} ({why})"));
        let items = self.find(self.document.root(), xpath).map_err(|fault| refused(&fault.message))?;
        let mut attributes = Vec::new();
        for item in items {
            match item {
                Item::Attribute(node, at) => {
                    let known = self.document.element(node).and_then(|element| element.attributes.get(at));
                    attributes.extend(known.map(|attribute| (node, attribute.full_name())));
                }
                Item::Node(node) if node == self.document.root() => {
                    return Err(refused("the root cannot be removed"));
                }
                Item::Node(node) if !matches!(self.document.kind(node), Kind::Text(_) | Kind::Cdata(_)) => {
                    self.document.remove(node);
                }
                _ => return Err(refused("only elements and attributes can be removed")),
            }
        }
        for (node, name) in attributes {
            self.document.remove_attribute(node, &name);
        }
        Ok(())
    }
}
