//! What a host runs: one file a module, named as the module. Start reading at `group.rs`; docs/adding-a-module.md says how
//! to add one.
//!
//! A module file imports `shevek_kit::prelude::*` and nothing else of the project; `std::fs`, `std::process` and the like
//! are banned here (clippy.toml), so that all effects go through the kit.

mod apt;
mod blockinfile;
mod command;
mod copy;
mod editing;
mod facts;
mod fetch;
mod file;
mod find;
mod get_url;
mod group;
mod lineinfile;
mod pattern;
mod ping;
mod replace;
mod script;
mod setup;
mod shell;
mod slurp;
mod stat;
mod systemd_service;
mod tempfile;
mod uri;
mod user;
mod wait_for;

use shevek_kit::Module;

include!(concat!(env!("OUT_DIR"), "/registry.rs"));

/// All modules, by name.
pub fn registry() -> &'static [Module] {
    REGISTRY
}

/// The module of this name: short (`group`), in full (`ansible.builtin.group`), or another name of the same module.
pub fn find(name: &str) -> Option<&'static Module> {
    REGISTRY.iter().find(|module| answers_to(module, name))
}

/// Whether a module goes by this name.
fn answers_to(module: &Module, name: &str) -> bool {
    let schema = module.schema();
    let short = |n: &str| n == schema.name || schema.aliases.contains(&n);
    match name.rsplit_once('.') {
        None => short(name),
        Some((collection, last)) => {
            let own = collection == schema.collection
                || (collection == "ansible.legacy" && schema.collection == "ansible.builtin");
            (own && short(last)) || schema.aliases.contains(&name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_is_named_as_its_file_and_says_what_it_is_for() {
        for module in registry() {
            assert_eq!(module.schema().name, module.name);
            assert!(!module.summary().is_empty(), "modules/{}.rs has no //! summary", module.name);
            for option in module.schema().options() {
                assert!(!option.doc.is_empty(), "{}: option {} has no doc comment", module.name, option.name);
            }
        }
    }

    #[test]
    fn examples_are_tasks_that_the_module_accepts() {
        let wrong: Vec<String> = registry().iter().flat_map(shevek_kit::testing::check_examples).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_module_is_found_under_each_of_its_names() {
        for name in ["group", "ansible.builtin.group", "ansible.legacy.group"] {
            assert_eq!(find(name).map(|m| m.name), Some("group"), "{name}");
        }
        assert!(find("community.general.group").is_none());
    }
}
