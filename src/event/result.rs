//! What a task came to on a host.

use serde::{Deserialize, Serialize};
use shevek_value::Value;

use crate::{Notice, TaskId};

/// How a task (or an item of its loop) ended on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As wanted already.
    #[default]
    Ok,
    /// Something was changed (in check mode: would be).
    Changed,
    /// Not done: a condition was false, or there was nothing to loop over.
    Skipped,
    /// Not done in check mode, because its condition needs what only a real run can know.
    Undecided,
    /// Failed.
    Failed,
    /// The host could not be reached.
    Unreachable,
}

/// Whether the result's content is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Show {
    /// From `-v` on.
    #[default]
    Verbose,
    /// Always (`debug`).
    Always,
    /// Never on success (`setup`: facts are many).
    Never,
}

/// The host that did the work for another.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Delegate {
    /// Its name, as `delegate_to` says.
    pub name: String,
    /// Its `ansible_host`, where that differs from the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Which item of a loop.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ItemLabel {
    /// Its position, from 0.
    pub index: u32,
    /// What is shown for it: `loop_control.label`, or the item as Python's `str` prints it.
    pub label: String,
}

/// A difference in Ansible's form.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Diff {
    /// Text or a mapping before; `None`: there is only `prepared` or a note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The same after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// What `before` is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_header: Option<String>,
    /// What `after` is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_header: Option<String>,
    /// A difference that is text already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepared: Option<String>,
    /// The source is not text.
    pub source_binary: bool,
    /// The destination is not text.
    pub destination_binary: bool,
    /// The source is larger than this many bytes, so it is not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_larger: Option<u64>,
    /// The destination is larger than this many bytes, so it is not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_larger: Option<u64>,
}

impl Diff {
    /// A difference of text or mappings.
    pub fn between(before: impl Into<Value>, after: impl Into<Value>) -> Self {
        Self { before: Some(before.into()), after: Some(after.into()), ..Self::default() }
    }

    /// Reads `diff` of a module's result, which is one difference or a list of them.
    pub fn read(value: &Value) -> Vec<Self> {
        match value.as_list() {
            Some(items) => items.iter().filter_map(Self::read_one).collect(),
            None => Self::read_one(value).into_iter().collect(),
        }
    }

    fn read_one(value: &Value) -> Option<Self> {
        value.as_map().filter(|map| !map.is_empty())?;
        let text = |key: &str| value.get(key).filter(|v| !v.is_null()).map(Value::text);
        let number = |key: &str| value.get(key).and_then(Value::as_int).and_then(|n| u64::try_from(n).ok());
        Some(Self {
            before: value.get("before").cloned(),
            after: value.get("after").cloned(),
            before_header: text("before_header"),
            after_header: text("after_header"),
            prepared: text("prepared"),
            source_binary: value.get("src_binary").is_some(),
            destination_binary: value.get("dst_binary").is_some(),
            source_larger: number("src_larger"),
            destination_larger: number("dst_larger"),
        })
    }
}

/// What a task (or an item of its loop) came to on a host.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HostResult {
    /// The task.
    pub task: TaskId,
    /// The host.
    pub host: String,
    /// How it ended.
    pub status: Status,
    /// A failure (or being unreachable) that the play ignores.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignored: bool,
    /// A failure that a `rescue` takes care of.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rescued: bool,
    /// The item, when this is one item of a loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemLabel>,
    /// Who did the work, when that is another host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegate: Option<Delegate>,
    /// The result as `register` keeps it: a mapping. Of a loop: with `results`.
    pub result: Value,
    /// Differences, when asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diffs: Vec<Diff>,
    /// Warnings that came with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// Whether the content is to be hidden (`no_log`); [`crate::Sink`] has then done so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_log: bool,
    /// Whether the content is shown.
    pub show: Show,
    /// Seconds from start to end, as the controller sees them.
    pub seconds: f64,
    /// How many attempts an `until` loop took; 0 without one.
    #[serde(skip_serializing_if = "is_zero")]
    pub attempts: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
