//! Python's `str` and `repr`.

use std::fmt::Write;

use crate::{Kind, Value, float_repr};

impl Value {
    /// As Python's `str` prints it. `null` is `None` here; templates print it as nothing where Ansible does.
    pub fn text(&self) -> String {
        match self.kind() {
            Kind::Str(text) => text.to_string(),
            Kind::Object(object) => object.text(),
            _ => self.repr(),
        }
    }

    /// As Python's `repr` prints it.
    pub fn repr(&self) -> String {
        let mut out = String::new();
        write_repr(self, &mut out);
        out
    }
}

fn write_repr(value: &Value, out: &mut String) {
    match value.kind() {
        Kind::Null => out.push_str("None"),
        Kind::Omit => out.push_str("<<Omit>>"),
        Kind::Undefined(_) => out.push_str("Undefined"),
        Kind::Bool(b) => out.push_str(if *b { "True" } else { "False" }),
        Kind::Int(i) => write_number(i, out),
        Kind::Big(i) => write_number(i, out),
        Kind::Float(f) => out.push_str(&float_repr(*f)),
        Kind::Str(text) => out.push_str(&string_repr(text)),
        Kind::Bytes(bytes) => write_bytes(bytes, out),
        Kind::List(items) => write_items(items.iter(), ["[", "]"], out),
        Kind::Tuple(items) if items.len() == 1 => write_items(items.iter(), ["(", ",)"], out),
        Kind::Tuple(items) => write_items(items.iter(), ["(", ")"], out),
        Kind::Set(items) if items.is_empty() => out.push_str("set()"),
        Kind::Set(items) => write_items(items.iter(), ["{", "}"], out),
        Kind::Map(map) => {
            out.push('{');
            for (position, (key, item)) in map.iter().enumerate() {
                if position > 0 {
                    out.push_str(", ");
                }
                write_repr(key, out);
                out.push_str(": ");
                write_repr(item, out);
            }
            out.push('}');
        }
        Kind::Object(object) => out.push_str(&object.repr()),
    }
}

fn write_number(number: &impl std::fmt::Display, out: &mut String) {
    // Writing into a String cannot fail.
    let _ = write!(out, "{number}");
}

fn write_items<'a>(items: impl Iterator<Item = &'a Value>, [open, close]: [&str; 2], out: &mut String) {
    out.push_str(open);
    for (position, item) in items.enumerate() {
        if position > 0 {
            out.push_str(", ");
        }
        write_repr(item, out);
    }
    out.push_str(close);
}

/// Python's `repr` of text: single quotes unless only those are inside, escapes for what can't be printed.
pub fn string_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(quote);
    out
}

/// Python's `str.isprintable` for one character, near enough: controls, separators other than the space, formats,
/// surrogates, private use and non-characters are not.
fn is_printable(c: char) -> bool {
    match u32::from(c) {
        0x20..=0x7e => true,
        0..=0xa0 | 0xad => false,
        0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x1680 | 0x180e => false,
        0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f | 0x3000 => false,
        0xe000..=0xf8ff | 0xfeff | 0xfff0..=0xfffb | 0xfffe | 0xffff => false,
        0xe0000..=0x10_ffff => false,
        _ => true,
    }
}

fn write_bytes(bytes: &[u8], out: &mut String) {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    out.push('b');
    out.push(quote);
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte if char::from(*byte) == quote => {
                out.push('\\');
                out.push(quote);
            }
            0x20..=0x7e => out.push(char::from(*byte)),
            byte => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use crate::{BigInt, Value};

    #[test]
    fn prints_as_python_does() {
        let value = Value::list(vec![
            Value::NULL,
            Value::from(true),
            Value::from("it's"),
            Value::from("a\n\u{200b}"),
            Value::tuple(vec![Value::from(1)]),
            Value::dict([("k", 1.0)]),
            Value::bytes(&b"ab\xff"[..]),
            Value::big(BigInt::from(2).pow(70)),
        ]);
        assert_eq!(
            value.text(),
            r#"[None, True, "it's", 'a\n\u200b', (1,), {'k': 1.0}, b'ab\xff', 1180591620717411303424]"#
        );
    }
}
