//! Methods and attributes of numbers.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};
use shevek_diag::Result;
use shevek_value::{Kind, Value};

use super::arguments::Args;

const OF_INT: [&str; 5] = ["bit_length", "bit_count", "as_integer_ratio", "conjugate", "is_integer"];
const OF_FLOAT: [&str; 4] = ["is_integer", "as_integer_ratio", "conjugate", "hex"];
pub(super) const BIT_OPERATORS: [&str; 5] = ["__and__", "__or__", "__xor__", "__lshift__", "__rshift__"];

pub(super) fn has(value: &Value, name: &str) -> bool {
    match value.kind() {
        Kind::Float(_) => OF_FLOAT.contains(&name) && name != "hex",
        _ => OF_INT.contains(&name) || BIT_OPERATORS.contains(&name),
    }
}

pub(super) fn attribute(value: &Value, name: &str) -> Option<Value> {
    match (value.kind(), name) {
        (Kind::Int(_) | Kind::Big(_) | Kind::Float(_), "real") => Some(value.clone()),
        (Kind::Bool(b), "real" | "numerator") => Some(Value::from(i64::from(*b))),
        (Kind::Int(_) | Kind::Big(_), "numerator") => Some(value.clone()),
        (Kind::Int(_) | Kind::Big(_) | Kind::Bool(_), "imag") => Some(Value::from(0)),
        (Kind::Float(_), "imag") => Some(Value::from(0.0)),
        (Kind::Int(_) | Kind::Big(_) | Kind::Bool(_), "denominator") => Some(Value::from(1)),
        _ => None,
    }
}

/// The whole number, of any size.
pub(crate) fn big(value: &Value) -> Option<BigInt> {
    match value.kind() {
        Kind::Big(number) => Some((**number).clone()),
        _ => value.as_int().map(BigInt::from),
    }
}

pub(super) fn call(value: &Value, args: &Args<'_>) -> Result<Value> {
    if let Kind::Float(number) = value.kind() {
        return match args.name {
            "is_integer" => Ok(Value::from(number.fract() == 0.0)),
            "conjugate" => Ok(value.clone()),
            _ => Err(args.wrong(format!("{}() of a float is not supported", args.name))),
        };
    }
    let Some(number) = big(value) else { return Err(args.unknown()) };
    match args.name {
        "bit_length" => Ok(Value::from(usize::try_from(number.bits()).unwrap_or(usize::MAX))),
        "bit_count" => {
            let ones: u32 = number.abs().iter_u64_digits().map(u64::count_ones).sum();
            Ok(Value::from(ones))
        }
        "conjugate" => Ok(Value::big(number)),
        "is_integer" => Ok(Value::from(true)),
        "as_integer_ratio" => Ok(Value::tuple(vec![Value::big(number), Value::from(1)])),
        _ => {
            let other = args.require(0, "other")?;
            let Some(other) = big(other) else { return Err(args.wrong_type("other", "int", other)) };
            let shift = || {
                other.to_u32().filter(|by| *by <= 1 << 20).ok_or_else(|| args.wrong("can't shift by that"))
            };
            Ok(Value::big(match args.name {
                "__and__" => number & other,
                "__or__" => number | other,
                "__xor__" => number ^ other,
                "__lshift__" => number << shift()?,
                "__rshift__" => number >> shift()?,
                _ => return Err(args.unknown()),
            }))
        }
    }
}
