//! `'{}'.format(value)` and format specifications.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};
use shevek_diag::{Diagnostic, Result};
use shevek_value::{Kind, Map, Value};

use super::number::big;

fn wrong(detail: impl Into<String>) -> Box<Diagnostic> {
    Diagnostic::new("can't format").detail(detail)
}

/// Formats as Python's `str.format` does.
pub(crate) fn format(pattern: &str, positional: &[Value], named: &Map) -> Result<String> {
    let mut fields = Fields { positional, named, next: 0 };
    fields.fill(pattern, 0)
}

struct Fields<'v> {
    positional: &'v [Value],
    named: &'v Map,
    next: usize,
}

impl Fields<'_> {
    fn fill(&mut self, pattern: &str, depth: u8) -> Result<String> {
        if depth > 2 {
            return Err(wrong("Max string recursion exceeded"));
        }
        let mut out = String::with_capacity(pattern.len());
        let mut rest = pattern;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, tail) = rest.split_at(at);
            out.push_str(before);
            if tail.starts_with("{{") || tail.starts_with("}}") {
                out.push_str(tail.get(..1).unwrap_or(""));
                rest = tail.get(2..).unwrap_or("");
                continue;
            }
            if tail.starts_with('}') {
                return Err(wrong("Single '}' encountered in format string"));
            }
            let body = tail.get(1..).unwrap_or("");
            let end = closing(body).ok_or_else(|| wrong("expected '}' before end of string"))?;
            let (field, after) = body.split_at(end);
            out.push_str(&self.field(field, depth)?);
            rest = after.get(1..).unwrap_or("");
        }
        out.push_str(rest);
        Ok(out)
    }

    /// One `{name!conversion:spec}`, without its braces.
    fn field(&mut self, field: &str, depth: u8) -> Result<String> {
        let mut in_brackets = false;
        let end = field.find(|c| {
            match c {
                '[' => in_brackets = true,
                ']' => in_brackets = false,
                _ => {}
            }
            !in_brackets && matches!(c, '!' | ':')
        });
        let (name, rest) = field.split_at(end.unwrap_or(field.len()));
        let (conversion, spec) = match rest.strip_prefix('!') {
            Some(rest) => match rest.split_once(':') {
                Some((conversion, spec)) => (conversion, spec),
                None => (rest, ""),
            },
            None => ("", rest.strip_prefix(':').unwrap_or("")),
        };
        let value = self.value(name)?;
        let spec = self.fill(spec, depth + 1)?;
        let value = match conversion {
            "" => value,
            "s" => Value::from(value.text()),
            "r" | "a" => Value::from(value.repr()),
            other => return Err(wrong(format!("Unknown conversion specifier '{other}'"))),
        };
        formatted(&value, &spec)
    }

    fn value(&mut self, name: &str) -> Result<Value> {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (first, mut path) = name.split_at(end);
        let mut value = if first.is_empty() {
            self.next += 1;
            self.at(self.next - 1)?
        } else if let Ok(number) = first.parse::<usize>() {
            self.at(number)?
        } else {
            self.named.get(first).cloned().ok_or_else(|| wrong(format!("there is no argument '{first}'")))?
        };
        while !path.is_empty() {
            if let Some(rest) = path.strip_prefix('[') {
                let Some((key, rest)) = rest.split_once(']') else {
                    return Err(wrong("Missing ']' in format string"));
                };
                let found = match (value.kind(), key.parse::<usize>()) {
                    (Kind::List(items) | Kind::Tuple(items), Ok(at)) => items.get(at).cloned(),
                    (Kind::Map(map), Ok(at)) => map.get(&Value::from(at)).or_else(|| map.get(key)).cloned(),
                    (Kind::Map(map), Err(_)) => map.get(key).cloned(),
                    _ => None,
                };
                value = found.ok_or_else(|| wrong(format!("there is no item '{key}'")))?;
                path = rest;
            } else {
                let rest = path.get(1..).unwrap_or("");
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let (name, rest) = rest.split_at(end);
                let found = match value.as_object() {
                    Some(object) => object.attribute(name)?,
                    None => super::attribute(&value, name),
                };
                value = found.ok_or_else(|| {
                    wrong(format!("'{}' object has no attribute '{name}'", value.type_name()))
                })?;
                path = rest;
            }
        }
        Ok(value)
    }

    fn at(&self, number: usize) -> Result<Value> {
        self.positional.get(number).cloned().ok_or_else(|| {
            wrong(format!("Replacement index {number} out of range for positional args tuple"))
        })
    }
}

