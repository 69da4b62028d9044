//! `round`: a number with fewer digits.

use num_bigint::{BigInt, Sign};
use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Kind, Value};

use shevek_python::arguments::{bind, integer};
use shevek_python::integer::{as_big, round as round_float, truncate};

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["round"], markers: Markers::Propagate, run: round }];

fn round(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [precision, method]) = bind(arguments, ["value"], ["precision", "method"])?;
    let method = method.map(Value::text);
    let method = method.as_deref().unwrap_or("common");
    let not_a_number = || {
        Diagnostic::new("not a number")
            .detail(format!("type {} can't be rounded", value.type_name()))
            .at_maybe(value.origin(), "")
    };
    let number = value.as_float().ok_or_else(not_a_number)?;
    let precision_given = precision;
    let precision = match precision {
        None => 0,
        Some(precision) => integer(precision, "precision")?,
    };
    let to_whole = match method {
        "common" => {
            return Ok(match value.kind() {
                Kind::Float(number) => Value::from(round_float(*number, precision)),
                _ => round_whole(as_big(value).unwrap_or_default(), precision),
            });
        }
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        other => {
            return Err(Diagnostic::new("unknown method of rounding")
                .detail(format!("method must be common, ceil or floor, not '{other}'"))
                .at_maybe(precision_given.and_then(Value::origin), ""));
        }
    };
    let power = 10_f64.powi(i32::try_from(precision).unwrap_or(i32::MAX));
    let scaled = to_whole(number * power);
    match truncate(scaled) {
        Some(whole) => Ok(Value::from(whole.as_float().unwrap_or(scaled) / power)),
        None => Err(not_a_number()),
    }
}

/// Whole numbers change only left of the point; halves go to the even neighbour.
fn round_whole(number: BigInt, precision: i64) -> Value {
    let Ok(zeros @ 1..=4000) = u32::try_from(-precision) else { return Value::big(number) };
    let power = BigInt::from(10).pow(zeros);
    let half = &power / BigInt::from(2);
    let negative = number.sign() == Sign::Minus;
    let magnitude = BigInt::from(number.magnitude().clone());
    let (mut whole, rest) = (&magnitude / &power, &magnitude % &power);
    if rest > half || (rest == half && whole.bit(0)) {
        whole += 1;
    }
    let rounded = whole * power;
    Value::big(if negative { -rounded } else { rounded })
}
