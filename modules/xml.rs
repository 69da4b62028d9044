//! Change parts of an XML file, or of XML in a string, and read from them.
//!
//! What a path finds is set or removed; elements and attributes that it names and that are missing are made.
//!
//! ```yaml
//! - community.general.xml: { path: /srv/bar.xml, xpath: /business/rating/@subjective, state: absent }
//! - community.general.xml: { path: /srv/bar.xml, xpath: /business/rating, value: '11' }
//! - community.general.xml: { path: /srv/bar.xml, xpath: /business/beers/beer, count: true }
//! - community.general.xml: { path: /srv/bar.xml, xpath: /business/beers, add_children: [ { beer: Old Rasputin }, { beer: Old Motor Oil } ] }
//! - community.general.xml: { path: /srv/bar.xml, xpath: '/x:foo/x:bar/y:baz', namespaces: { x: 'http://x.test', y: 'http://y.test', z: 'http://z.test' }, attribute: 'z:mine', value: 'false' }
//! ```
use std::path::PathBuf;

use shevek_kit::json;
use shevek_kit::prelude::*;
use shevek_kit::printed::{python_repr, python_str, python_type};
use shevek_xml::{Charset, Document, Item, Layout, NodeId, Reading, Value, WrongKind, XPath};

mod children;
mod target;

/// Arguments of `xml`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(
    with("add_children", needs("xpath")),
    with("attribute", needs("value")),
    with("content", needs("xpath"))
)]
#[rule(with("set_children", needs("xpath")), with("value", needs("xpath")))]
#[rule(when(count = true, needs("xpath")), when(print_match = true, needs("xpath")))]
#[rule(when(insertbefore = true, needs("xpath")), when(insertafter = true, needs("xpath")))]
#[rule(one_of("path", "xmlstring"), exclusive("path", "xmlstring"), exclusive("insertbefore", "insertafter"))]
#[rule(exclusive("add_children", "content", "count", "print_match", "set_children", "value"))]
pub struct Xml {
    /// The file; it must be there.
    #[arg(aliases("dest", "file"))]
    path: Option<PathBuf>,
    /// The text, instead of a file.
    xmlstring: Option<String>,
    /// What is meant, as an XPath.
    xpath: Option<String>,
    /// Prefixes in the path, and the namespaces that they stand for.
    namespaces: Dict,
    /// Whether it is there.
    #[arg(default = "present", alias = "ensure")]
    state: Presence,
    /// The attribute that gets the value.
    attribute: Option<Val>,
    /// The text of an element or the value of an attribute.
    value: Option<Val>,
    /// Elements to add: names, or mappings of a name to a text or to attributes, `+value` for the text and `_` for the elements in it.
    add_children: Option<Vec<Val>>,
    /// Elements to have instead of those that are there, given likewise.
    set_children: Option<Vec<Val>>,
    /// Return how much the path finds.
    #[arg(default = false)]
    count: bool,
    /// Return where what the path finds is.
    #[arg(default = false)]
    print_match: bool,
    /// Indent what is written.
    #[arg(default = false)]
    pretty_print: bool,
    /// Return attributes or text of what the path finds.
    content: Option<Wanted>,
    /// How children are given.
    #[arg(default = "yaml")]
    input_type: Given,
    /// Keep a copy of the file.
    #[arg(default = false)]
    backup: bool,
    /// Make plain text of CDATA sections.
    #[arg(default = false)]
    strip_cdata_tags: bool,
    /// Add children before the first that the path finds.
    #[arg(default = false)]
    insertbefore: bool,
    /// Add children after the last that the path finds.
    #[arg(default = false)]
    insertafter: bool,
}

/// What is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Wanted {
    /// Attributes.
    Attribute,
    /// Text.
    Text,
}

/// How children are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Given {
    /// As XML.
    Xml,
    /// As names and mappings.
    Yaml,
}

/// A document that is being changed.
struct Work<'a> {
    args: &'a Xml,
    document: Document,
    prefixes: Vec<(String, String)>,
}

impl Procedure for Xml {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let bytes = self.source(host)?;
        if let Some(xpath) = &self.xpath
            && let Err(wrong) = XPath::read(xpath)
        {
            fail!("Syntax error in xpath expression: {xpath} ({wrong})");
        }
        let reading = Reading { drop_blanks: self.pretty_print, merge_cdata: self.strip_cdata_tags };
        let document = Document::read(&bytes, reading)
            .map_err(|e| Fault::new(format!("Error while parsing document: {} ({e})", self.name())))?;
        let before = document.clone();
        let text = |(name, uri): &(String, Val)| (name.clone(), python_str(uri));
        let mut work = Work { args: self, document, prefixes: self.namespaces.iter().map(text).collect() };
        let done = work.carry_out()?;
        let Some(found) = done else { return self.pretty(host, &work.document, &bytes) };
        self.finish(host, &before, &work.document, found)
    }
}

/// What was found on the way.
#[derive(Default)]
struct Found {
    message: Option<Val>,
    count: usize,
    matches: Vec<Val>,
}

