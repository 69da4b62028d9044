//! The data that playbooks, inventories and templates are made of: [`Value`].
//!
//! Start reading at [`Value`] and [`Kind`]. A value is Python's in meaning (`1 == true == 1.0`, insertion-ordered
//! mappings with any hashable key, tuples, sets, big integers), cheap to clone, never changed in place while shared,
//! and knows where it came from, whether it is secret, and whether it still holds templates to be rendered.
//!
//! Imports `diag` only.

mod clock;
mod compare;
mod date;
mod float;
mod json;
mod object;
mod order;
mod print;
mod range;
mod undefined;
mod value;

pub use clock::TimeDelta;
pub use date::{Date, DateTime};
pub use float::float_repr;
pub use indexmap::map::Entry;
pub use indexmap::{Equivalent, IndexMap, IndexSet};
pub use num_bigint::BigInt;
pub use object::Object;
pub use print::string_repr;
pub use range::Range;
pub use undefined::{Reason, Undefined};
pub use value::{Flags, Kind, Map, Set, Value};
