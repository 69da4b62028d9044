//! Check arguments against a description of what they may be, as roles have in `meta/argument_specs.yml`.
//!
//! ```yaml
//! - validate_argument_spec:
//!     argument_spec: { port: { type: int, required: true } }
//!     provided_arguments: { port: 80 }
//! ```

use shevek_diag::{Diagnostic, Result};
use shevek_kit::Kind;
use shevek_kit::printed::python_str;
use shevek_kit::schema::Schema;
use shevek_proto::Val;
use shevek_value::{Map, Value};

use crate::options::{opt, required, schema};
use crate::wire::to_wire;
use crate::{Action, Asks, Invocation, Outcome, Running};

static SCHEMA: Schema = schema(
    "validate_argument_spec",
    &[
        required(
            "argument_spec",
            Kind::Dict,
            "The arguments that there may be, each with its type and the like.",
        ),
        opt(
            "provided_arguments",
            Kind::Dict,
            "The arguments that are given; variables of their names count, too.",
        ),
        opt("validate_args_context", Kind::Dict, "What is checked, for whoever reads the result."),
    ],
    &[],
);

/// `validate_argument_spec`.
pub(crate) struct ValidateArgumentSpec;

/// The action.
pub(crate) static ACTION: ValidateArgumentSpec = ValidateArgumentSpec;

impl Action for ValidateArgumentSpec {
    fn name(&self) -> &'static str {
        "validate_argument_spec"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn asks(&self) -> Asks {
        Asks::Nothing
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(async move { validate(call) })
    }
}

type Entries = Vec<(String, Val)>;

fn validate(call: &Invocation<'_>) -> Result<Outcome> {
    let map = |name: &str| -> Result<Map> {
        match call.get(name) {
            None => Ok(Map::default()),
            Some(value) => value.as_map().cloned().ok_or_else(|| {
                Diagnostic::new("wrong argument").detail(format!("Incorrect type for {name}, expected dict"))
            }),
        }
    };
    let written = map("argument_spec")?;
    let mut given: Entries = Vec::new();
    for name in written.keys() {
        if let Some(value) = call.scope.rendered_variable(&name.text())? {
            put(&mut given, &name.text(), to_wire(&value)?);
        }
    }
    for (name, value) in &map("provided_arguments")? {
        put(&mut given, &name.text(), to_wire(value)?);
    }
    let spec = match to_wire(&Value::map(written.clone()))? {
        Val::Map(spec) => spec,
        _ => Vec::new(),
    };
    let errors = Checked::of(&spec, given);
    let context = call.get("validate_args_context").cloned().unwrap_or_else(|| Value::map(Map::default()));
    if errors.is_empty() {
        let outcome = Outcome::ok().with("msg", "The arg spec validation passed");
        return Ok(outcome.with("validate_args_context", context));
    }
    let message = format!("Validation of arguments failed:\n{}", errors.join("\n"));
    let errors: Vec<Value> = errors.into_iter().map(Value::from).collect();
    Ok(Outcome::failure(message)
        .with("argument_errors", Value::list(errors))
        .with("argument_spec_data", Value::map(written))
        .with("validate_args_context", context))
}

fn put(entries: &mut Entries, name: &str, value: Val) {
    match entries.iter_mut().find(|(known, _)| known == name) {
        Some(entry) => entry.1 = value,
        None => entries.push((name.to_owned(), value)),
    }
}

/// A list of names in the description.
fn names(option: &Val, key: &str) -> Vec<String> {
    let list = option.get(key).and_then(Val::as_list).unwrap_or_default();
    list.iter().map(python_str).collect()
}

/// The type of this name.
fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "str" | "sid" => Kind::Str,
        "bool" => Kind::Bool,
        "int" => Kind::Int,
        "float" => Kind::Float,
        "path" => Kind::Path,
        "raw" => Kind::Raw,
        "dict" => Kind::Dict,
        "jsonarg" | "json" => Kind::Json,
        "bytes" => Kind::Bytes,
        "bits" => Kind::Bits,
        "list" => Kind::List(&Kind::Raw),
        _ => return None,
    })
}

/// What was found wrong so far.
#[derive(Default)]
struct Checked {
    errors: Vec<String>,
    /// Arguments that are not described.
    strangers: Vec<String>,
    /// What there is in the place of the last of them.
    known: String,
}

