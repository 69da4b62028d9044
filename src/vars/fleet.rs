//! What outlives a play: inventory, extra variables, and what is known of each host.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use shevek_diag::{Diagnostic, Result};
use shevek_inventory::{HostId, HostName, Inventory};
use shevek_playbook::Task;
use shevek_settings::Ini;
use shevek_template::Templar;
use shevek_value::{Map, Value};
use shevek_vault::Vault;

use crate::{FactCache, Layer, Memory, inventory};

/// Options of a run that variables depend on or show.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Check mode.
    pub check: bool,
    /// Diff mode.
    pub diff: bool,
    /// Hosts in flight.
    pub forks: u32,
    /// How many `-v`.
    pub verbosity: u8,
    /// `--limit`.
    pub limit: Option<String>,
    /// `--tags`.
    pub run_tags: Vec<String>,
    /// `--skip-tags`.
    pub skip_tags: Vec<String>,
    /// The configuration file.
    pub config_file: Option<String>,
    /// The inventory sources, absolute.
    pub inventory_sources: Vec<String>,
    /// `hash_behaviour=merge`.
    pub merge_hashes: bool,
    /// `inject_facts_as_vars`.
    pub inject_facts: bool,
    /// Which playbook folders' variables a task sees.
    pub vars_root: VarsRoot,
    /// The vault passwords, for lookups that read encrypted files.
    pub vault: Vault,
    /// How hosts are reached when neither variables nor keywords say so, under the names of the variables.
    pub reaching: Arc<Map>,
    /// Where facts are kept between runs.
    pub fact_cache: Option<FactCache>,
    /// Settings under the names that the `config` lookup knows.
    pub settings: Arc<Map>,
    /// What the configuration file says, for plugins with sections of their own.
    pub config: Arc<Ini>,
}

/// Beside which files the `group_vars` and `host_vars` of a task are looked for (`PLAYBOOK_VARS_ROOT`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VarsRoot {
    /// Beside the playbook.
    #[default]
    Top,
    /// In the first folder of where the task looks for files: that of its role, or of its file.
    Bottom,
    /// In all folders where the task looks for files, the last one's being the strongest.
    All,
}

/// The inventory's variables for a host, with those of other folders than the playbook's.
type Beside = HashMap<HostId, HashMap<Vec<PathBuf>, Arc<[Layer]>>>;

/// The hosts of a run and all that is known of them.
pub struct Fleet {
    /// Templates.
    pub templar: Arc<Templar>,
    /// `-e` variables.
    pub extra: Arc<Map>,
    /// Options.
    pub options: RunOptions,
    inventory: RwLock<Inventory>,
    memories: RwLock<HashMap<HostId, Arc<Memory>>>,
    layers: RwLock<HashMap<HostId, Result<Arc<[Layer]>>>>,
    beside: RwLock<Beside>,
    groups: RwLock<Option<Value>>,
    strangers: RwLock<HashMap<String, HostId>>,
    warned: OnceLock<WarningSink>,
    learnt: OnceLock<SecretSink>,
}

/// Who takes the warnings of templates.
type WarningSink = Box<dyn Fn(Box<Diagnostic>) + Send + Sync>;

/// Who takes the secrets that templates come by.
type SecretSink = Box<dyn Fn(&Value) + Send + Sync>;

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet").finish_non_exhaustive()
    }
}

impl Fleet {
    /// The hosts of an inventory, nothing known of them yet.
    pub fn new(inventory: Inventory, templar: Arc<Templar>, extra: Map, options: RunOptions) -> Arc<Self> {
        Arc::new(Self {
            templar,
            extra: Arc::new(extra),
            options,
            inventory: RwLock::new(inventory),
            memories: RwLock::default(),
            layers: RwLock::default(),
            beside: RwLock::default(),
            groups: RwLock::default(),
            strangers: RwLock::default(),
            warned: OnceLock::new(),
            learnt: OnceLock::new(),
        })
    }

    /// Sets who takes the warnings of templates; the first one stays.
    pub fn on_warning(&self, take: impl Fn(Box<Diagnostic>) + Send + Sync + 'static) {
        let _ = self.warned.set(Box::new(take));
    }

    /// Tells the user of something in a template that is no error.
    pub fn warn(&self, warning: Box<Diagnostic>) {
        if let Some(take) = self.warned.get() {
            take(warning);
        }
    }

    /// Sets who takes the secrets that templates come by; the first one stays.
    pub fn on_secret(&self, take: impl Fn(&Value) + Send + Sync + 'static) {
        let _ = self.learnt.set(Box::new(take));
    }

    /// Tells of a secret that a template came by.
    pub fn learn(&self, secret: &Value) {
        if let Some(take) = self.learnt.get() {
            take(secret);
        }
    }

