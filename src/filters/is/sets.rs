//! `subset` and `superset`.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Markers, Test};
use shevek_value::{Set, Value};

use shevek_python::arguments::bind;

pub(crate) const TESTS: &[Test] = &[
    Test { names: &["subset", "issubset"], markers: Markers::Propagate, run: subset },
    Test { names: &["superset", "issuperset"], markers: Markers::Propagate, run: superset },
];

fn set(context: &dyn Context, value: &Value) -> Result<Set> {
    Ok(context.iterate(value)?.into_iter().collect())
}

fn subset(context: &dyn Context, arguments: &Arguments) -> Result<bool> {
    let ([a, b], []) = bind(arguments, ["a", "b"], [])?;
    Ok(set(context, a)?.is_subset(&set(context, b)?))
}

fn superset(context: &dyn Context, arguments: &Arguments) -> Result<bool> {
    let ([a, b], []) = bind(arguments, ["a", "b"], [])?;
    Ok(set(context, a)?.is_superset(&set(context, b)?))
}
