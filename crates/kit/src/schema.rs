//! [`Schema`]: what a module accepts, as data. `#[derive(Args)]` makes it from doc comments and types; the
//! controller checks tasks against it when it loads them, `shevek doc` prints it, the runner reads arguments by it.

use std::fmt;

use shevek_proto::Val;

use crate::kind::Kind;

/// One option of a module.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opt {
    /// Its name.
    pub name: &'static str,
    /// Further names for it.
    pub aliases: &'static [&'static str],
    /// Its type.
    pub kind: Kind,
    /// Whether a task must give it.
    pub required: bool,
    /// What it is when a task does not give it.
    pub default: Preset,
    /// The doc comment; empty without the feature `docs`.
    pub doc: &'static str,
    /// Whether its value is a secret (`no_log`).
    pub secret: bool,
}

/// The value of an option that a task does not give.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Preset {
    /// None: the option is left out.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Str(&'static str),
    /// A list of text.
    List(&'static [&'static str]),
}

impl Preset {
    /// The value, unless there is none.
    pub fn val(&self) -> Option<Val> {
        Some(match self {
            Preset::None => return None,
            Preset::Bool(b) => Val::Bool(*b),
            Preset::Int(i) => Val::Int(*i),
            Preset::Float(f) => Val::Float(*f),
            Preset::Str(s) => Val::from(*s),
            Preset::List(items) => Val::List(items.iter().map(|s| Val::from(*s)).collect()),
        })
    }
}

/// What must hold between options.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// At most one of these (`mutually_exclusive`).
    Exclusive(&'static [&'static str]),
    /// All of these or none (`required_together`).
    Together(&'static [&'static str]),
    /// At least one of these (`required_one_of`).
    OneOf(&'static [&'static str]),
    /// When the option has the value, these are needed too (`required_if`).
    If {
        /// The option.
        option: &'static str,
        /// The value.
        is: Preset,
        /// What is needed then.
        needs: &'static [&'static str],
        /// Whether one of `needs` is enough.
        any: bool,
    },
    /// When the option is given, these are needed too (`required_by`).
    By {
        /// The option.
        option: &'static str,
        /// What is needed then.
        needs: &'static [&'static str],
    },
}

/// Which of the three traits a module implements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// Says what is and what is wanted; check mode is exact.
    Resource,
    /// Only reads; runs in check mode too.
    Query,
    /// Does something; check mode says whether it would.
    Procedure,
}

/// What a module accepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schema {
    /// Short name (`group`).
    pub name: &'static str,
    /// The collection it belongs to (`ansible.builtin`).
    pub collection: &'static str,
    /// Other names for the same module (`systemd` for `systemd_service`), short or in full.
    pub aliases: &'static [&'static str],
    /// Which trait it implements.
    pub nature: Nature,
    /// Its options, as declared; [`Schema::options`] looks through shared groups.
    pub declared: &'static [Opt],
    /// What must hold between options.
    pub rules: &'static [Rule],
    /// Whether options that are not declared are accepted and kept (`debug`-like and wrapping modules).
    pub open: bool,
}

/// Something wrong with the arguments of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// The module has no such option.
    Unknown {
        /// The name given.
        name: String,
        /// The option that was probably meant.
        suggestion: Option<&'static str>,
    },
    /// Options that must be given are not.
    Missing(Vec<&'static str>),
    /// A value is not of the option's type or choices.
    Value {
        /// The option, as the task names it.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A rule between options is broken.
    Rule(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unknown { name, suggestion: Some(meant) } => {
                write!(f, "Unsupported parameter: {name} (did you mean {meant}?)")
            }
            Problem::Unknown { name, suggestion: None } => write!(f, "Unsupported parameter: {name}"),
            Problem::Missing(names) => write!(f, "missing required arguments: {}", names.join(", ")),
            Problem::Value { message, .. } | Problem::Rule(message) => f.write_str(message),
        }
    }
}

impl Schema {
    /// The name in full (`ansible.builtin.group`).
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.collection, self.name)
    }

    /// All options, those of shared groups included.
    pub fn options(&self) -> Vec<&'static Opt> {
        flat(self.declared)
    }

    /// The option of this name or alias.
    pub fn option(&self, name: &str) -> Option<&'static Opt> {
        self.options().into_iter().find(|o| o.name == name || o.aliases.contains(&name))
    }

    /// Checks the arguments of a task without running it. A value that is not known yet (a template) is `None`.
    pub fn check(&self, given: &[(&str, Option<&Val>)]) -> Vec<Problem> {
        let given = given.iter().map(|(k, v)| ((*k).to_owned(), v.cloned())).collect();
        match settle(&self.options(), self.rules, given, self.open) {
            Ok(_) => Vec::new(),
            Err(problems) => problems,
        }
    }

    /// Makes arguments complete: aliases resolved, values coerced, defaults filled in.
    pub fn settle(&self, given: Vec<(String, Val)>) -> Result<Vec<(String, Val)>, Vec<Problem>> {
        let given = given.into_iter().map(|(k, v)| (k, Some(v))).collect();
        let settled = settle(&self.options(), self.rules, given, self.open)?;
        Ok(settled.into_iter().filter_map(|(k, v)| v.map(|v| (k, v))).collect())
    }

    /// The sentence for unsupported options, as Ansible words it for `msg`.
    pub fn unsupported(&self, names: &[&str]) -> String {
        let options = self.options();
        let mut known: Vec<&str> = options.iter().map(|option| option.name).collect();
        let mut aliases: Vec<&str> =
            options.iter().flat_map(|option| option.aliases.iter().copied()).collect();
        known.sort_unstable();
        aliases.sort_unstable();
        let aliases = match aliases.is_empty() {
            true => String::new(),
            false => format!(" ({})", aliases.join(", ")),
        };
        format!(
            "Unsupported parameters for ({}) module: {}. Supported parameters include: {}{aliases}.",
            self.name,
            names.join(", "),
            known.join(", ")
        )
    }
}

