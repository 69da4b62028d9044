//! `--list-hosts`, `--list-tasks`, `--list-tags` and `--syntax-check`, worded as Ansible's.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use shevek_diag::{Diagnostics, Kind, Result};
use shevek_playbook::{Handlers, Item, Loader, Play, Playbook, Tags, Task, flat_tags};
use shevek_value::{Map, Value};
use shevek_vars::{Fleet, HostScope, PlayScope};

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
    pub loader: &'a Loader,
    pub fleet: Arc<Fleet>,
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
            // What hosts and name are made of must be there all the same.
            playbook.plays.iter().try_for_each(|play| self.named(play).map(|_| ()))?;
            return Ok((out, warnings));
        }
        for (number, play) in (1..).zip(&playbook.plays) {
            warnings.extend(self.play(number, play, &mut out)?);
        }
        Ok((out, warnings))
    }

    /// The patterns and the name of a play.
    fn named(&self, play: &Arc<Play>) -> Result<(Vec<String>, String)> {
        let empty = Arc::new(PlayScope::new(play.clone(), play.title(), Map::default(), Vec::new()));
        let outside = HostScope::new(&self.fleet, &empty, self.fleet.host_or_new("localhost"), None);
        let files = self.loader.early_vars_files(play, |name| self.fleet.templar.render(name, &outside));
        let mut known = known(play, &files);
        known.retain(|name, _| !self.content.extra.contains_key(name));
        let scope = outside.with(known);
        let render = |written: &Value| {
            let rendered = self.fleet.templar.render(written, &scope);
            rendered.map_err(|error| error.or_at(written.origin()).kind(Kind::Content))
        };
        let patterns = patterns(play, render)?;
        let name = play.name.as_ref().map(|name| render(name).map(|name| name.text())).transpose()?;
        let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| patterns.join(","));
        Ok((patterns, name))
    }

    fn play(&self, number: usize, play: &Arc<Play>, out: &mut String) -> Result<Diagnostics> {
        let (patterns, name) = self.named(play)?;
        let own_tags = flat_tags(&play.tags);
        let _ = writeln!(
            out,
            "\n  play #{number} ({}): {name}\tTAGS: [{}]",
            patterns.join(","),
            own_tags.join(",")
        );
        let mut warnings = Diagnostics::new();
        if self.wanted.hosts {
            let words: Vec<&str> = patterns.iter().map(String::as_str).collect();
            let inventory = self.fleet.inventory();
            let chosen = if words.is_empty() {
                Default::default()
            } else {
                inventory.choose(&words, self.limit, self.content.mismatch(), &self.content.folder)?
            };
            let shown =
                if patterns.is_empty() { "None".to_owned() } else { Value::from(patterns.clone()).text() };
            let _ = writeln!(out, "    pattern: {shown}\n    hosts ({}):", chosen.hosts.len());
            for host in &chosen.hosts {
                let _ = writeln!(out, "      {}", inventory.host(*host).name());
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
}

/// The host patterns of a play, rendered with what is known before a run.
pub(crate) fn patterns(play: &Play, render: impl Fn(&Value) -> Result<Value>) -> Result<Vec<String>> {
    let hosts = render(&play.hosts)?;
    Ok(match hosts.as_list() {
        Some(items) => items.iter().map(Value::text).collect(),
        None if hosts.is_omit() => Vec::new(),
        None => vec![hosts.text()],
    })
}

/// What hosts and name of a play can be made of: its variables and those of its files, and those that its roles bring into it.
pub(crate) fn known(play: &Play, files: &Map) -> Map {
    let mut known = Map::default();
    let mut add = |variables: &Map| {
        known.extend(variables.iter().map(|(name, value)| (name.clone(), value.clone())));
    };
    play.roles.iter().for_each(|role| add(&role.public_defaults));
    add(&play.vars);
    add(files);
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
