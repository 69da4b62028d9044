//! `--list-hosts`, `--list-tasks`, `--list-tags` and `--syntax-check`, worded as Ansible's.

use std::collections::BTreeSet;
use std::fmt::Write;

use shevek_diag::{Diagnostics, Result};
use shevek_inventory::Inventory;
use shevek_playbook::{Handlers, Item, Play, Playbook, Tags, Task, flat_tags};
use shevek_value::{Map, Value};

use crate::content::Content;

/// What is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    pub hosts: bool,
    pub tasks: bool,
    pub tags: bool,
    /// Only whether everything can be read.
    pub syntax: bool,
}

impl Wanted {
    /// Whether anything is asked for.
    pub(crate) fn any(self) -> bool {
        self.hosts || self.tasks || self.tags || self.syntax
    }
}

/// What lists are made from.
pub(crate) struct Listing<'a> {
    pub content: &'a Content,
    pub inventory: &'a Inventory,
    pub limit: Option<&'a str>,
    pub tags: Tags,
    pub wanted: Wanted,
}

impl Listing<'_> {
    /// All lists of a playbook, `name` being what the user called it.
    pub(crate) fn text(&self, playbook: &Playbook, name: &str) -> Result<(String, Diagnostics)> {
        let mut out = format!("\nplaybook: {name}\n");
        let mut warnings = Diagnostics::new();
        if self.wanted.syntax && !self.wanted.hosts && !self.wanted.tasks && !self.wanted.tags {
            return Ok((out, warnings));
        }
        for (number, play) in (1..).zip(&playbook.plays) {
            warnings.extend(self.play(number, play, &mut out)?);
        }
        Ok((out, warnings))
    }

    fn play(&self, number: usize, play: &Play, out: &mut String) -> Result<Diagnostics> {
        let known = known(play);
        let patterns = patterns(self.content, play)?;
        let own_tags = flat_tags(&play.tags);
        let name = self.rendered(play.name.as_ref(), &known).unwrap_or_else(|| patterns.join(","));
        let _ = writeln!(
            out,
            "\n  play #{number} ({}): {name}\tTAGS: [{}]",
            patterns.join(","),
            own_tags.join(",")
        );
        let mut warnings = Diagnostics::new();
        if self.wanted.hosts {
            let words: Vec<&str> = patterns.iter().map(String::as_str).collect();
            let chosen = if words.is_empty() {
                Default::default()
            } else {
                self.inventory.choose(&words, self.limit, self.content.mismatch(), &self.content.folder)?
            };
            let shown =
                if patterns.is_empty() { "None".to_owned() } else { Value::from(patterns.clone()).text() };
            let _ = writeln!(out, "    pattern: {shown}\n    hosts ({}):", chosen.hosts.len());
            for host in &chosen.hosts {
                let _ = writeln!(out, "      {}", self.inventory.host(*host).name());
            }
            warnings = chosen.warnings;
        }
        if self.wanted.tasks || self.wanted.tags {
            self.tasks(play, &own_tags, out);
        }
        Ok(warnings)
    }

    fn tasks(&self, play: &Play, own_tags: &[String], out: &mut String) {
        if self.wanted.tasks {
            out.push_str("    tasks:\n");
        }
        let mut all: BTreeSet<String> = own_tags.iter().cloned().collect();
        for item in play.sections(Handlers::WhenGood) {
            each_shown(&item, &mut |task: &Task| {
                let rendered: Vec<Value> = task
                    .tags
                    .iter()
                    .map(|tag| self.content.render(tag, &task.vars).unwrap_or_else(|_| tag.clone()))
                    .collect();
                if task.is_implicit || !self.tags.selects(&rendered) {
                    return;
                }
                let mut tags: BTreeSet<String> = own_tags.iter().cloned().collect();
                tags.extend(flat_tags(&rendered));
                all.extend(tags.iter().cloned());
                if self.wanted.tasks {
                    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
                    let _ = writeln!(out, "      {}\tTAGS: [{}]", title(task), tags.join(", "));
                }
            });
        }
        if self.wanted.tags {
            let tags: Vec<&str> = all.iter().map(String::as_str).collect();
            let _ = writeln!(out, "      TASK TAGS: [{}]", tags.join(", "));
        }
    }

    fn rendered(&self, name: Option<&Value>, vars: &Map) -> Option<String> {
        let name = name?;
        let text = self.content.render(name, vars).unwrap_or_else(|_| name.clone()).text();
        Some(text).filter(|text| !text.is_empty())
    }
}

/// The host patterns of a play, rendered with what is known before a run.
pub(crate) fn patterns(content: &Content, play: &Play) -> Result<Vec<String>> {
    let hosts = content.render(&play.hosts, &known(play))?;
    Ok(match hosts.as_list() {
        Some(items) => items.iter().map(Value::text).collect(),
        None if hosts.is_omit() => Vec::new(),
        None => vec![hosts.text()],
    })
}

/// What hosts and name of a play can be made of: its variables, and those that its roles bring into it.
fn known(play: &Play) -> Map {
    let mut known = Map::default();
    let mut add = |variables: &Map| {
        known.extend(variables.iter().map(|(name, value)| (name.clone(), value.clone())));
    };
    play.roles.iter().for_each(|role| add(&role.public_defaults));
    add(&play.vars);
    play.roles.iter().for_each(|role| add(&role.public_vars));
    known
}

/// The name with its role; the action alone where there is no name.
fn title(task: &Task) -> String {
    let is_named = task.name.as_ref().is_some_and(|name| !name.text().is_empty());
    if is_named { task.title() } else { task.action.name.text() }
}

/// Calls `visit` for each task that Ansible's lists show: not those of `rescue` and `always`.
fn each_shown(item: &Item, visit: &mut dyn FnMut(&Task)) {
    match item {
        Item::Task(task) => visit(task),
        Item::Block(block) => block.body.iter().for_each(|item| each_shown(item, visit)),
    }
}
