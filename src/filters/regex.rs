//! `regex_replace`, `regex_search`, `regex_findall`, `regex_escape`.

use shevek_diag::{Diagnostic, Result};
use shevek_pyre::{Captures, Flags, escape};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, count, flag, string};
use shevek_python::regex::{compile, exhausted};
use shevek_python::text::str_of;

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["regex_replace"], markers: Markers::Propagate, run: regex_replace },
    Filter { names: &["regex_search"], markers: Markers::Propagate, run: regex_search },
    Filter { names: &["regex_findall"], markers: Markers::Propagate, run: regex_findall },
    Filter { names: &["regex_escape"], markers: Markers::Propagate, run: regex_escape },
];

/// `ignorecase` and `multiline` as flags.
pub(crate) fn flags(ignorecase: Option<&Value>, multiline: Option<&Value>) -> Flags {
    Flags::NONE.with_if(flag(ignorecase), Flags::IGNORECASE).with_if(flag(multiline), Flags::MULTILINE)
}

fn regex_replace(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([], [value, pattern, replacement, ignorecase, multiline, limit, mandatory]) = bind(
        arguments,
        [],
        ["value", "pattern", "replacement", "ignorecase", "multiline", "count", "mandatory_count"],
    )?;
    let empty = Value::from("");
    let (value, pattern) = (value.unwrap_or(&empty), pattern.unwrap_or(&empty));
    let text = str_of(value);
    let regex = compile(pattern, flags(ignorecase, multiline))?;
    let replacement = replacement.unwrap_or(&empty);
    let limit = count(limit, "count", 0)?;
    let (out, done) = regex.replace(&text, string(replacement, "replacement")?, limit).map_err(|error| {
        Diagnostic::new("the replacement can't be made")
            .detail(format!("{error}: {}", replacement.text()))
            .at_maybe(replacement.origin(), "")
    })?;
    let mandatory = count(mandatory, "mandatory_count", 0)?;
    if mandatory != 0 && mandatory != done {
        return Err(Diagnostic::new("the pattern matches another number of times than it must").detail(
            format!(
                "'{}' should match {mandatory} times, but matches {done} times in '{text}'",
                pattern.text()
            ),
        ));
    }
    Ok(Value::from(out))
}

/// A group that `regex_search` was asked for.
enum Group {
    Number(usize),
    Name(String),
}

fn group(argument: &Value) -> Result<Group> {
    let unknown = || {
        Diagnostic::new("unknown argument of regex_search")
            .detail(format!("{} is not a group", argument.repr()))
            .help(r"groups are written '\\1' or '\\g<name>'")
    };
    let text = argument.as_str().ok_or_else(unknown)?;
    if let Some(name) = text.strip_prefix("\\g") {
        let name = name.strip_prefix('<').and_then(|name| name.rfind('>').and_then(|end| name.get(..end)));
        let name = name.filter(|name| !name.is_empty()).ok_or_else(unknown)?;
        return Ok(name.parse().map_or_else(|_| Group::Name(name.to_owned()), Group::Number));
    }
    let digits = text.strip_prefix('\\').ok_or_else(unknown)?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end).and_then(|digits| digits.parse().ok()).map(Group::Number).ok_or_else(unknown)
}

fn regex_search(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let value = arguments.subject();
    let pattern = arguments.require(1, "regex")?;
    let text = str_of(value);
    let groups: Vec<Group> = arguments.positional.iter().skip(2).map(group).collect::<Result<_>>()?;
    let regex = compile(pattern, flags(arguments.named.get("ignorecase"), arguments.named.get("multiline")))?;
    let Some(found) = regex.search(&text).map_err(exhausted)? else { return Ok(Value::NULL) };
    if groups.is_empty() {
        return Ok(Value::from(found.text()));
    }
    let no_group = |name: &str| {
        Diagnostic::new("no such group")
            .detail(format!("the pattern '{}' has no group {name}", pattern.text()))
    };
    let items = groups.iter().map(|group| match group {
        Group::Number(number) if *number > regex.group_count() => Err(no_group(&number.to_string())),
        Group::Number(number) => Ok(Value::from(found.get(*number))),
        Group::Name(name) if regex.group_index(name).is_none() => Err(no_group(name)),
        Group::Name(name) => Ok(Value::from(found.name(name))),
    });
    Ok(Value::list(items.collect::<Result<_>>()?))
}

fn regex_findall(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value, pattern], [multiline, ignorecase]) =
        bind(arguments, ["value", "regex"], ["multiline", "ignorecase"])?;
    let text = str_of(value);
    let regex = compile(pattern, flags(ignorecase, multiline))?;
    let mut out = Vec::new();
    for found in regex.find_iter(&text) {
        out.push(matched(&found.map_err(exhausted)?, regex.group_count()));
    }
    Ok(Value::list(out))
}

/// What `re.findall` makes of a match: all of it, its only group, or all its groups.
fn matched(found: &Captures<'_>, groups: usize) -> Value {
    let text = |group| Value::from(found.get(group).unwrap_or(""));
    match groups {
        0 | 1 => text(groups),
        _ => Value::tuple((1..=groups).map(text).collect()),
    }
}

fn regex_escape(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [kind]) = bind(arguments, ["string"], ["re_type"])?;
    let text = str_of(value);
    match kind.map_or_else(|| "python".into(), str_of).as_ref() {
        "python" => Ok(Value::from(escape(&text))),
        "posix_basic" => {
            let mut out = String::with_capacity(text.len());
            for c in text.chars() {
                if matches!(c, ']' | '.' | '[' | '^' | '$' | '*' | '\\') {
                    out.push('\\');
                }
                out.push(c);
            }
            Ok(Value::from(out))
        }
        "posix_extended" => Err(Diagnostic::new("not yet implemented")
            .detail("Regex type (posix_extended) not yet implemented")
            .help("Ansible has 'python' and 'posix_basic'")),
        other => Err(Diagnostic::new("unknown kind of regular expression")
            .detail(format!("Invalid regex type ({other})"))
            .did_you_mean(other, ["python", "posix_basic"])),
    }
}
