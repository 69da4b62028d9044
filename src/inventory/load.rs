//! Sources to an inventory.

use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use shevek_diag::{Diagnostic, Diagnostics, Kind, Result, Severity};
use shevek_value::{Map, Value};
use shevek_vault::Vault;
use shevek_yaml::Duplicates;

use crate::source::{Candidate, Outcome};
use crate::step::{Step, Steps};
use crate::vars_files::VarsFiles;
use crate::{Inventory, Place};

/// Evaluates the expressions of constructed inventories: the template engine, as far as it is needed here.
pub trait Expressions: Sync {
    /// The value of an expression without braces.
    fn evaluate(&self, expression: &Value, vars: &Map) -> Result<Value>;
    /// The truth of a condition.
    fn condition(&self, condition: &Value, vars: &Map) -> Result<bool>;
    /// A value with its templates rendered.
    fn render(&self, template: &Value, vars: &Map) -> Result<Value>;
}

/// What to do about group names that are no variable names (`TRANSFORM_INVALID_GROUP_CHARS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupCharacters {
    /// Keep them, and warn.
    #[default]
    Never,
    /// Keep them.
    Ignore,
    /// Put underscores for what is invalid, and warn.
    Always,
    /// Put underscores for what is invalid.
    Silently,
}

/// How to load.
#[derive(Clone)]
pub struct LoadOptions<'a> {
    /// Where the playbook is, for the group_vars and host_vars beside it.
    pub playbook_dir: Option<PathBuf>,
    /// Opens vaults.
    pub vault: Vault,
    /// What relative sources are relative to.
    pub cwd: PathBuf,
    /// What to do about a key that is twice in a YAML mapping.
    pub duplicates: Duplicates,
    /// What to do about group names that are no variable names.
    pub group_characters: GroupCharacters,
    /// Whether it is an error if none of the sources can be read (`INVENTORY_UNPARSED_IS_FAILED`).
    pub unparsed_is_error: bool,
    /// Whether it is an error if any of the sources cannot be read (`INVENTORY_ANY_UNPARSED_IS_FAILED`).
    pub any_unparsed_is_error: bool,
    /// Whether to warn when there is no inventory at all (`INVENTORY_UNPARSED_WARNING`).
    pub warn_unparsed: bool,
    /// Endings of files that are passed over in folders (`INVENTORY_IGNORE_EXTS`).
    pub ignored_endings: Vec<String>,
    /// Regular expressions of names that are passed over in folders (`INVENTORY_IGNORE_PATTERNS`).
    pub ignored_patterns: Vec<String>,
    /// Names of the enabled sources, in order (`INVENTORY_ENABLED`).
    pub enabled: Vec<String>,
    /// Whether mappings of the same name from two sources are put together (`DEFAULT_HASH_BEHAVIOUR`).
    pub merges: bool,
    /// The order of groups' variables, weakest first, where it is not the usual one.
    pub precedence: Option<Vec<Place>>,
    /// Evaluates expressions of constructed inventories.
    pub expressions: Option<&'a dyn Expressions>,
}

impl Default for LoadOptions<'_> {
    fn default() -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            playbook_dir: None,
            vault: Vault::default(),
            cwd: PathBuf::from("."),
            duplicates: Duplicates::default(),
            group_characters: GroupCharacters::default(),
            unparsed_is_error: false,
            any_unparsed_is_error: false,
            warn_unparsed: true,
            ignored_endings: texts(&[
                ".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry",
            ]),
            ignored_patterns: Vec::new(),
            enabled: texts(&["host_list", "script", "auto", "yaml", "ini", "toml"]),
            merges: false,
            precedence: None,
            expressions: None,
        }
    }
}

