//! Filters, tests, lookups and global functions: what they are and how they are called.

use std::collections::HashMap;

use shevek_diag::{Diagnostic, Result};
use shevek_value::{Map, Value};

use crate::Scope;

/// The arguments of a call. For a filter or test the piped value is the first.
#[derive(Debug, Clone, Default)]
pub struct Arguments {
    /// In order.
    pub positional: Vec<Value>,
    /// By name.
    pub named: Map,
}

impl Arguments {
    /// The argument at a position or by name; `None`: not given.
    pub fn get(&self, position: usize, name: &str) -> Option<&Value> {
        self.positional.get(position).or_else(|| self.named.get(name))
    }

    /// The same, which must be given.
    pub fn require(&self, position: usize, name: &str) -> Result<&Value> {
        self.get(position, name).ok_or_else(|| {
            Diagnostic::new("missing argument").detail(format!("the argument '{name}' is required"))
        })
    }

    /// The piped value of a filter or test.
    pub fn subject(&self) -> &Value {
        self.positional.first().unwrap_or(&Value::NULL)
    }
}

/// What the evaluator offers to a plugin.
pub trait Context {
    /// The variables.
    fn scope(&self) -> &dyn Scope;

    /// Renders what still is a template, deeply.
    fn render(&self, value: &Value) -> Result<Value>;

    /// Renders text as a template file would be, with variables added.
    fn render_text(&self, name: &str, text: &str, variables: &Map, options: &TextOptions) -> Result<Value>;

    /// Evaluates the text of an expression (`map`, `selectattr` with dotted attributes don't need it).
    fn expression(&self, text: &str) -> Result<Value>;

    /// Runs another filter by name.
    fn filter(&self, name: &str, arguments: Arguments) -> Result<Value>;

    /// Runs a test by name.
    fn test(&self, name: &str, arguments: Arguments) -> Result<bool>;

    /// Runs a lookup by name: always a list.
    fn lookup(&self, name: &str, arguments: Arguments) -> Result<Value>;

    /// `value.name`, then `value["name"]`, rendered; undefined when there is neither.
    fn attribute(&self, value: &Value, name: &str) -> Result<Value>;

    /// `value[key]`, rendered; undefined when there is none.
    fn item(&self, value: &Value, key: &Value) -> Result<Value>;

    /// The items of anything that can be iterated over, as `for` sees them.
    fn iterate(&self, value: &Value) -> Result<Vec<Value>>;

    /// Python's `<`, an error for types that don't compare.
    fn less(&self, a: &Value, b: &Value) -> Result<bool>;

    /// Takes a warning for the user.
    fn warn(&self, warning: Box<Diagnostic>);
}

/// Options of a template file, as the `template` module and lookup have them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "named as Ansible's options are")]
pub struct TextOptions {
    pub block_start: String,
    pub block_end: String,
    pub variable_start: String,
    pub variable_end: String,
    pub comment_start: String,
    pub comment_end: String,
    /// Empty: none.
    pub line_statement_prefix: String,
    /// Empty: none.
    pub line_comment_prefix: String,
    pub trim_blocks: bool,
    pub lstrip_blocks: bool,
    pub keep_trailing_newline: bool,
    /// What lines of the result end in.
    pub newline_sequence: String,
}

impl TextOptions {
    /// Whether the delimiters are `{{ }}`, `{% %}`, `{# #}`, and no line statements.
    pub(crate) fn has_usual_delimiters(&self) -> bool {
        self.block_start == "{%"
            && self.block_end == "%}"
            && self.variable_start == "{{"
            && self.variable_end == "}}"
            && self.comment_start == "{#"
            && self.comment_end == "#}"
            && self.line_statement_prefix.is_empty()
            && self.line_comment_prefix.is_empty()
    }
}

