//! [`FileAttributes`]: mode, owner, group and the like, which many modules take, and the one verb that makes a path have
//! them.

use std::path::{Path, PathBuf};

use shevek_derive::Args;
use shevek_proto::{Diff, Val};

use crate::accounts::known_id;
use crate::command::cmd;
use crate::effect::Effect;
use crate::fail;
use crate::fault::{Fault, Result};
use crate::host::{Host, Owner};
use crate::permissions::{Permissions, Start, shown};
use crate::probe::Probe;
use crate::state::{Known, LATER};
use crate::system::{Commit, Links, Stat};

/// The options that all modules which make files have in common.
#[derive(Debug, Clone, Default, Args)]
#[kit(crate)]
pub struct FileAttributes {
    /// Permissions: an octal number (quoted, or with a leading zero) or symbolic such as `u=rw,g=r,o=`.
    pub mode: Option<Permissions>,
    /// The user that owns it, by name or number.
    pub owner: Option<String>,
    /// The group that owns it, by name or number.
    pub group: Option<String>,
    /// User part of the SELinux context; `_default` takes the policy's.
    pub seuser: Option<String>,
    /// Role part of the SELinux context; `_default` takes the policy's.
    pub serole: Option<String>,
    /// Type part of the SELinux context; `_default` takes the policy's.
    pub setype: Option<String>,
    /// Level part of the SELinux context; `_default` takes the policy's.
    pub selevel: Option<String>,
    /// Attributes as for chattr(1), with `+`, `-` or `=` before them.
    #[arg(alias = "attr")]
    pub attributes: Option<String>,
    /// Write over a file in place where it cannot be replaced in one step (bind mounts).
    pub unsafe_writes: Option<bool>,
}

/// A difference of attributes that grows as they are set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AttributeDiff {
    /// As they were.
    pub before: Vec<(String, Val)>,
    /// As they are now.
    pub after: Vec<(String, Val)>,
}

impl AttributeDiff {
    /// One of a path: Ansible's differences of files begin so.
    pub fn of(path: &Path) -> Self {
        let mut diff = AttributeDiff::default();
        diff.put("path", Val::from(path), Val::from(path));
        diff
    }

    /// Adds a pair of values; an earlier pair of that name is replaced.
    pub fn put(&mut self, name: &str, before: impl Into<Val>, after: impl Into<Val>) {
        for (side, value) in [(&mut self.before, before.into()), (&mut self.after, after.into())] {
            match side.iter_mut().find(|(k, _)| k == name) {
                Some(entry) => entry.1 = value,
                None => side.push((name.to_owned(), value)),
            }
        }
    }
}

/// The number of an owner or a group as a difference shows it.
fn shown_id(id: u32) -> Val {
    match known_id(id) {
        Known::Is(id) => id.into(),
        Known::Later => LATER.into(),
    }
}

impl From<AttributeDiff> for Diff {
    fn from(diff: AttributeDiff) -> Self {
        Diff { before: Val::Map(diff.before), after: Val::Map(diff.after), ..Diff::default() }
    }
}

/// The number of a user or group; the greatest one means "leave it" to the kernel.
fn number(id: i64) -> Option<u32> {
    u32::try_from(id).ok().filter(|id| *id != u32::MAX)
}

fn no_id(doing: &str, id: &str) -> Fault {
    Fault::new(format!("{doing} failed: {id} is no number that a user or group can have"))
}

impl FileAttributes {
    /// The number of the owner that is asked for.
    pub fn uid(&self, host: &Probe) -> Result<Option<u32>> {
        let Some(owner) = &self.owner else { return Ok(None) };
        match owner.parse::<i64>() {
            Ok(uid) => number(uid).map(Some).ok_or_else(|| no_id("chown", owner)),
            Err(_) => match host.user(owner)? {
                Some(user) => Ok(Some(user.uid)),
                None => Err(Fault::absent(format!("chown failed: failed to look up user {owner}"))),
            },
        }
    }