/// Reads all sources (paths of files, scripts and folders, `host,list`s) in order. There always is an inventory; what
/// is wrong with the sources is in the diagnostics, warnings or errors as the options say.
pub fn load(sources: &[String], options: &LoadOptions<'_>) -> (Inventory, Diagnostics) {
    let mut found = Diagnostics::new();
    let mut files = VarsFiles::new(options.vault.clone(), options.duplicates);
    files.set_playbook_dir(options.playbook_dir.as_deref().map(|dir| options.cwd.join(dir)).as_deref());
    let ignored = found.keep(Ignored::new(options)).unwrap_or_default();
    let mut candidates = Vec::new();
    for source in sources.iter().filter(|source| !source.is_empty()) {
        let path = absolute(source, &options.cwd);
        if source.contains(',') && !path.exists() {
            candidates.push(Candidate::list(source));
        } else {
            files.add_inventory(&path);
            if let Err(why) = gather(&path, &ignored, &mut candidates) {
                found.push(lesser(why, options.any_unparsed_is_error));
            }
        }
    }
    let mut inventory = Inventory::new(files);
    inventory.merges = options.merges;
    if let Some(precedence) = &options.precedence {
        inventory.precedence.clone_from(precedence);
    }
    // Reading is independent of what other sources say, so all are read at once.
    let outcomes: Vec<Outcome> = candidates.par_iter().map(|candidate| candidate.read(options)).collect();
    let mut parsed = false;
    for (candidate, outcome) in candidates.iter().zip(outcomes) {
        let taken = match outcome {
            Outcome::Steps(steps) => take(&mut inventory, candidate, steps, options),
            Outcome::Constructed(config) => {
                inventory.reconcile();
                let plugin = config.plugin;
                plugin
                    .construct(&config, &inventory, options)
                    .and_then(|steps| take(&mut inventory, candidate, steps, options))
            }
            Outcome::Failed(why) => Err(why),
        };
        match taken {
            Ok(warnings) => {
                parsed = true;
                found.extend(warnings);
                inventory.sources.extend(candidate.path().map(Path::to_owned));
            }
            // Differs from Ansible: a file with a mistake in it is left out whole; there, what stands before the mistake stays.
            Err(why) => found.push(lesser(why, options.any_unparsed_is_error)),
        }
    }
    inventory.reconcile();
    check_names(&inventory, &mut found);
    if !parsed && options.unparsed_is_error {
        found.push(
            Diagnostic::new("no inventory was parsed")
                .kind(Kind::Machine)
                .detail("none of the inventory sources could be read"),
        );
    } else if !parsed && options.warn_unparsed {
        found.push(
            Diagnostic::warning("no inventory was parsed").detail("only the implicit localhost is available"),
        );
    }
    (inventory, found)
}

fn take(
    inventory: &mut Inventory,
    candidate: &Candidate,
    mut steps: Steps,
    options: &LoadOptions<'_>,
) -> Result<Diagnostics> {
    rename_groups(&mut steps, options.group_characters);
    let failure = steps.failure.take();
    let warnings = inventory.take(steps, candidate.source())?;
    failure.map_or(Ok(warnings), Err)
}

/// Ansible goes on without a source that it cannot read, unless told otherwise.
fn lesser(mut why: Box<Diagnostic>, is_error: bool) -> Box<Diagnostic> {
    if is_error {
        why.severity = Severity::Error;
        // It is the setting that makes an error of it: no mistake of the content, by Ansible's exit code.
        return why.kind(Kind::Machine);
    }
    why.severity = Severity::Warning;
    why
}

/// `~`, `$VARIABLES` and relative paths made plain; `..` is not resolved through links.
fn absolute(source: &str, cwd: &Path) -> PathBuf {
    let home = |rest: &str| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(rest));
    let path = match source.strip_prefix('~') {
        Some("") => home(""),
        Some(rest) => rest.strip_prefix('/').and_then(home),
        None => None,
    };
    let path = cwd.join(path.unwrap_or_else(|| PathBuf::from(expand_variables(source))));
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

fn expand_variables(text: &str) -> String {
    let Some((before, rest)) = text.split_once('$') else { return text.to_owned() };
    let (name, after) = match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some(braced) => braced,
        None => {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            rest.split_at(end)
        }
    };
    match std::env::var(name) {
        Ok(value) => format!("{before}{value}{}", expand_variables(after)),
        Err(_) => format!("{before}${}", expand_variables(rest)),
    }
}

