//! `shevek inventory`: hosts, groups and variables.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use shevek_diag::{Diagnostic, Kind, Result};
use shevek_inventory::{GroupId, HostId, Layer, Place};
use shevek_settings::Settings;
use shevek_value::{Flags, Map, Value};
use shevek_yaml::DumpOptions;

use crate::content::{Content, read_variables};
use crate::exit::{Ending, Stop, unwritable};
use crate::options::{Hosts, Output, VaultIds};
use crate::output::{complain, errors_coloured, print};

mod toml;

/// Shows hosts, groups and their variables.
#[derive(Debug, Args)]
pub(crate) struct Inventory {
    /// All of it, as an inventory script would print it.
    #[arg(long)]
    list: bool,

    /// The variables of one host.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,

    /// The groups as a tree.
    #[arg(long)]
    graph: bool,

    /// Print YAML instead of JSON.
    #[arg(short = 'y', long)]
    yaml: bool,

    /// Print TOML instead of JSON.
    #[arg(long, conflicts_with = "yaml")]
    toml: bool,

    /// Show variables in the tree.
    #[arg(long)]
    vars: bool,

    /// Keep variables where they are written, instead of giving every host all of its own.
    #[arg(long)]
    export: bool,

    /// Write to a file.
    #[arg(long = "output", value_name = "FILE")]
    to: Option<PathBuf>,

    /// The folder to take for a playbook's: its group_vars and host_vars count.
    #[arg(long, value_name = "FOLDER")]
    playbook_dir: Option<PathBuf>,

    /// Set variables that win over all others.
    #[arg(short = 'e', long, value_name = "VARIABLES")]
    extra_vars: Vec<String>,

    #[command(flatten)]
    inventory: Hosts,
    #[command(flatten)]
    vault: VaultIds,
    #[command(flatten)]
    output: Output,

    /// The group that the tree starts from.
    group: Option<String>,
}

impl Inventory {
    pub(crate) fn run(mut self, mut settings: Settings) -> Ending {
        self.output.apply(&mut settings);
        self.export |= settings.inventory_export;
        let wrong = |summary: &'static str, detail: &str| {
            Diagnostic::new(summary).kind(Kind::Options).detail(detail.to_owned())
        };
        if !self.list && self.host.is_none() && !self.graph {
            return Err(wrong("nothing asked for", "give one of --list, --host and --graph").into());
        }
        if usize::from(self.list) + usize::from(self.host.is_some()) + usize::from(self.graph) > 1 {
            return Err(
                wrong("options that exclude each other", "give one of --list, --host and --graph").into()
            );
        }
        let content = Content::open(settings, &self.vault, &self.extra_vars)?;
        let given = self.playbook_dir.clone().or_else(|| content.settings.playbook_dir.clone());
        // Variables of hosts as a task sees them are also those that stand where one is; what is exported is not.
        let here = || (!self.export).then(|| content.folder.clone());
        let beside = given.clone().or_else(here);
        let (hosts, warnings) =
            content.inventory(&self.inventory.sources(&content.settings), beside.as_deref())?;
        complain(&warnings, errors_coloured(&content.settings));
        let mut view = View::new(&content, &hosts, self.export, self.inventory.limit.as_deref())?;
        view.has_playbook = given.is_some();
        view.is_flat = self.list && !self.yaml && !self.toml;
        let coloured = errors_coloured(&content.settings);
        let read = |chosen: &[HostId]| -> Result<(), Stop> {
            complain(&read_variables(&hosts, chosen)?, coloured);
            Ok(())
        };
        if self.host.is_none() && (!self.graph || self.vars) {
            read(&view.order)?;
        }
        let text = if let Some(name) = &self.host {
            let chosen = hosts.choose(&[name], None, content.mismatch(), &content.folder)?;
            let [host] = chosen.hosts.as_slice() else {
                let detail = format!("`{name}` matches {} hosts, and has to match one", chosen.hosts.len());
                return Err(wrong("not one host", &detail).into());
            };
            read(&chosen.hosts)?;
            self.structured(&Value::map(view.host_vars(*host)?))?
        } else if self.graph {
            let name = self.group.as_deref().unwrap_or("all");
            let Some(group) = hosts.find_group(name) else {
                return Err(wrong("there is no such group", &format!("`{name}`"))
                    .did_you_mean(name, hosts.group_ids().map(|id| hosts.group(id).name().as_str()))
                    .into());
            };
            let mut out = String::new();
            view.graph(group, 0, self.vars, &mut out)?;
            out
        } else {
            self.structured(&match (self.yaml, self.toml) {
                (true, _) => view.nested()?,
                (_, true) => view.tables()?,
                _ => view.flat()?,
            })?
        };
        match &self.to {
            Some(path) => std::fs::write(path, text).map_err(|error| unwritable(path, &error))?,
            None if text.ends_with('\n') => print(&text),
            None => print(&(text + "\n")),
        }
        Ok(0)
    }

    fn structured(&self, value: &Value) -> Result<String> {
        if self.yaml {
            return shevek_yaml::dump(value, &DumpOptions { indent: None, ..DumpOptions::nice() });
        }
        if self.toml {
            return toml::written(value);
        }
        Ok(shevek_report::json_pretty(value))
    }
}

