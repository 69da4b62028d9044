//! What tasks inherit from where they stand.

use std::path::Path;
use std::sync::Arc;

use shevek_value::{Map, Value};

use crate::keyword::Own;
use crate::model::{IncludeFrame, Keywords, Role};

/// All that a list of tasks inherits: from its play, role, blocks and imports. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Scope {
    pub(crate) keywords: Arc<Keywords>,
    pub(crate) when: Arc<[Value]>,
    pub(crate) tags: Arc<[Value]>,
    pub(crate) vars: Arc<Map>,
    pub(crate) include_vars: Arc<Map>,
    pub(crate) role: Option<Arc<Role>>,
    pub(crate) collections: Arc<[Arc<str>]>,
    pub(crate) included: Option<Arc<IncludeFrame>>,
    pub(crate) file: Arc<Path>,
    pub(crate) play: Arc<PlayScope>,
    pub(crate) is_handlers: bool,
    /// How many files deep: an endless chain of imports ends here.
    pub(crate) depth: usize,
    /// Whether what fails here may be meant to fail, or may never run: what is wrong is then left for the run to find.
    pub(crate) is_lenient: bool,
}

/// What all tasks of a play share.
#[derive(Debug)]
pub(crate) struct PlayScope {
    /// The playbook's folder.
    pub(crate) dir: Arc<Path>,
    /// The play's `vars`.
    pub(crate) vars: Arc<Map>,
    /// The play's `vars_files`.
    pub(crate) vars_files: Vec<Value>,
}

impl Scope {
    /// The scope of what stands inside an element with keywords of its own.
    pub(crate) fn inside(&self, own: &Own) -> Scope {
        let mut scope = self.clone();
        if own.has_keywords {
            scope.keywords = Arc::new(own.keywords_over(&self.keywords));
        }
        if !own.when.is_empty() {
            scope.when = self.when.iter().chain(&own.when).cloned().collect();
            scope.is_lenient = true;
        }
        if !own.tags.is_empty() {
            scope.tags = join_tags(&self.tags, &own.tags);
        }
        if !own.vars.is_empty() {
            scope.vars = over(&self.vars, &own.vars);
        }
        if let Some(collections) = &own.collections {
            scope.collections = collections.clone();
        }
        scope
    }

    /// Layers of variables for rendering what must be known when loading, lowest first.
    pub(crate) fn layers(&self) -> Vec<Arc<Map>> {
        let mut layers = Vec::new();
        layers.extend(self.role.iter().map(|role| role.defaults.clone()));
        layers.push(self.play.vars.clone());
        layers.extend(self.role.iter().map(|role| role.vars.clone()));
        layers.push(self.vars.clone());
        layers.extend(self.role.iter().map(|role| role.params.clone()));
        layers.push(self.include_vars.clone());
        layers
    }
}

/// Tags of both, each once.
pub(crate) fn join_tags(outer: &[Value], own: &[Value]) -> Arc<[Value]> {
    let mut tags = outer.to_vec();
    for tag in own {
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    tags.into()
}

/// One mapping laid over another.
pub(crate) fn over(lower: &Arc<Map>, upper: &Map) -> Arc<Map> {
    if upper.is_empty() {
        return lower.clone();
    }
    let mut map = Map::clone(lower);
    map.extend(upper.iter().map(|(key, value)| (key.clone(), value.clone())));
    Arc::new(map)
}
