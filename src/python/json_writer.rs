//! JSON as Python's `json.dumps` writes it.

use std::fmt::Write;

use shevek_diag::{Diagnostic, Result};
use shevek_value::{Kind, Value, float_repr};

use crate::sequence::mapping;

/// The order of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOrder {
    /// That of the mapping.
    AsTheyAre,
    /// By their text: Ansible's encoder makes text of keys first.
    ByText,
    /// By what they are: numbers as numbers, as Python's own encoder does.
    ByValue,
}

/// `json.dumps`' arguments.
#[derive(Debug, Clone)]
pub struct JsonStyle {
    /// What one level is indented by; `None`: all on one line.
    pub indent: Option<String>,
    /// Between items.
    pub item_separator: String,
    /// Between key and value.
    pub key_separator: String,
    /// Whether and how keys are sorted.
    pub sort_keys: KeyOrder,
    /// Whether everything beyond ASCII is escaped.
    pub ensure_ascii: bool,
    /// Whether keys that JSON can't have are passed over.
    pub skip_keys: bool,
    /// Whether `NaN` and `Infinity` may be written.
    pub allow_nan: bool,
}

impl Default for JsonStyle {
    fn default() -> Self {
        Self {
            indent: None,
            item_separator: ", ".into(),
            key_separator: ": ".into(),
            sort_keys: KeyOrder::AsTheyAre,
            ensure_ascii: true,
            skip_keys: false,
            allow_nan: true,
        }
    }
}

/// Writes a value.
pub fn write_json(value: &Value, style: &JsonStyle) -> Result<String> {
    let mut writer = Writer { style, out: String::new() };
    writer.value(value, 0)?;
    Ok(writer.out)
}

struct Writer<'a> {
    style: &'a JsonStyle,
    out: String,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<()> {
        match value.kind() {
            Kind::Null => self.out.push_str("null"),
            Kind::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Kind::Int(i) => {
                let _ = write!(self.out, "{i}");
            }
            Kind::Big(i) => {
                let _ = write!(self.out, "{i}");
            }
            Kind::Float(f) => self.float(*f)?,
            Kind::Str(text) => write_string(text, self.style.ensure_ascii, &mut self.out),
            Kind::List(items) | Kind::Tuple(items) => self.list(items.iter(), depth)?,
            Kind::Set(items) => self.list(items.iter(), depth)?,
            Kind::Map(_) => self.map(value, depth)?,
            Kind::Object(object) => match object.plain() {
                Some(plain) => self.value(&plain, depth)?,
                None => return Err(unfit(value)),
            },
            Kind::Undefined(missing) => {
                return Err(Diagnostic::new("undefined variable").detail(missing.message()));
            }
            Kind::Bytes(_) | Kind::Omit => return Err(unfit(value)),
        }
        Ok(())
    }

    fn float(&mut self, number: f64) -> Result<()> {
        let text = match number {
            n if n.is_nan() => "NaN".to_owned(),
            f64::INFINITY => "Infinity".to_owned(),
            f64::NEG_INFINITY => "-Infinity".to_owned(),
            n => float_repr(n),
        };
        if !number.is_finite() && !self.style.allow_nan {
            return Err(Diagnostic::new("not JSON compliant").detail(format!(
                "Out of range float values are not JSON compliant: {}",
                float_repr(number)
            )));
        }
        self.out.push_str(&text);
        Ok(())
    }

    fn line(&mut self, depth: usize) {
        if let Some(indent) = &self.style.indent {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str(indent);
            }
        }
    }

    fn separate(&mut self, first: bool, depth: usize) {
        if !first {
            self.out.push_str(&self.style.item_separator);
        }
        self.line(depth);
    }

    fn list<'v>(&mut self, items: impl Iterator<Item = &'v Value>, depth: usize) -> Result<()> {
        self.out.push('[');
        let mut first = true;
        for item in items {
            self.separate(first, depth + 1);
            first = false;
            self.value(item, depth + 1)?;
        }
        if !first {
            self.line(depth);
        }
        self.out.push(']');
        Ok(())
    }

    fn map(&mut self, value: &Value, depth: usize) -> Result<()> {
        let Some(map) = mapping(value)? else { return Err(unfit(value)) };
        let mut entries: Vec<(String, &Value, &Value)> = Vec::with_capacity(map.len());
        for (key, item) in map.iter() {
            let text = match key.kind() {
                Kind::Str(text) => text.to_string(),
                Kind::Null => "null".to_owned(),
                Kind::Bool(b) => b.to_string(),
                Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => key.text(),
                _ if self.style.skip_keys => continue,
                _ => {
                    return Err(Diagnostic::new("not JSON serializable")
                        .detail(format!("Key of type '{}' is not JSON serializable", key.type_name())));
                }
            };
            entries.push((text, key, item));
        }
        match self.style.sort_keys {
            KeyOrder::AsTheyAre => {}
            KeyOrder::ByText => entries.sort_by(|(a, ..), (b, ..)| a.cmp(b)),
            KeyOrder::ByValue => entries.sort_by(|(a, x, _), (b, y, _)| {
                let numbers = x.as_float().zip(y.as_float());
                numbers.map_or_else(|| a.cmp(b), |(x, y)| x.total_cmp(&y))
            }),
        }
        self.out.push('{');
        let mut first = true;
        for (text, _, item) in entries {
            self.separate(first, depth + 1);
            first = false;
            write_string(&text, self.style.ensure_ascii, &mut self.out);
            self.out.push_str(&self.style.key_separator);
            self.value(item, depth + 1)?;
        }
        if !first {
            self.line(depth);
        }
        self.out.push('}');
        Ok(())
    }
}

fn unfit(value: &Value) -> Box<Diagnostic> {
    Diagnostic::new("not JSON serializable")
        .detail(format!("Object of type {} is not JSON serializable", value.type_name()))
}

/// Text in quotes; beyond ASCII as escapes if wanted.
fn write_string(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if u32::from(c) < 0x20 || (ascii && !matches!(c, ' '..='~')) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
