//! `to_paths` (ansible.utils): nested data as one mapping of paths, as its filter finds it.

use shevek_template::plugin::{Lookup, Markers};

use crate::source::filter::ask_for_list;

pub(crate) const LOOKUP: Lookup = Lookup {
    names: &["to_paths", "ansible.utils.to_paths"],
    markers: Markers::Propagate,
    run: |context, arguments| ask_for_list(context, "ansible.utils.to_paths", arguments),
};
