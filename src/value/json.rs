//! Values as JSON and back.

use std::sync::Arc;

use num_bigint::BigInt;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::{Kind, Map, Value};

/// Secrets are written as they are: whoever writes JSON for people masks first (events do).
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.kind() {
            Kind::Null | Kind::Omit | Kind::Undefined(_) => serializer.serialize_unit(),
            Kind::Bool(b) => serializer.serialize_bool(*b),
            Kind::Int(i) => serializer.serialize_i64(*i),
            // Numbers past 64 bits: as text, since neither JSON readers nor serde_json keep them exactly.
            Kind::Big(i) => serializer.serialize_str(&i.to_string()),
            Kind::Float(f) => serializer.serialize_f64(*f),
            Kind::Str(text) => serializer.serialize_str(text),
            Kind::Bytes(bytes) => serializer.serialize_str(&String::from_utf8_lossy(bytes)),
            Kind::List(items) | Kind::Tuple(items) => sequence(items.iter(), serializer),
            Kind::Set(items) => sequence(items.iter(), serializer),
            Kind::Map(map) => {
                let mut out = serializer.serialize_map(Some(map.len()))?;
                for (key, item) in map.iter() {
                    out.serialize_entry(&json_key(key), item)?;
                }
                out.end()
            }
            Kind::Object(object) => match object.plain() {
                Some(plain) => plain.serialize(serializer),
                None => serializer.serialize_str(&object.text()),
            },
        }
    }
}

/// A key as Python's json writes it.
fn json_key(key: &Value) -> String {
    match key.kind() {
        Kind::Null => "null".to_owned(),
        Kind::Bool(b) => b.to_string(),
        _ => key.text(),
    }
}

fn sequence<'a, S: Serializer>(
    items: impl ExactSizeIterator<Item = &'a Value>,
    s: S,
) -> Result<S::Ok, S::Error> {
    let mut out = s.serialize_seq(Some(items.len()))?;
    for item in items {
        out.serialize_element(item)?;
    }
    out.end()
}

/// Text read this way is plain text, never a template.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::NULL)
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::NULL)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(Value::from(b))
    }
    fn visit_i64<E>(self, i: i64) -> Result<Value, E> {
        Ok(Value::from(i))
    }
    fn visit_u64<E>(self, i: u64) -> Result<Value, E> {
        Ok(Value::big(BigInt::from(i)))
    }
    fn visit_f64<E>(self, f: f64) -> Result<Value, E> {
        Ok(Value::from(f))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::str(text))
    }
    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::str(text))
    }
    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::bytes(bytes))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(1024));
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::list(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::default();
        while let Some((key, item)) = entries.next_entry::<Arc<str>, Value>()? {
            map.insert(Value::str(key), item);
        }
        Ok(Value::map(map))
    }
}

#[cfg(test)]
mod tests {
    use crate::Value;

    #[test]
    fn json_comes_back_as_it_went_in_and_is_never_a_template() {
        let text = r#"{"b":[1,2.5,null,true,"{{ x }}"],"a":{}}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
        assert!(!value.is_template());
    }
}
