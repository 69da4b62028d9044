//! Retrieve the status of a file or folder.
//!
//! Like `stat`: kind, permissions, owner, size, times; also its checksum, MIME type and attributes.
//!
//! ```yaml
//! - stat: { path: /etc/foo.conf }
//!   register: st
//! - fail: { msg: "whoops, the owner has changed" }
//!   when: st.stat.exists and st.stat.pw_name != 'root'
//! ```
use std::path::PathBuf;

use shevek_kit::prelude::*;

/// Arguments of `stat`.
#[derive(Args)]
#[module(query)]
pub struct Stat {
    /// The path to look at.
    #[arg(aliases("dest", "name"))]
    path: PathBuf,
    /// Look at what a link points to.
    #[arg(default = false)]
    follow: bool,
    /// Also return a checksum of a plain file's content.
    #[arg(default = true)]
    get_checksum: bool,
    /// Also return the MIME type and character set, as the program `file` tells them.
    #[arg(default = true, aliases("mime", "mime_type", "mime-type"))]
    get_mime: bool,
    /// Also return the attributes that `lsattr` tells.
    #[arg(default = true, aliases("attr", "attributes"))]
    get_attributes: bool,
    /// Which checksum.
    #[arg(default = "sha1", aliases("checksum", "checksum_algo"))]
    checksum_algorithm: ChecksumAlgorithm,
}

/// Checksums that `stat` can give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum ChecksumAlgorithm {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

type Keys = Vec<(String, Val)>;

fn put(keys: &mut Keys, name: &str, value: impl Into<Val>) {
    keys.push((name.to_owned(), value.into()));
}

impl Query for Stat {
    fn ask(&self, host: &Probe) -> Result<Outcome> {
        let stat = if self.follow { host.stat(&self.path)? } else { host.lstat(&self.path)? };
        let Some(stat) = stat else {
            return Ok(Outcome::ok().with("stat", vec![("exists".to_owned(), Val::Bool(false))]));
        };
        let mut keys = self.plain(&stat);
        for (name, what) in
            [("readable", Access::Read), ("writeable", Access::Write), ("executable", Access::Execute)]
        {
            put(&mut keys, name, host.may(&self.path, what));
        }
        if stat.is_link() {
            put(&mut keys, "lnk_source", &followed(host, &self.path, Links::Follow));
            put(&mut keys, "lnk_target", &host.readlink(&self.path)?);
        }
        if let Some(user) = host.user_of(stat.uid)? {
            put(&mut keys, "pw_name", user.name);
        }
        if let Some(group) = host.group_of(stat.gid)? {
            put(&mut keys, "gr_name", group.name);
        }
        if stat.is_file() && self.get_checksum && host.may(&self.path, Access::Read) {
            let algorithm = Algorithm::named(self.checksum_algorithm.word()).unwrap_or(Algorithm::Sha1);
            put(&mut keys, "checksum", host.checksum(&self.path, algorithm)?);
        }
        if self.get_mime {
            let (mime, charset) = self.mime(host).unwrap_or(("unknown".into(), "unknown".into()));
            put(&mut keys, "mimetype", mime);
            put(&mut keys, "charset", charset);
        }
        if self.get_attributes {
            let (version, flags) = self.attributes(host).unwrap_or_default();
            put(&mut keys, "version", version);
            let names = flags.chars().filter_map(attribute_name).map(Val::from).collect();
            put(&mut keys, "attributes", Val::List(names));
            put(&mut keys, "attr_flags", flags);
        }
        Ok(Outcome::ok().with("stat", keys))
    }
}

impl Stat {
    fn plain(&self, stat: &shevek_kit::system::Stat) -> Keys {
        let mut keys = Keys::with_capacity(48);
        put(&mut keys, "exists", true);
        put(&mut keys, "path", &self.path);
        put(&mut keys, "mode", format!("{:04o}", stat.mode));
        for (name, kind) in [
            ("isdir", FileKind::Folder),
            ("ischr", FileKind::CharDevice),
            ("isblk", FileKind::BlockDevice),
            ("isreg", FileKind::File),
            ("isfifo", FileKind::Fifo),
            ("islnk", FileKind::Link),
            ("issock", FileKind::Socket),
        ] {
            put(&mut keys, name, stat.kind == kind);
        }
        put(&mut keys, "uid", stat.uid);
        put(&mut keys, "gid", stat.gid);
        put(&mut keys, "size", stat.size);
        put(&mut keys, "inode", stat.ino);
        put(&mut keys, "dev", stat.dev);
        put(&mut keys, "nlink", stat.nlink);
        put(&mut keys, "atime", stat.accessed.as_f64());
        put(&mut keys, "mtime", stat.modified.as_f64());
        put(&mut keys, "ctime", stat.changed.as_f64());
        for (name, bit) in [
            ("wusr", 0o200),
            ("rusr", 0o400),
            ("xusr", 0o100),
            ("wgrp", 0o020),
            ("rgrp", 0o040),
            ("xgrp", 0o010),
            ("woth", 0o002),
            ("roth", 0o004),
            ("xoth", 0o001),
            ("isuid", 0o4000),
            ("isgid", 0o2000),
        ] {
            put(&mut keys, name, stat.mode & bit != 0);
        }
        put(&mut keys, "blocks", stat.blocks);
        put(&mut keys, "block_size", stat.block_size);
        put(&mut keys, "device_type", stat.rdev);
        keys
    }

