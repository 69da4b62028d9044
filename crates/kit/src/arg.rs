//! [`Arg`] and [`Args`]: how settled values become the fields of a module's struct. `#[derive(Args)]` and
//! `#[derive(Choice)]` write these; the impls for plain types are here.

use std::path::PathBuf;

use shevek_proto::Val;

use crate::kind::Kind;
use crate::schema::{Opt, Rule};

/// A type that an option can have.
pub trait Arg: Sized {
    /// What the schema says of it.
    const KIND: Kind;
    /// Whether a task must give an option of this type that has no default.
    const REQUIRED: bool = true;
    /// Whether its values are secrets.
    const SECRET: bool = false;

    /// Makes it from a value that [`Kind::coerce`] has made.
    fn read(value: Val) -> Result<Self, String>;

    /// What it is when left out, if it can be.
    fn absent() -> Option<Self> {
        None
    }
}

/// The arguments of a module, or a group of options shared by several.
pub trait Args: Sized {
    /// The options, one a field.
    const OPTIONS: &'static [Opt];
    /// What must hold between them.
    const RULES: &'static [Rule] = &[];

    /// Makes them from settled values.
    fn read(settled: &mut Settled) -> Result<Self, String>;
}

/// Arguments after [`crate::schema::Schema::settle`], handed out one by one.
#[derive(Debug, Default)]
pub struct Settled {
    values: Vec<(String, Val)>,
}

impl Settled {
    /// Takes settled values.
    pub fn new(values: Vec<(String, Val)>) -> Self {
        Settled { values }
    }

    /// The option's value as its type.
    pub fn take<T: Arg>(&mut self, name: &str) -> Result<T, String> {
        match self.values.iter().position(|(k, _)| k == name) {
            Some(at) => {
                T::read(self.values.swap_remove(at).1).map_err(|why| format!("argument '{name}': {why}"))
            }
            None => T::absent().ok_or_else(|| format!("missing required arguments: {name}")),
        }
    }

    /// What has not been taken: options that an open schema lets through.
    pub fn rest(&mut self) -> Vec<(String, Val)> {
        std::mem::take(&mut self.values)
    }
}

fn unexpected<T>(value: &Val) -> Result<T, String> {
    Err(format!("unexpected {}", crate::printed::python_type(value)))
}

impl Arg for String {
    const KIND: Kind = Kind::Str;
    fn read(value: Val) -> Result<Self, String> {
        match value {
            Val::Str(s) => Ok(s),
            other => unexpected(&other),
        }
    }
}

impl Arg for PathBuf {
    const KIND: Kind = Kind::Path;
    fn read(value: Val) -> Result<Self, String> {
        String::read(value).map(PathBuf::from)
    }
}

impl Arg for bool {
    const KIND: Kind = Kind::Bool;
    fn read(value: Val) -> Result<Self, String> {
        value.as_bool().map_or_else(|| unexpected(&value), Ok)
    }
}

impl Arg for f64 {
    const KIND: Kind = Kind::Float;
    fn read(value: Val) -> Result<Self, String> {
        match value {
            Val::Float(f) => Ok(f),
            other => unexpected(&other),
        }
    }
}

macro_rules! whole_numbers {
    ($($t:ty),*) => {$(
        impl Arg for $t {
            const KIND: Kind = Kind::Int;
            fn read(value: Val) -> Result<Self, String> {
                let Val::Int(i) = value else { return unexpected(&value) };
                <$t>::try_from(i).map_err(|_| format!("{i} is out of range"))
            }
        }
    )*};
}
whole_numbers!(i32, i64, u32, u64, usize);

impl Arg for Val {
    const KIND: Kind = Kind::Raw;
    fn read(value: Val) -> Result<Self, String> {
        Ok(value)
    }
}

/// A mapping with any keys, in order.
pub type Dict = Vec<(String, Val)>;

impl Arg for Dict {
    const KIND: Kind = Kind::Dict;
    const REQUIRED: bool = false;
    fn read(value: Val) -> Result<Self, String> {
        match value {
            Val::Map(entries) => Ok(entries),
            other => unexpected(&other),
        }
    }
    fn absent() -> Option<Self> {
        Some(Vec::new())
    }
}

impl<T: Arg> Arg for Option<T> {
    const KIND: Kind = T::KIND;
    const REQUIRED: bool = false;
    const SECRET: bool = T::SECRET;
    fn read(value: Val) -> Result<Self, String> {
        match value {
            Val::Null => Ok(None),
            value => T::read(value).map(Some),
        }
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Arg> Arg for Vec<T> {
    const KIND: Kind = Kind::List(&T::KIND);
    const REQUIRED: bool = false;
    const SECRET: bool = T::SECRET;
    fn read(value: Val) -> Result<Self, String> {
        match value {
            Val::List(items) => items.into_iter().map(T::read).collect(),
            other => unexpected(&other),
        }
    }
    fn absent() -> Option<Self> {
        Some(Vec::new())
    }
}

/// Text that Ansible calls `jsonarg`: lists and mappings become JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(pub String);

impl Arg for Json {
    const KIND: Kind = Kind::Json;
    fn read(value: Val) -> Result<Self, String> {
        String::read(value).map(Json)
    }
}

/// A size in bytes, given as `10M` or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub i64);

impl Arg for Bytes {
    const KIND: Kind = Kind::Bytes;
    fn read(value: Val) -> Result<Self, String> {
        i64::read(value).map(Bytes)
    }
}

/// A size in bits, given as `10Mb` or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bits(pub i64);

impl Arg for Bits {
    const KIND: Kind = Kind::Bits;
    fn read(value: Val) -> Result<Self, String> {
        i64::read(value).map(Bits)
    }
}

/// A value that is masked wherever it would be shown (`no_log`).
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value itself, for the program that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("********")
    }
}

impl Arg for Secret {
    const KIND: Kind = Kind::Str;
    const SECRET: bool = true;
    fn read(value: Val) -> Result<Self, String> {
        String::read(value).map(Secret)
    }
}
