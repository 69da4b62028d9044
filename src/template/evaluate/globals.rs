//! Functions and objects that every template has.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use shevek_diag::{Diagnostic, Result};
use shevek_value::{Kind, Map, Object, Range, Value};

use super::Run;
use crate::plugin::Arguments;
use crate::syntax::Name;
use crate::watch::{self, Glance};

/// A function of every template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Global {
    Range,
    Dict,
    Lipsum,
    Cycler,
    Joiner,
    Namespace,
    Now,
    Undef,
    Lookup,
    Query,
}

impl Global {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "range" => Global::Range,
            "dict" => Global::Dict,
            "lipsum" => Global::Lipsum,
            "cycler" => Global::Cycler,
            "joiner" => Global::Joiner,
            "namespace" => Global::Namespace,
            "now" => Global::Now,
            "undef" => Global::Undef,
            "lookup" => Global::Lookup,
            "query" | "q" => Global::Query,
            _ => return None,
        })
    }
}

impl Object for Global {
    fn type_name(&self) -> &'static str {
        match self {
            Global::Range | Global::Dict | Global::Cycler | Global::Joiner | Global::Namespace => "type",
            _ => "function",
        }
    }
    fn get(&self, _: &Value) -> Result<Option<Value>> {
        Ok(None)
    }
    fn is_callable(&self) -> bool {
        true
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `value.method`, not called yet.
#[derive(Debug)]
pub(crate) struct BoundMethod {
    pub of: Value,
    pub name: Arc<str>,
}

impl Object for BoundMethod {
    fn type_name(&self) -> &'static str {
        "builtin_function_or_method"
    }
    fn is_callable(&self) -> bool {
        true
    }
    fn call(&self, arguments: &[Value], named: &Map) -> Result<Value> {
        crate::methods::call(&self.of, &self.name, arguments, named).unwrap_or_else(|| {
            Err(Diagnostic::new("no such method").detail(format!(
                "object of type '{}' has no attribute '{}'",
                self.of.type_name(),
                self.name
            )))
        })
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `namespace()`: attributes that inner scopes can set.
pub(crate) struct Namespace(Mutex<Map>);

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Namespace")
    }
}

impl Namespace {
    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn set(&self, name: &Name, value: Value) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(Value::str(name.clone()), value);
    }

    /// Changes an attribute in place.
    pub(crate) fn change<T>(&self, name: &str, change: impl FnOnce(&mut Value) -> T) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(name).map(change)
    }
}

impl Object for Namespace {
    fn type_name(&self) -> &'static str {
        "Namespace"
    }
    fn get(&self, key: &Value) -> Result<Option<Value>> {
        Ok(key.as_str().and_then(|name| Namespace::get(self, name)))
    }
    fn is_true(&self) -> bool {
        true
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `cycler(a, b)`: gives its items in turn.
#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    at: AtomicUsize,
}

impl Cycler {
    fn current(&self) -> Value {
        self.items.get(self.at.load(Ordering::Relaxed)).cloned().unwrap_or_default()
    }
}

