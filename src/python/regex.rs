//! Compiled patterns, kept: a filter in a loop compiles its pattern once.

use std::cell::RefCell;
use std::collections::HashMap;

use shevek_diag::{Diagnostic, Result};
use shevek_pyre::{Exhausted, Flags, Regex};
use shevek_value::Value;

/// As many as Python keeps.
const KEPT: usize = 512;

thread_local! {
    static COMPILED: RefCell<HashMap<(String, Flags), Regex>> = RefCell::new(HashMap::new());
}

/// Compiles the pattern of a filter's argument.
pub fn compile(pattern: &Value, flags: Flags) -> Result<Regex> {
    let text = pattern.as_str().ok_or_else(|| {
        Diagnostic::new("wrong type of argument")
            .detail(format!("the pattern must be text, not {}", pattern.type_name()))
            .at_maybe(pattern.origin(), "")
    })?;
    let key = (text.to_owned(), flags);
    if let Some(known) = COMPILED.with_borrow(|kept| kept.get(&key).cloned()) {
        return Ok(known);
    }
    let regex = Regex::new(text, flags).map_err(|error| {
        Diagnostic::new("not a regular expression")
            .detail(format!("{error}: {text}"))
            .at_maybe(pattern.origin(), "")
    })?;
    COMPILED.with_borrow_mut(|kept| {
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, regex.clone());
    });
    Ok(regex)
}

/// Says that a search was given up.
pub fn exhausted(error: Exhausted) -> Box<Diagnostic> {
    Diagnostic::new("the search takes too long").detail(error.to_string())
}
