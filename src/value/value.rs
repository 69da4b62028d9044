//! [`Value`]: what it is made of and how it is made.

use std::fmt;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use num_bigint::BigInt;
use num_traits::ToPrimitive;
use shevek_diag::Origin;

use crate::{Object, Reason, Undefined};

/// A mapping in insertion order. `map.get("name")` works for text keys.
pub type Map = IndexMap<Value, Value, foldhash::fast::RandomState>;
/// A set in insertion order.
pub type Set = IndexSet<Value, foldhash::fast::RandomState>;

/// What a value is.
#[derive(Clone)]
pub enum Kind {
    /// `null`, Python's `None`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number that fits 64 bits.
    Int(i64),
    /// A whole number that doesn't.
    Big(Arc<BigInt>),
    /// A floating-point number.
    Float(f64),
    /// Text. When [`Flags::TEMPLATE`] is set it is a template still to be rendered.
    Str(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    List(Arc<Vec<Value>>),
    /// A tuple; it becomes a list when it leaves a template.
    Tuple(Arc<Vec<Value>>),
    /// A mapping.
    Map(Arc<Map>),
    /// A set.
    Set(Arc<Set>),
    /// Something that is not there; using it is an error, asking for it isn't.
    Undefined(Arc<Undefined>),
    /// `omit`: the argument that it is given to counts as not given.
    Omit,
    /// Data or a callable with a mind of its own (`hostvars`, `range`, a macro, a date).
    Object(Arc<dyn Object>),
}

/// Marks that a value carries; a container carries those of what is in it.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(u8);

impl Flags {
    /// No mark.
    pub const NONE: Flags = Flags(0);
    /// Never to be shown: from a vault, a private prompt, a `no_log` argument.
    pub const SECRET: Flags = Flags(1);
    /// Trusted text with template syntax, still to be rendered.
    pub const TEMPLATE: Flags = Flags(2);
    /// Missing, or a container with something missing in it. A hint: what was missing may have been taken out again.
    pub const UNDEFINED: Flags = Flags(4);
    /// Not plain data as it stands, or a container of such: a tuple, set, object, `omit` or missing thing. A hint too.
    pub const INNER: Flags = Flags(8);
    /// Text as somebody wrote it in a playbook or inventory, not computed from anything: a condition may name a variable
    /// that holds such text. Containers don't take it on.
    pub const WRITTEN: Flags = Flags(16);

    /// Whether all of `other`'s marks are set.
    pub fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// The marks of both.
    #[must_use]
    pub fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// These marks without `other`'s.
    #[must_use]
    pub fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }
}

/// One value. Cloning is cheap: content is shared.
///
/// Equality and hashing are Python's: `1 == true == 1.0`, origin and marks don't count.
#[derive(Clone)]
pub struct Value {
    kind: Kind,
    origin: Option<Origin>,
    flags: Flags,
}

impl Value {
    /// `null`.
    pub const NULL: Value = Value { kind: Kind::Null, origin: None, flags: Flags::NONE };
    /// `omit`.
    pub const OMIT: Value = Value { kind: Kind::Omit, origin: None, flags: Flags::INNER };

    /// A value of a kind; containers take on the marks of their content.
    pub fn new(kind: Kind) -> Self {
        let flags = match &kind {
            Kind::List(items) => marks(items.iter()),
            Kind::Tuple(items) => marks(items.iter()).with(Flags::INNER),
            Kind::Map(map) => marks(map.values()).with(marks(map.keys())),
            Kind::Set(set) => marks(set.iter()).with(Flags::INNER),
            Kind::Omit | Kind::Object(_) => Flags::INNER,
            Kind::Undefined(_) => Flags::INNER.with(Flags::UNDEFINED),
            _ => Flags::NONE,
        };
        Self { kind, origin: None, flags }
    }

    /// Text.
    pub fn str(text: impl Into<Arc<str>>) -> Self {
        Self { kind: Kind::Str(text.into()), origin: None, flags: Flags::NONE }
    }

    /// Trusted text as written in a playbook or inventory: a template if it has template syntax in it.
    pub fn template(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let flags = if has_template_syntax(&text) { Flags::TEMPLATE } else { Flags::WRITTEN };
        Self { kind: Kind::Str(text), origin: None, flags }
    }

    /// A list.
    pub fn list(items: Vec<Value>) -> Self {
        Self::new(Kind::List(Arc::new(items)))
    }

    /// A tuple.
    pub fn tuple(items: Vec<Value>) -> Self {
        Self::new(Kind::Tuple(Arc::new(items)))
    }

    /// A mapping.
    pub fn map(map: Map) -> Self {
        Self::new(Kind::Map(Arc::new(map)))
    }

