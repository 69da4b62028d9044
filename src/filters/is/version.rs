//! `version`: versions compared, loosely or by a standard.

use std::cmp::Ordering;

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Markers, Test};
use shevek_value::Value;

use shevek_python::arguments::{bind, given};
use shevek_python::text::str_of;
use shevek_python::version::{Kind, compare};

pub(crate) const TESTS: &[Test] =
    &[Test { names: &["version", "version_compare"], markers: Markers::Propagate, run: |_, a| version(a) }];

const OPERATORS: [&str; 14] =
    ["==", "=", "eq", "<", "lt", "<=", "le", ">", "gt", ">=", "ge", "!=", "<>", "ne"];

fn version(arguments: &Arguments) -> Result<bool> {
    let ([value, other], [operator, strict, kind]) =
        bind(arguments, ["value", "version"], ["operator", "strict", "version_type"])?;
    let (strict, kind) = (given(strict), given(kind));
    if strict.is_some() && kind.is_some() {
        return Err(Diagnostic::new("Cannot specify both 'strict' and 'version_type'"));
    }
    if !value.is_true() {
        return Err(Diagnostic::new("Input version value cannot be empty").at_maybe(value.origin(), ""));
    }
    if !other.is_true() {
        return Err(Diagnostic::new("Version parameter to compare against cannot be empty"));
    }
    let kind = match kind.filter(|kind| kind.is_true()).map(Value::text) {
        _ if strict.is_some_and(Value::is_true) => Kind::Strict,
        None => Kind::Loose,
        Some(name) => Kind::named(&name).ok_or_else(|| {
            Diagnostic::new("unknown type of version")
                .detail(format!(
                    "Invalid version type ({name}). Must be one of 'loose', 'strict', 'semver', 'semantic', 'pep440'"
                ))
                .did_you_mean(&name, ["loose", "strict", "semver", "semantic", "pep440"])
        })?,
    };
    let operator = operator.map_or_else(|| "eq".into(), str_of);
    let holds: fn(Ordering) -> bool = match operator.as_ref() {
        "==" | "=" | "eq" => Ordering::is_eq,
        "<" | "lt" => Ordering::is_lt,
        "<=" | "le" => Ordering::is_le,
        ">" | "gt" => Ordering::is_gt,
        ">=" | "ge" => Ordering::is_ge,
        "!=" | "<>" | "ne" => Ordering::is_ne,
        other => {
            return Err(Diagnostic::new("unknown operator").detail(format!(
                "Invalid operator type ({other}). Must be one of {}",
                OPERATORS.map(|name| format!("'{name}'")).join(", ")
            )));
        }
    };
    let only_equality = matches!(operator.as_ref(), "==" | "=" | "eq" | "!=" | "<>" | "ne");
    let (value_text, other_text) = (str_of(value), str_of(other));
    match compare(kind, &value_text, &other_text) {
        Ok(order) => Ok(holds(order)),
        Err(why) if why.starts_with('\'') && only_equality && value_text != other_text => {
            Ok(holds(Ordering::Less))
        }
        Err(why) => Err(Diagnostic::new("Version comparison failed")
            .detail(why)
            .at_maybe(value.origin(), "")
            .help("version_type='semver', 'strict' or 'pep440' compare by other rules")),
    }
}
