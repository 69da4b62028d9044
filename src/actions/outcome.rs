//! What came of one action on one host.

use shevek_value::{Map, Value};

/// What came of one action on one host, before `changed_when` and `failed_when` have had their say.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Whether the host was changed (in check mode: would be).
    pub changed: bool,
    /// Whether it failed.
    pub failed: bool,
    /// Whether there was nothing to do, by the action's own judgement.
    pub skipped: bool,
    /// Whether the host could not be reached.
    pub unreachable: bool,
    /// In check mode: only a real run can know the result.
    pub unknown: bool,
    /// The result's keys as Ansible documents them (`msg`, `rc`, `stdout`), without the marks above.
    pub body: Map,
    /// Differences in Ansible's form (`before`, `after`, `before_header` …).
    pub diff: Vec<Value>,
    /// Warnings for the user.
    pub warnings: Vec<String>,
    /// Facts that it returns.
    pub facts: Map,
    /// What the engine is to do about it.
    pub effects: Vec<Effect>,
}

/// Something that only the engine can do, since it touches more than this host.
#[derive(Debug, Clone)]
pub enum Effect {
    /// `set_fact`: the facts are variables, and host facts too if they are to be cached.
    SetFact {
        /// Whether to cache.
        cacheable: bool,
    },
    /// `include_vars`: the facts are included variables.
    IncludeVars,
    /// `set_stats`.
    Stats {
        /// The numbers, texts, lists to show at the end.
        data: Map,
        /// Kept for each host apart.
        per_host: bool,
        /// Added to what is there.
        aggregate: bool,
    },
    /// The connections to this host are to be made anew (`meta: reset_connection`, `reboot`).
    ResetConnection,
}

impl Outcome {
    /// Nothing changed, nothing to tell.
    pub fn ok() -> Self {
        Self::default()
    }

    /// A failure with its message.
    pub fn failure(message: impl Into<String>) -> Self {
        Self { failed: true, ..Self::default() }.with("msg", message.into())
    }

    /// Adds a key of the result.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.body.insert(Value::str(key), value.into());
        self
    }

    /// Sets whether it changed anything.
    #[must_use]
    pub fn changed(mut self, changed: bool) -> Self {
        self.changed = changed;
        self
    }

    /// Adds something for the engine to do.
    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }

    /// The result as playbooks register it.
    pub fn to_value(&self) -> Value {
        let mut map = self.body.clone();
        let mut put = |key: &str, value: Value| {
            map.insert(Value::str(key), value);
        };
        put("changed", self.changed.into());
        if self.unreachable {
            put("unreachable", true.into());
        } else if self.failed || !self.skipped {
            put("failed", self.failed.into());
        }
        if self.skipped {
            put("skipped", true.into());
        }
        if !self.diff.is_empty() {
            let mut diffs = self.diff.clone();
            // An action whose differences are always a list says so with an empty one.
            let is_list = self.body.contains_key("diff");
            let only = if diffs.len() == 1 && !is_list { diffs.pop() } else { None };
            put("diff", only.unwrap_or_else(|| Value::list(diffs)));
        }
        if !self.facts.is_empty() {
            put("ansible_facts", Value::map(self.facts.clone()));
        }
        if !self.warnings.is_empty() {
            put("warnings", self.warnings.clone().into());
        }
        Value::map(map)
    }
}
