//! What Python brings along that filters and tests rest on: arguments, sequences, numbers, text, JSON, randomness.
//!
//! Start reading at [`arguments`]. Knows values, nothing of any one filter.

pub(crate) mod arguments;
pub(crate) mod bytes;
pub(crate) mod glob;
pub(crate) mod html;
pub(crate) mod integer;
pub(crate) mod json_reader;
pub(crate) mod json_writer;
pub(crate) mod mersenne;
pub(crate) mod path;
pub(crate) mod regex;
pub(crate) mod sequence;
pub(crate) mod sort;
pub(crate) mod text;
pub(crate) mod url;
pub(crate) mod version;
