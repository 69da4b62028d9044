//! `int` and `float`: numbers from text and other numbers.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Kind, Value};

use shevek_python::arguments::{bind, integer};
use shevek_python::integer::{parse_float, parse_int, truncate};

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["int"], markers: Markers::Propagate, run: int },
    Filter { names: &["float"], markers: Markers::Propagate, run: float },
];

fn int(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [default, base]) = bind(arguments, ["value"], ["default", "base"])?;
    let found = match value.kind() {
        Kind::Str(text) => {
            let base = base.map_or(Ok(10), |base| integer(base, "base"))?;
            parse_int(text, u32::try_from(base).unwrap_or(1)).or_else(|| parse_float(text).and_then(truncate))
        }
        Kind::Bytes(bytes) => std::str::from_utf8(bytes).ok().and_then(|text| parse_int(text, 10)),
        Kind::Int(_) | Kind::Big(_) => Some(value.clone()),
        Kind::Bool(b) => Some(Value::from(i64::from(*b))),
        Kind::Float(number) if number.is_infinite() => {
            return Err(
                Diagnostic::new("number out of range").detail("cannot convert float infinity to integer")
            );
        }
        Kind::Float(number) => truncate(*number),
        _ => None,
    };
    Ok(found.or_else(|| default.cloned()).unwrap_or_else(|| Value::from(0)))
}

fn float(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [default]) = bind(arguments, ["value"], ["default"])?;
    let found = match value.kind() {
        Kind::Str(text) => parse_float(text),
        Kind::Bytes(bytes) => std::str::from_utf8(bytes).ok().and_then(parse_float),
        _ => value.as_float(),
    };
    Ok(found.map(Value::from).or_else(|| default.cloned()).unwrap_or_else(|| Value::from(0.0)))
}
