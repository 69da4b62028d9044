//! What one task on one host sees.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use shevek_diag::{Diagnostic, Result};
use shevek_inventory::HostId;
use shevek_playbook::Task;
use shevek_template::{Scope, watch};
use shevek_value::{Map, Value};
use shevek_vault::Vault;

use crate::{Fleet, Level, PlayScope, magic, reaching};

/// One level's variables.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Where they were set.
    pub level: Level,
    /// The variables.
    pub variables: Arc<Map>,
}

/// The variables of one task on one host: layers that are shared, not copied, looked through from the strongest.
pub struct HostScope {
    fleet: Arc<Fleet>,
    play: Arc<PlayScope>,
    host: HostId,
    task: Option<Arc<Task>>,
    /// The host that does the task's work, if it is another one.
    delegate: Option<HostId>,
    layers: Arc<[Layer]>,
    local: Map,
    rendered: Mutex<HashMap<String, Value>>,
}

impl std::fmt::Debug for HostScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostScope").field("host", &self.host).finish_non_exhaustive()
    }
}

impl HostScope {
    /// What a task sees on a host; without a task, what the play sees. Whether the host's variable files can be read
    /// is [`Fleet::inventory_layers`]'s to say: who begins something on a host asks it before.
    pub fn new(fleet: &Arc<Fleet>, play: &Arc<PlayScope>, host: HostId, task: Option<&Arc<Task>>) -> Self {
        let layers = layers(fleet, play, host, task.map(|task| &**task));
        Self {
            fleet: fleet.clone(),
            play: play.clone(),
            host,
            task: task.cloned(),
            delegate: None,
            layers: layers.into(),
            local: Map::default(),
            rendered: Mutex::default(),
        }
    }

    /// What `hostvars` shows of a host: nothing of what the play and its roles bring.
    pub(crate) fn of_host(fleet: &Arc<Fleet>, play: &Arc<PlayScope>, host: HostId) -> Self {
        let scope = Self::new(fleet, play, host, None);
        let of_play = |level: Level| {
            use Level::{PlayFiles, PlayPrompts, PlayVars, RoleDefaults, RoleVars};
            matches!(level, PlayFiles | PlayPrompts | PlayVars | RoleDefaults | RoleVars)
        };
        let layers: Vec<Layer> = scope.layers.iter().filter(|layer| !of_play(layer.level)).cloned().collect();
        Self { layers: layers.into(), ..scope }
    }

    /// What the names of a play's `vars_files` see of a host: nothing that its tasks set or its roles bring as their own.
    pub fn for_vars_files(fleet: &Arc<Fleet>, play: &Arc<PlayScope>, host: HostId) -> Self {
        use Level::{IncludedVars, RoleVars, SetFacts};
        let scope = Self::new(fleet, play, host, None);
        let is_later = |level: Level| matches!(level, SetFacts | IncludedVars | RoleVars);
        let layers: Vec<Layer> =
            scope.layers.iter().filter(|layer| !is_later(layer.level)).cloned().collect();
        Self { layers: layers.into(), ..scope }
    }

    /// The same with further variables on top: the item of a loop, a result under its name.
    #[must_use]
    pub fn with(&self, variables: impl IntoIterator<Item = (Value, Value)>) -> Self {
        let mut local = self.local.clone();
        local.extend(variables);
        Self {
            fleet: self.fleet.clone(),
            play: self.play.clone(),
            host: self.host,
            task: self.task.clone(),
            delegate: self.delegate,
            layers: self.layers.clone(),
            local,
            rendered: Mutex::default(),
        }
    }

    /// The same as things stand now: with what has been learnt of the host since.
    #[must_use]
    pub fn renewed(&self) -> Self {
        let local = self.local.clone();
        let delegate = self.delegate;
        Self { local, delegate, ..Self::new(&self.fleet, &self.play, self.host, self.task.as_ref()) }
    }

    /// The same for a task whose work another host does.
    #[must_use]
    pub fn delegated_to(self, host: HostId) -> Self {
        Self { delegate: Some(host), ..self }
    }

    /// The host that does the task's work, if it is another one.
    pub(crate) fn delegate(&self) -> Option<HostId> {
        self.delegate
    }

    /// The host.
    pub fn host(&self) -> HostId {
        self.host
    }

    /// The task.
    pub fn task(&self) -> Option<&Arc<Task>> {
        self.task.as_ref()
    }

    /// The play.
    pub fn play(&self) -> &Arc<PlayScope> {
        &self.play
    }