    fn mime(&self, host: &Probe) -> Option<(String, String)> {
        host.which("file")?;
        let ran = host.ask(cmd("file").args(["--mime-type", "--mime-encoding"]).arg(&self.path)).ok()?.out();
        let (_, told) = ran.rsplit_once(':')?;
        let (mime, charset) = told.split_once(';')?;
        Some((mime.trim().to_owned(), charset.split_once('=')?.1.trim().to_owned()))
    }

    fn attributes(&self, host: &Probe) -> Option<(Option<String>, String)> {
        host.which("lsattr")?;
        let ran = host.ask(cmd("lsattr").arg("-vd").arg(&self.path)).ok()?.out();
        let mut words = ran.split_whitespace();
        let version = words.next()?.to_owned();
        Some((Some(version), words.next()?.replace('-', "")))
    }
}

fn attribute_name(flag: char) -> Option<&'static str> {
    Some(match flag {
        'A' => "noatime",
        'a' => "append",
        'c' => "compressed",
        'C' => "nocow",
        'd' => "nodump",
        'D' => "dirsync",
        'e' => "extents",
        'E' => "encrypted",
        'h' => "blocksize",
        'i' => "immutable",
        'I' => "indexed",
        'j' => "journalled",
        'N' => "inline",
        's' => "zero",
        'S' => "synchronous",
        't' => "notail",
        'T' => "blockroot",
        'u' => "undelete",
        'X' => "compressedraw",
        'Z' => "compresseddirty",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(session: &shevek_kit::testing::Session, key: &str) -> Val {
        session.outcome().get("stat").and_then(|s| s.get(key)).cloned().unwrap_or_default()
    }

    #[test]
    fn what_is_not_there_is_said_not_to_be() {
        let done = conform::<Stat>("{ path: /etc/nothing }", World::new()).unchanged();
        assert_eq!(stat(&done, "exists"), Val::Bool(false));
    }

    #[test]
    fn a_file_is_described() {
        let world = World::new().user("ann", 1001).file("/etc/motd", "abc").mode("/etc/motd", 0o640).owner(
            "/etc/motd",
            1001,
            1001,
        );
        let done = conform::<Stat>("{ path: /etc/motd }", world).unchanged();
        for (key, value) in [
            ("exists", Val::Bool(true)),
            ("isreg", Val::Bool(true)),
            ("islnk", Val::Bool(false)),
            ("mode", "0640".into()),
            ("size", 3.into()),
            ("pw_name", "ann".into()),
            ("gr_name", "ann".into()),
            ("rgrp", true.into()),
            ("wgrp", false.into()),
            ("checksum", "a9993e364706816aba3e25717850c26c9cd0d89d".into()),
            ("mimetype", "unknown".into()),
            ("mtime", Val::Float(1_700_000_000.0)),
        ] {
            assert_eq!(stat(&done, key), value, "{key}");
        }
    }

    #[test]
    fn a_link_is_itself_unless_followed() {
        let world = || World::new().file("/etc/motd", "abc").link("/etc/link", "motd");
        let done = conform::<Stat>("{ path: /etc/link }", world());
        assert_eq!(stat(&done, "islnk"), Val::Bool(true));
        assert_eq!(stat(&done, "lnk_target"), "motd".into());
        assert_eq!(stat(&done, "lnk_source"), "/etc/motd".into());
        let done = conform::<Stat>("{ path: /etc/link, follow: yes }", world());
        assert_eq!(stat(&done, "isreg"), Val::Bool(true));
    }

    #[test]
    fn the_mime_type_is_what_file_says() {
        let world =
            World::new().program("file").file("/a", "x").says("file *", "/a: text/plain; charset=us-ascii\n");
        let done = conform::<Stat>("{ path: /a }", world);
        assert_eq!(
            (stat(&done, "mimetype"), stat(&done, "charset")),
            ("text/plain".into(), "us-ascii".into())
        );
    }
}
