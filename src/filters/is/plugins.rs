//! `filter` and `test`: whether there is a filter or test of that name.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Markers, Test};

use shevek_python::arguments::bind;

pub(crate) const TESTS: &[Test] = &[
    Test { names: &["filter"], markers: Markers::Propagate, run: |_, a| known(a, &filter_names()) },
    Test { names: &["test"], markers: Markers::Propagate, run: |_, a| known(a, &test_names()) },
];

fn filter_names() -> Vec<&'static str> {
    crate::filters().flat_map(|filter| filter.names.iter().copied()).collect()
}

fn test_names() -> Vec<&'static str> {
    crate::tests().flat_map(|test| test.names.iter().copied()).collect()
}

fn known(arguments: &Arguments, names: &[&str]) -> Result<bool> {
    let ([name], []) = bind(arguments, ["value"], [])?;
    let name = name.as_str().unwrap_or("");
    let name = name
        .strip_prefix("ansible.builtin.")
        .or_else(|| name.strip_prefix("ansible.legacy."))
        .unwrap_or(name);
    Ok(names.contains(&name))
}
