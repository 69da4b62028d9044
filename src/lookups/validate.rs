//! `validate` (ansible.utils): what in data is against a schema, as its filter finds it.

use shevek_template::plugin::{Lookup, Markers};

use crate::source::filter::ask;

pub(crate) const LOOKUP: Lookup = Lookup {
    names: &["ansible.utils.validate"],
    markers: Markers::Propagate,
    run: |context, arguments| ask(context, "ansible.utils.validate", arguments),
};