/// An inventory as it is shown.
struct View<'a> {
    hosts: &'a shevek_inventory::Inventory,
    extra: &'a Map,
    merge: bool,
    export: bool,
    /// Whether it is shown as an inventory script prints it.
    is_flat: bool,
    /// Whether a folder is given as a playbook's, of which groups show the variables, too.
    has_playbook: bool,
    /// Hosts that `--limit` leaves.
    shown: HashSet<HostId>,
    order: Vec<HostId>,
}

impl<'a> View<'a> {
    fn new(
        content: &'a Content,
        hosts: &'a shevek_inventory::Inventory,
        export: bool,
        limit: Option<&str>,
    ) -> Result<Self> {
        let order = hosts.choose(&["all"], limit, content.mismatch(), &content.folder)?.hosts;
        let merge = content.settings.hash_behaviour == "merge";
        Ok(Self {
            hosts,
            extra: &content.extra,
            merge,
            export,
            is_flat: false,
            has_playbook: false,
            shown: order.iter().copied().collect(),
            order,
        })
    }

    /// A host's variables; when exporting, only its own.
    fn host_vars(&self, host: HostId) -> Result<Map> {
        let layers = if self.export { self.hosts.own_layers(host)? } else { self.hosts.host_vars(host)? };
        let mut vars = self.merged(&layers);
        if !self.export {
            put(&mut vars, self.extra, self.merge);
        }
        Ok(vars)
    }

    fn merged(&self, layers: &[Layer]) -> Map {
        let mut vars = Map::default();
        // `Source` has `inventory_file` and the like, which are not shown.
        for layer in layers.iter().filter(|layer| layer.place != Place::Source) {
            put(&mut vars, &layer.vars, self.merge);
        }
        let is_flat = self.is_flat;
        let unsafe_marked = |value: Value| if is_flat { marked(&value) } else { value };
        vars.into_iter().map(|(name, value)| (name, shown(unsafe_marked(value)))).collect()
    }

    fn group_vars(&self, group: GroupId) -> Result<Map> {
        let mut layers = self.hosts.vars_of_group(group)?;
        layers.retain(|layer| {
            self.has_playbook || !matches!(layer.place, Place::AllPlaybookFiles | Place::GroupsPlaybookFiles)
        });
        let mut vars = self.merged(&layers);
        let priority = self.hosts.group(group).priority();
        if priority != 1 {
            vars.insert(Value::str("ansible_group_priority"), Value::from(priority));
        }
        Ok(vars)
    }

    fn name(&self, group: GroupId) -> &str {
        self.hosts.group(group).name().as_str()
    }

