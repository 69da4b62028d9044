//! What the items of a loop look at beside variables: whether an item may see what the one before it did.

use shevek_playbook::Task;
use shevek_value::{Kind, Value};

/// What conditions and arguments look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sight {
    /// Nothing that an item changes.
    Variables,
    /// The controller's files: an item sees what the one before did where the host is the controller.
    Files,
    /// Anything that a program or another machine can say.
    Anything,
}

/// Lookups that only look at what is known already.
const OF_VARIABLES: [&str; 15] = [
    "vars",
    "varnames",
    "env",
    "config",
    "dict",
    "items",
    "list",
    "indexed_items",
    "nested",
    "together",
    "subelements",
    "sequence",
    "random_choice",
    "inventory_hostnames",
    "flattened",
];

/// Lookups that look at files of the controller.
const OF_FILES: [&str; 8] =
    ["file", "fileglob", "first_found", "csvfile", "ini", "template", "unvault", "password"];

/// Tests of files whose names say so.
const TESTS: [&str; 9] = [
    "exists",
    "is_file",
    "is_dir",
    "is_link",
    "is_link_exists",
    "link_exists",
    "is_mount",
    "is_same_file",
    "same_file",
];

/// Those that only do so behind `is`.
const TESTS_BEHIND_IS: [&str; 4] = ["file", "directory", "link", "mount"];

impl Sight {
    /// What a task looks at before each of its items.
    pub(crate) fn of(task: &Task) -> Self {
        let conditions = task.when.iter().filter_map(Value::as_str).map(of_expression);
        let action = &task.action;
        let arguments = action.args.values().chain(&action.variable_args).chain(&action.free_form);
        let templates = arguments.chain(task.vars.values()).map(of_value);
        conditions.chain(templates).max().unwrap_or(Self::Variables)
    }
}

fn of_value(value: &Value) -> Sight {
    let most = |values: &mut dyn Iterator<Item = &Value>| values.map(of_value).max();
    match value.kind() {
        Kind::Str(text) if value.is_template() => of_expression(text),
        Kind::List(items) => most(&mut items.iter()).unwrap_or(Sight::Variables),
        Kind::Map(map) => most(&mut map.values()).unwrap_or(Sight::Variables),
        _ => Sight::Variables,
    }
}

fn of_expression(text: &str) -> Sight {
    let mut sight = Sight::Variables;
    let mut before = "";
    let mut rest = text;
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    while let Some(start) = rest.find(is_part) {
        let tail = rest.get(start..).unwrap_or_default();
        let end = tail.find(|c| !is_part(c)).unwrap_or(tail.len());
        let (word, after) = tail.split_at(end);
        let bare = word.rsplit('.').next().unwrap_or(word);
        let behind_is = matches!(before, "is" | "not");
        sight = sight.max(match bare {
            "lookup" | "query" | "q" => of_lookup(after),
            "realpath" => Sight::Files,
            _ if TESTS.contains(&bare) || (behind_is && TESTS_BEHIND_IS.contains(&bare)) => Sight::Files,
            _ => Sight::Variables,
        });
        (before, rest) = (word, after);
    }
    sight
}

/// What stands behind `lookup`.
fn of_lookup(after: &str) -> Sight {
    let Some(arguments) = after.trim_start().strip_prefix('(') else { return Sight::Variables };
    let arguments = arguments.trim_start();
    let quoted = arguments.strip_prefix(['"', '\'']).and_then(|text| text.split(['"', '\'']).next());
    match quoted.map(|name| name.rsplit('.').next().unwrap_or(name)) {
        Some(name) if OF_VARIABLES.contains(&name) => Sight::Variables,
        Some(name) if OF_FILES.contains(&name) => Sight::Files,
        _ => Sight::Anything,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_say_what_they_look_at() {
        for (text, sight) in [
            ("item.name == 'exists.txt'", Sight::Variables),
            ("profile is defined and file == 'x'", Sight::Variables),
            ("lookup('env', 'HOME') ~ query('ansible.builtin.dict', x)", Sight::Variables),
            ("not ('/tmp/one' is exists)", Sight::Files),
            ("path is not file", Sight::Files),
            ("paths | select('ansible.builtin.link_exists')", Sight::Files),
            ("{{ lookup(\"file\", item) }}", Sight::Files),
            ("{{ lookup( 'pipe', 'ls') }}", Sight::Anything),
            ("{{ q(which, 'x') }}", Sight::Anything),
        ] {
            assert_eq!(of_expression(text), sight, "{text}");
        }
    }
}
