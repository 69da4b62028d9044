//! Calling filters, tests and lookups.

use shevek_diag::Diagnostic;
use shevek_value::{Flags, Map, Reason, Value};

use super::expression::tainted;
use super::finish::first_missing;
use super::{Eval, Fault, Machine, Run};
use crate::plugin::{Arguments, Filter, Markers, Test};
use crate::syntax::{Args, Name};
use crate::watch::{self, Glance};

/// Filters whose result differs from call to call.
const VOLATILE: [&str; 5] = ["random", "shuffle", "random_mac", "password_hash", "vault"];

/// Filters whose result is a part of what they were given, or all of it in other letters. Of a secret, such a result is one by
/// itself; what others make of secrets (a length, a choice) is not looked for elsewhere.
const READERS: [&str; 12] = [
    "b64encode",
    "b64decode",
    "urlencode",
    "urldecode",
    "from_json",
    "from_yaml",
    "from_yaml_all",
    "from_ini",
    "from_csv",
    "split",
    "regex_search",
    "regex_findall",
];

impl Run<'_> {
    pub(crate) fn filter(
        &mut self,
        at: u32,
        name: &Name,
        filter: Option<&Filter>,
        (subject, args): (Value, &Args),
    ) -> Eval<Value> {
        let Some(filter) = filter else {
            return self.at(at, Err(Fault::Error(self.machine.no_filter(name))));
        };
        let arguments = self.arguments(Some(subject), args)?;
        Ok(self.machine.run_filter(filter, arguments, || self.written.place(at)))
    }

    pub(crate) fn test(
        &mut self,
        at: u32,
        name: &Name,
        test: Option<&Test>,
        (subject, args): (Value, &Args),
    ) -> Eval<Value> {
        let Some(test) = test else {
            return self.at(at, Err(Fault::Error(self.machine.no_test(name))));
        };
        let arguments = self.arguments(Some(subject), args)?;
        Ok(self.machine.run_test(test, arguments, || self.written.place(at)))
    }

    /// Evaluates arguments; templates in them are rendered.
    pub(crate) fn arguments(&mut self, subject: Option<Value>, args: &Args) -> Eval<Arguments> {
        let mut arguments = Arguments {
            positional: Vec::with_capacity(args.positional.len() + usize::from(subject.is_some())),
            named: Map::default(),
        };
        arguments.positional.extend(subject.map(|value| self.machine.rendered_through(value)));
        for expr in &args.positional {
            let value = self.eval(expr)?;
            arguments.positional.push(self.machine.rendered_through(value));
        }
        if let Some(expr) = &args.splat {
            let value = self.operand(expr)?;
            let items = self.at(expr.at, self.machine.items(&value))?;
            arguments.positional.extend(items.into_iter().map(|item| self.machine.rendered_through(item)));
        }
        for (name, expr) in &args.named {
            let value = self.eval(expr)?;
            arguments.named.insert(name.clone(), self.machine.rendered_through(value));
        }
        if let Some(expr) = &args.named_splat {
            let value = self.operand(expr)?;
            let value = self.machine.rendered_through(value);
            let Some(map) = value.as_map() else {
                return self.fail(
                    expr.at,
                    "can't be spread out",
                    format!("the value after ** must be a mapping, not '{}'", value.type_name()),
                );
            };
            arguments.named.extend(map.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        Ok(arguments)
    }
}

/// What a plugin gives that may not look where it would; nobody gets to see it.
pub(super) fn not_now(name: &str) -> Box<Diagnostic> {
    Diagnostic::new("rendered ahead of its time").detail(format!("'{name}' has to wait for its turn"))
}

impl Machine<'_> {
    pub(crate) fn no_filter(&self, name: &str) -> Box<Diagnostic> {
        Diagnostic::new("no such filter")
            .detail(format!("No filter named '{name}'."))
            .did_you_mean(name, self.templar.plugins().filter_names())
    }

    pub(crate) fn no_test(&self, name: &str) -> Box<Diagnostic> {
        Diagnostic::new("no such test")
            .detail(format!("No test named '{name}'."))
            .did_you_mean(name, self.templar.plugins().test_names())
    }

    pub(crate) fn no_lookup(&self, name: &str) -> Box<Diagnostic> {
        Diagnostic::new("no such lookup")
            .detail(format!("The lookup plugin '{name}' was not found."))
            .did_you_mean(name, self.templar.plugins().lookup_names())
    }

    /// Runs a filter; a failure is a marker, as in Ansible (`x | fails | default(1)` is 1).
    pub(crate) fn run_filter(
        &self,
        filter: &Filter,
        arguments: Arguments,
        place: impl FnOnce() -> Option<shevek_diag::Origin>,
    ) -> Value {
        let arguments = without_blanks(arguments, filter.markers);
        if let Some(marker) = missing_argument(&arguments, filter.markers) {
            return marker;
        }
        if filter.names.first().is_some_and(|name| VOLATILE.contains(name)) {
            self.is_volatile();
        }
        let secret = arguments.positional.iter().chain(arguments.named.values()).any(Value::is_secret);
        let name = filter.names.first().copied().unwrap_or_default();
        if !watch::may_look(Glance::of_plugin(name)) {
            return Fault::Error(not_now(name)).into_marker();
        }
        match self.guarded(|| (filter.run)(self, &arguments)) {
            Ok(mut result) => {
                self.learn(&result);
                if secret {
                    result = tainted(result, &[&Value::NULL.secret()]);
                }
                if READERS.contains(&name.rsplit('.').next().unwrap_or_default()) {
                    self.learn(&result);
                }
                result
            }
            Err(fault) => named(fault, "filter", name).or_at(place).into_marker(),
        }
    }

    /// What a plugin gives may be but a part of what is rendered: it is secret by itself.
    pub(super) fn learn(&self, value: &Value) {
        if value.is_secret() {
            self.scope.learn(value);
        }
    }

    pub(crate) fn run_test(
        &self,
        test: &Test,
        arguments: Arguments,
        place: impl FnOnce() -> Option<shevek_diag::Origin>,
    ) -> Value {
        let arguments = without_blanks(arguments, test.markers);
        if let Some(marker) = missing_argument(&arguments, test.markers) {
            return marker;
        }
        let name = test.names.first().copied().unwrap_or_default();
        if !watch::may_look(Glance::of_plugin(name)) {
            return Fault::Error(not_now(name)).into_marker();
        }
        match self.guarded(|| (test.run)(self, &arguments)) {
            Ok(result) => Value::from(result),
            Err(fault) => named(fault, "test", name).or_at(place).into_marker(),
        }
    }

    /// Calls a plugin; what it ran into that was undefined comes back as such.
    pub(crate) fn guarded<T>(&self, call: impl FnOnce() -> shevek_diag::Result<T>) -> Eval<T> {
        let before = self.tripped.borrow_mut().take();
        let result = self.nested(|| call().map_err(Fault::Error));
        let tripped = std::mem::replace(&mut *self.tripped.borrow_mut(), before);
        result.map_err(|fault| match tripped {
            Some(undefined) => Fault::Undefined(undefined),
            None => fault,
        })
    }

    /// For plugins: a fault as an error, which is known again when the plugin passes it on.
    pub(crate) fn trip(&self, fault: Fault) -> Box<Diagnostic> {
        if let Fault::Undefined(undefined) = &fault {
            *self.tripped.borrow_mut() = Some(undefined.clone());
        }
        self.report(fault)
    }

    /// The items that `for` sees.
    pub(crate) fn items(&self, value: &Value) -> Eval<Vec<Value>> {
        if value.is_blank() {
            return Ok(Vec::new());
        }
        if value.is_undefined() {
            return Err(Fault::of_undefined(value));
        }
        match crate::methods::items(value) {
            Some(items) => Ok(items),
            None => Err(Fault::new(
                "can't be iterated over",
                format!("'{}' object is not iterable", value.type_name()),
            )),
        }
    }
}

