//! What a scalar is: YAML 1.1's implicit types as PyYAML has them.

use shevek_value::{BigInt, Kind, Value};

use crate::timestamp;

/// What a plain scalar stands for.
#[derive(Debug, Clone)]
pub enum Scalar {
    /// Text.
    Text,
    /// Null, a truth value, a number or a date.
    Value(Value),
    /// `<<`, which merges another mapping when it is a key.
    Merge,
    /// `=`, which YAML 1.1 gives a meaning that nobody implements.
    Default,
    /// It looks like a number or date but is none (`0b_`, `2001-02-30`), with Python's words for why.
    Invalid(String),
}

/// The implicit type of a plain scalar.
pub fn resolve(text: &str) -> Scalar {
    let Some(first) = text.bytes().next() else { return Scalar::Value(Value::NULL) };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => match text {
            "~" | "null" | "Null" | "NULL" => Scalar::Value(Value::NULL),
            text => truth(text).map_or(Scalar::Text, |b| Scalar::Value(Value::from(b))),
        },
        b'<' if text == "<<" => Scalar::Merge,
        b'=' if text == "=" => Scalar::Default,
        b'0'..=b'9' | b'-' | b'+' | b'.' => {
            if is_float(text) {
                or_invalid(float(text))
            } else if is_int(text) {
                or_invalid(int(text))
            } else if first.is_ascii_digit() {
                timestamp::parse(text).map_or(Scalar::Text, or_invalid)
            } else {
                Scalar::Text
            }
        }
        _ => Scalar::Text,
    }
}

fn or_invalid(value: Result<Value, String>) -> Scalar {
    value.map_or_else(Scalar::Invalid, Scalar::Value)
}

