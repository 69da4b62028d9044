//! Arithmetic and comparison, as Python has them.

use std::cmp::Ordering;
use std::sync::Arc;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};
use shevek_diag::{Diagnostic, Result};
use shevek_value::{Kind, Value};

use crate::methods;
use crate::syntax::{BinaryOp, CompareOp};

/// The largest text or list that repeating or powers may make, in items or bits.
const LARGEST: u64 = 1 << 28;

/// A number for arithmetic.
enum Number {
    Int(BigInt),
    Float(f64),
}

fn number(value: &Value) -> Option<Number> {
    match value.kind() {
        Kind::Int(n) => Some(Number::Int(BigInt::from(*n))),
        Kind::Bool(b) => Some(Number::Int(BigInt::from(u8::from(*b)))),
        Kind::Big(n) => Some(Number::Int((**n).clone())),
        Kind::Float(f) => Some(Number::Float(*f)),
        _ => None,
    }
}

fn float(number: Number) -> f64 {
    match number {
        Number::Int(n) => n.to_f64().unwrap_or(f64::INFINITY),
        Number::Float(f) => f,
    }
}

fn failed(detail: impl Into<String>) -> Box<Diagnostic> {
    Diagnostic::new("can't be calculated").detail(detail)
}

fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::FloorDiv => "//",
        BinaryOp::Rem => "%",
        BinaryOp::Pow => "** or pow()",
    }
}

/// `left op right`
pub(crate) fn binary(op: BinaryOp, left: &Value, right: &Value) -> Result<Value> {
    if let (Some(a), Some(b)) = (left.as_int(), right.as_int())
        && let Some(result) = small(op, a, b)
    {
        return Ok(result);
    }
    match (number(left), number(right)) {
        (Some(Number::Int(a)), Some(Number::Int(b))) => return whole(op, &a, &b),
        (Some(a), Some(b)) => return floats(op, float(a), float(b)),
        _ => {}
    }
    if let Some(result) = of_objects(op, left, right) {
        return result;
    }
    match (op, left.kind(), right.kind()) {
        (BinaryOp::Add, Kind::Str(a), Kind::Str(b)) => Ok(Value::from(format!("{a}{b}"))),
        (BinaryOp::Add, Kind::List(a), Kind::List(b)) => {
            Ok(Value::list(a.iter().chain(b.iter()).cloned().collect()))
        }
        (BinaryOp::Add, Kind::Tuple(a), Kind::Tuple(b)) => {
            Ok(Value::tuple(a.iter().chain(b.iter()).cloned().collect()))
        }
        (BinaryOp::Add, Kind::Bytes(a), Kind::Bytes(b)) => Ok(Value::bytes([&a[..], &b[..]].concat())),
        (BinaryOp::Sub, Kind::Set(a), Kind::Set(b)) => {
            Ok(Value::new(Kind::Set(Arc::new(a.difference(b).cloned().collect()))))
        }
        (BinaryOp::Rem, Kind::Str(pattern), _) => methods::percent(pattern, right),
        (BinaryOp::Mul, _, _) => repeated(left, right)
            .or_else(|| repeated(right, left))
            .unwrap_or_else(|| Err(unsupported(op, left, right))),
        (BinaryOp::Add, Kind::Str(_), _) => {
            Err(failed(format!("can only concatenate str (not \"{}\") to str", right.type_name())))
        }
        (BinaryOp::Add, Kind::List(_), _) => {
            Err(failed(format!("can only concatenate list (not \"{}\") to list", right.type_name())))
        }
        _ => Err(unsupported(op, left, right)),
    }
}

fn unsupported(op: BinaryOp, left: &Value, right: &Value) -> Box<Diagnostic> {
    failed(format!(
        "unsupported operand type(s) for {}: '{}' and '{}'",
        symbol(op),
        left.type_name(),
        right.type_name()
    ))
}

/// Whole numbers of 64 bits, when the result is one too.
fn small(op: BinaryOp, a: i64, b: i64) -> Option<Value> {
    Some(Value::from(match op {
        BinaryOp::Add => a.checked_add(b)?,
        BinaryOp::Sub => a.checked_sub(b)?,
        BinaryOp::Mul => a.checked_mul(b)?,
        BinaryOp::Rem if b > 0 => a.checked_rem_euclid(b)?,
        BinaryOp::FloorDiv if b > 0 => a.checked_div_euclid(b)?,
        BinaryOp::Pow => a.checked_pow(u32::try_from(b).ok()?)?,
        _ => return None,
    }))
}

fn whole(op: BinaryOp, a: &BigInt, b: &BigInt) -> Result<Value> {
    Ok(match op {
        BinaryOp::Add => Value::big(a + b),
        BinaryOp::Sub => Value::big(a - b),
        BinaryOp::Mul => Value::big(a * b),
        BinaryOp::Div if b.is_zero() => return Err(failed("division by zero")),
        BinaryOp::Div => {
            let (a, b) = (a.to_f64().unwrap_or(f64::INFINITY), b.to_f64().unwrap_or(f64::INFINITY));
            Value::from(a / b)
        }
        BinaryOp::FloorDiv | BinaryOp::Rem if b.is_zero() => {
            return Err(failed("integer division or modulo by zero"));
        }
        BinaryOp::FloorDiv => Value::big(a.div_floor(b)),
        BinaryOp::Rem => Value::big(a.mod_floor(b)),
        BinaryOp::Pow if b.is_negative() => {
            return floats(op, a.to_f64().unwrap_or(f64::INFINITY), b.to_f64().unwrap_or(f64::NEG_INFINITY));
        }
        BinaryOp::Pow => {
            let power = b.to_u32().filter(|power| a.bits().saturating_mul(u64::from(*power)) <= LARGEST);
            let Some(power) = power else { return Err(failed("the result is too large")) };
            Value::big(a.pow(power))
        }
    })
}

