//! What a verb works on: passwords, variables, inventory and playbooks, loaded as the settings say.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use shevek_diag::{Diagnostic, Diagnostics, Kind, Result};
use shevek_inventory::{Closed, GroupCharacters, HostId, Inventory, LoadOptions, Mismatch, Place};
use shevek_playbook::{Hashes, Known, Loader, Playbook, Templating, UnknownKeywords};
use shevek_settings::{ROWS, Settings};
use shevek_template::plugin::Plugins;
use shevek_template::{Scope, Templar, Truth};
use shevek_value::{Map, Value};
use shevek_vars::{FactCache, RunOptions, VarsRoot};
use shevek_vault::Vault;
use shevek_yaml::Duplicates;

use crate::exit::unreadable;
use crate::extra_vars::extra_vars;
use crate::launch::Choice;
use crate::listing::{known, patterns};
use crate::options::VaultIds;
use crate::passwords;
use crate::prompt::Terminal;

/// Everything that loading needs; made once a process.
pub(crate) struct Content {
    pub settings: Settings,
    pub terminal: Arc<Terminal>,
    pub vault: Vault,
    pub extra: Map,
    pub templar: Arc<Templar>,
    pub folder: PathBuf,
}

impl Content {
    /// Gets vault passwords and extra variables.
    pub(crate) fn open(settings: Settings, ids: &VaultIds, extra: &[String]) -> Result<Self, Diagnostics> {
        let terminal = Arc::new(Terminal::default());
        let vault = passwords::vault(&ids.sources(&settings), &settings, &terminal)?;
        let folder = std::env::current_dir().map_err(|error| unreadable(Path::new("."), &error))?;
        let extra = extra_vars(extra, &folder, &vault, settings.hash_behaviour == "merge")?;
        let plugins = Plugins::new()
            .with_filters(shevek_filters::filters())
            .with_tests(shevek_filters::tests())
            .with_lookups(shevek_lookups::lookups());
        Ok(Self { settings, terminal, vault, extra, templar: Arc::new(Templar::new(plugins)), folder })
    }

    /// Reads the inventory; `beside` is the folder whose group_vars and host_vars count.
    pub(crate) fn inventory(
        &self,
        sources: &[String],
        beside: Option<&Path>,
    ) -> Result<(Inventory, Diagnostics), Diagnostics> {
        let settings = &self.settings;
        let names = Names { templar: &self.templar, extra: &self.extra };
        let (precedence, unknown) = Place::in_order(&settings.variable_precedence);
        let options = LoadOptions {
            playbook_dir: beside.map(Path::to_owned),
            vault: self.vault.clone(),
            cwd: self.folder.clone(),
            duplicates: duplicates(settings),
            group_characters: match settings.force_valid_group_names.as_str() {
                "always" => GroupCharacters::Always,
                "silently" => GroupCharacters::Silently,
                "ignore" => GroupCharacters::Ignore,
                _ => GroupCharacters::Never,
            },
            unparsed_is_error: settings.unparsed_is_failed,
            any_unparsed_is_error: settings.any_unparsed_is_failed,
            warn_unparsed: settings.inventory_unparsed_warning,
            ignored_endings: settings.inventory_ignore_extensions.clone(),
            ignored_patterns: settings.inventory_ignore_patterns.clone(),
            enabled: settings.inventory_plugins_enabled.clone(),
            merges: settings.hash_behaviour == "merge",
            precedence: Some(precedence),
            expressions: Some(&names),
        };
        let (inventory, mut said) = shevek_inventory::load(sources, &options);
        if said.has_errors() {
            return Err(said);
        }
        for name in unknown {
            said.push(Diagnostic::warning("Ignoring unknown variable precedence entry").detail(name));
        }
        if settings.localhost_warning && inventory.host_count() == 0 {
            said.push(
                Diagnostic::warning("there are no hosts but localhost")
                    .detail("the implicit localhost does not match `all`"),
            );
        }
        Ok((inventory, said))
    }

    /// A loader of playbooks.
    pub(crate) fn loader(&self) -> Loader {
        let settings = &self.settings;
        Loader::new(shevek_playbook::Settings {
            roles_path: settings.roles_path.clone(),
            collections_path: settings.collections_path.clone(),
            library_path: settings.library.clone(),
            private_role_vars: settings.private_role_vars,
            hashes: if settings.hash_behaviour == "merge" { Hashes::Merge } else { Hashes::Replace },
            unknown_keywords: if settings.invalid_task_attribute_failed {
                UnknownKeywords::Refuse
            } else {
                UnknownKeywords::Ignore
            },
            vault: self.vault.clone(),
            known: known_actions(),
            templating: Arc::new(LoadTime { templar: self.templar.clone(), extra: self.extra.clone() }),
        })
        .duplicates(duplicates(settings))
    }

