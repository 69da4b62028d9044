//! The filters and tests that templates can use: Jinja's own, `ansible.builtin`'s, and the community's most used.
//!
//! A filter (or a family of them) is one file here, a test one in `is`; each file has a `FILTERS` or `TESTS` table and
//! a `mod` line. Start reading at any short one (`reverse`), then `python` for what they rest on.
//!
//! Imports `diag`, `value`, `vault`, `yaml`, `template` and pyre; never lookups.

mod is;
mod python;

mod abs;
mod attr;
mod batch;
mod case;
mod center;
mod default;
mod dictsort;
mod extremes;
mod filesizeformat;
mod first;
mod groupby;
mod indent;
mod items;
mod join;
mod length;
mod list;
mod mandatory;
mod map;
mod number;
mod replace;
mod reverse;
mod round;
mod select;
mod sort;
mod string;
mod sum;
mod trim;
mod truncate;
mod unique;
mod wordcount;

use shevek_template::plugin::{Filter, Test};

/// All filters.
pub fn filters() -> impl Iterator<Item = Filter> {
    registry::FILTERS.iter().copied().flatten().copied()
}

/// All tests.
pub fn tests() -> impl Iterator<Item = Test> {
    registry::TESTS.iter().copied().flatten().copied()
}

/// Written by build.rs from the names of the files.
mod registry {
    include!(concat!(env!("OUT_DIR"), "/registry.rs"));
}
