//! Reads documents, with libxml2's words for what is wrong in them.

use std::collections::HashSet;
use std::sync::Arc;

use crate::characters::{allowed, in_name, is_blank, starts_name};
use crate::doctype;
use crate::error::Malformed;
use crate::tree::{Attribute, Document, Element, Kind, NodeId};

/// How a document is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// Leave out blanks between elements.
    pub drop_blanks: bool,
    /// Make text of CDATA sections.
    pub merge_cdata: bool,
}

/// Elements that stand in one another.
const DEEPEST: usize = 512;
/// Entities that stand in one another.
const DEEPEST_ENTITY: usize = 40;
/// How long all that entities stand for may always be, and how many times as long as the document.
const LONGEST: usize = 1_000_000;
const TIMES: usize = 5;

impl Document {
    /// Reads a document.
    pub fn read(bytes: &[u8], how: Reading) -> Result<Document, Malformed> {
        let start = |message: &str| Malformed { message: message.to_owned(), line: 1, column: 1 };
        let text = decoded(bytes).map_err(|message| start(&message))?;
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut reader = Reader {
            text: &text,
            at: 0,
            how,
            document: Document::empty(),
            entities: Vec::new(),
            within: Vec::new(),
            expanded: 0,
            longest: LONGEST.max(text.len().saturating_mul(TIMES)),
            depth: 0,
        };
        if text.is_empty() {
            return Err(start("Document is empty"));
        }
        reader.prolog()?;
        Ok(reader.document)
    }
}

/// The text of bytes: in the encoding that they begin with or declare.
fn decoded(bytes: &[u8]) -> Result<String, String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> =
            bytes.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(unit).collect();
        String::from_utf16(&units).map_err(|_| "Input is not proper UTF-16".to_owned())
    };
    match bytes {
        [0xfe, 0xff, rest @ ..] => return wide(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => return wide(rest, u16::from_le_bytes),
        _ => {}
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head: String = bytes.iter().take(200).map(|byte| char::from(*byte)).collect();
    let encoding = head
        .strip_prefix("<?xml")
        .and_then(|head| head.split("?>").next())
        .and_then(|head| pseudo(head, "encoding"))
        .unwrap_or_else(|| "utf-8".to_owned());
    match encoding.to_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" | "ascii" | "utf-16" => String::from_utf8(bytes.to_vec())
            .map_err(|_| "Input is not proper UTF-8, indicate encoding !".to_owned()),
        "iso-8859-1" | "latin1" | "latin-1" | "iso_8859-1" => {
            Ok(bytes.iter().map(|byte| char::from(*byte)).collect())
        }
        _ => Err(format!("Unsupported encoding: {encoding}")),
    }
}

/// The value of `name="…"` in an XML declaration.
fn pseudo(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(name)?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(rest.get(1..)?.split(quote).next()?.to_owned())
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    how: Reading,
    document: Document,
    entities: Vec<(String, String)>,
    /// Entities that are being read.
    within: Vec<String>,
    /// How long all was that entities stood for.
    expanded: usize,
    /// How long it may be.
    longest: usize,
    /// How many elements are open around this text, if it is an entity's.
    depth: usize,
}

/// An element that is open.
struct Open {
    node: NodeId,
    name: String,
    /// Where it begins.
    start: usize,
    /// Whether text was kept in it: then all blanks are.
    is_mixed: bool,
    /// Whether `xml:space` keeps its blanks.
    is_kept: bool,
}