    /// Reads playbooks; all that is wrong in any of them is said together.
    pub(crate) fn playbooks(
        &self,
        loader: &Loader,
        files: &[PathBuf],
    ) -> Result<(Vec<Playbook>, Diagnostics), Diagnostics> {
        let mut wrong = Diagnostics::new();
        let mut warnings = Diagnostics::new();
        let mut playbooks = Vec::new();
        for file in files {
            match loader.playbook(&self.folder.join(file)) {
                Ok(loaded) => {
                    warnings.extend(loaded.warnings);
                    playbooks.push(loaded.value);
                }
                Err(errors) => wrong.extend(errors),
            }
        }
        if wrong.has_errors() { Err(wrong) } else { Ok((playbooks, warnings)) }
    }

    /// What variables show of a run.
    pub(crate) fn run_options(&self, check: bool, choice: &Choice, sources: &[String]) -> RunOptions {
        let settings = &self.settings;
        let absolute = |source: &String| {
            if source.contains(',') {
                source.clone()
            } else {
                self.folder.join(source).to_string_lossy().into_owned()
            }
        };
        RunOptions {
            check,
            diff: settings.diff_always,
            forks: u32::try_from(settings.forks).unwrap_or(1),
            verbosity: u8::try_from(settings.verbosity.clamp(0, 6)).unwrap_or(0),
            limit: choice.limit.clone(),
            run_tags: choice.tags.clone(),
            skip_tags: choice.skip_tags.clone(),
            config_file: settings.config_file.as_ref().map(|path| path.to_string_lossy().into_owned()),
            inventory_sources: sources.iter().map(absolute).collect(),
            merge_hashes: settings.hash_behaviour == "merge",
            inject_facts: settings.inject_facts_as_vars,
            vars_root: match settings.playbook_vars_root.as_str() {
                "bottom" => VarsRoot::Bottom,
                "all" => VarsRoot::All,
                _ => VarsRoot::Top,
            },
            reaching: Arc::default(),
            fact_cache: self.fact_cache(),
            vault: self.vault.clone(),
            settings: Arc::new(ROWS.iter().map(|row| Value::from(row.name)).zip(settings.show()).collect()),
            config: settings.config.clone(),
        }
    }

    /// Where facts are kept between runs.
    fn fact_cache(&self) -> Option<FactCache> {
        let settings = &self.settings;
        let folder = settings.fact_caching_connection.as_ref().filter(|_| is_jsonfile(settings))?;
        let prefix = &settings.fact_caching_prefix;
        Some(FactCache {
            folder: self.folder.join(expand_home(folder)),
            // The usual prefix is that of other ways to keep facts.
            prefix: if prefix == "ansible_facts" { String::new() } else { prefix.clone() },
            lifetime: u64::try_from(settings.fact_caching_timeout)
                .ok()
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
        })
    }

    /// Forgets all facts that earlier runs kept (`--flush-cache`).
    pub(crate) fn flush_cache(&self, inventory: &Inventory) {
        let Some(cache) = self.fact_cache() else { return };
        for host in inventory.host_ids() {
            cache.forget(inventory.host(host).name().as_str());
        }
        for local in ["localhost", "127.0.0.1", "::1"] {
            cache.forget(local);
        }
    }

    /// The hosts that plays choose, as far as that can be said before the run.
    pub(crate) fn hosts_of(
        &self,
        playbooks: &[Playbook],
        inventory: &Inventory,
        limit: Option<&str>,
    ) -> Vec<HostId> {
        let mut hosts = HashSet::new();
        for play in playbooks.iter().flat_map(|playbook| &playbook.plays) {
            let Ok(patterns) = patterns(play, |hosts| self.render(hosts, &known(play, &Map::default())))
            else {
                continue;
            };
            let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
            // What is wrong with a pattern its play tells.
            let chosen = inventory.choose(&patterns, limit, Mismatch::Ignore, &self.folder);
            hosts.extend(chosen.into_iter().flat_map(|chosen| chosen.hosts));
        }
        hosts.into_iter().collect()
    }

    /// What a host pattern without hosts is.
    pub(crate) fn mismatch(&self) -> Mismatch {
        match self.settings.host_pattern_mismatch.as_str() {
            "error" => Mismatch::Error,
            "ignore" => Mismatch::Ignore,
            _ => Mismatch::Warning,
        }
    }

