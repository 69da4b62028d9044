//! `wordwrap`: lines no longer than a width, as Python's `textwrap` breaks them.

use shevek_diag::{Diagnostic, Result};
use shevek_pyre::Flags;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, count, given, string};
use shevek_python::regex::{compile, exhausted};
use shevek_python::text::{length, prefix, split_lines, str_of};

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["wordwrap"], markers: Markers::Propagate, run: wordwrap }];

/// Where `textwrap` can break a line: at white space, after hyphens within words, at dashes.
const CHUNKS: &str = r#"([\t\n\x0b\x0c\r ]+|(?<=[\w!"'&.,?])-{2,}(?=\w)|[^\t\n\x0b\x0c\r ]+?(?:-(?:(?<=[^\d\W]{2}-)|(?<=[^\d\W]-[^\d\W]-))(?=[^\d\W]-?[^\d\W])|(?=[\t\n\x0b\x0c\r ]|\Z)|(?<=[\w!"'&.,?])(?=-{2,}\w)))"#;
const CHUNKS_AT_SPACE: &str = r"([\t\n\x0b\x0c\r ]+)";

fn wordwrap(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([text], [width, break_long_words, wrapstring, break_on_hyphens]) =
        bind(arguments, ["s"], ["width", "break_long_words", "wrapstring", "break_on_hyphens"])?;
    let width = count(width, "width", 79)?;
    if width == 0 {
        return Err(Diagnostic::new("invalid width").detail("invalid width 0 (must be > 0)"));
    }
    let newline = given(wrapstring).map_or_else(|| "\n".into(), str_of);
    let hyphens = break_on_hyphens.is_none_or(Value::is_true);
    let long_words = break_long_words.is_none_or(Value::is_true);
    let mut lines = Vec::new();
    for line in split_lines(string(text, "s")?) {
        lines.push(wrap(line, width, long_words, hyphens)?.join(&newline));
    }
    Ok(Value::from(lines.join(&newline)))
}

/// `textwrap.wrap` without expanding or replacing white space.
fn wrap(line: &str, width: usize, long_words: bool, hyphens: bool) -> Result<Vec<String>> {
    let regex = compile(&Value::from(if hyphens { CHUNKS } else { CHUNKS_AT_SPACE }), Flags::NONE)?;
    let parts = regex.split(line, 0).map_err(exhausted)?;
    let mut chunks: Vec<String> =
        parts.into_iter().flatten().filter(|part| !part.is_empty()).map(str::to_owned).collect();
    chunks.reverse();
    let blank = |chunk: Option<&String>| chunk.is_some_and(|chunk| chunk.trim_matches(is_blank).is_empty());
    let mut lines = Vec::new();
    while !chunks.is_empty() {
        let mut current: Vec<String> = Vec::new();
        let mut taken = 0;
        if !lines.is_empty() && blank(chunks.last()) {
            chunks.pop();
        }
        while let Some(chunk) = chunks.last() {
            let size = length(chunk);
            if taken + size > width {
                break;
            }
            taken += size;
            current.extend(chunks.pop());
        }
        if chunks.last().is_some_and(|chunk| length(chunk) > width) {
            break_word(&mut chunks, &mut current, width.saturating_sub(taken), (long_words, hyphens));
        }
        if blank(current.last()) {
            current.pop();
        }
        if !current.is_empty() {
            lines.push(current.concat());
        }
    }
    Ok(lines)
}

fn is_blank(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ')
}

/// Puts as much of a word that is longer than a line as fits, or all of it on a line of its own.
fn break_word(chunks: &mut Vec<String>, current: &mut Vec<String>, room: usize, how: (bool, bool)) {
    let (long_words, hyphens) = how;
    if !long_words {
        if current.is_empty() {
            current.extend(chunks.pop());
        }
        return;
    }
    let Some(chunk) = chunks.pop() else { return };
    let mut end = prefix(&chunk, room).len();
    if hyphens && length(&chunk) > room {
        // Better after a hyphen, if there is more than hyphens before it.
        let hyphen = chunk.get(..end).and_then(|start| start.rfind('-'));
        if let Some(hyphen) = hyphen.filter(|at| *at > 0)
            && chunk.get(..hyphen).is_some_and(|start| start.chars().any(|c| c != '-'))
        {
            end = hyphen + 1;
        }
    }
    let (start, rest) = chunk.split_at(end);
    current.push(start.to_owned());
    if !rest.is_empty() {
        chunks.push(rest.to_owned());
    }
}