/// Where the field ends: its brace, not one of a nested field.
fn closing(body: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in body.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// A format specification.
#[derive(Debug, Clone, Default)]
pub(super) struct Spec {
    pub fill: Option<char>,
    pub align: Option<char>,
    /// `+`, ` ` or nothing (NUL).
    pub sign: char,
    pub alternate: bool,
    pub zero: bool,
    pub width: Option<usize>,
    pub group: Option<char>,
    pub precision: Option<usize>,
    pub kind: Option<char>,
}

impl Spec {
    fn parse(text: &str) -> Result<Self> {
        let mut spec = Self::default();
        let chars: Vec<char> = text.chars().collect();
        let mut rest = chars.as_slice();
        if let [fill, align @ ('<' | '>' | '=' | '^'), more @ ..] = rest {
            (spec.fill, spec.align) = (Some(*fill), Some(*align));
            rest = more;
        } else if let [align @ ('<' | '>' | '=' | '^'), more @ ..] = rest {
            spec.align = Some(*align);
            rest = more;
        }
        if let [sign @ ('+' | '-' | ' '), more @ ..] = rest {
            spec.sign = if *sign == '-' { '\0' } else { *sign };
            rest = more;
        }
        if let ['#', more @ ..] = rest {
            spec.alternate = true;
            rest = more;
        }
        if let ['0', more @ ..] = rest {
            spec.zero = true;
            rest = more;
        }
        spec.width = number(&mut rest);
        if let [group @ (',' | '_'), more @ ..] = rest {
            spec.group = Some(*group);
            rest = more;
        }
        if let ['.', more @ ..] = rest {
            rest = more;
            spec.precision =
                Some(number(&mut rest).ok_or_else(|| wrong("Format specifier missing precision"))?);
        }
        match rest {
            [] => {}
            [kind] => spec.kind = Some(*kind),
            _ => return Err(wrong(format!("Invalid format specifier '{text}'"))),
        }
        Ok(spec)
    }

    pub(super) fn sign_of(&self, negative: bool) -> &'static str {
        match (negative, self.sign) {
            (true, _) => "-",
            (false, '+') => "+",
            (false, ' ') => " ",
            _ => "",
        }
    }

    /// Pads to the width; zeros go between sign and digits.
    pub(super) fn padded(&self, sign: &str, body: &str) -> String {
        let missing = self.width.unwrap_or(0).saturating_sub(sign.chars().count() + body.chars().count());
        let zero = self.zero && self.align.is_none();
        let fill = self.fill.unwrap_or(if self.zero && self.align != Some('<') { '0' } else { ' ' });
        let pad = |count: usize| fill.to_string().repeat(count);
        match if zero { '=' } else { self.align.unwrap_or('>') } {
            '<' => format!("{sign}{body}{}", pad(missing)),
            '^' => format!("{}{sign}{body}{}", pad(missing / 2), pad(missing - missing / 2)),
            '=' => format!("{sign}{}{body}", pad(missing)),
            _ => format!("{}{sign}{body}", pad(missing)),
        }
    }
}

fn number(rest: &mut &[char]) -> Option<usize> {
    let mut number = None;
    while let [digit, more @ ..] = rest
        && let Some(digit) = digit.to_digit(10)
    {
        number = Some((number.unwrap_or(0_usize) * 10 + digit as usize).min(1 << 20));
        *rest = more;
    }
    number
}

/// Formats one value by a specification.
fn formatted(value: &Value, spec: &str) -> Result<String> {
    if let Some(object) = value.as_object()
        && let Some(text) = object.format(spec)
    {
        return text;
    }
    if spec.is_empty() {
        return Ok(value.text());
    }
    let mut spec = Spec::parse(spec)?;
    match value.kind() {
        Kind::Str(text) => {
            if !matches!(spec.kind, None | Some('s')) || spec.align == Some('=') {
                return Err(unknown_kind(&spec, "str"));
            }
            let cut: String = text.chars().take(spec.precision.unwrap_or(usize::MAX)).collect();
            spec.align = spec.align.or(Some('<'));
            Ok(spec.padded("", &cut))
        }
        Kind::Int(_) | Kind::Big(_) | Kind::Bool(_) => match (big(value), spec.kind) {
            (Some(number), None | Some('d' | 'b' | 'o' | 'x' | 'X' | 'n' | 'c')) => whole(&number, &spec),
            (_, Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%')) => {
                Ok(float(value.as_float().unwrap_or(0.0), &spec))
            }
            _ => Err(unknown_kind(&spec, "int")),
        },
        Kind::Float(number) => match spec.kind {
            None | Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%' | 'n') => Ok(float(*number, &spec)),
            _ => Err(unknown_kind(&spec, "float")),
        },
        _ => Err(wrong(format!("unsupported format string passed to {}.__format__", value.type_name()))),
    }
}

