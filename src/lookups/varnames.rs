//! `varnames`: the names of variables that match a pattern.

use shevek_diag::{Diagnostic, Result};
use shevek_pyre::Flags;
use shevek_python::regex::{compile, exhausted};
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::source::options::Options;

pub(crate) const LOOKUP: Lookup = Lookup { names: &["varnames"], markers: Markers::Propagate, run: varnames };

fn varnames(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    Options::new(arguments, &[])?;
    let names = context.scope().names();
    let mut out = Vec::new();
    for pattern in &arguments.positional {
        let text = pattern.as_str().ok_or_else(|| {
            Diagnostic::new("wrong term of a lookup")
                .detail(format!(
                    "Invalid setting identifier, {} is not a string, it is a {}",
                    pattern.repr(),
                    pattern.type_name()
                ))
                .at_maybe(pattern.origin(), "")
        })?;
        let regex = compile(pattern, Flags::NONE).map_err(|error| {
            Diagnostic::new("wrong term of a lookup")
                .detail(format!("Unable to use '{text}' as a search parameter: {}", error.message()))
                .at_maybe(pattern.origin(), "")
        })?;
        for name in &names {
            if regex.is_match(name).map_err(exhausted)? {
                out.push(Value::from(name.as_str()));
            }
        }
    }
    Ok(Value::list(out))
}
