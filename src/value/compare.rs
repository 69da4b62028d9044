//! Equality and hashing as Python has them.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use indexmap::Equivalent;
use num_traits::ToPrimitive;

use crate::{Kind, Value};

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self.kind(), other.kind()) {
            (Kind::Str(a), Kind::Str(b)) => a == b,
            (Kind::Int(a), Kind::Int(b)) => a == b,
            (Kind::Null, Kind::Null) | (Kind::Omit, Kind::Omit) => true,
            (Kind::Bool(a), Kind::Bool(b)) => a == b,
            (Kind::Big(a), Kind::Big(b)) => a == b,
            (Kind::Bytes(a), Kind::Bytes(b)) => a == b,
            (Kind::List(a), Kind::List(b)) | (Kind::Tuple(a), Kind::Tuple(b)) => Arc::ptr_eq(a, b) || a == b,
            (Kind::Map(a), Kind::Map(b)) => Arc::ptr_eq(a, b) || a == b,
            (Kind::Set(a), Kind::Set(b)) => Arc::ptr_eq(a, b) || a == b,
            (Kind::Undefined(a), Kind::Undefined(b)) => Arc::ptr_eq(a, b),
            (Kind::Object(a), Kind::Object(b)) if Arc::ptr_eq(a, b) => true,
            (Kind::Object(a), _) => a.equals(other),
            (_, Kind::Object(b)) => b.equals(self),
            _ => number_eq(self, other),
        }
    }
}

/// NaN is not equal to itself in Python either; as a key it is then simply never found again.
impl Eq for Value {}

fn number_eq(a: &Value, b: &Value) -> bool {
    match (a.as_int(), b.as_int()) {
        (Some(a), Some(b)) => a == b,
        _ => match (a.as_float(), b.as_float()) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        },
    }
}

/// Equal values hash alike, across number types too. Text hashes as `str` does, so that `&str` finds its key.
impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.kind() {
            Kind::Str(text) => text.hash(state),
            Kind::Bool(b) => i64::from(*b).hash(state),
            Kind::Int(i) => i.hash(state),
            Kind::Float(f) => match f.to_i64().filter(|i| *i as f64 == *f) {
                Some(whole) => whole.hash(state),
                None => f.to_bits().hash(state),
            },
            Kind::Big(i) => i.to_f64().unwrap_or(f64::INFINITY).to_bits().hash(state),
            Kind::Bytes(bytes) => bytes.hash(state),
            Kind::List(items) | Kind::Tuple(items) => items.iter().for_each(|item| item.hash(state)),
            Kind::Map(map) => map.len().hash(state),
            Kind::Set(set) => set.len().hash(state),
            Kind::Null => 1_u8.hash(state),
            Kind::Omit => 2_u8.hash(state),
            Kind::Undefined(_) => 3_u8.hash(state),
            Kind::Object(object) => object.text().hash(state),
        }
    }
}

impl Equivalent<Value> for str {
    fn equivalent(&self, key: &Value) -> bool {
        key.as_str() == Some(self)
    }
}

impl PartialEq<str> for Value {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == Some(other)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Map, Value};

    #[test]
    fn one_true_and_one_point_nought_are_the_same_key() {
        let mut map = Map::default();
        map.insert(Value::from(1), Value::from("int"));
        map.insert(Value::from(true), Value::from("bool"));
        map.insert(Value::from(1.0), Value::from("float"));
        assert_eq!(map.len(), 1);
        assert_eq!(map.get(&Value::from(1)), Some(&Value::from("float")));
    }

    #[test]
    fn lists_and_tuples_differ_and_text_is_no_number() {
        assert_ne!(Value::list(vec![Value::from(1)]), Value::tuple(vec![Value::from(1)]));
        assert_ne!(Value::from("1"), Value::from(1));
        assert_eq!(Value::from(2.0), Value::from(2));
    }

    #[test]
    fn mappings_are_equal_in_any_order() {
        assert_eq!(Value::dict([("a", 1), ("b", 2)]), Value::dict([("b", 2), ("a", 1)]));
    }
}
