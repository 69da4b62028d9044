//! Ansible's old way of writing arguments: `copy: src=a dest="b c"`.

use shevek_diag::{Diagnostic, Result};
use shevek_value::{Flags, Map, Value};

/// What a module makes of words without `=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreeForm {
    /// A command line (`command`, `shell`, `script`, `raw`, `win_command` …): only a command's own options are
    /// options, all else stays in `_raw_params` as it was written.
    Command,
    /// Any `name=value` is an option; what is left goes to `_raw_params`.
    Other,
}

/// Options that a command line can carry.
const OF_COMMANDS: [&str; 8] =
    ["creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends"];

/// Takes `name=value` text apart. What has no `=` is put together again under `_raw_params`.
///
/// All values are text, templates where the text is one, at the text's place.
pub fn parse(text: &Value, free_form: FreeForm) -> Result<Map> {
    let written = text.as_str().unwrap_or_default();
    let trusted = text.flags().has(Flags::TEMPLATE) || text.flags().has(Flags::WRITTEN);
    let secret = text.is_secret();
    let value = |part: &str| {
        let value = if trusted { Value::template(part) } else { Value::str(part) };
        let value = if secret { value.secret() } else { value };
        value.from_where(text)
    };
    let mut options = Map::default();
    let mut raw: Vec<String> = Vec::new();
    for word in split(written).map_err(|why| why.at_maybe(text.origin(), ""))? {
        let decoded = decode_escapes(&word);
        match name_and_value(&decoded) {
            Some((name, part)) => {
                if free_form == FreeForm::Command && !OF_COMMANDS.contains(&name) {
                    raw.push(word);
                } else {
                    options.insert(value(name.trim()), value(unquote(part.trim())));
                }
            }
            None if decoded.contains('=') => raw.push(decoded.replace("\\=", "=")),
            None => raw.push(word),
        }
    }
    if !raw.is_empty() {
        options.insert(Value::str("_raw_params").from_where(text), value(&join(&raw)));
    }
    Ok(options)
}

/// Splits at the first `=` that is neither the first character nor escaped.
fn name_and_value(word: &str) -> Option<(&str, &str)> {
    let equals = word.match_indices('=').map(|(at, _)| at);
    let at = equals.filter(|at| *at > 0).find(|at| !word.get(..*at).unwrap_or_default().ends_with('\\'))?;
    Some((word.get(..at)?, word.get(at + 1..)?))
}

