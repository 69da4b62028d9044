//! `validate` (ansible.utils): what in data is against a JSON Schema.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, given};
use shevek_python::json_reader::read_json;
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use crate::schema::{Checker, Mistake};

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["ansible.utils.validate"],
    markers: Markers::Propagate,
    run: |_: &dyn Context, arguments| {
        Ok(Value::list(mistakes(arguments)?.iter().map(Mistake::describe).collect()))
    },
}];

/// All mistakes; the criteria may be several schemas, and both sides JSON as text.
pub(crate) fn mistakes(arguments: &Arguments) -> Result<Vec<Mistake>> {
    let ([data, criteria], [engine]) = bind(arguments, ["data", "criteria"], ["engine"])?;
    let engine = given(engine).map_or_else(|| "ansible.utils.jsonschema".into(), str_of);
    if engine != "ansible.utils.jsonschema" {
        return Err(Diagnostic::new("unsupported engine")
            .detail(format!("validate can't ask the engine '{engine}'"))
            .help("ansible.utils.jsonschema is there"));
    }
    let read = |value: &Value| match value.as_str() {
        Some(text) => read_json(text),
        None => Ok(value.clone()),
    };
    let data = read(data)?;
    let schemas = match criteria.as_list() {
        Some(all) => all.iter().map(read).collect::<Result<Vec<Value>>>()?,
        None => vec![read(criteria)?],
    };
    let mut out = Vec::new();
    for root in &schemas {
        out.extend(Checker { root }.mistakes(&data)?);
    }
    Ok(out)
}
