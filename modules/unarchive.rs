//! Unpack an archive on a host.
//!
//! The archive is the controller's, the host's (`remote_src`), or one that the host fetches from the web. Tar archives are
//! unpacked by GNU tar, zip archives by unzip.
//!
//! ```yaml
//! - unarchive: { src: foo.tgz, dest: /var/lib/foo }
//! - unarchive: { src: /tmp/foo.zip, dest: /usr/local/bin, remote_src: true }
//! - unarchive: { src: 'https://example.com/example.zip', dest: /usr/local/bin, remote_src: true, creates: /usr/local/bin/x }
//! ```
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use shevek_kit::http::UrlOptions;
use shevek_kit::prelude::*;

use crate::download;

mod tar;
mod zip;

/// Arguments of `unarchive`.
#[derive(Args)]
#[module(procedure)]
#[rule(exclusive("include", "exclude"), exclusive("copy", "remote_src"))]
pub struct Unarchive {
    /// The archive.
    src: String,
    /// The folder that it is unpacked into; it must be there.
    dest: PathBuf,
    /// Whether the archive is the host's, or on the web.
    #[arg(default = false)]
    remote_src: bool,
    /// If this is there already, nothing is done.
    creates: Option<String>,
    /// Return the names of the files in the archive.
    #[arg(default = false)]
    list_files: bool,
    /// Leave files alone that are newer than those in the archive.
    #[arg(default = false)]
    keep_newer: bool,
    /// Files that are not unpacked.
    exclude: Vec<String>,
    /// The only files that are unpacked.
    include: Vec<String>,
    /// Further options for the program that unpacks.
    extra_opts: Vec<String>,
    /// Whether the certificate of a web server is checked.
    #[arg(default = true)]
    validate_certs: bool,
    /// Accepted; how much is read at once is decided here.
    #[arg(default = 65536)]
    #[expect(dead_code, reason = "accepted, of no consequence")]
    io_buffer_size: i64,
    /// The opposite of `remote_src`.
    copy: Option<bool>,
    /// Whether a vaulted archive is decrypted; the controller does that.
    #[arg(default = true)]
    #[expect(dead_code, reason = "accepted here, done by the controller")]
    decrypt: bool,
    /// The controller's archive; set by the action.
    #[arg(name = "_content")]
    content: Option<Content>,
    /// Owner, mode and the like of what is unpacked.
    #[arg(flatten)]
    attributes: FileAttributes,
}

/// An archive that can be unpacked.
struct Archive<'a> {
    args: &'a Unarchive,
    /// Where it is.
    path: &'a Path,
    /// Where it goes.
    dest: &'a Path,
    kind: Kind,
}

/// Sorts of archive, told by their first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zip,
    Tar,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Kind {
    fn of(start: &[u8]) -> Kind {
        match start {
            [b'P', b'K', 3 | 5 | 7, ..] => Kind::Zip,
            [0x1f, 0x8b, ..] => Kind::Gzip,
            [b'B', b'Z', b'h', ..] => Kind::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', ..] => Kind::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Kind::Zstd,
            _ => Kind::Tar,
        }
    }

    /// Ansible's name for what unpacks it.
    fn handler(self) -> &'static str {
        match self {
            Kind::Zip => "ZipArchive",
            Kind::Tar => "TarArchive",
            Kind::Gzip => "TgzArchive",
            Kind::Bzip2 => "TarBzipArchive",
            Kind::Xz => "TarXzArchive",
            Kind::Zstd => "TarZstdArchive",
        }
    }
}

impl Procedure for Unarchive {
    fn guard(&self, host: &Probe) -> Result<Guard> {
        if let Some(creates) = &self.creates
            && host.exists(host.expand(creates))
        {
            let outcome = Outcome { skipped: true, ..Outcome::ok() };
            return Ok(Guard::done(outcome.with("msg", format!("skipped, since {creates} exists"))));
        }
        Ok(Guard::Run)
    }