impl Checked {
    /// All that is wrong with what is given.
    fn of(spec: &[(String, Val)], given: Entries) -> Vec<String> {
        let mut checked = Self::default();
        checked.level(spec, &Val::Null, given, &[]);
        let Self { mut errors, mut strangers, known } = checked;
        if !strangers.is_empty() {
            strangers.sort();
            errors.push(format!("{}. Supported parameters include: {known}.", strangers.join(", ")));
        }
        errors
    }

    fn wrong(&mut self, why: String, above: &[&str]) {
        self.errors.push(match above {
            [] => why,
            above => format!("{why} found in {}", above.join(" -> ")),
        });
    }

    /// Checks one level of arguments; `rules` are those between them, `above` the options that the level is within. In
    /// Ansible's order: what is told of a level comes before what is told of those below it.
    fn level(&mut self, spec: &[(String, Val)], rules: &Val, mut given: Entries, above: &[&str]) {
        for (name, option) in spec {
            for alias in names(option, "aliases") {
                if let Some(at) = given.iter().position(|(known, _)| *known == alias) {
                    let (_, value) = given.remove(at);
                    put(&mut given, name, value);
                }
            }
        }
        for (name, _) in &given {
            if !spec.iter().any(|(known, _)| known == name) {
                let mut path: Vec<&str> = above.to_vec();
                path.push(name);
                self.strangers.push(path.join("."));
                self.known = supported(spec);
            }
        }
        self.exclusive(rules, &given, above);
        for (name, option) in spec {
            if let Some(default) = option.get("default").filter(|default| **default != Val::Null)
                && !given.iter().any(|(known, _)| known == name)
            {
                given.push((name.clone(), default.clone()));
            }
        }
        let mut missing: Vec<&str> = spec
            .iter()
            .filter(|(name, option)| is_required(option) && !given.iter().any(|(known, _)| known == name))
            .map(|(name, _)| name.as_str())
            .collect();
        missing.sort_unstable();
        if !missing.is_empty() {
            self.wrong(format!("missing required arguments: {}", missing.join(", ")), above);
        }
        let described =
            |name: &str| spec.iter().find(|(known, _)| known == name).map(|(_, option)| option.clone());
        for (name, value) in &mut given {
            let Some(option) = described(name) else { continue };
            let has_default = option.get("default").is_some_and(|default| *default != Val::Null);
            if *value != Val::Null || is_required(&option) || has_default {
                self.typed((name, &option), value, above);
            }
        }
        for (name, value) in &given {
            if let Some(option) = described(name)
                && let Some(choices) = option.get("choices").and_then(Val::as_list)
            {
                self.choices(name, choices, value, above);
            }
        }
        self.rules(rules, &given, above);
        for (name, option) in spec {
            let value = given.iter().find(|(known, _)| known == name).map(|(_, value)| value);
            self.below(name, option, value.cloned().unwrap_or(Val::Null), above);
        }
    }

    /// Makes a value what its type says, as far as it can be.
    fn typed(&mut self, (name, option): (&str, &Val), value: &mut Val, above: &[&str]) {
        let word = |key: &str| option.get(key).and_then(Val::as_str);
        let Some(wanted) = kind(word("type").unwrap_or("str")) else {
            let wanted = word("type").unwrap_or_default();
            return self.wrong(format!("unknown type '{wanted}' of argument '{name}'"), above);
        };
        let place = |end: &str| match above {
            [] => String::new(),
            above => format!(" found in '{}'{end}", above.join(" -> ")),
        };
        *value = match (wanted.name(), &value) {
            // Nothing is no collection; as text it is `None`.
            ("list" | "dict", Val::Null) => {
                let wanted = wanted.name();
                let why = format!("<class 'NoneType'> cannot be converted to a {wanted}");
                let told = format!("and we were unable to convert to {wanted}: {why}");
                return self
                    .errors
                    .push(format!("argument '{name}' is of type NoneType{} {told}", place(".")));
            }
            _ => match wanted.coerce(name, value.clone()) {
                Ok(value) => value,
                Err(why) => {
                    let told = why.replacen(" and we were", &format!("{} and we were", place(".")), 1);
                    return self.errors.push(told);
                }
            },
        };
        let (Some(element), Val::List(items)) = (word("elements").and_then(kind), &mut *value) else {
            return;
        };
        let mut kept = Vec::new();
        for item in std::mem::take(items) {
            match element.coerce(name, item) {
                Ok(item) => kept.push(item),
                Err(why) => {
                    let told = why.strip_prefix(&format!("argument '{name}'")).unwrap_or(&why);
                    self.errors.push(format!("Elements value for option '{name}'{}{told}", place("")));
                }
            }
        }
        *items = kept;
    }