    fn members(&self, group: GroupId) -> impl Iterator<Item = HostId> + '_ {
        self.hosts.group(group).hosts().filter(|host| self.shown.contains(host))
    }

    /// As an inventory script prints it.
    fn flat(&self) -> Result<Value> {
        let mut out = Map::default();
        self.flat_group(GroupId::ALL, &mut HashSet::new(), &mut out)?;
        let mut hostvars = Map::default();
        for host in &self.order {
            let vars = self.host_vars(*host)?;
            if !vars.is_empty() {
                hostvars.insert(Value::str(self.hosts.host(*host).name().as_str()), Value::map(vars));
            }
        }
        let meta =
            Value::dict([("hostvars", Value::map(hostvars)), ("profile", Value::str("inventory_legacy"))]);
        out.insert(Value::str("_meta"), meta);
        Ok(Value::map(out))
    }

    fn flat_group(&self, group: GroupId, seen: &mut HashSet<GroupId>, out: &mut Map) -> Result<()> {
        let mut entry = Map::default();
        if group != GroupId::ALL {
            let names = self.members(group).map(|host| Value::str(self.hosts.host(host).name().as_str()));
            add(&mut entry, "hosts", Value::list(names.collect()));
        }
        let children: Vec<GroupId> = self.hosts.group(group).children().collect();
        add(
            &mut entry,
            "children",
            Value::list(children.iter().map(|child| Value::str(self.name(*child))).collect()),
        );
        for child in children {
            if seen.insert(child) {
                self.flat_group(child, seen, out)?;
            }
        }
        if self.export {
            add(&mut entry, "vars", Value::map(self.group_vars(group)?));
        }
        if !entry.is_empty() {
            out.insert(Value::str(self.name(group)), Value::map(entry));
        }
        Ok(())
    }

    /// As an inventory file in YAML.
    fn nested(&self) -> Result<Value> {
        let mut out = Map::default();
        self.nested_group(GroupId::ALL, &mut Seen::default(), &mut out)?;
        Ok(Value::map(out))
    }

    fn nested_group(&self, group: GroupId, seen: &mut Seen, out: &mut Map) -> Result<()> {
        let mut children = Map::default();
        for child in self.hosts.group(group).children() {
            if seen.groups.insert(child) {
                self.nested_group(child, seen, &mut children)?;
            } else {
                children.insert(Value::str(self.name(child)), Value::map(Map::default()));
            }
        }
        let mut hosts = Map::default();
        if group != GroupId::ALL {
            for host in self.members(group) {
                let vars = if seen.hosts.insert(host) { self.host_vars(host)? } else { Map::default() };
                hosts.insert(Value::str(self.hosts.host(host).name().as_str()), Value::map(vars));
            }
        }
        let mut entry = Map::default();
        add(&mut entry, "children", Value::map(children));
        add(&mut entry, "hosts", Value::map(hosts));
        if self.export {
            add(&mut entry, "vars", Value::map(self.group_vars(group)?));
        }
        if !entry.is_empty() {
            out.insert(Value::str(self.name(group)), Value::map(entry));
        }
        Ok(())
    }

    /// As an inventory file in TOML: a table for each group.
    fn tables(&self) -> Result<Value> {
        let mut out = Map::default();
        self.table(GroupId::ALL, &mut Seen::default(), &mut out)?;
        Ok(Value::map(out))
    }

    // Differs from Ansible: a group that is reached on two ways is written once, with its hosts' variables; Ansible's second
    // copy, without them, takes the place of the first.
    fn table(&self, group: GroupId, seen: &mut Seen, out: &mut Map) -> Result<()> {
        let mut entry = Map::default();
        let children = self.hosts.group(group).children().filter(|child| {
            *child != GroupId::UNGROUPED || self.hosts.group(*child).hosts().next().is_some()
        });
        let children: Vec<GroupId> = children.collect();
        if group != GroupId::ALL {
            let names = children.iter().map(|child| Value::str(self.name(*child)));
            add(&mut entry, "children", Value::list(names.collect()));
            let mut hosts = Map::default();
            for host in self.members(group) {
                let vars = if seen.hosts.insert(host) { self.host_vars(host)? } else { Map::default() };
                hosts.insert(Value::str(self.hosts.host(host).name().as_str()), Value::map(vars));
            }
            add(&mut entry, "hosts", Value::map(hosts));
        }
        for child in children {
            if seen.groups.insert(child) {
                self.table(child, seen, out)?;
            }
        }
        if self.export {
            add(&mut entry, "vars", Value::map(self.group_vars(group)?));
        }
        if !entry.is_empty() {
            out.insert(Value::str(self.name(group)), Value::map(entry));
        }
        Ok(())
    }

    /// As a tree.
    fn graph(&self, group: GroupId, depth: usize, vars: bool, out: &mut String) -> Result<()> {
        branch(&format!("@{}:", self.name(group)), depth, out);
        for child in self.hosts.group(group).children() {
            self.graph(child, depth + 1, vars, out)?;
        }
        if group != GroupId::ALL {
            for host in self.hosts.group(group).hosts() {
                branch(self.hosts.host(host).name().as_str(), depth + 1, out);
                if vars {
                    variables(&self.host_vars(host)?, depth + 2, out);
                }
            }
        }
        if vars {
            variables(&self.group_vars(group)?, depth + 1, out);
        }
        Ok(())
    }
}

