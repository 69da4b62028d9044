//! What `json_query` rests on: JMESPath's functions.

pub(crate) mod functions;
