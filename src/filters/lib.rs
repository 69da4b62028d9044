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
mod cidr_merge;
mod combinatorics;
mod combine;
mod comment;
mod consolidate;
mod counter;
mod crc32;
mod dates;
mod deep_keys;
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
mod hashids;
mod human;
mod hwaddr;
mod indent;
mod index_of;
mod ini;
mod ip_arithmetic;
mod ipaddr;
mod ipv6form;
mod items;
mod join;
mod json;
mod json_patch;
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
mod openssl_csr_info;
mod openssl_publickey_info;
mod param_list_compare;
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
mod reveal_ansible_type;
mod reverse;
mod round;
mod schema;
mod select;
mod set_theory;
mod sort;
mod split;
mod split_pem;
mod string;
mod subelements;
mod sum;
mod ternary;
mod time_units;
mod to_paths;
mod to_prettytable;
mod to_uuid;
mod trim;
mod truncate;
mod type_debug;
mod unicode_normalize;
mod unique;
mod urlize;
mod urls;
mod validate;
mod vault;
mod vault_login_token;
mod version_sort;
mod windows_paths;
mod wordcount;
mod wordwrap;
mod x509;
mod x509_certificate_info;
mod x509_crl_info;
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
