//! `for`, and what `loop` knows.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use shevek_diag::{Diagnostic, Result};
use shevek_value::{Kind, Map, Object, Value};

use super::frame::{FrameId, Slot};
use super::place::{Place, Scoped};
use super::statement::Flow;
use super::{Eval, Fault, Output, Run};
use crate::syntax::{Args, Expr, ExprKind, ForLoop, Name, Target};

/// `loop`.
pub(crate) struct LoopObject {
    items: Arc<Vec<Value>>,
    at: AtomicUsize,
    depth: usize,
    changed: Mutex<Option<Vec<Value>>>,
    /// For `loop(children)`: the loop and the frame that it stands in.
    recursive: Option<(Arc<ForLoop>, Option<FrameId>)>,
}

impl fmt::Debug for LoopObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<LoopContext {}/{}>", self.index() + 1, self.items.len())
    }
}

impl LoopObject {
    fn index(&self) -> usize {
        self.at.load(Ordering::Relaxed)
    }
}

impl Object for LoopObject {
    fn type_name(&self) -> &'static str {
        "LoopContext"
    }

    fn get(&self, key: &Value) -> Result<Option<Value>> {
        let (index, length) = (self.index(), self.items.len());
        let neighbour = |at: Option<usize>, what: &str| {
            at.and_then(|at| self.items.get(at)).cloned().unwrap_or_else(|| {
                let hint = format!("there is no {what} item");
                shevek_value::Undefined { hint, ..Default::default() }.into()
            })
        };
        Ok(Some(match key.as_str() {
            Some("index") => Value::from(index + 1),
            Some("index0") => Value::from(index),
            Some("revindex") => Value::from(length.saturating_sub(index)),
            Some("revindex0") => Value::from(length.saturating_sub(index + 1)),
            Some("first") => Value::from(index == 0),
            Some("last") => Value::from(index + 1 == length),
            Some("length") => Value::from(length),
            Some("depth") => Value::from(self.depth + 1),
            Some("depth0") => Value::from(self.depth),
            Some("previtem") => neighbour(index.checked_sub(1), "previous"),
            Some("nextitem") => neighbour(Some(index + 1), "next"),
            _ => return Ok(None),
        }))
    }

    fn method(&self, name: &str, arguments: &[Value], _: &Map) -> Option<Result<Value>> {
        match name {
            "cycle" => Some(
                arguments
                    .get(self.index() % arguments.len().max(1))
                    .cloned()
                    .ok_or_else(|| Diagnostic::new("no items for cycling given")),
            ),
            "changed" => {
                let mut last = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
                let same = last.as_deref() == Some(arguments);
                *last = Some(arguments.to_vec());
                Some(Ok(Value::from(!same)))
            }
            _ => None,
        }
    }

    fn length(&self) -> Option<usize> {
        Some(self.items.len())
    }

    fn is_callable(&self) -> bool {
        self.recursive.is_some()
    }

    fn text(&self) -> String {
        format!("{self:?}")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Run<'_> {
    pub(crate) fn for_loop(&mut self, each: &Arc<ForLoop>, output: &mut Output) -> Eval<Flow> {
        let (items, place) = self.loop_items(&each.iter)?;
        let frame = self.frame;
        self.loop_over(each, items, place, output)?;
        self.frame = frame;
        Ok(Flow::On)
    }

    /// What a loop goes over, and where its containers live.
    fn loop_items(&mut self, iter: &Expr) -> Eval<(Vec<Value>, Option<Elements>)> {
        let value = self.or_blank(iter)?;
        let items = self.at(iter.at, self.machine.items(&value))?;
        if !items.iter().any(holds_container) {
            return Ok((items, None));
        }
        let elements = match &iter.kind {
            ExprKind::Call(of, _) => match &of.kind {
                ExprKind::Attr(on, name) if matches!(&**name, "items" | "values") => {
                    let keys = match self.eval(on)?.kind() {
                        Kind::Map(map) => map.keys().cloned().collect(),
                        _ => return Ok((items, None)),
                    };
                    let pairs = &**name == "items";
                    self.place_of(on, Scoped::Share)?.map(|place| Elements { place, keys: Some(keys), pairs })
                }
                _ => None,
            },
            ExprKind::Var(_) | ExprKind::Attr(..) | ExprKind::Item(..)
                if matches!(value.kind(), Kind::List(_)) =>
            {
                self.place_of(iter, Scoped::Share)?.map(|place| Elements { place, keys: None, pairs: false })
            }
            _ => None,
        };
        Ok((items, elements))
    }

    fn loop_over(
        &mut self,
        each: &Arc<ForLoop>,
        items: Vec<Value>,
        elements: Option<Elements>,
        output: &mut Output,
    ) -> Eval<()> {
        let (items, numbers) = self.wanted(each, items)?;
        if items.is_empty() {
            return self.in_frame(|run| run.statements(&each.otherwise, output).map(drop));
        }
        let items = Arc::new(items);
        let state = Arc::new(LoopObject {
            items: items.clone(),
            at: AtomicUsize::new(0),
            depth: self.loop_depth,
            changed: Mutex::new(None),
            recursive: each.recursive.then(|| (each.clone(), self.frame)),
        });
        let name = Name::from("loop");
        let parent = self.own_frame();
        self.loop_depth += 1;
        let mut result = Ok(());
        for (index, item) in items.iter().enumerate() {
            state.at.store(index, Ordering::Relaxed);
            let frame = self.machine.frames.borrow_mut().enter(Some(parent));
            self.frame = Some(frame);
            self.set_value(&name, super::call::shared(state.clone()));
            let number = numbers.as_ref().map_or(Some(index), |numbers| numbers.get(index).copied());
            let flow = self
                .bind_element(&each.target, item, elements.as_ref().zip(number))
                .and_then(|()| self.statements(&each.body, output));
            self.machine.frames.borrow_mut().leave(frame);
            self.frame = Some(parent);
            match flow {
                Ok(Flow::Break) => break,
                Ok(_) => {}
                Err(fault) => {
                    result = Err(fault);
                    break;
                }
            }
        }
        self.loop_depth -= 1;
        result
    }

    /// The items that the loop's `if` lets through, and their numbers when it has one.
    fn wanted(&mut self, each: &Arc<ForLoop>, items: Vec<Value>) -> Eval<(Vec<Value>, Option<Vec<usize>>)> {
        let Some(filter) = &each.filter else { return Ok((items, None)) };
        let (mut wanted, mut numbers) = (Vec::new(), Vec::new());
        for (number, item) in items.into_iter().enumerate() {
            let holds = self.in_frame(|run| {
                run.assign(&each.target, Slot::Value(item.clone()))?;
                let value = run.eval(filter)?;
                run.truth(&value)
            })?;
            if holds {
                wanted.push(item);
                numbers.push(number);
            }
        }
        Ok((wanted, Some(numbers)))
    }

    fn bind_element(&mut self, target: &Target, item: &Value, from: Option<(&Elements, usize)>) -> Eval<()> {
        let Some((elements, number)) = from else { return self.assign(target, Slot::Value(item.clone())) };
        let place = elements.place_of(number);
        match (target, place) {
            (Target::Tuple(targets, _), Some(place)) if elements.pairs => {
                let (Some([key, value]), [first, second]) = (item.as_list(), targets.as_slice()) else {
                    return self.assign(target, Slot::Value(item.clone()));
                };
                self.assign(first, Slot::Value(key.clone()))?;
                let slot = self.slot_for(value.clone(), Some(place));
                self.assign(second, slot)
            }
            (Target::Name(_), Some(place)) if !elements.pairs => {
                let slot = self.slot_for(item.clone(), Some(place));
                self.assign(target, slot)
            }
            _ => self.assign(target, Slot::Value(item.clone())),
        }
    }

    /// `loop(children)`
    pub(crate) fn recurse(&mut self, expr: &Expr, each: &LoopObject, args: &Args) -> Eval<Value> {
        let (Some((each, frame)), [children]) = (&each.recursive, args.positional.as_slice()) else {
            return self.fail(
                expr.at,
                "not a recursive loop",
                "The loop must have the 'recursive' marker to be called recursively, with one argument.",
            );
        };
        let children = self.operand(children)?;
        let items = self.at(expr.at, self.machine.items(&children))?;
        let here = std::mem::replace(&mut self.frame, *frame);
        let mut output = Output::default();
        let machine = self.machine;
        let result = machine.nested(|| self.loop_over(each, items, None, &mut output));
        self.frame = here;
        result?;
        Ok(output.into_value())
    }

    /// Assigns to names.
    pub(crate) fn assign(&mut self, target: &Target, slot: Slot) -> Eval<()> {
        match target {
            Target::Name(name) => {
                self.set(name, slot);
                Ok(())
            }
            Target::Attribute(name, attribute, at) => {
                let value = self.machine.slot_value(slot);
                let object = self.name(name, *at)?;
                if object.is_undefined() {
                    return Err(Fault::of_undefined(&object));
                }
                let namespace = object
                    .as_object()
                    .and_then(|object| object.as_any().downcast_ref::<super::globals::Namespace>());
                match namespace {
                    Some(namespace) => {
                        namespace.set(attribute, value);
                        Ok(())
                    }
                    None => self.fail(
                        *at,
                        "can't assign to an attribute",
                        format!("cannot assign attribute on non-namespace object '{name}'"),
                    ),
                }
            }
            Target::Tuple(targets, at) => {
                let value = self.machine.ready(self.machine.slot_value(slot))?;
                let items = self.at(*at, self.machine.items(&value))?;
                if items.len() != targets.len() {
                    let few = if items.len() < targets.len() { "not enough" } else { "too many" };
                    let detail =
                        format!("{few} values to unpack (expected {}, got {})", targets.len(), items.len());
                    return self.fail(*at, "can't unpack", detail);
                }
                targets
                    .iter()
                    .zip(items)
                    .try_for_each(|(target, item)| self.assign(target, Slot::Value(item)))
            }
        }
    }
}

fn holds_container(item: &Value) -> bool {
    match item.kind() {
        Kind::List(_) | Kind::Map(_) => true,
        Kind::Tuple(parts) => parts.iter().any(|part| matches!(part.kind(), Kind::List(_) | Kind::Map(_))),
        _ => false,
    }
}

/// Where the items of a loop live.
struct Elements {
    place: Place,
    /// Of a mapping; `None`: a list.
    keys: Option<Vec<Value>>,
    /// Whether items are keys and values.
    pairs: bool,
}

impl Elements {
    fn place_of(&self, number: usize) -> Option<Place> {
        let key = match &self.keys {
            Some(keys) => keys.get(number)?.clone(),
            None => Value::from(number),
        };
        Some(self.place.step(key))
    }
}
