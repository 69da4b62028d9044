//! `match`, `search`, `regex`.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Markers, Test};
use shevek_value::Value;

use crate::regex::flags;
use shevek_python::arguments::bind;
use shevek_python::regex::{compile, exhausted};
use shevek_python::text::str_of;

pub(crate) const TESTS: &[Test] = &[
    Test { names: &["match"], markers: Markers::Propagate, run: |_, a| of(a, "match") },
    Test { names: &["search"], markers: Markers::Propagate, run: |_, a| of(a, "search") },
    Test { names: &["regex"], markers: Markers::Propagate, run: |_, a| regex(a) },
];

fn of(arguments: &Arguments, kind: &str) -> Result<bool> {
    let ([value], [pattern, ignorecase, multiline]) =
        bind(arguments, ["value"], ["pattern", "ignorecase", "multiline"])?;
    found(value, pattern, (ignorecase, multiline), kind)
}

fn regex(arguments: &Arguments) -> Result<bool> {
    let ([], [value, pattern, ignorecase, multiline, kind]) =
        bind(arguments, [], ["value", "pattern", "ignorecase", "multiline", "match_type"])?;
    let kind = kind.map_or_else(|| "search".to_owned(), Value::text);
    found(value.unwrap_or(&Value::from("")), pattern, (ignorecase, multiline), &kind)
}

fn found(
    value: &Value,
    pattern: Option<&Value>,
    (ignorecase, multiline): (Option<&Value>, Option<&Value>),
    kind: &str,
) -> Result<bool> {
    let text = str_of(value);
    let empty = Value::from("");
    let regex = compile(pattern.unwrap_or(&empty), flags(ignorecase, multiline))?;
    let found = match kind {
        "match" => regex.match_start(&text),
        "fullmatch" => regex.full_match(&text),
        _ => regex.search(&text),
    };
    Ok(found.map_err(exhausted)?.is_some())
}
