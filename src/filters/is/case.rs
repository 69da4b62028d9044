//! `lower` and `upper`.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Markers, Test};

use shevek_python::arguments::bind;
use shevek_python::text::str_of;

pub(crate) const TESTS: &[Test] = &[
    Test {
        names: &["lower"],
        markers: Markers::Propagate,
        run: |_, a| all_are(a, char::is_lowercase, char::is_uppercase),
    },
    Test {
        names: &["upper"],
        markers: Markers::Propagate,
        run: |_, a| all_are(a, char::is_uppercase, char::is_lowercase),
    },
];

fn all_are(arguments: &Arguments, wanted: fn(char) -> bool, other: fn(char) -> bool) -> Result<bool> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    let text = str_of(value);
    Ok(text.chars().any(wanted) && !text.chars().any(other))
}
