//! `unique`: every item once.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Set, Value};

use shevek_python::arguments::{bind, flag};
use shevek_python::sequence::{Attribute, ignore_case};

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["unique"], markers: Markers::Propagate, run: unique }];

fn unique(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [case_sensitive, attribute]) = bind(arguments, ["a"], ["case_sensitive", "attribute"])?;
    // Ansible hands what has no hash to a comparison of its own, but not with one of these options.
    let narrowed = attribute.is_some() || case_sensitive.is_some_and(|given| !given.is_true());
    let case_sensitive = flag(case_sensitive);
    let attribute = Attribute::new(attribute, None);
    let mut seen = Set::default();
    let mut out = Vec::new();
    for item in context.iterate(value)? {
        let key = attribute.of(context, &item)?;
        if key.is_undefined() {
            return Ok(key);
        }
        if narrowed && (key.as_map().is_some() || key.as_list().is_some()) {
            return Err(Diagnostic::new("items that cannot be told apart").detail(format!(
                "for a {} we cannot fall back to a comparison that does not support case_sensitive=False nor attribute",
                key.type_name()
            )));
        }
        if seen.insert(if case_sensitive { key } else { ignore_case(key) }) {
            out.push(item);
        }
    }
    Ok(Value::list(out))
}