    fn would(&self, host: &Probe) -> Result<Would> {
        self.folder(host)?;
        // An archive that is not on the host yet can't be looked into; those programs see only what is really there.
        // Differs from Ansible: tar archives that the host has are compared in a check run; Ansible skips some of them.
        if self.content.is_some() || self.src.contains("://") {
            return Ok(Would::Skip(
                "remote module (unarchive) does not support check mode for archives that are not on the host"
                    .into(),
            ));
        }
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let dest = self.folder(host)?;
        let (path, brought) = self.source(host)?;
        let done = self.unpack(host, &path, &dest);
        if brought {
            host.remove(&path)?;
        }
        done
    }
}

impl Unarchive {
    fn folder(&self, host: &Probe) -> Result<PathBuf> {
        if !host.is_folder(&self.dest) {
            return Err(Fault::absent(format!("dest '{}' must be an existing dir", self.dest.display())));
        }
        let dest = host.folder().join(&self.dest);
        if self.dest.is_relative() {
            host.warn(format!(
                "Relative destination path '{}' was resolved to absolute path '{}'.",
                self.dest.display(),
                dest.display()
            ));
        }
        Ok(dest)
    }

    /// Where the archive is on the host, and whether it was brought there for this.
    fn source(&self, host: &mut Host) -> Result<(PathBuf, bool)> {
        if let Some(content) = &self.content {
            let name = Path::new(&self.src).file_name().unwrap_or_default().to_string_lossy().into_owned();
            let path = download::place(&name, host)?;
            let private = Commit { mode: Some(0o600), fresh: true, ..Commit::default() };
            host.write_content(&path, content, &private)?;
            return Ok((path, true));
        }
        if !self.remote_src && self.copy != Some(false) {
            fail!("Source '{}' failed to transfer", self.src);
        }
        let src = host.folder().join(host.expand(&self.src));
        if !host.exists(&src) {
            if !self.src.contains("://") {
                return Err(Fault::absent(format!("Source '{}' does not exist", self.src)));
            }
            let options = UrlOptions { validate_certs: self.validate_certs, ..UrlOptions::default() };
            let path = download::temporary(&self.src, "", &options, host)?;
            return Ok((path, true));
        }
        if !host.may(&src, Access::Read) {
            fail!("Source '{}' not readable", self.src);
        }
        Ok((src, false))
    }

    fn unpack(&self, host: &mut Host, path: &Path, dest: &Path) -> Result<Outcome> {
        let mut start = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(host.open(path)?, 6), &mut start)
            .map_err(|e| Fault::new(format!("Source '{}' not readable, {e}", path.display())))?;
        if start.is_empty() {
            fail!("Invalid archive '{}', the file is 0 bytes", path.display());
        }
        let archive = Archive { args: self, path, dest, kind: Kind::of(&start) };
        let files = archive.files(host)?;
        let mut outcome =
            Outcome::ok().with("handler", archive.kind.handler()).with("dest", dest).with("src", path);
        let differences = archive.differences(host, &files)?;
        let mut changed = !differences.is_empty();
        if changed {
            let command = archive.extraction(host)?;
            let words = command.words();
            let ran = host.run(command.any_rc())?;
            let results =
                [("cmd", words), ("rc", ran.rc.into()), ("out", ran.out().into()), ("err", ran.err().into())];
            let results = results.map(|(key, value)| (key.to_owned(), value)).to_vec();
            if ran.rc != 0 {
                let message = format!("failed to unpack {} to {}", path.display(), dest.display());
                return Err(Fault::new(message)
                    .with("extract_results", results)
                    .with("handler", archive.kind.handler())
                    .with("dest", dest)
                    .with("src", path));
            }
            if !host.rehearsing() {
                outcome.set("extract_results", results);
            }
            // What `tar --diff` says is a warning for each file that is not there yet.
            if archive.kind == Kind::Zip {
                host.diff(Diff { prepared: Some(differences), ..Diff::default() });
            }
        }
        if self.attributes.any() && !(changed && host.rehearsing()) {
            changed |= self.set_attributes(host, dest, &files)?;
        }
        if self.list_files {
            outcome.set("files", files);
        }
        Ok(outcome.changed_if(changed))
    }

    fn set_attributes(&self, host: &mut Host, dest: &Path, files: &[String]) -> Result<bool> {
        let mut changed = false;
        let top = host.hold(dest, Links::Follow)?;
        let mut within: Option<(&Path, Option<Held>)> = None;
        let mut above: Vec<&str> = files.iter().filter_map(|name| Some(name.split_once('/')?.0)).collect();
        above.sort_unstable();
        above.dedup();
        for name in files.iter().map(String::as_str).chain(above) {
            let path = Path::new(name);
            let parent = path.parent().unwrap_or(path);
            // What is in one folder mostly comes together.
            if within.as_ref().is_none_or(|(of, _)| *of != parent) {
                within = Some((parent, folder(host, &top, parent)?));
            }
            let held = within.as_ref().and_then(|(_, held)| held.as_ref()).unwrap_or(&top);
            let path = held.join(path.file_name().unwrap_or(OsStr::new(".")));
            let done = self.attributes.ensure(host, &path, &mut AttributeDiff::default());
            changed |= done.map_err(|fault| held.told(fault))?;
        }
        Ok(changed)
    }
}