/// What is passed over in folders.
#[derive(Default)]
struct Ignored {
    endings: Vec<String>,
    patterns: Vec<fancy_regex::Regex>,
}

impl Ignored {
    fn new(options: &LoadOptions<'_>) -> Result<Self> {
        let compile = |pattern: &String| {
            fancy_regex::Regex::new(pattern).map_err(|why| {
                Diagnostic::new("malformed pattern of ignored inventory files")
                    .kind(Kind::Options)
                    .detail(format!("`{pattern}`: {why}"))
            })
        };
        let patterns = options.ignored_patterns.iter().map(compile).collect::<Result<_>>()?;
        Ok(Self { endings: options.ignored_endings.clone(), patterns })
    }

    fn ignores(&self, name: &str) -> bool {
        name.starts_with('.')
            || matches!(name, "host_vars" | "group_vars" | "vars_plugins")
            || self.endings.iter().any(|ending| name.ends_with(ending.as_str()))
            || self.patterns.iter().any(|pattern| pattern.is_match(name).unwrap_or(false))
    }
}

/// All files below a source.
fn gather(path: &Path, ignored: &Ignored, candidates: &mut Vec<Candidate>) -> Result<()> {
    if !path.is_dir() {
        candidates.push(Candidate::file(path));
        return Ok(());
    }
    let unreadable = |why: std::io::Error| {
        Diagnostic::new("inventory folder cannot be read")
            .kind(Kind::Machine)
            .detail(format!("{}: {why}", path.display()))
    };
    let mut names: Vec<_> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        names.push(entry.map_err(unreadable)?.file_name());
    }
    names.sort_unstable();
    for name in names.iter().filter(|name| !ignored.ignores(&name.to_string_lossy())) {
        gather(&path.join(name), ignored, candidates)?;
    }
    Ok(())
}

fn is_variable_name(name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    name.chars().all(word) && !name.starts_with(char::is_numeric)
}

/// Warns of group names that are no variable names, or mends them.
fn rename_groups(steps: &mut Steps, characters: GroupCharacters) {
    if characters == GroupCharacters::Ignore {
        return;
    }
    let replace = matches!(characters, GroupCharacters::Always | GroupCharacters::Silently);
    let mut first: Option<Box<Diagnostic>> = None;
    for step in &mut steps.steps {
        let (names, origin): (Vec<&mut std::sync::Arc<str>>, _) = match step {
            Step::Group { name, origin } => (vec![name], origin.clone()),
            Step::Hosts { group: Some(group), .. } | Step::GroupVariable { group, .. } => (vec![group], None),
            Step::Child { parent, child, .. } => (vec![parent, child], None),
            Step::Hosts { group: None, .. } => continue,
        };
        for name in names.into_iter().filter(|name| !is_variable_name(name)) {
            if first.is_none() && origin.is_some() {
                first = Some(
                    Diagnostic::warning("invalid characters in a group name")
                        .detail(format!(
                            "`{name}` is no variable name, so {}",
                            if replace { "underscores were put in" } else { "`groups.NAME` cannot reach it" }
                        ))
                        .at_maybe(origin.as_ref(), ""),
                );
            }
            if replace {
                *name = crate::source::safe_group_name(name).into();
            }
        }
    }
    if let Some(warning) = first.filter(|_| characters != GroupCharacters::Silently) {
        steps.warn(warning);
    }
}

fn check_names(inventory: &Inventory, found: &mut Diagnostics) {
    for id in inventory.group_ids() {
        let group = inventory.group(id);
        if let Some(host) = inventory.find_named_host(group.name().as_str()) {
            found.push(
                Diagnostic::warning("host and group of the same name")
                    .detail(format!("`{}` is both", group.name()))
                    .at_maybe(group.origin(), "the group")
                    .at_maybe(inventory.host(host).origin(), "the host"),
            );
        }
    }
}
