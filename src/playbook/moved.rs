//! Short names of modules that once came with Ansible and are in collections now: playbooks still use them. Some have been
//! removed from those since.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

/// `COLLECTION: NAME OLD=NEW …`, continued on lines that begin with a space.
const MOVED: &str = include_str!("moved.txt");

/// Modules that the present releases of their collections have no more; written in the same way.
const GONE: &str = include_str!("gone.txt");

/// The full name of what a short name stands for now.
pub(crate) fn moved(short: &str) -> Option<String> {
    static BY_NAME: OnceLock<HashMap<&str, (&str, &str)>> = OnceLock::new();
    let all = || read(MOVED).map(|(collection, new, old)| (old, (collection, new))).collect();
    let (collection, name) = BY_NAME.get_or_init(all).get(short)?;
    Some(format!("{collection}.{name}"))
}

/// The collection that a module was removed from, by its full name or the short one that it had before.
pub(crate) fn removed_from(name: &str) -> Option<&'static str> {
    static GONE_FROM: OnceLock<HashMap<&str, HashSet<&str>>> = OnceLock::new();
    let gone = GONE_FROM.get_or_init(|| {
        let mut all: HashMap<&str, HashSet<&str>> = HashMap::new();
        read(GONE).for_each(|(collection, name, _)| _ = all.entry(collection).or_default().insert(name));
        all
    });
    let full = if name.contains('.') { name.to_owned() } else { moved(name)? };
    let (at, _) = full.match_indices('.').nth(1)?;
    let (collection, names) = gone.get_key_value(full.get(..at)?)?;
    names.contains(full.get(at + 1..)?).then_some(*collection)
}

/// Whether something of the collection is known by a short name: then it is one that people have.
pub(crate) fn is_collection(name: &str) -> bool {
    MOVED.lines().any(|line| line.split_once(": ").is_some_and(|(collection, _)| collection == name))
}

/// The collections, and what each name is there and was before.
fn read(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let mut collection = "";
    text.lines().flat_map(move |line| {
        let names = match line.split_once(": ") {
            Some((name, rest)) => {
                collection = name;
                rest
            }
            None => line,
        };
        let collection = collection;
        names.split_whitespace().map(move |word| {
            let (old, new) = word.split_once('=').unwrap_or((word, word));
            (collection, new, old)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_lead_to_their_collections() {
        assert_eq!(moved("npm").as_deref(), Some("community.general.npm"));
        assert_eq!(moved("firewalld").as_deref(), Some("ansible.posix.firewalld"));
        assert_eq!(moved("copy"), None);
    }

    #[test]
    fn what_was_removed_is_known_by_its_full_name() {
        assert_eq!(removed_from("community.docker.docker_compose"), Some("community.docker"));
        assert_eq!(removed_from("ec2"), Some("amazon.aws"));
        assert_eq!(removed_from("community.docker.docker_container"), None);
        assert_eq!((removed_from("copy"), removed_from(""), removed_from("a.b")), (None, None, None));
    }

    #[test]
    fn renamed_ones_get_their_new_names() {
        let names: Vec<_> = read("a.b: one two=three\n    four\nc.d: five\n").collect();
        assert_eq!(names[1..], [("a.b", "three", "two"), ("a.b", "four", "four"), ("c.d", "five", "five")]);
    }
}
