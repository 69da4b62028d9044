//! Python's order.

use std::cmp::Ordering;

use shevek_diag::{Diagnostic, Result};

use crate::{Kind, Value};

impl Value {
    /// Which is less, as Python's `<` has it: numbers, text, lists and tuples item by item; an error for types that
    /// don't compare.
    pub fn compare(&self, other: &Value) -> Result<Ordering> {
        match (self.kind(), other.kind()) {
            (Kind::Str(a), Kind::Str(b)) => Ok(a.as_ref().cmp(b)),
            (Kind::Bytes(a), Kind::Bytes(b)) => Ok(a.cmp(b)),
            (Kind::List(a), Kind::List(b)) | (Kind::Tuple(a), Kind::Tuple(b)) => {
                for (a, b) in a.iter().zip(b.iter()) {
                    if a != b {
                        return a.compare(b);
                    }
                }
                Ok(a.len().cmp(&b.len()))
            }
            (Kind::Set(a), Kind::Set(b)) if a != b => {
                Ok(if a.is_subset(b) { Ordering::Less } else { Ordering::Greater })
            }
            (Kind::Set(_), Kind::Set(_)) => Ok(Ordering::Equal),
            (Kind::Object(a), _) => a.compare(other).unwrap_or_else(|| Err(self.incomparable(other))),
            (Kind::Big(a), Kind::Big(b)) => Ok(a.cmp(b)),
            (Kind::Big(a), _) if other.as_int().is_some() => Ok(a.sign().cmp(&num_bigint::Sign::NoSign)),
            (_, Kind::Big(b)) if self.as_int().is_some() => Ok(num_bigint::Sign::NoSign.cmp(&b.sign())),
            _ => match (self.as_int(), other.as_int()) {
                (Some(a), Some(b)) => Ok(a.cmp(&b)),
                _ => match (self.as_float(), other.as_float()) {
                    // NaN is neither less nor greater; sorting leaves it where it is.
                    (Some(a), Some(b)) => Ok(a.partial_cmp(&b).unwrap_or(Ordering::Equal)),
                    _ => Err(self.incomparable(other)),
                },
            },
        }
    }

    fn incomparable(&self, other: &Value) -> Box<Diagnostic> {
        Diagnostic::new("can't be compared").detail(format!(
            "'<' not supported between instances of '{}' and '{}'",
            self.type_name(),
            other.type_name()
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use crate::Value;

    #[test]
    fn like_compares_with_like_only() {
        assert_eq!(Value::from(1).compare(&Value::from(1.5)).unwrap(), Ordering::Less);
        assert_eq!(Value::from("b").compare(&Value::from("a")).unwrap(), Ordering::Greater);
        let pair = |n| Value::list(vec![Value::from(1), Value::from(n)]);
        assert_eq!(pair(2).compare(&pair(3)).unwrap(), Ordering::Less);
        assert!(Value::from(1).compare(&Value::from("a")).is_err());
        assert!(Value::NULL.compare(&Value::from(1)).is_err());
    }
}