fn floats(op: BinaryOp, a: f64, b: f64) -> Result<Value> {
    let zero = |message: &str| Err(failed(message));
    Ok(Value::from(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div if b == 0.0 => return zero("float division by zero"),
        BinaryOp::Div => a / b,
        BinaryOp::FloorDiv if b == 0.0 => return zero("float floor division by zero"),
        BinaryOp::FloorDiv => (a / b).floor(),
        BinaryOp::Rem if b == 0.0 => return zero("float modulo"),
        BinaryOp::Rem => {
            let rest = a % b;
            if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
        }
        BinaryOp::Pow if a == 0.0 && b < 0.0 => return zero("0.0 cannot be raised to a negative power"),
        BinaryOp::Pow => {
            let power = a.powf(b);
            if power.is_nan() && !a.is_nan() && !b.is_nan() {
                return zero("complex numbers are not supported");
            }
            power
        }
    }))
}

fn of_objects(op: BinaryOp, left: &Value, right: &Value) -> Option<Result<Value>> {
    let object = left.as_object()?;
    match op {
        BinaryOp::Add => object.add(right),
        BinaryOp::Sub => object.subtract(right),
        _ => None,
    }
}

/// `'ab' * 3`
fn repeated(of: &Value, times: &Value) -> Option<Result<Value>> {
    let times = usize::try_from(times.as_int()?.max(0)).ok()?;
    let length = match of.kind() {
        Kind::Str(text) => text.len(),
        Kind::List(items) | Kind::Tuple(items) => items.len(),
        _ => return None,
    };
    if (length as u64).saturating_mul(times as u64) > LARGEST {
        return Some(Err(failed("the result is too large")));
    }
    let many = |items: &[Value]| items.iter().cycle().take(items.len() * times).cloned().collect();
    Some(Ok(match of.kind() {
        Kind::Str(text) => Value::from(text.repeat(times)),
        Kind::Tuple(items) => Value::tuple(many(items)),
        Kind::List(items) => Value::list(many(items)),
        _ => return None,
    }))
}

pub(crate) fn negative(value: &Value) -> Result<Value> {
    match number(value) {
        Some(Number::Int(n)) => Ok(Value::big(-n)),
        Some(Number::Float(f)) => Ok(Value::from(-f)),
        None => Err(failed(format!("bad operand type for unary -: '{}'", value.type_name()))),
    }
}

pub(crate) fn positive(value: &Value) -> Result<Value> {
    match number(value) {
        Some(Number::Int(n)) => Ok(Value::big(n)),
        Some(Number::Float(f)) => Ok(Value::from(f)),
        None => Err(failed(format!("bad operand type for unary +: '{}'", value.type_name()))),
    }
}

/// `left op right`
pub(crate) fn compare(op: CompareOp, left: &Value, right: &Value) -> Result<bool> {
    let by_order = |holds: fn(Ordering) -> bool, sign: &str| {
        if is_nan(left) || is_nan(right) {
            return Ok(false);
        }
        left.compare(right).map(holds).map_err(|mut why| {
            why.detail = why.detail.replacen("'<'", &format!("'{sign}'"), 1);
            why
        })
    };
    match op {
        CompareOp::Eq => Ok(left == right),
        CompareOp::Ne => Ok(left != right),
        CompareOp::Lt => by_order(Ordering::is_lt, "<"),
        CompareOp::Le => by_order(Ordering::is_le, "<="),
        CompareOp::Gt => by_order(Ordering::is_gt, ">"),
        CompareOp::Ge => by_order(Ordering::is_ge, ">="),
        CompareOp::In => contains(right, left),
        CompareOp::NotIn => contains(right, left).map(|found| !found),
    }
}

fn is_nan(value: &Value) -> bool {
    matches!(value.kind(), Kind::Float(f) if f.is_nan())
}

/// `item in container`
pub(crate) fn contains(container: &Value, item: &Value) -> Result<bool> {
    match container.kind() {
        Kind::Str(text) => match item.as_str() {
            Some(part) => Ok(text.contains(part)),
            None => Err(failed(format!(
                "'in <string>' requires string as left operand, not {}",
                item.type_name()
            ))),
        },
        Kind::List(items) | Kind::Tuple(items) => Ok(items.contains(item)),
        Kind::Map(map) => Ok(map.contains_key(item)),
        Kind::Set(items) => Ok(items.contains(item)),
        Kind::Bytes(bytes) => {
            Ok(item.as_int().is_some_and(|item| bytes.iter().any(|byte| i64::from(*byte) == item)))
        }
        Kind::Object(object) => match object.keys() {
            Some(keys) => Ok(keys.contains(item) || object.get(item)?.is_some()),
            None => match object.items() {
                Some(items) => Ok(items.contains(item)),
                None => Err(failed(format!("argument of type '{}' is not iterable", container.type_name()))),
            },
        },
        _ => Err(failed(format!("argument of type '{}' is not iterable", container.type_name()))),
    }
}
