//! What Python brings along that filters and tests rest on: arguments, sequences, numbers, text, JSON, randomness.
//!
//! Start reading at [`arguments`]. Knows values, nothing of any one filter.

pub mod arguments;
pub mod bytes;
pub mod csv;
pub mod glob;
pub mod html;
pub mod integer;
pub mod json_reader;
pub mod json_writer;
pub mod mersenne;
pub mod path;
pub mod regex;
pub mod sequence;
pub mod sort;
pub mod text;
pub mod url;
pub mod version;