/// The truth value that YAML 1.1 writes so: all lower case, all upper case or capitalised.
fn truth(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn unsigned(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn all(text: &str, is: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(is)
}

fn digit(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// `(:[0-5]?[0-9])+`, the colon before it being gone.
fn is_sexagesimal_tail(text: &str) -> bool {
    text.split(':').all(|part| match part.as_bytes() {
        [one] => one.is_ascii_digit(),
        [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
        _ => false,
    })
}

fn is_int(text: &str) -> bool {
    let (_, text) = unsigned(text);
    if let Some(bits) = text.strip_prefix("0b") {
        return !bits.is_empty() && all(bits, |b| matches!(b, b'0' | b'1' | b'_'));
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return !hex.is_empty() && all(hex, |b| b.is_ascii_hexdigit() || b == b'_');
    }
    match text.as_bytes() {
        [b'0'] => true,
        [b'0', rest @ ..] => rest.iter().all(|b| matches!(b, b'0'..=b'7' | b'_')),
        [b'1'..=b'9', ..] => match text.split_once(':') {
            Some((whole, tail)) => all(whole, digit) && is_sexagesimal_tail(tail),
            None => all(text, digit),
        },
        _ => false,
    }
}

fn is_float(text: &str) -> bool {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (_, bare) = unsigned(text);
    if matches!(bare, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let Some((whole, fraction)) = bare.split_once('.') else { return false };
    let (fraction, exponent) = match fraction.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (fraction, None),
    };
    let exponent_fits = exponent.is_none_or(|e| {
        e.strip_prefix(['-', '+'])
            .is_some_and(|digits| !digits.is_empty() && all(digits, |b| b.is_ascii_digit()))
    });
    if whole.is_empty() {
        return bare.len() == text.len()
            && starts_with_digit(fraction)
            && all(fraction, digit)
            && exponent_fits;
    }
    if !starts_with_digit(whole) || !all(fraction, digit) {
        return false;
    }
    match whole.split_once(':') {
        Some((whole, tail)) => exponent.is_none() && all(whole, digit) && is_sexagesimal_tail(tail),
        None => all(whole, digit) && exponent_fits,
    }
}

/// The whole number that text tagged or resolved as one stands for.
pub(crate) fn int(text: &str) -> Result<Value, String> {
    let clean = text.replace('_', "");
    let (negative, bare) = unsigned(&clean);
    let radix = |digits: &str, radix: u32| {
        let signed = digits.starts_with(['+', '-']);
        BigInt::parse_bytes(digits.as_bytes(), radix)
            .filter(|_| !signed)
            .ok_or_else(|| format!("invalid literal for int() with base {radix}: '{digits}'"))
    };
    let number = if let Some(bits) = bare.strip_prefix("0b") {
        radix(bits, 2)
    } else if let Some(hex) = bare.strip_prefix("0x") {
        radix(hex, 16)
    } else if bare.contains(':') {
        bare.split(':').try_fold(BigInt::from(0), |sum, part| Ok(sum * 60 + radix(part, 10)?))
    } else if bare.starts_with('0') && bare != "0" {
        radix(bare.strip_prefix("0o").unwrap_or(bare), 8)
    } else if let Ok(small) = bare.parse::<i64>() {
        return Ok(Value::from(if negative { -small } else { small }));
    } else {
        radix(bare, 10)
    }?;
    Ok(Value::big(if negative { -number } else { number }))
}

/// The floating-point number that text tagged or resolved as one stands for.
pub(crate) fn float(text: &str) -> Result<Value, String> {
    let clean = text.replace('_', "").to_lowercase();
    let (negative, bare) = unsigned(&clean);
    let one =
        |part: &str| part.parse::<f64>().map_err(|_| format!("could not convert string to float: '{part}'"));
    let number = match bare {
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        bare if bare.contains(':') => {
            bare.split(':').try_fold(0.0, |sum, part| Ok::<_, String>(sum * 60.0 + one(part)?))?
        }
        bare => one(bare)?,
    };
    Ok(Value::new(Kind::Float(if negative { -number } else { number })))
}

/// The truth value that text tagged as one stands for.
pub(crate) fn boolean(text: &str) -> Result<Value, String> {
    truth(&text.to_lowercase()).map(Value::from).ok_or_else(|| format!("`{text}` is no truth value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match resolve(text) {
            Scalar::Text => "str".into(),
            Scalar::Value(value) => value.repr(),
            Scalar::Merge => "merge".into(),
            Scalar::Default => "default".into(),
            Scalar::Invalid(why) => format!("! {why}"),
        }
    }

    #[test]
    fn plain_scalars_are_what_pyyaml_makes_of_them() {
        for (text, expected) in [
            ("", "None"),
            ("~", "None"),
            ("Null", "None"),
            ("nULL", "str"),
            ("yes", "True"),
            ("yEs", "str"),
            ("y", "str"),
            ("n", "str"),
            ("oN", "str"),
            ("OFF", "False"),
            ("0644", "420"),
            ("0o644", "str"),
            ("08", "str"),
            ("0x1F", "31"),
            ("-0x1F", "-31"),
            ("0b1_0", "2"),
            ("1_000", "1000"),
            ("_1", "str"),
            ("1:30", "90"),
            ("190:20:30", "685230"),
            ("1:60", "str"),
            ("1:30.5", "90.5"),
            ("1e3", "str"),
            ("1.e+3", "1000.0"),
            ("1.0e3", "str"),
            ("1.5e-7", "1.5e-07"),
            (".5", "0.5"),
            ("+.5", "str"),
            ("5.", "5.0"),
            (".", "str"),
            ("+.inf", "inf"),
            ("-.INF", "-inf"),
            (".NaN", "nan"),
            ("+12", "12"),
            ("-", "str"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("1.2.3", "str"),
            ("2020-1-1", "str"),
            ("2020-01-01", "datetime.date(2020, 1, 1)"),
            ("=", "default"),
            ("<<", "merge"),
            ("0x_", "! invalid literal for int() with base 16: ''"),
            ("2001-02-30", "! day is out of range for month"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }
}
