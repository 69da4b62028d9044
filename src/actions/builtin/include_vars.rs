//! Read variables from files while a play runs.
//!
//! ```yaml
//! - include_vars: "{{ ansible_facts.os_family }}.yml"
//! - include_vars: { dir: vars/all, depth: 1, extensions: [yml] }
//! ```

use std::path::{Path, PathBuf};

use shevek_diag::{Diagnostic, Kind as Fault, Result};
use shevek_kit::Kind;
use shevek_kit::schema::{Preset, Rule, Schema};
use shevek_template::Scope as _;
use shevek_value::{Map, Value};

use crate::options::{opt, preset, schema};
use crate::{Action, Effect, Invocation, Outcome, Running};

static SCHEMA: Schema = schema(
    "include_vars",
    &[
        opt(
            "file",
            Kind::Path,
            "The file; relative ones are looked for in `vars` of the role and the playbook.",
        ),
        opt("_raw_params", Kind::Str, "The file, given without a key."),
        opt("dir", Kind::Path, "A folder of which all files are read, in the order of their names."),
        opt("name", Kind::Str, "A variable to put all of them under."),
        preset(
            "depth",
            Kind::Int,
            Preset::Int(0),
            "How deep folders in `dir` are gone into; 0: to the bottom.",
        ),
        opt(
            "files_matching",
            Kind::Str,
            "Read only files of which the name matches this regular expression.",
        ),
        opt("ignore_files", Kind::List(&Kind::Str), "Names of files, as regular expressions, to leave out."),
        preset(
            "extensions",
            Kind::List(&Kind::Str),
            Preset::List(&["json", "yaml", "yml"]),
            "Extensions of files to read in `dir`.",
        ),
        preset(
            "ignore_unknown_extensions",
            Kind::Bool,
            Preset::Bool(false),
            "Pass over files with other extensions instead of failing.",
        ),
        opt(
            "hash_behaviour",
            Kind::Choice(&["replace", "merge"]),
            "How mappings of several files are put together.",
        ),
    ],
    &[Rule::Exclusive(&["file", "dir", "_raw_params"])],
);

/// `include_vars`.
pub(crate) struct IncludeVars;

/// The action.
pub(crate) static ACTION: IncludeVars = IncludeVars;

impl Action for IncludeVars {
    fn name(&self) -> &'static str {
        "include_vars"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(async move {
            // Why it failed is told under Ansible's key for it, too.
            Ok(read(call).unwrap_or_else(|error| {
                let message = if error.detail.is_empty() { error.message() } else { error.detail.clone() };
                let facts = call.text("name").map(|name| (Value::str(name), Value::map(Map::default())));
                Outcome::failure(message.clone())
                    .with("message", message)
                    .with("ansible_included_var_files", Value::list(Vec::new()))
                    .with("ansible_facts", Value::map(facts.into_iter().collect()))
            }))
        })
    }
}

fn read(call: &Invocation<'_>) -> Result<Outcome> {
    let files = match (call.text("file").or_else(|| call.text("_raw_params")), call.text("dir")) {
        (Some(file), _) => vec![call.find_file("vars", file.trim())?],
        (None, Some(dir)) => in_folder(call, &dir)?,
        (None, None) => {
            return Err(Diagnostic::new("missing argument").detail(
                "Could not find file: include_vars needs `file` or `dir`, and neither names anything",
            ));
        }
    };
    let mut facts = Map::default();
    for file in &files {
        facts.extend(call.loader.variables(file)?.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    if let Some(name) = call.text("name") {
        facts = [(Value::str(name), Value::map(facts))].into_iter().collect();
    }
    // The files replace each other's variables; it is with what the host has already that they are merged.
    if call.text("hash_behaviour").as_deref() == Some("merge") && !call.scope.fleet().options.merge_hashes {
        for (name, value) in &mut facts {
            if let Some(old) = call.scope.get(&name.text())? {
                *value = shevek_vars::merge(&old, value);
            }
        }
    }
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    Ok(Outcome { facts, ..Outcome::ok() }
        .with("ansible_facts", Value::map(Map::default()))
        .with("ansible_included_var_files", names)
        .effect(Effect::IncludeVars))
}

fn in_folder(call: &Invocation<'_>, dir: &str) -> Result<Vec<PathBuf>> {
    let folder = call.find_file("vars", dir)?;
    if !folder.is_dir() {
        return Err(
            Diagnostic::new("not a folder").detail(format!("{} is not a directory", folder.display()))
        );
    }
    let depth = call.integer("depth")?.unwrap_or(0);
    let chosen = Chosen {
        depth: usize::try_from(depth).ok().filter(|depth| *depth > 0),
        matching: call.text("files_matching").map(|pattern| expression(&pattern)).transpose()?,
        ignored: call
            .list("ignore_files")
            .iter()
            .map(|pattern| expression(pattern))
            .collect::<Result<_>>()?,
        extensions: match call.get("extensions") {
            Some(_) => call.list("extensions"),
            None => ["json", "yaml", "yml"].map(str::to_owned).to_vec(),
        },
        lenient: call.flag("ignore_unknown_extensions", false)?,
    };
    let mut files = Vec::new();
    chosen.collect(&folder, 1, &mut files)?;
    Ok(files)
}

fn expression(pattern: &str) -> Result<shevek_pyre::Regex> {
    shevek_pyre::Regex::new(pattern, shevek_pyre::Flags::default())
        .map_err(|error| Diagnostic::new("invalid regular expression").detail(format!("{pattern}: {error}")))
}

struct Chosen {
    depth: Option<usize>,
    matching: Option<shevek_pyre::Regex>,
    ignored: Vec<shevek_pyre::Regex>,
    extensions: Vec<String>,
    lenient: bool,
}

impl Chosen {
    /// Files of a folder by name, then those of the folders in it.
    fn collect(&self, folder: &Path, level: usize, files: &mut Vec<PathBuf>) -> Result<()> {
        let unreadable = |error: std::io::Error| {
            Diagnostic::new("cannot read a folder")
                .kind(Fault::Machine)
                .detail(format!("{}: {error}", folder.display()))
        };
        let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
            .map_err(unreadable)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        entries.sort();
        let (folders, plain): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_dir());
        for path in plain {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let wanted = self.matching.as_ref().is_none_or(|pattern| matches(pattern, &name));
            if !wanted || name.starts_with('.') || self.ignored.iter().any(|pattern| matches(pattern, &name))
            {
                continue;
            }
            let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            if self.extensions.contains(&extension) {
                files.push(path);
            } else if !self.lenient && self.matching.is_none() {
                return Err(Diagnostic::new("file with another extension").detail(format!(
                    "{} does not have a valid extension: {}",
                    path.display(),
                    self.extensions.join(", ")
                )));
            }
        }
        if self.depth.is_none_or(|depth| level < depth) {
            for inner in folders {
                self.collect(&inner, level + 1, files)?;
            }
        }
        Ok(())
    }
}

fn matches(pattern: &shevek_pyre::Regex, name: &str) -> bool {
    pattern.search(name).is_ok_and(|found| found.is_some())
}
