//! Adds elements to others, or puts them in the place of others.

use shevek_kit::prelude::*;
use shevek_kit::printed::python_type;
use shevek_xml::{Document, NodeId, Reading};

use super::{Given, Work, words};

impl Work<'_> {
    fn elements(&mut self, children: &[Val], given: Given) -> Result<Vec<NodeId>> {
        children.iter().map(|child| self.element(child, given)).collect()
    }

    fn named(&mut self, name: &str) -> Result<NodeId> {
        self.document.new_element(name).ok_or_else(|| Fault::new(format!("Invalid tag name '{name}'")))
    }

    fn element(&mut self, child: &Val, given: Given) -> Result<NodeId> {
        if given == Given::Xml {
            let text = words(child)?.unwrap_or_default();
            let read = Document::read(text.as_bytes(), Reading::default())
                .map_err(|e| Fault::new(format!("Error while parsing child element: {e}")))?;
            return Ok(self.document.adopt(&read, read.root()));
        }
        match child {
            Val::Str(name) => self.named(name),
            Val::Map(entries) => match entries.as_slice() {
                [(name, Val::Map(inside))] => self.with_attributes(name, inside),
                [(name, text)] => {
                    let node = self.named(name)?;
                    self.document.set_text(node, words(text)?.as_deref());
                    Ok(node)
                }
                _ => fail!("Can only create children from hashes with one key"),
            },
            _ => {
                fail!(
                    "Invalid child type: <class '{}'>. Children must be either strings or hashes.",
                    python_type(child)
                )
            }
        }
    }

    /// An element with attributes, elements in it (`_`) and a text (`+value`).
    fn with_attributes(&mut self, name: &str, inside: &[(String, Val)]) -> Result<NodeId> {
        let node = self.named(name)?;
        for (key, value) in inside.iter().filter(|(key, _)| key != "_" && key != "+value") {
            let value = words(value)?.unwrap_or_default();
            if !self.document.set_attribute(node, key, &value) {
                fail!("Invalid attribute name '{key}'");
            }
        }
        let given = |wanted: &str| inside.iter().find(|(key, _)| key == wanted).map(|(_, value)| value);
        match given("_") {
            None | Some(Val::Null) => {}
            Some(Val::List(children)) => {
                for child in self.elements(children, Given::Yaml)? {
                    self.document.append(node, child);
                }
            }
            Some(other) => {
                fail!("Invalid children type: <class '{}'>, must be list.", python_type(other))
            }
        }
        if let Some(text) = given("+value").map(words).transpose()?.flatten() {
            self.document.set_text(node, Some(&text));
        }
        Ok(node)
    }

    pub(super) fn set_children(&mut self, xpath: &str, children: &[Val]) -> Result<()> {
        let matches = self.nodes(self.document.root(), xpath)?;
        let new = self.elements(children, self.args.input_type)?;
        let texts: Vec<String> = new.iter().map(|node| self.document.part(*node)).collect();
        for node in matches {
            let old = self.document.inner(node);
            let is_same = old.len() == new.len()
                && old.iter().zip(&texts).all(|(old, text)| self.document.part(*old) == *text);
            if is_same {
                continue;
            }
            for old in old {
                self.document.remove(old);
            }
            // Each can be in one place only: of several that the path finds, the last gets them.
            for new in &new {
                self.document.append(node, *new);
            }
        }
        Ok(())
    }

    pub(super) fn add_children(&mut self, xpath: &str, children: &[Val]) -> Result<()> {
        let root = self.document.root();
        if !self.finds_node(root, xpath)? {
            return Ok(());
        }
        let new = self.elements(children, self.args.input_type)?;
        let matches = self.nodes(root, xpath)?;
        if !self.args.insertbefore && !self.args.insertafter {
            for node in matches {
                for new in &new {
                    self.document.append(node, *new);
                }
            }
            return Ok(());
        }
        let beside = if self.args.insertbefore { matches.first() } else { matches.last() };
        let above = |node: &NodeId| self.document.parent(*node).filter(|above| *above != NodeId::DOCUMENT);
        let (Some(beside), Some(parent)) = (beside, matches.first().and_then(above)) else {
            fail!("nothing can stand beside the root");
        };
        // Ansible counts where the last stands, and inserts where the first does.
        let place = above(beside)
            .and_then(|above| self.document.inner(above).iter().position(|node| node == beside))
            .unwrap_or(0);
        let first = place + usize::from(self.args.insertafter);
        for (at, new) in new.into_iter().enumerate() {
            self.document.insert(parent, first + at, new);
        }
        Ok(())
    }
}