impl Xml {
    fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| "xml_string".to_owned(), |path| path.display().to_string())
    }

    fn source(&self, host: &Probe) -> Result<Vec<u8>> {
        if let Some(text) = self.xmlstring.as_ref().filter(|text| !text.is_empty()) {
            return Ok(text.clone().into_bytes());
        }
        let path = self.path.clone().unwrap_or_default();
        if !host.stat(&path)?.is_some_and(|stat| stat.is_file()) {
            let message = format!("The target XML source '{}' does not exist.", path.display());
            return Err(Fault::absent(message));
        }
        host.read(path)
    }

    fn layout(&self) -> Layout {
        if self.pretty_print { Layout::Pretty } else { Layout::AsIs }
    }

    /// Writes the file, if there is one, and gives its copy.
    fn write(&self, host: &mut Host, document: &Document) -> Result<Option<PathBuf>> {
        let Some(path) = &self.path else { return Ok(None) };
        let backup = if self.backup { Some(host.backup(path)?) } else { None };
        host.write(followed(host, path, Links::Follow), document.declared(self.layout()))?;
        Ok(backup)
    }

    fn finish(&self, host: &mut Host, before: &Document, after: &Document, found: Found) -> Result<Outcome> {
        // Blanks between elements, comments around the root and CDATA sections make no difference.
        let changed = plain(before)? != plain(after)?;
        let actions = [
            ("xpath".to_owned(), self.xpath.clone().map_or(Val::Null, Val::Str)),
            ("namespaces".to_owned(), Val::Map(self.namespaces.clone())),
            ("state".to_owned(), self.state.word().into()),
        ];
        let mut outcome = Outcome::ok().changed_if(changed).with("actions", actions.to_vec());
        if self.count || found.count > 0 {
            outcome.set("count", found.count);
        }
        if self.print_match || !found.matches.is_empty() {
            outcome.set("matches", Val::List(found.matches));
        }
        if let Some(message) = found.message {
            outcome.set("msg", message);
        }
        if changed {
            let pretty = |document: &Document| Val::from(document.declared(Layout::Pretty));
            host.diff(Diff { before: pretty(before), after: pretty(after), ..Diff::default() });
            if let Some(backup) = self.write(host, after)? {
                outcome.set("backup_file", backup.as_path());
            }
        }
        if self.xmlstring.as_ref().is_some_and(|text| !text.is_empty()) {
            outcome.set("xmlstring", after.declared(self.layout()));
        }
        Ok(outcome)
    }

    /// Only writes it anew.
    fn pretty(&self, host: &mut Host, document: &Document, before: &[u8]) -> Result<Outcome> {
        if !self.pretty_print {
            fail!("Don't know what to do");
        }
        let after = document.declared(self.layout());
        let changed = after.as_bytes() != before;
        let mut outcome = Outcome::ok().changed_if(changed);
        if self.path.is_none() {
            outcome.set("xmlstring", after.clone());
        }
        if changed {
            host.diff(text_diff(&self.name(), Some(before), Some(after.as_bytes())));
            if let Some(backup) = self.write(host, document)? {
                outcome.set("backup_file", backup.as_path());
            }
        }
        Ok(outcome)
    }
}

/// The root without blanks between elements, and with text instead of CDATA sections.
fn plain(document: &Document) -> Result<String> {
    let again = Document::read(document.part(document.root()).trim_end().as_bytes(), PLAIN)
        .map_err(|e| Fault::new(format!("The document would not be well-formed: {e}")))?;
    Ok(again.part(again.root()))
}

const PLAIN: Reading = Reading { drop_blanks: true, merge_cdata: true };

