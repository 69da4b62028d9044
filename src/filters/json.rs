//! `to_json`, `to_nice_json`, `tojson`, `from_json`.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, given, wrong_type};
use shevek_python::bytes::bytes_of;
use shevek_python::json_reader::read_json;
use shevek_python::json_writer::{JsonStyle, KeyOrder, write_json};

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["to_json"], markers: Markers::Propagate, run: to_json },
    Filter { names: &["to_nice_json"], markers: Markers::Propagate, run: to_nice_json },
    Filter { names: &["tojson"], markers: Markers::Propagate, run: tojson },
    Filter { names: &["from_json"], markers: Markers::Propagate, run: from_json },
];

const OPTIONS: [&str; 11] = [
    "indent",
    "sort_keys",
    "separators",
    "ensure_ascii",
    "skipkeys",
    "allow_nan",
    "check_circular",
    "default",
    "profile",
    "vault_to_text",
    "preprocess_unsafe",
];

/// The keyword arguments of `json.dumps`.
fn style(arguments: &Arguments, mut style: JsonStyle) -> Result<JsonStyle> {
    if let Some(indent) = arguments.named.get("indent") {
        style.indent = indentation(indent)?;
        if style.indent.is_some() && style.item_separator == ", " {
            style.item_separator = ",".into();
        }
    }
    if let Some(separators) = given(arguments.named.get("separators")) {
        match separators.as_list() {
            Some([item, key]) => {
                style.item_separator = item.text();
                style.key_separator = key.text();
            }
            _ => return Err(wrong_type("separators", "a pair", separators)),
        }
    }
    let set = |name: &str, place: &mut bool| {
        if let Some(value) = arguments.named.get(name) {
            *place = value.is_true();
        }
    };
    if let Some(sort) = arguments.named.get("sort_keys") {
        style.sort_keys = by_text(sort.is_true());
    }
    set("ensure_ascii", &mut style.ensure_ascii);
    set("skipkeys", &mut style.skip_keys);
    set("allow_nan", &mut style.allow_nan);
    Ok(style)
}

fn by_text(sorted: bool) -> KeyOrder {
    if sorted { KeyOrder::ByText } else { KeyOrder::AsTheyAre }
}

fn indentation(indent: &Value) -> Result<Option<String>> {
    if indent.is_null() {
        return Ok(None);
    }
    if let Some(text) = indent.as_str() {
        return Ok(Some(text.to_owned()));
    }
    let width = indent.as_int().ok_or_else(|| wrong_type("indent", "a number or text", indent))?;
    Ok(Some(" ".repeat(usize::try_from(width).unwrap_or(0))))
}

fn known_only(arguments: &Arguments) -> Result<()> {
    let named = Arguments { positional: Vec::new(), named: arguments.named.clone() };
    bind(&named, [], OPTIONS).map(|([], _)| ())
}

fn to_json(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    known_only(arguments)?;
    let style = style(arguments, JsonStyle::default())?;
    write_json(arguments.subject(), &style).map(Value::from)
}

fn to_nice_json(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    known_only(arguments)?;
    let mut nice = JsonStyle {
        indent: Some(" ".repeat(4)),
        item_separator: ",".into(),
        sort_keys: KeyOrder::ByText,
        ..JsonStyle::default()
    };
    if let Some(indent) = arguments.positional.get(1) {
        nice.indent = indentation(indent)?;
    }
    if let Some(sort) = arguments.positional.get(2) {
        nice.sort_keys = by_text(sort.is_true());
    }
    let mut arguments = arguments.clone();
    arguments.named.shift_remove("separators");
    write_json(arguments.subject(), &style(&arguments, nice)?).map(Value::from)
}

/// Jinja's: sorted, and safe inside HTML.
fn tojson(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [indent]) = bind(arguments, ["value"], ["indent"])?;
    let indent = match given(indent) {
        None => None,
        Some(indent) => indentation(indent)?,
    };
    let item_separator = if indent.is_some() { "," } else { ", " };
    let style = JsonStyle {
        indent,
        item_separator: item_separator.into(),
        sort_keys: KeyOrder::ByValue,
        ..JsonStyle::default()
    };
    let text = write_json(value, &style)?;
    let safe =
        text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").replace('\'', "\\u0027");
    Ok(Value::from(safe))
}

fn from_json(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [_]) = bind(arguments, ["a"], ["profile"])?;
    let text = match value.as_str() {
        Some(text) => text.to_owned(),
        None if value.type_name() == "bytes" => String::from_utf8_lossy(&bytes_of(value)).into_owned(),
        None => return Err(wrong_type("a", "JSON text", value)),
    };
    read_json(&text).map_err(|error| error.or_at(value.origin()))
}
