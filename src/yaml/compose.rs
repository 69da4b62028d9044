//! Events to values: anchors, merge keys, tags, marks and places.

use std::collections::HashMap;
use std::sync::Arc;

use libyaml_safer::{Event, EventData, Mark};
use shevek_diag::{Diagnostic, Origin, Result, Source};
use shevek_value::{Kind, Map, Reason, Set, Undefined, Value};

use crate::events::Events;
use crate::load::{Duplicates, Options};
use crate::mistakes::{self, SUMMARY};
use crate::resolve::{self, Scalar};
use crate::timestamp;

/// How deep collections may be nested. Python's own stack ends not far behind this.
pub(crate) const MOST_DEPTH: usize = 200;
/// How many values a document may have once its aliases are written out: more is a "billion laughs" attack.
const MOST_VALUES: usize = 20_000_000;

const YAML: &str = "tag:yaml.org,2002:";

pub(crate) struct Composer<'a> {
    source: &'a Arc<Source>,
    options: &'a Options<'a>,
    events: Events<'a>,
    anchors: HashMap<String, Anchored>,
    depth: usize,
    /// How many `!unsafe` tags are around.
    distrust: usize,
    /// Values so far, aliases counted as what they stand for.
    size: usize,
}

struct Anchored {
    value: Value,
    size: usize,
}

/// A node's value, and whether it is a `<<` or `=` that means something as a key.
struct Node {
    value: Value,
    special: Special,
}

#[derive(PartialEq)]
enum Special {
    None,
    Merge,
}

impl<'a> Composer<'a> {
    pub fn new(source: &'a Arc<Source>, options: &'a Options<'a>) -> Result<Self> {
        let mut events = Events::new(source)?;
        if let Some(vault) = options.vault.filter(|vault| !vault.is_empty()) {
            vault.prepare(events.vault_texts());
        }
        events.next()?; // the start of the stream
        Ok(Self { source, options, events, anchors: HashMap::new(), depth: 0, distrust: 0, size: 0 })
    }

    pub fn single_document(mut self) -> Result<Value> {
        let Some((value, start)) = self.document()? else {
            return Ok(Value::NULL.at(Origin::whole(self.source)));
        };
        match self.events.next()? {
            Event { data: EventData::DocumentStart { .. }, start_mark, .. } => Err(Diagnostic::new(SUMMARY)
                .detail("expected a single document in the stream, but found another document")
                .at(&self.events.origin(&start_mark), "another document")
                .at(&start, "the first document")),
            _ => Ok(value),
        }
    }

    pub fn all_documents(mut self) -> Result<Vec<Value>> {
        let mut documents = Vec::new();
        while let Some((value, _)) = self.document()? {
            documents.push(value);
        }
        Ok(documents)
    }

    fn document(&mut self) -> Result<Option<(Value, Origin)>> {
        let start = self.events.next()?;
        if matches!(start.data, EventData::StreamEnd) {
            return Ok(None);
        }
        self.anchors.clear();
        let first = self.events.next()?;
        let origin = self.events.origin(&first.start_mark);
        let value = self.node(first)?.value;
        self.events.next()?; // the end of the document
        Ok(Some((value, origin)))
    }

    fn error(&self, detail: impl Into<String>, mark: &Mark) -> Box<Diagnostic> {
        mistakes::with_hint(self.source, Diagnostic::new(SUMMARY).detail(detail), &self.events.origin(mark))
    }

