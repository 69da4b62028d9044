//! [`Effect`]: what a command is known to do to the host, for check mode's plan and for the fake `World`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a command does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Nothing that a later task could read (a cache refreshed, a daemon reloaded).
    Nothing,
    /// A group is there, with this number if it is known.
    Group {
        /// Its name.
        name: String,
        /// Its number, unless the system chooses or keeps it.
        gid: Option<u32>,
    },
    /// A group is gone.
    GroupGone(String),
    /// A user is there; what is `None` stays as it is, or is the system's choice for a new user.
    User(Account),
    /// A user is gone.
    UserGone(String),
    /// A file holds this, or something that only the real run can tell.
    File {
        /// Its path.
        path: PathBuf,
        /// Its content, if it is known.
        content: Option<Vec<u8>>,
    },
    /// A folder is there.
    Folder(PathBuf),
    /// A path is gone.
    Gone(PathBuf),
    /// Something that has a name and a state: see [`Thing`].
    Set {
        /// Which sort of thing.
        thing: Thing,
        /// Its name.
        name: String,
        /// Its state, in the words of the module that owns the sort.
        state: String,
    },
}

/// Sorts of things that are not files and that check mode's plan keeps by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Thing {
    /// A package of the system's package manager: `present`, `absent`, or a version.
    Package,
    /// Whether a service runs: `started`, `stopped`.
    UnitActive,
    /// Whether a service starts at boot: `enabled`, `disabled`, `masked`.
    UnitEnabled,
    /// A mounted path: `mounted`, `unmounted`.
    Mount,
    /// A kernel setting: its value.
    Sysctl,
    /// Anything else; modules put their own prefix in the name.
    Other,
}

/// A user as [`Effect::User`] describes one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the columns of /etc/passwd")]
pub struct Account {
    pub name: String,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub comment: Option<String>,
    pub home: Option<String>,
    pub shell: Option<String>,
    /// The hash in /etc/shadow.
    pub password: Option<String>,
    /// Supplementary groups, all of them.
    pub groups: Option<Vec<String>>,
    /// Whether the home folder is made.
    pub create_home: bool,
    /// Columns of /etc/shadow by their number, from 3 (`minimum`) to 7 (`expires`); `None` empties one.
    pub days: Vec<(usize, Option<i64>)>,
}
