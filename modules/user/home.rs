//! The home folder, where useradd does not make it.

use std::path::Path;

use shevek_kit::prelude::*;

use super::User;

impl User {
    /// Makes the home folder as a copy of the skeleton, unless something is there; true: it was made.
    pub(super) fn make_home(&self, home: &Path, host: &mut Host) -> Result<bool> {
        if host.exists(home) {
            return Ok(false);
        }
        let skeleton = self.skeleton.as_deref().unwrap_or("/etc/skel");
        let missing: Vec<&Path> = home
            .ancestors()
            .skip(1)
            .take_while(|p| !host.exists(p))
            .filter(|p| !p.as_os_str().is_empty())
            .collect();
        for folder in missing.into_iter().rev() {
            host.mkdir(folder, 0o755)?;
        }
        host.mkdir(home, 0o755)?;
        let held = host.hold(home, Links::Keep)?;
        if skeleton != "/dev/null" && host.is_folder(skeleton) {
            fill(Path::new(skeleton), &held, host).map_err(|fault| held.told(fault))?;
        }
        host.chmod(held.join("."), mode(host)?)?;
        Ok(true)
    }

    /// Gives a home folder that was made here to its user. One that was there already is left as it is: it may be shared,
    /// or hold what is another's on purpose.
    pub(super) fn own_home(&self, home: &Path, user: &shevek_kit::User, host: &mut Host) -> Result<()> {
        let held = host.hold(home, Links::Keep)?;
        own(&held, Owner { uid: Some(user.uid), gid: Some(user.gid) }, host).map_err(|fault| held.told(fault))
    }
}

fn fill(from: &Path, to: &Held, host: &mut Host) -> Result<()> {
    for name in host.list(from)? {
        let (source, dest) = (from.join(&name), to.join(&name));
        let Some(stat) = host.lstat(&source)? else { continue };
        match stat.kind {
            FileKind::Folder => {
                host.mkdir(&dest, stat.mode)?;
                let held = to.below(host, &name, Links::Keep)?;
                fill(&source, &held, host).map_err(|fault| held.told(fault))?;
            }
            FileKind::Link => {
                let target = host.readlink(&source)?;
                host.symlink(target, &dest)?;
            }
            FileKind::File => {
                let mut content = host.open(&source)?;
                host.write_as(&dest, &mut content, &Commit { mode: Some(stat.mode), ..Commit::default() })?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn own(folder: &Held, owner: Owner, host: &mut Host) -> Result<()> {
    host.chown(folder.join("."), owner, Links::Keep)?;
    for name in host.list(folder.path())? {
        let path = folder.join(&name);
        if host.lstat(&path)?.is_some_and(|s| s.is_folder()) {
            let held = folder.below(host, name, Links::Keep)?;
            own(&held, owner, host).map_err(|fault| held.told(fault))?;
        } else {
            host.chown(path, owner, Links::Keep)?;
        }
    }
    Ok(())
}

/// The mode of new home folders, from /etc/login.defs.
fn mode(host: &Probe) -> Result<u32> {
    let Some(text) = host.read_if_there("/etc/login.defs")? else { return Ok(0o755) };
    let mut mode = 0o755;
    for line in String::from_utf8_lossy(&text).lines() {
        let mut words = line.split_whitespace();
        let (name, value) = (words.next(), words.next().and_then(|v| u32::from_str_radix(v, 8).ok()));
        match (name, value) {
            (Some("HOME_MODE"), Some(value)) => return Ok(value),
            (Some("UMASK"), Some(value)) => mode = 0o777 & !value,
            _ => {}
        }
    }
    Ok(mode)
}