fn unknown_kind(spec: &Spec, name: &str) -> Box<Diagnostic> {
    let kind = spec.kind.unwrap_or('=');
    wrong(format!("Unknown format code '{kind}' for object of type '{name}'"))
}

fn whole(number: &BigInt, spec: &Spec) -> Result<String> {
    let magnitude = number.abs();
    let (prefix, digits) = match spec.kind {
        Some('b') => ("0b", magnitude.to_str_radix(2)),
        Some('o') => ("0o", magnitude.to_str_radix(8)),
        Some('x') => ("0x", magnitude.to_str_radix(16)),
        Some('X') => ("0X", magnitude.to_str_radix(16).to_uppercase()),
        Some('c') => {
            let c = number
                .to_u32()
                .and_then(char::from_u32)
                .ok_or_else(|| wrong("%c arg not in range(0x110000)"))?;
            return Ok(Spec { align: spec.align.or(Some('<')), ..spec.clone() }.padded("", &c.to_string()));
        }
        _ => ("", magnitude.to_string()),
    };
    let every = if prefix.is_empty() { 3 } else { 4 };
    let digits = grouped(&digits, spec.group, every);
    let sign = format!("{}{}", spec.sign_of(number.is_negative()), if spec.alternate { prefix } else { "" });
    Ok(spec.padded(&sign, &digits))
}

fn grouped(digits: &str, separator: Option<char>, every: usize) -> String {
    let Some(separator) = separator else { return digits.to_owned() };
    let length = digits.len();
    let mut out = String::with_capacity(length * 4 / 3);
    for (at, c) in digits.chars().enumerate() {
        if at > 0 && (length - at).is_multiple_of(every) {
            out.push(separator);
        }
        out.push(c);
    }
    out
}

fn float(number: f64, spec: &Spec) -> String {
    let kind = spec.kind.unwrap_or(if spec.precision.is_some() { 'g' } else { 'r' });
    let (negative, digits) = match kind {
        'r' => {
            let text = shevek_value::float_repr(number.abs());
            (number.is_sign_negative() && !number.is_nan(), text)
        }
        '%' => {
            let percent = Spec { precision: spec.precision.or(Some(6)), ..spec.clone() };
            let (negative, digits) = float_text(number * 100.0, 'f', &percent);
            (negative, digits + "%")
        }
        kind => {
            let precise = Spec { precision: spec.precision.or(Some(6)), ..spec.clone() };
            let kind = if kind == 'n' { 'g' } else { kind };
            float_text(number, kind, &precise)
        }
    };
    let digits = match (spec.group, digits.split_once('.')) {
        (None, _) => digits,
        (group, Some((whole, fraction))) => format!("{}.{fraction}", grouped(whole, group, 3)),
        (group, None) => grouped(&digits, group, 3),
    };
    spec.padded(spec.sign_of(negative), &digits)
}

/// Sign and digits of a float in one of `e f g`; capitals print capitals.
pub(super) fn float_text(number: f64, kind: char, spec: &Spec) -> (bool, String) {
    let negative = number.is_sign_negative() && !number.is_nan();
    let magnitude = number.abs();
    // No float has more digits, and the formatter takes no more.
    let precision = spec.precision.unwrap_or(6).min(usize::from(u16::MAX));
    let text = if magnitude.is_nan() {
        "nan".to_owned()
    } else if magnitude.is_infinite() {
        "inf".to_owned()
    } else {
        match kind.to_ascii_lowercase() {
            'e' => exponent(magnitude, precision),
            'g' => general(magnitude, precision.max(1), spec.alternate),
            _ => format!("{magnitude:.precision$}"),
        }
    };
    (negative, if kind.is_ascii_uppercase() { text.to_uppercase() } else { text })
}

fn exponent(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    match text.split_once('e') {
        Some((digits, power)) => {
            let (sign, power) = match power.strip_prefix('-') {
                Some(power) => ('-', power),
                None => ('+', power),
            };
            format!("{digits}e{sign}{power:0>2}")
        }
        None => text,
    }
}

fn general(number: f64, precision: usize, keep_zeros: bool) -> String {
    let scientific = format!("{number:.*e}", precision - 1);
    let power: i64 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    let whole = i64::try_from(precision).unwrap_or(i64::MAX);
    let shorten = |text: String| {
        if keep_zeros || !text.contains('.') {
            return text;
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    if (-4..whole).contains(&power) {
        let decimals = usize::try_from(whole - 1 - power).unwrap_or(0);
        return shorten(format!("{number:.decimals$}"));
    }
    let text = exponent(number, precision - 1);
    match text.split_once('e') {
        Some((digits, power)) => format!("{}e{power}", shorten(digits.to_owned())),
        None => text,
    }
}
