//! `'%s' % value`

use num_bigint::BigInt;
use num_traits::{FromPrimitive, Signed};
use shevek_diag::{Diagnostic, Result};
use shevek_value::{Kind, Value};

use super::format::{Spec, float_text};

/// Formats as Python's `%` does (and the filter `format`): a tuple gives several values, a mapping those with names.
pub fn percent(pattern: &str, values: &Value) -> Result<Value> {
    let mut given = Given::of(values);
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let name = if chars.next_if_eq(&'(').is_some() { Some(key(&mut chars)?) } else { None };
        let mut spec = Spec::default();
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | ' ' | '0' | '#')) {
            match flag {
                '-' => spec.align = Some('<'),
                '+' => spec.sign = '+',
                ' ' if spec.sign != '+' => spec.sign = ' ',
                '0' => spec.zero = true,
                '#' => spec.alternate = true,
                _ => {}
            }
        }
        spec.width = if chars.next_if_eq(&'*').is_some() {
            let width = given.next(None)?.as_int().ok_or_else(|| wrong("* wants int"))?;
            if width < 0 {
                spec.align = Some('<');
            }
            usize::try_from(width.unsigned_abs()).ok()
        } else {
            digits(&mut chars)
        };
        if chars.next_if_eq(&'.').is_some() {
            spec.precision = if chars.next_if_eq(&'*').is_some() {
                let precision = given.next(None)?.as_int().ok_or_else(|| wrong("* wants int"))?;
                usize::try_from(precision).ok()
            } else {
                Some(digits(&mut chars).unwrap_or(0))
            };
        }
        while chars.next_if(|c| matches!(c, 'h' | 'l' | 'L')).is_some() {}
        match chars.next() {
            Some('%') => out.push('%'),
            Some(conversion) => {
                let value = given.next(name.as_deref())?;
                out.push_str(&converted(&value, conversion, spec)?);
            }
            None => return Err(wrong("incomplete format")),
        }
    }
    if given.has_more() {
        return Err(wrong("not all arguments converted during string formatting"));
    }
    let result = Value::from(out);
    Ok(if values.is_secret() { result.secret() } else { result })
}

/// The key up to the closing parenthesis.
fn key(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String> {
    let mut key = String::new();
    let mut depth = 1;
    for c in chars {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => return Ok(key),
            ')' => depth -= 1,
            _ => {}
        }
        key.push(c);
    }
    Err(wrong("incomplete format key"))
}

fn digits(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<usize> {
    let mut number = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        number = Some((number.unwrap_or(0_usize) * 10 + digit as usize).min(1 << 20));
    }
    number
}

fn wrong(detail: impl Into<String>) -> Box<Diagnostic> {
    Diagnostic::new("can't format").detail(detail)
}

/// The values to format.
struct Given<'v> {
    all: &'v Value,
    at: usize,
    by_name: bool,
}

impl<'v> Given<'v> {
    fn of(all: &'v Value) -> Self {
        Self { all, at: 0, by_name: false }
    }

    fn next(&mut self, name: Option<&str>) -> Result<Value> {
        if let Some(name) = name {
            self.by_name = true;
            let Some(map) = self.all.as_map() else { return Err(wrong("format requires a mapping")) };
            return map.get(name).cloned().ok_or_else(|| wrong(format!("there is no key '{name}'")));
        }
        let at = self.at;
        self.at += 1;
        let found = match self.all.kind() {
            Kind::Tuple(items) => items.get(at).cloned(),
            _ if at == 0 => Some(self.all.clone()),
            _ => None,
        };
        found.ok_or_else(|| wrong("not enough arguments for format string"))
    }

    fn has_more(&self) -> bool {
        match self.all.kind() {
            Kind::Tuple(items) => !self.by_name && self.at < items.len(),
            Kind::Map(_) | Kind::List(_) => false,
            _ => self.at == 0,
        }
    }
}

fn converted(value: &Value, conversion: char, mut spec: Spec) -> Result<String> {
    let text = |text: String, spec: &Spec| {
        let cut: String = match spec.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text,
        };
        let spec = Spec { zero: false, align: spec.align.or(Some('>')), ..spec.clone() };
        Ok(spec.padded("", &cut))
    };
    match conversion {
        's' => text(value.text(), &spec),
        'r' => text(value.repr(), &spec),
        'a' => text(value.repr(), &spec),
        'c' => match (value.as_str(), value.as_int()) {
            (Some(c), _) if c.chars().count() == 1 => text(c.to_owned(), &spec),
            (_, Some(code)) => match u32::try_from(code).ok().and_then(char::from_u32) {
                Some(c) => text(c.to_string(), &spec),
                None => Err(wrong("%c arg not in range(0x110000)")),
            },
            _ => Err(wrong("%c requires int or char")),
        },
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' => {
            let number = match (value.kind(), conversion) {
                (Kind::Float(f), 'd' | 'i' | 'u') => BigInt::from_f64(f.trunc()),
                _ => super::number::big(value),
            };
            let Some(number) = number else {
                let wanted =
                    if matches!(conversion, 'd' | 'i' | 'u') { "a real number" } else { "an integer" };
                return Err(wrong(format!(
                    "%{conversion} format: {wanted} is required, not {}",
                    value.type_name()
                )));
            };
            let magnitude = number.abs();
            let (prefix, digits) = match conversion {
                'x' => ("0x", magnitude.to_str_radix(16)),
                'X' => ("0X", magnitude.to_str_radix(16).to_uppercase()),
                'o' => ("0o", magnitude.to_str_radix(8)),
                _ => ("", magnitude.to_string()),
            };
            let digits = match spec.precision {
                Some(precision) => format!("{}{digits}", "0".repeat(precision.saturating_sub(digits.len()))),
                None => digits,
            };
            let prefix = if spec.alternate { prefix } else { "" };
            Ok(spec.padded(&format!("{}{prefix}", spec.sign_of(number.is_negative())), &digits))
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            let Some(number) = value.as_float() else {
                return Err(wrong(format!("must be real number, not {}", value.type_name())));
            };
            spec.precision = spec.precision.or(Some(6));
            let (negative, digits) = float_text(number, conversion, &spec);
            Ok(spec.padded(spec.sign_of(negative), &digits))
        }
        other => Err(wrong(format!("unsupported format character '{other}'"))),
    }
}
