//! Plain data on the wire.

use std::cell::Cell;

use serde::de::{Deserializer, Error as _};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};

use crate::Blob;

/// How deep lists and mappings may be nested: a peer must not fill the stack of the other end. Readers of JSON stop at 128,
/// and results put what they read into mappings of their own.
pub const MAX_DEPTH: usize = 192;

/// One value as it crosses the wire: arguments go down, results come up.
///
/// An explicit enum, since postcard is not self-describing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(remote = "Self")]
pub enum Val {
    /// Nothing (`null`, `None`).
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// Text.
    Str(String),
    /// Bytes that need not be UTF-8.
    Bytes(#[serde(with = "crate::bytes")] Vec<u8>),
    /// A list.
    List(Vec<Val>),
    /// A mapping, in order.
    Map(Vec<(String, Val)>),
    /// Content for a file: inline when small, otherwise asked for when the module needs it.
    Blob(Blob),
}

thread_local! {
    /// How many lists and mappings are open in this thread; the formats' own limits are none, or not ours.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// One value within others, while it is read or written.
struct Level;

impl Level {
    fn enter() -> Option<Self> {
        DEPTH.with(|depth| {
            let deeper = depth.get() + 1;
            (deeper <= MAX_DEPTH).then(|| {
                depth.set(deeper);
                Level
            })
        })
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get().saturating_sub(1)));
    }
}

impl Serialize for Val {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let _level = Level::enter().ok_or_else(|| S::Error::custom(TOO_DEEP))?;
        Val::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for Val {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let _level = Level::enter().ok_or_else(|| D::Error::custom(TOO_DEEP))?;
        Val::deserialize(from)
    }
}

const TOO_DEEP: &str = "values are nested too deep";

impl Val {
    /// The entry of a mapping, if this is one and has it.
    pub fn get(&self, key: &str) -> Option<&Val> {
        match self {
            Val::Map(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Val::Str(s) => Some(s),
            _ => None,
        }
    }

    /// The truth value, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Val::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The whole number, if this is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Val::Int(i) => Some(*i),
            _ => None,
        }
    }

    /// The list, if this is one.
    pub fn as_list(&self) -> Option<&[Val]> {
        match self {
            Val::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if this is a mapping.
    pub fn as_map(&self) -> Option<&[(String, Val)]> {
        match self {
            Val::Map(entries) => Some(entries),
            _ => None,
        }
    }
}

impl From<&String> for Val {
    fn from(s: &String) -> Self {
        Val::Str(s.clone())
    }
}

impl From<&std::path::Path> for Val {
    /// Bytes that are not UTF-8 are shown as Python's `surrogateescape` cannot be: replaced.
    fn from(path: &std::path::Path) -> Self {
        Val::Str(path.to_string_lossy().into_owned())
    }
}

impl From<&std::path::PathBuf> for Val {
    fn from(path: &std::path::PathBuf) -> Self {
        path.as_path().into()
    }
}

impl From<usize> for Val {
    fn from(i: usize) -> Self {
        Val::Int(i64::try_from(i).unwrap_or(i64::MAX))
    }
}

impl From<Vec<(String, Val)>> for Val {
    fn from(entries: Vec<(String, Val)>) -> Self {
        Val::Map(entries)
    }
}

impl From<bool> for Val {
    fn from(b: bool) -> Self {
        Val::Bool(b)
    }
}

impl From<i64> for Val {
    fn from(i: i64) -> Self {
        Val::Int(i)
    }
}

impl From<i32> for Val {
    fn from(i: i32) -> Self {
        Val::Int(i64::from(i))
    }
}

impl From<u32> for Val {
    fn from(i: u32) -> Self {
        Val::Int(i64::from(i))
    }
}

impl From<u64> for Val {
    /// Numbers past `i64::MAX` are sizes that no host has; they saturate.
    fn from(i: u64) -> Self {
        Val::Int(i64::try_from(i).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Val {
    fn from(f: f64) -> Self {
        Val::Float(f)
    }
}

impl From<&str> for Val {
    fn from(s: &str) -> Self {
        Val::Str(s.to_owned())
    }
}

impl From<String> for Val {
    fn from(s: String) -> Self {
        Val::Str(s)
    }
}

impl<T: Into<Val>> From<Vec<T>> for Val {
    fn from(items: Vec<T>) -> Self {
        Val::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Val>> From<Option<T>> for Val {
    fn from(value: Option<T>) -> Self {
        value.map_or(Val::Null, Into::into)
    }
}
