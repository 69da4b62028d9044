//! Inventory sources: one file for each kind.
//!
//! A kind is a [`Kind`] and one line in [`SOURCES`]; docs/adding-an-inventory-source.md goes through it. Most kinds
//! read a file and say its [`Steps`], without knowing what other sources said. `constructed` and `generator` are
//! plugins: YAML files with a `plugin:` key, read by `auto`, and run when all sources before them have been taken.

mod auto;
pub mod constructed;
pub mod generator;
mod host_list;
mod ini;
mod json_tree;
mod script;
mod toml;
mod yaml;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use shevek_diag::{Diagnostic, Origin, Result, Source};
use shevek_value::Value;
use shevek_vault::Vault;
use shevek_yaml::Options;

use crate::step::Steps;
use crate::vars_files::read_source;
use crate::{Inventory, LoadOptions};

/// Something that may be an inventory source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// Host names with commas.
    List(String),
    /// A file.
    File(PathBuf),
}

/// A kind of source.
pub trait Kind: Sync {
    /// Its name in `INVENTORY_ENABLED`.
    fn name(&self) -> &'static str;

    /// Whether it could read that, by a look from outside.
    fn wants(&self, candidate: &Candidate) -> bool;

    /// Reads it.
    fn read(&self, candidate: &Candidate, options: &LoadOptions<'_>) -> Outcome;
}

/// A kind of source that builds on what the sources before it said.
pub trait Plugin: Sync {
    /// Names by which a configuration asks for it.
    fn names(&self) -> &'static [&'static str];

    /// What it adds.
    fn construct(&self, config: &Config, inventory: &Inventory, options: &LoadOptions<'_>) -> Result<Steps>;
}

/// A plugin and its configuration file.
pub struct Config {
    /// The plugin that it names.
    pub plugin: &'static dyn Plugin,
    /// The file's mapping.
    pub value: Value,
}

/// What came of reading.
pub enum Outcome {
    /// What the source says.
    Steps(Steps),
    /// It is a plugin's configuration.
    Constructed(Config),
    /// Why it can't be read.
    Failed(Box<Diagnostic>),
}

impl From<Result<Steps>> for Outcome {
    fn from(result: Result<Steps>) -> Self {
        result.map_or_else(Outcome::Failed, Outcome::Steps)
    }
}

/// All kinds.
pub const SOURCES: &[&dyn Kind] =
    &[&host_list::HostList, &script::Script, &auto::Auto, &yaml::Yaml, &ini::Ini, &toml::Toml];

/// All plugins.
pub const PLUGINS: &[&dyn Plugin] = &[&constructed::Constructed, &generator::Generator];

impl Candidate {
    pub(crate) fn list(text: &str) -> Self {
        Self::List(text.to_owned())
    }

    pub(crate) fn file(path: &Path) -> Self {
        Self::File(path.to_owned())
    }

    /// The file, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::List(_) => None,
            Self::File(path) => Some(path),
        }
    }

    /// What `inventory_file` says.
    pub(crate) fn source(&self) -> Option<&Path> {
        match self {
            Self::List(text) => Some(Path::new(text)),
            Self::File(path) => Some(path),
        }
    }

    /// The file's ending with its dot, or nothing.
    pub fn ending(&self) -> String {
        let ending = self.path().and_then(Path::extension);
        ending.map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default()
    }

    /// Reads with the first enabled kind that can.
    pub(crate) fn read(&self, options: &LoadOptions<'_>) -> Outcome {
        if let Some(path) = self.path().filter(|path| !path.exists()) {
            return Outcome::Failed(
                Diagnostic::new("inventory source not found")
                    .detail(format!("there is no `{}`", path.display()))
                    .help("a list of hosts needs a comma, even a list of one: `host,`"),
            );
        }
        let mut failures: Vec<(&'static str, Box<Diagnostic>)> = Vec::new();
        for name in &options.enabled {
            let short = name.strip_prefix("ansible.builtin.").unwrap_or(name);
            // Ranges are written out by either.
            let short = if short == "advanced_host_list" { "host_list" } else { short };
            let kind = SOURCES.iter().find(|kind| kind.name() == short);
            let Some(kind) = kind.filter(|kind| kind.wants(self)) else { continue };
            match kind.read(self, options) {
                Outcome::Failed(why) => failures.push((kind.name(), why)),
                outcome => return outcome,
            }
        }
        Outcome::Failed(self.most_likely(failures))
    }

    /// Of what all kinds complained about, what the user should see: what the kind said that was meant.
    fn most_likely(&self, mut failures: Vec<(&'static str, Box<Diagnostic>)>) -> Box<Diagnostic> {
        let is_yaml = match self.ending().as_str() {
            ".yml" | ".yaml" | ".json" => true,
            "" => self.path().is_some_and(looks_like_yaml),
            _ => false,
        };
        let meant = if is_yaml { ["script", "yaml", "auto"] } else { ["script", "toml", "ini"] };
        let position = meant.iter().find_map(|name| failures.iter().position(|(kind, _)| kind == name));
        match position {
            Some(position) => failures.swap_remove(position).1,
            None => failures.pop().map_or_else(
                || {
                    Diagnostic::new("unable to parse inventory source").detail(match self {
                        Self::List(text) => format!("no enabled kind of source takes `{text}`"),
                        Self::File(path) => format!("no enabled kind of source takes `{}`", path.display()),
                    })
                },
                |(_, why)| why,
            ),
        }
    }
}

/// Whether the first line that says something is a mapping's or a document's start.
fn looks_like_yaml(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| line == "---" || line.ends_with(':') || line.starts_with('{'))
}

/// A file that should be one YAML (or JSON) mapping.
pub(crate) fn load_yaml(path: &Path, options: &LoadOptions<'_>, steps: &mut Steps) -> Result<Value> {
    let (source, secret) = read_source(path, &options.vault)?;
    let warnings = std::sync::Mutex::new(Vec::new());
    let warn = |warning: Box<Diagnostic>| {
        warnings.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(warning);
    };
    let yaml = Options { duplicates: options.duplicates, ..Options::file(&options.vault).warnings(&warn) };
    let value = shevek_yaml::load(&source, &yaml)?;
    for warning in warnings.into_inner().unwrap_or_default() {
        steps.warn(warning);
    }
    Ok(if secret { value.secret() } else { value })
}

/// A text file of another format.
pub(crate) fn load_text(path: &Path, vault: &Vault) -> Result<Arc<Source>> {
    Ok(read_source(path, vault)?.0)
}

/// The place of a value or the whole source.
pub(crate) fn place<'a>(value: &'a Value, whole: &'a Value) -> Option<&'a Origin> {
    value.origin().or_else(|| whole.origin())
}

/// A group name with underscores for all that a variable name can't have, as constructed groups get.
pub fn safe_group_name(name: &str) -> String {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let safe = |(at, c): (usize, char)| if word(c) && (at > 0 || !c.is_numeric()) { c } else { '_' };
    name.chars().enumerate().map(safe).collect()
}