/// Options with those of shared groups in their place.
pub fn flat(options: &'static [Opt]) -> Vec<&'static Opt> {
    let mut out = Vec::with_capacity(options.len());
    for option in options {
        match option.kind {
            Kind::Group(inner) => out.extend(flat(inner)),
            _ => out.push(option),
        }
    }
    out
}

/// Makes the arguments of nested options complete.
pub(crate) fn normalise(
    options: &'static [Opt],
    rules: &'static [Rule],
    given: Vec<(String, Val)>,
) -> Result<Vec<(String, Val)>, Vec<String>> {
    let given = given.into_iter().map(|(k, v)| (k, Some(v))).collect();
    match settle(&flat(options), rules, given, false) {
        Ok(settled) => Ok(settled.into_iter().filter_map(|(k, v)| v.map(|v| (k, v))).collect()),
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

type Given = Vec<(String, Option<Val>)>;

fn settle(options: &[&'static Opt], rules: &[Rule], given: Given, open: bool) -> Result<Given, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut strays = Vec::new();
    let mut out: Given = Vec::with_capacity(options.len());
    for (name, value) in given {
        let Some(option) = options.iter().find(|o| o.name == name || o.aliases.contains(&name.as_str()))
        else {
            if open {
                out.push((name, value));
            } else {
                strays.push(Problem::Unknown { suggestion: nearest(&name, options), name });
            }
            continue;
        };
        let value = match value {
            // Null stands for "left out", except where that would hide a missing value or a default.
            Some(Val::Null) if !option.required && option.default == Preset::None => continue,
            Some(value) => match option.kind.coerce(option.name, value) {
                Ok(value) => Some(value),
                Err(message) => {
                    problems.push(Problem::Value { name: name.clone(), message });
                    None
                }
            },
            None => None,
        };
        // Given under two names: the alias counts, as in Ansible.
        match out.iter_mut().find(|(k, _)| k == option.name) {
            Some(_) if name == option.name => {}
            Some(entry) => entry.1 = value,
            None => out.push((option.name.to_owned(), value)),
        }
    }
    for rule in rules {
        if let Rule::Exclusive(names) = rule
            && names.iter().filter(|n| surely(&out, n)).count() > 1
        {
            problems.push(Problem::Rule(format!("parameters are mutually exclusive: {}", names.join("|"))));
        }
    }
    let missing: Vec<_> =
        options.iter().filter(|o| o.required && !has(&out, o.name)).map(|o| o.name).collect();
    if !missing.is_empty() {
        problems.insert(0, Problem::Missing(missing));
    }
    for option in options {
        if !has(&out, option.name)
            && let Some(value) = option.default.val()
        {
            let value = option.kind.coerce(option.name, value).ok();
            out.push((option.name.to_owned(), value));
        }
    }
    problems.extend(rules.iter().filter_map(|rule| broken(rule, &out)).map(Problem::Rule));
    problems.extend(strays);
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

fn has(given: &Given, name: &str) -> bool {
    given.iter().any(|(k, _)| k == name)
}

/// Whether an option is there in any case: a template may turn out to be left out.
fn surely(given: &Given, name: &str) -> bool {
    given.iter().any(|(k, v)| k == name && v.is_some())
}

fn broken(rule: &Rule, given: &Given) -> Option<String> {
    let lacking = |needs: &[&'static str]| -> Vec<&'static str> {
        needs.iter().filter(|n| !has(given, n)).copied().collect()
    };
    match rule {
        Rule::Exclusive(_) => None,
        Rule::Together(names) => {
            let absent = lacking(names).len();
            (absent > 0 && names.iter().any(|n| surely(given, n)))
                .then(|| format!("parameters are required together: {}", names.join(", ")))
        }
        Rule::OneOf(names) => (lacking(names).len() == names.len())
            .then(|| format!("one of the following is required: {}", names.join(", "))),
        Rule::If { option, is, needs, any } => {
            let value = given.iter().find(|(k, _)| k == option)?.1.as_ref()?;
            if Some(value) != is.val().as_ref() {
                return None;
            }
            let missing = lacking(needs);
            let bad = if *any { missing.len() == needs.len() } else { !missing.is_empty() };
            let how = if *any { "any" } else { "all" };
            bad.then(|| {
                format!(
                    "{option} is {} but {how} of the following are missing: {}",
                    crate::printed::python_str(value),
                    missing.join(", ")
                )
            })
        }
        Rule::By { option, needs } => {
            let missing = lacking(needs);
            (surely(given, option) && !missing.is_empty())
                .then(|| format!("missing parameter(s) required by '{option}': {}", missing.join(", ")))
        }
    }
}

fn nearest(name: &str, options: &[&'static Opt]) -> Option<&'static str> {
    let names = options.iter().flat_map(|o| std::iter::once(o.name).chain(o.aliases.iter().copied()));
    names
        .map(|n| (distance(name, n), n))
        .filter(|(d, n)| *d <= 1 + n.len().min(name.len()) / 4)
        .min_by_key(|(d, _)| *d)
        .map(|(_, n)| n)
}

/// How many letters must be added, dropped or replaced to make one word into the other.
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (cb, above) in b.iter().zip(row.iter().skip(1)) {
            let cost = (diagonal + usize::from(ca != *cb)).min(left + 1).min(above + 1);
            diagonal = *above;
            left = cost;
            next.push(cost);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn opt(name: &'static str, kind: Kind) -> Opt {
        Opt { name, aliases: &[], kind, required: false, default: Preset::None, doc: "", secret: false }
    }

    const NAME: Opt = Opt { required: true, aliases: &["title"], ..opt("name", Kind::Str) };
    const STATE: Opt =
        Opt { default: Preset::Str("present"), ..opt("state", Kind::Choice(&["present", "absent"])) };
    const SCHEMA: Schema = Schema {
        name: "thing",
        collection: "ansible.builtin",
        aliases: &[],
        nature: Nature::Resource,
        declared: &[NAME, STATE, opt("size", Kind::Int), opt("weight", Kind::Int)],
        rules: &[
            Rule::Exclusive(&["size", "weight"]),
            Rule::If { option: "state", is: Preset::Str("present"), needs: &["size", "weight"], any: true },
        ],
        open: false,
    };

    fn shown(given: &[(&str, Option<&Val>)]) -> Vec<String> {
        SCHEMA.check(given).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_good_task_gets_its_defaults_and_types() {
        let given = vec![("title".to_owned(), Val::Int(5)), ("size".to_owned(), "3".into())];
        let settled = SCHEMA.settle(given).unwrap();
        let wanted = [("name", Val::from("5")), ("size", 3.into()), ("state", "present".into())];
        assert_eq!(settled, wanted.map(|(k, v)| (k.to_owned(), v)));
    }

    #[test]
    fn an_alias_counts_more_than_the_name() {
        for order in [["title", "name"], ["name", "title"]] {
            let given = order.map(|name| (name.to_owned(), Val::from(name)));
            let settled = SCHEMA.settle(given.into_iter().chain([("size".to_owned(), 1.into())]).collect());
            assert_eq!(settled.unwrap()[0], ("name".to_owned(), "title".into()));
        }
    }

    #[test]
    fn unsupported_options_are_told_as_ansible_does() {
        let told = SCHEMA.unsupported(&["x"]);
        assert_eq!(
            told,
            "Unsupported parameters for (thing) module: x. Supported parameters include: name, size, state, weight (title)."
        );
    }

    #[test]
    fn all_problems_are_found_together() {
        let (one, wrong) = (Val::Int(1), Val::from("gone"));
        assert_eq!(
            shown(&[("sizes", Some(&one)), ("state", Some(&wrong))]),
            [
                "missing required arguments: name",
                "value of state must be one of: present, absent, got: gone",
                "Unsupported parameter: sizes (did you mean size?)",
            ]
        );
    }

    #[test]
    fn a_template_is_taken_on_trust() {
        assert_eq!(shown(&[("name", None), ("size", None)]), [""; 0]);
        assert_eq!(shown(&[("name", None), ("state", None)]), [""; 0]);
        // `default(omit)`: which of those that exclude each other is given, the run decides.
        let one = Val::Int(1);
        assert_eq!(shown(&[("name", Some(&one)), ("size", None), ("weight", None)]), [""; 0]);
        assert_eq!(shown(&[("name", Some(&one)), ("size", Some(&one)), ("weight", None)]), [""; 0]);
    }

    #[test]
    fn rules_between_options_are_kept() {
        let one = Val::Int(1);
        assert_eq!(
            shown(&[("name", Some(&one))]),
            ["state is present but any of the following are missing: size, weight"]
        );
        assert_eq!(
            shown(&[("name", Some(&one)), ("size", Some(&one)), ("weight", Some(&one))]),
            ["parameters are mutually exclusive: size|weight"]
        );
    }
}
