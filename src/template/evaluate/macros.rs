//! Macros and call blocks.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use shevek_diag::Result;
use shevek_value::{Map, Object, Value};

use super::call::wrong_call;
use super::frame::{FrameId, Slot};
use super::place::Scoped;
use super::{Eval, Fault, Output, Run, Written};
use crate::syntax::{Args, Expr, ExprKind, Macro, Name};

/// A macro with the frame that it was defined in.
pub(crate) struct MacroObject {
    pub definition: Arc<Macro>,
    pub written: Arc<Written>,
    pub frame: Option<FrameId>,
    /// Whether it came with an import without context.
    pub without_scope: bool,
}

impl fmt::Debug for MacroObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Macro '{}'>", self.definition.name)
    }
}

impl Object for MacroObject {
    fn type_name(&self) -> &'static str {
        "Macro"
    }
    fn get(&self, key: &Value) -> Result<Option<Value>> {
        let definition = &self.definition;
        Ok(match key.as_str() {
            Some("name") => Some(Value::str(definition.name.clone())),
            Some("arguments") => {
                Some(Value::tuple(definition.parameters.iter().cloned().map(Value::str).collect()))
            }
            Some("catch_varargs") => Some(Value::from(definition.varargs)),
            Some("catch_kwargs") => Some(Value::from(definition.kwargs)),
            Some("caller") => Some(Value::from(definition.caller)),
            _ => None,
        })
    }
    fn is_callable(&self) -> bool {
        true
    }
    fn text(&self) -> String {
        format!("{self:?}")
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Run<'_> {
    pub(crate) fn macro_object(&mut self, definition: &Arc<Macro>) -> Value {
        let frame = Some(self.own_frame());
        self.machine.frames.borrow_mut().capture(frame);
        Value::object(MacroObject {
            definition: definition.clone(),
            written: self.written.clone(),
            frame,
            without_scope: self.without_scope,
        })
    }

    /// `{% call m() %}…{% endcall %}`
    pub(crate) fn call_block(&mut self, call: &Expr, body: &Arc<Macro>) -> Eval<Value> {
        let ExprKind::Call(of, args) = &call.kind else { return Ok(Value::NULL) };
        let caller = self.macro_object(body);
        let callee = self.eval(of)?;
        if callee.is_undefined() {
            return Ok(callee);
        }
        let object = callee.as_object().cloned();
        match object.as_ref().and_then(|object| object.as_any().downcast_ref::<MacroObject>()) {
            Some(called) => self.call_macro(call.at, called, args, Some(caller)),
            None => self.fail(
                call.at,
                "not a macro",
                format!("a call block calls a macro, not '{}'", callee.type_name()),
            ),
        }
    }

    /// Calls a macro; a fault inside is its result, as a marker.
    pub(crate) fn call_macro(
        &mut self,
        at: u32,
        called: &MacroObject,
        args: &Args,
        caller: Option<Value>,
    ) -> Eval<Value> {
        let given = self.macro_arguments(args, caller)?;
        let machine = self.machine;
        let result = machine.nested(|| {
            let mut run = Run::new(machine, called.written.clone());
            let frame = machine.frames.borrow_mut().enter(called.frame);
            run.frame = Some(frame);
            run.root = called.frame.or(Some(frame));
            run.without_scope = called.without_scope;
            std::mem::swap(&mut run.blocks, &mut self.blocks);
            let result = run.macro_body(&called.definition, given);
            std::mem::swap(&mut run.blocks, &mut self.blocks);
            machine.frames.borrow_mut().leave(frame);
            result
        });
        match self.at(at, result) {
            Ok(value) => Ok(value),
            Err(fault) => Ok(fault.into_marker()),
        }
    }

    fn macro_arguments(&mut self, args: &Args, caller: Option<Value>) -> Eval<Given> {
        let mut given = Given { positional: Vec::with_capacity(args.positional.len()), named: Vec::new() };
        for expr in &args.positional {
            let slot = self.macro_argument(expr)?;
            given.positional.push(slot);
        }
        for (name, expr) in &args.named {
            let slot = self.macro_argument(expr)?;
            given.named.push((name.clone(), slot));
        }
        if args.splat.is_some() || args.named_splat.is_some() {
            if let Some(expr) = &args.splat {
                let value = self.operand(expr)?;
                let items = self.at(expr.at, self.machine.items(&value))?;
                given.positional.extend(items.into_iter().map(Slot::Value));
            }
            if let Some(expr) = &args.named_splat {
                let value = self.operand(expr)?;
                let entries = value.as_map().into_iter().flatten();
                given.named.extend(entries.map(|(k, v)| (k.clone(), Slot::Value(v.clone()))));
            }
        }
        if let Some(caller) = caller {
            given.named.push((Value::from("caller"), Slot::Value(caller)));
        }
        Ok(given)
    }

    /// As in Ansible, a macro that changes a list changes the scope's or a namespace's, but a copy of one that the
    /// template has set.
    fn macro_argument(&mut self, expr: &Expr) -> Eval<Slot> {
        let value = self.eval(expr)?;
        let place = self.alias_of(expr, &value)?.filter(|place| !place.is_local());
        Ok(self.slot_for(value, place))
    }

    /// The place of a container that an expression names, without copying anything into the template.
    pub(crate) fn alias_of(&mut self, expr: &Expr, value: &Value) -> Eval<Option<super::place::Place>> {
        let is_container = matches!(value.kind(), shevek_value::Kind::List(_) | shevek_value::Kind::Map(_));
        let is_path = matches!(expr.kind, ExprKind::Var(_) | ExprKind::Attr(..) | ExprKind::Item(..));
        if !is_container || !is_path {
            return Ok(None);
        }
        self.place_of(expr, Scoped::Share)
    }

    fn macro_body(&mut self, definition: &Arc<Macro>, given: Given) -> Eval<Value> {
        self.bind(definition, given)?;
        let mut output = Output::default();
        self.statements(&definition.body, &mut output)?;
        Ok(output.into_value())
    }

    fn bind(&mut self, definition: &Macro, given: Given) -> Eval<()> {
        let Given { positional, mut named } = given;
        let name = &definition.name;
        let mut positional = positional.into_iter();
        let first_default =
            definition.parameters.len() - definition.defaults.len().min(definition.parameters.len());
        for (number, parameter) in definition.parameters.iter().enumerate() {
            let by_name = named.iter().position(|(key, _)| *key == **parameter).map(|at| named.remove(at).1);
            let slot = match (positional.next(), by_name) {
                (Some(_), Some(_)) => {
                    let detail = format!("macro '{name}' got two values for the argument '{parameter}'");
                    return Err(Fault::Error(wrong_call(detail)));
                }
                (Some(slot), None) | (None, Some(slot)) => slot,
                (None, None) => {
                    let default = number.checked_sub(first_default).and_then(|n| definition.defaults.get(n));
                    match default {
                        Some(default) => Slot::Value(self.eval(default)?),
                        None => {
                            let hint = format!("parameter '{parameter}' was not provided");
                            Slot::Value(self.undefined(parameter.to_string(), &hint, 0))
                        }
                    }
                }
            };
            self.set(parameter, slot);
        }
        let values = |run: &Self, slots: Vec<Slot>| -> Vec<Value> {
            slots.into_iter().map(|slot| run.machine.slot_value(slot)).collect()
        };
        let rest: Vec<Slot> = positional.collect();
        if definition.caller {
            let caller = named.iter().position(|(key, _)| *key == *"caller").map(|at| named.remove(at).1);
            let caller = caller
                .unwrap_or_else(|| Slot::Value(self.undefined("caller".to_owned(), "No caller defined", 0)));
            self.set(&Name::from("caller"), caller);
        }
        if definition.kwargs {
            let map: Map = named.drain(..).map(|(key, slot)| (key, self.machine.slot_value(slot))).collect();
            self.set_value(&Name::from("kwargs"), Value::map(map));
        } else if let Some((key, _)) = named.first() {
            let detail = format!("macro '{name}' takes no keyword argument '{}'", key.text());
            return Err(Fault::Error(wrong_call(detail)));
        }
        if definition.varargs {
            let rest = values(self, rest);
            self.set_value(&Name::from("varargs"), Value::tuple(rest));
        } else if !rest.is_empty() {
            let count = definition.parameters.len();
            let detail = format!("macro '{name}' takes not more than {count} argument(s)");
            return Err(Fault::Error(wrong_call(detail)));
        }
        Ok(())
    }
}

/// What a macro is called with.
struct Given {
    positional: Vec<Slot>,
    named: Vec<(Value, Slot)>,
}
