//! Numbers as Python reads them from text, and rounds them.

use shevek_value::{BigInt, Kind, Value};

use crate::text::is_space;

/// `int(text, base)`; `None`: Python raises ValueError.
pub fn parse_int(text: &str, base: u32) -> Option<Value> {
    let text = text.trim_matches(is_space);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let marked = |marks: [&str; 2]| marks.iter().find_map(|mark| digits.strip_prefix(mark));
    let (base, digits) = match base {
        0 => match (marked(["0x", "0X"]), marked(["0o", "0O"]), marked(["0b", "0B"])) {
            (Some(rest), _, _) => (16, rest.strip_prefix('_').unwrap_or(rest)),
            (_, Some(rest), _) => (8, rest.strip_prefix('_').unwrap_or(rest)),
            (_, _, Some(rest)) => (2, rest.strip_prefix('_').unwrap_or(rest)),
            _ if digits.starts_with('0') && digits.bytes().any(|byte| !matches!(byte, b'0' | b'_')) => {
                return None;
            }
            _ => (10, digits),
        },
        16 => (16, marked(["0x", "0X"]).map_or(digits, |rest| rest.strip_prefix('_').unwrap_or(rest))),
        8 => (8, marked(["0o", "0O"]).map_or(digits, |rest| rest.strip_prefix('_').unwrap_or(rest))),
        2 => (2, marked(["0b", "0B"]).map_or(digits, |rest| rest.strip_prefix('_').unwrap_or(rest))),
        3..=36 => (base, digits),
        _ => return None,
    };
    let plain = without_underscores(digits, |c| c.is_digit(base))?;
    let number = BigInt::parse_bytes(plain.as_bytes(), base)?;
    Some(Value::big(if negative { -number } else { number }))
}

/// `float(text)`; `None`: Python raises ValueError.
pub fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_space);
    if !text.contains('_') {
        return text.parse().ok();
    }
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let fits = bytes
        .iter()
        .enumerate()
        .all(|(at, byte)| *byte != b'_' || (at > 0 && digit(at - 1) && digit(at + 1)));
    if fits { text.replace('_', "").parse().ok() } else { None }
}

/// Digits with single underscores between them.
fn without_underscores(text: &str, digit: impl Fn(char) -> bool) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut before = false;
    for c in text.chars() {
        if digit(c) {
            out.push(c);
            before = true;
        } else if c == '_' && before {
            before = false;
        } else {
            return None;
        }
    }
    before.then_some(out)
}

/// A float without its fraction; `None`: it is infinite or no number.
pub fn truncate(number: f64) -> Option<Value> {
    if !number.is_finite() {
        return None;
    }
    let whole = number.trunc();
    if whole.abs() < 9.0e18 {
        return Some(Value::from(whole as i64));
    }
    // Rust prints every digit of a float's exact value.
    BigInt::parse_bytes(format!("{whole:.0}").as_bytes(), 10).map(Value::big)
}

/// `round(number, digits)`.
pub fn round(number: f64, digits: i64) -> f64 {
    if !number.is_finite() {
        return number;
    }
    match usize::try_from(digits) {
        // Formatting rounds the exact value, halves to even, as Python's does.
        Ok(digits) => format!("{number:.*}", digits.min(340)).parse().unwrap_or(number),
        Err(_) => {
            let power = 10_f64.powi(i32::try_from(-digits).unwrap_or(400));
            if power.is_finite() { (number / power).round_ties_even() * power } else { 0.0 }
        }
    }
}

/// A whole number as an arbitrarily large one.
pub fn as_big(value: &Value) -> Option<BigInt> {
    match value.kind() {
        Kind::Int(i) => Some(BigInt::from(*i)),
        Kind::Bool(b) => Some(BigInt::from(u8::from(*b))),
        Kind::Big(i) => Some((**i).clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_as_python_reads_them() {
        assert_eq!(parse_int(" -1_000 ", 10), Some(Value::from(-1000)));
        assert_eq!(parse_int("0x1f", 16), Some(Value::from(31)));
        assert_eq!(parse_int("0x1f", 0), Some(Value::from(31)));
        assert_eq!(parse_int("z", 36), Some(Value::from(35)));
        assert_eq!(parse_int("99999999999999999999", 10).unwrap().text(), "99999999999999999999");
        for wrong in ["", "1__0", "_1", "1_", "1.5", "0x1f", "--1"] {
            assert_eq!(parse_int(wrong, 10), None, "{wrong}");
        }
        assert_eq!(parse_int("010", 0), None);
    }

    #[test]
    fn halves_round_to_even() {
        assert_eq!(round(2.5, 0), 2.0);
        assert_eq!(round(0.125, 2), 0.12);
        assert_eq!(round(2.675, 2), 2.67);
        assert_eq!(round(1250.0, -2), 1200.0);
    }
}
