//! Calls: methods, functions, macros, lookups.

use std::sync::Arc;

use shevek_diag::Diagnostic;
use shevek_value::{Flags, Kind, Object, Undefined, Value};

use super::expression::tainted;
use super::globals::{BoundMethod, Global, OwnTemplate};
use super::loops::LoopObject;
use super::macros::MacroObject;
use super::place::{Place, Scoped};
use super::plugin_call::not_now;
use super::{Eval, Fault, Run};
use crate::methods;
use crate::plugin::{Arguments, Markers};
use crate::syntax::{Args, Expr, ExprKind, Name};
use crate::watch::{self, Glance};

impl Run<'_> {
    /// A call. What fails in it becomes a marker, as in Ansible: `x.y() | default(1)`.
    pub(crate) fn call(&mut self, expr: &Expr, of: &Expr, args: &Args) -> Eval<Value> {
        if let ExprKind::Attr(on, name) = &of.kind {
            return self.call_method(expr, of, (on, name), args);
        }
        if let ExprKind::Var(name) = &of.kind
            && &**name == "super"
            && !self.in_blocks.is_empty()
        {
            return self.super_block(expr.at);
        }
        let callee = self.eval(of)?;
        self.call_value(expr, &callee, args)
    }

    fn call_value(&mut self, expr: &Expr, callee: &Value, args: &Args) -> Eval<Value> {
        if callee.is_undefined() {
            return Ok(callee.clone());
        }
        let Some(object) = callee.as_object() else {
            let detail = format!("'{}' object is not callable", callee.type_name());
            return Ok(self.failed(expr, Fault::new("not callable", detail)));
        };
        if let Some(called) = object.as_any().downcast_ref::<MacroObject>() {
            return self.call_macro(expr.at, called, args, None);
        }
        if let Some(each) = object.as_any().downcast_ref::<LoopObject>() {
            return self.recurse(expr, each, args);
        }
        if let Some(method) = object.as_any().downcast_ref::<BoundMethod>() {
            let arguments = self.arguments(None, args)?;
            return Ok(self.finish_call(
                expr,
                &method.of,
                &arguments,
                method.call(&arguments.positional, &arguments.named),
            ));
        }
        match object.as_any().downcast_ref::<Global>() {
            Some(Global::Lookup) => self.lookup_call(expr, args, false),
            Some(Global::Query) => self.lookup_call(expr, args, true),
            Some(Global::Undef) => self.undef(expr, args),
            Some(global) => {
                let arguments = self.arguments(None, args)?;
                if let Some(marker) = top_marker(&arguments) {
                    return Ok(marker);
                }
                let secret = any_secret(&arguments);
                let result = self.call_global(*global, arguments);
                Ok(self.result_of(expr, result, secret))
            }
            None => {
                let arguments = self.arguments(None, args)?;
                if let Some(marker) = top_marker(&arguments) {
                    return Ok(marker);
                }
                let result = object.call(&arguments.positional, &arguments.named);
                Ok(self.result_of(expr, result, any_secret(&arguments)))
            }
        }
    }

    fn call_method(
        &mut self,
        expr: &Expr,
        of: &Expr,
        (on, name): (&Expr, &Name),
        args: &Args,
    ) -> Eval<Value> {
        if methods::is_changing(name)
            && let Some(result) = self.call_in_place(expr, on, name, args)?
        {
            return Ok(result);
        }
        let value = self.eval(on)?;
        if value.is_undefined() {
            return Ok(value);
        }
        if let Some(object) = value.as_object() {
            if object.as_any().is::<OwnTemplate>() {
                return self.own_block(expr.at, name);
            }
            let object = object.clone();
            if let Some(callee) = self.at(expr.at, object.attribute(name).map_err(Fault::from))? {
                let callee = self.machine.ready_or_marker(callee);
                return self.call_value(expr, &callee, args);
            }
            let arguments = self.arguments(None, args)?;
            if let Some(marker) = top_marker(&arguments) {
                return Ok(marker);
            }
            if let Some(result) = object.method(name, &arguments.positional, &arguments.named) {
                return Ok(self.finish_call(expr, &value, &arguments, result));
            }
        }
        if !methods::has(&value, name) {
            let callee = self.attribute(&value, name, of)?;
            return self.call_value(expr, &callee, args);
        }
        let arguments = self.arguments(None, args)?;
        if let Some(marker) = top_marker(&arguments) {
            return Ok(marker);
        }
        let value = if methods::looks_at_items(name) { self.machine.rendered_through(value) } else { value };
        match methods::call(&value, name, &arguments.positional, &arguments.named) {
            Some(result) => Ok(self.finish_call(expr, &value, &arguments, result)),
            None => {
                let callee = self.attribute(&value, name, of)?;
                self.call_value(expr, &callee, args)
            }
        }
    }

    /// A method that changes its list or mapping, where that lives in a variable.
    fn call_in_place(&mut self, expr: &Expr, on: &Expr, name: &Name, args: &Args) -> Eval<Option<Value>> {
        let Some(place) = self.place_of(on, Scoped::Copy)? else { return Ok(None) };
        let Some(current) = self.machine.read(&place) else { return Ok(None) };
        if !matches!(current.kind(), Kind::List(_) | Kind::Map(_) | Kind::Set(_)) {
            return Ok(None);
        }
        let arguments = self.arguments(None, args)?;
        if let Some(marker) = top_marker(&arguments) {
            return Ok(Some(marker));
        }
        if current.is_template() && methods::looks_at_items(name) {
            let rendered = self.machine.rendered_through(current);
            self.machine.change(&place, Flags::NONE, |value| *value = rendered);
        } else {
            drop(current);
        }
        Ok(self.change_at(expr, &place, name, &arguments))
    }

    fn change_at(&mut self, expr: &Expr, place: &Place, name: &Name, arguments: &Arguments) -> Option<Value> {
        let marks = arguments
            .positional
            .iter()
            .chain(arguments.named.values())
            .fold(Flags::NONE, |all, value| all.with(value.flags()));
        let result = self.machine.change(place, marks, |value| {
            methods::change(value, name, &arguments.positional, &arguments.named)
        })??;
        Some(match result {
            Ok(value) => self.machine.ready_or_marker(value),
            Err(why) => self.failed(expr, Fault::Error(why)),
        })
    }

    fn finish_call(
        &mut self,
        expr: &Expr,
        of: &Value,
        arguments: &Arguments,
        result: shevek_diag::Result<Value>,
    ) -> Value {
        let scalar = matches!(of.kind(), Kind::Str(_) | Kind::Bytes(_));
        self.result_of(expr, result, scalar && (of.is_secret() || any_secret(arguments)))
    }

    fn result_of(&mut self, expr: &Expr, result: shevek_diag::Result<Value>, secret: bool) -> Value {
        match result {
            Ok(value) => {
                let value = self.machine.ready_or_marker(value);
                if secret { tainted(value, &[&Value::NULL.secret()]) } else { value }
            }
            Err(why) => self.failed(expr, Fault::Error(why)),
        }
    }

    /// What failed, as a marker with its place.
    pub(crate) fn failed(&self, expr: &Expr, fault: Fault) -> Value {
        fault.or_at(|| self.written.place(expr.at)).into_marker()
    }

    fn undef(&mut self, expr: &Expr, args: &Args) -> Eval<Value> {
        let arguments = self.arguments(None, args)?;
        let hint = match arguments.get(0, "hint").map(Value::kind) {
            Some(Kind::Str(hint)) => hint.to_string(),
            _ => Undefined::MANDATORY.to_owned(),
        };
        Ok(self.machine.undefined(Undefined { hint, ..Undefined::default() }, &self.written, expr.at))
    }

    fn lookup_call(&mut self, expr: &Expr, args: &Args, wantlist: bool) -> Eval<Value> {
        let mut arguments = Arguments::default();
        for arg in &args.positional {
            let value = self.lookup_argument(arg)?;
            arguments.positional.push(self.machine.rendered_through(value));
        }
        let rest = Args::default();
        let more = if args.splat.is_some() || args.named_splat.is_some() || !args.named.is_empty() {
            self.arguments_after(args)?
        } else {
            self.arguments(None, &rest)?
        };
        arguments.positional.extend(more.positional);
        arguments.named = more.named;
        if arguments.positional.is_empty() {
            return self.fail(expr.at, "missing argument", "a lookup needs the name of a lookup plugin");
        }
        let name = arguments.positional.remove(0);
        if name.is_undefined() {
            return Err(Fault::of_undefined(&name));
        }
        let Some(name) = name.as_str() else {
            let detail = format!("the name of a lookup plugin is text, not '{}'", name.type_name());
            return self.fail(expr.at, "wrong argument", detail);
        };
        if wantlist {
            arguments.named.insert(Value::from("wantlist"), Value::from(true));
        }
        match self.machine.run_lookup(name, arguments) {
            Ok(value) => Ok(value),
            Err(fault) => Ok(self.failed(expr, fault)),
        }
    }

    /// Splatted and named arguments alone.
    fn arguments_after(&mut self, args: &Args) -> Eval<Arguments> {
        let mut all = Arguments::default();
        if let Some(expr) = &args.splat {
            let value = self.operand(expr)?;
            all.positional = self.at(expr.at, self.machine.items(&value))?;
        }
        for (name, expr) in &args.named {
            let value = self.lookup_argument(expr)?;
            all.named.insert(name.clone(), self.machine.rendered_through(value));
        }
        if let Some(expr) = &args.named_splat {
            let value = self.operand(expr)?;
            let value = self.machine.rendered_through(value);
            all.named.extend(value.as_map().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
        }
        Ok(all)
    }
}

