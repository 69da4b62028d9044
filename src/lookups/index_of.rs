//! `index_of` (ansible.utils): where in a list the items are that pass a test, as its filter finds it.

use shevek_template::plugin::{Lookup, Markers};

use crate::source::filter::ask_for_list;

pub(crate) const LOOKUP: Lookup = Lookup {
    names: &["index_of", "ansible.utils.index_of"],
    markers: Markers::Propagate,
    run: |context, arguments| ask_for_list(context, "ansible.utils.index_of", arguments),
};
