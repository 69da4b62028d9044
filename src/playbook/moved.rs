//! Short names of modules that once came with Ansible and are in collections now: playbooks still use them.

use std::collections::HashMap;
use std::sync::OnceLock;

/// `COLLECTION: NAME OLD=NEW …`, continued on lines that begin with a space.
const MOVED: &str = include_str!("moved.txt");

/// The full name of what a short name stands for now.
pub(crate) fn moved(short: &str) -> Option<String> {
    static BY_NAME: OnceLock<HashMap<&str, (&str, &str)>> = OnceLock::new();
    let (collection, name) = BY_NAME.get_or_init(|| read(MOVED)).get(short)?;
    Some(format!("{collection}.{name}"))
}

/// Whether something of the collection is known by a short name: then it is one that people have.
pub(crate) fn is_collection(name: &str) -> bool {
    MOVED.lines().any(|line| line.split_once(": ").is_some_and(|(collection, _)| collection == name))
}

fn read(text: &'static str) -> HashMap<&'static str, (&'static str, &'static str)> {
    let mut collection = "";
    let mut by_name = HashMap::new();
    for line in text.lines() {
        let names = match line.split_once(": ") {
            Some((name, rest)) => {
                collection = name;
                rest
            }
            None => line,
        };
        for word in names.split_whitespace() {
            let (old, new) = word.split_once('=').unwrap_or((word, word));
            by_name.insert(old, (collection, new));
        }
    }
    by_name
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
    fn renamed_ones_get_their_new_names() {
        let names = read("a.b: one two=three\n    four\nc.d: five\n");
        assert_eq!(names.get("two"), Some(&("a.b", "three")));
        assert_eq!(names.get("four"), Some(&("a.b", "four")));
        assert_eq!(names.get("five"), Some(&("c.d", "five")));
    }
}