    /// The number of the group that is asked for.
    pub fn gid(&self, host: &Probe) -> Result<Option<u32>> {
        let Some(group) = &self.group else { return Ok(None) };
        match group.parse::<i64>() {
            Ok(gid) => number(gid).map(Some).ok_or_else(|| no_id("chgrp", group)),
            Err(_) => match host.group(group)? {
                Some(group) => Ok(Some(group.gid)),
                None => Err(Fault::absent(format!("chgrp failed: failed to look up group {group}"))),
            },
        }
    }

    /// The permission bits that are asked for, of something with this status (or of a new file).
    pub fn bits(&self, now: Option<&Stat>, host: &Probe) -> Result<Option<u32>> {
        let Some(mode) = &self.mode else { return Ok(None) };
        let umask = host.identity().umask;
        let start = match now {
            Some(now) => Start { mode: now.mode, folder: now.is_folder(), umask },
            None => Start { mode: 0o666 & !umask, folder: false, umask },
        };
        mode.bits(start).map(Some)
    }

    /// The mode that new content is put in place with, if one is asked for, and the difference that it makes: to the file
    /// that was there, or to the usual mode of new files.
    pub fn new_mode(&self, host: &Probe, dest: &Path, diff: &mut AttributeDiff) -> Result<Option<u32>> {
        let now = host.stat(dest)?;
        let bits = self.bits(now.as_ref(), host)?;
        let was = now.map_or_else(|| 0o666 & !host.identity().umask, |now| now.mode);
        if let Some(bits) = bits.filter(|bits| *bits != was) {
            diff.put("mode", shown(was), shown(bits));
        }
        Ok(bits)
    }

    /// How a file with these attributes is put in place, so that its content is never seen with other ones.
    pub fn commit(&self, host: &Probe, dest: &Path) -> Result<Commit> {
        let now = host.stat(dest)?;
        Ok(Commit {
            mode: self.bits(now.as_ref(), host)?,
            uid: self.uid(host)?,
            gid: self.gid(host)?,
            unsafe_writes: self.writes_in_place(host),
            fresh: false,
        })
    }

    /// Whether a file that cannot be replaced is written over; the host's environment says so where the task does not.
    pub fn writes_in_place(&self, host: &Probe) -> bool {
        let of_host = || {
            let set = host.env("ANSIBLE_UNSAFE_WRITES")?;
            crate::kind::boolean(&Val::from(set)).ok()
        };
        self.unsafe_writes.or_else(of_host).unwrap_or(false)
    }

    /// Whether any of them is asked for.
    pub fn any(&self) -> bool {
        let parts = [
            &self.owner,
            &self.group,
            &self.seuser,
            &self.serole,
            &self.setype,
            &self.selevel,
            &self.attributes,
        ];
        self.mode.is_some() || parts.iter().any(|p| p.is_some())
    }

    /// Makes a path have these attributes, and says whether anything had to change. A link itself is meant, not what it
    /// points to: see [`followed`].
    pub fn ensure(&self, host: &mut Host, path: &Path, diff: &mut AttributeDiff) -> Result<bool> {
        if !self.any() {
            return Ok(false);
        }
        let there = |f: Fault| f.with("path", path);
        let Some(now) = host.lstat(path)? else {
            return Err(Fault::absent(format!("file not found: {}", path.display())).with("path", path));
        };
        let mut changed = self.ensure_context(host, path, diff).map_err(there)?;
        let (uid, gid) = (self.uid(host).map_err(there)?, self.gid(host).map_err(there)?);
        for (name, wanted, was) in [("owner", uid, now.uid), ("group", gid, now.gid)] {
            let Some(wanted) = wanted.filter(|wanted| *wanted != was) else { continue };
            diff.put(name, shown_id(was), shown_id(wanted));
            let (owner, doing) = match name {
                "owner" => (Owner { uid: Some(wanted), gid: None }, "chown"),
                _ => (Owner { uid: None, gid: Some(wanted) }, "chgrp"),
            };
            host.chown(path, owner, Links::Keep).map_err(|f| Fault {
                message: format!("{doing} failed: {}", f.message),
                ..f.with("path", path)
            })?;
            changed = true;
        }
        // A new owner takes setuid and setgid away, so permissions come after it.
        let Some(now) = host.lstat(path)? else { return Ok(changed) };
        if !now.is_link()
            && let Some(bits) = self.bits(Some(&now), host).map_err(there)?
            && bits != now.mode
        {
            diff.put("mode", shown(now.mode), shown(bits));
            host.chmod(path, bits).map_err(|f| Fault {
                message: format!("chmod failed: {}", f.message),
                ..f.with("path", path)
            })?;
            changed = true;
        }
        Ok(changed | self.ensure_flags(host, path, diff)?)
    }