impl Default for TextOptions {
    fn default() -> Self {
        Self {
            block_start: "{%".into(),
            block_end: "%}".into(),
            variable_start: "{{".into(),
            variable_end: "}}".into(),
            comment_start: "{#".into(),
            comment_end: "#}".into(),
            line_statement_prefix: String::new(),
            line_comment_prefix: String::new(),
            trim_blocks: true,
            lstrip_blocks: false,
            keep_trailing_newline: true,
            newline_sequence: "\n".into(),
        }
    }
}

/// A filter, function or lookup: takes arguments, gives a value.
pub type Run = fn(&dyn Context, &Arguments) -> Result<Value>;
/// A test.
pub type Ask = fn(&dyn Context, &Arguments) -> Result<bool>;

/// Whether a plugin looks at undefined arguments itself (`default`, `defined`); all others are not called with
/// them: the marker is their result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markers {
    /// Undefined arguments never reach it, nor lists and mappings with something undefined in them.
    Propagate,
    /// It only moves items about (`length`, `map`, `select`, `first`, `combine`): undefined arguments never reach it,
    /// but lists and mappings may have something undefined in them.
    Inside,
    /// It wants to see them.
    Accept,
}

/// One filter.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// Names that it has in Ansible: the short one first, then long ones and aliases.
    pub names: &'static [&'static str],
    /// What it does with undefined arguments.
    pub markers: Markers,
    /// Does it.
    pub run: Run,
}

/// One test.
#[derive(Debug, Clone, Copy)]
pub struct Test {
    /// Names, as for filters.
    pub names: &'static [&'static str],
    /// What it does with undefined arguments.
    pub markers: Markers,
    /// Does it.
    pub run: Ask,
}

/// One lookup. `with_NAME` and `lookup('NAME')` are the same thing; the terms are the positional arguments, the
/// result is always a list.
#[derive(Clone, Copy)]
pub struct Lookup {
    /// Names, as for filters.
    pub names: &'static [&'static str],
    /// What it does with undefined arguments.
    pub markers: Markers,
    /// Does it.
    pub run: Run,
}

/// All plugins that templates can use, by name.
#[derive(Default)]
pub struct Plugins {
    filters: HashMap<&'static str, Filter>,
    tests: HashMap<&'static str, Test>,
    lookups: HashMap<&'static str, Lookup>,
}

impl Plugins {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds filters.
    #[must_use]
    pub fn with_filters(mut self, filters: impl IntoIterator<Item = Filter>) -> Self {
        for filter in filters {
            self.filters.extend(filter.names.iter().map(|name| (*name, filter)));
        }
        self
    }

    /// Adds tests.
    #[must_use]
    pub fn with_tests(mut self, tests: impl IntoIterator<Item = Test>) -> Self {
        for test in tests {
            self.tests.extend(test.names.iter().map(|name| (*name, test)));
        }
        self
    }

    /// Adds lookups.
    #[must_use]
    pub fn with_lookups(mut self, lookups: impl IntoIterator<Item = Lookup>) -> Self {
        for lookup in lookups {
            self.lookups.extend(lookup.names.iter().map(|name| (*name, lookup)));
        }
        self
    }

    /// The filter of that name, short or long (`ansible.builtin.` is understood before any).
    pub fn filter(&self, name: &str) -> Option<&Filter> {
        self.filters.get(short(name))
    }

    /// The test of that name.
    pub fn test(&self, name: &str) -> Option<&Test> {
        self.tests.get(short(name))
    }

    /// The lookup of that name.
    pub fn lookup(&self, name: &str) -> Option<&Lookup> {
        self.lookups.get(short(name))
    }

    /// Names of all filters, for "did you mean".
    pub fn filter_names(&self) -> impl Iterator<Item = &'static str> {
        self.filters.keys().copied()
    }

    /// Names of all tests.
    pub fn test_names(&self) -> impl Iterator<Item = &'static str> {
        self.tests.keys().copied()
    }

    /// Names of all lookups.
    pub fn lookup_names(&self) -> impl Iterator<Item = &'static str> {
        self.lookups.keys().copied()
    }
}

/// `ansible.builtin.x` and `ansible.legacy.x` are `x`.
fn short(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name)
}
