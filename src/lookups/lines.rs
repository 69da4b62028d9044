//! `lines`: the lines that a command prints.

use shevek_diag::Result;
use shevek_python::text::split_lines;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::source::files::base;
use crate::source::options::{Options, term};
use crate::source::shell::output;

pub(crate) const LOOKUP: Lookup = Lookup { names: &["lines"], markers: Markers::Propagate, run: lines };

fn lines(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    Options::new(arguments, &[])?;
    let mut out = Vec::new();
    for line in &arguments.positional {
        let bytes = output(term(line, "lines")?, &base(context), "lines")?;
        out.extend(split_lines(&String::from_utf8_lossy(&bytes)).into_iter().map(Value::from));
    }
    Ok(Value::list(out))
}