    fn ensure_flags(&self, host: &mut Host, path: &Path, diff: &mut AttributeDiff) -> Result<bool> {
        let Some(wanted) = &self.attributes else { return Ok(false) };
        let (how, flags) = match wanted.chars().next() {
            Some(sign @ ('+' | '-' | '=')) => (sign, wanted.get(1..).unwrap_or_default()),
            _ => ('=', wanted.as_str()),
        };
        let said = host.ask(cmd("lsattr").arg("-d").arg(path).any_rc()).ok().filter(|ran| ran.ok());
        let now: String = said
            .map(|ran| ran.out().split_whitespace().next().unwrap_or_default().replace('-', ""))
            .unwrap_or_default();
        let has = |flag: char| now.contains(flag);
        let right = match how {
            '+' => flags.chars().all(has),
            '-' => !flags.chars().any(has),
            _ => {
                // `e` (extents) is the file system's own and cannot be taken away.
                let own =
                    |set: &str| set.chars().filter(|c| *c != 'e').collect::<std::collections::BTreeSet<_>>();
                own(&now) == own(flags)
            }
        };
        if flags.is_empty() || right {
            return Ok(false);
        }
        diff.put("attributes", now, format!("{how}{flags}"));
        host.run(cmd("chattr").arg(format!("{how}{flags}")).arg(path).does(Effect::Nothing)).map_err(
            |f| Fault { message: format!("chattr failed: {}", f.message), ..f.with("path", path) },
        )?;
        Ok(true)
    }

    fn ensure_context(&self, host: &mut Host, path: &Path, diff: &mut AttributeDiff) -> Result<bool> {
        let wanted = [&self.seuser, &self.serole, &self.setype, &self.selevel];
        if wanted.iter().all(|part| part.is_none()) || !selinux_enabled(host) {
            return Ok(false);
        }
        let Some(now) = context(host, path)? else { return Ok(false) };
        let mut parts: Vec<String> = now.splitn(4, ':').map(str::to_owned).collect();
        let default = match wanted.iter().any(|part| part.as_deref() == Some("_default")) {
            true => host
                .ask(cmd("matchpathcon").arg("-n").arg(path).any_rc())
                .ok()
                .filter(|ran| ran.ok())
                .map(|ran| ran.out().trim().to_owned()),
            false => None,
        };
        let default: Vec<&str> = default.as_deref().unwrap_or(&now).splitn(4, ':').collect();
        for (at, part) in wanted.iter().enumerate() {
            let value = match part.as_deref() {
                Some("_default") => default.get(at).map(|v| (*v).to_owned()),
                Some(value) => Some(value.to_owned()),
                None => None,
            };
            if let (Some(slot), Some(value)) = (parts.get_mut(at), value) {
                *slot = value;
            }
        }
        let goal = parts.join(":");
        if goal == now {
            return Ok(false);
        }
        diff.put("secontext", now.split(':').map(str::to_owned).collect::<Vec<_>>(), parts);
        host.set_xattr(path, CONTEXT, Some(format!("{goal}\0").as_bytes())).map_err(|f| Fault {
            message: format!("set selinux context failed: {}", f.message),
            ..f.with("path", path)
        })?;
        Ok(true)
    }
}

const CONTEXT: &str = "security.selinux";

/// Whether SELinux is on.
pub fn selinux_enabled(host: &Probe) -> bool {
    host.exists("/sys/fs/selinux/enforce")
}

/// The SELinux context of a path.
pub fn context(host: &Probe, path: &Path) -> Result<Option<String>> {
    let value = host.xattr(path, CONTEXT)?;
    Ok(value.map(|v| String::from_utf8_lossy(&v).trim_end_matches('\0').to_owned()))
}

