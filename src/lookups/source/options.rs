//! Options of lookups: named arguments, with `k=v` in the terms of some.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::Arguments;
use shevek_value::{Map, Value};
use shevek_yaml::key_value::{self, FreeForm};

/// The options of one call.
pub(crate) struct Options {
    given: Map,
}

impl Options {
    /// The named arguments; others than the known ones are refused.
    pub(crate) fn new(arguments: &Arguments, known: &[&str]) -> Result<Self> {
        let options = Self { given: arguments.named.clone() };
        for name in options.given.keys() {
            options.check(&name.text(), known)?;
        }
        Ok(options)
    }

    fn check(&self, name: &str, known: &[&str]) -> Result<()> {
        if known.contains(&name) {
            return Ok(());
        }
        Err(Diagnostic::new("unknown option of a lookup")
            .detail(format!("'{name}' is not a valid option"))
            .did_you_mean(name, known.iter().copied()))
    }

    /// These options with others over them.
    pub(crate) fn with(
        &self,
        others: impl IntoIterator<Item = (String, Value)>,
        known: &[&str],
    ) -> Result<Self> {
        let mut options = Self { given: self.given.clone() };
        for (name, value) in others {
            options.check(&name, known)?;
            options.given.insert(Value::from(name), value);
        }
        Ok(options)
    }

    /// An option that was given and is not null.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.given.get(name).filter(|value| !value.is_null())
    }

    /// Text.
    pub(crate) fn text(&self, name: &str, default: &str) -> String {
        self.get(name).map_or_else(|| default.to_owned(), Value::text)
    }

    /// A truth value, in words too.
    pub(crate) fn truth(&self, name: &str, default: bool) -> Result<bool> {
        let Some(value) = self.get(name) else { return Ok(default) };
        let word = value.text().to_lowercase();
        match word.as_str() {
            "true" | "yes" | "on" | "1" | "y" | "t" => Ok(true),
            "false" | "no" | "off" | "0" | "n" | "f" => Ok(false),
            _ => Err(wrong(name, "true or false", value)),
        }
    }

    /// A whole number, written as text too (and in octal or hexadecimal then).
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_int().or_else(|| value.as_str().and_then(integer));
        number.map(Some).ok_or_else(|| wrong(name, "a whole number", value))
    }

    /// A list; text is one that is cut at commas.
    pub(crate) fn list(&self, name: &str) -> Vec<Value> {
        match self.get(name) {
            None => Vec::new(),
            Some(value) => match (value.as_list(), value.as_str()) {
                (Some(items), _) => items.to_vec(),
                (_, Some(text)) => text.split(',').map(|part| Value::from(part.trim())).collect(),
                _ => vec![value.clone()],
            },
        }
    }
}

/// `0x1f`, `0o17`, `017` and `15`.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let lower = digits.to_lowercase();
    let number = if let Some(hex) = lower.strip_prefix("0x") {
        i64::from_str_radix(hex, 16)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        i64::from_str_radix(octal, 8)
    } else {
        lower.parse()
    };
    number.ok().map(|number| sign * number)
}

fn wrong(name: &str, wanted: &str, value: &Value) -> Box<Diagnostic> {
    Diagnostic::new("wrong option of a lookup")
        .detail(format!("'{name}' has an invalid value: it must be {wanted}, not {}", value.repr()))
        .at_maybe(value.origin(), "")
}

/// A term that must be text.
pub(crate) fn term<'a>(value: &'a Value, lookup: &str) -> Result<&'a str> {
    value.as_str().ok_or_else(|| {
        Diagnostic::new("wrong term of a lookup")
            .detail(format!("the terms of '{lookup}' must be text, not {}", value.type_name()))
            .at_maybe(value.origin(), "")
    })
}

/// `name=value` words of a term; words without a value come under `_raw_params`.
pub(crate) fn pairs(text: &str) -> Result<Vec<(String, Value)>> {
    let parsed = key_value::parse(&Value::from(text), FreeForm::Other)?;
    Ok(parsed.into_iter().map(|(name, value)| (name.text(), value)).collect())
}
