//! XML documents that are changed and written back as lxml does it, and XPath 1.0 over them.
//!
//! What a change does not touch comes out as it went in: comments, processing instructions, the document type, prefixes,
//! CDATA sections, blanks. Start reading at [`Document`]; [`XPath`] finds nodes in one.
//!
//! Imports nothing of the project.

mod characters;
mod doctype;
mod error;
mod node_path;
mod parse;
mod tree;
mod write;
mod xpath;

pub use error::{Malformed, Wrong, WrongKind};
pub use parse::Reading;
pub use tree::{Attribute, Document, Element, Kind, NodeId};
pub use write::{Charset, Layout};
pub use xpath::{Item, Value, XPath};
