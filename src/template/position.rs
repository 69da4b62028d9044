//! Where in a file a place in a template is.

use shevek_diag::Origin;

/// The place of a byte of a text that is a file itself, or a part of one from `origin` on.
pub(crate) fn in_file(origin: &Origin, text: &str, at: u32) -> Origin {
    let before = text.get(..at as usize).unwrap_or(text);
    let lines = u32::try_from(before.matches('\n').count()).unwrap_or(u32::MAX);
    let last = before.rsplit('\n').next().unwrap_or("");
    let column = u32::try_from(last.chars().count()).unwrap_or(u32::MAX);
    let column = if lines == 0 { origin.column.saturating_add(column) } else { column.saturating_add(1) };
    Origin { source: origin.source.clone(), line: origin.line.saturating_add(lines), column }
}

/// The place of a byte of a YAML scalar that begins at `origin`: walks scalar and source side by side, past what YAML
/// takes away (quotes, escapes, indentation, folded lines).
pub(crate) fn in_scalar(origin: &Origin, text: &str, at: u32) -> Origin {
    let source = origin.source.text();
    let start = origin.source.offset(origin.line, origin.column);
    let Some(written) = source.get(start..) else { return origin.clone() };
    let wanted = text.get(..at as usize).unwrap_or(text);
    match offset_in(written, text, wanted.len()) {
        Some(offset) => in_file(origin, written, u32::try_from(offset).unwrap_or(u32::MAX)),
        None => origin.clone(),
    }
}

/// The offset in the written form of a scalar that stands for an offset of its text.
fn offset_in(written: &str, text: &str, wanted: usize) -> Option<usize> {
    let (mut rest, quote) = match written.chars().next()? {
        quote @ ('\'' | '"') => (written.get(1..)?, Some(quote)),
        '|' | '>' => (written.split_once('\n')?.1, None),
        _ => (written, None),
    };
    let here = |rest: &str| written.len() - rest.len();
    for (offset, c) in text.char_indices() {
        if c.is_whitespace() {
            if offset >= wanted {
                return Some(here(rest));
            }
            // A space or newline of the text is any white space of the source, with indentation after newlines.
            let next = rest.chars().next()?;
            if quote == Some('"') && next == '\\' {
                rest = rest.get(2..)?;
            } else if next == '\n' || next == '\r' || c == '\n' {
                rest = rest.trim_start();
            } else if next.is_whitespace() {
                rest = rest.get(next.len_utf8()..)?;
            }
            continue;
        }
        // Indentation, and line ends that folding took away.
        if !rest.starts_with(c) {
            rest = rest.trim_start();
        }
        if offset >= wanted {
            return Some(here(rest));
        }
        rest = match (quote, rest.chars().next()?) {
            (Some('\''), '\'') => rest.get(2..)?,
            (Some('"'), '\\') => {
                let length = match rest.as_bytes().get(1)? {
                    b'x' => 4,
                    b'u' => 6,
                    b'U' => 10,
                    _ => 2,
                };
                rest.get(length..)?
            }
            (_, next) => rest.get(next.len_utf8()..)?,
        };
    }
    Some(here(rest))
}

#[cfg(test)]
mod tests {
    use shevek_diag::{Origin, Source};

    use super::in_scalar;

    fn place(yaml: &str, line: u32, column: u32, text: &str, mark: &str) -> (u32, u32) {
        let source = Source::new("x.yml", yaml);
        let at = u32::try_from(text.find(mark).unwrap()).unwrap();
        let found = in_scalar(&Origin { source, line, column }, text, at);
        (found.line, found.column)
    }

    #[test]
    fn finds_places_in_every_style() {
        assert_eq!(place("a: x {{ nope }}\n", 1, 4, "x {{ nope }}", "nope"), (1, 9));
        assert_eq!(place("a: \"x\\t{{ nope }}\"\n", 1, 4, "x\t{{ nope }}", "nope"), (1, 11));
        assert_eq!(place("a: 'it''s {{ nope }}'\n", 1, 4, "it's {{ nope }}", "nope"), (1, 14));
        assert_eq!(
            place("a: |\n  one\n    two {{ nope }}\n", 1, 4, "one\n  two {{ nope }}\n", "nope"),
            (3, 12)
        );
        assert_eq!(place("a: >-\n  one\n  two {{ nope }}\n", 1, 4, "one two {{ nope }}", "nope"), (3, 10));
    }
}
