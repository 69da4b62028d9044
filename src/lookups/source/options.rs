//! Options of lookups: named arguments, with `k=v` in the terms of some, and variables, the environment and
//! `ansible.cfg` behind them where a lookup says so.

use std::time::Duration;

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context};
use shevek_value::{Map, Value};
use shevek_yaml::key_value::{self, FreeForm};

/// One option, and where it is looked for when the call doesn't give it.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    alias: Option<&'static str>,
    variables: &'static [&'static str],
    environment: &'static [&'static str],
    file: Option<(&'static str, &'static str)>,
    last: &'static [&'static str],
}

/// An option that only a call can give.
pub(crate) const fn known(name: &'static str) -> Known {
    Known { name, alias: None, variables: &[], environment: &[], file: None, last: &[] }
}

impl Known {
    /// Another name for it.
    pub(crate) const fn or(self, alias: &'static str) -> Self {
        Self { alias: Some(alias), ..self }
    }

    /// Variables that give it; the last that is set counts.
    pub(crate) const fn variables(self, variables: &'static [&'static str]) -> Self {
        Self { variables, ..self }
    }

    /// What gives it in the environment, before the file.
    pub(crate) const fn environment(self, environment: &'static [&'static str]) -> Self {
        Self { environment, ..self }
    }

    /// The section and key that give it in `ansible.cfg`.
    pub(crate) const fn file(self, section: &'static str, key: &'static str) -> Self {
        Self { file: Some((section, key)), ..self }
    }

    /// What gives it in the environment when nothing else does.
    pub(crate) const fn at_last(self, last: &'static [&'static str]) -> Self {
        Self { last, ..self }
    }

    /// What there is outside of the call.
    fn outside(&self, context: &dyn Context) -> Result<Option<Value>> {
        for name in self.variables.iter().rev() {
            if let Some(value) = context.scope().get(name)? {
                let value = context.render(&value)?;
                if !value.is_null() {
                    return Ok(Some(value));
                }
            }
        }
        let environment = |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok());
        Ok(environment(self.environment)
            .or_else(|| self.file.and_then(|(section, key)| context.scope().configured(section, key)))
            .or_else(|| environment(self.last))
            .map(Value::from))
    }
}

/// The options of one call.
pub(crate) struct Options {
    given: Map,
}

impl Options {
    /// The options of a call, under their first names, with what is said elsewhere for those that it leaves out.
    pub(crate) fn resolve(context: &dyn Context, given: &Map, known: &[Known]) -> Result<Self> {
        let names: Vec<&str> = known.iter().flat_map(|one| [Some(one.name), one.alias]).flatten().collect();
        let said = Self { given: given.clone() };
        said.check_all(&names)?;
        let mut out = Self { given: Map::default() };
        for one in known {
            let here = said.get(one.name).or_else(|| said.get(one.alias?)).cloned();
            let value = match here {
                Some(value) => Some(value),
                None => one.outside(context)?,
            };
            if let Some(value) = value {
                out.given.insert(Value::from(one.name), value);
            }
        }
        Ok(out)
    }

    /// The named arguments; others than the known ones are refused.
    pub(crate) fn new(arguments: &Arguments, known: &[&str]) -> Result<Self> {
        let options = Self { given: arguments.named.clone() };
        options.check_all(known)?;
        Ok(options)
    }

    fn check_all(&self, known: &[&str]) -> Result<()> {
        self.given.keys().try_for_each(|name| self.check(&name.text(), known))
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

    /// These options, with one that holds when nobody gives it.
    pub(crate) fn or(mut self, name: &str, default: Value) -> Self {
        if self.get(name).is_none() {
            self.given.insert(Value::from(name), default);
        }
        self
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

    /// A number of seconds, written as text too.
    pub(crate) fn seconds(&self, name: &str) -> Result<Option<Duration>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_float().or_else(|| value.as_str()?.trim().parse().ok());
        let duration = number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        duration.map(Some).ok_or_else(|| wrong(name, "a number of seconds", value))
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
