//! How Python prints values: what `str()` and `repr()` give, which is what arguments of type `str` become.

use shevek_proto::Val;

/// The name of the Python type that Ansible would show for a value.
pub fn python_type(value: &Val) -> &'static str {
    match value {
        Val::Null => "NoneType",
        Val::Bool(_) => "bool",
        Val::Int(_) => "int",
        Val::Float(_) => "float",
        Val::Str(_) => "str",
        Val::Bytes(_) | Val::Blob(_) => "bytes",
        Val::List(_) => "list",
        Val::Map(_) => "dict",
    }
}

/// A value as `str()` prints it.
pub fn python_str(value: &Val) -> String {
    match value {
        Val::Str(s) => s.clone(),
        Val::Bytes(b) => String::from_utf8_lossy(b).into_owned(),
        other => python_repr(other),
    }
}

/// A value as `repr()` prints it.
pub fn python_repr(value: &Val) -> String {
    match value {
        Val::Null => "None".into(),
        Val::Bool(true) => "True".into(),
        Val::Bool(false) => "False".into(),
        Val::Int(i) => i.to_string(),
        Val::Float(f) => float(*f),
        Val::Str(s) => quoted(s),
        Val::Bytes(b) => quoted(&String::from_utf8_lossy(b)),
        Val::Blob(blob) => format!("<{} bytes>", blob.size),
        Val::List(items) => format!("[{}]", items.iter().map(python_repr).collect::<Vec<_>>().join(", ")),
        Val::Map(entries) => {
            let shown: Vec<_> =
                entries.iter().map(|(k, v)| format!("{}: {}", quoted(k), python_repr(v))).collect();
            format!("{{{}}}", shown.join(", "))
        }
    }
}

fn quoted(s: &str) -> String {
    let quote = if s.contains('\'') && !s.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(s.len() + 2);
    out.push(quote);
    for c in s.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// A number as Python prints floats: always with a point or an exponent.
pub fn float(f: f64) -> String {
    if f.is_nan() {
        return "nan".into();
    }
    if f.is_infinite() {
        return if f > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let size = f.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let shown = format!("{f:e}");
        let (digits, power) = shown.split_once('e').unwrap_or((&shown, "0"));
        let (sign, power) = power.strip_prefix('-').map_or(("+", power), |p| ("-", p));
        return format!("{digits}e{sign}{power:0>2}");
    }
    let shown = format!("{f}");
    if shown.contains('.') { shown } else { format!("{shown}.0") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_in_python() {
        let pairs =
            [(1.0, "1.0"), (0.1, "0.1"), (1e16, "1e+16"), (1.5e-7, "1.5e-07"), (123456.0, "123456.0")];
        for (f, shown) in pairs {
            assert_eq!(float(f), shown);
        }
    }

    #[test]
    fn containers_print_with_quotes_inside() {
        let value = Val::Map(vec![("a".into(), vec!["it's", "x"].into()), ("b".into(), Val::Null)]);
        assert_eq!(python_str(&value), r#"{'a': ["it's", 'x'], 'b': None}"#);
    }
}
