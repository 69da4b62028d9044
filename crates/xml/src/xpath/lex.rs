//! The words of an expression.

use crate::characters::{in_name, is_blank, starts_name};
use crate::error::Wrong;

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    /// A sign, or an operator that is a name.
    Sign(&'static str),
    Number(f64),
    Literal(String),
    /// A name, with its prefix.
    Name(Option<String>, String),
    /// `prefix:*`.
    Prefix(String),
    Variable,
}

const SIGNS: &[&str] = &[
    "::", "//", "..", "!=", "<=", ">=", "(", ")", "[", "]", ".", "@", ",", "/", "|", "+", "-", "=", "<", ">",
    "*",
];
const NAMED: &[&str] = &["and", "or", "mod", "div"];

/// Splits an expression.
pub(super) fn words(text: &str) -> Result<Vec<Word>, Wrong> {
    let invalid = || Wrong::syntax("Invalid expression");
    let mut words: Vec<Word> = Vec::new();
    let mut rest = text.trim_start_matches(is_blank);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => {
                let body = rest.get(1..).unwrap_or_default();
                let end = body.find(first).ok_or_else(|| Wrong::syntax("Unfinished literal"))?;
                words.push(Word::Literal(body.get(..end).unwrap_or_default().to_owned()));
                end + 2
            }
            '$' => {
                let end = rest.get(1..).unwrap_or_default().find(|c| !in_name(c) && c != ':');
                words.push(Word::Variable);
                end.map_or(rest.len(), |end| end + 1)
            }
            _ if first.is_ascii_digit() || is_fraction(rest) => {
                let end = number_end(rest);
                let number = rest.get(..end).unwrap_or_default();
                words.push(Word::Number(number.parse().map_err(|_| invalid())?));
                end
            }
            _ if starts_name(first) => {
                let (word, end) = name(rest, takes_operator(words.last()));
                words.push(word);
                end
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign)).ok_or_else(invalid)?;
                // Where an operator is due, the star is one.
                let is_times = *sign == "*" && takes_operator(words.last());
                words.push(Word::Sign(if is_times { "times" } else { sign }));
                sign.len()
            }
        };
        rest = rest.get(length..).unwrap_or_default().trim_start_matches(is_blank);
    }
    Ok(words)
}

fn is_fraction(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next() == Some('.') && letters.next().is_some_and(|c| c.is_ascii_digit())
}

fn number_end(text: &str) -> usize {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let whole = digits(text);
    match text.get(whole..).and_then(|rest| rest.strip_prefix('.')) {
        Some(fraction) => whole + 1 + digits(fraction),
        None => whole,
    }
}

/// Whether an operator is due after a word.
fn takes_operator(before: Option<&Word>) -> bool {
    match before {
        None => false,
        Some(Word::Sign(sign)) => matches!(*sign, ")" | "]" | "." | ".." | "*"),
        Some(_) => true,
    }
}

fn name(text: &str, takes_operator: bool) -> (Word, usize) {
    let end = |text: &str| text.find(|c| !in_name(c)).unwrap_or(text.len());
    let length = end(text);
    let first = text.get(..length).unwrap_or_default();
    if takes_operator && let Some(operator) = NAMED.iter().find(|operator| **operator == first) {
        return (Word::Sign(operator), length);
    }
    let plain = || (Word::Name(None, first.to_owned()), length);
    match text.get(length..).and_then(|rest| rest.strip_prefix(':')) {
        Some(rest) if rest.starts_with('*') => (Word::Prefix(first.to_owned()), length + 2),
        Some(rest) if rest.starts_with(starts_name) => {
            let second = end(rest);
            let name = rest.get(..second).unwrap_or_default().to_owned();
            (Word::Name(Some(first.to_owned()), name), length + 1 + second)
        }
        _ => plain(),
    }
}
