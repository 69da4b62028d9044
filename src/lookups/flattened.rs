//! `flattened` (community.general): the items of lists in lists, however deep.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

pub(crate) const LOOKUP: Lookup = Lookup {
    names: &["flattened", "community.general.flattened"],
    markers: Markers::Propagate,
    run: flattened,
};

fn flattened(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let mut out = Vec::new();
    flatten(context, &arguments.positional, &mut out)?;
    Ok(Value::list(out))
}

fn flatten(context: &dyn Context, terms: &[Value], out: &mut Vec<Value>) -> Result<()> {
    for term in terms {
        // A word may be the name of a variable: so it was before templates were rendered first.
        let found = match term.as_str() {
            Some(name) if terms.len() == 1 => {
                context.scope().get(name)?.filter(|value| value.as_list().is_some())
            }
            _ => None,
        };
        let term = match found {
            Some(value) => context.render(&value)?,
            None => term.clone(),
        };
        match (term.as_list(), term.as_str()) {
            (Some(items), _) => flatten(context, items, out)?,
            (_, Some("None" | "null")) => {}
            _ if term.is_null() => {}
            _ => out.push(term),
        }
    }
    Ok(())
}
