//! [`Kind`]: the type of an option, and the coercion of loose values to it, as Ansible's argument spec coerces.
//!
//! Used on both ends: the controller checks tasks with it at load time, the runner reads arguments through it.

use shevek_proto::Val;

use crate::printed::{python_str, python_type};
use crate::schema::{Opt, normalise};

/// The type of an option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Text; numbers and truth values become text as Python prints them.
    Str,
    /// A path: text in which the host expands `~` and `$VARIABLE`.
    Path,
    /// A truth value; also `yes`, `no`, `on`, `off`, `y`, `n`, `t`, `f`, 1 and 0.
    Bool,
    /// A whole number; also as text.
    Int,
    /// A number; also as text.
    Float,
    /// A list; also text with commas, or a single value.
    List(&'static Kind),
    /// A mapping; also JSON text or `k=v` text.
    Dict,
    /// A mapping with known keys.
    Sub(&'static [Opt]),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Anything.
    Raw,
    /// A size such as `10M`, in bytes.
    Bytes,
    /// A size such as `10Mb`, in bits.
    Bits,
    /// Text that is JSON; lists and mappings become JSON.
    Json,
    /// Permissions: an octal number, `"0644"`, or symbolic such as `u=rwX,g+s`.
    Permissions,
    /// The content of a file: text, or bytes that the controller sends.
    Content,
    /// Not an option but a group of them, shared by several modules.
    Group(&'static [Opt]),
}

impl Kind {
    /// The name that Ansible's documentation has for the type.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Str | Kind::Choice(_) | Kind::Content => "str",
            Kind::Path => "path",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::List(_) => "list",
            Kind::Dict | Kind::Sub(_) | Kind::Group(_) => "dict",
            Kind::Raw | Kind::Permissions => "raw",
            Kind::Bytes => "bytes",
            Kind::Bits => "bits",
            Kind::Json => "jsonarg",
        }
    }

    /// The words that are allowed, of an option or of the elements of a list.
    pub fn choices(&self) -> Option<&'static [&'static str]> {
        match self {
            Kind::Choice(words) => Some(words),
            Kind::List(inner) => inner.choices(),
            _ => None,
        }
    }

    /// The known keys below this option, if it has some.
    pub fn suboptions(&self) -> Option<&'static [Opt]> {
        match self {
            Kind::Sub(options) => Some(options),
            Kind::List(inner) => inner.suboptions(),
            _ => None,
        }
    }

    /// Makes a loose value into one of this type. `name` is the option's, for the message.
    pub fn coerce(&self, name: &str, value: Val) -> Result<Val, String> {
        let shown = python_type(&value);
        let wrong = |why: String| {
            format!(
                "argument '{name}' is of type {shown} and we were unable to convert to {}: {why}",
                self.name()
            )
        };
        match self {
            Kind::Choice(words) => choice(name, words, value).map_err(|why| match why {
                Wrong::Type(why) => wrong(why),
                Wrong::Value(why) => why,
            }),
            Kind::List(inner) => {
                let items = list(value).map_err(wrong)?;
                let mut out = Vec::with_capacity(items.len());
                let mut strays = Vec::new();
                for item in items {
                    let given = text_of(&item);
                    match inner {
                        Kind::Choice(words) => match choice(name, words, item) {
                            Ok(word) => out.push(word),
                            Err(Wrong::Value(_)) if !words.is_empty() => strays.push(given),
                            Err(Wrong::Value(why) | Wrong::Type(why)) => return Err(wrong(why)),
                        },
                        Kind::Raw => out.push(item),
                        Kind::Sub(_) => out.push(inner.coerce(name, item)?),
                        _ => out.push(inner.element(name, item)?),
                    }
                }
                if !strays.is_empty() {
                    return Err(format!(
                        "value of {name} must be one or more of: {}. Got no match for: {}",
                        self.choices().unwrap_or_default().join(", "),
                        strays.join(", ")
                    ));
                }
                Ok(Val::List(out))
            }
            Kind::Sub(options) => match value {
                Val::Map(_) | Val::Str(_) => {
                    let entries = dict(value).map_err(wrong)?;
                    normalise(options, &[], entries)
                        .map(Val::Map)
                        .map_err(|why| format!("{} found in {name}", why.join("; ")))
                }
                _ => Err(format!("value of '{name}' must be of type dict or list of dicts")),
            },
            _ => self.scalar(value).map_err(wrong),
        }
    }

    fn element(&self, name: &str, value: Val) -> Result<Val, String> {
        let shown = python_type(&value);
        self.scalar(value).map_err(|why| {
            format!(
                "Elements value for option '{name}' is of type {shown} and we were unable to convert to {}: {why}",
                self.name()
            )
        })
    }

    fn scalar(&self, value: Val) -> Result<Val, String> {
        match self {
            Kind::Str | Kind::Path => Ok(text(value)),
            Kind::Bool => boolean(&value).map(Val::Bool),
            Kind::Int => int(&value).map(Val::Int),
            Kind::Float => float(&value).map(Val::Float),
            Kind::Dict => dict(value).map(Val::Map),
            Kind::Bytes => size(&value, false).map(Val::Int),
            Kind::Bits => size(&value, true).map(Val::Int),
            Kind::Json => json(value),
            Kind::Permissions => match value {
                Val::Int(_) | Val::Str(_) | Val::Null => Ok(value),
                Val::Float(_) | Val::Bool(_) => Ok(text(value)),
                other => Err(format!("{} is neither a number nor text", python_type(&other))),
            },
            Kind::Content => match value {
                Val::Blob(_) | Val::Bytes(_) => Ok(value),
                Val::List(_) | Val::Map(_) => Ok(Val::Str(crate::json::write(&value))),
                other => Ok(text(other)),
            },
            Kind::Raw | Kind::Choice(_) | Kind::List(_) | Kind::Sub(_) | Kind::Group(_) => Ok(value),
        }
    }
}