/// What has been shown in full.
#[derive(Default)]
struct Seen {
    groups: HashSet<GroupId>,
    hosts: HashSet<HostId>,
}

fn branch(text: &str, depth: usize, out: &mut String) {
    if depth > 0 {
        let _ = write!(out, "{}--", "  |".repeat(depth));
    }
    out.push_str(text);
    out.push('\n');
}

fn variables(vars: &Map, depth: usize, out: &mut String) {
    let mut lines: Vec<(String, String)> =
        vars.iter().map(|(name, value)| (name.text(), value.text())).collect();
    lines.sort();
    for (name, value) in lines {
        branch(&format!("{{{name} = {value}}}"), depth, out);
    }
}

/// Adds what isn't empty.
fn add(entry: &mut Map, key: &str, value: Value) {
    if value.is_true() {
        entry.insert(Value::str(key), value);
    }
}

fn put(vars: &mut Map, more: &Map, merge: bool) {
    for (name, value) in more {
        let both = vars.get(name).and_then(Value::as_map).zip(value.as_map()).filter(|_| merge);
        let value = match both {
            Some((old, new)) => {
                let mut old = old.clone();
                put(&mut old, new, merge);
                Value::map(old)
            }
            None => value.clone(),
        };
        vars.insert(name.clone(), value);
    }
}

/// Text that is never to be rendered as JSON has it, so that whoever reads it as an inventory does not render it either.
fn marked(value: &Value) -> Value {
    if let Some(map) = value.as_map() {
        return Value::map(map.iter().map(|(key, item)| (key.clone(), marked(item))).collect());
    }
    if let Some(items) = value.as_list() {
        return Value::list(items.iter().map(marked).collect());
    }
    let trusted = Flags::TEMPLATE.with(Flags::WRITTEN);
    match value.as_str() {
        Some(_) if !value.is_secret() && value.flags().without(trusted) == value.flags() => {
            Value::dict([("__ansible_unsafe", value.clone())])
        }
        _ => value.clone(),
    }
}

/// A variable as it is shown.
// Differs from Ansible: it prints the vault text of encrypted variables; here nothing of them is shown.
fn shown(value: Value) -> Value {
    shevek_event::Masker::default().mask_value(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_never_rendered_is_marked() {
        let written = Value::template("as written");
        let value = Value::dict([
            ("l", Value::list(vec![written.clone(), Value::template("{{ x }}"), Value::str("{{ y }}")])),
            ("n", Value::from(1)),
        ]);
        assert_eq!(
            shevek_report::json_text(&marked(&value)),
            r#"{"l": ["as written", "{{ x }}", {"__ansible_unsafe": "{{ y }}"}], "n": 1}"#
        );
    }
}
