//! Which tasks run when tags are asked for or left out.

use std::collections::HashSet;

use shevek_value::Value;

/// `--tags` and `--skip-tags`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    only: HashSet<String>,
    skip: HashSet<String>,
}

impl Tags {
    /// The choice that two options make; words may hold commas. Nothing asked for is `all`.
    pub fn new<'a>(only: impl IntoIterator<Item = &'a str>, skip: impl IntoIterator<Item = &'a str>) -> Self {
        let mut only = words(only);
        if only.is_empty() {
            only.insert("all".to_owned());
        }
        Self { only, skip: words(skip) }
    }

    /// Whether a task with these tags runs. Templates among them must be rendered before.
    pub fn selects(&self, tags: &[Value]) -> bool {
        let tags = flat(tags);
        let is_tagged = !tags.is_empty();
        let has = |tag: &str| if is_tagged { tags.iter().any(|own| own == tag) } else { tag == "untagged" };
        let meets = |wanted: &HashSet<String>| wanted.iter().any(|tag| has(tag));
        let wanted = |tag: &str| self.only.contains(tag);
        let chosen = has("always")
            || (wanted("all") && !has("never"))
            || meets(&self.only)
            || (wanted("tagged") && is_tagged && !has("never"));
        let skipped = if self.skip.contains("all") {
            !has("always") || self.skip.contains("always")
        } else {
            meets(&self.skip) || (self.skip.contains("tagged") && is_tagged)
        };
        chosen && !skipped
    }

    /// Whether anything but the default was asked for.
    pub fn is_default(&self) -> bool {
        self.skip.is_empty() && self.only.len() == 1 && self.only.contains("all")
    }

    /// What was asked for, sorted: `ansible_run_tags`.
    pub fn only(&self) -> Vec<&str> {
        sorted(&self.only)
    }

    /// What is left out, sorted: `ansible_skip_tags`.
    pub fn skip(&self) -> Vec<&str> {
        sorted(&self.skip)
    }
}

fn words<'a>(options: impl IntoIterator<Item = &'a str>) -> HashSet<String> {
    let parts = options.into_iter().flat_map(|option| option.split(','));
    parts.map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect()
}

fn sorted(tags: &HashSet<String>) -> Vec<&str> {
    let mut tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    tags.sort_unstable();
    tags
}

/// Tags as text; a template may have made a list in the list.
pub fn flat(tags: &[Value]) -> Vec<String> {
    let mut all = Vec::with_capacity(tags.len());
    for tag in tags {
        match tag.as_list() {
            Some(inner) => all.extend(flat(inner)),
            None => all.push(tag.text()),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(only: &str, skip: &str, tags: &[&str]) -> bool {
        let tags: Vec<Value> = tags.iter().map(|tag| Value::str(*tag)).collect();
        Tags::new([only], [skip]).selects(&tags)
    }

    #[test]
    fn without_options_all_run_but_never() {
        assert!(selects("", "", &[]));
        assert!(selects("", "", &["a"]));
        assert!(!selects("", "", &["never", "a"]));
        assert!(selects("", "", &["never", "always"]));
    }

    #[test]
    fn a_tag_asked_for_runs_even_what_never_runs() {
        assert!(selects("a", "", &["never", "a"]));
        assert!(!selects("b", "", &["never", "a"]));
        assert!(selects("x,b", "", &["b"]));
        assert!(!selects("b", "", &[]));
        assert!(selects("b", "", &["always"]));
    }

    #[test]
    fn special_words_mean_kinds_of_tasks() {
        assert!(selects("untagged", "", &[]));
        assert!(!selects("untagged", "", &["a"]));
        assert!(selects("tagged", "", &["a"]));
        assert!(!selects("tagged", "", &[]));
        assert!(!selects("tagged", "", &["a", "never"]));
    }

    #[test]
    fn skipping_comes_last() {
        assert!(!selects("", "a", &["a", "always"]));
        assert!(!selects("", "always", &["always"]));
        assert!(!selects("", "all", &["a"]));
        assert!(selects("", "all", &["always"]));
        assert!(!selects("", "tagged", &["a"]));
        assert!(selects("", "tagged", &[]));
        assert!(!selects("", "untagged", &[]));
    }
}