type Done<T> = Result<T, Malformed>;

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The line of a place; counted only for messages, as that means reading all that stands before it.
    fn line(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or_default().matches('\n').count() + 1
    }

    fn wrong<T>(&self, message: impl Into<String>) -> Done<T> {
        let before = self.text.get(..self.at).unwrap_or_default();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Err(Malformed { message: message.into(), line: self.line(self.at), column })
    }

    fn skip(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn blanks(&mut self) -> bool {
        let before = self.at;
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(is_blank).len();
        self.at > before
    }

    /// Up to these words, which are taken too.
    fn until(&mut self, end: &str) -> Option<String> {
        let text = self.rest();
        let length = text.find(end)?;
        let found = text.get(..length)?.to_owned();
        self.at += length + end.len();
        Some(found)
    }

    /// A name, with its prefix.
    fn name(&mut self) -> Option<String> {
        let rest = self.rest();
        let mut letters = rest.char_indices();
        let (_, first) = letters.next()?;
        if !starts_name(first) && first != ':' {
            return None;
        }
        let end = letters.find(|(_, c)| !in_name(*c) && *c != ':').map_or(rest.len(), |(at, _)| at);
        let name = rest.get(..end)?.to_owned();
        self.at += end;
        Some(name)
    }

    fn prolog(&mut self) -> Done<()> {
        if self.rest().starts_with("<?xml") && self.rest().chars().nth(5).is_some_and(is_blank) {
            let Some(declaration) = self.until("?>") else {
                return self.wrong("parsing XML declaration: '?>' expected");
            };
            if let Some(version) = pseudo(&declaration, "version") {
                self.document.version = version;
            }
        }
        let (mut has_root, mut has_doctype) = (false, false);
        loop {
            self.blanks();
            if self.rest().is_empty() {
                return match has_root {
                    true => Ok(()),
                    false if has_doctype || !self.document.children(NodeId::DOCUMENT).is_empty() => {
                        self.wrong("Start tag expected, '<' not found")
                    }
                    false => self.wrong("Document is empty"),
                };
            }
            if self.misc(NodeId::DOCUMENT)? {
                continue;
            }
            if self.rest().starts_with("<!DOCTYPE") && !has_root && !has_doctype {
                has_doctype = true;
                let Some(read) = doctype::read(self.rest()) else {
                    return self.wrong("DOCTYPE improperly terminated");
                };
                self.at += read.length;
                for (name, text) in read.entities {
                    let text = self.without_numbers(&text)?;
                    self.entities.push((name, text));
                }
                let node = self.document.add(Kind::Doctype(read.text));
                self.document.push(NodeId::DOCUMENT, node);
                continue;
            }
            if has_root {
                return self.wrong("Extra content at the end of the document");
            }
            if self.peek() != Some('<') {
                return self.wrong("Start tag expected, '<' not found");
            }
            has_root = true;
            self.content(NodeId::DOCUMENT)?;
        }
    }

    /// A comment or a processing instruction, if one is here.
    fn misc(&mut self, parent: NodeId) -> Done<bool> {
        let kind = if self.skip("<!--") {
            let Some(text) = self.until("-->") else { return self.wrong("Comment not terminated") };
            if text.contains("--") || text.ends_with('-') {
                return self.wrong("Double hyphen within comment");
            }
            Kind::Comment(text)
        } else if self.skip("<?") {
            let Some(target) = self.name() else { return self.wrong("xmlParsePI : no target name") };
            if target.eq_ignore_ascii_case("xml") {
                return self.wrong("XML declaration allowed only at the start of the document");
            }
            let Some(rest) = self.until("?>") else {
                return self.wrong(format!("ParsePI: PI {target} never end ..."));
            };
            Kind::Instruction(target, rest.trim_start_matches(is_blank).to_owned())
        } else {
            return Ok(false);
        };
        let node = self.document.add(kind);
        self.document.push(parent, node);
        Ok(true)
    }

    /// What stands in a node: of the document, one element; of an element, all; of an entity, its text.
    fn content(&mut self, top: NodeId) -> Done<()> {
        let is_entity = top != NodeId::DOCUMENT;
        let mut open: Vec<Open> = Vec::new();
        loop {
            let parent = open.last().map_or(top, |open| open.node);
            let Some(next) = self.peek() else {
                return match open.last() {
                    None if is_entity => Ok(()),
                    Some(open) => {
                        let message = format!(
                            "Premature end of data in tag {} line {}",
                            open.name,
                            self.line(open.start)
                        );
                        self.wrong(message)
                    }
                    None => self.wrong("Premature end of data"),
                };
            };
            if next != '<' {
                self.characters(parent, &mut open)?;
                continue;
            }
            if self.skip("</") {
                let Some(closed) = open.pop() else { return self.wrong("Extra end tag") };
                self.end_tag(&closed)?;
            } else if self.skip("<![CDATA[") {
                let Some(text) = self.until("]]>") else { return self.wrong("CData section not finished") };
                self.check(&text)?;
                if self.how.merge_cdata {
                    self.push_text(parent, &text);
                } else {
                    let node = self.document.add(Kind::Cdata(text));
                    self.document.push(parent, node);
                }
            } else if !self.misc(parent)? {
                if self.depth + open.len() >= DEEPEST {
                    return self.wrong(format!("Excessive depth in document: {DEEPEST}"));
                }
                let kept = open.last().is_some_and(|open| open.is_kept);
                if let Some(element) = self.start_tag(parent, kept)? {
                    open.push(element);
                }
            }
            if open.is_empty() && !is_entity {
                return Ok(());
            }
        }
    }

    fn end_tag(&mut self, open: &Open) -> Done<()> {
        let name = self.name().unwrap_or_default();
        self.blanks();
        let closes = self.skip(">");
        if name != open.name {
            return self.wrong(format!(
                "Opening and ending tag mismatch: {} line {} and {name}",
                open.name,
                self.line(open.start)
            ));
        }
        if closes { Ok(()) } else { self.wrong("expected '>'") }
    }

    /// The start of an element; `None` if that is its end, too.
    fn start_tag(&mut self, parent: NodeId, is_kept: bool) -> Done<Option<Open>> {
        let start = self.at;
        self.at += 1;
        let Some(name) = self.name() else { return self.wrong("StartTag: invalid element name") };
        let no_end =
            |reader: &Self| format!("Couldn't find end of Start Tag {name} line {}", reader.line(start));
        let mut written: Vec<(String, String)> = Vec::new();
        let mut names = HashSet::new();
        let is_end = loop {
            let blank = self.blanks();
            if self.skip("/>") {
                break true;
            }
            if self.skip(">") {
                break false;
            }
            if self.rest().is_empty() {
                return self.wrong(no_end(self));
            }
            if !blank {
                return self.wrong("attributes construct error");
            }
            let Some(attribute) = self.name() else {
                return self.wrong(no_end(self));
            };
            self.blanks();
            if !self.skip("=") {
                return self.wrong(format!("Specification mandates value for attribute {attribute}"));
            }
            self.blanks();
            let value = self.attribute_value()?;
            if !names.insert(attribute.clone()) {
                return self.wrong(format!("Attribute {attribute} redefined"));
            }
            written.push((attribute, value));
        };
        let node = self.element(parent, &name, written)?;
        let space = self.document.attribute(node, "{http://www.w3.org/XML/1998/namespace}space");
        let is_kept = match space {
            Some("preserve") => true,
            Some("default") => false,
            _ => is_kept,
        };
        Ok((!is_end).then_some(Open { node, name, start, is_mixed: false, is_kept }))
    }

    fn element(&mut self, parent: NodeId, name: &str, written: Vec<(String, String)>) -> Done<NodeId> {
        let split = |name: &str| -> (Option<Arc<str>>, Arc<str>) {
            match name.split_once(':') {
                Some((prefix, name)) if !prefix.is_empty() && !name.is_empty() => {
                    (Some(prefix.into()), name.into())
                }
                _ => (None, name.into()),
            }
        };
        let (prefix, local) = split(name);
        let mut element =
            Element { prefix, uri: None, name: local, declared: Vec::new(), attributes: Vec::new() };
        for (name, value) in written {
            let (prefix, local) = split(&name);
            if name == "xmlns" {
                element.declared.push((None, value.into()));
            } else if prefix.as_deref() == Some("xmlns") {
                element.declared.push((Some(local), value.into()));
            } else {
                element.attributes.push(Attribute { prefix, uri: None, name: local, value });
            }
        }
        let of = element.prefix.clone();
        let prefixes: Vec<_> = element.attributes.iter().map(|attribute| attribute.prefix.clone()).collect();
        let local = element.name.clone();
        let node = self.document.add(Kind::Element(element));
        self.document.push(parent, node);
        let uri = self.document.namespace(node, of.as_deref()).filter(|uri| !uri.is_empty());
        if let (Some(prefix), None) = (&of, &uri) {
            return self.wrong(format!("Namespace prefix {prefix} on {local} is not defined"));
        }
        let mut uris = Vec::new();
        for prefix in prefixes {
            let uri = prefix.as_ref().and_then(|prefix| self.document.namespace(node, Some(prefix)));
            if let (Some(prefix), None) = (&prefix, &uri) {
                return self
                    .wrong(format!("Namespace prefix {prefix} for an attribute on {local} is not defined"));
            }
            uris.push(uri);
        }
        if let Some(element) = self.document.element_mut(node) {
            element.uri = uri;
            for (attribute, uri) in element.attributes.iter_mut().zip(uris) {
                attribute.uri = uri;
            }
        }
        Ok(node)
    }

    fn attribute_value(&mut self) -> Done<String> {
        let Some(quote) = self.peek().filter(|c| matches!(c, '"' | '\'')) else {
            return self.wrong("AttValue: \" or ' expected");
        };
        self.at += 1;
        let Some(raw) = self.until(if quote == '"' { "\"" } else { "'" }) else {
            return self.wrong("AttValue: ' expected");
        };
        self.check(&raw)?;
        self.expanded_value(&raw)
    }

    /// An attribute's value without references.
    fn expanded_value(&mut self, raw: &str) -> Done<String> {
        let mut out = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(at) = rest.find(['<', '&', '\n', '\t']) {
            out.push_str(rest.get(..at).unwrap_or_default());
            let after = rest.get(at + 1..).unwrap_or_default();
            match rest.get(at..at + 1) {
                Some("<") => return self.wrong("Unescaped '<' not allowed in attributes values"),
                Some("&") => {
                    let Some((name, after)) = after.split_once(';') else {
                        return self.wrong("EntityRef: expecting ';'");
                    };
                    rest = after;
                    match self.plain(name)? {
                        Some(c) => out.push(c),
                        None => {
                            let text = self.entity(name)?;
                            self.within.push(name.to_owned());
                            let text = self.expanded_value(&text)?;
                            self.within.pop();
                            out.push_str(&text);
                        }
                    }
                    continue;
                }
                _ => out.push(' '),
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// Text without references by number.
    fn without_numbers(&self, text: &str) -> Done<String> {
        let mut parts = text.split("&#");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let Some((number, rest)) = part.split_once(';') else {
                return self.wrong("xmlParseCharRef: invalid value");
            };
            out.extend(self.plain(&format!("#{number}"))?);
            out.push_str(rest);
        }
        Ok(out)
    }

    /// The character that a reference stands for, if it is one by number or of the five.
    fn plain(&self, name: &str) -> Done<Option<char>> {
        let number = match name.strip_prefix('#') {
            None => {
                return Ok(match name {
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "amp" => Some('&'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => None,
                });
            }
            Some(number) => match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            },
        };
        match number.ok().and_then(char::from_u32).filter(|c| allowed(*c)) {
            Some(c) => Ok(Some(c)),
            None => self.wrong(format!("xmlParseCharRef: invalid xmlChar value {name}")),
        }
    }

    /// What an entity stands for.
    fn entity(&mut self, name: &str) -> Done<String> {
        let Some((_, text)) = self.entities.iter().find(|(known, _)| known == name) else {
            return self.wrong(format!("Entity '{name}' not defined"));
        };
        let text = text.clone();
        self.expanded += text.len();
        let is_loop = self.within.iter().any(|above| above == name);
        if is_loop || self.within.len() > DEEPEST_ENTITY {
            return self.wrong("Detected an entity reference loop");
        }
        if self.expanded > self.longest {
            return self.wrong("Maximum entity amplification factor exceeded");
        }
        Ok(text)
    }

    fn check(&self, text: &str) -> Done<()> {
        match text.chars().find(|c| !allowed(*c)) {
            Some(c) => self.wrong(format!("PCDATA invalid Char value {}", u32::from(c))),
            None => Ok(()),
        }
    }

    fn push_text(&mut self, parent: NodeId, text: &str) {
        if text.is_empty() {
            return;
        }
        let last = self.document.children(parent).last().copied();
        if let Some(last) = last
            && let Some(Kind::Text(known)) =
                self.document.nodes.get_mut(last.index()).map(|node| &mut node.kind)
        {
            known.push_str(text);
            return;
        }
        let node = self.document.add(Kind::Text(text.to_owned()));
        self.document.push(parent, node);
    }

    /// Text up to the next tag, with its references.
    fn characters(&mut self, parent: NodeId, open: &mut [Open]) -> Done<()> {
        if !self.skip("&") {
            let rest = self.rest();
            let end = rest.find(['<', '&']).unwrap_or(rest.len());
            let text = rest.get(..end).unwrap_or_default().to_owned();
            if text.contains("]]>") {
                return self.wrong("Sequence ']]>' not allowed in content");
            }
            self.check(&text)?;
            self.at += end;
            if !self.is_dropped(&text, parent, open.last()) {
                self.push_text(parent, &text);
                if let Some(open) = open.last_mut() {
                    open.is_mixed = true;
                }
            }
            return Ok(());
        }
        let is_number = self.skip("#");
        let name = if is_number { self.until(";").map(|name| format!("#{name}")) } else { self.name() };
        let Some(name) = name else { return self.wrong("xmlParseEntityRef: no name") };
        if !is_number && !self.skip(";") {
            return self.wrong("EntityRef: expecting ';'");
        }
        if let Some(c) = self.plain(&name)? {
            self.push_text(parent, c.encode_utf8(&mut [0; 4]));
            return Ok(());
        }
        let text = self.entity(&name)?;
        self.within.push(name);
        // References by number are those of the text that the entity stands for.
        let mut inner = Reader {
            text: &text,
            at: 0,
            how: self.how,
            document: std::mem::replace(&mut self.document, Document::empty()),
            entities: std::mem::take(&mut self.entities),
            within: std::mem::take(&mut self.within),
            expanded: self.expanded,
            longest: self.longest,
            depth: self.depth + open.len(),
        };
        let done = inner.content(parent);
        self.document = inner.document;
        self.entities = inner.entities;
        self.within = inner.within;
        self.expanded = inner.expanded;
        self.within.pop();
        done.or_else(|why| self.wrong(why.message))
    }

    /// Whether text is nothing but blanks between elements that are to be left out; libxml2 guesses so.
    fn is_dropped(&self, text: &str, parent: NodeId, open: Option<&Open>) -> bool {
        let Some(open) = open else { return false };
        if !self.how.drop_blanks || open.is_mixed || open.is_kept || !text.chars().all(is_blank) {
            return false;
        }
        let children = self.document.children(parent);
        let is_text = |node: Option<&NodeId>| {
            node.is_some_and(|node| matches!(self.document.kind(*node), Kind::Text(_)))
        };
        let ends = self.rest().starts_with("</");
        let is_kept = self.peek() != Some('<') || (children.is_empty() && ends);
        !is_kept && !is_text(children.last()) && !is_text(children.first())
    }
}
