//! `map`: an attribute of every item, or a filter applied to every item.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::sequence::Attribute;
use shevek_python::text::str_of;

pub(crate) const FILTERS: &[Filter] = &[Filter { names: &["map"], markers: Markers::Inside, run: map }];

fn map(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let value = arguments.subject();
    if !value.is_true() {
        return Ok(Value::list(Vec::new()));
    }
    let items = context.iterate(value)?;
    let mut out = Vec::with_capacity(items.len());
    let Some((name, rest)) = arguments.positional.get(1..).and_then(<[Value]>::split_first) else {
        let attribute = attribute(arguments)?;
        for item in items {
            out.push(attribute.of(context, &item)?);
        }
        return Ok(Value::list(out));
    };
    let name = str_of(name);
    for item in items {
        let positional = std::iter::once(item).chain(rest.iter().cloned()).collect();
        out.push(context.filter(&name, Arguments { positional, named: arguments.named.clone() })?);
    }
    Ok(Value::list(out))
}

fn attribute(arguments: &Arguments) -> Result<Attribute> {
    let Some(attribute) = arguments.named.get("attribute") else {
        return Err(Diagnostic::new("missing argument")
            .detail("map requires a filter argument")
            .help("give a filter's name, map('upper'), or an attribute, map(attribute='name')"));
    };
    if let Some(other) =
        arguments.named.keys().find(|key| !matches!(key.as_str(), Some("attribute" | "default")))
    {
        return Err(Diagnostic::new("unexpected argument")
            .detail(format!("there is no argument named {}", other.repr())));
    }
    Ok(Attribute::new(Some(attribute), arguments.named.get("default")))
}
