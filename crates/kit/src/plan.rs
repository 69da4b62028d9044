//! [`Plan`]: what check mode's earlier tasks would have changed, as plain data that two runners can share.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::effect::Thing;
use crate::system::{FileKind, Stat, Time};

/// Numbers from here on stand for users and groups whose real number only the real run can tell.
pub const PLANNED_ID: u32 = 4_000_000_000;

/// What would have changed. The keys of `entries` are paths without links in them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Plan {
    pub(crate) entries: BTreeMap<PathBuf, Entry>,
    pub(crate) inodes: BTreeMap<u64, Inode>,
    pub(crate) things: BTreeMap<(Thing, String), String>,
    pub(crate) unsure: bool,
    pub(crate) version: u64,
    /// How many bytes of content it holds.
    kept: u64,
}

/// How much content a plan holds: a check run must fill neither the host's memory nor a frame between two runners. What is
/// beyond is *unknown* when it is read back.
pub(crate) const BUDGET: u64 = 32 * 1024 * 1024;

/// What would be at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// Nothing.
    Gone,
    /// This inode.
    Is(u64),
}

/// A file, folder or link that would be there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Inode {
    pub kind: FileKind,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub dev: u64,
    pub ino: u64,
    pub nlink: u64,
    pub rdev: u64,
    pub accessed: Time,
    pub modified: Time,
    pub changed: Time,
    pub xattrs: BTreeMap<String, Option<Vec<u8>>>,
    pub body: Body,
    /// How many paths of the plan lead here.
    pub names: u32,
}

/// What is in a file, a link or a folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Body {
    /// A new folder: what the host has at this path is not in it.
    Fresh,
    /// A folder that a package or a command before it is supposed to bring, with whatever else is in it.
    Supposed,
    /// The host's folder, with planned entries on top.
    Merged,
    /// Bytes.
    Bytes(#[serde(with = "shared_bytes")] Arc<[u8]>),
    /// What the host's file holds.
    Lower(PathBuf, u64),
    /// Only the real run can tell; this long, if that is known.
    Unknown(u64),
    /// Where a link points.
    Target(PathBuf),
    /// Neither: pipes, sockets, devices.
    Nothing,
}

/// Content longer than this is not kept in a plan; reading it back is *unknown*.
const KEPT: u64 = 16 * 1024 * 1024;

impl Body {
    /// Content, if there is room for it.
    pub(crate) fn of(content: &mut dyn Read, room: u64) -> io::Result<Body> {
        let mut bytes = Vec::new();
        content.take(room + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= room {
            return Ok(Body::Bytes(bytes.into()));
        }
        let rest = io::copy(content, &mut io::sink())?;
        Ok(Body::Unknown(bytes.len() as u64 + rest))
    }

    /// How many bytes of content it holds.
    fn held(&self) -> u64 {
        match self {
            Body::Bytes(bytes) => bytes.len() as u64,
            _ => 0,
        }
    }
}

impl Inode {
    /// As the host has it.
    pub fn imported(stat: &Stat, body: Body) -> Inode {
        Inode {
            kind: stat.kind,
            mode: stat.mode,
            uid: stat.uid,
            gid: stat.gid,
            dev: stat.dev,
            ino: stat.ino,
            nlink: stat.nlink,
            rdev: stat.rdev,
            accessed: stat.accessed,
            modified: stat.modified,
            changed: stat.changed,
            xattrs: BTreeMap::new(),
            body,
            names: 0,
        }
    }

    pub fn size(&self) -> u64 {
        match &self.body {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::Lower(_, size) | Body::Unknown(size) => *size,
            Body::Target(target) => target.as_os_str().len() as u64,
            Body::Fresh | Body::Supposed | Body::Merged => 4096,
            Body::Nothing => 0,
        }
    }

    pub fn stat(&self) -> Stat {
        let size = self.size();
        Stat {
            kind: self.kind,
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            size,
            dev: self.dev,
            ino: self.ino,
            nlink: self.nlink,
            rdev: self.rdev,
            blocks: size.div_ceil(4096) * 8,
            block_size: 4096,
            accessed: self.accessed,
            modified: self.modified,
            changed: self.changed,
        }
    }
}

impl Plan {
    /// Grows with every change, so that a copy elsewhere can be told to be stale.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether nothing would have changed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.things.is_empty() && !self.unsure
    }

