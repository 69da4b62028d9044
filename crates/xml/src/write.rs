//! Documents as text, as libxml2 writes them for lxml.

use crate::tree::{Document, Kind, NodeId};

/// Which characters are written as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// All of them.
    Utf8,
    /// Those of ASCII; the others by number.
    Ascii,
}

/// Whether blanks are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// None.
    AsIs,
    /// Each element on a line of its own, where no text is beside it.
    Pretty,
}

impl Document {
    /// The whole document, with a declaration, in UTF-8.
    pub fn declared(&self, layout: Layout) -> String {
        let whole = self.whole(layout, Charset::Utf8);
        format!("<?xml version='{}' encoding='UTF-8'?>\n{whole}", self.version)
    }

    /// The whole document.
    pub fn whole(&self, layout: Layout, charset: Charset) -> String {
        let mut writer = Writer { document: self, out: String::new() };
        let mut before_root = true;
        for node in self.children(NodeId::DOCUMENT) {
            let is_root = self.element(*node).is_some();
            before_root &= !is_root;
            if layout == Layout::Pretty && !before_root && !is_root {
                writer.out.push('\n');
            }
            writer.node(*node, 0, layout);
            let is_doctype = matches!(self.kind(*node), Kind::Doctype(_));
            if is_doctype || (layout == Layout::Pretty && before_root) {
                writer.out.push('\n');
            }
        }
        if layout == Layout::Pretty {
            writer.out.push('\n');
        }
        in_charset(writer.out, charset)
    }

    /// One element in ASCII, with all namespaces that are known there and the text behind it.
    pub fn part(&self, node: NodeId) -> String {
        let mut writer = Writer { document: self, out: String::new() };
        match self.element(node) {
            Some(_) => writer.element(node, 0, Layout::AsIs, true),
            None => writer.node(node, 0, Layout::AsIs),
        }
        let beside = self.parent(node).map_or(&[][..], |parent| self.children(parent));
        let behind = beside.iter().skip_while(|other| **other != node).skip(1);
        for text in behind.take_while(|other| self.kind(**other).is_text()) {
            writer.node(*text, 0, Layout::AsIs);
        }
        in_charset(writer.out, Charset::Ascii)
    }
}

fn in_charset(text: String, charset: Charset) -> String {
    if charset == Charset::Utf8 || text.is_ascii() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            out.push_str(&format!("&#{};", u32::from(c)));
        }
    }
    out
}

struct Writer<'a> {
    document: &'a Document,
    out: String,
}

impl Writer<'_> {
    fn node(&mut self, node: NodeId, depth: usize, layout: Layout) {
        let document = self.document;
        match document.kind(node) {
            Kind::Document => {}
            Kind::Element(_) => self.element(node, depth, layout, false),
            Kind::Text(text) => self.escaped(text, false),
            Kind::Cdata(text) => {
                let parts = text.replace("]]>", "]]]]><![CDATA[>");
                self.out.push_str(&format!("<![CDATA[{parts}]]>"));
            }
            Kind::Comment(text) => self.out.push_str(&format!("<!--{text}-->")),
            Kind::Instruction(target, rest) => {
                let blank = if rest.is_empty() { "" } else { " " };
                self.out.push_str(&format!("<?{target}{blank}{rest}?>"));
            }
            Kind::Doctype(text) => self.out.push_str(text),
        }
    }

    fn element(&mut self, node: NodeId, depth: usize, layout: Layout, with_scope: bool) {
        let document = self.document;
        let Some(element) = document.element(node) else { return };
        let name = match &element.prefix {
            Some(prefix) => format!("{prefix}:{}", element.name),
            None => element.name.to_string(),
        };
        self.out.push_str(&format!("<{name}"));
        let scope = if with_scope { document.scope(node) } else { Vec::new() };
        let further = scope.iter().filter(|known| !element.declared.iter().any(|own| own.0 == known.0));
        for (prefix, uri) in element.declared.iter().chain(further) {
            match prefix {
                Some(prefix) => self.out.push_str(&format!(" xmlns:{prefix}=\"")),
                None => self.out.push_str(" xmlns=\""),
            }
            self.escaped(uri, true);
            self.out.push('"');
        }
        for attribute in &element.attributes {
            match &attribute.prefix {
                Some(prefix) => self.out.push_str(&format!(" {prefix}:{}=\"", attribute.name)),
                None => self.out.push_str(&format!(" {}=\"", attribute.name)),
            }
            self.escaped(&attribute.value, true);
            self.out.push('"');
        }
        let children = document.children(node);
        if children.is_empty() {
            self.out.push_str("/>");
            return;
        }
        self.out.push('>');
        let has_text = |child: &NodeId| {
            let kind = document.kind(*child);
            kind.is_text()
        };
        let inside = if children.iter().any(has_text) { Layout::AsIs } else { layout };
        let breaks = inside == Layout::Pretty;
        for child in children {
            if breaks {
                self.line(depth + 1);
            }
            self.node(*child, depth + 1, inside);
        }
        if breaks {
            self.line(depth);
        }
        self.out.push_str(&format!("</{name}>"));
    }

    fn line(&mut self, depth: usize) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n("  ", depth));
    }

    fn escaped(&mut self, text: &str, in_attribute: bool) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '\r' => self.out.push_str("&#13;"),
                '"' if in_attribute => self.out.push_str("&quot;"),
                '\n' if in_attribute => self.out.push_str("&#10;"),
                '\t' if in_attribute => self.out.push_str("&#9;"),
                c => self.out.push(c),
            }
        }
    }
}
