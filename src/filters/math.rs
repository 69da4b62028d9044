//! `log`, `pow`, `root`.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::bind;
use shevek_python::integer::parse_float;

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["log"], markers: Markers::Propagate, run: log },
    Filter { names: &["pow"], markers: Markers::Propagate, run: pow },
    Filter { names: &["root"], markers: Markers::Propagate, run: root },
];

fn number(value: &Value, filter: &str) -> Result<f64> {
    value.as_float().ok_or_else(|| {
        Diagnostic::new("not a number")
            .detail(format!("{filter}() can only be used on numbers, not {}", value.type_name()))
            .at_maybe(value.origin(), "")
    })
}

fn finite(result: f64, given: &[f64]) -> Result<Value> {
    if result.is_nan() && !given.iter().any(|number| number.is_nan()) {
        return Err(Diagnostic::new("outside of the function's domain").detail("math domain error"));
    }
    if result.is_infinite() && given.iter().all(|number| number.is_finite()) {
        return Err(Diagnostic::new("too large a result").detail("math range error"));
    }
    Ok(Value::from(result))
}

fn log(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([x], [base]) = bind(arguments, ["x"], ["base"])?;
    let x = number(x, "log")?;
    let base = base.map_or(Ok(std::f64::consts::E), |base| number(base, "log"))?;
    if x <= 0.0 || base <= 0.0 || base == 1.0 {
        return Err(Diagnostic::new("outside of the function's domain").detail("math domain error"));
    }
    finite(if base == 10.0 { x.log10() } else { x.ln() / base.ln() }, &[x, base])
}

fn pow(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([x, y], []) = bind(arguments, ["x", "y"], [])?;
    let (x, y) = (number(x, "pow")?, number(y, "pow")?);
    finite(x.powf(y), &[x, y])
}

fn root(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([x], [base]) = bind(arguments, ["x"], ["base"])?;
    let x = number(x, "root")?;
    let base = match base {
        None => 2.0,
        Some(base) => match base.as_str().and_then(parse_float) {
            Some(base) => base,
            None => number(base, "root")?,
        },
    };
    let result = if base == 2.0 { x.sqrt() } else { x.powf(1.0 / base) };
    finite(result, &[x, base])
}
