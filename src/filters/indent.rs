//! `indent`: lines moved to the right.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, flag, integer, string};
use shevek_python::text::split_lines;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["indent"], markers: Markers::Propagate, run: indent }];

fn indent(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([text], [width, first, blank]) = bind(arguments, ["s"], ["width", "first", "blank"])?;
    let text = string(text, "s")?;
    let indention = match width {
        None => " ".repeat(4),
        Some(width) => match width.as_str() {
            Some(text) => text.to_owned(),
            None => " ".repeat(usize::try_from(integer(width, "width")?).unwrap_or(0)),
        },
    };
    let text = format!("{text}\n");
    let mut lines = split_lines(&text).into_iter();
    let Some(start) = lines.next() else {
        return Err(Diagnostic::bug("text with a newline has no line"));
    };
    let mut out = if flag(first) { indention.clone() } else { String::new() };
    out.push_str(start);
    for line in lines {
        out.push('\n');
        if flag(blank) || !line.is_empty() {
            out.push_str(&indention);
        }
        out.push_str(line);
    }
    Ok(Value::from(out))
}
