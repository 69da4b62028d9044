//! JSON in and out of [`Val`]: arguments of type `dict` and `jsonarg`, local facts, and what programs print.

use shevek_proto::Val;

use crate::printed;

/// Deepest nesting that is read: deeper is hostile.
const DEEPEST: usize = 200;

/// Writes a value as `json.dumps` does: `, ` and `: ` between, ASCII only.
pub fn write(value: &Val) -> String {
    let mut out = String::new();
    put(&mut out, value);
    out
}

fn put(out: &mut String, value: &Val) {
    match value {
        Val::Null => out.push_str("null"),
        Val::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Val::Int(i) => out.push_str(&i.to_string()),
        Val::Float(f) if f.is_nan() => out.push_str("NaN"),
        Val::Float(f) if f.is_infinite() => out.push_str(if *f > 0.0 { "Infinity" } else { "-Infinity" }),
        Val::Float(f) => out.push_str(&printed::float(*f)),
        Val::Str(s) => put_text(out, s),
        Val::Bytes(b) => put_text(out, &String::from_utf8_lossy(b)),
        Val::Blob(_) => out.push_str("null"),
        Val::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                put(out, item);
            }
            out.push(']');
        }
        Val::Map(entries) => {
            out.push('{');
            for (i, (key, item)) in entries.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                put_text(out, key);
                out.push_str(": ");
                put(out, item);
            }
            out.push('}');
        }
    }
}

fn put_text(out: &mut String, s: &str) {
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                let mut units = [0u16; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

/// Reads JSON. The message says what is wrong and at which byte.
pub fn read(text: &str) -> Result<Val, String> {
    let mut reader = Reader { rest: text, length: text.len(), depth: 0 };
    let value = reader.value()?;
    reader.space();
    if reader.rest.is_empty() { Ok(value) } else { Err(reader.wrong("more text after the value")) }
}

struct Reader<'a> {
    rest: &'a str,
    length: usize,
    depth: usize,
}

impl Reader<'_> {
    fn wrong(&self, why: &str) -> String {
        format!("{why} at byte {}", self.length - self.rest.len())
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Result<Val, String> {
        self.space();
        match self.rest.chars().next() {
            Some('{') => self.nested(Self::map),
            Some('[') => self.nested(Self::list),
            Some('"') => self.text().map(Val::Str),
            Some('-' | '0'..='9') => self.number(),
            _ if self.take("true") => Ok(Val::Bool(true)),
            _ if self.take("false") => Ok(Val::Bool(false)),
            _ if self.take("null") => Ok(Val::Null),
            _ => Err(self.wrong("expected a value")),
        }
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Result<Val, String>) -> Result<Val, String> {
        if self.depth >= DEEPEST {
            return Err(self.wrong("nested too deeply"));
        }
        self.depth += 1;
        let value = inner(self);
        self.depth -= 1;
        value
    }

    fn map(&mut self) -> Result<Val, String> {
        self.take("{");
        let mut entries: Vec<(String, Val)> = Vec::new();
        self.space();
        if self.take("}") {
            return Ok(Val::Map(entries));
        }
        loop {
            self.space();
            let key = self.text()?;
            self.space();
            if !self.take(":") {
                return Err(self.wrong("expected ':'"));
            }
            let value = self.value()?;
            entries.push((key, value));
            self.space();
            if self.take("}") {
                return Ok(Val::Map(entries));
            }
            if !self.take(",") {
                return Err(self.wrong("expected ',' or '}'"));
            }
        }
    }

    fn list(&mut self) -> Result<Val, String> {
        self.take("[");
        let mut items = Vec::new();
        self.space();
        if self.take("]") {
            return Ok(Val::List(items));
        }
        loop {
            items.push(self.value()?);
            self.space();
            if self.take("]") {
                return Ok(Val::List(items));
            }
            if !self.take(",") {
                return Err(self.wrong("expected ',' or ']'"));
            }
        }
    }

    fn text(&mut self) -> Result<String, String> {
        if !self.take("\"") {
            return Err(self.wrong("expected '\"'"));
        }
        let mut out = String::new();
        loop {
            let plain = self.rest.find(['"', '\\']).ok_or_else(|| self.wrong("unfinished text"))?;
            let (head, tail) = self.rest.split_at(plain);
            out.push_str(head);
            self.rest = tail;
            if self.take("\"") {
                return Ok(out);
            }
            self.take("\\");
            let mut chars = self.rest.chars();
            let escape = chars.next().ok_or_else(|| self.wrong("unfinished text"))?;
            self.rest = chars.as_str();
            match escape {
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                'b' => out.push('\u{8}'),
                'f' => out.push('\u{c}'),
                '"' | '\\' | '/' => out.push(escape),
                'u' => out.push(self.code()?),
                _ => return Err(self.wrong("unknown escape")),
            }
        }
    }

    fn code(&mut self) -> Result<char, String> {
        let high = self.unit()?;
        if (0xd800..0xdc00).contains(&high) && self.take("\\u") {
            let low = self.unit()?;
            let pair = char::decode_utf16([high, low]).next().and_then(Result::ok);
            return Ok(pair.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(u32::from(high)).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn unit(&mut self) -> Result<u16, String> {
        let digits = self.rest.get(..4).ok_or_else(|| self.wrong("unfinished \\u"))?;
        let unit = u16::from_str_radix(digits, 16).map_err(|_| self.wrong("malformed \\u"))?;
        self.rest = self.rest.get(4..).unwrap_or_default();
        Ok(unit)
    }

    fn number(&mut self) -> Result<Val, String> {
        let end = self.rest.find(|c: char| !matches!(c, '-' | '+' | '.' | 'e' | 'E' | '0'..='9'));
        let (digits, tail) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let value = match digits.parse::<i64>() {
            Ok(i) => Val::Int(i),
            Err(_) => Val::Float(digits.parse().map_err(|_| self.wrong("malformed number"))?),
        };
        self.rest = tail;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let text = r#"{"a": [1, -2.5, null, true], "b": {"c": "line\nü \ud83d\ude00"}, "d": []}"#;
        let value = read(text).unwrap();
        assert_eq!(value.get("a").unwrap().as_list().unwrap()[1], Val::Float(-2.5));
        assert_eq!(read(&write(&value)), Ok(value));
    }

    #[test]
    fn nonsense_is_named_with_its_place() {
        assert_eq!(read("[1, }"), Err("expected a value at byte 4".into()));
        assert_eq!(read("1 2"), Err("more text after the value at byte 2".into()));
        assert!(read(&"[".repeat(100_000)).is_err());
    }
}
