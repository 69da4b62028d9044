//! `param_list_compare` (ansible.utils): which of the known parameters a list of wishes (`all`, `!name`, `name`) means.

use shevek_diag::Result;
use shevek_python::arguments::bind;
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["param_list_compare", "ansible.utils.param_list_compare"],
    markers: Markers::Propagate,
    run: param_list_compare,
}];

fn param_list_compare(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([base, target], []) = bind(arguments, ["base", "target"], [])?;
    let texts = |value: &Value| -> Result<Vec<String>> {
        Ok(context.iterate(value)?.iter().map(|item| str_of(item).into_owned()).collect())
    };
    let (base, wishes) = (texts(base)?, texts(target)?);
    let mut wanted = if wishes.iter().any(|wish| wish == "all") { base.clone() } else { Vec::new() };
    let mut unknown = Vec::new();
    for unwanted in wishes.iter().filter_map(|wish| wish.strip_prefix('!')) {
        if let Some(place) = wanted.iter().position(|name| name == unwanted) {
            wanted.remove(place);
        }
    }
    for wish in wishes.iter().filter(|wish| *wish != "all" && !wish.starts_with('!')) {
        if !base.contains(wish) {
            unknown.push(Value::from(wish.as_str()));
        } else if !wanted.contains(wish) {
            wanted.push(wish.clone());
        }
    }
    wanted.sort();
    let wanted = wanted.into_iter().map(Value::from).collect();
    Ok(Value::dict([("actionable", Value::list(wanted)), ("unsupported", Value::list(unknown))]))
}