    /// Whether there would be something else at this path, or in that folder.
    pub(crate) fn differs(&self, path: &Path) -> bool {
        let differs = |(at, entry): (&PathBuf, &Entry)| match entry {
            Entry::Gone => true,
            // The host's own files and folders with other rights are no others.
            Entry::Is(id) => match self.inodes.get(id).map(|inode| &inode.body) {
                Some(Body::Lower(lower, _)) => lower != at,
                Some(Body::Merged) => false,
                _ => true,
            },
        };
        let inside =
            self.entries.range(path.to_owned()..).take_while(|(at, _)| at.starts_with(path)).any(differs);
        inside || path.ancestors().skip(1).filter_map(|above| self.entries.get_key_value(above)).any(differs)
    }

    pub(crate) fn add(&mut self, path: &Path, mut inode: Inode) -> u64 {
        let id = self.inodes.keys().next_back().map_or(1, |n| n + 1);
        if inode.ino == 0 {
            inode.ino = id;
        }
        inode.names = 1;
        self.kept += inode.body.held();
        self.inodes.insert(id, inode);
        self.entries.insert(path.to_owned(), Entry::Is(id));
        self.version += 1;
        id
    }

    /// How many bytes of one content there is room for.
    pub(crate) fn room(&self) -> u64 {
        KEPT.min(BUDGET.saturating_sub(self.kept))
    }

    /// Gives an inode other content.
    pub(crate) fn set_body(&mut self, id: u64, body: Body) {
        if let Some(inode) = self.inodes.get_mut(&id) {
            self.kept = (self.kept + body.held()).saturating_sub(inode.body.held());
            inode.body = body;
        }
    }

    /// Gives an inode another name.
    pub(crate) fn link(&mut self, path: PathBuf, id: u64) {
        if let Some(inode) = self.inodes.get_mut(&id) {
            inode.names += 1;
            inode.nlink += 1;
            self.entries.insert(path, Entry::Is(id));
            self.version += 1;
        }
    }

    pub(crate) fn inode(&self, path: &Path) -> Option<&Inode> {
        match self.entries.get(path)? {
            Entry::Is(id) => self.inodes.get(id),
            Entry::Gone => None,
        }
    }

    /// Whether the host's own file at this path still counts: no folder above it is new or gone.
    pub(crate) fn shows_lower(&self, path: &Path) -> bool {
        for above in path.ancestors().skip(1) {
            match self.entries.get(above) {
                None => {}
                Some(Entry::Gone) => return false,
                Some(Entry::Is(id)) => {
                    return matches!(self.inodes.get(id), Some(Inode { body: Body::Merged, .. }));
                }
            }
        }
        true
    }

    /// Takes away a path and all below it.
    pub(crate) fn remove(&mut self, path: &Path) {
        let below: Vec<PathBuf> = self
            .entries
            .range(path.to_owned()..)
            .map(|(p, _)| p)
            .take_while(|p| p.starts_with(path))
            .cloned()
            .collect();
        for p in below {
            if let Some(Entry::Is(id)) = self.entries.remove(&p)
                && let Some(inode) = self.inodes.get_mut(&id)
            {
                inode.nlink = inode.nlink.saturating_sub(1);
                inode.names = inode.names.saturating_sub(1);
                if inode.names == 0 {
                    self.kept = self.kept.saturating_sub(inode.body.held());
                    self.inodes.remove(&id);
                }
            }
        }
        self.entries.insert(path.to_owned(), Entry::Gone);
        self.version += 1;
    }

    /// Planned paths directly in a folder.
    pub(crate) fn children<'a>(
        &'a self,
        folder: &'a Path,
    ) -> impl Iterator<Item = (&'a PathBuf, Entry)> + 'a {
        self.entries
            .range(folder.to_owned()..)
            .take_while(move |(p, _)| p.starts_with(folder))
            .filter(move |(p, _)| p.parent() == Some(folder))
            .map(|(p, e)| (p, *e))
    }
}

/// Content on its way to another runner.
mod shared_bytes {
    use std::fmt;
    use std::sync::Arc;

    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &Arc<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[u8]>, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Arc<[u8]>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(bytes.into())
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}
