//! What stands above a task's results.

use shevek_diag::Diagnostic;
use shevek_value::Value;
use shevek_vars::HostScope;

/// A task's name, rendered as far as it can be: what cannot says why in its place, as the warning does that comes with
/// it. A loop's item is the usual case, since the name stands for all of them. `None`: there are statements in it, and
/// no part of it can be rendered by itself.
pub(crate) fn patched(name: &Value, scope: &HostScope) -> Option<(String, Box<Diagnostic>)> {
    let text = name.as_str()?;
    if text.contains("{%") {
        return None;
    }
    let mut out = String::new();
    let mut errors: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, behind) = after.split_once("}}")?;
        out.push_str(before);
        let part = Value::template(format!("{{{{{inside}}}}}"));
        match scope.fleet().templar.render(&part, scope) {
            Ok(value) => out.push_str(&value.text()),
            Err(error) => {
                let why = if error.detail.is_empty() { error.message() } else { error.detail.clone() };
                let why = format!("error {} - {why}", errors.len() + 1);
                out.push_str(&format!("<< {why} >>"));
                errors.push(why);
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    let count = match errors.len() {
        0 => return None,
        1 => "Encountered 1 template error.".to_owned(),
        count => format!("Encountered {count} template errors."),
    };
    let warning = Diagnostic::warning(count).detail(errors.join("\n"));
    Some((out, warning.at_maybe(name.origin(), "")))
}
