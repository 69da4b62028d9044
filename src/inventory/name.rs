//! Names of hosts and groups, and the small numbers that stand for them.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The name as shared text, for making a value of it.
            pub fn shared(&self) -> &Arc<str> {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<Arc<str>>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(text.into())
            }
        }
    };
}

name! {
    /// The name of a host in the inventory (`inventory_hostname`), which need not be its address.
    HostName
}
name! {
    /// The name of a group.
    GroupName
}

/// A host of one inventory. Hosts are never taken away, so it stays valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(pub(crate) u32);

/// A group of one inventory. Groups are never taken away, so it stays valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub(crate) u32);

impl GroupId {
    /// The group `all`.
    pub const ALL: GroupId = GroupId(0);
    /// The group `ungrouped`.
    pub const UNGROUPED: GroupId = GroupId(1);
}

impl HostId {
    /// For arrays with one entry a host.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl GroupId {
    /// For arrays with one entry a group.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}
