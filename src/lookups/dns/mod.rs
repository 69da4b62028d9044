//! Asking name servers, as `dnspython` does it: what `dig` rests on.

mod message;
mod record;
mod resolver;

pub(crate) use record::{Kind, class_number};
pub(crate) use resolver::{Outcome, Resolver};
