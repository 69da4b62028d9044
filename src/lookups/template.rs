//! `template`: files rendered.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Lookup, Markers, TextOptions};
use shevek_value::{Map, Value};

use crate::source::files::{must_find, read_text};
use crate::source::options::{Options, term};

pub(crate) const LOOKUP: Lookup = Lookup { names: &["template"], markers: Markers::Propagate, run: template };

const KNOWN: [&str; 9] = [
    "convert_data",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "jinja2_native",
    "template_vars",
    "trim_blocks",
    "lstrip_blocks",
];

/// The variable with which templates mark what they make; the configuration's text unless someone sets it.
const MANAGED: &str = "ansible_managed";

fn template(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let options = Options::new(arguments, &KNOWN)?;
    let usual = TextOptions::default();
    let text_options = TextOptions {
        variable_start: options.text("variable_start_string", &usual.variable_start),
        variable_end: options.text("variable_end_string", &usual.variable_end),
        comment_start: options.text("comment_start_string", &usual.comment_start),
        comment_end: options.text("comment_end_string", &usual.comment_end),
        trim_blocks: options.truth("trim_blocks", usual.trim_blocks)?,
        ..usual
    };
    let extra = match options.get("template_vars") {
        None => Map::default(),
        Some(variables) => variables.as_map().cloned().ok_or_else(|| {
            Diagnostic::new("wrong option of a lookup")
                .detail(format!("'template_vars' must be a mapping, not {}", variables.type_name()))
        })?,
    };
    let mut out = Vec::new();
    for name in &arguments.positional {
        let name = term(name, "template")?;
        let path = must_find(context, Some("templates"), name)?;
        let (text, secrecy) = read_text(context, &path)?;
        let mut variables = Map::default();
        let full = path.to_string_lossy();
        variables.insert(Value::from("template_path"), Value::from(name));
        variables.insert(Value::from("template_fullpath"), Value::from(full.as_ref()));
        variables.insert(Value::from("template_host"), Value::from(host_name()));
        if context.scope().get(MANAGED)?.is_none()
            && let Some(managed) = context.scope().setting("DEFAULT_MANAGED_STR")
        {
            variables.insert(Value::from(MANAGED), managed);
        }
        variables.extend(extra.iter().map(|(key, value)| (key.clone(), value.clone())));
        let rendered = secrecy.mark(context.render_text(&full, &text, &variables, &text_options)?);
        // A template that writes nothing gives null, as in Ansible.
        out.push(if rendered.as_str() == Some("") { Value::NULL } else { rendered });
    }
    Ok(Value::list(out))
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_default()
}
