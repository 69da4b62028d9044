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
        if skeleton != "/dev/null" && host.is_folder(skeleton) {
            fill(Path::new(skeleton), home, host)?;
        }
        host.chmod(home, mode(host)?)?;
        Ok(true)
    }

    /// Gives a home folder that was made here to its user. One that was there already is left as it is: it may be shared,
    /// or hold what is another's on purpose.
    pub(super) fn own_home(&self, home: &Path, user: &shevek_kit::User, host: &mut Host) -> Result<()> {
        own(home, Owner { uid: Some(user.uid), gid: Some(user.gid) }, host)
    }
}

fn fill(from: &Path, to: &Path, host: &mut Host) -> Result<()> {
    for name in host.list(from)? {
        let (source, dest) = (from.join(&name), to.join(&name));
        let Some(stat) = host.lstat(&source)? else { continue };
        match stat.kind {
            FileKind::Folder => {
                host.mkdir(&dest, stat.mode)?;
                fill(&source, &dest, host)?;
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

fn own(path: &Path, owner: Owner, host: &mut Host) -> Result<()> {
    host.chown(path, owner, Links::Keep)?;
    if host.lstat(path)?.is_some_and(|s| s.is_folder()) {
        for name in host.list(path)? {
            own(&path.join(name), owner, host)?;
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
