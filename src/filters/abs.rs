//! `abs`: a number without its sign.

use num_bigint::BigInt;
use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Kind, Value};

use shevek_python::arguments::bind;

pub(crate) const FILTERS: &[Filter] = &[Filter { names: &["abs"], markers: Markers::Propagate, run: abs }];

fn abs(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    match value.kind() {
        Kind::Bool(b) => Ok(Value::from(i64::from(*b))),
        Kind::Int(i) => Ok(Value::big(BigInt::from(i.unsigned_abs()))),
        Kind::Big(i) => Ok(Value::big(BigInt::from(i.magnitude().clone()))),
        Kind::Float(f) => Ok(Value::from(f.abs())),
        _ => Err(Diagnostic::new("not a number")
            .detail(format!("bad operand type for abs(): '{}'", value.type_name()))),
    }
}