/// What an `if` without `else` left out is empty text for a plugin, but for those that ask whether something is defined.
fn without_blanks(mut arguments: Arguments, markers: Markers) -> Arguments {
    if markers == Markers::Accept {
        return arguments;
    }
    let all = arguments.positional.iter_mut().chain(arguments.named.values_mut());
    for value in all.filter(|value| value.flags().has(Flags::UNDEFINED)) {
        if value.is_blank() {
            *value = Value::str("");
        } else if markers != Markers::Inside
            && let Some(items) = value.as_list().filter(|items| items.iter().any(Value::is_blank))
        {
            let filled = |item: &Value| if item.is_blank() { Value::str("") } else { item.clone() };
            *value = Value::list(items.iter().map(filled).collect());
        }
    }
    arguments
}

/// The marker that stands for the result, when an argument is missing and the plugin doesn't take that.
pub(crate) fn missing_argument(arguments: &Arguments, markers: Markers) -> Option<Value> {
    if markers == Markers::Accept {
        // Nobody can say whether what a check run doesn't know is defined, or what its default would hide.
        let unknown = |value: &&Value| value.as_undefined().is_some_and(|why| why.reason == Reason::Unknown);
        return arguments.positional.first().filter(unknown).cloned();
    }
    let mut all = arguments.positional.iter().chain(arguments.named.values());
    all.find_map(|value| match markers {
        Markers::Inside => value.is_undefined().then_some(value),
        _ if value.flags().has(Flags::UNDEFINED) => first_missing(value),
        _ => None,
    })
    .cloned()
}

/// An error of a plugin, with the plugin's name in front.
fn named(fault: Fault, what: &str, name: &str) -> Fault {
    match fault {
        Fault::Error(mut why) if why.summary != "recursive loop detected" => {
            why.detail = match why.detail.as_str() {
                "" => format!("the {what} '{name}' failed"),
                detail => format!("the {what} '{name}' failed: {detail}"),
            };
            Fault::Error(why)
        }
        other => other,
    }
}
