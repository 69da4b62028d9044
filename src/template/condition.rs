//! Conditions: `when`, `changed_when`, `failed_when`, `until`, `that`.

use shevek_diag::{Diagnostic, Result};
use shevek_value::{Flags, Kind, Value};

use crate::evaluate::{Eval, Fault, Finish, Machine};
use crate::{Scope, Templar};

/// What a condition came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    Yes,
    /// It doesn't.
    No,
    /// A check run can't know: why.
    Undecided(Box<Diagnostic>),
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Truth::Yes } else { Truth::No }
    }
}

pub(crate) fn condition(templar: &Templar, value: &Value, scope: &dyn Scope) -> Result<Truth> {
    let mut machine = Machine::new(templar, scope);
    machine.renders_embedded = true;
    let result = evaluate(templar, &machine, value).and_then(|result| machine.finish(result, Finish::Stored));
    let result = match result {
        Ok(result) => result,
        Err(fault) if Templar::is_unknown(&fault) => return Ok(Truth::Undecided(machine.report(fault))),
        Err(fault) => return Err(machine.report(fault).or_at(value.origin())),
    };
    if let Some(holds) = result.as_bool() {
        return Ok(holds.into());
    }
    if is_strict(scope) {
        return Err(Diagnostic::new("a condition is neither true nor false")
            .detail(format!("the result is of type '{}'", result.type_name()))
            .at_maybe(value.origin(), "")
            .help("say what is meant: `x | length > 0`, `x is defined`, `x | bool`"));
    }
    let holds = result.is_true();
    let detail = format!(
        "the result is of type '{}', which counts as {}; newer Ansible takes only true and false",
        result.type_name(),
        if holds { "true" } else { "false" }
    );
    scope.warn(
        Diagnostic::warning("a condition is neither true nor false")
            .detail(detail)
            .at_maybe(value.origin(), "")
            .help("say what is meant: `x | length > 0`, `x is defined`, `x | bool`"),
    );
    Ok(holds.into())
}

fn evaluate(templar: &Templar, machine: &Machine<'_>, value: &Value) -> Eval<Value> {
    let Some(text) = value.as_str() else {
        return match value.kind() {
            Kind::Bool(_) => Ok(value.clone()),
            Kind::Null => empty(machine, value),
            _ => machine.finish(value.clone(), Finish::Stored),
        };
    };
    let text = text.trim();
    if text.is_empty() {
        return empty(machine, value);
    }
    let is_trusted = value.is_template() || value.flags().has(Flags::WRITTEN);
    if is_trusted && (!is_all_template(text) || text.matches("{{").count() > 1) {
        return match without_delimiters(templar, machine, value, text) {
            Some(bare) => templar.evaluate(machine, &bare),
            None => templar.evaluate(machine, value),
        };
    }
    if !value.is_template() {
        return Err(Fault::Error(
            Diagnostic::new("Encountered untrusted template or expression.")
                .detail("the text comes from outside of the playbook, and is not evaluated")
                .at_maybe(value.origin(), ""),
        ));
    }
    let result = machine.render_template(&Value::template(text).from_where(value), None)?;
    let result = machine.finish(result, Finish::Stored)?;
    let Some(inner) = result.as_str() else {
        machine.scope.warn(
            Diagnostic::warning("a condition is written with {{ }}")
                .detail("conditions are expressions already")
                .at_maybe(value.origin(), "")
                .help("leave the {{ }} away"),
        );
        return Ok(result);
    };
    if inner.trim().is_empty() {
        return empty(machine, value);
    }
    match inner.trim() {
        // What other templates make of truth values.
        "True" | "true" => return Ok(Value::from(true)),
        "False" | "false" => return Ok(Value::from(false)),
        _ => {}
    }
    // Only text that stands in a playbook as it is may be an expression in turn; what was computed or came from a host
    // never is.
    if result.flags().has(Flags::WRITTEN) {
        return templar.evaluate(machine, &result);
    }
    Err(Fault::Error(
        Diagnostic::new("Encountered untrusted template or expression.")
            .detail("the text in {{ }} was computed, and is not evaluated again")
            .at_maybe(value.origin(), "")
            .help("write the condition without {{ }}"),
    ))
}

/// `{{ a }} == {{ b }}` as `(a) == (b)`, of the same length so that places stay right; `None`: that isn't what it is.
///
/// Differs from Ansible: 2.19 refuses it, older ones took it (and evaluated whatever the variables held).
fn without_delimiters(templar: &Templar, machine: &Machine<'_>, value: &Value, text: &str) -> Option<Value> {
    if !text.contains("{{") || text.contains("{%") || !value.is_template() {
        return None;
    }
    let mut bare = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let (mut quote, mut open) = (None, 0_u32);
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(mark), c) if c == mark => quote = None,
            (Some(_), '\\') => {
                bare.push(c);
                bare.extend(chars.next());
                continue;
            }
            (None, '\'' | '"') => quote = Some(c),
            (None, '{') if chars.next_if_eq(&'{').is_some() => {
                open += 1;
                bare.push_str(" (");
                continue;
            }
            (None, '}') if open > 0 && chars.next_if_eq(&'}').is_some() => {
                open -= 1;
                bare.push_str(") ");
                continue;
            }
            _ => {}
        }
        bare.push(c);
    }
    if bare == text || templar.parsed_expression(&bare, None).is_err() {
        return None;
    }
    machine.scope.warn(
        Diagnostic::warning("a condition is written with {{ }}")
            .detail("conditions are expressions already")
            .at_maybe(value.origin(), "")
            .help("leave the {{ }} away"),
    );
    Some(Value::from(bare).from_where(value))
}

/// A condition that says nothing, which older versions take to hold.
fn empty(machine: &Machine<'_>, value: &Value) -> Eval<Value> {
    if is_strict(machine.scope) {
        return Err(Fault::Error(
            Diagnostic::new("Empty conditional expressions are not allowed.").at_maybe(value.origin(), ""),
        ));
    }
    machine.scope.warn(
        Diagnostic::warning("an empty condition")
            .detail("it says nothing, and counts as true; newer Ansible refuses it")
            .at_maybe(value.origin(), ""),
    );
    Ok(Value::from(true))
}

/// Whether conditions have to be true or false.
///
/// Differs from Ansible: ALLOW_BROKEN_CONDITIONALS is set unless somebody says no, so that playbooks of both worlds run.
fn is_strict(scope: &dyn Scope) -> bool {
    scope.setting("ALLOW_BROKEN_CONDITIONALS").and_then(|allowed| allowed.as_bool()) == Some(false)
}

/// Whether text begins and ends with the marks of a template.
pub(crate) fn is_all_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|start| text.starts_with(start))
        && ["}}", "%}", "#}"].iter().any(|end| text.ends_with(end))
}