impl Object for Cycler {
    fn type_name(&self) -> &'static str {
        "Cycler"
    }
    fn get(&self, key: &Value) -> Result<Option<Value>> {
        Ok((*key == *"current").then(|| self.current()))
    }
    fn method(&self, name: &str, _: &[Value], _: &Map) -> Option<Result<Value>> {
        match name {
            "next" => {
                let current = self.current();
                let next = (self.at.load(Ordering::Relaxed) + 1) % self.items.len().max(1);
                self.at.store(next, Ordering::Relaxed);
                Some(Ok(current))
            }
            "reset" => {
                self.at.store(0, Ordering::Relaxed);
                Some(Ok(Value::NULL))
            }
            _ => None,
        }
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `joiner(', ')`: nothing the first time, the separator afterwards.
#[derive(Debug)]
struct Joiner {
    separator: Value,
    used: AtomicBool,
}

impl Object for Joiner {
    fn type_name(&self) -> &'static str {
        "Joiner"
    }
    fn is_callable(&self) -> bool {
        true
    }
    fn call(&self, _: &[Value], _: &Map) -> Result<Value> {
        let used = self.used.swap(true, Ordering::Relaxed);
        Ok(if used { self.separator.clone() } else { Value::from("") })
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `self`: the blocks of the template.
#[derive(Debug)]
pub(crate) struct OwnTemplate;

impl Object for OwnTemplate {
    fn type_name(&self) -> &'static str {
        "TemplateReference"
    }
    fn is_true(&self) -> bool {
        true
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Run<'_> {
    /// What a name means that no variable has.
    pub(crate) fn special(&self, name: &str) -> Option<Value> {
        match name {
            "omit" => Some(Value::OMIT),
            "self" => Some(Value::object(OwnTemplate)),
            "vars" => Some(self.machine.all_variables()),
            _ => Global::named(name).map(Value::object),
        }
    }

    /// Calls one of the functions that need nothing of the template.
    pub(crate) fn call_global(&mut self, global: Global, arguments: Arguments) -> Result<Value> {
        let Arguments { positional, named } = arguments;
        match global {
            Global::Range => range(&positional),
            Global::Dict => dict(&positional, named),
            Global::Namespace => {
                let Kind::Map(map) = dict(&positional, named)?.into_kind() else { return Ok(Value::NULL) };
                Ok(Value::object(Namespace(Mutex::new(Arc::unwrap_or_clone(map)))))
            }
            Global::Cycler if positional.is_empty() => {
                Err(Diagnostic::new("at least one item has to be provided"))
            }
            Global::Cycler => Ok(Value::object(Cycler { items: positional, at: AtomicUsize::new(0) })),
            Global::Joiner => {
                let given = positional.into_iter().next();
                let separator =
                    given.or_else(|| named.get("sep").cloned()).unwrap_or_else(|| Value::from(", "));
                Ok(Value::object(Joiner { separator, used: AtomicBool::new(false) }))
            }
            Global::Lipsum => Ok(Value::from(LIPSUM)),
            Global::Now => {
                self.machine.is_volatile();
                watch::may_look(Some(Glance::World));
                let arguments = Arguments { positional, named };
                let utc = arguments.get(0, "utc").is_some_and(Value::is_true);
                let now = shevek_value::DateTime::now(utc);
                match arguments.get(1, "fmt").and_then(Value::as_str) {
                    Some(format) if !format.is_empty() => Ok(Value::from(now.strftime(format)?)),
                    _ => Ok(Value::object(now)),
                }
            }
            Global::Undef | Global::Lookup | Global::Query => {
                Err(Diagnostic::bug("called in the wrong place"))
            }
        }
    }
}

impl super::Machine<'_> {
    /// `vars`: everything, lazily.
    fn all_variables(&self) -> Value {
        let mut map = Map::default();
        for name in self.scope.names() {
            if let Ok(Some(value)) = self.scope.get(&name) {
                map.insert(Value::from(name), value);
            }
        }
        Value::map(map)
    }
}

fn range(positional: &[Value]) -> Result<Value> {
    let numbers: Option<Vec<i64>> = positional.iter().map(Value::as_int).collect();
    let Some(numbers) = numbers else {
        let wrong = positional.iter().find(|value| value.as_int().is_none()).unwrap_or(&Value::NULL);
        return Err(Diagnostic::new("range takes whole numbers")
            .detail(format!("'{}' object cannot be interpreted as an integer", wrong.type_name())));
    };
    let bounds = match *numbers.as_slice() {
        [stop] => [0, stop, 1],
        [start, stop] => [start, stop, 1],
        [start, stop, step] => [start, stop, step],
        _ => {
            return Err(Diagnostic::new("range takes one to three numbers")
                .detail(format!("it got {}", numbers.len())));
        }
    }
    .map(|n| n.clamp(i64::MIN / 2, i64::MAX / 2));
    let [start, stop, step] = bounds;
    if step == 0 {
        return Err(Diagnostic::new("range's step must not be zero"));
    }
    Ok(Value::object(Range { start, stop, step }))
}

fn dict(positional: &[Value], named: Map) -> Result<Value> {
    let mut map = Map::default();
    if let Some(from) = positional.first() {
        crate::methods::update_map(&mut map, from)?;
    }
    map.extend(named);
    Ok(Value::map(map))
}

const LIPSUM: &str = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut \
    labore et dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip \
    ex ea commodo consequat.";
