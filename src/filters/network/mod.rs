//! Addresses and networks as Python's `netaddr` has them, for the `ipaddr` family.

mod net;

pub(crate) use net::{Net, Version};