    /// A value of a play rendered with what is known before any host is: the extra variables.
    pub(crate) fn render(&self, value: &Value, vars: &Map) -> Result<Value> {
        self.templar.render(value, &Layers { layers: &[vars, &self.extra] })
    }
}

/// Whether facts are kept in files.
pub(crate) fn is_jsonfile(settings: &Settings) -> bool {
    matches!(&*settings.fact_caching, "jsonfile" | "ansible.builtin.jsonfile" | "ansible.legacy.jsonfile")
}

/// `~/x` in the user's home.
fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

fn duplicates(settings: &Settings) -> Duplicates {
    match settings.duplicate_dict_key.as_str() {
        "error" => Duplicates::Error,
        "ignore" => Duplicates::Ignore,
        _ => Duplicates::Warn,
    }
}

/// Everything that a task can ask for.
fn known_actions() -> Vec<Known> {
    let modules = shevek_modules::registry().map(|module| Known::module(module.schema()));
    let actions = shevek_actions::Actions
        .iter()
        .map(|listed| Known::controller(listed.action.name()).with_schema(listed.action.schema()));
    modules.chain(actions).collect()
}

/// Playbooks that are there.
pub(crate) fn check_playbooks(files: &[PathBuf]) -> Result<(), Diagnostics> {
    let mut missing = Diagnostics::new();
    for file in files {
        let wrong = |detail: &str| {
            Diagnostic::new("a playbook can't be read")
                .kind(Kind::Machine)
                .detail(format!("the playbook {} {detail}", file.display()))
        };
        if !file.exists() && !may_be_in_collection(file) {
            missing.push(wrong("could not be found"));
        } else if file.is_dir() {
            missing.push(wrong("is a folder"));
        }
    }
    if missing.has_errors() { Err(missing) } else { Ok(()) }
}

/// Whether it has the form `namespace.collection.playbook`.
fn may_be_in_collection(file: &Path) -> bool {
    let name = file.to_string_lossy();
    let is_word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    name.split('.').count() >= 3
        && name.split('.').all(is_word)
        && !file.extension().is_some_and(|kind| kind == "yml" || kind == "yaml")
}

/// Layers of variables, lowest first.
struct Layers<'a> {
    layers: &'a [&'a Map],
}

impl Scope for Layers<'_> {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        Ok(self.layers.iter().rev().find_map(|layer| layer.get(name)).cloned())
    }
    fn names(&self) -> Vec<String> {
        self.layers.iter().flat_map(|layer| layer.keys()).map(Value::text).collect()
    }
}

/// What of a template can be known while loading.
struct LoadTime {
    templar: Arc<Templar>,
    extra: Map,
}

impl Templating for LoadTime {
    fn render(&self, value: &Value, layers: &[&Map]) -> Result<Value> {
        let mut layers = layers.to_vec();
        layers.push(&self.extra);
        self.templar.render(value, &Layers { layers: &layers })
    }
    fn check_template(&self, text: &Value) -> Result<()> {
        self.templar.check_syntax(text)
    }
    fn check_condition(&self, text: &Value) -> Result<()> {
        self.templar.check_expression(text)
    }
    fn has_lookup(&self, name: &str) -> bool {
        self.templar.plugins().lookup(name).is_some()
    }
}

/// Expressions of constructed inventories.
struct Names<'a> {
    templar: &'a Templar,
    extra: &'a Map,
}

impl shevek_inventory::Expressions for Names<'_> {
    fn evaluate(&self, expression: &Value, vars: &Map) -> Result<Value> {
        self.templar.expression(expression, &Layers { layers: &[vars, self.extra] })
    }
    fn condition(&self, condition: &Value, vars: &Map) -> Result<bool> {
        let truth = self.templar.condition(condition, &Layers { layers: &[vars, self.extra] })?;
        Ok(truth == Truth::Yes)
    }
    fn render(&self, template: &Value, vars: &Map) -> Result<Value> {
        self.templar.render(template, &Layers { layers: &[vars, self.extra] })
    }
}

/// Reads the variable files of hosts: warnings, or all that is wrong with any of them.
pub(crate) fn read_variables(inventory: &Inventory, hosts: &[HostId]) -> Result<Diagnostics, Diagnostics> {
    let said = inventory.read_vars_files(hosts, Closed::Wrong);
    if said.has_errors() { Err(said) } else { Ok(said) }
}
