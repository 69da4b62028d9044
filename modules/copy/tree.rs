//! Copying a folder of the host to another place on the host.

use std::path::{Path, PathBuf};

use shevek_kit::held::DEEPEST;
use shevek_kit::prelude::*;
use shevek_kit::system::Stat;

use super::Copy;

impl Copy {
    pub(super) fn folder(&self, host: &mut Host, src: &Path) -> Result<Outcome> {
        let given = host.expand(&self.dest);
        let mut changed = false;
        if given.ends_with('/') && !host.exists(&given) {
            self.make_folders(host, Path::new(given.trim_end_matches('/')))?;
            changed = true;
        }
        let dest = PathBuf::from(&given);
        let there = host.stat(&dest)?;
        if there.is_some_and(|s| !s.is_folder()) {
            fail!("cannot overwrite non-directory '{}' with directory '{}'", dest.display(), src.display());
        }
        if there.is_none() && dest.parent().is_some_and(|p| !p.as_os_str().is_empty() && !host.exists(p)) {
            let folder = dest.parent().unwrap_or(Path::new("/"));
            return Err(Fault::absent(format!("Destination directory {} does not exist", folder.display())));
        }
        // A source that ends in a slash stands for what is in it, as for rsync.
        let inside = src.as_os_str().to_string_lossy().ends_with('/');
        let target = match src.file_name() {
            Some(name) if !inside => dest.join(name),
            _ => dest.clone(),
        };
        // As Ansible tells it: a folder that was there is named with what comes into it.
        let told = match (there, inside) {
            (None, _) => dest.clone(),
            (Some(_), false) => target.clone(),
            (Some(_), true) => dest.join(""),
        };
        if there.is_none() && !inside {
            self.make_folders(host, &dest)?;
        }
        let fresh = !host.exists(&target);
        if fresh {
            host.mkdir(&target, 0o700)?;
        }
        let (from, to) = (host.hold(src, Links::Follow)?, host.hold(&target, Links::Follow)?);
        changed |= self.tree(host, (&from, &to), fresh, 0).map_err(|fault| to.told(from.told(fault)))?;
        let attributes = self.attributes(host)?;
        if self.attributes.owner.is_some() || self.attributes.group.is_some() {
            changed |= self.owner().ensure(host, &target, &mut AttributeDiff::default())?;
            changed |= self.own(host, &to, 0).map_err(|fault| to.told(fault))?;
        }
        changed |= attributes.ensure(host, &dest, &mut AttributeDiff::default())?;
        Ok(Outcome::ok()
            .changed_if(changed)
            .with("dest", &told)
            .with("src", src)
            .with("checksum", Val::Null)
            .with("md5sum", Val::Null))
    }

    /// Copies what differs or is missing into a folder, which may be new.
    fn tree(&self, host: &mut Host, (src, dest): (&Held, &Held), fresh: bool, depth: usize) -> Result<bool> {
        if depth > DEEPEST {
            fail!("{} is nested too deeply, or its links form a loop", src.name().display());
        }
        let mut changed = fresh;
        for name in host.list(src.path())? {
            host.still_wanted()?;
            let (from, to) = (src.join(&name), dest.join(&name));
            let Some(is) = host.lstat(&from)? else { continue };
            // Differs from Ansible: a link that leads nowhere is copied, too. There it is left out where the folder's name
            // ends in a slash, and every run says that something changed.
            if is.is_link() && self.local_follow != Some(true) {
                changed |= link(host, &from, &to)?;
                continue;
            }
            match host.stat(&from)? {
                Some(stat) if stat.is_folder() => {
                    let fresh = host.lstat(&to)?.is_none();
                    if fresh {
                        host.mkdir(&to, 0o700)?;
                    }
                    let links = if is.is_link() { Links::Follow } else { Links::Keep };
                    let (from, to) = (src.below(host, &name, links)?, dest.enter(host, &name)?);
                    let done = self.tree(host, (&from, &to), fresh, depth + 1);
                    changed |= done.map_err(|fault| to.told(from.told(fault)))?;
                }
                Some(stat) if stat.is_file() => changed |= file(host, &from, &to, &stat)?,
                _ => {
                    let from = src.name().join(name);
                    host.warn(format!("{} was not copied: it is neither a file nor a folder", from.display()))
                }
            }
        }
        // At the end, so that a folder that is not writable can be filled.
        if fresh && let Some(stat) = host.stat(src.path())? {
            host.chmod(dest.join("."), stat.mode)?;
        }
        Ok(changed)
    }

    fn owner(&self) -> FileAttributes {
        FileAttributes {
            owner: self.attributes.owner.clone(),
            group: self.attributes.group.clone(),
            ..FileAttributes::default()
        }
    }

    /// Gives all that is in a folder to the owner and group that are asked for.
    fn own(&self, host: &mut Host, folder: &Held, depth: usize) -> Result<bool> {
        if depth > DEEPEST {
            fail!("{} is nested too deeply", folder.name().display());
        }
        let (owner, mut changed) = (self.owner(), false);
        for name in host.list(folder.path())? {
            let path = folder.join(&name);
            changed |= owner.ensure(host, &path, &mut AttributeDiff::default())?;
            if host.lstat(&path)?.is_some_and(|s| s.is_folder()) {
                let held = folder.below(host, name, Links::Keep)?;
                changed |= self.own(host, &held, depth + 1).map_err(|fault| held.told(fault))?;
            }
        }
        Ok(changed)
    }
}

fn link(host: &mut Host, from: &Path, to: &Path) -> Result<bool> {
    let target = host.readlink(from)?;
    match host.lstat(to)? {
        None => host.symlink(&target, to)?,
        Some(stat) if stat.is_link() && host.readlink(to)?.as_os_str() == target.as_os_str() => {
            return Ok(false);
        }
        Some(stat) if stat.is_folder() => return Ok(false),
        Some(_) => {
            host.remove(to)?;
            host.symlink(&target, to)?;
        }
    }
    Ok(true)
}

fn file(host: &mut Host, from: &Path, to: &Path, stat: &Stat) -> Result<bool> {
    if let Some(there) = host.stat(to)? {
        let same = there.size == stat.size
            && host.checksum(to, Algorithm::Sha1)? == host.checksum(from, Algorithm::Sha1)?;
        if same || there.is_folder() {
            return Ok(false);
        }
    }
    let mut stream = host.open_seen(from, stat)?;
    let commit = Commit { mode: Some(stat.mode), ..Commit::default() };
    host.write_as(to, &mut stream, &commit)?;
    Ok(true)
}