/// A folder below the one that is unpacked into; none: that one itself.
fn folder(host: &Probe, top: &Held, path: &Path) -> Result<Option<Held>> {
    let mut folder = None;
    for part in path.components() {
        if let Component::Normal(part) = part {
            folder = Some(folder.as_ref().unwrap_or(top).enter(host, part)?);
        }
    }
    Ok(folder)
}

impl Archive<'_> {
    /// The names in the archive that are asked for.
    fn files(&self, host: &Probe) -> Result<Vec<String>> {
        if self.kind == Kind::Zip { self.zip_files(host) } else { self.tar_files(host) }
    }

    /// What is not yet as in the archive, a line each; empty if all is.
    fn differences(&self, host: &Probe, files: &[String]) -> Result<String> {
        if self.kind == Kind::Zip { self.zip_differences(host) } else { self.tar_differences(host, files) }
    }

    fn extraction(&self, host: &Probe) -> Result<Command> {
        if self.kind == Kind::Zip { Ok(self.unzip()) } else { self.untar(host) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .program("tar")
            .folder("/opt")
            .file("/a.tgz", b"\x1f\x8b rest".as_slice())
            .says("/usr/bin/tar --version", "tar (GNU tar) 1.34\n")
            .says("/usr/bin/tar --list*", "./\n./bin/x\n./bin/y\n")
            .says("/usr/bin/tar --extract*", "")
    }

    const DIFF: &str = "/usr/bin/tar --diff*";

    #[test]
    fn what_is_missing_is_unpacked() {
        let missing = "tar: ./bin/x: Warning: Cannot stat: No such file or directory\n";
        let world = world().answers(DIFF, Ran::failed(1, missing));
        let args = "{ src: /a.tgz, dest: /opt, remote_src: yes, list_files: yes, exclude: [./bin/y] }";
        let done = conform::<Unarchive>(args, world).changed().gives("handler", "TgzArchive");
        let done = done.gives("files", vec!["./", "./bin/x"]).gives("dest", "/opt").gives("src", "/a.tgz");
        assert!(done.outcome().diff.is_empty(), "{:?}", done.outcome().diff);
        done.ran(["/usr/bin/tar --extract -C /opt -z --exclude=./bin/y -f /a.tgz"]);
    }

    #[test]
    fn what_is_as_in_the_archive_stays() {
        let world = world().answers(DIFF, Ran::said("./bin/x: Mode differs\n"));
        conform::<Unarchive>(
            "{ src: /a.tgz, dest: /opt, remote_src: yes, mode: '0755' }",
            world.file("/opt/bin/x", "").file("/opt/bin/y", ""),
        )
        .ran([]);
        let there = self::world().file("/opt/x", "");
        let done =
            conform::<Unarchive>("{ src: /a.tgz, dest: /opt, remote_src: yes, creates: /opt/x }", there);
        assert!(done.outcome().skipped);
    }

    #[test]
    fn what_cannot_be_unpacked_is_said() {
        conform::<Unarchive>("{ src: /a.tgz, dest: /no, remote_src: yes }", world())
            .failed("dest '/no' must be an existing dir");
        conform::<Unarchive>("{ src: /no.tgz, dest: /opt, remote_src: yes }", world())
            .failed("Source '/no.tgz' does not exist");
        conform::<Unarchive>("{ src: /e, dest: /opt, remote_src: yes }", world().file("/e", ""))
            .failed("0 bytes");
    }
}
