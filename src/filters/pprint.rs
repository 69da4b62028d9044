//! `pprint`: a value as Python's `pprint` shows it.
//!
//! Ansible's own containers are no Python lists and mappings to `pprint`: they stay on one line. Only text is broken, into
//! lines of 80 characters.

use shevek_diag::Result;
use shevek_python::arguments::bind;
use shevek_python::text::length;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Value, string_repr};

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["pprint"], markers: Markers::Propagate, run: pprint }];

const WIDTH: usize = 80;

fn pprint(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    let repr = value.repr();
    Ok(Value::from(match value.as_str() {
        Some(text) if length(&repr) > WIDTH => pieces(text),
        _ => repr,
    }))
}

/// Long text in pieces, broken at line ends and behind white space. A bracket around them takes a place on each side.
fn pieces(text: &str) -> String {
    let width = WIDTH - 1;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut pieces: Vec<String> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let last_line = at + 1 == lines.len();
        let repr = string_repr(line);
        if length(&repr) <= width - usize::from(last_line) {
            pieces.push(repr);
            continue;
        }
        let words = words(line);
        let mut current = String::new();
        for (number, word) in words.iter().enumerate() {
            let candidate = format!("{current}{word}");
            let end = last_line && number + 1 == words.len();
            if length(&string_repr(&candidate)) > width - usize::from(end) {
                if !current.is_empty() {
                    pieces.push(string_repr(&current));
                }
                current = (*word).to_owned();
            } else {
                current = candidate;
            }
        }
        if !current.is_empty() {
            pieces.push(string_repr(&current));
        }
    }
    match pieces.as_slice() {
        [only] => only.clone(),
        pieces => format!("({})", pieces.join("\n ")),
    }
}

/// Words, each with the white space behind it.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let space = rest.get(word..).unwrap_or("");
        let end = word + space.find(|c: char| !c.is_whitespace()).unwrap_or(space.len());
        let (piece, after) = rest.split_at(end);
        words.push(piece);
        rest = after;
    }
    words
}