enum Wrong {
    Type(String),
    Value(String),
}

fn choice(name: &str, words: &[&str], value: Val) -> Result<Val, Wrong> {
    let given = match value {
        Val::List(_) | Val::Map(_) => {
            return Err(Wrong::Type(format!("{} is not a word", python_type(&value))));
        }
        other => text_of(&other),
    };
    if words.contains(&given.as_str()) {
        return Ok(Val::Str(given));
    }
    // YAML reads `yes`, `on`, `no`, `off` as truth values; where only one of the choices can have been meant, take it.
    let meant: &[&str] = match given.as_str() {
        "True" => &["y", "yes", "on", "1", "true", "t"],
        "False" => &["n", "no", "off", "0", "false", "f"],
        _ => &[],
    };
    let mut fitting = words.iter().filter(|w| meant.contains(w));
    if let (Some(word), None) = (fitting.next(), fitting.next()) {
        return Ok(Val::Str((*word).to_owned()));
    }
    Err(Wrong::Value(format!("value of {name} must be one of: {}, got: {given}", words.join(", "))))
}

fn text(value: Val) -> Val {
    match value {
        Val::Str(_) => value,
        other => Val::Str(text_of(&other)),
    }
}

fn text_of(value: &Val) -> String {
    match value {
        Val::Null => String::new(),
        other => python_str(other),
    }
}

/// Reads a truth value as Ansible does.
pub fn boolean(value: &Val) -> Result<bool, String> {
    let word = match value {
        Val::Bool(b) => return Ok(*b),
        Val::Int(1) => return Ok(true),
        Val::Int(0) => return Ok(false),
        Val::Float(f) if *f == 1.0 => return Ok(true),
        Val::Float(f) if *f == 0.0 => return Ok(false),
        Val::Str(s) => s.trim().to_lowercase(),
        Val::Int(_) | Val::Float(_) => python_str(value),
        other => return Err(format!("<class '{}'> cannot be converted to a bool", python_type(other))),
    };
    match word.as_str() {
        "y" | "yes" | "on" | "1" | "true" | "t" => Ok(true),
        "n" | "no" | "off" | "0" | "false" | "f" => Ok(false),
        _ => Err(format!(
            "The value '{}' is not a valid boolean. Valid booleans include: yes, no, on, off, true, false, y, n, t, f, 1, 0",
            python_str(value)
        )),
    }
}

