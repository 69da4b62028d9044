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
    let mut checked = Checked::default();
    checked.level(&spec, given, &[]);
    let mut errors = checked.errors;
    if !checked.strangers.is_empty() {
        checked.strangers.sort();
        let mut known: Vec<String> = spec.iter().map(|(name, option)| shown(name, option)).collect();
        known.sort();
        errors.push(format!(
            "{}. Supported parameters include: {}.",
            checked.strangers.join(", "),
            known.join(", ")
        ));
    }
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

/// An option's name with its other ones.
fn shown(name: &str, option: &Val) -> String {
    let aliases = names(option, "aliases");
    if aliases.is_empty() { name.to_owned() } else { format!("{name} ({})", aliases.join(", ")) }
}

/// A list of names in the description.
fn names(option: &Val, key: &str) -> Vec<String> {
    let list = option.get(key).and_then(Val::as_list).unwrap_or_default();
    list.iter().map(python_str).collect()
}

/// The type of this name; of lists, with that of their elements.
fn kind(name: &str, elements: &str) -> Option<Kind> {
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
        "list" => Kind::List(match elements {
            "str" | "sid" => &Kind::Str,
            "bool" => &Kind::Bool,
            "int" => &Kind::Int,
            "float" => &Kind::Float,
            "path" => &Kind::Path,
            "dict" => &Kind::Dict,
            "jsonarg" | "json" => &Kind::Json,
            "bytes" => &Kind::Bytes,
            "bits" => &Kind::Bits,
            _ => &Kind::Raw,
        }),
        _ => return None,
    })
}

/// What was found wrong so far.
#[derive(Default)]
struct Checked {
    errors: Vec<String>,
    /// Arguments that are not described.
    strangers: Vec<String>,
}

impl Checked {
    fn wrong(&mut self, why: String, above: &[&str]) {
        self.errors.push(match above {
            [] => why,
            above => format!("{why} found in {}", above.join(" -> ")),
        });
    }

    /// Checks one level of arguments; `above` are the options that it is within.
    fn level(&mut self, spec: &[(String, Val)], mut given: Entries, above: &[&str]) {
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
            }
        }
        let missing: Vec<&str> = spec
            .iter()
            .filter(|(_, option)| option.get("required").is_some_and(|v| shevek_kit::boolean(v) == Ok(true)))
            .filter(|(name, _)| !given.iter().any(|(known, _)| known == name))
            .map(|(name, _)| name.as_str())
            .collect();
        if !missing.is_empty() {
            self.wrong(format!("missing required arguments: {}", missing.join(", ")), above);
        }
        for (name, option) in spec {
            let value = given.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            let value = value.or_else(|| option.get("default").cloned());
            if let Some(value) = value.filter(|value| *value != Val::Null) {
                self.option(name, option, value, above);
            }
        }
    }

    fn option(&mut self, name: &str, option: &Val, value: Val, above: &[&str]) {
        let word = |key: &str| option.get(key).and_then(Val::as_str);
        let suboptions = option.get("options").and_then(Val::as_map);
        let elements = word("elements").unwrap_or("raw");
        let Some(kind) = kind(word("type").unwrap_or("str"), elements) else {
            let kind = word("type").unwrap_or_default();
            return self.wrong(format!("unknown type '{kind}' of argument '{name}'"), above);
        };
        let value = match kind.coerce(name, value) {
            Ok(value) => value,
            Err(why) => return self.wrong(why, above),
        };
        if let Some(choices) = option.get("choices").and_then(Val::as_list) {
            self.choices(name, choices, &value, above);
        }
        let Some(spec) = suboptions else { return };
        let mut within: Vec<&str> = above.to_vec();
        within.push(name);
        let items = match value {
            Val::List(items) => items,
            other => vec![other],
        };
        for item in items {
            match shevek_kit::dict(item) {
                Ok(entries) => {
                    self.rules(option, &entries, &within);
                    self.level(spec, entries, &within);
                }
                Err(_) => {
                    self.errors.push(format!("value of '{name}' must be of type dict or list of dicts"));
                }
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
                self.wrong(
                    format!("value of {name} must be one of: {}, got: {got}", words.join(", ")),
                    above,
                );
            }
            _ => {}
        }
    }

    /// What must hold between the options below this one.
    fn rules(&mut self, option: &Val, given: &[(String, Val)], above: &[&str]) {
        let has = |name: &Val| given.iter().any(|(known, _)| *known == python_str(name));
        let groups = |key: &str| option.get(key).and_then(Val::as_list).unwrap_or_default();
        let joined =
            |group: &[Val], between: &str| group.iter().map(python_str).collect::<Vec<_>>().join(between);
        for (key, bad, words, between) in [
            (
                "mutually_exclusive",
                (|n, _| n > 1) as fn(usize, usize) -> bool,
                "parameters are mutually exclusive: ",
                "|",
            ),
            ("required_together", |n, all| n > 0 && n < all, "parameters are required together: ", ", "),
            ("required_one_of", |n, _| n == 0, "one of the following is required: ", ", "),
        ] {
            let all = groups(key);
            // One group may stand without a list around it.
            let flat = all.iter().all(|entry| entry.as_str().is_some()) && !all.is_empty();
            let single = [Val::List(all.to_vec())];
            for group in if flat { &single[..] } else { all } {
                let group = group.as_list().unwrap_or_default();
                let count = group.iter().filter(|name| has(name)).count();
                if bad(count, group.len()) {
                    self.wrong(format!("{words}{}", joined(group, between)), above);
                }
            }
        }
        for rule in groups("required_if") {
            let [key, is, needs, ..] = rule.as_list().unwrap_or_default() else { continue };
            let value =
                given.iter().find(|(known, _)| *known == python_str(key)).map(|(_, value)| python_str(value));
            let missing: Vec<Val> =
                needs.as_list().unwrap_or_default().iter().filter(|name| !has(name)).cloned().collect();
            if value == Some(python_str(is)) && !missing.is_empty() {
                let why = format!(
                    "{} is {} but all of the following are missing: {}",
                    python_str(key),
                    python_str(is),
                    joined(&missing, ", ")
                );
                self.wrong(why, above);
            }
        }
        for (key, needs) in option.get("required_by").and_then(Val::as_map).unwrap_or_default() {
            let needs = match needs {
                Val::List(needs) => needs.clone(),
                one => vec![one.clone()],
            };
            let missing: Vec<Val> = needs.into_iter().filter(|name| !has(name)).collect();
            if given.iter().any(|(known, _)| known == key) && !missing.is_empty() {
                let why = format!("missing parameter(s) required by '{key}': {}", joined(&missing, ", "));
                self.wrong(why, above);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(spec: &str, given: &str) -> Vec<String> {
        let read = |text: &str| match shevek_kit::json::read(text) {
            Ok(Val::Map(entries)) => entries,
            other => panic!("{other:?}"),
        };
        let mut checked = Checked::default();
        checked.level(&read(spec), read(given), &[]);
        checked.errors.extend(checked.strangers);
        checked.errors
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
        assert_eq!(wrong[1..], ["missing required arguments: name found in users", "users.no"]);
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
