//! `to_yaml`, `to_nice_yaml`, `from_yaml`, `from_yaml_all`.

use shevek_diag::{Diagnostic, Result, Source};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;
use shevek_yaml::{DumpOptions, FlowStyle, Options, dump, load, load_all};

use shevek_python::arguments::{bind, given, integer, wrong_type};

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["to_yaml"], markers: Markers::Propagate, run: |_, a| write(a, DumpOptions::default()) },
    Filter { names: &["to_nice_yaml"], markers: Markers::Propagate, run: to_nice_yaml },
    Filter {
        names: &["community.general.to_yaml"],
        markers: Markers::Propagate,
        run: |_, a| write_redacted(a, DumpOptions::default()),
    },
    Filter {
        names: &["community.general.to_nice_yaml"],
        markers: Markers::Propagate,
        run: |_, a| write_redacted(a, DumpOptions { indent: Some(2), ..DumpOptions::nice() }),
    },
    Filter { names: &["from_yaml"], markers: Markers::Propagate, run: from_yaml },
    Filter { names: &["from_yaml_all"], markers: Markers::Propagate, run: from_yaml_all },
];

fn to_nice_yaml(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let mut options = DumpOptions::nice();
    if let Some(indent) = arguments.positional.get(1) {
        options.indent = width("indent", indent)?;
    }
    write(arguments, options)
}

/// The community's: on request, what is secret is not written.
fn write_redacted(arguments: &Arguments, options: DumpOptions) -> Result<Value> {
    let mut arguments = arguments.clone();
    let redacts =
        arguments.named.shift_remove("redact_sensitive_values").is_some_and(|value| value.is_true());
    if let Some(value) = arguments.positional.first_mut().filter(|_| redacts) {
        *value = redacted(value);
    }
    write(&arguments, options)
}

fn redacted(value: &Value) -> Value {
    if let Some(map) = value.as_map() {
        return Value::map(map.iter().map(|(key, value)| (redacted(key), redacted(value))).collect());
    }
    if let Some(items) = value.as_list() {
        return Value::list(items.iter().map(redacted).collect());
    }
    if value.is_secret() { Value::from("<redacted>") } else { value.clone() }
}

fn width(name: &str, value: &Value) -> Result<Option<i32>> {
    match given(Some(value)) {
        None => Ok(None),
        Some(value) => i32::try_from(integer(value, name)?)
            .map(Some)
            .map_err(|_| wrong_type(name, "a small number", value)),
    }
}

/// PyYAML's keyword arguments.
fn write(arguments: &Arguments, mut options: DumpOptions) -> Result<Value> {
    for (name, value) in &arguments.named {
        let truth = value.is_true();
        match name.text().as_str() {
            "indent" => options.indent = width("indent", value)?,
            "width" => options.width = width("width", value)?,
            "sort_keys" => options.sort_keys = truth,
            "default_flow_style" => {
                options.default_flow_style = match (value.is_null(), truth) {
                    (true, _) => FlowStyle::Leaves,
                    (_, true) => FlowStyle::Flow,
                    (_, false) => FlowStyle::Block,
                }
            }
            "default_style" => {
                options.default_style =
                    given(Some(value)).and_then(Value::as_str).and_then(|s| s.chars().next());
            }
            "explicit_start" => options.explicit_start = truth,
            "explicit_end" => options.explicit_end = truth,
            "allow_unicode" => options.allow_unicode = truth,
            "canonical" => options.canonical = truth,
            // What these could be set to changes nothing here.
            "encoding" | "line_break" | "version" | "tags" => {}
            other => {
                return Err(Diagnostic::new("unexpected argument")
                    .detail(format!("there is no argument named '{other}'"))
                    .did_you_mean(
                        other,
                        [
                            "indent",
                            "width",
                            "sort_keys",
                            "default_flow_style",
                            "default_style",
                            "explicit_start",
                            "explicit_end",
                            "allow_unicode",
                            "canonical",
                        ],
                    ));
            }
        }
    }
    dump(arguments.subject(), &options).map(Value::from)
}

fn source(value: &Value) -> Option<std::sync::Arc<Source>> {
    value.as_str().map(|text| Source::new("<unicode string>", text))
}

fn warn_of_other_type(context: &dyn Context, value: &Value, filter: &str) {
    context.warn(
        Diagnostic::warning(format!("the {filter} filter was given something that is no text"))
            .detail(format!("a value of type '{}' is passed on as it is", value.type_name()))
            .at_maybe(value.origin(), ""),
    );
}

fn from_yaml(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["data"], [])?;
    match source(value) {
        Some(source) => load(&source, &Options::default()),
        None => {
            if !value.is_null() {
                warn_of_other_type(context, value, "from_yaml");
            }
            Ok(value.clone())
        }
    }
}

fn from_yaml_all(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["data"], [])?;
    match source(value) {
        Some(source) => load_all(&source, &Options::default()).map(Value::list),
        None if value.is_null() => Ok(Value::list(Vec::new())),
        None => {
            warn_of_other_type(context, value, "from_yaml_all");
            Ok(value.clone())
        }
    }
}
