//! `truthy`, `falsy`, `any`, `all`.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Markers, Test};
use shevek_value::{Kind, Value};

use shevek_python::arguments::{bind, flag};

pub(crate) const TESTS: &[Test] = &[
    Test { names: &["truthy"], markers: Markers::Inside, run: |_, a| truthy(a) },
    Test { names: &["falsy"], markers: Markers::Inside, run: |_, a| truthy(a).map(|truth| !truth) },
    Test { names: &["any"], markers: Markers::Propagate, run: |c, a| Ok(truths(c, a)?.contains(&true)) },
    Test { names: &["all"], markers: Markers::Propagate, run: |c, a| Ok(!truths(c, a)?.contains(&false)) },
];

fn truthy(arguments: &Arguments) -> Result<bool> {
    let ([value], [convert]) = bind(arguments, ["value"], ["convert_bool"])?;
    let converted = if flag(convert) { as_boolean(value) } else { None };
    Ok(converted.unwrap_or_else(|| value.is_true()))
}

/// What Ansible's modules take for yes and no.
fn as_boolean(value: &Value) -> Option<bool> {
    match value.kind() {
        Kind::Str(text) => match text.to_lowercase().trim() {
            "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Some(true),
            "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Some(false),
            _ => None,
        },
        _ => match value.as_float() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
    }
}

fn truths(context: &dyn Context, arguments: &Arguments) -> Result<Vec<bool>> {
    let ([value], []) = bind(arguments, ["iterable"], [])?;
    Ok(context.iterate(value)?.iter().map(Value::is_true).collect())
}
