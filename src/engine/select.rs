//! Which tasks run: tags, and `--start-at-task`.

use std::sync::Arc;

use shevek_playbook::{Block, Item, Tags, Task};
use shevek_value::Value;

/// What `--tags`, `--skip-tags` and `--start-at-task` choose.
#[derive(Debug, Default)]
pub struct Selection {
    tags: Tags,
}

impl Selection {
    /// The choice that the options make.
    pub fn new(only: &[String], skip: &[String]) -> Self {
        Self { tags: Tags::new(only.iter().map(String::as_str), skip.iter().map(String::as_str)) }
    }

    /// The items without the tasks that the tags leave out, and without blocks that are then empty. `render` renders
    /// tags that are templates.
    pub(crate) fn filter(&self, items: Vec<Item>, render: &dyn Fn(&Value) -> Value) -> Vec<Item> {
        items.into_iter().filter_map(|item| self.keep(item, render)).collect()
    }

    fn keep(&self, item: Item, render: &dyn Fn(&Value) -> Value) -> Option<Item> {
        match item {
            Item::Task(task) => self.takes(&task, render).then_some(Item::Task(task)),
            Item::Block(block) => {
                let section = |items: &[Item]| self.filter(items.to_vec(), render);
                let kept = Block {
                    name: block.name.clone(),
                    body: section(&block.body),
                    rescue: section(&block.rescue),
                    always: section(&block.always),
                    origin: block.origin.clone(),
                };
                let is_empty = kept.body.is_empty() && kept.rescue.is_empty() && kept.always.is_empty();
                (!is_empty).then(|| Item::Block(Arc::new(kept)))
            }
        }
    }

    fn takes(&self, task: &Task, render: &dyn Fn(&Value) -> Value) -> bool {
        if task.tags.iter().any(Value::is_template) {
            let rendered: Vec<Value> = task.tags.iter().map(render).collect();
            return self.tags.selects(&rendered);
        }
        self.tags.selects(&task.tags)
    }

    /// Whether a task is the one to start at: by its name, or its role's and its name, `*` and `?` standing for anything.
    pub(crate) fn is_start(task: &Task, wanted: &str) -> bool {
        let own = task.name.as_ref().map(Value::text).unwrap_or_default();
        [own, task.title()].iter().any(|title| *title == wanted || matches(wanted, title))
    }
}

/// Shell-style patterns with `*` and `?`.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // Which lengths of the text the pattern read so far can stand for.
    let mut reach = vec![false; text.len() + 1];
    if let Some(first) = reach.first_mut() {
        *first = true;
    }
    for p in pattern {
        let mut next = vec![false; text.len() + 1];
        for (length, slot) in next.iter_mut().enumerate() {
            let before = length.checked_sub(1);
            let was = before.and_then(|b| reach.get(b)).copied().unwrap_or(false);
            let letter = before.and_then(|b| text.get(b));
            *slot = match p {
                '*' => reach.iter().take(length + 1).any(|reached| *reached),
                '?' => was,
                p => was && letter == Some(&p),
            };
        }
        reach = next;
    }
    reach.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks_stand_for_anything() {
        assert!(matches("Install *", "Install nginx"));
        assert!(matches("*nginx", "Install nginx"));
        assert!(matches("Instal? nginx", "Install nginx"));
        assert!(!matches("Install", "Install nginx"));
    }
}
