//! `truncate`: text cut to a length.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, count, flag, given, string};
use shevek_python::text::{length, prefix, str_of};

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["truncate"], markers: Markers::Propagate, run: truncate }];

fn truncate(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [most, killwords, end, leeway]) =
        bind(arguments, ["s"], ["length", "killwords", "end", "leeway"])?;
    let text = string(value, "s")?;
    let most = count(most, "length", 255)?;
    let end = end.map_or_else(|| "...".into(), str_of);
    let leeway = count(given(leeway), "leeway", 5)?;
    if most < length(&end) {
        return Err(Diagnostic::new("too short to truncate to")
            .detail(format!("expected length >= {}, got {most}", length(&end))));
    }
    if length(text) <= most + leeway {
        return Ok(Value::from(text));
    }
    let kept = prefix(text, most - length(&end));
    let kept = match kept.rsplit_once(' ') {
        Some((words, _)) if !flag(killwords) => words,
        _ => kept,
    };
    Ok(Value::from(format!("{kept}{end}")))
}