    /// The inventory.
    pub fn inventory(&self) -> RwLockReadGuard<'_, Inventory> {
        self.inventory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the inventory (`add_host`, `group_by`, `meta: refresh_inventory`).
    pub fn change_inventory<T>(&self, how: impl FnOnce(&mut Inventory) -> T) -> T {
        let mut guard: RwLockWriteGuard<'_, Inventory> =
            self.inventory.write().unwrap_or_else(PoisonError::into_inner);
        let result = how(&mut guard);
        self.layers.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.beside.write().unwrap_or_else(PoisonError::into_inner).clear();
        *self.groups.write().unwrap_or_else(PoisonError::into_inner) = None;
        result
    }

    /// What is known of a host.
    pub fn memory(&self, host: HostId) -> Arc<Memory> {
        if let Some(memory) = self.memories.read().unwrap_or_else(PoisonError::into_inner).get(&host) {
            return memory.clone();
        }
        let kept =
            self.options.fact_cache.as_ref().and_then(|cache| cache.read(self.host_name(host).as_str()));
        let mut memories = self.memories.write().unwrap_or_else(PoisonError::into_inner);
        let memory = memories.entry(host).or_default().clone();
        if let Some(facts) = kept.filter(|_| memory.facts().is_empty()) {
            memory.learn(&facts);
        }
        memory
    }

    /// Keeps what is known of a host for later runs, if that is wanted.
    pub fn keep_facts(&self, host: HostId) {
        let Some(cache) = &self.options.fact_cache else { return };
        let name = self.host_name(host);
        if let Err(error) = cache.write(name.as_str(), self.memory(host).facts().all()) {
            let folder = cache.folder.display();
            self.warn(Diagnostic::warning("facts cannot be kept").detail(format!("{folder}: {error}")));
        }
    }

    /// Forgets all facts of a host, those too that were kept (`meta: clear_facts`).
    pub fn forget_facts(&self, host: HostId) {
        self.memory(host).forget_facts();
        if let Some(cache) = &self.options.fact_cache {
            cache.forget(self.host_name(host).as_str());
        }
    }

    /// The inventory's variables for a host, strongest first; an error where a file of variables cannot be read.
    pub fn inventory_layers(&self, host: HostId) -> Result<Arc<[Layer]>> {
        if let Some(layers) = self.layers.read().unwrap_or_else(PoisonError::into_inner).get(&host) {
            return layers.clone();
        }
        let layers: Result<Arc<[Layer]>> = inventory::layers(&self.inventory(), host).map(Into::into);
        self.layers.write().unwrap_or_else(PoisonError::into_inner).insert(host, layers.clone());
        layers
    }

    /// What a task sees of the inventory's variables for a host, strongest first.
    pub(crate) fn layers_of_task(&self, host: HostId, task: &Task) -> Result<Arc<[Layer]>> {
        match self.folders_of(task) {
            None => self.inventory_layers(host),
            Some(folders) => self.layers_beside(host, folders).map(|(layers, _)| layers),
        }
    }

    /// Reads the variable files that a task sees of a host by its own place; gives those variables if they were not
    /// read before.
    pub fn read_beside(&self, host: HostId, task: &Task) -> Result<Option<Arc<[Layer]>>> {
        let Some(folders) = self.folders_of(task) else { return Ok(None) };
        let (layers, is_new) = self.layers_beside(host, folders)?;
        Ok(Some(layers).filter(|_| is_new))
    }

    fn folders_of(&self, task: &Task) -> Option<Vec<PathBuf>> {
        let folders = match self.options.vars_root {
            VarsRoot::Top => return None,
            VarsRoot::Bottom => task.search_path().into_iter().take(1).collect(),
            VarsRoot::All => task.search_path(),
        };
        Some(folders)
    }

    fn layers_beside(&self, host: HostId, folders: Vec<PathBuf>) -> Result<(Arc<[Layer]>, bool)> {
        let known = self.beside.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(layers) = known.get(&host).and_then(|known| known.get(&folders)) {
            return Ok((layers.clone(), false));
        }
        drop(known);
        let layers: Arc<[Layer]> = inventory::layers_beside(&self.inventory(), host, &folders)?.into();
        let mut known = self.beside.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(host).or_default().insert(folders, layers.clone());
        Ok((layers, true))
    }

    /// A host's name.
    pub fn host_name(&self, host: HostId) -> HostName {
        self.inventory().host(host).name().clone()
    }

    /// The host of that name; one that nobody named is made for this run, and is in no group.
    pub fn host_or_new(&self, name: &str) -> HostId {
        if let Some(host) = self.inventory().find_host(name) {
            return host;
        }
        if let Some(host) = self.strangers.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return *host;
        }
        let host = self.change_inventory(|inventory| inventory.add_stranger(name));
        self.strangers.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), host);
        host
    }

    /// `groups`: the host names of every group.
    pub fn groups(&self) -> Value {
        if let Some(groups) = &*self.groups.read().unwrap_or_else(PoisonError::into_inner) {
            return groups.clone();
        }
        let groups = self.inventory().groups_variable();
        *self.groups.write().unwrap_or_else(PoisonError::into_inner) = Some(groups.clone());
        groups
    }
}