    /// Checks the options of an option.
    fn below(&mut self, name: &str, option: &Val, value: Val, above: &[&str]) {
        let word = |key: &str| option.get(key).and_then(Val::as_str);
        let has_options = word("type") == Some("dict")
            || (word("type") == Some("list") && word("elements") == Some("dict"));
        let Some(spec) = option.get("options").and_then(Val::as_map).filter(|_| has_options) else { return };
        let fills = option.get("apply_defaults").is_some_and(|fills| shevek_kit::boolean(fills) == Ok(true));
        let items = match value {
            Val::Null if fills => vec![Val::Map(Vec::new())],
            Val::Null => return,
            Val::List(items) => items,
            other => vec![other],
        };
        let mut within: Vec<&str> = above.to_vec();
        within.push(name);
        for item in items {
            match item {
                Val::Map(entries) => self.level(spec, option, entries, &within),
                _ => self.errors.push(format!("value of '{name}' must be of type dict or list of dicts")),
            }
        }
    }

    fn choices(&mut self, name: &str, choices: &[Val], value: &Val, above: &[&str]) {
        let words: Vec<String> = choices.iter().map(python_str).collect();
        match value {
            Val::List(items) => {
                let strange: Vec<String> =
                    items.iter().map(python_str).filter(|item| !words.contains(item)).collect();
                if !strange.is_empty() {
                    let why = format!(
                        "value of {name} must be one or more of: {}. Got no match for: {}",
                        words.join(", "),
                        strange.join(", ")
                    );
                    self.wrong(why, above);
                }
            }
            value if !words.contains(&python_str(value)) => {
                let got = python_str(value);
                // YAML reads `yes`, `on`, `no`, `off` as truth values: where only one choice can have been meant, it is.
                let is_truth = |wanted: bool| {
                    let means =
                        |word: &&String| shevek_kit::boolean(&Val::Str((**word).clone())) == Ok(wanted);
                    words.iter().filter(means).count() == 1
                };
                if (got == "True" && is_truth(true)) || (got == "False" && is_truth(false)) {
                    return;
                }
                self.wrong(
                    format!("value of {name} must be one of: {}, got: {got}", words.join(", ")),
                    above,
                );
            }
            _ => {}
        }
    }

    /// Which options must not be given together.
    fn exclusive(&mut self, rules: &Val, given: &[(String, Val)], above: &[&str]) {
        let groups: Vec<String> = groups(rules, "mutually_exclusive")
            .into_iter()
            .filter(|group| group.iter().filter(|name| has(given, name)).count() > 1)
            .map(|group| group.join("|"))
            .collect();
        if !groups.is_empty() {
            self.wrong(format!("parameters are mutually exclusive: {}", groups.join(", ")), above);
        }
    }

    /// What else must hold between options; of each rule the first group that breaks it is told.
    fn rules(&mut self, rules: &Val, given: &[(String, Val)], above: &[&str]) {
        let broken = |key: &str, is_broken: fn(usize, usize) -> bool| {
            groups(rules, key)
                .into_iter()
                .find(|group| is_broken(group.iter().filter(|name| has(given, name)).count(), group.len()))
        };
        if let Some(group) = broken("required_together", |there, all| there > 0 && there < all) {
            self.wrong(format!("parameters are required together: {}", group.join(", ")), above);
        }
        if let Some(group) = broken("required_one_of", |there, _| there == 0) {
            self.wrong(format!("one of the following is required: {}", group.join(", ")), above);
        }
        for rule in rules.get("required_if").and_then(Val::as_list).unwrap_or_default() {
            let [key, is, needs, rest @ ..] = rule.as_list().unwrap_or_default() else { continue };
            let value = given.iter().find(|(known, _)| *known == python_str(key)).map(|(_, value)| value);
            let needs = needs.as_list().unwrap_or_default();
            let missing: Vec<String> =
                needs.iter().map(python_str).filter(|name| !has(given, name)).collect();
            let one_is_enough = rest.first().is_some_and(|any| shevek_kit::boolean(any) == Ok(true));
            let least = if one_is_enough { needs.len() } else { 1 };
            if value.map(python_str) == Some(python_str(is)) && missing.len() >= least.max(1) {
                let why = format!(
                    "{} is {} but {} of the following are missing: {}",
                    python_str(key),
                    python_str(is),
                    if one_is_enough { "any" } else { "all" },
                    missing.join(", ")
                );
                self.wrong(why, above);
                break;
            }
        }
        for (key, needs) in rules.get("required_by").and_then(Val::as_map).unwrap_or_default() {
            let is_set = |name: &str| given.iter().any(|(known, value)| known == name && *value != Val::Null);
            let needs = match needs {
                Val::List(needs) => needs.clone(),
                one => vec![one.clone()],
            };
            let missing: Vec<String> = needs.iter().map(python_str).filter(|name| !is_set(name)).collect();
            if is_set(key) && !missing.is_empty() {
                self.wrong(
                    format!("missing parameter(s) required by '{key}': {}", missing.join(", ")),
                    above,
                );
                break;
            }
        }
    }
}

