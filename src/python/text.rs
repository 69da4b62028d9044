//! Python's text: `str`, white space, lines and case.

use std::borrow::Cow;

use shevek_value::Value;

/// `str(value)`.
pub fn str_of(value: &Value) -> Cow<'_, str> {
    match value.as_str() {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(value.text()),
    }
}

/// Whether `str.isspace` holds: Unicode's white space and the separators 0x1c to 0x1f.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// `str.strip`, of white space or of any of the characters.
pub fn strip<'a>(text: &'a str, characters: Option<&str>) -> &'a str {
    match characters {
        None => text.trim_matches(is_space),
        Some(set) => text.trim_matches(|c| set.contains(c)),
    }
}

/// `str.splitlines()`.
pub fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some(end) = rest.find(is_line_end) else {
            lines.push(rest);
            break;
        };
        let (line, after) = rest.split_at(end);
        lines.push(line);
        rest = after.strip_prefix("\r\n").unwrap_or_else(|| {
            let mut chars = after.chars();
            chars.next();
            chars.as_str()
        });
    }
    lines
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// `str.lower`.
pub fn lower(text: &str) -> String {
    text.to_lowercase()
}

/// `str.upper`.
pub fn upper(text: &str) -> String {
    text.to_uppercase()
}

/// `str.capitalize`: the first letter in title case, the rest lower.
pub fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        None => String::new(),
        Some(first) => {
            let mut out = title_case(first);
            out.push_str(&chars.as_str().to_lowercase());
            out
        }
    }
}

/// A letter as it stands at the start of a word: `ß` is `Ss` there, not `SS`.
fn title_case(c: char) -> String {
    let mut upper = c.to_uppercase();
    let first = upper.next().map(String::from).unwrap_or_default();
    upper.flat_map(char::to_lowercase).fold(first, |mut out, c| {
        out.push(c);
        out
    })
}

/// The first characters of text.
pub fn prefix(text: &str, characters: usize) -> &str {
    match text.char_indices().nth(characters) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

/// How many characters.
pub fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_in_python() {
        assert_eq!(split_lines("a\r\nb\n\nc\u{2028}d\n"), ["a", "b", "", "c", "d"]);
        assert!(split_lines("").is_empty());
    }

    #[test]
    fn only_the_first_letter_is_a_capital() {
        assert_eq!(capitalize("éCOLE dE"), "École de");
        assert_eq!(capitalize("ßa"), "Ssa");
    }
}
