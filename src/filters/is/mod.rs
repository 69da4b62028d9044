//! The tests (`is …`). A test, or a family of them, is one file with a `TESTS` table.

pub(crate) mod addresses;
pub(crate) mod ansible_type;
pub(crate) mod case;
pub(crate) mod comparison;
pub(crate) mod defined;
pub(crate) mod files;
pub(crate) mod fqdn_valid;
pub(crate) mod kinds;
pub(crate) mod networks;
pub(crate) mod numbers;
pub(crate) mod plugins;
pub(crate) mod regex;
pub(crate) mod results;
pub(crate) mod sets;
pub(crate) mod tagged_with;
pub(crate) mod truth;
pub(crate) mod uri;
pub(crate) mod validate;
pub(crate) mod vault;
pub(crate) mod version;
