//! Values to YAML, byte for byte as PyYAML's dumper writes them.

use std::cmp::Ordering;
use std::fmt::Write;

use libyaml_safer::{Emitter, Encoding, Event, MappingStyle, ScalarStyle, SequenceStyle};
use shevek_diag::{Diagnostic, Result};
use shevek_value::{Date, DateTime, Kind, Map, Value, float_repr};

use crate::resolve::{self, Scalar};

/// How collections are written (`default_flow_style`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FlowStyle {
    /// `[…]` and `{…}` for collections of scalars, indented otherwise: PyYAML's `None`, and `to_yaml`'s default.
    #[default]
    Leaves,
    /// Indented.
    Block,
    /// `[…]` and `{…}` everywhere.
    Flow,
}

/// How to write; the names are PyYAML's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as PyYAML's arguments are")]
#[allow(clippy::struct_excessive_bools, reason = "PyYAML's arguments")]
pub struct DumpOptions {
    pub indent: Option<i32>,
    pub width: Option<i32>,
    pub sort_keys: bool,
    pub default_flow_style: FlowStyle,
    /// `'`, `"`, `|` or `>` for every scalar.
    pub default_style: Option<char>,
    pub explicit_start: bool,
    pub explicit_end: bool,
    pub allow_unicode: bool,
    pub canonical: bool,
    /// Text of several lines as `|` blocks, as Ansible prints results.
    pub block_text: bool,
}

impl Default for DumpOptions {
    /// As the `to_yaml` filter.
    fn default() -> Self {
        Self {
            indent: None,
            width: None,
            sort_keys: true,
            default_flow_style: FlowStyle::Leaves,
            default_style: None,
            explicit_start: false,
            explicit_end: false,
            allow_unicode: true,
            canonical: false,
            block_text: false,
        }
    }
}

impl DumpOptions {
    /// As the `to_nice_yaml` filter.
    pub fn nice() -> Self {
        Self { indent: Some(4), default_flow_style: FlowStyle::Block, ..Self::default() }
    }
}

const BOOL: &str = "tag:yaml.org,2002:bool";
const NULL: &str = "tag:yaml.org,2002:null";
const INT: &str = "tag:yaml.org,2002:int";
const FLOAT: &str = "tag:yaml.org,2002:float";
const STR: &str = "tag:yaml.org,2002:str";
const BINARY: &str = "tag:yaml.org,2002:binary";
const TIMESTAMP: &str = "tag:yaml.org,2002:timestamp";
const SEQ: &str = "tag:yaml.org,2002:seq";
const MAP: &str = "tag:yaml.org,2002:map";
const SET: &str = "tag:yaml.org,2002:set";

/// Writes one document. Undefined values and functions can't be written.
///
/// A list or mapping that is there twice is written twice.
// Differs from Ansible: never `&id001` anchors, which PyYAML writes for collections that are the same Python object.
pub fn dump(value: &Value, options: &DumpOptions) -> Result<String> {
    let mut writer = Writer { options, events: Vec::new(), beyond: Vec::new() };
    writer.value(value)?;
    let Writer { events, beyond, .. } = writer;
    let written = emit(events, options)
        .map_err(|why| Diagnostic::bug("the YAML writer failed").detail(why.to_string()))?;
    let text = String::from_utf8_lossy(&written).into_owned();
    Ok(if beyond.is_empty() { text } else { put_back(&text, beyond) })
}

fn emit(events: Vec<Event>, options: &DumpOptions) -> libyaml_safer::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut emitter = Emitter::new();
    emitter.set_output(&mut out);
    emitter.set_unicode(options.allow_unicode);
    emitter.set_canonical(options.canonical);
    if let Some(indent) = options.indent {
        emitter.set_indent(indent);
    }
    if let Some(width) = options.width {
        emitter.set_width(width);
    }
    emitter.emit(Event::stream_start(Encoding::Utf8))?;
    emitter.emit(Event::document_start(None, &[], !options.explicit_start))?;
    for event in events {
        emitter.emit(event)?;
    }
    emitter.emit(Event::document_end(!options.explicit_end))?;
    emitter.emit(Event::stream_end())?;
    emitter.flush()?;
    drop(emitter);
    Ok(out)
}

/// libyaml escapes characters beyond U+FFFF, its port doesn't. So each is written as these two, whose escapes are
/// together as wide (`\x7F\uFFFE`, `\U0001F600`) and whose UTF-8 is as long, and put back afterwards.
const STAND_IN: &str = "\u{7f}\u{fffe}";
const STAND_IN_WRITTEN: &str = "\\x7F\\uFFFE";

