//! Blocks, and what lists of tasks are made of.

use std::sync::Arc;

use shevek_diag::Origin;
use shevek_value::Value;

use crate::model::Task;

/// One entry of a list of tasks.
#[derive(Debug, Clone)]
pub enum Item {
    /// A task.
    Task(Arc<Task>),
    /// A block.
    Block(Arc<Block>),
}

/// A block. What its keywords give to the tasks inside is already part of those tasks.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// Its name, if it has one.
    pub name: Option<Value>,
    /// The tasks.
    pub body: Vec<Item>,
    /// What runs when one of them fails.
    pub rescue: Vec<Item>,
    /// What runs in any case.
    pub always: Vec<Item>,
    /// Where it is written; `None` for blocks that the loader adds.
    pub origin: Option<Origin>,
}

impl Item {
    /// Calls `visit` for each task in it, those of `rescue` and `always` as well.
    pub fn each_task<'a>(&'a self, visit: &mut dyn FnMut(&'a Arc<Task>)) {
        match self {
            Item::Task(task) => visit(task),
            Item::Block(block) => {
                for item in block.body.iter().chain(&block.rescue).chain(&block.always) {
                    item.each_task(visit);
                }
            }
        }
    }
}
