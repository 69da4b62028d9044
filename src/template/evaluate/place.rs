//! Places: where a container lives, so that `l.append(x)` changes the variable and not a copy of it.

use std::sync::Arc;

use shevek_value::{Flags, Kind, Value};

use super::frame::{FrameId, Slot};
use super::globals::Namespace;
use super::{Eval, Machine, Run};
use crate::syntax::{Args, Expr, ExprKind, Name};

/// Another variable's place.
pub(crate) type Alias = Arc<Place>;

/// A variable or an attribute of a namespace, and a path into it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    root: Root,
    steps: Vec<Value>,
}

#[derive(Debug, Clone)]
enum Root {
    Variable(FrameId, Name),
    /// A variable of the scope, which is copied into that frame before it is changed.
    Shared(FrameId, Name),
    Attribute(Value, Name),
}

/// What to do about variables of the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scoped {
    /// They are to be changed: copy them into the template's frame.
    Copy,
    /// They may be changed later.
    Share,
}

impl Place {
    pub(crate) fn step(&self, key: Value) -> Self {
        let mut place = self.clone();
        place.steps.push(key);
        place
    }

    fn is_of(&self, frame: FrameId, name: &str) -> bool {
        match &self.root {
            Root::Variable(id, known) | Root::Shared(id, known) => *id == frame && **known == *name,
            Root::Attribute(..) => false,
        }
    }

    /// Whether it is a variable that the template has set.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.root, Root::Variable(..))
    }

    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.root, Root::Shared(..))
    }
}

impl Machine<'_> {
    /// What is at a place.
    pub(crate) fn read(&self, place: &Place) -> Option<Value> {
        let walk = |mut value: &Value| {
            for key in &place.steps {
                value = child(value, key)?;
            }
            Some(value.clone())
        };
        match &place.root {
            Root::Variable(frame, name) | Root::Shared(frame, name) => {
                let frames = self.frames.borrow();
                match frames.frame(*frame)?.get(name)? {
                    Slot::Value(value) => walk(value),
                    Slot::Alias(_) | Slot::Shared(..) => None,
                }
            }
            Root::Attribute(namespace, name) => {
                let object = namespace.as_object()?;
                let value = object.as_any().downcast_ref::<Namespace>()?.get(name)?;
                walk(&value)
            }
        }
    }

    /// Changes what is at a place. `marks` are those of what is put in.
    pub(crate) fn change<T>(
        &self,
        place: &Place,
        marks: Flags,
        change: impl FnOnce(&mut Value) -> T,
    ) -> Option<T> {
        let walk = |mut value: &mut Value| {
            value.add_flags(marks);
            for key in &place.steps {
                value = child_mut(value, key)?;
                value.add_flags(marks);
            }
            Some(change(value))
        };
        match &place.root {
            Root::Variable(frame, name) | Root::Shared(frame, name) => {
                let mut frames = self.frames.borrow_mut();
                match frames.frame_mut(*frame)?.get_mut(name)? {
                    Slot::Value(value) => walk(value),
                    Slot::Alias(_) | Slot::Shared(..) => None,
                }
            }
            Root::Attribute(namespace, name) => {
                let object = namespace.as_object()?;
                object.as_any().downcast_ref::<Namespace>()?.change(name, walk)?
            }
        }
    }

    /// Copies a shared variable into the template's frame, to be changed there.
    fn own(&self, place: &Place) -> Eval<()> {
        let Root::Shared(frame, name) = &place.root else { return Ok(()) };
        let known = self.frames.borrow().frame(*frame).is_some_and(|frame| frame.get(name).is_some());
        if !known && let Some(value) = self.variable(name)? {
            let value = self.rendered_through(value);
            self.has_copies.set(true);
            if let Some(frame) = self.frames.borrow_mut().frame_mut(*frame) {
                frame.set(name, Slot::Value(value));
            }
        }
        Ok(())
    }

    /// What a name stands for.
    pub(crate) fn slot_value(&self, slot: Slot) -> Value {
        match slot {
            Slot::Value(value) => value,
            Slot::Alias(place) => self.read(&place).unwrap_or_default(),
            Slot::Shared(value, place) if self.has_copies.get() => self.read(&place).unwrap_or(value),
            Slot::Shared(value, _) => value,
        }
    }

    /// What other names stand for a variable's containers get copies of their own: the variable is set anew.
    pub(crate) fn release_aliases(&self, frame: FrameId, name: &str) {
        if !self.has_aliases.get() {
            return;
        }
        let found: Vec<(FrameId, Name)> = self.frames.borrow().aliases(|place| place.is_of(frame, name));
        for (owner, alias) in found {
            let slot = self.frames.borrow().frame(owner).and_then(|frame| frame.get(&alias)).cloned();
            let value = slot.map(|slot| self.slot_value(slot)).unwrap_or_default();
            if let Some(frame) = self.frames.borrow_mut().frame_mut(owner) {
                frame.set(&alias, Slot::Value(value));
            }
        }
    }
}

fn child<'v>(value: &'v Value, key: &Value) -> Option<&'v Value> {
    match value.kind() {
        Kind::Map(map) => map.get(key),
        Kind::List(items) => items.get(index(key, items.len())?),
        _ => None,
    }
}