    /// A mapping from text keys.
    pub fn dict<K: Into<Arc<str>>, V: Into<Value>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::map(entries.into_iter().map(|(k, v)| (Value::str(k), v.into())).collect())
    }

    /// Bytes.
    pub fn bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::new(Kind::Bytes(bytes.into()))
    }

    /// A whole number of any size.
    pub fn big(number: BigInt) -> Self {
        match number.to_i64() {
            Some(small) => Self::from(small),
            None => Self::new(Kind::Big(Arc::new(number))),
        }
    }

    /// An object.
    pub fn object(object: impl Object + 'static) -> Self {
        Self::new(Kind::Object(Arc::new(object)))
    }

    /// Something missing, under the name that the user wrote.
    pub fn undefined(name: impl Into<String>) -> Self {
        Undefined { name: name.into(), ..Undefined::default() }.into()
    }

    /// What a check run cannot know.
    pub fn unknown(name: impl Into<String>) -> Self {
        Undefined { name: name.into(), reason: Reason::Unknown, ..Undefined::default() }.into()
    }

    /// What it is.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// What it is, to be changed in place; content that is shared is copied first (`Arc::make_mut`). Whoever puts
    /// something into a container this way adds its marks with [`Value::add_flags`].
    pub fn kind_mut(&mut self) -> &mut Kind {
        &mut self.kind
    }

    /// Adds marks.
    pub fn add_flags(&mut self, flags: Flags) {
        self.flags = self.flags.with(flags);
    }

    /// What it is, taken out.
    pub fn into_kind(self) -> Kind {
        self.kind
    }

    /// Where it was written, if it was.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// The same value, written there.
    #[must_use]
    pub fn at(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// The same value, from where another came (if that is known).
    #[must_use]
    pub fn from_where(mut self, other: &Value) -> Self {
        if other.origin.is_some() {
            self.origin.clone_from(&other.origin);
        }
        self
    }

    /// Its marks.
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// The same value with these marks added. Marks of what is inside a container are not changed: see
    /// [`Value::secret`] for that.
    #[must_use]
    pub fn flagged(mut self, flags: Flags) -> Self {
        self.flags = self.flags.with(flags);
        self
    }

    /// The same value, secret all through.
    #[must_use]
    pub fn secret(self) -> Self {
        self.mark(&|flags| flags.with(Flags::SECRET))
    }

    /// The same value, never to be rendered: what `!unsafe` and results from hosts are.
    #[must_use]
    pub fn untrusted(self) -> Self {
        let trusted = Flags::TEMPLATE.with(Flags::WRITTEN);
        if self.is_template() {
            return self.mark(&|flags| flags.without(trusted));
        }
        Self { flags: self.flags.without(Flags::WRITTEN), ..self }
    }

    /// The same value, whose text is template wherever it has template syntax: what `-e` values and prompts are.
    #[must_use]
    pub fn trusted(self) -> Self {
        let origin = self.origin;
        let flags = self.flags;
        let value = match self.kind {
            Kind::Str(text) => Self::template(text),
            Kind::List(items) => Self::list(items.iter().cloned().map(Self::trusted).collect()),
            Kind::Map(map) => {
                Self::map(map.iter().map(|(k, v)| (k.clone().trusted(), v.clone().trusted())).collect())
            }
            kind => Self { kind, origin: None, flags },
        };
        Self { origin, flags: value.flags.with(flags), ..value }
    }

    fn mark(self, change: &dyn Fn(Flags) -> Flags) -> Self {
        let kind = match self.kind {
            Kind::List(items) => {
                Kind::List(Arc::new(items.iter().cloned().map(|v| v.mark(change)).collect()))
            }
            Kind::Tuple(items) => {
                Kind::Tuple(Arc::new(items.iter().cloned().map(|v| v.mark(change)).collect()))
            }
            Kind::Map(map) => Kind::Map(Arc::new(
                map.iter().map(|(k, v)| (k.clone().mark(change), v.clone().mark(change))).collect(),
            )),
            kind => kind,
        };
        Self { kind, origin: self.origin, flags: change(self.flags) }
    }

    /// Whether it, or something in it, is a template still to be rendered.
    pub fn is_template(&self) -> bool {
        self.flags.has(Flags::TEMPLATE)
    }

    /// Whether it, or something in it, must not be shown.
    pub fn is_secret(&self) -> bool {
        self.flags.has(Flags::SECRET)
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// Whether it is missing (or unknown to a check run).
    pub fn is_undefined(&self) -> bool {
        matches!(self.kind, Kind::Undefined(_))
    }

    /// Whether it is the value of an `if` without `else` that does not hold.
    pub fn is_blank(&self) -> bool {
        matches!(&self.kind, Kind::Undefined(undefined) if undefined.reason == Reason::Blank)
    }

    /// Whether it is `omit`.
    pub fn is_omit(&self) -> bool {
        matches!(self.kind, Kind::Omit)
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The text as it is shared, if it is text.
    pub fn as_shared_str(&self) -> Option<&Arc<str>> {
        match &self.kind {
            Kind::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            Kind::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// The whole number, if it is one of 64 bits (a truth value counts, as in Python).
    pub fn as_int(&self) -> Option<i64> {
        match self.kind {
            Kind::Int(i) => Some(i),
            Kind::Bool(b) => Some(i64::from(b)),
            _ => None,
        }
    }

    /// The number as a float, if it is a number.
    pub fn as_float(&self) -> Option<f64> {
        match &self.kind {
            Kind::Int(i) => Some(*i as f64),
            Kind::Bool(b) => Some(f64::from(u8::from(*b))),
            Kind::Big(i) => i.to_f64(),
            Kind::Float(f) => Some(*f),
            _ => None,
        }
    }

    /// The items of a list or tuple.
    pub fn as_list(&self) -> Option<&[Value]> {
        match &self.kind {
            Kind::List(items) | Kind::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a mapping.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Arc<dyn Object>> {
        match &self.kind {
            Kind::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The missing thing, if it is one.
    pub fn as_undefined(&self) -> Option<&Arc<Undefined>> {
        match &self.kind {
            Kind::Undefined(undefined) => Some(undefined),
            _ => None,
        }
    }

    /// The entry of a mapping, as it stands there (not rendered).
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map().and_then(|map| map.get(key))
    }

    /// Python's truth: nothing, zero and empty are false.
    pub fn is_true(&self) -> bool {
        match &self.kind {
            Kind::Null | Kind::Undefined(_) => false,
            // As Ansible's own object for it.
            Kind::Omit => true,
            Kind::Bool(b) => *b,
            Kind::Int(i) => *i != 0,
            Kind::Big(_) => true,
            Kind::Float(f) => *f != 0.0,
            Kind::Str(s) => !s.is_empty(),
            Kind::Bytes(b) => !b.is_empty(),
            Kind::List(items) | Kind::Tuple(items) => !items.is_empty(),
            Kind::Map(map) => !map.is_empty(),
            Kind::Set(set) => !set.is_empty(),
            Kind::Object(object) => object.is_true(),
        }
    }

    /// Python's name of its type, as error messages give it.
    pub fn type_name(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "NoneType",
            Kind::Bool(_) => "bool",
            Kind::Int(_) | Kind::Big(_) => "int",
            Kind::Float(_) => "float",
            Kind::Str(_) => "str",
            Kind::Bytes(_) => "bytes",
            Kind::List(_) => "list",
            Kind::Tuple(_) => "tuple",
            Kind::Map(_) => "dict",
            Kind::Set(_) => "set",
            Kind::Undefined(_) => "Undefined",
            Kind::Omit => "Omit",
            Kind::Object(object) => object.type_name(),
        }
    }
}

/// Whether text could be a template: Ansible's own quick look.
fn has_template_syntax(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| matches!(pair, b"{{" | b"{%" | b"{#"))
}

fn marks<'a>(items: impl Iterator<Item = &'a Value>) -> Flags {
    items.fold(Flags::NONE, |all, item| all.with(item.flags)).without(Flags::WRITTEN)
}

impl Default for Value {
    fn default() -> Self {
        Self::NULL
    }
}

/// Like Python's `repr`, with secrets hidden.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_secret() { f.write_str("<secret>") } else { f.write_str(&self.repr()) }
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::new(Kind::Bool(b))
    }
}

impl From<i64> for Value {
    fn from(i: i64) -> Self {
        Self::new(Kind::Int(i))
    }
}

impl From<i32> for Value {
    fn from(i: i32) -> Self {
        Self::from(i64::from(i))
    }
}

impl From<u32> for Value {
    fn from(i: u32) -> Self {
        Self::from(i64::from(i))
    }
}

impl From<usize> for Value {
    fn from(i: usize) -> Self {
        i64::try_from(i).map_or_else(|_| Self::big(BigInt::from(i)), Self::from)
    }
}

impl From<f64> for Value {
    fn from(f: f64) -> Self {
        Self::new(Kind::Float(f))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::str(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::str(text)
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::str(text)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::list(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::NULL, Into::into)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::map(map)
    }
}

impl From<Undefined> for Value {
    fn from(undefined: Undefined) -> Self {
        Self::new(Kind::Undefined(Arc::new(undefined)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_tells_of_templates_and_secrets_inside() {
        let plain = Value::list(vec![Value::template("no syntax")]);
        assert!(!plain.is_template());
        let lazy = Value::dict([("a", Value::list(vec![Value::template("{{ b }}")]))]);
        assert!(lazy.is_template());
        assert!(!lazy.clone().untrusted().is_template());
        assert!(Value::list(vec![Value::str("x").secret()]).is_secret());
        assert!(lazy.secret().get("a").unwrap().is_secret());
    }

    #[test]
    fn text_from_a_host_is_no_template_until_it_is_trusted() {
        let text = Value::list(vec![Value::str("{{ evil }}")]);
        assert!(!text.is_template());
        assert!(text.trusted().is_template());
    }

    #[test]
    fn debug_output_hides_secrets() {
        assert_eq!(format!("{:?}", Value::str("hunter2").secret()), "<secret>");
    }

    #[test]
    fn text_finds_its_key() {
        let map = Value::dict([("a", 1), ("b", 2)]);
        assert_eq!(map.get("b").and_then(Value::as_int), Some(2));
    }

    #[test]
    fn a_value_stays_small() {
        assert!(std::mem::size_of::<Value>() <= 56, "{}", std::mem::size_of::<Value>());
    }
}
