//! Results as text, as Python's `json` writes them.

use shevek_value::{Kind, Value, float_repr};

/// How to write JSON.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct JsonStyle {
    /// Spaces a level; `None`: all on one line.
    pub indent: Option<usize>,
    /// Whether anything but ASCII is escaped.
    pub ascii: bool,
}

/// The value on one line, its keys sorted.
pub fn json_text(value: &Value) -> String {
    json(value, JsonStyle::default())
}

/// The value over several lines, its keys sorted: as Ansible's tools print data.
pub fn json_pretty(value: &Value) -> String {
    json(value, JsonStyle { indent: Some(4), ascii: false })
}

/// The value as JSON, its keys sorted.
pub(crate) fn json(value: &Value, style: JsonStyle) -> String {
    let mut writer = Writer { out: String::new(), style };
    writer.value(value, 0);
    writer.out
}

struct Writer {
    out: String,
    style: JsonStyle,
}

impl Writer {
    fn value(&mut self, value: &Value, level: usize) {
        match value.kind() {
            Kind::Null | Kind::Omit => self.out.push_str("null"),
            Kind::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Kind::Int(_) | Kind::Big(_) => self.out.push_str(&value.text()),
            Kind::Float(f) => self.float(*f),
            Kind::Str(text) => self.text(text),
            Kind::List(items) | Kind::Tuple(items) => self.items(items.iter(), level),
            Kind::Set(items) => self.items(items.iter(), level),
            Kind::Map(map) => {
                let mut entries: Vec<(String, &Value)> =
                    map.iter().map(|(key, item)| (json_key(key), item)).collect();
                entries.sort_by(|a, b| a.0.cmp(&b.0));
                self.block(['{', '}'], entries.len(), level, |writer, position| {
                    if let Some((key, item)) = entries.get(position) {
                        writer.text(key);
                        writer.out.push_str(": ");
                        writer.value(item, level + 1);
                    }
                });
            }
            Kind::Object(object) => match object.plain() {
                Some(plain) => self.value(&plain, level),
                None => self.text(&object.text()),
            },
            Kind::Bytes(bytes) => self.text(&String::from_utf8_lossy(bytes)),
            Kind::Undefined(_) => self.text(&value.text()),
        }
    }

    fn items<'a>(&mut self, items: impl Iterator<Item = &'a Value>, level: usize) {
        let items: Vec<&Value> = items.collect();
        self.block(['[', ']'], items.len(), level, |writer, position| {
            if let Some(item) = items.get(position) {
                writer.value(item, level + 1);
            }
        });
    }

    fn block(&mut self, brackets: [char; 2], count: usize, level: usize, item: impl Fn(&mut Self, usize)) {
        let [open, close] = brackets;
        self.out.push(open);
        for position in 0..count {
            if position > 0 {
                self.out.push_str(if self.style.indent.is_some() { "," } else { ", " });
            }
            self.new_line(level + 1);
            item(self, position);
        }
        if count > 0 {
            self.new_line(level);
        }
        self.out.push(close);
    }

    fn new_line(&mut self, level: usize) {
        if let Some(indent) = self.style.indent {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', indent * level));
        }
    }

    fn float(&mut self, number: f64) {
        if number.is_nan() {
            self.out.push_str("NaN");
        } else if number.is_infinite() {
            self.out.push_str(if number > 0.0 { "Infinity" } else { "-Infinity" });
        } else {
            self.out.push_str(&float_repr(number));
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                c if u32::from(c) < 0x20
                    || (self.style.ascii && !c.is_ascii())
                    || (self.style.ascii && c == '\u{7f}') =>
                {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        self.out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

fn json_key(key: &Value) -> String {
    match key.kind() {
        Kind::Null => "null".to_owned(),
        Kind::Bool(b) => b.to_string(),
        _ => key.text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value() -> Value {
        Value::dict([
            ("b", Value::list(vec![Value::from(1), Value::from(1.0), Value::NULL])),
            ("a", Value::from("é\"\n\u{1}😀")),
            ("c", Value::list(vec![])),
        ])
    }

    #[test]
    fn one_line_as_python_writes_it() {
        assert_eq!(json_text(&value()), r#"{"a": "é\"\n\u0001😀", "b": [1, 1.0, null], "c": []}"#);
    }

    #[test]
    fn indented_and_escaped_as_python_writes_it() {
        let style = JsonStyle { indent: Some(2), ascii: true };
        assert_eq!(
            json(&value(), style),
            "{\n  \"a\": \"\\u00e9\\\"\\n\\u0001\\ud83d\\ude00\",\n  \"b\": [\n    1,\n    1.0,\n    null\n  ],\n  \"c\": []\n}"
        );
    }
}