fn child_mut<'v>(value: &'v mut Value, key: &Value) -> Option<&'v mut Value> {
    match value.kind_mut() {
        Kind::Map(map) => Arc::make_mut(map).get_mut(key),
        Kind::List(items) => {
            let index = index(key, items.len())?;
            Arc::make_mut(items).get_mut(index)
        }
        _ => None,
    }
}

/// Python's index: from the end when negative.
pub(crate) fn index(key: &Value, length: usize) -> Option<usize> {
    let index = key.as_int()?;
    let index = if index < 0 { index.checked_add(i64::try_from(length).ok()?)? } else { index };
    usize::try_from(index).ok().filter(|index| *index < length)
}

impl Run<'_> {
    /// The place that an expression names, if it names one.
    pub(crate) fn place_of(&mut self, expr: &Expr, scoped: Scoped) -> Eval<Option<Place>> {
        match &expr.kind {
            ExprKind::Var(name) => self.place_of_variable(name, scoped),
            ExprKind::Attr(of, name) => {
                if let ExprKind::Var(of) = &of.kind
                    && let Some(namespace) = self.namespace(of)
                {
                    return Ok(Some(Place {
                        root: Root::Attribute(namespace, name.clone()),
                        steps: Vec::new(),
                    }));
                }
                Ok(self.place_of(of, scoped)?.map(|place| place.step(Value::str(name.clone()))))
            }
            ExprKind::Item(of, key) => {
                let Some(place) = self.place_of(of, scoped)? else { return Ok(None) };
                let key = self.eval(key)?;
                Ok(Some(place.step(key)))
            }
            ExprKind::Call(of, args) => self.place_of_call(of, args, scoped),
            _ => Ok(None),
        }
    }

    fn place_of_variable(&mut self, name: &Name, scoped: Scoped) -> Eval<Option<Place>> {
        let place = |frame| Place { root: Root::Variable(frame, name.clone()), steps: Vec::new() };
        let found = {
            let frames = self.machine.frames.borrow();
            let frame = frames.find(self.frame, name);
            match frame.and_then(|id| Some((id, frames.frame(id)?.get(name)?))) {
                Some((_, Slot::Alias(alias) | Slot::Shared(_, alias))) => Some((**alias).clone()),
                Some((id, Slot::Value(_))) => Some(place(id)),
                None => None,
            }
        };
        if let Some(found) = found {
            if scoped == Scoped::Copy {
                self.machine.own(&found)?;
            }
            return Ok(Some(found));
        }
        if self.without_scope {
            return Ok(None);
        }
        let Some(value) = self.machine.variable(name)? else { return Ok(None) };
        if !matches!(value.kind(), Kind::List(_) | Kind::Map(_)) {
            return Ok(None);
        }
        self.own_frame();
        let Some(root) = self.root else { return Ok(None) };
        let shared = Place { root: Root::Shared(root, name.clone()), steps: Vec::new() };
        if scoped == Scoped::Copy {
            self.machine.own(&shared)?;
        }
        Ok(Some(shared))
    }

    /// `d.setdefault(k, []).append(x)` and `d.get(k).append(x)` change what is in `d`.
    fn place_of_call(&mut self, of: &Expr, args: &Args, scoped: Scoped) -> Eval<Option<Place>> {
        let ExprKind::Attr(of, method) = &of.kind else { return Ok(None) };
        let (Some(key), true) = (args.positional.first(), matches!(&**method, "setdefault" | "get")) else {
            return Ok(None);
        };
        let Some(place) = self.place_of(of, scoped)? else { return Ok(None) };
        let key = self.eval(key)?;
        let Some(value) = self.machine.read(&place) else { return Ok(None) };
        let Some(map) = value.as_map() else { return Ok(None) };
        if map.contains_key(&key) {
            return Ok(Some(place.step(key)));
        }
        let (true, Some(default)) = (&**method == "setdefault", args.positional.get(1)) else {
            return Ok(None);
        };
        drop(value);
        let default = self.eval(default)?;
        let marks = default.flags().with(key.flags());
        self.machine.change(&place, marks, |value| {
            if let Kind::Map(map) = value.kind_mut() {
                Arc::make_mut(map).insert(key.clone(), default);
            }
        });
        Ok(Some(place.step(key)))
    }

    fn namespace(&self, name: &Name) -> Option<Value> {
        let frames = self.machine.frames.borrow();
        match frames.frame(frames.find(self.frame, name)?)?.get(name)? {
            Slot::Value(value) if value.as_object()?.as_any().is::<Namespace>() => Some(value.clone()),
            _ => None,
        }
    }

    /// What to bind to a name: a container that lives in another variable is bound as an alias of it.
    pub(crate) fn slot_for(&mut self, value: Value, place: Option<Place>) -> Slot {
        match place {
            Some(place) if matches!(value.kind(), Kind::List(_) | Kind::Map(_)) => {
                self.machine.has_aliases.set(true);
                if place.is_shared() {
                    return Slot::Shared(value, Arc::new(place));
                }
                if self.machine.read(&place).is_none() {
                    return Slot::Value(value);
                }
                Slot::Alias(Arc::new(place))
            }
            _ => Slot::Value(value),
        }
    }
}
