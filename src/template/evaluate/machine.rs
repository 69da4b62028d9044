//! One rendering: what all templates that it evaluates share.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use shevek_diag::Origin;
use shevek_value::{Kind, Undefined, Value};

use super::frame::Frames;
use super::{Eval, Fault, Written};
use crate::{Scope, Templar};

/// How many templates, macros and includes may be inside one another.
const DEEPEST: u32 = 400;

thread_local! {
    /// How many are. Of the thread, not of one rendering: `hostvars` render with a machine of their own.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// How many missing things are remembered with their places.
const REMEMBERED: usize = 256;

/// One rendering.
pub(crate) struct Machine<'a> {
    pub templar: &'a Templar,
    pub scope: &'a dyn Scope,
    pub frames: RefCell<Frames>,
    /// Templates being rendered as variables, outermost first: finds cycles.
    pub rendering: RefCell<Vec<Rendering>>,
    /// Templates inside of containers that were rendered already, by the address of their text (which is kept).
    pub memo: RefCell<HashMap<usize, (Arc<str>, Value)>>,
    /// Counts what may give another result next time (lookups, `now`): such results are not kept.
    pub volatile: Cell<u64>,
    /// What a plugin ran into while it was called.
    pub tripped: RefCell<Option<Arc<Undefined>>>,
    /// Whether text literals that look like templates are rendered (in conditions, as Ansible still does).
    pub renders_embedded: bool,
    /// Whether any variable is an alias.
    pub has_aliases: Cell<bool>,
    /// Whether any variable of the scope was copied to be changed.
    pub has_copies: Cell<bool>,
    /// Where the last missing things were asked for.
    missing: RefCell<VecDeque<Asked>>,
}

/// Something missing, and where it was asked for.
type Asked = (Arc<Undefined>, Arc<Written>, u32);

/// A template being rendered.
#[derive(Debug)]
pub(crate) struct Rendering {
    pub text: Arc<str>,
    pub name: Option<Arc<str>>,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(templar: &'a Templar, scope: &'a dyn Scope) -> Self {
        Self {
            templar,
            scope,
            frames: RefCell::default(),
            rendering: RefCell::default(),
            memo: RefCell::default(),
            volatile: Cell::new(0),
            tripped: RefCell::default(),
            renders_embedded: false,
            has_aliases: Cell::new(false),
            has_copies: Cell::new(false),
            missing: RefCell::default(),
        }
    }

    /// Something missing; remembers where it was asked for, since working out the place is slow and seldom wanted.
    pub(crate) fn undefined(&self, undefined: Undefined, written: &Arc<Written>, at: u32) -> Value {
        let undefined = Arc::new(undefined);
        let mut missing = self.missing.borrow_mut();
        if missing.len() >= REMEMBERED {
            missing.pop_front();
        }
        missing.push_back((undefined.clone(), written.clone(), at));
        Value::new(Kind::Undefined(undefined))
    }

    /// Where something missing was asked for.
    pub(crate) fn place_of_missing(&self, undefined: &Arc<Undefined>) -> Option<Origin> {
        let missing = self.missing.borrow();
        let known = missing.iter().rev().find(|(known, ..)| Arc::ptr_eq(known, undefined));
        undefined.origin.clone().or_else(|| known.and_then(|(_, written, at)| written.place(*at)))
    }

    /// Runs something that nests, on a stack that is large enough.
    pub(crate) fn nested<T>(&self, inner: impl FnOnce() -> Eval<T>) -> Eval<T> {
        let depth = DEPTH.get();
        if depth >= DEEPEST {
            return Err(Fault::new(
                "recursive loop detected",
                format!("more than {DEEPEST} templates, macros or includes are inside one another"),
            ));
        }
        DEPTH.set(depth + 1);
        let result = stacker::maybe_grow(256 * 1024, 2 * 1024 * 1024, inner);
        DEPTH.set(depth);
        result
    }

    /// Takes note that a result may differ next time.
    pub(crate) fn is_volatile(&self) {
        self.volatile.set(self.volatile.get() + 1);
    }
}
