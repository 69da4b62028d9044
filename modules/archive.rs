//! Pack files and folders into an archive, or compress one file.
//!
//! The archive counts as changed when what is in it is not what was in it before: names and checksums are compared, not bytes.
//!
//! ```yaml
//! - community.general.archive: { path: /srv/foo, dest: /srv/foo.tgz }
//! - community.general.archive: { path: /srv/foo.log, remove: true }
//! - community.general.archive: { path: [ /srv/foo, /opt/bar ], dest: /srv/file.tar.bz2, format: bz2, exclude_path: [ /srv/foo/tmp ] }
//! - community.general.archive: { path: /srv/foo, dest: /srv/foo.zip, format: zip, exclusion_patterns: [ '*.bak' ] }
//! ```
use std::collections::{BTreeSet, HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use shevek_kit::glob;
use shevek_kit::prelude::*;

mod packing;
mod tar;
mod zip;

/// Arguments of `archive`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
pub struct Archive {
    /// What is packed: paths, or patterns with `*` and `?`.
    #[arg(required)]
    path: Vec<PathBuf>,
    /// The format; without `zip` and `tar` it is that of a compressed tar, or of one compressed file.
    #[arg(default = "gz")]
    format: Format,
    /// The archive. It need not be given for one file that is only compressed.
    dest: Option<PathBuf>,
    /// Which of the paths are left out, as paths or patterns.
    exclude_path: Vec<PathBuf>,
    /// What is left out of the folders, as patterns.
    exclusion_patterns: Vec<PathBuf>,
    /// Make an archive even of one file.
    #[arg(default = false)]
    force_archive: bool,
    /// Remove what was packed.
    #[arg(default = false)]
    remove: bool,
    /// Owner, mode and the like of the archive.
    #[arg(flatten)]
    attributes: FileAttributes,
}

/// Formats of archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Format {
    /// bzip2.
    Bz2,
    /// gzip.
    Gz,
    /// Not compressed.
    Tar,
    /// xz.
    Xz,
    /// zip.
    Zip,
}

/// What is in an archive: names, and a number for each that tells whether it is the same.
type Sums = BTreeSet<(Vec<u8>, u32)>;

/// One thing that is packed.
struct Entry {
    path: PathBuf,
    /// Its name in the archive.
    name: Vec<u8>,
    stat: Stat,
    /// The name of one that is the same file.
    same_as: Option<Vec<u8>>,
}

/// What a task is about.
struct Task {
    dest: PathBuf,
    /// What is packed, without what is left out; sorted.
    paths: Vec<PathBuf>,
    expanded: Vec<PathBuf>,
    excluded: Vec<PathBuf>,
    /// The folder that names in the archive start from.
    root: Vec<u8>,
    /// Whether one file is not only compressed.
    is_archive: bool,
}

// Differs from Ansible: check mode tells what the real run will do; there, it takes every archive for changed, and no
// compressed file that is there.
impl Procedure for Archive {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let task = self.task(host)?;
        let (there, missing): (Vec<&PathBuf>, Vec<&PathBuf>) =
            task.paths.iter().partition(|path| host.lstat(path).is_ok_and(|stat| stat.is_some()));
        let mut changed = false;
        let mut diff = AttributeDiff::of(&task.dest);
        let mut archived = Vec::new();
        let state = if there.is_empty() {
            match host.exists(&task.dest) {
                true if looks_like_archive(&task.dest) => "archive",
                true => "compress",
                false => "absent",
            }
        } else if task.is_archive || matches!(self.format, Format::Zip | Format::Tar) {
            let entries = self.entries(host, &task, &there)?;
            changed = self.pack(host, &task, &entries, &mut diff)?;
            archived =
                entries.into_iter().filter(|entry| self.is_named(entry)).map(|entry| entry.path).collect();
            if missing.is_empty() { "archive" } else { "incomplete" }
        } else {
            let from = there.first().map(|path| path.to_path_buf()).unwrap_or_default();
            changed = self.compress(host, &from, &task.dest, &mut diff)?;
            archived.push(from);
            "compress"
        };
        if self.remove {
            self.remove(host, &task, &archived, !there.is_empty())?;
        }
        if host.exists(&task.dest) {
            let came = diff != AttributeDiff::of(&task.dest);
            if self.attributes.ensure(host, &task.dest, &mut diff)? || came {
                changed = true;
                host.diff(diff.into());
            }
        }
        let root: &Path = Path::new(std::ffi::OsStr::from_bytes(&task.root));
        Ok(Outcome::ok()
            .changed_if(changed)
            .with("archived", listed(&archived))
            .with("dest", task.dest.as_path())
            .with("dest_state", state)
            .with("arcroot", root)
            .with("missing", listed(missing))
            .with("expanded_paths", listed(&task.expanded))
            .with("expanded_exclude_paths", listed(&task.excluded)))
    }
}

