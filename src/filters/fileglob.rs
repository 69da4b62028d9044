//! `fileglob`: the files on this machine whose paths match a pattern.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, string};
use shevek_python::glob::glob;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["fileglob"], markers: Markers::Propagate, run: fileglob }];

fn fileglob(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["pathname"], [])?;
    let found = glob(string(value, "pathname")?);
    Ok(Value::list(
        found
            .into_iter()
            .filter(|path| path.is_file())
            .map(|path| Value::from(path.to_string_lossy().into_owned()))
            .collect(),
    ))
}
