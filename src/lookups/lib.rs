//! The lookups that templates and `with_…` loops can use: `ansible.builtin`'s, and the community's most used.
//!
//! A lookup is one file here, with a `LOOKUP` and a `mod` line. Start reading at any short one (`env`), then `source`
//! for where files, options and commands come from.
//!
//! Imports `diag`, `value`, `vault`, `yaml`, `template`, `python`, pyre and of kit the HTTP; never filters, which are asked by
//! name.

mod config;
mod csvfile;
mod dict;
mod dig;
mod dns;
mod env;
mod file;
mod fileglob;
mod filetree;
mod first_found;
mod flattened;
mod get_path;
mod hashi_vault;
mod hashicorp;
mod index_of;
mod indexed_items;
mod ini;
mod inventory_hostnames;
mod items;
mod lines;
mod list;
mod nested;
mod password;
mod passwordstore;
mod pipe;
mod random_choice;
mod sequence;
mod source;
mod subelements;
mod template;
mod to_paths;
mod together;
mod unvault;
mod url;
mod validate;
mod varnames;
mod vars;
mod vault_kv1_get;
mod vault_kv2_get;
mod vault_list;
mod vault_login;
mod vault_read;
mod vault_token_create;
mod vault_write;

use shevek_template::plugin::Lookup;

/// All lookups.
pub fn lookups() -> impl Iterator<Item = Lookup> {
    registry::LOOKUPS.iter().copied()
}

/// Written by build.rs from the names of the files.
mod registry {
    include!(concat!(env!("OUT_DIR"), "/registry.rs"));
}