impl Work<'_> {
    /// Does what the task wants; `None` if it names nothing.
    fn carry_out(&mut self) -> Result<Option<Found>> {
        let args = self.args;
        let Some(xpath) = args.xpath.as_deref() else {
            if args.state == Presence::Absent {
                fail!("Couldn't delete xpath target: None (there is no xpath)");
            }
            return Ok(None);
        };
        if args.print_match {
            return self.where_it_is(xpath).map(Some);
        }
        if args.count {
            return self.how_much(xpath).map(Some);
        }
        if let Some(wanted) = args.content {
            return self.what_it_holds(xpath, wanted).map(Some);
        }
        if args.state == Presence::Absent {
            self.delete(xpath)?;
        } else if let Some(children) = &args.set_children {
            self.set_children(xpath, children)?;
        } else if let Some(children) = args.add_children.as_ref().filter(|children| !children.is_empty()) {
            self.add_children(xpath, children)?;
        } else if let Some(value) = &args.value {
            self.set_value(xpath, value)?;
        } else if !self.holds(xpath)? {
            self.make(self.document.root(), xpath)?;
        }
        Ok(Some(Found::default()))
    }

    fn evaluate(&self, from: NodeId, xpath: &str) -> Result<Value> {
        XPath::read(xpath).and_then(|path| path.evaluate(&self.document, from, &self.prefixes)).map_err(
            |wrong| {
                Fault::new(match wrong.kind {
                    WrongKind::Syntax => format!("Syntax error in xpath expression: {xpath} ({wrong})"),
                    WrongKind::Evaluation => {
                        format!("Evaluation error in xpath expression: {xpath} ({wrong})")
                    }
                })
            },
        )
    }

    /// What a path finds, without the document itself.
    fn find(&self, from: NodeId, xpath: &str) -> Result<Vec<Item>> {
        match self.evaluate(from, xpath)? {
            Value::Nodes(mut items) => {
                items.retain(|item| *item != Item::Node(NodeId::DOCUMENT));
                Ok(items)
            }
            _ => fail!("Xpath {xpath} gives no nodes"),
        }
    }

    /// The elements that a path finds, or what else stands beside them.
    fn nodes(&self, from: NodeId, xpath: &str) -> Result<Vec<NodeId>> {
        let items = self.find(from, xpath)?;
        Ok(items.into_iter().filter_map(|item| self.is_node(item)).collect())
    }

    /// An element, a comment or an instruction; text is none.
    fn is_node(&self, item: Item) -> Option<NodeId> {
        use shevek_xml::Kind;
        match item {
            Item::Node(node)
                if matches!(
                    self.document.kind(node),
                    Kind::Element(_) | Kind::Comment(_) | Kind::Instruction(..)
                ) =>
            {
                Some(node)
            }
            _ => None,
        }
    }

    /// Whether the first that a path finds is a node.
    fn finds_node(&self, from: NodeId, xpath: &str) -> Result<bool> {
        match self.evaluate(from, xpath)? {
            Value::Nodes(_) => {
                let items = self.find(from, xpath)?;
                Ok(items.first().is_some_and(|item| self.is_node(*item).is_some()))
            }
            _ => Ok(false),
        }
    }

    /// Whether a path finds a node, or is a comparison that holds.
    // Differs from Ansible: a task with a comparison that holds breaks off there.
    fn holds(&self, xpath: &str) -> Result<bool> {
        match self.evaluate(self.document.root(), xpath)? {
            Value::Truth(truth) => Ok(truth),
            _ => self.finds_node(self.document.root(), xpath),
        }
    }

    /// The document as Ansible shows it in messages.
    fn shown(&self) -> String {
        let text = self.document.whole(Layout::Pretty, Charset::Ascii);
        format!("b{}", python_repr(&Val::Str(text)))
    }

    fn where_it_is(&self, xpath: &str) -> Result<Found> {
        // Differs from Ansible: attributes and text have a place, too; there a task that asks for it breaks off.
        let place = |item: &Item| match item {
            Item::Attribute(node, at) => {
                let attribute = self.document.element(*node).and_then(|element| element.attributes.get(*at));
                let name = attribute.map(|attribute| match &attribute.prefix {
                    Some(prefix) => format!("{prefix}:{}", attribute.name),
                    None => attribute.name.to_string(),
                });
                format!("{}/@{}", self.document.path(*node), name.unwrap_or_default())
            }
            Item::Node(node) | Item::Namespace(node, _) => self.document.path(*node),
        };
        let items = self.find(self.document.root(), xpath)?;
        let places = json::write(&Val::List(items.iter().map(|item| place(item).into()).collect()));
        let message = format!("selector '{xpath}' match: {places}");
        Ok(Found { message: Some(message.into()), ..Found::default() })
    }

    fn how_much(&self, xpath: &str) -> Result<Found> {
        // Ansible puts a slash before the path, so that it is looked for everywhere.
        let everywhere = format!("count(/{xpath})");
        let asked = if XPath::read(&everywhere).is_ok() { everywhere } else { format!("count({xpath})") };
        let number = self.evaluate(self.document.root(), &asked)?.number(&self.document);
        let count = number as usize;
        Ok(Found { message: Some(format!("found {count} nodes").into()), count, ..Found::default() })
    }

    fn what_it_holds(&self, xpath: &str, wanted: Wanted) -> Result<Found> {
        let root = self.document.root();
        if !self.finds_node(root, xpath)? {
            fail!("Xpath {xpath} does not reference a node!");
        }
        let mut matches = Vec::new();
        for node in self.nodes(root, xpath)? {
            let Some(element) = self.document.element(node) else { continue };
            let held = match wanted {
                Wanted::Text => self.document.text(node).map_or(Val::Null, Val::Str),
                Wanted::Attribute => {
                    let attributes = element.attributes.iter();
                    Val::Map(attributes.map(|one| (one.full_name(), Val::from(&one.value))).collect())
                }
            };
            matches.push(Val::Map(vec![(element.full_name(), held)]));
        }
        Ok(Found { message: Some(matches.len().into()), count: matches.len(), matches })
    }
}

/// A value as text; lists and mappings are none.
// Differs from Ansible: there a number or a truth value is a failure, though its own examples have them.
fn words(value: &Val) -> Result<Option<String>> {
    match value {
        Val::Null => Ok(None),
        Val::List(_) | Val::Map(_) | Val::Bytes(_) | Val::Blob(_) => {
            fail!("Argument must be bytes or unicode, got '{}'", python_type(value))
        }
        other => Ok(Some(python_str(other))),
    }
}

#[cfg(test)]
mod tests;
