//! `config`: settings of `ansible.cfg`.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::source::options::{Options, term};

pub(crate) const LOOKUP: Lookup = Lookup { names: &["config"], markers: Markers::Propagate, run: config };

const KNOWN: [&str; 4] = ["on_missing", "plugin_type", "plugin_name", "show_origin"];

fn config(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let options = Options::new(arguments, &KNOWN)?;
    let missing = options.text("on_missing", "error");
    if !matches!(missing.as_str(), "error" | "skip" | "warn") {
        return Err(Diagnostic::new("wrong option of a lookup")
            .detail(format!("'on_missing' must be error, warn or skip, not '{missing}'")));
    }
    if options.get("plugin_type").is_some() != options.get("plugin_name").is_some() {
        return Err(Diagnostic::new("wrong option of a lookup")
            .detail("Both plugin_type and plugin_name are required, cannot use one without the other."));
    }
    let mut out = Vec::new();
    for name in &arguments.positional {
        let name = term(name, "config")?;
        // A plugin's options can be set by variables; other sources of theirs are not looked at.
        let found = match options.get("plugin_type") {
            Some(_) => context.scope().get(name)?.map(|value| context.render(&value)).transpose()?,
            None => context.scope().setting(name),
        };
        match (found, missing.as_str()) {
            (Some(value), _) if options.truth("show_origin", false)? => {
                out.push(Value::list(vec![value, Value::from("default")]));
            }
            (Some(value), _) => out.push(value),
            (None, "skip") => {}
            (None, "warn") => {
                context.warn(Diagnostic::warning("no such setting").detail(format!("Skipping {name}.")))
            }
            (None, _) => {
                return Err(Diagnostic::new("no such setting")
                    .detail(format!("Unable to find setting '{name}'."))
                    .help("on_missing='skip' passes over it"));
            }
        }
    }
    Ok(Value::list(out))
}
