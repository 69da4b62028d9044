//! Python literals, as `ast.literal_eval` reads them: what values in INI inventories are.

use shevek_value::{BigInt, Kind, Map, Value};

/// How deep brackets may be nested before the text counts as text.
const MOST_DEPTH: usize = 60;

/// The value of a Python literal; `None`: the text is none, so it is just text. All text in it is trusted. Tuples and
/// sets become lists, bytes text: an inventory has no others.
pub fn evaluate(text: &str) -> Option<Value> {
    // Most values are words: none of these can begin a literal.
    let first = text.trim_start_matches([' ', '\t']).chars().next()?;
    if !(first.is_ascii_digit() || "'\"[({-+.rRbBuUTFNs".contains(first)) {
        return None;
    }
    let mut reader = Reader { rest: text.trim_start_matches([' ', '\t']), depth: 0, line_ends: false };
    let value = reader.list_or_value()?;
    reader.blank();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
    /// Whether a line may end here: inside brackets.
    line_ends: bool,
}

impl<'a> Reader<'a> {
    fn blank(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\u{c}']);
            if self.rest.starts_with('#') {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.rest = self.rest.get(end..).unwrap_or_default();
            }
            match self.rest.strip_prefix('\n') {
                Some(rest) if self.line_ends => self.rest = rest,
                _ => return,
            }
        }
    }

    fn take(&mut self, word: &str) -> bool {
        self.blank();
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn peek(&mut self) -> Option<char> {
        self.blank();
        self.rest.chars().next()
    }

    /// A value, or several with commas between them, which make a tuple.
    fn list_or_value(&mut self) -> Option<Value> {
        let first = self.value()?;
        if self.peek() != Some(',') {
            return Some(first);
        }
        let mut items = vec![first];
        while self.take(",") {
            if matches!(self.peek(), None | Some(')')) {
                break;
            }
            items.push(self.value()?);
        }
        Some(Value::list(items))
    }

    fn value(&mut self) -> Option<Value> {
        match self.peek()? {
            '[' => self.bracket("[", Self::items),
            '(' => self.bracket("(", Self::tuple),
            '{' => self.bracket("{", Self::map_or_set),
            '-' | '+' => self.signed(),
            '\'' | '"' => self.strings(),
            '0'..='9' => self.number(),
            '.' if self.rest.starts_with("...") => {
                self.rest = self.rest.get(3..)?;
                Some(Value::str("..."))
            }
            '.' => self.number(),
            c if c.is_ascii_alphabetic() => self.word(),
            _ => None,
        }
    }

    fn bracket(&mut self, open: &str, inside: fn(&mut Self) -> Option<Value>) -> Option<Value> {
        self.take(open);
        let before = self.line_ends;
        self.line_ends = true;
        self.depth += 1;
        let value = if self.depth > MOST_DEPTH { None } else { inside(self) };
        self.depth -= 1;
        self.line_ends = before;
        value
    }

    fn items(&mut self) -> Option<Value> {
        let mut items = Vec::new();
        while !self.take("]") {
            items.push(self.value()?);
            if !self.take(",") {
                self.take("]").then_some(())?;
                break;
            }
        }
        Some(Value::list(items))
    }

    fn tuple(&mut self) -> Option<Value> {
        if self.take(")") {
            return Some(Value::list(Vec::new()));
        }
        let value = self.list_or_value()?;
        self.take(")").then_some(value)
    }

    fn map_or_set(&mut self) -> Option<Value> {
        if self.take("}") {
            return Some(Value::map(Map::default()));
        }
        let mut map = Map::default();
        let mut is_set = None;
        loop {
            let key = self.value()?;
            let value = if self.take(":") { Some(self.value()?) } else { None };
            if *is_set.get_or_insert(value.is_none()) != value.is_none() {
                return None;
            }
            if matches!(key.kind(), Kind::List(_) | Kind::Map(_)) {
                return None;
            }
            map.insert(key, value.unwrap_or_default());
            if !self.take(",") {
                self.take("}").then_some(())?;
                break;
            }
            if self.take("}") {
                break;
            }
        }
        Some(if is_set == Some(true) { Value::list(map.into_keys().collect()) } else { Value::map(map) })
    }

    fn signed(&mut self) -> Option<Value> {
        let negative = self.take("-");
        if !negative {
            self.take("+");
        }
        let first = self.peek()?;
        if !(first.is_ascii_digit() || first == '.') {
            return None;
        }
        let number = self.number()?;
        Some(match number.kind() {
            _ if !negative => number,
            Kind::Int(i) => Value::from(i.checked_neg()?),
            Kind::Float(f) => Value::from(-f),
            Kind::Big(big) => Value::big(-(**big).clone()),
            _ => return None,
        })
    }

    fn number(&mut self) -> Option<Value> {
        let text = self.rest;
        let lower = text.get(..2).unwrap_or_default().to_ascii_lowercase();
        let radix = match lower.as_str() {
            "0x" => 16,
            "0o" => 8,
            "0b" => 2,
            _ => 10,
        };
        if radix != 10 {
            let length = 2 + digits(text.get(2..)?, |c| c.is_digit(radix), true)?;
            self.end_of_number(length)?;
            let clean = text.get(2..length)?.replace('_', "");
            return BigInt::parse_bytes(clean.as_bytes(), radix).map(Value::big);
        }
        let decimal = |c: char| c.is_ascii_digit();
        let whole = digits(text, decimal, false).unwrap_or(0);
        let mut length = whole;
        let mut float = false;
        if text.get(length..)?.starts_with('.') {
            let fraction = digits(text.get(length + 1..)?, decimal, false).unwrap_or(0);
            if whole + fraction == 0 {
                return None;
            }
            length += 1 + fraction;
            float = true;
        }
        if text.get(length..)?.starts_with(['e', 'E']) {
            let sign = usize::from(text.get(length + 1..)?.starts_with(['+', '-']));
            length += 1 + sign + digits(text.get(length + 1 + sign..)?, decimal, false)?;
            float = true;
        }
        let clean = text.get(..length)?.replace('_', "");
        if let Some(rest) = text.get(length..)?.strip_prefix(['j', 'J']) {
            self.rest = rest;
            return Some(Value::str(format!("{clean}j")));
        }
        self.end_of_number(length)?;
        if float {
            return clean.parse::<f64>().ok().map(Value::from);
        }
        // `0644` is a syntax error in Python, `00` is not.
        if clean.len() > 1 && clean.starts_with('0') && clean.bytes().any(|b| b != b'0') {
            return None;
        }
        match clean.parse::<i64>() {
            Ok(small) => Some(Value::from(small)),
            Err(_) => BigInt::parse_bytes(clean.as_bytes(), 10).map(Value::big),
        }
    }

    fn end_of_number(&mut self, length: usize) -> Option<()> {
        let rest = self.rest.get(length..)?;
        if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.') {
            return None;
        }
        self.rest = rest;
        Some(())
    }

    fn word(&mut self) -> Option<Value> {
        let length = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(length);
        if rest.starts_with(['\'', '"']) {
            return self.strings();
        }
        let value = match word {
            "True" => Value::from(true),
            "False" => Value::from(false),
            "None" => Value::NULL,
            // The one call that Python takes for a literal: an empty set, which has no other notation.
            "set" => {
                self.rest = rest.strip_prefix("()")?;
                return Some(Value::list(Vec::new()));
            }
            _ => return None,
        };
        self.rest = rest;
        Some(value)
    }

    /// One string literal or several beside each other, which are one.
    fn strings(&mut self) -> Option<Value> {
        let mut out = String::new();
        loop {
            self.string(&mut out)?;
            let next = self.peek();
            let length = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
            let quoted = self.rest.get(length..).is_some_and(|rest| rest.starts_with(['\'', '"']));
            if !(matches!(next, Some('\'' | '"')) || (length > 0 && length <= 2 && quoted)) {
                return Some(Value::template(out));
            }
        }
    }

    fn string(&mut self, out: &mut String) -> Option<()> {
        let length = self.rest.find(|c: char| !c.is_ascii_alphabetic())?;
        let (prefix, rest) = self.rest.split_at(length);
        let prefix = prefix.to_ascii_lowercase();
        let raw = match prefix.as_str() {
            "" | "u" | "b" => false,
            "r" | "br" | "rb" => true,
            _ => return None,
        };
        let quote = rest.chars().next()?;
        let triple: String = [quote; 3].iter().collect();
        let long = rest.starts_with(&triple);
        let close = if long { triple } else { quote.to_string() };
        self.rest = rest.get(close.len()..)?;
        loop {
            if let Some(rest) = self.rest.strip_prefix(close.as_str()) {
                self.rest = rest;
                return Some(());
            }
            let c = self.rest.chars().next()?;
            self.rest = self.rest.get(c.len_utf8()..)?;
            match c {
                '\n' if !long => return None,
                '\\' => self.escape(raw, out)?,
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self, raw: bool, out: &mut String) -> Option<()> {
        let c = self.rest.chars().next()?;
        if raw {
            self.rest = self.rest.get(c.len_utf8()..)?;
            out.push('\\');
            out.push(c);
            return Some(());
        }
        let length = match c {
            'x' => 3,
            'u' => 5,
            'U' => 9,
            '0'..='7' => self.rest.chars().take(3).take_while(|c| c.is_digit(8)).count(),
            'N' => return None,
            c => c.len_utf8(),
        };
        let escape = self.rest.get(..length)?;
        self.rest = self.rest.get(length..)?;
        let code = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
        match c {
            '\n' => {}
            '\\' | '\'' | '"' => out.push(c),
            'a' => out.push('\u{7}'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\u{b}'),
            'x' | 'u' | 'U' => out.push(code(escape.get(1..)?, 16)?),
            '0'..='7' => out.push(code(escape, 8)?),
            c => {
                out.push('\\');
                out.push(c);
            }
        }
        Some(())
    }
}

/// How many characters are digits, single underscores between them allowed (or before them, behind `0x`).
fn digits(text: &str, is_digit: impl Fn(char) -> bool, mut underscore: bool) -> Option<usize> {
    let mut length = 0;
    for c in text.chars() {
        if c == '_' && underscore {
            underscore = false;
        } else if is_digit(c) {
            underscore = true;
        } else {
            break;
        }
        length += 1;
    }
    (length > 0 && !text.get(..length)?.ends_with('_')).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_literal_eval_makes_of_it() {
        let cases: &[(&str, &str)] = include!("testdata/literal.in");
        for (text, expected) in cases {
            let got = evaluate(text).unwrap_or_else(|| Value::str(*text)).repr();
            assert_eq!(got, *expected, "{text:?}");
        }
    }

    #[test]
    fn text_inside_is_template() {
        assert!(evaluate("['{{ x }}']").unwrap().is_template());
    }

    #[test]
    fn bottomless_brackets_are_text() {
        assert!(evaluate(&"[".repeat(10_000)).is_none());
    }
}
