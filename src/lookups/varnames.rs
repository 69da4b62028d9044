//! `varnames`: the names of variables that match a pattern.

use shevek_diag::Result;
use shevek_pyre::Flags;
use shevek_python::regex::{compile, exhausted};
use shevek_template::plugin::{Arguments, Context, Lookup};
use shevek_value::Value;

use crate::source::options::{Options, term};

pub(crate) const LOOKUP: Lookup = Lookup { names: &["varnames"], run: varnames };

fn varnames(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    Options::new(arguments, &[])?;
    let names = context.scope().names();
    let mut out = Vec::new();
    for pattern in &arguments.positional {
        term(pattern, "varnames")?;
        let regex = compile(pattern, Flags::NONE)?;
        for name in &names {
            if regex.is_match(name).map_err(exhausted)? {
                out.push(Value::from(name.as_str()));
            }
        }
    }
    Ok(Value::list(out))
}