fn int(value: &Val) -> Result<i64, String> {
    let bad = || format!("\"{}\" cannot be converted to an int", crate::printed::python_repr(value));
    match value {
        Val::Int(i) => Ok(*i),
        Val::Bool(b) => Ok(i64::from(*b)),
        Val::Float(f) => whole(*f).ok_or_else(bad),
        Val::Str(s) => {
            let digits = s.trim().replace('_', "");
            match digits.parse::<i64>() {
                Ok(i) => Ok(i),
                Err(_) => digits.parse::<f64>().ok().and_then(whole).ok_or_else(bad),
            }
        }
        _ => Err(bad()),
    }
}

fn whole(f: f64) -> Option<i64> {
    (f.fract() == 0.0 && f.abs() < 9.0e18).then_some(f as i64)
}

fn float(value: &Val) -> Result<f64, String> {
    match value {
        Val::Float(f) => Ok(*f),
        Val::Int(i) => Ok(*i as f64),
        Val::Bool(b) => Ok(f64::from(u8::from(*b))),
        Val::Str(s) => {
            s.trim().parse().map_err(|_| "<class 'str'> cannot be converted to a float".to_owned())
        }
        other => Err(format!("<class '{}'> cannot be converted to a float", python_type(other))),
    }
}

fn list(value: Val) -> Result<Vec<Val>, String> {
    match value {
        Val::List(items) => Ok(items),
        Val::Str(s) => Ok(s.split(',').map(Val::from).collect()),
        Val::Int(_) | Val::Float(_) | Val::Bool(_) => Ok(vec![text(value)]),
        other => Err(format!("<class '{}'> cannot be converted to a list", python_type(&other))),
    }
}

