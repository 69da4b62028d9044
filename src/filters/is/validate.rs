//! `validate` (ansible.utils): whether data is as a JSON Schema wants it.

use shevek_template::plugin::{Markers, Test};

use crate::validate::mistakes;

pub(crate) const TESTS: &[Test] = &[Test {
    names: &["ansible.utils.validate"],
    markers: Markers::Propagate,
    run: |_, arguments| Ok(mistakes(arguments)?.is_empty()),
}];