/// The text without the quotes around it, if it is quoted all round.
pub fn unquote(text: &str) -> &str {
    let inner =
        |quote: char| text.strip_prefix(quote)?.strip_suffix(quote).filter(|inner| !inner.ends_with('\\'));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// Puts words together again that [`split`] took apart.
pub fn join(words: &[String]) -> String {
    let mut out = String::new();
    for word in words {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// How many blocks of one kind are open.
#[derive(Default)]
struct Depth(usize);

impl Depth {
    /// Counts a word's openings and closings; whether that changed the depth.
    fn count(&mut self, word: &str, [open, close]: [&str; 2]) -> bool {
        let before = self.0;
        self.0 = (before + word.matches(open).count()).saturating_sub(word.matches(close).count());
        before != self.0
    }
}

/// Splits at white space, but not inside quotes or template blocks. White space and newlines inside are kept, so that
/// [`join`] gives the text back.
pub fn split(text: &str) -> Result<Vec<String>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut words = Words::default();
    let mut quote: Option<char> = None;
    let mut blocks = [Depth::default(), Depth::default(), Depth::default()];
    let marks = [["{{", "}}"], ["{%", "%}"], ["{#", "#}"]];
    let lines: Vec<&str> = text.split('\n').collect();
    for (number, line) in lines.iter().enumerate() {
        let mut continued = false;
        for (position, token) in line.split(' ').enumerate() {
            if token.is_empty() && position > 0 {
                words.last().push(' ');
                continue;
            }
            if token == "\\" && quote.is_none() {
                continued = true;
                continue;
            }
            let was_quoted = quote.is_some();
            quote = quote_after(token, quote);
            let in_block = blocks.iter().any(|depth| depth.0 > 0);
            let mut taken = false;
            if quote.is_some() && !was_quoted && !in_block {
                words.push(token);
                taken = true;
            } else if in_block || quote.is_some() || was_quoted {
                let word = words.last();
                if position > 0 {
                    word.push(' ');
                }
                word.push_str(token);
                taken = true;
            }
            for (depth, marks) in blocks.iter_mut().zip(marks) {
                if depth.count(token, marks) && !taken {
                    words.push(token);
                    taken = true;
                }
            }
            let open = quote.is_some() || blocks.iter().any(|depth| depth.0 > 0);
            if !open && !taken && !token.is_empty() {
                words.push(token);
            }
        }
        if number + 1 < lines.len() && !continued {
            words.last().push('\n');
        }
    }
    if quote.is_some() || blocks.iter().any(|depth| depth.0 > 0) {
        return Err(Diagnostic::new("failed at splitting arguments")
            .detail(format!("either an unbalanced jinja2 block or quotes: {text}")));
    }
    words.done.extend(words.last);
    Ok(words.done)
}

/// Words, the last of which still grows.
#[derive(Default)]
struct Words {
    done: Vec<String>,
    last: Option<String>,
}

impl Words {
    fn push(&mut self, word: &str) {
        self.done.extend(self.last.replace(word.to_owned()));
    }

    fn last(&mut self) -> &mut String {
        self.last.get_or_insert_default()
    }
}

/// The quote that is open after a word.
fn quote_after(word: &str, open: Option<char>) -> Option<char> {
    let mut open = open;
    let mut before = None;
    for c in word.chars() {
        if matches!(c, '"' | '\'') && before != Some('\\') {
            open = match open {
                Some(quote) if quote == c => None,
                None => Some(c),
                other => other,
            };
        }
        before = Some(c);
    }
    open
}

/// Python's escapes in text: `\n`, `\t`, `\x41`, `\u00e9` and so on; others stay as they are.
fn decode_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('\\') {
        out.push_str(plain);
        match escape(after) {
            Some((c, length)) => {
                out.push(c);
                rest = after.get(length..).unwrap_or_default();
            }
            None => {
                out.push('\\');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The character of an escape whose backslash is gone, and how many bytes it takes.
fn escape(after: &str) -> Option<(char, usize)> {
    let hex = |digits: usize| {
        let digits = after.get(1..1 + digits).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, 1 + digits.len()))
    };
    let simple = match after.chars().next()? {
        'U' => return hex(8),
        'u' => return hex(4),
        'x' => return hex(2),
        c @ ('\\' | '\'' | '"') => c,
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        _ => return None,
    };
    Some((simple, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, free_form: FreeForm) -> String {
        match parse(&Value::template(text), free_form) {
            Ok(map) => Value::map(map).repr(),
            Err(why) => why.message(),
        }
    }

    #[test]
    fn options_and_free_form_come_apart_as_in_ansible() {
        for (text, expected) in include!("testdata/key_value.in") {
            assert_eq!(shown(text, FreeForm::Other), *expected, "{text:?}");
        }
    }

    #[test]
    fn a_command_keeps_what_is_not_its_own_option() {
        for (text, expected) in include!("testdata/key_value_command.in") {
            assert_eq!(shown(text, FreeForm::Command), *expected, "{text:?}");
        }
    }

    #[test]
    fn values_are_templates_at_the_place_of_the_text() {
        let source = shevek_diag::Source::new("x", "");
        let text = Value::template("a={{ b }} c=d").at(shevek_diag::Origin::whole(&source));
        let map = parse(&text, FreeForm::Other).unwrap();
        assert!(map["a"].is_template() && !map["c"].is_template());
        assert!(map["c"].origin().is_some());
        assert!(!parse(&Value::str("a={{ b }}"), FreeForm::Other).unwrap()["a"].is_template());
    }
}