fn listed<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Val {
    Val::List(paths.into_iter().map(Val::from).collect())
}

fn joined(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// Whether a name is one of an archive, not of a compressed file.
fn looks_like_archive(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let endings = [".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tbz2", ".zip"];
    endings.iter().any(|ending| name.ends_with(ending))
}

/// The paths that patterns stand for, and whether there were any.
fn expanded(host: &Probe, paths: &[PathBuf]) -> (Vec<PathBuf>, bool) {
    let mut out = Vec::new();
    let mut has_patterns = false;
    for path in paths {
        if bytes(path).iter().any(|byte| matches!(byte, b'*' | b'?')) {
            has_patterns = true;
            out.extend(glob::glob(host, &path.to_string_lossy()));
        } else {
            out.push(path.clone());
        }
    }
    (out, has_patterns)
}

/// The path without its last part, with a slash at the end.
fn folder_of(path: &[u8]) -> &[u8] {
    path.iter().rposition(|byte| *byte == b'/').and_then(|at| path.get(..=at)).unwrap_or_default()
}

/// The folder that all paths have in common, with a slash at the end.
fn root_of(paths: &[PathBuf]) -> Vec<u8> {
    let folders: Vec<&[u8]> = paths.iter().map(|path| folder_of(bytes(path))).collect();
    let first = folders.first().copied().unwrap_or_default();
    let same = |at: &usize| folders.iter().all(|folder| folder.get(*at) == first.get(*at));
    let length = (0..first.len()).take_while(same).count();
    folder_of(first.get(..length).unwrap_or_default()).to_vec()
}

impl Archive {
    fn task(&self, host: &Probe) -> Result<Task> {
        let (all, has_patterns) = expanded(host, &self.path);
        let (excluded, _) = expanded(host, &self.exclude_path);
        let paths: BTreeSet<&PathBuf> = all.iter().filter(|path| !excluded.contains(path)).collect();
        let mut paths: Vec<PathBuf> = paths.into_iter().cloned().collect();
        paths.sort_by(|a, b| bytes(a).cmp(bytes(b)));
        let Some(first) = paths.first() else {
            return Err(Fault::absent("Error, no source paths were found")
                .with("path", joined(&self.path))
                .with("expanded_paths", joined(&all))
                .with("expanded_exclude_paths", joined(&excluded)));
        };
        let is_archive = self.force_archive || has_patterns || paths.len() > 1 || host.is_folder(first);
        let dest = match (&self.dest, is_archive) {
            (Some(dest), _) => dest.clone(),
            (None, false) => {
                let mut name = first.clone().into_os_string();
                name.push(format!(".{}", self.format.word()));
                name.into()
            }
            (None, true) => {
                return Err(Fault::new(
                    "Error, must specify \"dest\" when archiving multiple files or trees",
                )
                .with("dest", "None")
                .with("path", joined(&self.path)));
            }
        };
        if self.remove
            && paths.iter().any(|path| host.is_folder(path) && dest != *path && dest.starts_with(path))
        {
            let message = "Error, created archive can not be contained in source paths when remove=true";
            return Err(Fault::new(message).with("path", joined(&paths)));
        }
        let root = root_of(&paths);
        Ok(Task { dest, paths, expanded: all, excluded, root, is_archive })
    }

    /// What goes into the archive.
    fn entries(&self, host: &Probe, task: &Task, there: &[&PathBuf]) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut known: HashMap<(u64, u64), Vec<u8>> = HashMap::new();
        let mut wrong = Vec::new();
        let mut add = |path: PathBuf| -> Result<()> {
            // The archive does not pack itself.
            if host.folder().join(&path) == host.folder().join(&task.dest) {
                return Ok(());
            }
            let name = bytes(&path).strip_prefix(task.root.as_slice()).unwrap_or(bytes(&path));
            let name = name.iter().skip_while(|byte| **byte == b'/').copied().collect::<Vec<u8>>();
            let tested = if self.format == Format::Zip { bytes(&path) } else { &name };
            let tested = String::from_utf8_lossy(tested).into_owned();
            let is_left_out = |pattern: &PathBuf| glob::fits(&pattern.to_string_lossy(), &tested);
            if self.exclusion_patterns.iter().any(is_left_out) {
                return Ok(());
            }
            let found = if self.format == Format::Zip { host.stat(&path)? } else { host.lstat(&path)? };
            let Some(stat) = found else {
                wrong.push(format!("{0}: [Errno 2] No such file or directory: '{0}'", path.display()));
                return Ok(());
            };
            if stat.kind == FileKind::Socket {
                return Ok(());
            }
            // Differs from Ansible: there a pipe keeps the task waiting, and a device such as /dev/zero fills the disk.
            if self.format == Format::Zip && !stat.is_file() && !stat.is_folder() {
                wrong.push(format!("{}: a zip archive has room for files and folders only", path.display()));
                return Ok(());
            }
            if stat.is_file() && !host.may(&path, Access::Read) {
                wrong.push(format!("{0}: [Errno 13] Permission denied: '{0}'", path.display()));
                return Ok(());
            }
            let is_linked = self.format != Format::Zip && stat.nlink > 1 && stat.is_file();
            let same_as = if is_linked { known.get(&(stat.dev, stat.ino)).cloned() } else { None };
            if is_linked && same_as.is_none() {
                known.insert((stat.dev, stat.ino), name.clone());
            }
            entries.push(Entry { path, name, stat, same_as });
            Ok(())
        };
        for path in there {
            if !task.is_archive || !host.is_folder(path) {
                add((*path).clone())?;
                continue;
            }
            let mut todo = vec![(*path).clone()];
            while let Some(folder) = todo.pop() {
                host.still_wanted()?;
                let names = host.list(&folder)?;
                let paths = names.iter().map(|name| folder.join(name));
                let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) =
                    paths.partition(|path| host.is_folder(path));
                for path in folders.iter().chain(&files) {
                    add(path.clone())?;
                }
                let real = |path: &&PathBuf| host.lstat(path).is_ok_and(|s| s.is_some_and(|s| s.is_folder()));
                todo.extend(folders.iter().filter(real).rev().cloned());
            }
        }
        if !wrong.is_empty() {
            fail!("Errors when writing archive at {}: {}", task.dest.display(), wrong.join("; "));
        }
        Ok(entries)
    }

    /// Whether the result names it: Ansible asks a zip for folders under names that it does not have.
    fn is_named(&self, entry: &Entry) -> bool {
        self.format != Format::Zip || !entry.stat.is_folder()
    }

    /// Writes an archive, and says whether it has other things in it than before.
    fn pack(
        &self,
        host: &mut Host,
        task: &Task,
        entries: &[Entry],
        diff: &mut AttributeDiff,
    ) -> Result<bool> {
        let probe = host.probe().clone();
        let before = self.before(&probe, &task.dest)?;
        let now = if self.format == Format::Zip {
            let mut stream = packing::Stream::new(zip::Zip::new(&probe, entries));
            self.put(host, &task.dest, &mut stream, diff)?;
            stream.into_source().sums()
        } else {
            if !host.rehearsing() {
                let stream = packing::Stream::new(tar::Tar::new(&probe, entries));
                let mut packed = packing::packed(self.format, Box::new(stream))
                    .map_err(|e| Fault::io("could not pack", &task.dest, &e))?;
                self.put(host, &task.dest, &mut packed, diff)?;
            }
            tar::sums(&probe, entries)?
        };
        let changed = before.is_none_or(|before| before != now);
        self.plan(host, &task.dest, changed)?;
        Ok(changed)
    }

    /// Compresses a file, and says whether that has another content than before.
    fn compress(&self, host: &mut Host, from: &Path, dest: &Path, diff: &mut AttributeDiff) -> Result<bool> {
        let unreadable = |e: &std::io::Error| Fault::io("could not read", from, e);
        if !host.stat(from)?.is_some_and(|stat| stat.is_file()) {
            fail!("Unable to write to compressed file: {} is not a file", from.display());
        }
        let before = self.before(host.probe(), dest)?;
        let sum = packing::sum(&mut host.open(from)?).map_err(|e| unreadable(&e))?;
        if !host.rehearsing() {
            let content = host.open(from)?;
            let mut packed = packing::packed(self.format, content).map_err(|e| unreadable(&e))?;
            self.put(host, dest, &mut packed, diff)?;
        }
        let changed = before.is_none_or(|before| before != Sums::from([(Vec::new(), sum)]));
        self.plan(host, dest, changed)?;
        Ok(changed)
    }

    /// What is in the archive that is there; `None` if there is none that can be read.
    fn before(&self, host: &Probe, dest: &Path) -> Result<Option<Sums>> {
        if !host.exists(dest) || !host.may(dest, Access::Read) {
            return Ok(None);
        }
        if host.is_folder(dest) {
            fail!("Error when writing archive at {}: Is a directory", dest.display());
        }
        if self.format == Format::Zip {
            return Ok(Some(zip::read(host, dest).unwrap_or_default()));
        }
        let of_tar =
            packing::unpacked(self.format, host.open(dest)?).and_then(|mut text| tar::read(&mut text));
        if let Ok(sums) = of_tar {
            return Ok(Some(sums));
        }
        // Differs from Ansible: there a file in the place of an archive that is not compressed is a failure.
        let sum =
            packing::unpacked(self.format, host.open(dest)?).and_then(|mut text| packing::sum(&mut text));
        Ok(Some(sum.map(|sum| Sums::from([(Vec::new(), sum)])).unwrap_or_default()))
    }

    /// Writes it, with the mode that is asked for: nobody else sees it meanwhile. Check mode only reads it: it can be large.
    fn put(
        &self,
        host: &mut Host,
        dest: &Path,
        content: &mut dyn std::io::Read,
        diff: &mut AttributeDiff,
    ) -> Result<()> {
        if host.rehearsing() {
            std::io::copy(content, &mut std::io::sink())
                .map_err(|e| Fault::io("could not pack", dest, &e))?;
            return Ok(());
        }
        let dest = followed(host, dest, Links::Follow);
        let how = Commit {
            mode: self.attributes.new_mode(host, &dest, diff)?,
            unsafe_writes: self.attributes.writes_in_place(host),
            ..Commit::default()
        };
        host.write_as(dest, content, &how)
    }

    /// Notes for check mode that there will be another file; one with the same in it can be looked into.
    fn plan(&self, host: &mut Host, dest: &Path, changed: bool) -> Result<()> {
        if changed && host.rehearsing() {
            let effect = Effect::File { path: dest.to_owned(), content: None };
            host.run(cmd("archive").arg(dest).does(effect))?;
        }
        Ok(())
    }

    fn remove(&self, host: &mut Host, task: &Task, archived: &[PathBuf], was_packed: bool) -> Result<()> {
        if !was_packed {
            return Ok(());
        }
        // A folder goes as a whole: names in it that users could meanwhile have led elsewhere are not followed one by one.
        let archived: HashSet<&PathBuf> = archived.iter().collect();
        for path in &task.paths {
            if archived.contains(path) || host.is_folder(path) {
                host.remove(path)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .file("/srv/a/one", "1")
            .file("/srv/a/two.bak", "22")
            .file("/srv/a/sub/three", "333")
            .link("/srv/a/link", "one")
            .file("/srv/b", "b")
    }

    /// Names in a tar archive that was written.
    fn names(host: &Probe, path: &str, format: Format) -> Vec<String> {
        let mut text = packing::unpacked(format, host.open(path).unwrap()).unwrap();
        let sums = tar::read(&mut text).unwrap();
        sums.into_iter().map(|(name, _)| String::from_utf8(name).unwrap()).collect()
    }

    #[test]
    fn a_folder_is_packed_once() {
        for (format, word) in
            [(Format::Gz, "gz"), (Format::Bz2, "bz2"), (Format::Xz, "xz"), (Format::Tar, "tar")]
        {
            let args = format!("{{ path: /srv/a, dest: /srv/a.out, format: {word} }}");
            let done = conform::<Archive>(&args, world()).changed().gives("dest_state", "archive");
            let done = done.gives("arcroot", "/srv/").gives("missing", Val::List(vec![]));
            let packed = names(&done.probe(), "/srv/a.out", format);
            assert_eq!(packed, ["a/link", "a/one", "a/sub", "a/sub/three", "a/two.bak"]);
            done.then(&args).unchanged();
        }
    }

    #[test]
    fn a_zip_knows_what_is_in_it() {
        let args = "{ path: [/srv/a, /srv/b], dest: /srv/x.zip, format: zip, exclusion_patterns: ['*.bak'] }";
        let done = conform::<Archive>(args, world()).changed();
        let done = done.gives("archived", vec!["/srv/a/link", "/srv/a/one", "/srv/a/sub/three", "/srv/b"]);
        let sums = zip::read(&done.probe(), Path::new("/srv/x.zip")).unwrap();
        let names: Vec<_> = sums.iter().map(|(name, _)| String::from_utf8_lossy(name)).collect();
        assert_eq!(names, ["a/link", "a/one", "a/sub/", "a/sub/three", "b"]);
        done.then(args).unchanged();
    }

    #[test]
    fn one_file_is_compressed_beside_itself() {
        let done = conform::<Archive>("{ path: /srv/b, format: bz2 }", world()).changed();
        let done = done.gives("dest", "/srv/b.bz2").gives("dest_state", "compress");
        let mut text = packing::unpacked(Format::Bz2, done.probe().open("/srv/b.bz2").unwrap()).unwrap();
        let mut content = String::new();
        std::io::Read::read_to_string(&mut text, &mut content).unwrap();
        assert_eq!(content, "b");
        done.then("{ path: /srv/b, format: bz2 }").unchanged();
        let packed = conform::<Archive>("{ path: /srv/b, dest: /b.tgz, force_archive: yes }", world());
        assert_eq!(names(&packed.changed().probe(), "/b.tgz", Format::Gz), ["b"]);
    }

    #[test]
    fn patterns_choose_and_leave_out() {
        let args = "{ path: ['/srv/*', /none], dest: /x.tar, format: tar, exclude_path: ['/srv/b*'], exclusion_patterns: ['*.bak'] }";
        let done = conform::<Archive>(args, world()).changed().gives("dest_state", "incomplete");
        let done = done.gives("missing", vec!["/none"]).gives("expanded_exclude_paths", vec!["/srv/b"]);
        assert_eq!(
            names(&done.probe(), "/x.tar", Format::Tar),
            ["srv/a/link", "srv/a/one", "srv/a/sub", "srv/a/sub/three"]
        );
    }

    #[test]
    fn what_was_packed_goes_when_asked() {
        let args = "{ path: /srv/a, dest: /x.tgz, remove: yes, mode: '0600' }";
        let done = conform::<Archive>(args, world()).changed().lacks("/srv/a");
        assert_eq!(done.probe().stat("/x.tgz").unwrap().unwrap().mode, 0o600);
        done.then(args).unchanged().gives("dest_state", "archive");
        conform::<Archive>("{ path: /srv/b, remove: yes }", world()).changed().lacks("/srv/b");
        conform::<Archive>("{ path: /srv/a, dest: /srv/a/x.tgz, remove: yes }", world())
            .failed("can not be contained in source paths");
    }

    #[test]
    fn what_cannot_be_packed_is_said() {
        conform::<Archive>("{ path: '/none*', dest: /x }", world()).failed("no source paths were found");
        conform::<Archive>("{ path: /srv/a }", world()).failed("must specify \"dest\"");
        conform::<Archive>("{ path: /none }", world()).unchanged().gives("dest_state", "absent");
        let pipe = world().fifo("/srv/a/pipe");
        conform::<Archive>("{ path: /srv/a, dest: /x.zip, format: zip }", pipe)
            .failed("/srv/a/pipe: a zip archive has room for files and folders only");
        let broken = world().link("/srv/a/gone", "/nowhere");
        conform::<Archive>("{ path: /srv/a, dest: /x.zip, format: zip }", broken)
            .failed("Errors when writing archive at /x.zip: /srv/a/gone:");
    }
}
