//! What a source says, in order: the steps that build an inventory.
//!
//! Sources are read without touching the inventory (several at once, on all processors), and their steps are then
//! taken one source after the other. A source that fails leaves nothing behind.

use std::sync::Arc;

use shevek_diag::{Diagnostic, Diagnostics, Origin};
use shevek_value::{Map, Value};

/// One thing that a source says.
#[derive(Debug, Clone)]
pub enum Step {
    /// There is a group.
    Group {
        /// Its name.
        name: Arc<str>,
        /// Where it is named.
        origin: Option<Origin>,
    },
    /// There are hosts: new ones, or more about known ones.
    Hosts {
        /// Their names.
        names: Vec<Arc<str>>,
        /// The group that they are in; it must be there by now.
        group: Option<Arc<str>>,
        /// `ansible_port` of the new ones.
        port: Option<u16>,
        /// Variables that all of them get.
        vars: Arc<Map>,
        /// Where they are named.
        origin: Option<Origin>,
    },
    /// A group has a variable.
    GroupVariable {
        /// The group; it must be there by now.
        group: Arc<str>,
        /// The variable's name.
        name: Value,
        /// Its value.
        value: Value,
    },
    /// A group is in a group.
    Child {
        /// The outer group; it must be there by now.
        parent: Arc<str>,
        /// The inner group. It may come later in the same source: the relation then begins there.
        child: Arc<str>,
        /// Where that is said.
        origin: Option<Origin>,
    },
}

/// All that a source says.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    /// In order.
    pub steps: Vec<Step>,
    /// Groups that must be declared by this source or one before, with what to say if they aren't.
    pub required: Vec<(Arc<str>, Box<Diagnostic>)>,
    /// What is done but probably not as meant.
    pub warnings: Diagnostics,
    /// Why there are not more.
    pub failure: Option<Box<Diagnostic>>,
}

impl Steps {
    /// Adds a group.
    pub fn group(&mut self, name: impl Into<Arc<str>>, origin: Option<&Origin>) {
        self.steps.push(Step::Group { name: name.into(), origin: origin.cloned() });
    }

    /// Adds a relation between groups.
    pub fn child(&mut self, parent: &Arc<str>, child: &Arc<str>, origin: Option<&Origin>) {
        self.steps.push(Step::Child {
            parent: parent.clone(),
            child: child.clone(),
            origin: origin.cloned(),
        });
    }

    /// Adds a variable of a group.
    pub fn group_variable(&mut self, group: &Arc<str>, name: Value, value: Value) {
        self.steps.push(Step::GroupVariable { group: group.clone(), name, value });
    }

    /// Adds a warning.
    pub fn warn(&mut self, warning: Box<Diagnostic>) {
        self.warnings.push(warning);
    }
}
