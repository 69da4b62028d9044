//! `defined` and `undefined`.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Markers, Test};
use shevek_value::Reason;

use shevek_python::arguments::bind;

pub(crate) const TESTS: &[Test] = &[
    Test {
        names: &["defined"],
        markers: Markers::Accept,
        run: |_, a| is_undefined(a).map(|missing| !missing),
    },
    Test { names: &["undefined"], markers: Markers::Accept, run: |_, a| is_undefined(a) },
];

fn is_undefined(arguments: &Arguments) -> Result<bool> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    match value.as_undefined().map(|undefined| &undefined.reason) {
        None => Ok(false),
        // What failed to be made is neither: the failure is shown.
        Some(Reason::Failed(why)) => Err(Box::<Diagnostic>::clone(why)),
        Some(_) => Ok(true),
    }
}
