//! Results as text.

use shevek_event::{HostResult, Show, Status, TaskStarted};
use shevek_value::{Map, Value};
use shevek_yaml::{DumpOptions, FlowStyle};

use crate::dump::{JsonStyle, json};
use crate::{Format, Look};

/// Who shows as the host: `web1 -> web2(10.0.0.2)` when another one does the work.
pub(super) fn host_label(result: &HostResult) -> String {
    match &result.delegate {
        Some(delegate) if delegate.name != result.host => {
            let address = delegate.address.as_ref().filter(|address| **address != delegate.name);
            let address = address.map(|address| format!("({address})")).unwrap_or_default();
            format!("{} -> {}{address}", result.host, delegate.name)
        }
        _ => result.host.clone(),
    }
}

/// The task's name without its role.
pub(super) fn plain_name(task: &TaskStarted) -> &str {
    let without = task.role.as_deref().and_then(|role| task.name.strip_prefix(role)?.strip_prefix(" : "));
    without.unwrap_or(&task.name)
}

/// ` a=1, b=2`: a task's arguments in its banner.
pub(super) fn arguments(arguments: &Value) -> String {
    let pairs: Vec<String> = arguments
        .as_map()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{}={}", key.text(), value.text()))
        .collect();
    format!(" {}", pairs.join(", "))
}

/// Whether it is the action whose result is there to be read.
pub(super) fn is_debug(action: &str) -> bool {
    matches!(action, "debug" | "ansible.builtin.debug" | "ansible.legacy.debug")
}

/// What of a result is shown.
pub(super) fn shown(result: &HostResult, action: &str, verbosity: u8) -> Value {
    let mut whole = whole(result);
    if result.item.is_none()
        && let Some(map) = whole.as_map().filter(|map| map.contains_key("results"))
    {
        let rest = map.iter().filter(|(key, _)| key.as_str() != Some("results"));
        whole = Value::map(rest.map(|(key, value)| (key.clone(), value.clone())).collect());
    }
    printed(&whole, action, verbosity)
}

/// A result without what is of the engine alone.
pub(super) fn whole(result: &HostResult) -> Value {
    without_internal(&result.result)
}

/// What of a result is printed, its loop's results with it.
pub(super) fn printed(whole: &Value, action: &str, verbosity: u8) -> Value {
    let Some(map) = whole.as_map() else { return whole.clone() };
    let only_message = is_debug(action) && map.contains_key("msg");
    let hidden = |key: &str| {
        let internal = ["failed", "skipped", "exception", "warnings", "deprecations"].contains(&key);
        let noisy = verbosity < 3 && (key == "invocation" || key == "diff");
        let beside_the_point = is_debug(action)
            && if only_message {
                key != "msg" && !key.starts_with('_')
            } else {
                let known = ["changed", "invocation", "skip_reason", "ansible_loop_var", "ansible_index_var"];
                known.contains(&key) || key == "ansible_loop"
            };
        internal || noisy || beside_the_point
    };
    let kept: Map = map
        .iter()
        .filter(|(key, _)| !key.as_str().is_some_and(hidden))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    Value::map(kept)
}

/// Without keys that start with `_ansible_`, at any depth.
fn without_internal(value: &Value) -> Value {
    if let Some(map) = value.as_map() {
        let internal = |key: &Value| key.as_str().is_some_and(|key| key.starts_with("_ansible_"));
        let kept = map.iter().filter(|(key, _)| !internal(key));
        return Value::map(kept.map(|(key, value)| (key.clone(), without_internal(value))).collect());
    }
    match value.as_list() {
        Some(items) => Value::list(items.iter().map(without_internal).collect()),
        None => value.clone(),
    }
}

/// The result as it stands behind `=>`.
pub(super) fn dump(result: &HostResult, action: &str, look: &Look) -> String {
    let skipped = matches!(result.status, Status::Skipped | Status::Undecided);
    let always = result.show == Show::Always && !skipped;
    let spread = always
        || (look.pretty.is_none() && look.format != Format::Json)
        || look.pretty == Some(true)
        || look.verbosity > 2;
    let indent = (spread && look.pretty != Some(false)).then_some(4);
    let value = shown(result, action, look.verbosity);
    match look.format {
        Format::Json => json(&value, JsonStyle { indent, ascii: false }),
        Format::Yaml => yaml(&value, indent, look.pretty != Some(false)),
    }
}

/// Any value in the look's format, at least this much indented (`set_stats`).
pub(super) fn dump_value(value: &Value, indent: usize, look: &Look) -> String {
    let indent = (look.pretty != Some(false)).then_some(indent);
    match look.format {
        Format::Json => json(value, JsonStyle { indent, ascii: false }),
        Format::Yaml => yaml(value, indent, look.pretty != Some(false)),
    }
}

/// As YAML, on lines of its own; readable rather than exact when `lossy`.
fn yaml(value: &Value, indent: Option<usize>, lossy: bool) -> String {
    let value = if lossy { readable(&without_lines(value)) } else { value.clone() };
    let width = indent.unwrap_or(4);
    format!("\n{}", indented(&yaml_document(&value, indent), width))
}

/// One YAML document.
pub(super) fn yaml_document(value: &Value, indent: Option<usize>) -> String {
    let options = DumpOptions {
        indent: indent.and_then(|indent| i32::try_from(indent).ok()),
        default_flow_style: FlowStyle::Block,
        block_text: true,
        ..DumpOptions::default()
    };
    shevek_yaml::dump(value, &options).unwrap_or_else(|error| error.message())
}

/// Every line that isn't empty with spaces before it.
pub(super) fn indented(text: &str, width: usize) -> String {
    let indent = " ".repeat(width);
    text.split_inclusive('\n')
        .map(|line| if line.trim().is_empty() { line.to_owned() } else { format!("{indent}{line}") })
        .collect()
}

/// `stdout_lines` says nothing that `stdout` doesn't.
fn without_lines(value: &Value) -> Value {
    let Some(map) = value.as_map() else { return value.clone() };
    let mut map = map.clone();
    for (text, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
        if map.contains_key(text) && map.contains_key(lines) {
            map.insert(Value::str(lines), Value::str("<omitted>"));
        }
    }
    Value::map(map)
}

/// Text of several lines as YAML can write it as a block: no tabs, no spaces at ends, nothing unprintable.
fn readable(value: &Value) -> Value {
    if let Some(map) = value.as_map() {
        return Value::map(map.iter().map(|(key, value)| (readable(key), readable(value))).collect());
    }
    if let Some(items) = value.as_list() {
        return Value::list(items.iter().map(readable).collect());
    }
    let breaks = ['\n', '\u{85}', '\u{2028}', '\u{2029}'];
    match value.as_str().filter(|text| text.contains(breaks)) {
        Some(text) => Value::str(readable_text(text)),
        None => value.clone(),
    }
}

fn readable_text(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for c in text.trim_end().chars() {
        match c {
            '\t' => {
                let spaces = 8 - column % 8;
                out.extend(std::iter::repeat_n(' ', spaces));
                column += spaces;
            }
            '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                out.truncate(out.trim_end_matches(' ').len());
                out.push(c);
                column = 0;
            }
            '\u{20}'..='\u{7e}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..='\u{10fffe}' if c != '\u{feff}' => {
                out.push(c);
                column += 1;
            }
            _ => {}
        }
    }
    out
}
