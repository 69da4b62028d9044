//! The filters and tests that templates can use: Jinja's own, `ansible.builtin`'s, and the community's most used.
//!
//! A filter (or a family of them) is one file here, a test one in `is`; each file has a `FILTERS` or `TESTS` table and
//! a `mod` line. Start reading at any short one (`reverse`), then the crate `python` for what they rest on.
//!
//! Imports `diag`, `value`, `vault`, `yaml`, `template` and pyre; never lookups.

mod is;

mod abs;
mod accumulate;
mod attr;
mod base64;
mod batch;
mod bool;
mod case;
mod center;
mod combinatorics;
mod combine;
mod comment;
mod counter;
mod crc32;
mod dates;
mod default;
mod dict;
mod dict_items;
mod dictsort;
mod escape;
mod extract;
mod extremes;
mod fileglob;
mod filesizeformat;
mod first;
mod flatten;
mod format;
mod from_csv;
mod groupby;
mod groupby_as_dict;
mod hash;
mod human;
mod indent;
mod ip_arithmetic;
mod ipaddr;
mod items;
mod join;
mod json;
mod json_query;
mod keys;
mod length;
mod list;
mod list_sets;
mod lists_mergeby;
mod mandatory;
mod map;
mod math;
mod network;
mod number;
mod password_hash;
mod paths;
mod pprint;
mod protomatter;
mod query;
mod quote;
mod random;
mod random_mac;
mod regex;
mod rekey_on_member;
mod replace;
mod reverse;
mod round;
mod select;
mod set_theory;
mod sort;
mod split;
mod string;
mod subelements;
mod sum;
mod ternary;
mod time_units;
mod to_uuid;
mod trim;
mod truncate;
mod type_debug;
mod unique;
mod urlize;
mod urls;
mod vault;
mod version_sort;
mod windows_paths;
mod wordcount;
mod wordwrap;
mod yaml;
mod zip;

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
