//! Values as they cross the wire, and back.

use shevek_diag::{Diagnostic, Result};
use shevek_proto::{Diff, Outcome as Wire, Val};
use shevek_value::{Kind, Map, Value};

use crate::Outcome;

/// A rendered value for a module's arguments.
pub fn to_wire(value: &Value) -> Result<Val> {
    Ok(match value.kind() {
        Kind::Null | Kind::Omit => Val::Null,
        Kind::Bool(b) => Val::Bool(*b),
        Kind::Int(i) => Val::Int(*i),
        Kind::Big(i) => Val::Str(i.to_string()),
        Kind::Float(f) => Val::Float(*f),
        Kind::Str(text) => Val::Str(text.to_string()),
        Kind::Bytes(bytes) => Val::Bytes(bytes.to_vec()),
        Kind::List(items) | Kind::Tuple(items) => list(items.iter())?,
        Kind::Set(items) => list(items.iter())?,
        Kind::Map(map) => Val::Map(entries(map)?),
        Kind::Undefined(undefined) => {
            return Err(Diagnostic::new("undefined variable")
                .detail(undefined.message())
                .or_at(value.origin()));
        }
        Kind::Object(object) => match object.plain() {
            Some(plain) => to_wire(&plain)?,
            None => Val::Str(object.text()),
        },
    })
}

/// A mapping's entries for the wire; `omit`ted ones are left out.
pub fn entries(map: &Map) -> Result<Vec<(String, Val)>> {
    map.iter().filter(|(_, v)| !v.is_omit()).map(|(k, v)| Ok((k.text(), to_wire(v)?))).collect()
}

fn list<'a>(items: impl Iterator<Item = &'a Value>) -> Result<Val> {
    items.filter(|item| !item.is_omit()).map(to_wire).collect::<Result<_>>().map(Val::List)
}

/// What a host sent: plain data, never a template.
pub fn from_wire(val: Val) -> Value {
    match val {
        Val::Null => Value::NULL,
        Val::Bool(b) => b.into(),
        Val::Int(i) => i.into(),
        Val::Float(f) => f.into(),
        Val::Str(text) => text.into(),
        Val::Bytes(bytes) => Value::bytes(bytes),
        Val::List(items) => Value::list(items.into_iter().map(from_wire).collect()),
        Val::Map(entries) => Value::map(to_map(entries)),
        Val::Blob(blob) => sent_up(blob),
    }
}

/// Content that a host sent: here already, or a stream to take.
fn sent_up(blob: shevek_proto::Blob) -> Value {
    Value::dict([
        ("stream", Value::big(blob.id.into())),
        ("checksum", blob.checksum.map_or(Value::NULL, Value::from)),
        ("inline", blob.inline.map_or(Value::NULL, Value::bytes)),
    ])
}

fn to_map(entries: Vec<(String, Val)>) -> Map {
    entries.into_iter().map(|(k, v)| (Value::str(k), from_wire(v))).collect()
}

impl From<Wire> for Outcome {
    fn from(wire: Wire) -> Self {
        let mut body = to_map(wire.result);
        for name in ["stdout", "stderr"] {
            add_lines(&mut body, name);
        }
        Self {
            changed: wire.changed,
            failed: wire.failed,
            skipped: wire.skipped,
            unreachable: false,
            unknown: wire.unknown,
            body,
            diff: wire.diff.into_iter().map(diff_value).collect(),
            warnings: wire.warnings,
            facts: to_map(wire.facts),
            effects: Vec::new(),
        }
    }
}

/// `stdout_lines` beside `stdout`.
pub(crate) fn add_lines(body: &mut Map, name: &str) {
    let key = format!("{name}_lines");
    if let Some(text) = body.get(name).and_then(Value::as_str)
        && !body.contains_key(key.as_str())
    {
        let lines = Value::list(split_lines(text).map(Value::str).collect());
        body.insert(Value::str(key), lines);
    }
}

/// Python's `splitlines`, as far as output goes.
fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_suffix('\n').map_or(text, |t| t.strip_suffix('\r').unwrap_or(t));
    let parts = if text.is_empty() { None } else { Some(text.split('\n')) };
    parts.into_iter().flatten().map(|line| line.strip_suffix('\r').unwrap_or(line))
}

fn diff_value(diff: Diff) -> Value {
    let mut map = Map::default();
    let mut put = |key: &str, value: Value| {
        map.insert(Value::str(key), value);
    };
    match diff.prepared {
        Some(text) => put("prepared", text.into()),
        None => {
            put("before", from_wire(diff.before));
            put("after", from_wire(diff.after));
            if let Some(header) = diff.before_header {
                put("before_header", header.into());
            }
            if let Some(header) = diff.after_header {
                put("after_header", header.into());
            }
        }
    }
    Value::map(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_sends_is_never_a_template() {
        assert!(!from_wire(Val::Str("{{ lookup('pipe', 'id') }}".into())).is_template());
    }

    #[test]
    fn output_gets_its_lines() {
        let wire = Wire {
            result: vec![("stdout".into(), "a\n\nb\n".into()), ("stderr".into(), "".into())],
            ..Wire::default()
        };
        let outcome = Outcome::from(wire);
        assert_eq!(outcome.body.get("stdout_lines").unwrap().repr(), "['a', '', 'b']");
        assert_eq!(outcome.body.get("stderr_lines").unwrap().repr(), "[]");
    }
}
