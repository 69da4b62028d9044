//! `env`: environment variables of the controller.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Lookup};
use shevek_value::Value;

use crate::source::options::{Options, term};

pub(crate) const LOOKUP: Lookup = Lookup { names: &["env"], run: env };

fn env(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let options = Options::new(arguments, &["default"])?;
    let default = options.get("default").cloned().unwrap_or_else(|| Value::from(""));
    let values = arguments.positional.iter().map(|name| {
        let name = term(name, "env")?.split_whitespace().next().unwrap_or("");
        Ok(std::env::var_os(name)
            .map_or_else(|| default.clone(), |value| Value::from(value.to_string_lossy().into_owned())))
    });
    Ok(Value::list(values.collect::<Result<_>>()?))
}