fn put_back(text: &str, beyond: Vec<char>) -> String {
    let mut beyond = beyond.into_iter();
    let mut parts = text.split(STAND_IN_WRITTEN);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let _ = match beyond.next() {
            Some(c) => write!(out, "\\U{:08X}", u32::from(c)),
            None => write!(out, "{STAND_IN_WRITTEN}"),
        };
        out.push_str(part);
    }
    out
}

struct Writer<'a> {
    options: &'a DumpOptions,
    events: Vec<Event>,
    /// Characters beyond U+FFFF, in order.
    beyond: Vec<char>,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value) -> Result<()> {
        match value.kind() {
            Kind::Null => self.scalar(NULL, "null", None),
            Kind::Bool(b) => self.scalar(BOOL, if *b { "true" } else { "false" }, None),
            Kind::Int(i) => self.scalar(INT, &i.to_string(), None),
            Kind::Big(i) => self.scalar(INT, &i.to_string(), None),
            Kind::Float(f) => self.scalar(FLOAT, &float(*f), None),
            Kind::Str(text) => {
                let block =
                    self.options.block_text && text.contains(['\n', '\u{85}', '\u{2028}', '\u{2029}']);
                self.scalar(STR, text, block.then_some('|'));
            }
            Kind::Bytes(bytes) => self.scalar(BINARY, &base64_lines(bytes), Some('|')),
            Kind::List(items) | Kind::Tuple(items) => return self.sequence(items),
            Kind::Map(map) => return self.mapping(MAP, map),
            Kind::Set(items) => {
                let map: Map = items.iter().map(|item| (item.clone(), Value::NULL)).collect();
                return self.mapping(SET, &map);
            }
            Kind::Undefined(undefined) => {
                return Err(Diagnostic::new("undefined value")
                    .detail(undefined.message())
                    .at_maybe(undefined.origin.as_ref(), ""));
            }
            Kind::Object(object) => {
                if let Some(date) = object.as_any().downcast_ref::<Date>() {
                    self.scalar(TIMESTAMP, &date.iso(), None);
                } else if let Some(time) = object.as_any().downcast_ref::<DateTime>() {
                    self.scalar(TIMESTAMP, &time.iso(' '), None);
                } else if let Some(plain) = object.plain() {
                    return self.value(&plain);
                } else {
                    return Err(cannot(value));
                }
            }
            Kind::Omit => return Err(cannot(value)),
        }
        Ok(())
    }

    fn scalar(&mut self, tag: &str, text: &str, style: Option<char>) {
        let plain = detected(text) == Some(tag);
        let quoted = tag == STR;
        let style = match style.or(self.options.default_style) {
            Some('\'') => ScalarStyle::SingleQuoted,
            Some('"') => ScalarStyle::DoubleQuoted,
            Some('|') => ScalarStyle::Literal,
            Some('>') => ScalarStyle::Folded,
            _ => ScalarStyle::Plain,
        };
        let text = self.stand_in(text);
        self.events.push(Event::scalar(None, Some(tag), &text, plain, quoted, style));
    }

    fn stand_in(&mut self, text: &str) -> String {
        if !text.chars().any(|c| c > '\u{ffff}') {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            if c > '\u{ffff}' {
                self.beyond.push(c);
                out.push_str(STAND_IN);
            } else {
                out.push(c);
            }
        }
        out
    }

    /// Whether a collection of these is written as `[…]` or `{…}`.
    fn flows<'a>(&self, mut items: impl Iterator<Item = &'a Value>) -> bool {
        match self.options.default_flow_style {
            FlowStyle::Flow => true,
            FlowStyle::Block => false,
            FlowStyle::Leaves => self.options.default_style.is_none() && items.all(is_leaf),
        }
    }

    fn sequence(&mut self, items: &[Value]) -> Result<()> {
        let style = if self.flows(items.iter()) { SequenceStyle::Flow } else { SequenceStyle::Block };
        self.events.push(Event::sequence_start(None, Some(SEQ), true, style));
        for item in items {
            self.value(item)?;
        }
        self.events.push(Event::sequence_end());
        Ok(())
    }

    fn mapping(&mut self, tag: &str, map: &Map) -> Result<()> {
        let flows = self.flows(map.keys().chain(map.values()));
        let style = if flows { MappingStyle::Flow } else { MappingStyle::Block };
        self.events.push(Event::mapping_start(None, Some(tag), tag == MAP, style));
        let mut entries: Vec<(&Value, &Value)> = map.iter().collect();
        if self.options.sort_keys
            && entries.iter().zip(entries.iter().skip(1)).all(|(a, b)| compare(a.0, b.0).is_some())
        {
            entries.sort_by(|a, b| compare(a.0, b.0).unwrap_or(Ordering::Equal));
        }
        for (key, item) in entries {
            self.value(key)?;
            self.value(item)?;
        }
        self.events.push(Event::mapping_end());
        Ok(())
    }
}

