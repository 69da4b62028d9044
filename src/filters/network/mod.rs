//! Addresses and networks as Python's `netaddr` has them, for the `ipaddr` family.

mod mac;
mod net;

pub(crate) use mac::Mac;
pub(crate) use net::{Net, Version};
