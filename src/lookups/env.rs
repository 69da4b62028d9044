//! `env`: environment variables of the controller.

use shevek_diag::{Origin, Result, Source};
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::{Undefined, Value};

use crate::source::options::{Options, term};

pub(crate) const LOOKUP: Lookup = Lookup { names: &["env"], markers: Markers::Accept, run: env };

fn env(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let options = Options::new(arguments, &["default"])?;
    let default = options.get("default").cloned().unwrap_or_else(|| Value::from(""));
    let values = arguments.positional.iter().map(|name| {
        let name = term(name, "env")?.split_whitespace().next().unwrap_or("");
        Ok(match std::env::var_os(name) {
            Some(value) => {
                let source = Source::new(format!("<environment variable '{name}'>"), "");
                Value::from(value.to_string_lossy().into_owned()).at(Origin::whole(&source))
            }
            None => missing(&default, name),
        })
    });
    Ok(Value::list(values.collect::<Result<_>>()?))
}

/// The default, which may be that nothing is: `undef()` without words of its own then says what is missing.
fn missing(default: &Value, name: &str) -> Value {
    match default.as_undefined() {
        Some(undefined) if undefined.name.is_empty() && undefined.hint == Undefined::MANDATORY => Undefined {
            hint: format!("The environment variable '{name}' is not set."),
            ..Undefined::default()
        }
        .into(),
        _ => default.clone(),
    }
}
