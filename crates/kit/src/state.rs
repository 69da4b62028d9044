//! [`State`]: a thing as the host has it or as the task wants it; [`Change`] is the way from one to the other.
//! Differences, result keys and the question whether the goal was reached all come from [`State::fields`].

use std::path::PathBuf;

use shevek_proto::{Diff, Val};

/// A thing on the host. `#[derive(State)]` writes this: one field of the struct is one field here.
pub trait State: Clone {
    /// The fields that are compared, shown and returned.
    fn fields(&self) -> Vec<Field>;
}

/// One field of a [`State`].
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The result key.
    pub name: &'static str,
    /// The value; `None` when only the real run can tell it.
    pub value: Option<Val>,
    /// How it is treated.
    pub treat: Treat,
}

/// How a [`Field`] is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treat {
    /// Compared, shown in the diff, returned.
    Plain,
    /// Compared, but neither shown nor returned.
    Quiet,
    /// Compared; its value is masked in the diff and not returned.
    Secret,
    /// Returned, but not compared: what comes of the other fields.
    Derived,
}

/// What a difference shows for a value that only the real run can tell.
pub(crate) const LATER: &str = "(known after the change)";

/// A value that may only be known after the change: the number the system chooses for a new group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known<T> {
    /// It is this.
    Is(T),
    /// The real run will tell. As a goal: anything will do.
    #[default]
    Later,
}

impl<T> Known<T> {
    /// The value, if it is known.
    pub fn get(self) -> Option<T> {
        match self {
            Known::Is(value) => Some(value),
            Known::Later => None,
        }
    }

    /// A reference to the value, if it is known.
    pub fn as_ref(&self) -> Known<&T> {
        match self {
            Known::Is(value) => Known::Is(value),
            Known::Later => Known::Later,
        }
    }
}

impl<T> From<Option<T>> for Known<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Known::Later, Known::Is)
    }
}

/// What a field of a state can be.
pub trait StateValue {
    /// The value, unless only the real run can tell it.
    fn val(&self) -> Option<Val>;
}

macro_rules! plain_values {
    ($($t:ty),*) => {$(
        impl StateValue for $t {
            fn val(&self) -> Option<Val> {
                Some(Val::from(self.clone()))
            }
        }
    )*};
}
plain_values!(bool, i32, i64, u32, u64, f64, String);

impl StateValue for &'static str {
    fn val(&self) -> Option<Val> {
        Some(Val::from(*self))
    }
}

impl StateValue for PathBuf {
    fn val(&self) -> Option<Val> {
        Some(Val::from(self))
    }
}

impl StateValue for Val {
    fn val(&self) -> Option<Val> {
        Some(self.clone())
    }
}

impl<T: StateValue> StateValue for Option<T> {
    fn val(&self) -> Option<Val> {
        self.as_ref().map_or(Some(Val::Null), StateValue::val)
    }
}

impl<T: StateValue> StateValue for Vec<T> {
    fn val(&self) -> Option<Val> {
        self.iter().map(StateValue::val).collect::<Option<Vec<_>>>().map(Val::List)
    }
}

impl<T: StateValue> StateValue for Known<T> {
    fn val(&self) -> Option<Val> {
        match self {
            Known::Is(value) => value.val(),
            Known::Later => None,
        }
    }
}

/// From what is to what is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<S> {
    /// It is not there and shall be.
    Create(S),
    /// It is there and shall be otherwise, or something shall happen to it ([`crate::Resource::event`]).
    Update {
        /// As it is.
        from: S,
        /// As it shall be.
        to: S,
    },
    /// It is there and shall not be.
    Remove(S),
}

impl<S: State> Change<S> {
    /// The change that is needed, if any.
    pub fn between(now: Option<&S>, want: Option<S>) -> Option<Change<S>> {
        match (now, want) {
            (None, None) => None,
            (None, Some(to)) => Some(Change::Create(to)),
            (Some(from), None) => Some(Change::Remove(from.clone())),
            (Some(from), Some(to)) if admits(&to, from) => None,
            (Some(from), Some(to)) => Some(Change::Update { from: from.clone(), to }),
        }
    }

    /// What it was.
    pub fn before(&self) -> Option<&S> {
        match self {
            Change::Create(_) => None,
            Change::Update { from, .. } | Change::Remove(from) => Some(from),
        }
    }

    /// What it shall be.
    pub fn goal(&self) -> Option<&S> {
        match self {
            Change::Create(to) | Change::Update { to, .. } => Some(to),
            Change::Remove(_) => None,
        }
    }

    /// The difference as Ansible shows attributes: two mappings of the fields that differ.
    pub fn diff(&self) -> Diff {
        fields_diff(self.before().map(State::fields), self.goal().map(State::fields))
    }

    /// The difference in short lines (`~ gid: 999 -> 1750`), for tests and messages.
    pub fn summary(&self) -> Vec<String> {
        summary(&self.diff())
    }
}