    /// The fleet.
    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }

    /// The layers, strongest first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// A variable rendered; undefined markers stay markers.
    pub fn rendered_variable(&self, name: &str) -> Result<Option<Value>> {
        match self.get(name)? {
            Some(value) => self.fleet.templar.render(&value, self).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<Value> {
        let mut found = self.layers.iter().filter_map(|layer| layer.variables.get(name));
        let strongest = found.next()?;
        if !self.fleet.options.merge_hashes || strongest.as_map().is_none() {
            return Some(strongest.clone());
        }
        // hash_behaviour=merge: mappings of weaker layers shine through.
        let weaker: Vec<&Value> = found.take_while(|value| value.as_map().is_some()).collect();
        Some(
            weaker
                .into_iter()
                .rev()
                .chain([strongest])
                .fold(Value::map(Map::default()), |all, next| merge(&all, next)),
        )
    }
}

/// Mappings merged, deeply; the second one's entries win.
pub fn merge(weaker: &Value, stronger: &Value) -> Value {
    let (Some(below), Some(above)) = (weaker.as_map(), stronger.as_map()) else { return stronger.clone() };
    let mut merged = below.clone();
    for (key, value) in above {
        let value = merged.get(key).map_or_else(|| value.clone(), |old| merge(old, value));
        merged.insert(key.clone(), value);
    }
    Value::map(merged)
}

/// All layers of a task on a host, strongest first.
fn layers(fleet: &Fleet, play: &PlayScope, host: HostId, task: Option<&Task>) -> Vec<Layer> {
    let mut layers = Vec::with_capacity(24);
    let mut add = |level: Level, variables: &Arc<Map>| {
        if !variables.is_empty() {
            layers.push(Layer { level, variables: variables.clone() });
        }
    };
    let memory = fleet.memory(host);
    let role = task.and_then(|task| task.role.as_ref());
    add(Level::Extra, &fleet.extra);
    if let Some(task) = task {
        add(Level::IncludeParams, &task.include_vars);
    }
    if let Some(role) = role {
        add(Level::RoleParams, &role.params);
    }
    add(Level::SetFacts, &memory.set());
    add(Level::IncludedVars, &memory.included());
    if let Some(task) = task {
        add(Level::TaskVars, &task.vars);
    }
    if let Some(role) = role {
        add(Level::RoleVars, &role.vars);
    }
    let roles = play.roles();
    for role in roles.iter().rev() {
        add(Level::RoleVars, &role.public_vars);
    }
    if let Some(files) = play.files(host) {
        add(Level::PlayFiles, &files);
    }
    add(Level::PlayPrompts, &play.prompts);
    add(Level::PlayVars, &play.play.vars);
    if fleet.options.inject_facts {
        add(Level::Facts, memory.facts().injected());
    } else if !memory.facts().all().is_empty() {
        add(Level::Facts, &memory.facts().always_injected());
    }
    let inventory = match task {
        Some(task) => fleet.layers_of_task(host, task),
        None => fleet.inventory_layers(host),
    };
    for layer in inventory.iter().flat_map(|layers| layers.iter()) {
        add(layer.level, &layer.variables);
    }
    if let Some(role) = role {
        add(Level::RoleDefaults, &role.defaults);
    }
    for role in roles.iter().rev() {
        add(Level::RoleDefaults, &role.public_defaults);
    }
    layers
}

impl Scope for HostScope {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        watch::variable(name);
        if let Some(value) = self.local.get(name) {
            return Ok(Some(value.clone()));
        }
        if let Some(value) = magic::get(self, name)? {
            return Ok(Some(value));
        }
        Ok(self.find(name).or_else(|| reaching::get(self, name)))
    }

    fn names(&self) -> Vec<String> {
        watch::all_variables();
        let mut names: Vec<String> = self
            .layers
            .iter()
            .map(|layer| &*layer.variables)
            .chain([&self.local])
            .flat_map(|variables| variables.keys().map(Value::text))
            .chain(magic::NAMES.iter().map(|name| (*name).to_owned()))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn rendered(&self, name: &str) -> Option<Value> {
        self.rendered.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn keep_rendered(&self, name: &str, value: &Value) {
        self.rendered.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), value.clone());
    }

    fn search_path(&self) -> Vec<PathBuf> {
        let mut path = self.task.as_ref().map(|task| task.search_path()).unwrap_or_default();
        if !path.contains(&self.play.play.dir) {
            path.push(self.play.play.dir.clone());
        }
        path
    }

    fn warn(&self, warning: Box<Diagnostic>) {
        self.fleet.warn(warning);
    }

    fn is_open(&self) -> bool {
        self.fleet.memory(self.host).is_open()
    }

    fn learn(&self, secret: &Value) {
        self.fleet.learn(secret);
    }

    fn vault(&self) -> Vault {
        self.fleet.options.vault.clone()
    }

    fn setting(&self, name: &str) -> Option<Value> {
        self.fleet.options.settings.get(name).cloned()
    }

    fn configured(&self, section: &str, key: &str) -> Option<String> {
        self.fleet.options.config.get(section, key).map(|entry| entry.text().to_owned())
    }

    fn is_check(&self) -> bool {
        self.fleet.options.check
    }
}
