//! `escape`, `forceescape`, `safe`, `striptags`, `xmlattr`: text for HTML.

use shevek_diag::{Diagnostic, Result};
use shevek_pyre::Flags;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::bind;
use shevek_python::html::{escape, unescape};
use shevek_python::regex::{compile, exhausted};
use shevek_python::sequence::mapping;
use shevek_python::text::{is_space, str_of};

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["escape", "e", "forceescape"], markers: Markers::Propagate, run: escape_text },
    Filter { names: &["safe"], markers: Markers::Propagate, run: safe },
    Filter { names: &["striptags"], markers: Markers::Propagate, run: striptags },
    Filter { names: &["xmlattr"], markers: Markers::Inside, run: xmlattr },
];

fn escape_text(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    Ok(Value::from(escape(&str_of(value))))
}

fn safe(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    Ok(Value::from(str_of(value).into_owned()))
}

fn striptags(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    let mut text = str_of(value).into_owned();
    for (open, close) in [("<!--", "-->"), ("<", ">")] {
        let mut from = 0;
        while let Some(start) = text.get(from..).and_then(|rest| rest.find(open)).map(|at| at + from) {
            let Some(end) = text.get(start..).and_then(|rest| rest.find(close)) else { break };
            text.replace_range(start..start + end + close.len(), "");
            from = start;
        }
    }
    let words: Vec<&str> = text.split(is_space).filter(|word| !word.is_empty()).collect();
    Ok(Value::from(unescape(&words.join(" "))))
}

fn xmlattr(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [autospace]) = bind(arguments, ["d"], ["autospace"])?;
    let Some(map) = mapping(value)? else {
        return Err(Diagnostic::new("not a mapping")
            .detail(format!("'{}' object has no attribute 'items'", value.type_name())));
    };
    let unfit = compile(&Value::from(r"[\s/>=]"), Flags::ASCII)?;
    let mut items = Vec::new();
    for (key, item) in map.iter() {
        if item.is_null() || item.is_undefined() {
            continue;
        }
        let key = str_of(key);
        if unfit.is_match(&key).map_err(exhausted)? {
            return Err(Diagnostic::new("not an attribute's name").detail(format!(
                "Invalid character in attribute name: {}",
                Value::from(key.as_ref()).repr()
            )));
        }
        items.push(format!("{}=\"{}\"", escape(&key), escape(&str_of(item))));
    }
    let out = items.join(" ");
    let space = autospace.is_none_or(Value::is_true) && !out.is_empty();
    Ok(Value::from(if space { format!(" {out}") } else { out }))
}
