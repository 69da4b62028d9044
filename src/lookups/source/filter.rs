//! Lookups that are filters by another name.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context};
use shevek_value::Value;

/// What a filter gives for the terms and options of a lookup.
pub(crate) fn ask(context: &dyn Context, name: &str, arguments: &Arguments) -> Result<Value> {
    context.filter(name, arguments.clone())
}

/// The same of a filter that gives a list, as lookups do, when it is told so.
pub(crate) fn ask_for_list(context: &dyn Context, name: &str, arguments: &Arguments) -> Result<Value> {
    let mut arguments = arguments.clone();
    arguments.named.insert(Value::from("wantlist"), Value::from(true));
    context.filter(name, arguments)
}