fn fields_diff(before: Option<Vec<Field>>, after: Option<Vec<Field>>) -> Diff {
    let there = (before.is_some(), after.is_some());
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let mut maps = (Vec::new(), Vec::new());
    let mut seen: Vec<&'static str> = Vec::with_capacity(before.len());
    for field in before.iter().chain(&after) {
        let name = field.name;
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        let old = before.iter().find(|f| f.name == name);
        let new = after.iter().find(|f| f.name == name);
        if !shown(old.or(new)) || same(old, new) {
            continue;
        }
        if let Some(old) = old {
            maps.0.push((name.to_owned(), old.shown()));
        }
        if let Some(new) = new {
            maps.1.push((name.to_owned(), new.shown()));
        }
    }
    if there.0 != there.1 && !seen.contains(&"state") {
        let word = |there: bool| Val::from(if there { "present" } else { "absent" });
        maps.0.insert(0, ("state".to_owned(), word(there.0)));
        maps.1.insert(0, ("state".to_owned(), word(there.1)));
    }
    Diff { before: Val::Map(maps.0), after: Val::Map(maps.1), ..Diff::default() }
}

/// A difference of attributes in short lines: `+ gid: 5`, `~ gid: 5 -> 6`, `- gid: 6`.
pub fn summary(diff: &Diff) -> Vec<String> {
    let (Some(before), Some(after)) = (diff.before.as_map(), diff.after.as_map()) else { return Vec::new() };
    let text = |v: &Val| crate::printed::python_str(v);
    let mut lines = Vec::new();
    for (name, old) in before {
        lines.push(match diff.after.get(name) {
            Some(new) => format!("~ {name}: {} -> {}", text(old), text(new)),
            None => format!("- {name}: {}", text(old)),
        });
    }
    for (name, new) in after {
        if diff.before.get(name).is_none() {
            lines.push(format!("+ {name}: {}", text(new)));
        }
    }
    lines
}

impl Field {
    fn shown(&self) -> Val {
        match (self.treat, &self.value) {
            (Treat::Secret, _) => Val::from("********"),
            (_, Some(value)) => value.clone(),
            (_, None) => Val::from(LATER),
        }
    }
}

fn shown(field: Option<&Field>) -> bool {
    field.is_some_and(|f| matches!(f.treat, Treat::Plain | Treat::Secret))
}

fn same(old: Option<&Field>, new: Option<&Field>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => new.value.is_none() || old.value == new.value,
        _ => false,
    }
}

/// Whether what is satisfies the goal: every field that the goal knows has the goal's value.
pub fn admits<S: State>(goal: &S, got: &S) -> bool {
    missed(goal, got).is_empty()
}

/// The names of the fields in which what is misses the goal.
pub fn missed<S: State>(goal: &S, got: &S) -> Vec<&'static str> {
    missed_fields(&goal.fields(), &got.fields())
}

/// The same of fields.
pub(crate) fn missed_fields(goal: &[Field], got: &[Field]) -> Vec<&'static str> {
    goal.iter()
        .filter(|f| f.treat != Treat::Derived)
        .filter(|f| {
            f.value.is_some() && got.iter().find(|g| g.name == f.name).is_none_or(|g| g.value != f.value)
        })
        .map(|f| f.name)
        .collect()
}

/// The result keys of a state; what is not known yet is left out.
pub fn result_keys<S: State>(state: &S) -> Vec<(String, Val)> {
    state
        .fields()
        .into_iter()
        .filter(|f| matches!(f.treat, Treat::Plain | Treat::Derived))
        .filter_map(|f| f.value.map(|v| (f.name.to_owned(), v)))
        .collect()
}

impl State for () {
    fn fields(&self) -> Vec<Field> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Group(Known<u32>, &'static str);

    impl State for Group {
        fn fields(&self) -> Vec<Field> {
            vec![
                Field { name: "gid", value: self.0.val(), treat: Treat::Plain },
                Field { name: "password", value: self.1.val(), treat: Treat::Secret },
            ]
        }
    }

    #[test]
    fn a_goal_that_leaves_a_field_open_takes_what_is_there() {
        assert!(Change::between(Some(&Group(Known::Is(5), "a")), Some(Group(Known::Later, "a"))).is_none());
    }

    #[test]
    fn the_diff_shows_only_what_differs_and_no_secrets() {
        let change =
            Change::between(Some(&Group(Known::Is(5), "a")), Some(Group(Known::Is(6), "b"))).unwrap();
        assert_eq!(change.summary(), ["~ gid: 5 -> 6", "~ password: ******** -> ********"]);
        let change = Change::between(None, Some(Group(Known::Later, "b"))).unwrap();
        assert_eq!(
            change.summary(),
            ["~ state: absent -> present", "+ gid: (known after the change)", "+ password: ********"]
        );
    }
}
