//! What a run has learnt about one host.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use shevek_value::{Map, Value};

use crate::Facts;

/// Facts, set facts, registered results and included variables of one host.
///
/// Readers take snapshots (an `Arc`), so that a task sees one state from its start to its end.
#[derive(Debug, Default)]
pub struct Memory {
    facts: RwLock<Arc<Facts>>,
    set: RwLock<Arc<Map>>,
    included: RwLock<Arc<Map>>,
    open: AtomicBool,
}

impl Memory {
    /// The facts now.
    pub fn facts(&self) -> Arc<Facts> {
        read(&self.facts)
    }

    /// `set_fact` values and registered results now.
    pub fn set(&self) -> Arc<Map> {
        read(&self.set)
    }

    /// `include_vars` values now.
    pub fn included(&self) -> Arc<Map> {
        read(&self.included)
    }

    /// Takes note of facts.
    pub fn learn(&self, facts: &Map) {
        change(&self.facts, |known| known.merge(facts));
    }

    /// Forgets all facts (`meta: clear_facts`).
    pub fn forget_facts(&self) {
        change(&self.facts, |known| *known = Facts::default());
    }

    /// Sets a variable as `set_fact` and `register` do.
    pub fn set_one(&self, name: &str, value: Value) {
        change(&self.set, |map| {
            map.insert(Value::str(name), value);
        });
    }

    /// Sets several.
    pub fn set_all(&self, values: &Map) {
        change(&self.set, |map| map.extend(values.iter().map(|(k, v)| (k.clone(), v.clone()))));
    }

    /// Notes that a check run could not read variables which the real run will.
    pub fn leave_open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    /// Whether there may be other variables in the real run.
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// Sets variables as `include_vars` does.
    pub fn include(&self, values: &Map) {
        change(&self.included, |map| map.extend(values.iter().map(|(k, v)| (k.clone(), v.clone()))));
    }
}

/// A writer that panicked has left a whole old or new value behind: both are good to read.
fn read<T>(lock: &RwLock<Arc<T>>) -> Arc<T> {
    lock.read().unwrap_or_else(PoisonError::into_inner).clone()
}

fn change<T: Clone>(lock: &RwLock<Arc<T>>, how: impl FnOnce(&mut T)) {
    let mut guard = lock.write().unwrap_or_else(PoisonError::into_inner);
    how(Arc::make_mut(&mut guard));
}
