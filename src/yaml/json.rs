//! JSON with a place on every value. Ansible tries it before YAML, so a JSON file has JSON's rules.

use std::sync::Arc;

use shevek_diag::{Origin, Source};
use shevek_value::{BigInt, Map, Value};

use crate::compose;
use crate::load::Options;

/// The value of a source that is JSON as Python's `json` takes it; `None`: it isn't, so it is YAML.
pub(crate) fn load(source: &Arc<Source>, options: &Options<'_>) -> Option<Value> {
    let mut reader = Reader {
        source,
        options,
        rest: source.text(),
        line: 1,
        column: 1,
        counted: source.text().len(),
        depth: 0,
    };
    let value = reader.value()?;
    reader.blank();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    options: &'a Options<'a>,
    rest: &'a str,
    line: u32,
    /// The column where so many bytes were left: counted on from there, as a whole file may be one line.
    column: u32,
    counted: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn blank(&mut self) {
        while let Some(c) = self.rest.chars().next().filter(|c| matches!(c, ' ' | '\t' | '\n' | '\r')) {
            self.rest = self.rest.get(1..).unwrap_or_default();
            if c == '\n' {
                self.line += 1;
                self.column = 1;
                self.counted = self.rest.len();
            }
        }
    }

    fn origin(&mut self) -> Origin {
        let all = self.source.text();
        let before = all.get(all.len() - self.counted..all.len() - self.rest.len());
        self.column += before.map_or(0, |text| text.chars().count()) as u32;
        self.counted = self.rest.len();
        Origin { source: self.source.clone(), line: self.line, column: self.column }
    }

    fn take(&mut self, word: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    fn value(&mut self) -> Option<Value> {
        self.blank();
        let origin = self.origin();
        let value = match self.rest.bytes().next()? {
            b'{' => self.nested(Self::map)?,
            b'[' => self.nested(Self::list)?,
            b'"' => self.string()?,
            b'n' => self.take("null").map(|()| Value::NULL)?,
            b't' => self.take("true").map(|()| Value::from(true))?,
            b'f' => self.take("false").map(|()| Value::from(false))?,
            b'N' => self.take("NaN").map(|()| Value::from(f64::NAN))?,
            b'I' => self.take("Infinity").map(|()| Value::from(f64::INFINITY))?,
            _ if self.rest.starts_with("-Infinity") => {
                self.take("-Infinity").map(|()| Value::from(f64::NEG_INFINITY))?
            }
            _ => self.number()?,
        };
        Some(value.at(origin))
    }

    fn nested(&mut self, inside: fn(&mut Self) -> Option<Value>) -> Option<Value> {
        self.depth += 1;
        let value = if self.depth > compose::MOST_DEPTH { None } else { inside(self) };
        self.depth -= 1;
        value
    }

    fn list(&mut self) -> Option<Value> {
        self.take("[")?;
        let mut items = Vec::new();
        self.blank();
        if self.take("]").is_some() {
            return Some(Value::list(items));
        }
        loop {
            items.push(self.value()?);
            self.blank();
            if self.take(",").is_none() {
                self.take("]")?;
                return Some(Value::list(items));
            }
        }
    }

    fn map(&mut self) -> Option<Value> {
        self.take("{")?;
        let mut map = Map::default();
        self.blank();
        if self.take("}").is_some() {
            return Some(Value::map(map));
        }
        loop {
            self.blank();
            let origin = self.origin();
            let key = self.string()?.at(origin);
            self.blank();
            self.take(":")?;
            let value = self.value()?;
            map.insert(key, value);
            self.blank();
            if self.take(",").is_none() {
                self.take("}")?;
                return Some(self.marked(map));
            }
        }
    }

    /// Ansible writes marked text as a mapping of one.
    fn marked(&mut self, map: Map) -> Value {
        let one = map.iter().next().filter(|_| map.len() == 1);
        let text = one.and_then(|(key, value)| Some((key.as_str()?, value.as_str()?)));
        match text {
            Some(("__ansible_unsafe", text)) => Value::str(text),
            Some(("__ansible_vault", text)) => {
                let origin = self.origin();
                compose::vault(text, &origin, self.options)
            }
            _ => Value::map(map),
        }
    }

    fn string(&mut self) -> Option<Value> {
        self.take("\"")?;
        let mut out = String::new();
        loop {
            let stop = self.rest.find(|c: char| matches!(c, '"' | '\\') || c < ' ')?;
            let (plain, rest) = self.rest.split_at(stop);
            out.push_str(plain);
            self.rest = rest;
            if self.take("\"").is_some() {
                return Some(if self.options.trusted { Value::template(out) } else { Value::str(out) });
            }
            self.take("\\")?;
            let escape = self.rest.chars().next()?;
            self.rest = self.rest.get(escape.len_utf8()..)?;
            out.push(match escape {
                '"' | '\\' | '/' => escape,
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => self.unicode()?,
                _ => return None,
            });
        }
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.rest = self.rest.get(4..)?;
        u32::from_str_radix(digits, 16).ok()
    }

    fn unicode(&mut self) -> Option<char> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        self.take("\\u")?;
        let second = self.hex().filter(|second| (0xdc00..0xe000).contains(second))?;
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    }

    fn number(&mut self) -> Option<Value> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let text = self.rest;
        let mut end = usize::from(text.starts_with('-'));
        let whole = digits(text.get(end..)?);
        if whole == 0 || (whole > 1 && text.get(end..)?.starts_with('0')) {
            return None;
        }
        end += whole;
        let mut float = false;
        if text.get(end..)?.starts_with('.') {
            let fraction = digits(text.get(end + 1..)?);
            if fraction > 0 {
                end += 1 + fraction;
                float = true;
            }
        }
        if text.get(end..)?.starts_with(['e', 'E']) {
            let sign = usize::from(text.get(end + 1..)?.starts_with(['+', '-']));
            let exponent = digits(text.get(end + 1 + sign..)?);
            if exponent > 0 {
                end += 1 + sign + exponent;
                float = true;
            }
        }
        let (number, rest) = text.split_at(end);
        self.rest = rest;
        if float {
            return number.parse::<f64>().ok().map(Value::from);
        }
        match number.parse::<i64>() {
            Ok(small) => Some(Value::from(small)),
            Err(_) => BigInt::parse_bytes(number.as_bytes(), 10).map(Value::big),
        }
    }
}

#[cfg(test)]
mod tests {
    use shevek_diag::Source;

    use crate::{Options, load};

    #[test]
    fn json_has_its_own_rules_and_places_too() {
        let source = Source::new(
            "x.json",
            "{\"a\": [1e3, \"\\ud83d\\ude00\\/\"],\n  \"é\": \"{{ x }}\",\t\"n\": NaN}",
        );
        let options = Options { trusted: true, json: true, ..Options::default() };
        let value = load(&source, &options).unwrap();
        assert_eq!(value.repr(), "{'a': [1000.0, '😀/'], 'é': '{{ x }}', 'n': nan}");
        assert_eq!(value.get("n").unwrap().origin().unwrap().to_string(), "x.json:2:24");
        assert!(value.get("é").unwrap().is_template());
    }

    #[test]
    fn what_is_no_json_is_yaml() {
        let options = Options { json: true, ..Options::default() };
        let value = load(&Source::new("x", "{a: 0644, b: 1e3,}"), &options).unwrap();
        assert_eq!(value.repr(), "{'a': 420, 'b': '1e3'}");
    }
}