/// Where a link leads, if links are to be followed; otherwise the path as it is.
pub fn followed(host: &Probe, path: &Path, links: Links) -> PathBuf {
    match links {
        Links::Follow if host.lstat(path).ok().flatten().is_some_and(|s| s.is_link()) => lead(host, path, 0),
        _ => path.to_owned(),
    }
}

/// As Python's `realpath`: goes as far as there is something.
fn lead(host: &Probe, path: &Path, hops: u8) -> PathBuf {
    if let Ok(path) = host.canonical(path) {
        return path;
    }
    match host.readlink(path) {
        Ok(target) if hops < 40 => {
            lead(host, &path.parent().unwrap_or(Path::new("/")).join(target), hops + 1)
        }
        _ => match (path.parent().map(|p| host.canonical(p)), path.file_name()) {
            (Some(Ok(folder)), Some(name)) => folder.join(name),
            _ => path.to_owned(),
        },
    }
}

/// Refuses a link that somebody else than who acts here has laid, to what is not theirs: root would read, write or give away
/// what it leads to. For paths in folders that belong to users; likewise what is neither file nor folder, which could keep
/// one waiting for ever.
pub fn refuse_link(host: &Probe, path: &Path) -> Result<()> {
    let Some(stat) = host.lstat(path)? else { return Ok(()) };
    let end = host.stat(path)?;
    let is_theirs = end.as_ref().is_some_and(|end| end.uid == stat.uid);
    if stat.is_link() && stat.uid != host.identity().uid && !is_theirs {
        fail!("{} is a link, laid by a user to what does not belong to that user", path.display());
    }
    if end.is_some_and(|stat| !stat.is_file() && !stat.is_folder()) {
        fail!("{} is no plain file", path.display());
    }
    Ok(())
}

/// What Ansible adds to every result that names a `path` or `dest`: owner, group, mode, state and size of it.
pub fn path_info(host: &Probe, path: &str) -> Result<Vec<(&'static str, Val)>> {
    let (Some(_), Some(stat)) = (host.stat(path)?, host.lstat(path)?) else { return Ok(Vec::new()) };
    let mut info: Vec<(&'static str, Val)> = Vec::new();
    for (number, name, id, found) in [
        ("uid", "owner", stat.uid, host.user_of(stat.uid)?.map(|u| u.name)),
        ("gid", "group", stat.gid, host.group_of(stat.gid)?.map(|g| g.name)),
    ] {
        // A number that only the real run can tell is left out.
        if let Some(id) = crate::accounts::known_id(id).get() {
            info.push((number, id.into()));
        }
        info.push((name, found.unwrap_or_else(|| id.to_string()).into()));
    }
    info.push(("mode", shown(stat.mode).into()));
    info.push(("state", state_word(host, path, &stat).into()));
    if selinux_enabled(host)
        && let Some(context) = context(host, Path::new(path))?
    {
        info.push(("secontext", context.into()));
    }
    info.push(("size", stat.size.into()));
    Ok(info)
}

fn state_word(host: &Probe, path: &str, stat: &Stat) -> &'static str {
    let target = host.stat(path).ok().flatten();
    if stat.is_link() {
        "link"
    } else if stat.is_folder() {
        "directory"
    } else if target.is_some_and(|s| s.nlink > 1) {
        "hard"
    } else {
        "file"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn a_number_that_nobody_can_have_is_refused() {
        let host = World::new().probe();
        for id in ["5000000000", "-5", "-1", "4294967295"] {
            let both = FileAttributes {
                owner: Some(id.into()),
                group: Some(id.into()),
                ..FileAttributes::default()
            };
            assert!(both.uid(&host).unwrap_err().message.starts_with("chown failed: "), "{id}");
            assert!(both.gid(&host).unwrap_err().message.starts_with("chgrp failed: "), "{id}");
        }
        let fine = FileAttributes { owner: Some("12".into()), ..FileAttributes::default() };
        assert_eq!(fine.uid(&host).unwrap(), Some(12));
    }
}
