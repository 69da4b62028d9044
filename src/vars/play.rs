//! Variables of a play in progress.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use shevek_inventory::HostId;
use shevek_playbook::{Play, Role};
use shevek_value::Map;

/// What a play's tasks see besides host and task: its variables, its roles' and its hosts.
#[derive(Debug)]
pub struct PlayScope {
    /// The play.
    pub play: Arc<Play>,
    /// Its name, rendered.
    pub name: String,
    /// `vars_prompt` answers.
    pub prompts: Arc<Map>,
    /// All its hosts (`ansible_play_hosts_all`).
    pub hosts: Vec<HostId>,
    files: RwLock<HashMap<HostId, Arc<Map>>>,
    state: RwLock<State>,
}

#[derive(Debug, Default, Clone)]
struct State {
    batch: Arc<Vec<HostId>>,
    alive: Arc<Vec<HostId>>,
    ended: Arc<HashSet<HostId>>,
    roles: Arc<Vec<Arc<Role>>>,
    included: Arc<Vec<Arc<Role>>>,
    added: Arc<Vec<HostId>>,
}

impl PlayScope {
    /// A play about to start.
    pub fn new(play: Arc<Play>, name: String, prompts: Map, hosts: Vec<HostId>) -> Self {
        let roles = Arc::new(play.roles.iter().filter(|role| role.is_public).cloned().collect());
        let state = RwLock::new(State { roles, ..State::default() });
        Self { play, name, prompts: Arc::new(prompts), hosts, files: RwLock::default(), state }
    }

    /// Sets the hosts of the current batch (`ansible_play_batch`).
    pub fn set_batch(&self, hosts: Vec<HostId>) {
        self.change(|state| {
            state.batch = Arc::new(hosts);
            state.ended = Arc::default();
        });
    }

    /// Sets the hosts that are neither failed nor lost (`ansible_play_hosts`).
    pub fn set_alive(&self, hosts: Vec<HostId>) {
        self.change(|state| state.alive = Arc::new(hosts));
    }

    /// Notes that the play is over for hosts, of their own accord: they are not among its hosts any more.
    pub fn end_for(&self, hosts: impl IntoIterator<Item = HostId>) {
        self.change(|state| Arc::make_mut(&mut state.ended).extend(hosts));
    }

    /// The hosts of the current batch.
    pub fn batch(&self) -> Arc<Vec<HostId>> {
        self.state().batch
    }

    /// The hosts that are neither failed nor lost.
    pub fn alive(&self) -> Arc<Vec<HostId>> {
        self.state().alive
    }

    /// Whether the play is over for a host, of its own accord.
    pub fn is_over_for(&self, host: HostId) -> bool {
        self.state().ended.contains(&host)
    }

    /// The hosts of the current batch that are neither failed nor lost.
    pub fn batch_alive(&self) -> Vec<HostId> {
        let state = self.state();
        let alive: HashSet<HostId> = state.alive.iter().copied().collect();
        state.batch.iter().copied().filter(|host| alive.contains(host)).collect()
    }

    /// Roles whose defaults and variables all tasks see, first to last.
    pub fn roles(&self) -> Arc<Vec<Arc<Role>>> {
        self.state().roles
    }

    /// Takes note of a host that a task adds: it counts as one of the play's, though the play is not for it.
    pub fn add(&self, host: HostId) {
        if !self.hosts.contains(&host) && !self.added().contains(&host) {
            self.change(|state| Arc::make_mut(&mut state.added).push(host));
        }
    }

    /// Hosts that tasks have added.
    pub fn added(&self) -> Arc<Vec<HostId>> {
        self.state().added
    }

    /// Roles that tasks have included so far, as often as they have.
    pub fn included(&self) -> Arc<Vec<Arc<Role>>> {
        self.state().included
    }

    /// Takes note of a role that a task includes; with `public: true` all tasks see its defaults and variables from now on.
    pub fn include(&self, role: &Arc<Role>) {
        self.change(|state| {
            Arc::make_mut(&mut state.included).push(role.clone());
            if role.is_public && !state.roles.iter().any(|known| known.key == role.key) {
                Arc::make_mut(&mut state.roles).push(role.clone());
            }
        });
    }

    /// Variables of the play's `vars_files` for a host.
    pub fn files(&self, host: HostId) -> Option<Arc<Map>> {
        self.files.read().unwrap_or_else(PoisonError::into_inner).get(&host).cloned()
    }

    /// Sets variables of the play's `vars_files` for a host.
    pub fn set_files(&self, host: HostId, variables: Arc<Map>) {
        self.files.write().unwrap_or_else(PoisonError::into_inner).insert(host, variables);
    }

    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, how: impl FnOnce(&mut State)) {
        how(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }
}
