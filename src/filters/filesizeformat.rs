//! `filesizeformat`: a size as people read it (`13.0 kB`).

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, flag};
use shevek_python::integer::parse_float;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["filesizeformat"], markers: Markers::Propagate, run: filesizeformat }];

fn filesizeformat(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [binary]) = bind(arguments, ["value"], ["binary"])?;
    let bytes = value.as_float().or_else(|| value.as_str().and_then(parse_float)).ok_or_else(|| {
        Diagnostic::new("not a number")
            .detail(format!("could not convert {} to float", value.repr()))
            .at_maybe(value.origin(), "")
    })?;
    let (base, binary) = if flag(binary) { (1024.0_f64, "i") } else { (1000.0, "") };
    if bytes == 1.0 {
        return Ok(Value::from("1 Byte"));
    }
    if bytes < base {
        return Ok(Value::from(format!("{} Bytes", bytes.trunc())));
    }
    let mut unit = base;
    let mut letter = 'k';
    for (place, name) in "kMGTPEZY".chars().enumerate() {
        unit = base.powi(place as i32 + 2);
        letter = if binary.is_empty() { name } else { name.to_ascii_uppercase() };
        if bytes < unit {
            break;
        }
    }
    Ok(Value::from(format!("{:.1} {letter}{binary}B", base * bytes / unit)))
}