    fn node(&mut self, event: Event) -> Result<Node> {
        let before = self.size;
        self.size += 1;
        let mark = event.start_mark;
        let (node, anchor) = match event.data {
            EventData::Alias { anchor } => return self.alias(&anchor, &mark),
            EventData::Scalar { anchor, tag, value, plain_implicit, .. } => {
                let tag = tag.filter(|tag| tag != "!");
                (self.scalar(tag.as_deref(), value, plain_implicit, &mark)?, anchor)
            }
            EventData::SequenceStart { anchor, tag, .. } => {
                let tag = tag.filter(|tag| tag != "!");
                (plain(self.nested(&mark, |this| this.sequence(tag.as_deref(), &mark))?), anchor)
            }
            EventData::MappingStart { anchor, tag, .. } => {
                let tag = tag.filter(|tag| tag != "!");
                (plain(self.nested(&mark, |this| this.mapping(tag.as_deref(), &mark))?), anchor)
            }
            other => return Err(Diagnostic::bug(format!("unexpected YAML event {other:?}"))),
        };
        if let Some(anchor) = anchor {
            let size = self.size - before;
            // YAML allows it; PyYAML does not, and who reads the file would have to know which one counts.
            if self.anchors.contains_key(&anchor) {
                return Err(self.error(format!("found duplicate anchor '{anchor}'"), &mark));
            }
            self.anchors.insert(anchor, Anchored { value: node.value.clone(), size });
        }
        Ok(node)
    }

    fn alias(&mut self, anchor: &str, mark: &Mark) -> Result<Node> {
        let Some(anchored) = self.anchors.get(anchor) else {
            return Err(self
                .error(format!("found undefined alias '{anchor}'"), mark)
                .did_you_mean(anchor, self.anchors.keys().map(String::as_str)));
        };
        self.size = self.size.saturating_add(anchored.size);
        if self.size > MOST_VALUES {
            return Err(self.error("aliases of aliases make this document unreasonably large", mark));
        }
        // An alias keeps the place of what it stands for, as in Ansible.
        Ok(plain(anchored.value.clone()))
    }

