//! What `--list-tasks`, `--list-tags` and `--list-hosts` show of a playbook.

use std::collections::BTreeSet;

use crate::model::{Handlers, Item, Play, Playbook, Task};
use crate::tags::{Tags, flat};

/// One play of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPlay {
    /// Its number, from 1.
    pub number: usize,
    /// Its hosts, as written.
    pub hosts: String,
    /// Its name, unrendered; without one, its hosts.
    pub title: String,
    /// Its own tags.
    pub tags: Vec<String>,
    /// The tasks chosen, in order.
    pub tasks: Vec<ListedTask>,
}

/// One task of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTask {
    /// `role : name`; the action where it has no name.
    pub title: String,
    /// All its tags, sorted.
    pub tags: Vec<String>,
}

impl ListedPlay {
    /// The tags of the play and of all tasks chosen, sorted.
    pub fn task_tags(&self) -> Vec<String> {
        let all: BTreeSet<&String> =
            self.tags.iter().chain(self.tasks.iter().flat_map(|task| &task.tags)).collect();
        all.into_iter().cloned().collect()
    }
}

/// The plays of a playbook with the tasks that a choice of tags leaves. `rescue` and `always` are left out, as are tasks
/// that nobody wrote.
pub fn list(playbook: &Playbook, tags: &Tags) -> Vec<ListedPlay> {
    playbook.plays.iter().zip(1..).map(|(play, number)| listed(play, number, tags)).collect()
}

fn listed(play: &Play, number: usize, tags: &Tags) -> ListedPlay {
    let hosts = match play.hosts.as_list() {
        Some(hosts) => hosts.iter().map(|host| host.text()).collect::<Vec<_>>().join(","),
        None => play.hosts.text(),
    };
    let mut tasks = Vec::new();
    for item in play.sections(Handlers::WhenGood) {
        gather(&item, tags, &mut tasks);
    }
    ListedPlay { number, hosts, title: play.title(), tags: flat(&play.tags), tasks }
}

fn gather(item: &Item, tags: &Tags, tasks: &mut Vec<ListedTask>) {
    match item {
        Item::Block(block) => block.body.iter().for_each(|item| gather(item, tags, tasks)),
        Item::Task(task) if task.is_implicit || !tags.selects(&task.tags) => {}
        Item::Task(task) => tasks.push(ListedTask { title: title(task), tags: sorted(task) }),
    }
}

/// The name with its role, but an action alone where there is no name.
fn title(task: &Task) -> String {
    match task.name.as_ref().map(|name| name.text()).filter(|name| !name.is_empty()) {
        Some(_) => task.title(),
        None => task.action.name.text(),
    }
}

fn sorted(task: &Task) -> Vec<String> {
    let tags: BTreeSet<String> = flat(&task.tags).into_iter().collect();
    tags.into_iter().collect()
}
