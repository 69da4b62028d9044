//! What a host runs: one file a module, named as the module. Start reading at `group.rs`; docs/adding-a-module.md says how
//! to add one.
//!
//! A module file imports `shevek_kit::prelude::*` and nothing else of the project; `std::fs`, `std::process` and the like
//! are banned here (clippy.toml), so that all effects go through the kit.

// Core: what nearly every play needs. Always on the host.
mod async_status;
mod blockinfile;
mod command;
mod copy;
mod download;
mod editing;
mod facts;
mod fetch;
mod file;
mod find;
mod foreign;
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
mod user;
mod wait_for;

// Both: in the core, and in the rare part for calls with an argument that is an address: only that part speaks HTTP.
mod apt;

// Rare: in a binary of their own, pushed when a play first needs one of them. New modules go here.
mod acl;
mod alternatives;
mod apk;
mod apt_key;
mod apt_repository;
mod archive;
mod assemble;
mod at;
mod authorized_key;
mod capabilities;
mod cron;
mod deb822_repository;
mod debconf;
mod dnf;
mod dpkg_divert;
mod dpkg_selections;
mod expect;
mod filesystem;
mod firewalld;
mod get_url;
mod getent;
mod git;
mod git_config;
mod hostname;
mod htpasswd;
mod ini_file;
mod interfaces_file;
mod iptables;
mod kernel_blacklist;
mod known_hosts;
mod locale_gen;
mod lvg;
mod lvol;
mod make;
mod modprobe;
mod mount;
mod mount_facts;
mod npm;
mod openrc;
mod package_facts;
mod pacman;
mod pam_limits;
mod parted;
mod patch;
mod pip;
mod rpm_key;
mod seboolean;
mod sefcontext;
mod selinux;
mod service_facts;
mod ssh_config;
mod subversion;
mod sudoers;
mod synchronize;
mod sysctl;
mod sysvinit;
mod timezone;
mod ufw;
mod unarchive;
mod uri;
mod xml;
mod yum_repository;
mod zypper;

use std::fmt;

pub use assemble::{joined, pattern as fragment_names};
use shevek_kit::Module;
use shevek_kit::proto::Val;

include!(concat!(env!("OUT_DIR"), "/registry.rs"));

/// Some of the modules: those of one binary of the runner.
#[derive(Clone, Copy)]
pub struct Modules {
    /// What only this part has.
    own: &'static [Module],
    /// Whether it speaks HTTP.
    speaks: bool,
}

/// The modules that are always on the host.
pub fn core() -> Modules {
    Modules { own: CORE, speaks: false }
}

/// The modules that are pushed when first needed.
pub fn rare() -> Modules {
    shevek_kit::http::speak();
    apt::speak();
    Modules { own: RARE, speaks: true }
}

impl fmt::Debug for Modules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.own.iter().chain(BOTH).map(|module| module.name)).finish()
    }
}

impl Modules {
    /// The module of this name, as [`find`] takes it.
    pub fn find(self, name: &str) -> Option<&'static Module> {
        self.own.iter().chain(BOTH).find(|module| answers_to(module, name))
    }

    /// Whether this part can do a call: it has the module, and speaks HTTP if the call takes it.
    pub fn can(self, name: &str, args: &[(String, Val)]) -> bool {
        let takes_http =
            || args.iter().any(|(_, value)| value.as_str().is_some_and(|text| text.contains("://")));
        self.own.iter().any(|module| answers_to(module, name))
            || (BOTH.iter().any(|module| answers_to(module, name)) && (self.speaks || !takes_http()))
    }
}

/// Whether a module may return facts: then what comes behind it must wait for its result.
pub fn returns_facts(name: &str) -> bool {
    find(name).is_none_or(|module| RETURN_FACTS.contains(&module.name))
}

/// The modules that may return facts; one that does and is not here is a red test.
const RETURN_FACTS: [&str; 8] = [
    "async_status",
    "foreign",
    "getent",
    "hostname",
    "mount_facts",
    "package_facts",
    "service_facts",
    "setup",
];

/// What runs modules that the user brings; no task names it.
pub const FOREIGN: &str = "foreign";

/// What `service` calls where that is the service manager; no task names it.
pub const OPENRC: &str = "openrc";

/// All modules that a task can name.
pub fn registry() -> impl Iterator<Item = &'static Module> {
    CORE.iter().chain(BOTH).chain(RARE).filter(|module| ![FOREIGN, OPENRC].contains(&module.name))
}

/// The module of this name: short (`group`), in full (`ansible.builtin.group`), or another name of the same module.
pub fn find(name: &str) -> Option<&'static Module> {
    core().find(name).or_else(|| rare().find(name))
}

