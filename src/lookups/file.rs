//! `file`: what files of the controller hold.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::source::files::{must_find, read_text};
use crate::source::options::{Options, term};

pub(crate) const LOOKUP: Lookup = Lookup { names: &["file"], markers: Markers::Propagate, run: file };

fn file(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let options = Options::new(arguments, &["rstrip", "lstrip"])?;
    let (rstrip, lstrip) = (options.truth("rstrip", true)?, options.truth("lstrip", false)?);
    let mut out = Vec::new();
    for name in &arguments.positional {
        let path = must_find(context, Some("files"), term(name, "file")?)?;
        let (text, secrecy) = read_text(context, &path)?;
        let text = if lstrip { text.trim_start() } else { &text };
        out.push(secrecy.mark(Value::from(if rstrip { text.trim_end() } else { text })));
    }
    Ok(Value::list(out))
}
