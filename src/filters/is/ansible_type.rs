//! `ansible_type` (community.general): whether a value is of a type, or of one of several.

use shevek_python::arguments::{bind, given};
use shevek_template::plugin::{Markers, Test};
use shevek_value::Value;

use crate::reveal_ansible_type::type_of;

pub(crate) const TESTS: &[Test] = &[Test {
    names: &["community.general.ansible_type", "ansible_type"],
    markers: Markers::Propagate,
    run: |_, arguments| {
        let ([data, wanted], [alias]) = bind(arguments, ["data", "dtype"], ["alias"])?;
        let found = type_of(data, given(alias))?;
        let is_it = |wanted: &Value| wanted.as_str() == Some(found.as_str());
        Ok(wanted.as_list().map_or_else(|| is_it(wanted), |all| all.iter().any(is_it)))
    },
}];
