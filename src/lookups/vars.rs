//! `vars`: variables by name.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::{Undefined, Value};

use crate::source::options::{Options, term};

pub(crate) const LOOKUP: Lookup = Lookup { names: &["vars"], markers: Markers::Propagate, run: vars };

fn vars(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let options = Options::new(arguments, &["default"])?;
    let mut out = Vec::new();
    for name in &arguments.positional {
        let name = term(name, "vars")?;
        out.push(match (context.scope().get(name)?, options.get("default")) {
            (Some(value), _) => context.render(&value)?,
            (None, Some(default)) => default.clone(),
            (None, None) => {
                let hint = format!("No variable named '{name}' was found.");
                return Ok(Undefined { name: name.to_owned(), hint, ..Undefined::default() }.into());
            }
        });
    }
    Ok(Value::list(out))
}