/// Whether a module goes by this name.
fn answers_to(module: &Module, name: &str) -> bool {
    let schema = module.schema();
    let short = |n: &str| n == schema.name || schema.aliases.contains(&n);
    match name.rsplit_once('.') {
        None => short(name),
        Some((collection, last)) => {
            // What once was a part of Ansible itself is still found under its old name.
            let own =
                collection == schema.collection || matches!(collection, "ansible.builtin" | "ansible.legacy");
            (own && short(last)) || schema.aliases.contains(&name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_http_goes_to_the_part_that_speaks_it() {
        let deb = |value: &str| vec![("deb".to_owned(), Val::from(value))];
        assert!(core().can("apt", &deb("/tmp/x.deb")));
        assert!(!core().can("ansible.builtin.apt", &deb("https://h/x.deb")));
        assert!(rare().can("apt", &deb("https://h/x.deb")));
        assert!(core().can("copy", &[("content".to_owned(), Val::from("http://h/"))]), "only words to it");
        assert!(!core().can("get_url", &[]) && rare().can("get_url", &[]));
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "it reads the modules' sources, and no host")]
    fn modules_that_return_facts_are_known() {
        let sources =
            std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap().map(|entry| entry.unwrap().path());
        let mut returning: Vec<String> = sources
            .filter(|path| path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with("lib.rs"))
            .filter(|path| {
                let text = std::fs::read_to_string(path).unwrap();
                text.contains("outcome.facts.push") || text.contains("outcome.facts =")
            })
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        returning.sort();
        assert_eq!(returning, RETURN_FACTS);
    }

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
        let wrong: Vec<String> = registry().flat_map(shevek_kit::testing::check_examples).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Files that read text with its bytes replaced and write files too, how often they read so, and what they read: it is
    /// not what they write.
    const ONLY_LOOKED_AT: &[(&str, usize, &str)] = &[
        ("apt.rs", 2, "what apt and dpkg have noted"),
        ("apt_repository.rs", 2, "os-release, and what Launchpad says"),
        ("archive.rs", 1, "a name to be compared with patterns"),
        ("authorized_key.rs", 1, "what a web server says"),
        ("copy.rs", 1, "a difference to be shown"),
        ("editing/mod.rs", 1, "a pattern to be shown"),
        ("get_url.rs", 1, "lists of checksums"),
        ("hostname.rs", 2, "os-release, and names to be compared"),
        ("modprobe.rs", 2, "what the kernel says"),
        ("locale_gen.rs", 1, "the list of all locales"),
        ("mount.rs", 1, "what the kernel says"),
        ("rpm_key.rs", 1, "what a web server says"),
        ("selinux.rs", 2, "a word to be compared, and what the kernel says"),
        ("sysctl.rs", 1, "what the kernel says"),
        ("timezone.rs", 2, "a name and a word to be compared"),
        ("uri.rs", 1, "what a web server says"),
        ("user/home.rs", 1, "login.defs"),
    ];

    #[test]
    fn what_is_written_back_was_read_without_loss() {
        use std::sync::Arc;

        let host = shevek_kit::Probe::new(Arc::new(shevek_kit::Real::new()), Arc::default());
        let mut wrong = Vec::new();
        let mut todo = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"))];
        while let Some(folder) = todo.pop() {
            for name in host.list(&folder).unwrap() {
                let path = folder.join(name);
                if host.is_folder(&path) {
                    todo.push(path);
                    continue;
                }
                if path.extension().is_none_or(|end| end != "rs") {
                    continue;
                }
                let text = host.read_text(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                let lossy: usize =
                    ["from_utf8_lossy(", ".read_text("].iter().map(|call| code.matches(call).count()).sum();
                let writes = ["host.write(", "host.write_as(", "host.write_in_place(", "host.stage("];
                let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
                let known =
                    ONLY_LOOKED_AT.iter().find(|(known, ..)| *known == name).map_or(0, |(_, n, _)| *n);
                if lossy > known && writes.iter().any(|call| code.contains(call)) {
                    wrong.push(name);
                }
            }
        }
        wrong.sort();
        assert!(
            wrong.is_empty(),
            "these read text with bytes replaced, and write files: use read_lossless and lossless::bytes for what is \
             written back, or say in ONLY_LOOKED_AT what it is: {}",
            wrong.join(", ")
        );
    }

    #[test]
    fn a_module_is_found_under_each_of_its_names() {
        for name in ["group", "ansible.builtin.group", "ansible.legacy.group"] {
            assert_eq!(find(name).map(|m| m.name), Some("group"), "{name}");
        }
        assert!(find("community.general.group").is_none());
    }
}
