//! Binding the arguments of a call to the names of its parameters.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::Arguments;
use shevek_value::Value;

/// The arguments of a call: those that must be given, and those that may be.
///
/// Names are in the order of the parameters. Too many, unknown and missing arguments are errors, as in Python.
pub fn bind<'a, const R: usize, const O: usize>(
    arguments: &'a Arguments,
    required: [&str; R],
    optional: [&str; O],
) -> Result<([&'a Value; R], [Option<&'a Value>; O])> {
    check(arguments, &required, &optional)?;
    let mut missing = None;
    let mut position = 0;
    let needed = required.map(|name| {
        let value = arguments.get(position, name);
        position += 1;
        if value.is_none() {
            missing.get_or_insert(name);
        }
        value.unwrap_or(&Value::NULL)
    });
    if let Some(name) = missing {
        return Err(
            Diagnostic::new("missing argument").detail(format!("the argument '{name}' must be given"))
        );
    }
    let offered = optional.map(|name| {
        let value = arguments.get(position, name);
        position += 1;
        value
    });
    Ok((needed, offered))
}

fn check(arguments: &Arguments, required: &[&str], optional: &[&str]) -> Result<()> {
    let names = || required.iter().chain(optional).copied();
    let most = required.len() + optional.len();
    if arguments.positional.len() > most {
        return Err(Diagnostic::new("too many arguments").detail(format!(
            "at most {most} are taken ({}), but {} were given, the value before the bar counted",
            names().collect::<Vec<_>>().join(", "),
            arguments.positional.len()
        )));
    }
    for name in arguments.named.keys() {
        let name = name.text();
        match names().position(|known| known == name) {
            None => {
                return Err(Diagnostic::new("unexpected argument")
                    .detail(format!("there is no argument named '{name}'"))
                    .did_you_mean(&name, names()));
            }
            Some(position) if position < arguments.positional.len() => {
                return Err(Diagnostic::new("argument given twice")
                    .detail(format!("the argument '{name}' is given by position and by name")));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// The truth of an optional argument.
pub fn flag(value: Option<&Value>) -> bool {
    value.is_some_and(Value::is_true)
}

/// An argument left out or null.
pub fn given(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

/// A whole number.
pub fn integer(value: &Value, name: &str) -> Result<i64> {
    value.as_int().ok_or_else(|| wrong_type(name, "a whole number", value))
}

/// A size or count, with a default; nothing below zero counts.
pub fn count(value: Option<&Value>, name: &str, default: usize) -> Result<usize> {
    match value {
        None => Ok(default),
        Some(value) => Ok(usize::try_from(integer(value, name)?).unwrap_or(0)),
    }
}

/// Text.
pub fn string<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    value.as_str().ok_or_else(|| wrong_type(name, "text", value))
}

/// Says that an argument has the wrong type.
pub fn wrong_type(name: &str, wanted: &str, value: &Value) -> Box<Diagnostic> {
    Diagnostic::new("wrong type of argument")
        .detail(format!("'{name}' must be {wanted}, not {}", value.type_name()))
        .at_maybe(value.origin(), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(positional: &[i64], named: &[(&str, i64)]) -> Arguments {
        Arguments {
            positional: positional.iter().copied().map(Value::from).collect(),
            named: named.iter().map(|(name, value)| (Value::from(*name), Value::from(*value))).collect(),
        }
    }

    #[test]
    fn arguments_go_by_position_then_by_name() {
        let arguments = call(&[1, 2], &[("c", 3)]);
        let ([a], [b, c, d]) = bind(&arguments, ["a"], ["b", "c", "d"]).unwrap();
        assert_eq!((a, b.unwrap(), c.unwrap(), d), (&1.into(), &2.into(), &3.into(), None));
    }

    #[test]
    fn wrong_calls_are_refused() {
        let error = |arguments: &Arguments| bind(arguments, ["a"], ["base"]).unwrap_err();
        assert_eq!(error(&call(&[1, 2, 3], &[])).summary, "too many arguments");
        assert_eq!(error(&call(&[1], &[("bass", 1)])).help, ["did you mean `base`?"]);
        assert_eq!(error(&call(&[1], &[("a", 1)])).summary, "argument given twice");
        assert_eq!(error(&call(&[], &[])).summary, "missing argument");
    }
}
