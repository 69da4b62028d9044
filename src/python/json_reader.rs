//! JSON as Python's `json.loads` reads it: `NaN` and `Infinity` too, numbers of any size, and its words for mistakes.

use shevek_diag::{Diagnostic, Result};
use shevek_value::{Map, Value};

use crate::integer::parse_int;

/// Deeper nesting is refused, as Python refuses it, and as YAML's is: everything that walks through a value must come to its
/// end on a small stack.
// Differs from Ansible: at 200 levels, where Python reads some hundreds more.
const DEEPEST: usize = 200;

/// Reads text.
pub fn read_json(text: &str) -> Result<Value> {
    let mut reader = Reader { text, position: 0, depth: 0 };
    if text.starts_with('\u{feff}') {
        return Err(reader.error("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0));
    }
    reader.blank();
    let value = reader.value()?;
    reader.blank();
    if reader.position < text.len() {
        return Err(reader.error("Extra data", reader.position));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    position: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, message: &str, at: usize) -> Box<Diagnostic> {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let character = before.chars().count();
        Diagnostic::new("not valid JSON")
            .detail(format!("{message}: line {line} column {column} (char {character})"))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or("")
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.position += 1;
        }
    }

    fn value(&mut self) -> Result<Value> {
        let start = self.position;
        match self.peek() {
            Some(b'"') => {
                self.position += 1;
                return self.string().map(Value::from);
            }
            Some(open @ (b'{' | b'[')) => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(self.error("maximum recursion depth exceeded", start));
                }
                self.position += 1;
                let value = if open == b'{' { self.object()? } else { self.array()? };
                self.depth -= 1;
                return Ok(value);
            }
            _ => {}
        }
        let words = [
            ("null", Value::NULL),
            ("true", Value::from(true)),
            ("false", Value::from(false)),
            ("NaN", Value::from(f64::NAN)),
            ("Infinity", Value::from(f64::INFINITY)),
            ("-Infinity", Value::from(f64::NEG_INFINITY)),
        ];
        for (word, value) in words {
            if self.rest().starts_with(word) {
                self.position += word.len();
                return Ok(value);
            }
        }
        self.number().ok_or_else(|| self.error("Expecting value", start))
    }

    fn digits(&mut self) -> usize {
        let start = self.position;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.position += 1;
        }
        self.position - start
    }

    fn number(&mut self) -> Option<Value> {
        let start = self.position;
        self.position += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.position += 1;
        } else if self.digits() == 0 {
            self.position = start;
            return None;
        }
        let mut whole = true;
        let before = self.position;
        if self.peek() == Some(b'.') {
            self.position += 1;
            if self.digits() == 0 {
                self.position = before;
            } else {
                whole = false;
            }
        }
        let before = self.position;
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.position += 1;
            self.position += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            if self.digits() == 0 {
                self.position = before;
            } else {
                whole = false;
            }
        }
        let text = self.text.get(start..self.position)?;
        if whole { parse_int(text, 10) } else { text.parse::<f64>().ok().map(Value::from) }
    }

    /// The rest of a string, after its opening quote.
    fn string(&mut self) -> Result<String> {
        let open = self.position - 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let end = rest.find(|c: char| c == '"' || c == '\\' || u32::from(c) < 0x20);
            let Some(end) = end else {
                return Err(self.error("Unterminated string starting at", open));
            };
            out.push_str(rest.get(..end).unwrap_or(""));
            self.position += end;
            match self.peek() {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    let at = self.position;
                    self.position += 1;
                    self.escape(at, open, &mut out)?;
                }
                _ => return Err(self.error("Invalid control character at", self.position)),
            }
        }
    }

    fn escape(&mut self, at: usize, open: usize, out: &mut String) -> Result<()> {
        let Some(byte) = self.peek() else {
            return Err(self.error("Unterminated string starting at", open));
        };
        let plain = match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.position += 1;
                let first = self.unit(at)?;
                let mut units = vec![first];
                if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
                    let before = self.position;
                    self.position += 2;
                    match self.unit(before) {
                        Ok(second) if (0xdc00..0xe000).contains(&second) => units.push(second),
                        _ => self.position = before,
                    }
                }
                // Differs from Ansible: half of a surrogate pair becomes U+FFFD, since text here is always valid.
                out.push_str(&String::from_utf16_lossy(&units));
                return Ok(());
            }
            _ => return Err(self.error("Invalid \\escape", at)),
        };
        self.position += 1;
        out.push(plain);
        Ok(())
    }

    fn unit(&mut self, at: usize) -> Result<u16> {
        let digits = self.text.get(self.position..self.position + 4);
        let unit = digits
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u16::from_str_radix(digits, 16).ok());
        match unit {
            Some(unit) => {
                self.position += 4;
                Ok(unit)
            }
            None => Err(self.error("Invalid \\uXXXX escape", at + 1)),
        }
    }

    fn array(&mut self) -> Result<Value> {
        let mut items = Vec::new();
        self.blank();
        if self.peek() == Some(b']') {
            self.position += 1;
            return Ok(Value::list(items));
        }
        loop {
            self.blank();
            items.push(self.value()?);
            self.blank();
            match self.peek() {
                Some(b',') => self.position += 1,
                Some(b']') => {
                    self.position += 1;
                    return Ok(Value::list(items));
                }
                _ => return Err(self.error("Expecting ',' delimiter", self.position)),
            }
        }
    }

    fn object(&mut self) -> Result<Value> {
        let mut map = Map::default();
        self.blank();
        if self.peek() == Some(b'}') {
            self.position += 1;
            return Ok(Value::map(map));
        }
        loop {
            self.blank();
            if self.peek() != Some(b'"') {
                let message = "Expecting property name enclosed in double quotes";
                return Err(self.error(message, self.position));
            }
            self.position += 1;
            let key = self.string()?;
            self.blank();
            if self.peek() != Some(b':') {
                return Err(self.error("Expecting ':' delimiter", self.position));
            }
            self.position += 1;
            self.blank();
            let value = self.value()?;
            map.insert(Value::from(key), value);
            self.blank();
            match self.peek() {
                Some(b',') => self.position += 1,
                Some(b'}') => {
                    self.position += 1;
                    return Ok(Value::map(map));
                }
                _ => return Err(self.error("Expecting ',' delimiter", self.position)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_python_reads() {
        let value = read_json(
            r#" {"a": [1, -2.5e3, true, null, "\u00e9\ud83d\ude00\n"], "big": 123456789012345678901} "#,
        );
        assert_eq!(
            value.unwrap().repr(),
            "{'a': [1, -2500.0, True, None, 'é😀\\n'], 'big': 123456789012345678901}"
        );
    }

    #[test]
    fn says_what_is_wrong_as_python_does() {
        let error = |text| read_json(text).unwrap_err().detail;
        assert_eq!(
            error("{'a': 1}"),
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
        );
        assert_eq!(error("[1,\n 2"), "Expecting ',' delimiter: line 2 column 3 (char 6)");
        assert_eq!(error(""), "Expecting value: line 1 column 1 (char 0)");
        assert_eq!(error("1 2"), "Extra data: line 1 column 3 (char 2)");
    }

    #[test]
    fn what_is_nested_too_deeply_is_refused() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read_json(&nested(DEEPEST)).is_ok());
        assert!(read_json(&nested(DEEPEST + 1)).unwrap_err().detail.contains("recursion"));
        assert!(read_json(&"{\"a\":".repeat(100_000)).is_err());
    }
}
