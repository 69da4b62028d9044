//! What is looked at while something is rendered ahead of its time.
//!
//! A task that is sent to its host before the ones in front of it are done must not see what these may still change.
//! [`ahead`] renders under watch; whoever gives out something that may change tells it here ([`variable`], [`all_variables`],
//! [`may_look`]). The watch is one of the thread, since rendering never leaves its thread: so nothing has to be handed
//! through, and nothing can be forgotten on the way.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

thread_local! {
    /// Whether anybody watches; looked at before each variable is given out.
    static ON: Cell<bool> = const { Cell::new(false) };
    /// The watches that are kept, one within the other: what is looked at concerns all of them.
    static WATCHES: RefCell<Vec<Watch>> = const { RefCell::new(Vec::new()) };
}

/// What may change before it would be rendered in its turn.
#[derive(Debug, Clone, Default)]
pub struct Unsettled {
    /// Variables.
    pub names: HashSet<String>,
    /// Files of this machine.
    pub files: bool,
}

struct Watch {
    unsettled: Unsettled,
    is_spoilt: bool,
}

/// What a plugin looks at beside its arguments and variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Glance {
    /// Files of this machine.
    Files,
    /// The clock, programs, other machines; or it leaves something behind.
    World,
}

/// Renders something ahead of its time; `None` where it looked at what is not settled yet.
pub fn ahead<T>(unsettled: &Unsettled, render: impl FnOnce() -> T) -> Option<T> {
    WATCHES.with_borrow_mut(|all| all.push(Watch { unsettled: unsettled.clone(), is_spoilt: false }));
    let was_on = ON.replace(true);
    let result = render();
    ON.set(was_on);
    let watch = WATCHES.with_borrow_mut(Vec::pop);
    watch.is_some_and(|watch| !watch.is_spoilt).then_some(result)
}

/// A variable is given out.
pub fn variable(name: &str) {
    if ON.get() {
        each(|watch| watch.is_spoilt |= watch.unsettled.names.contains(name));
    }
}

/// All variables are, or those of several hosts.
pub fn all_variables() {
    if ON.get() {
        each(|watch| watch.is_spoilt |= !watch.unsettled.names.is_empty());
    }
}

fn each(look: impl FnMut(&mut Watch)) {
    WATCHES.with_borrow_mut(|all| all.iter_mut().for_each(look));
}

/// Whether a plugin may look there now; it is asked again in its turn if not.
pub(crate) fn may_look(at: Option<Glance>) -> bool {
    let Some(at) = at.filter(|_| ON.get()) else { return true };
    let mut may = true;
    each(|watch| {
        watch.is_spoilt |= at == Glance::World || watch.unsettled.files;
        may &= !watch.is_spoilt;
    });
    may
}

/// Lookups that only look at what is known already.
const LOOKUPS_OF_VARIABLES: [&str; 15] = [
    "config",
    "dict",
    "env",
    "flattened",
    "indexed_items",
    "inventory_hostnames",
    "items",
    "list",
    "nested",
    "random_choice",
    "sequence",
    "subelements",
    "together",
    "varnames",
    "vars",
];

/// Lookups that only read files of this machine.
const LOOKUPS_OF_FILES: [&str; 8] =
    ["csvfile", "file", "fileglob", "filetree", "first_found", "ini", "template", "unvault"];

/// Filters and tests that do.
const PLUGINS_OF_FILES: [&str; 8] =
    ["exists", "file", "fileglob", "directory", "link", "link_exists", "mount", "same_file"];

impl Glance {
    /// What a lookup looks at.
    pub(crate) fn of_lookup(name: &str) -> Option<Self> {
        match name {
            _ if LOOKUPS_OF_VARIABLES.contains(&name) => None,
            _ if LOOKUPS_OF_FILES.contains(&name) => Some(Self::Files),
            _ => Some(Self::World),
        }
    }

    /// What a filter or test looks at, by its first name.
    pub(crate) fn of_plugin(name: &str) -> Option<Self> {
        match name {
            "strftime" => Some(Self::World),
            "realpath" => Some(Self::Files),
            _ if PLUGINS_OF_FILES.contains(&name) => Some(Self::Files),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rendered_ahead_must_not_look_at_what_is_not_settled() {
        let names = HashSet::from(["result".to_owned()]);
        let unsettled = Unsettled { names, files: false };
        assert_eq!(ahead(&unsettled, || variable("other")), Some(()));
        assert_eq!(ahead(&unsettled, || variable("result")), None);
        assert_eq!(ahead(&unsettled, all_variables), None);
        assert_eq!(ahead(&Unsettled::default(), all_variables), Some(()));
        assert_eq!(ahead(&unsettled, || may_look(Some(Glance::Files))), Some(true));
        assert_eq!(
            ahead(&Unsettled { files: true, ..unsettled.clone() }, || may_look(Some(Glance::Files))),
            None
        );
        assert_eq!(ahead(&unsettled, || may_look(Some(Glance::World))), None);
        assert!(may_look(Some(Glance::World)), "nobody watches");
        let mut within = Some(());
        assert_eq!(ahead(&unsettled, || within = ahead(&Unsettled::default(), || variable("result"))), None);
        assert_eq!(within, Some(()), "only the outer one minds");
    }
}
