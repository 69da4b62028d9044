//! `pipe`: what a command prints.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::source::files::base;
use crate::source::options::Options;
use crate::source::shell::output;

pub(crate) const LOOKUP: Lookup = Lookup { names: &["pipe"], markers: Markers::Propagate, run: pipe };

fn pipe(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    Options::new(arguments, &[])?;
    let texts = arguments.positional.iter().map(|line| {
        let bytes = output(&line.text(), &base(context), "pipe")?;
        Ok(Value::from(String::from_utf8_lossy(&bytes).trim_end()))
    });
    Ok(Value::list(texts.collect::<Result<_>>()?))
}
