//! Keywords of a task, rendered.

use shevek_actions::truth;
use shevek_diag::{Diagnostic, Kind, Result};
use shevek_playbook::Task;
use shevek_value::Value;
use shevek_vars::HostScope;

use crate::unknown;

/// When the debugger may open.
const DEBUGGER: [&str; 5] = ["on_unreachable", "on_skipped", "on_failed", "never", "always"];

/// A keyword's value; `None`: not set, or `omit`ted.
pub(crate) fn value(scope: &HostScope, written: Option<&Value>) -> Result<Option<Value>> {
    let Some(written) = written else { return Ok(None) };
    let value =
        if written.is_template() { scope.fleet().templar.render(written, scope)? } else { written.clone() };
    Ok(Some(value).filter(|value| !value.is_omit() && !value.is_null()))
}

/// A keyword as text.
pub(crate) fn text(scope: &HostScope, written: Option<&Value>) -> Result<Option<String>> {
    Ok(value(scope, written)?.map(|value| value.text()).filter(|text| !text.is_empty()))
}

/// A keyword as a truth value.
pub(crate) fn flag(scope: &HostScope, name: &str, written: Option<&Value>) -> Result<Option<bool>> {
    let value = value(scope, written).map_err(|error| unusable(name, error))?;
    let Some(value) = value else { return Ok(None) };
    truth(&value).map(Some).ok_or_else(|| unfit(name, "bool", &value, written))
}

/// A keyword as a number.
pub(crate) fn number(scope: &HostScope, name: &str, written: Option<&Value>) -> Result<Option<f64>> {
    let value = value(scope, written).map_err(|error| unusable(name, error))?;
    let Some(value) = value else { return Ok(None) };
    let number = value.as_float().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    number.map(Some).ok_or_else(|| unfit(name, "int", &value, written))
}

/// A keyword as a number that may have a percent sign behind it.
pub(crate) fn percentage(scope: &HostScope, name: &str, written: Option<&Value>) -> Result<Option<f64>> {
    let value = value(scope, written).map_err(|error| unusable(name, error))?;
    let bare = value.map(|value| match value.as_str() {
        Some(text) => Value::from(text.replace('%', "")),
        None => value,
    });
    number(scope, name, bare.as_ref()).map_err(|error| error.or_at(written.and_then(Value::origin)))
}

/// A keyword as a list of texts; text alone is a list of one.
pub(crate) fn list(scope: &HostScope, written: Option<&Value>) -> Result<Vec<String>> {
    Ok(match value(scope, written)? {
        None => Vec::new(),
        Some(value) => match value.as_list() {
            Some(items) => items.iter().map(Value::text).collect(),
            None => vec![value.text()],
        },
    })
}

/// Whether keywords of a task that its action may have no use for have values that they can have: a task with one that
/// has not fails all the same.
pub(crate) fn all_fit(scope: &HostScope, task: &Task) -> Result<()> {
    let keywords = &task.keywords;
    for (name, written) in [("port", &keywords.port), ("delay", &task.delay), ("poll", &task.poll)] {
        number(scope, name, written.as_ref())?;
    }
    let texts = [
        ("connection", &keywords.connection),
        ("remote_user", &keywords.remote_user),
        ("notify", &keywords.notify),
        ("become_user", &keywords.become_user),
        ("become_method", &keywords.become_method),
        ("become_flags", &keywords.become_flags),
        ("become_exe", &keywords.become_exe),
        ("debugger", &keywords.debugger),
    ];
    for (name, written) in texts {
        if let Some(written) = written.as_ref().filter(|written| written.is_template()) {
            match value(scope, Some(written)) {
                // A task can be done without knowing yet whom it notifies.
                Err(error) if name == "notify" && unknown::is_cause(&error) => {}
                read => drop(read.map_err(|error| unusable(name, error))?),
            }
        }
    }
    let word = text(scope, keywords.debugger.as_ref())?;
    match word.filter(|word| !DEBUGGER.contains(&word.as_str())) {
        Some(word) => Err(Diagnostic::new("Error processing keyword 'debugger'")
            .detail(format!(
                "'{word}' is not a valid value for debugger. Must be one of {}",
                DEBUGGER.join(", ")
            ))
            .did_you_mean(&word, DEBUGGER)
            .at_maybe(keywords.debugger.as_ref().and_then(Value::origin), "")),
        None => Ok(()),
    }
}

/// A keyword of a play that cannot be used: that is a fault of the playbook, and nothing of the play is done.
pub(crate) fn of_play<T>(name: &str, read: Result<T>) -> Result<T> {
    read.map_err(|error| unusable(name, error).kind(Kind::Content))
}

/// A keyword that cannot be rendered.
pub(crate) fn unusable(name: &str, mut error: Box<Diagnostic>) -> Box<Diagnostic> {
    // By its summary an error for want of knowledge is known.
    if unknown::is_cause(&error) || error.detail.is_empty() {
        error.detail = error.message();
    }
    error.summary = format!("Error processing keyword '{name}'").into();
    error
}

fn unfit(name: &str, kind: &str, value: &Value, written: Option<&Value>) -> Box<Diagnostic> {
    Diagnostic::new(format!("Error processing keyword '{name}'"))
        .detail(format!("The value {} could not be converted to '{kind}'.", value.repr()))
        .at_maybe(written.and_then(Value::origin), "")
}