/// Reads a mapping as Ansible does: a mapping, JSON text, or `k=v` text with quotes.
pub fn dict(value: Val) -> Result<Vec<(String, Val)>, String> {
    let s = match value {
        Val::Map(entries) => return Ok(entries),
        Val::Str(s) => s,
        other => return Err(format!("<class '{}'> cannot be converted to a dict", python_type(&other))),
    };
    if s.starts_with('{') {
        return match crate::json::read(&s) {
            Ok(Val::Map(entries)) => Ok(entries),
            _ => Err("unable to evaluate string as dictionary".into()),
        };
    }
    if !s.contains('=') {
        return Err("dictionary requested, could not parse JSON or key=value".into());
    }
    let mut fields = Vec::new();
    let mut field = String::new();
    let (mut quote, mut escaped) = (None, false);
    for c in s.trim().chars() {
        match c {
            _ if escaped => {
                field.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '\'' | '"' if quote.is_none() => quote = Some(c),
            _ if quote == Some(c) => quote = None,
            ',' | ' ' if quote.is_none() => {
                if !field.is_empty() {
                    fields.push(std::mem::take(&mut field));
                }
            }
            _ => field.push(c),
        }
    }
    if !field.is_empty() {
        fields.push(field);
    }
    fields
        .into_iter()
        .map(|f| {
            f.split_once('=').map(|(k, v)| (k.to_owned(), Val::from(v))).ok_or_else(|| {
                "unable to evaluate string in the \"key=value\" format as dictionary".to_owned()
            })
        })
        .collect()
}

fn size(value: &Val, bits: bool) -> Result<i64, String> {
    let given = python_str(value);
    let bad = || {
        let what = if bits { "Bit" } else { "Byte" };
        format!("'{given}' cannot be converted to a {what} value")
    };
    let given_trimmed = given.trim();
    let split = given_trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(given_trimmed.len());
    let (number, unit) = given_trimmed.split_at(split);
    let number: f64 = number.parse().map_err(|_| bad())?;
    let unit = unit.trim();
    let letter = unit.chars().next().map(|c| c.to_ascii_uppercase());
    let factor: f64 = match letter {
        None | Some('B') => 1.0,
        Some('K') => 1024.0,
        Some('M') => 1024f64.powi(2),
        Some('G') => 1024f64.powi(3),
        Some('T') => 1024f64.powi(4),
        Some('P') => 1024f64.powi(5),
        Some('E') => 1024f64.powi(6),
        Some('Z') => 1024f64.powi(7),
        Some('Y') => 1024f64.powi(8),
        Some(_) => return Err(bad()),
    };
    // `B` is bytes and `b` bits: asking for one and getting the other is a mistake worth naming.
    let last = if unit.len() > 1 {
        unit.chars().nth(1)
    } else {
        unit.chars().next().filter(|c| matches!(c, 'b' | 'B'))
    };
    let mismatched = if bits { last == Some('B') } else { last == Some('b') };
    if mismatched {
        return Err(bad());
    }
    Ok((number * factor).round() as i64)
}

fn json(value: Val) -> Result<Val, String> {
    match value {
        Val::Str(s) => Ok(Val::Str(s.trim().to_owned())),
        Val::List(_) | Val::Map(_) => Ok(Val::Str(crate::json::write(&value))),
        other => Err(format!("<class '{}'> cannot be converted to a json string", python_type(&other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_truth_value_is_read() {
        for yes in ["yes", "On", "TRUE", "1", "t", " y "] {
            assert_eq!(Kind::Bool.coerce("x", yes.into()), Ok(Val::Bool(true)));
        }
        assert_eq!(Kind::Bool.coerce("x", 0.into()), Ok(Val::Bool(false)));
        let error = Kind::Bool.coerce("flag", "maybe".into()).unwrap_err();
        assert!(error.contains("argument 'flag'") && error.contains("'maybe'"), "{error}");
    }

    #[test]
    fn numbers_come_from_text_and_text_from_numbers() {
        assert_eq!(Kind::Int.coerce("x", "42".into()), Ok(Val::Int(42)));
        assert_eq!(Kind::Int.coerce("x", "4.0".into()), Ok(Val::Int(4)));
        assert!(Kind::Int.coerce("x", "4.5".into()).is_err());
        assert_eq!(Kind::Str.coerce("x", Val::Float(1.0)), Ok("1.0".into()));
        assert_eq!(Kind::Str.coerce("x", true.into()), Ok("True".into()));
        assert_eq!(Kind::Str.coerce("x", Val::Null), Ok("".into()));
    }

    #[test]
    fn lists_come_from_commas_and_single_values() {
        let strings = Kind::List(&Kind::Str);
        assert_eq!(strings.coerce("x", "a,b".into()), Ok(vec!["a", "b"].into()));
        assert_eq!(strings.coerce("x", 5.into()), Ok(vec!["5"].into()));
        assert_eq!(Kind::List(&Kind::Int).coerce("x", "1,2".into()), Ok(vec![1, 2].into()));
    }

    #[test]
    fn a_mapping_comes_from_json_or_from_pairs() {
        let pairs = vec![("a".to_owned(), Val::from("1")), ("b".to_owned(), Val::from("two words"))];
        assert_eq!(Kind::Dict.coerce("x", "a=1 b='two words'".into()), Ok(Val::Map(pairs)));
        let json = vec![("a".to_owned(), Val::Int(1))];
        assert_eq!(Kind::Dict.coerce("x", r#"{"a": 1}"#.into()), Ok(Val::Map(json)));
    }

    #[test]
    fn a_truth_value_stands_for_the_only_word_it_can_mean() {
        let kind = Kind::Choice(&["on", "off", "auto"]);
        assert_eq!(kind.coerce("x", true.into()), Ok("on".into()));
        assert_eq!(
            kind.coerce("x", "of".into()),
            Err("value of x must be one of: on, off, auto, got: of".into())
        );
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(Kind::Bytes.coerce("x", "10M".into()), Ok(Val::Int(10 << 20)));
        assert_eq!(Kind::Bits.coerce("x", "1Mb".into()), Ok(Val::Int(1 << 20)));
        assert!(Kind::Bits.coerce("x", "1MB".into()).is_err());
    }
}