    fn nested<T>(&mut self, mark: &Mark, inside: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MOST_DEPTH {
            return Err(self.error("collections are nested too deeply", mark));
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    fn text(&self, text: String) -> Value {
        if self.options.trusted && self.distrust == 0 { Value::template(text) } else { Value::str(text) }
    }

    fn scalar(&mut self, tag: Option<&str>, text: String, plain_implicit: bool, mark: &Mark) -> Result<Node> {
        let origin = self.events.origin(mark);
        let Some(tag) = tag else {
            if !plain_implicit {
                return Ok(plain(self.text(text).at(origin)));
            }
            let (value, special) = match resolve::resolve(&text) {
                Scalar::Text => (self.text(text), Special::None),
                Scalar::Value(value) => (value, Special::None),
                Scalar::Merge => (self.text(text), Special::Merge),
                // PyYAML takes `=` for text as a key only, and has no constructor for it elsewhere.
                // Differs from Ansible: `=` is text everywhere.
                Scalar::Default => (self.text(text), Special::None),
                Scalar::Invalid(why) => return Err(self.error(why, mark)),
            };
            return Ok(Node { value: value.at(origin), special });
        };
        let value = match tag.strip_prefix(YAML).unwrap_or(tag) {
            "str" | "python/unicode" | "python/str" if tag.starts_with(YAML) => Ok(self.text(text)),
            "int" if tag.starts_with(YAML) => resolve::int(&text),
            "float" if tag.starts_with(YAML) => resolve::float(&text),
            "bool" if tag.starts_with(YAML) => resolve::boolean(&text),
            "null" if tag.starts_with(YAML) => Ok(Value::NULL),
            "binary" if tag.starts_with(YAML) => decode_base64(&text)
                .map(Value::bytes)
                .ok_or_else(|| "failed to decode base64 data".to_owned()),
            "timestamp" if tag.starts_with(YAML) => {
                timestamp::parse(&text).unwrap_or_else(|| Err(format!("`{text}` is no date or time")))
            }
            kind @ ("seq" | "map" | "set" | "omap" | "pairs") if tag.starts_with(YAML) => {
                Err(format!("expected a {} node, but found scalar", collection(kind)))
            }
            "!unsafe" => {
                self.distrust += 1;
                // Resolved as if it were plain, quoted or not: so does Ansible.
                let node = self.scalar(None, text, true, mark);
                self.distrust -= 1;
                return node;
            }
            "!vault" | "!vault-encrypted" => Ok(vault(&text, &origin, self.options)),
            _ => return Err(self.unknown_tag(tag, mark)),
        };
        value.map(|value| plain(value.at(origin))).map_err(|why| self.error(why, mark))
    }

    fn unknown_tag(&self, tag: &str, mark: &Mark) -> Box<Diagnostic> {
        let shown = tag.strip_prefix(YAML).map_or_else(|| tag.to_owned(), |rest| format!("!!{rest}"));
        self.error(format!("could not determine a constructor for the tag '{tag}'"), mark).did_you_mean(
            &shown,
            ["!vault", "!unsafe", "!!str", "!!int", "!!float", "!!bool", "!!binary", "!!set"],
        )
    }

    fn sequence(&mut self, tag: Option<&str>, mark: &Mark) -> Result<Value> {
        let origin = self.events.origin(mark);
        let kind = match tag {
            None => "seq",
            Some("!unsafe") => {
                self.distrust += 1;
                let value = self.sequence(None, mark);
                self.distrust -= 1;
                return value;
            }
            Some(tag) => match tag.strip_prefix(YAML) {
                Some(kind @ ("seq" | "omap" | "pairs")) => kind,
                Some("map" | "set") => {
                    return Err(self.error("expected a mapping node, but found sequence", mark));
                }
                Some("str" | "int" | "float" | "bool" | "null" | "binary" | "timestamp") => {
                    return Err(self.error("expected a scalar node, but found sequence", mark));
                }
                _ if tag.starts_with("!vault") => {
                    return Err(self.error(format!("the '{tag}' tag requires a string value"), mark));
                }
                _ => return Err(self.unknown_tag(tag, mark)),
            },
        };
        let mut items = Vec::new();
        loop {
            let event = self.events.next()?;
            if matches!(event.data, EventData::SequenceEnd) {
                break;
            }
            let place = event.start_mark;
            let item = self.node(event)?.value;
            items.push(if kind == "seq" { item } else { self.pair(item, &place)? });
        }
        Ok(Value::list(items).at(origin))
    }

    /// An entry of `!!omap` or `!!pairs`: a mapping of one, which becomes a tuple.
    fn pair(&self, item: Value, mark: &Mark) -> Result<Value> {
        match item.as_map().and_then(|map| map.iter().next().filter(|_| map.len() == 1)) {
            Some((key, value)) => Ok(Value::tuple(vec![key.clone(), value.clone()])),
            None => Err(self.error("expected a single mapping item", mark)),
        }
    }

    fn mapping(&mut self, tag: Option<&str>, mark: &Mark) -> Result<Value> {
        let origin = self.events.origin(mark);
        let set = match tag {
            None => false,
            Some("!unsafe") => {
                self.distrust += 1;
                let value = self.mapping(None, mark);
                self.distrust -= 1;
                return value;
            }
            Some(tag) => match tag.strip_prefix(YAML) {
                Some("map" | "python/dict") => false,
                Some("set") => true,
                Some("seq" | "omap" | "pairs") => {
                    return Err(self.error("expected a sequence node, but found mapping", mark));
                }
                Some("str" | "int" | "float" | "bool" | "null" | "binary" | "timestamp") => {
                    return Err(self.error("expected a scalar node, but found mapping", mark));
                }
                _ if tag.starts_with("!vault") => {
                    return Err(self.error(format!("the '{tag}' tag requires a string value"), mark));
                }
                _ => return Err(self.unknown_tag(tag, mark)),
            },
        };
        let map = self.entries(mark)?;
        let value = if set {
            Value::new(Kind::Set(Arc::new(map.into_keys().collect::<Set>())))
        } else {
            Value::map(map)
        };
        Ok(value.at(origin))
    }

    fn entries(&mut self, start: &Mark) -> Result<Map> {
        let mut explicit = Map::default();
        let mut merged: Option<Map> = None;
        loop {
            let event = self.events.next()?;
            if matches!(event.data, EventData::MappingEnd) {
                break;
            }
            let key_mark = event.start_mark;
            let key = self.node(event)?;
            let event = self.events.next()?;
            let value_mark = event.start_mark;
            let value = self.node(event)?.value;
            if key.special == Special::Merge {
                self.merge(merged.get_or_insert_default(), &value, &value_mark)?;
                continue;
            }
            if !is_hashable(&key.value) {
                let error = self.error("while constructing a mapping found unhashable key", &key_mark);
                return Err(error.at(&self.events.origin(start), "in this mapping"));
            }
            match explicit.entry(key.value) {
                shevek_value::Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                shevek_value::Entry::Occupied(mut entry) => {
                    let name = entry.key().clone();
                    entry.insert(value);
                    self.duplicate(&name, &key_mark)?;
                }
            }
        }
        // What is merged comes first, and what the mapping says itself overrides it.
        // Differs from Ansible: no warning about a duplicate then; overriding is what merge keys are for.
        let Some(mut all) = merged else { return Ok(explicit) };
        all.extend(explicit);
        Ok(all)
    }

    fn merge(&self, into: &mut Map, value: &Value, mark: &Mark) -> Result<()> {
        let expected = |found: &Value, list: bool| {
            let what = match found.kind() {
                Kind::List(_) => "sequence",
                Kind::Map(_) => "mapping",
                _ => "scalar",
            };
            let wanted = if list { "a mapping" } else { "a mapping or list of mappings" };
            self.error(format!("expected {wanted} for merging, but found {what}"), mark)
        };
        match value.kind() {
            Kind::Map(map) => into.extend(map.iter().map(|(k, v)| (k.clone(), v.clone()))),
            Kind::List(maps) => {
                // The first of the list wins, so it is written last.
                for item in maps.iter().rev() {
                    let Some(map) = item.as_map() else { return Err(expected(item, true)) };
                    into.extend(map.iter().map(|(k, v)| (k.clone(), v.clone())));
                }
            }
            _ => return Err(expected(value, false)),
        }
        Ok(())
    }

    fn duplicate(&self, key: &Value, mark: &Mark) -> Result<()> {
        let detail = format!("Found duplicate mapping key {}", key.repr());
        let found = |diagnostic: Box<Diagnostic>| {
            let first = key.origin().cloned();
            diagnostic
                .detail(detail.clone())
                .at(&self.events.origin(mark), "again here")
                .at_maybe(first.as_ref(), "first here")
        };
        match self.options.duplicates {
            Duplicates::Ignore => Ok(()),
            Duplicates::Error => Err(found(Diagnostic::new("duplicate mapping key"))),
            Duplicates::Warn => {
                if let Some(warn) = self.options.warn {
                    warn(
                        found(Diagnostic::warning("duplicate mapping key")).help("only the last one counts"),
                    );
                }
                Ok(())
            }
        }
    }
}

/// A vault value. One that can't be opened is undefined for a reason: only using it is an error.
pub(crate) fn vault(text: &str, origin: &Origin, options: &Options<'_>) -> Value {
    let nothing = shevek_vault::Vault::default();
    match options.vault.unwrap_or(&nothing).decrypt_text(text) {
        // Not a template: Ansible takes the trust away from inline vault values.
        Ok(plain) => Value::str(plain.as_str()).secret(),
        Err(why) => Undefined {
            reason: Reason::Failed(why.at(origin, "this vault value")),
            origin: Some(origin.clone()),
            ..Undefined::default()
        }
        .into(),
    }
}

fn plain(value: Value) -> Node {
    Node { value, special: Special::None }
}

fn collection(kind: &str) -> &'static str {
    match kind {
        "map" | "set" => "mapping",
        _ => "sequence",
    }
}

fn is_hashable(key: &Value) -> bool {
    !matches!(key.kind(), Kind::List(_) | Kind::Map(_) | Kind::Set(_))
}

/// Base64 as Python's `binascii` reads it: what is not of the alphabet is passed over.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' if count >= 2 => break,
            _ => continue,
        };
        bits = bits << 6 | u32::from(six);
        count += 1;
        if count == 4 {
            out.extend_from_slice(&[(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]);
            (bits, count) = (0, 0);
        }
    }
    match count {
        0 => {}
        2 => out.push((bits >> 4) as u8),
        3 => out.extend_from_slice(&[(bits >> 10) as u8, (bits >> 2) as u8]),
        _ => return None,
    }
    Some(out)
}
