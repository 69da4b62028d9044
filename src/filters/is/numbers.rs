//! `odd`, `even`, `divisibleby`, `nan`.

use num_bigint::BigInt;
use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Markers, Test};
use shevek_value::Value;

use shevek_python::arguments::bind;
use shevek_python::integer::as_big;

pub(crate) const TESTS: &[Test] = &[
    Test { names: &["odd"], markers: Markers::Propagate, run: |_, a| leaves(a, 1.0) },
    Test { names: &["even"], markers: Markers::Propagate, run: |_, a| leaves(a, 0.0) },
    Test { names: &["divisibleby"], markers: Markers::Propagate, run: |_, a| divisible_by(a) },
    Test { names: &["nan", "isnan"], markers: Markers::Propagate, run: |_, a| is_nan(a) },
];

fn wrong(value: &Value) -> Box<Diagnostic> {
    Diagnostic::new("not a number")
        .detail(format!("'{}' has no remainder of a division", value.type_name()))
        .at_maybe(value.origin(), "")
}

/// Python's remainder, which has the sign of the divisor.
fn remainder(value: &Value, by: &Value) -> Result<f64> {
    if by.as_float() == Some(0.0) {
        return Err(Diagnostic::new("division by zero"));
    }
    if let (Some(a), Some(b)) = (as_big(value), as_big(by)) {
        return Ok(if a % b == BigInt::from(0) { 0.0 } else { 1.0 });
    }
    match (value.as_float(), by.as_float()) {
        (Some(a), Some(b)) => Ok(a - b * (a / b).floor()),
        (None, _) => Err(wrong(value)),
        (_, None) => Err(wrong(by)),
    }
}

fn leaves(arguments: &Arguments, rest: f64) -> Result<bool> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    Ok(remainder(value, &Value::from(2))? == rest)
}

fn divisible_by(arguments: &Arguments) -> Result<bool> {
    let ([value, number], []) = bind(arguments, ["value", "num"], [])?;
    Ok(remainder(value, number)? == 0.0)
}

fn is_nan(arguments: &Arguments) -> Result<bool> {
    let ([value], []) = bind(arguments, ["x"], [])?;
    Ok(value.as_float().is_some_and(f64::is_nan))
}