fn cannot(value: &Value) -> Box<Diagnostic> {
    Diagnostic::new("cannot be written as YAML")
        .detail(format!("cannot represent an object: {}", value.repr()))
}

fn is_leaf(value: &Value) -> bool {
    match value.kind() {
        Kind::List(_) | Kind::Tuple(_) | Kind::Map(_) | Kind::Set(_) | Kind::Bytes(_) => false,
        Kind::Object(object) => object.plain().is_some_and(|plain| is_leaf(&plain)),
        _ => true,
    }
}

/// The tag that a plain scalar of this text would get.
fn detected(text: &str) -> Option<&'static str> {
    Some(match resolve::resolve(text) {
        Scalar::Text => STR,
        Scalar::Merge | Scalar::Default | Scalar::Invalid(_) => return None,
        Scalar::Value(value) => match value.kind() {
            Kind::Null => NULL,
            Kind::Bool(_) => BOOL,
            Kind::Int(_) | Kind::Big(_) => INT,
            Kind::Float(_) => FLOAT,
            _ => TIMESTAMP,
        },
    })
}

/// Python's `<` where it has one.
fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a.kind(), b.kind()) {
        (Kind::Str(a), Kind::Str(b)) => Some(a.cmp(b)),
        (Kind::Bytes(a), Kind::Bytes(b)) => Some(a.cmp(b)),
        (Kind::Big(a), Kind::Big(b)) => Some(a.cmp(b)),
        (Kind::Object(x), Kind::Object(y)) => match (
            x.as_any().downcast_ref::<Date>().zip(y.as_any().downcast_ref::<Date>()),
            x.as_any().downcast_ref::<DateTime>().zip(y.as_any().downcast_ref::<DateTime>()),
        ) {
            (Some((x, y)), _) => Some(x.cmp(y)),
            (_, Some((x, y))) => Some(x.microseconds_since_epoch().cmp(&y.microseconds_since_epoch())),
            _ => None,
        },
        _ => match (a.as_int(), b.as_int()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_float()?.partial_cmp(&b.as_float()?),
        },
    }
}

fn float(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = float_repr(number);
    if text.contains('.') { text } else { text.replacen('e', ".0e", 1) }
}

/// Base64 in lines of 76, as Python's `encodebytes`.
fn base64_lines(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for line in bytes.chunks(57) {
        for three in line.chunks(3) {
            let at = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
            let bits = at(0) << 16 | at(1) << 8 | at(2);
            for (position, shift) in [18, 12, 6, 0].into_iter().enumerate() {
                let letter = ALPHABET.get((bits >> shift & 63) as usize).copied().unwrap_or(b'=');
                out.push(char::from(if position > three.len() { b'=' } else { letter }));
            }
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use shevek_diag::Source;

    use super::*;
    use crate::{Options, load};

    fn options(given: &Value) -> DumpOptions {
        let number = |name: &str| given.get(name).and_then(Value::as_int).map(|i| i as i32);
        let flag = |name: &str| given.get(name).and_then(Value::as_bool);
        DumpOptions {
            indent: number("indent"),
            width: number("width"),
            sort_keys: flag("sort_keys").unwrap_or(true),
            default_flow_style: match flag("default_flow_style") {
                None => FlowStyle::Leaves,
                Some(true) => FlowStyle::Flow,
                Some(false) => FlowStyle::Block,
            },
            default_style: given.get("default_style").and_then(Value::as_str).and_then(|s| s.chars().next()),
            explicit_start: flag("explicit_start").unwrap_or(false),
            explicit_end: flag("explicit_end").unwrap_or(false),
            allow_unicode: flag("allow_unicode").unwrap_or(false),
            canonical: false,
            block_text: false,
        }
    }

    /// Each case of the file: a document as YAML, PyYAML's arguments, and what PyYAML wrote.
    #[test]
    fn what_is_written_is_what_pyyaml_writes() {
        let cases = Source::new("dump.json", include_str!("testdata/dump.json"));
        let cases = load(&cases, &Options { json: true, ..Options::default() }).unwrap();
        for case in cases.as_list().unwrap() {
            let [document, arguments, expected] = case.as_list().unwrap() else {
                panic!("three are expected")
            };
            let value = load(&Source::new("x", document.as_str().unwrap()), &Options::default()).unwrap();
            let written = dump(&value, &options(arguments)).unwrap();
            assert_eq!(written, expected.as_str().unwrap(), "{} {}", document.repr(), arguments.repr());
        }
    }

    #[test]
    fn what_is_undefined_cannot_be_written() {
        let error = dump(&Value::list(vec![Value::undefined("x")]), &DumpOptions::default()).unwrap_err();
        assert_eq!(error.message(), "undefined value: 'x' is undefined");
    }
}
