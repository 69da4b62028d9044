//! `get_path` (ansible.utils): what is at a path of nested data, as its filter finds it.

use shevek_template::plugin::{Lookup, Markers};

use crate::source::filter::ask_for_list;

pub(crate) const LOOKUP: Lookup = Lookup {
    names: &["get_path", "ansible.utils.get_path"],
    markers: Markers::Propagate,
    run: |context, arguments| ask_for_list(context, "ansible.utils.get_path", arguments),
};