fn is_required(option: &Val) -> bool {
    option.get("required").is_some_and(|required| shevek_kit::boolean(required) == Ok(true))
}

fn has(given: &[(String, Val)], name: &str) -> bool {
    given.iter().any(|(known, _)| known == name)
}

/// Lists of names; one may stand without a list around it.
fn groups(rules: &Val, key: &str) -> Vec<Vec<String>> {
    let all = rules.get(key).and_then(Val::as_list).unwrap_or_default();
    let words = |group: &[Val]| group.iter().map(python_str).collect::<Vec<_>>();
    if !all.is_empty() && all.iter().all(|entry| entry.as_str().is_some()) {
        return vec![words(all)];
    }
    all.iter().map(|group| words(group.as_list().unwrap_or_default())).collect()
}

/// The options of a level, and their other names.
fn supported(spec: &[(String, Val)]) -> String {
    let mut known: Vec<&str> = spec.iter().map(|(name, _)| name.as_str()).collect();
    known.sort_unstable();
    let mut others: Vec<String> = spec.iter().flat_map(|(_, option)| names(option, "aliases")).collect();
    others.sort();
    let others = if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
    format!("{}{others}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(spec: &str, given: &str) -> Vec<String> {
        let read = |text: &str| match shevek_kit::json::read(text) {
            Ok(Val::Map(entries)) => entries,
            other => panic!("{other:?}"),
        };
        Checked::of(&read(spec), read(given))
    }

    #[test]
    fn what_is_as_described_passes() {
        let spec = r#"{"port": {"type": "int", "required": true, "aliases": ["p"]}, "mode": {"choices": ["a", "b"]},
            "users": {"type": "list", "elements": "dict", "options": {"name": {"required": true}, "id": {"type": "int"}}}}"#;
        assert!(errors(spec, r#"{"p": "80", "mode": "a", "users": [{"name": "x", "id": "5"}]}"#).is_empty());
        assert_eq!(errors(spec, "{}"), ["missing required arguments: port"]);
        assert_eq!(
            errors(spec, r#"{"port": 1, "mode": "c"}"#),
            ["value of mode must be one of: a, b, got: c"]
        );
        let wrong = errors(spec, r#"{"port": "x", "users": [{"id": 1, "no": 2}]}"#);
        assert!(wrong[0].starts_with("argument 'port' is of type str and we were unable to convert to int"));
        let below = [
            "missing required arguments: name found in users",
            "users.no. Supported parameters include: id, name.",
        ];
        assert_eq!(wrong[1..], below);
    }

    #[test]
    fn options_below_others_have_rules_of_their_own() {
        let spec = r#"{"a": {"type": "dict", "options": {"x": {}, "y": {}}, "mutually_exclusive": [["x", "y"]],
            "required_if": [["x", "1", ["y"]]]}}"#;
        let wrong = errors(spec, r#"{"a": {"x": "1", "y": "2"}}"#);
        assert_eq!(wrong, ["parameters are mutually exclusive: x|y found in a"]);
        let wrong = errors(spec, r#"{"a": {"x": "1"}}"#);
        assert_eq!(wrong, ["x is 1 but all of the following are missing: y found in a"]);
    }
}