impl super::Machine<'_> {
    /// Runs a lookup as `lookup()` does: `wantlist` and `errors` are understood here.
    pub(crate) fn run_lookup(&self, name: &str, mut arguments: Arguments) -> Eval<Value> {
        let Some(lookup) = self.templar.plugins().lookup(name).copied() else {
            return Err(Fault::Error(self.no_lookup(name)));
        };
        if lookup.markers != Markers::Accept
            && let Some(marker) = top_marker(&arguments)
        {
            return Ok(marker);
        }
        self.is_volatile();
        if !watch::may_look(Glance::of_lookup(lookup.names.first().copied().unwrap_or_default())) {
            return Err(Fault::Error(not_now(name)));
        }
        let wantlist = arguments.named.shift_remove("wantlist").is_some_and(|value| value.is_true());
        let errors = arguments.named.shift_remove("errors");
        let secret = any_secret(&arguments);
        let result = match self.guarded(|| (lookup.run)(self, &arguments)) {
            Ok(result) => result,
            Err(Fault::Undefined(undefined)) => return Ok(Fault::Undefined(undefined).into_marker()),
            Err(Fault::Error(why)) => {
                let none = if wantlist { Value::list(Vec::new()) } else { Value::NULL };
                let why = match why.detail.is_empty() {
                    true => why.detail(format!("the lookup '{name}' failed")),
                    false => {
                        let detail = format!("the lookup '{name}' failed: {}", why.detail);
                        why.detail(detail)
                    }
                };
                return match errors.as_ref().and_then(Value::as_str) {
                    Some("ignore") => Ok(none),
                    Some("warn") => {
                        let mut warning = why;
                        warning.severity = shevek_diag::Severity::Warning;
                        self.scope.warn(warning);
                        Ok(none)
                    }
                    _ => Err(Fault::Error(why)),
                };
            }
        };
        self.learn(&result);
        let result = if wantlist { result } else { joined(result) };
        Ok(if secret { tainted(result, &[&Value::NULL.secret()]) } else { result })
    }
}

/// What `lookup()` makes of a list: one item is itself, several texts are joined by commas.
fn joined(result: Value) -> Value {
    let Some(items) = result.as_list() else { return result };
    match items {
        [] => result,
        [one] => one.clone(),
        many => {
            let texts: Option<Vec<&str>> = many.iter().map(Value::as_str).collect();
            match texts {
                Some(texts) => {
                    let text = Value::from(texts.join(","));
                    if result.is_secret() { text.secret() } else { text }
                }
                None => result,
            }
        }
    }
}

fn top_marker(arguments: &Arguments) -> Option<Value> {
    let mut all = arguments.positional.iter().chain(arguments.named.values());
    all.find(|value| value.is_undefined()).cloned()
}

fn any_secret(arguments: &Arguments) -> bool {
    arguments.positional.iter().chain(arguments.named.values()).any(Value::is_secret)
}

/// A no-argument call's error text for messages about wrong calls.
pub(crate) fn wrong_call(detail: impl Into<String>) -> Box<Diagnostic> {
    Diagnostic::new("wrong call").detail(detail)
}

/// Shares an object as a value.
pub(crate) fn shared(object: Arc<dyn shevek_value::Object>) -> Value {
    Value::new(Kind::Object(object))
}
