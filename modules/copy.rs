//! Copy files to a host.
//!
//! Copies a file or folder from the controller, or (with `remote_src`) from another place on the host. `template` ends here, too:
//! the controller renders, and this writes. A file that has the content already is left alone but for its attributes.
//!
//! ```yaml
//! - copy: { src: foo.conf, dest: /etc/foo.conf, owner: foo, group: foo, mode: '0644' }
//! - copy: { content: "127.0.0.1 localhost", dest: /etc/hosts, backup: yes }
//! - copy: { src: /etc/sudoers.edit, dest: /etc/sudoers, remote_src: yes, validate: /usr/sbin/visudo -csf %s }
//! ```
use std::io::Read;
use std::path::{Path, PathBuf};

use shevek_kit::Summing;
use shevek_kit::fault::Kind;
use shevek_kit::prelude::*;
use shevek_kit::words;

mod tree;

/// Arguments of `copy`.
#[derive(Args)]
#[module(procedure)]
pub struct Copy {
    /// The file or folder to copy. A folder that ends in `/` stands for what is in it.
    src: Option<PathBuf>,
    /// The content, instead of a file.
    content: Option<Content>,
    /// Where it goes. A path that ends in `/` is a folder.
    dest: String,
    /// Make a copy of a file that is replaced, with a time in its name.
    #[arg(default = false)]
    backup: bool,
    /// Replace a file that differs; otherwise only make what is missing.
    #[arg(default = true, alias = "thirsty")]
    force: bool,
    /// A command that must succeed on the new file before it takes its place; `%s` stands for the file.
    validate: Option<String>,
    /// Permissions of folders that are made.
    directory_mode: Option<Permissions>,
    /// Copy from the host itself.
    #[arg(default = false)]
    remote_src: bool,
    /// Whether links in the source are followed.
    local_follow: Option<bool>,
    /// SHA-1 that the source must have.
    checksum: Option<String>,
    /// Write through a link that is at the destination.
    #[arg(default = false)]
    follow: bool,
    /// Whether vaulted files are decrypted; the controller does that.
    #[arg(default = true)]
    #[expect(dead_code, reason = "accepted here, done by the controller")]
    decrypt: bool,
    /// The source's name within a folder; set by the controller.
    #[arg(name = "_original_basename")]
    original_basename: Option<String>,
    /// Owner, mode and the like.
    #[arg(flatten)]
    attributes: FileAttributes,
}

/// Where the new content comes from.
enum Source<'a> {
    /// The controller, or the task itself.
    Content(&'a Content),
    /// A file on the host.
    File(&'a Path),
}

/// What a copy comes to: which content goes where.
struct Goal<'a> {
    source: &'a Source<'a>,
    dest: PathBuf,
    now: Option<Stat>,
    /// Of the new content; none: not known before it has come.
    checksum: Option<String>,
}

/// How new content has come.
struct Arrival {
    /// Where it was before it took its place.
    staged: PathBuf,
    checksum: String,
    /// If it was read on its way.
    md5: Option<String>,
}

impl Procedure for Copy {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        match (&self.content, &self.src) {
            (Some(_), _) if self.remote_src => fail!("src and content are mutually exclusive"),
            (Some(content), _) => self.file(host, &Source::Content(content)),
            (None, None) => fail!("src (or content) is required"),
            (None, Some(src)) => self.on_host(host, src),
        }
    }
}

impl Copy {
    fn on_host(&self, host: &mut Host, src: &Path) -> Result<Outcome> {
        let Some(stat) = host.stat(src)? else {
            return Err(Fault::absent(format!("Source {} not found", src.display())));
        };
        if !host.may(src, Access::Read) {
            fail!("Source {} not readable", src.display());
        }
        if stat.is_folder() {
            return self.folder(host, src);
        }
        if !stat.is_file() {
            fail!("Cannot copy invalid source '{}': not a file", src.display());
        }
        self.file(host, &Source::File(src))
    }

    /// The name that the source has within a folder.
    fn name(&self) -> Option<String> {
        let of_src = || Some(self.src.as_ref()?.file_name()?.to_string_lossy().into_owned());
        self.original_basename.clone().or_else(of_src)
    }

    /// The path of the new file; folders that a `/` at the end asks for are made.
    fn place(&self, host: &mut Host) -> Result<PathBuf> {
        let mut dest = host.expand(&self.dest);
        if dest.ends_with('/') {
            if let Some(name) = self.name() {
                dest.push_str(&name);
            }
            let folder = Path::new(&dest).parent().unwrap_or(Path::new("/")).to_owned();
            if dest.ends_with('/') {
                fail!("can not use content with a dir as dest");
            }
            self.make_folders(host, &folder)?;
        }
        let dest = PathBuf::from(if dest.contains('/') { dest } else { format!("./{dest}") });
        if !host.is_folder(&dest) {
            return Ok(dest);
        }
        match self.name() {
            Some(name) => Ok(dest.join(name)),
            None => fail!("can not use content with a dir as dest"),
        }
    }

    fn make_folders(&self, host: &mut Host, folder: &Path) -> Result<()> {
        let attributes = FileAttributes { mode: self.directory_mode.clone(), ..self.attributes.clone() };
        let umask = host.identity().umask;
        let mut missing: Vec<&Path> = folder.ancestors().take_while(|p| !host.exists(p)).collect();
        missing.retain(|p| !p.as_os_str().is_empty());
        missing.reverse();
        for folder in missing {
            host.mkdir(folder, 0o777 & !umask)?;
            attributes.ensure(host, folder, &mut AttributeDiff::default())?;
        }
        Ok(())
    }

    fn file(&self, host: &mut Host, source: &Source<'_>) -> Result<Outcome> {
        let mut dest = self.place(host)?;
        let there = host.lstat(&dest)?;
        if there.is_some_and(|s| s.is_link()) && self.follow {
            dest = followed(host, &dest, Links::Follow);
        }
        let now = host.stat(&dest)?;
        let mut outcome = Outcome::ok().with("dest", &dest);
        if let Some(src) = &self.src {
            outcome.set("src", src);
        }
        if now.is_some() && !self.force {
            if self.remote_src {
                outcome.set("msg", "file already exists");
            }
            return Ok(outcome);
        }
        let checksum = match source {
            // The controller reads large content through only where it may be here already.
            Source::Content(content) if self.checksum.is_some() || may_be(content, now.as_ref()) => {
                Some(host.sha1(content)?)
            }
            Source::Content(content) => content.sha1(),
            Source::File(path) => Some(host.checksum(path, Algorithm::Sha1)?),
        };
        let goal = Goal { source, dest, now, checksum };
        self.put(host, &goal, outcome).map_err(|fault| match source {
            Source::Content(content) if !fault.result.iter().any(|(key, _)| key == "checksum") => {
                match goal.checksum.map_or_else(|| host.sha1(content), Ok) {
                    Ok(checksum) => fault.with("checksum", checksum),
                    Err(_) => fault,
                }
            }
            _ => fault,
        })
    }

    fn put(&self, host: &mut Host, goal: &Goal<'_>, mut outcome: Outcome) -> Result<Outcome> {
        let Goal { source, dest, now, checksum } = goal;
        let link = host.lstat(dest)?.is_some_and(|s| s.is_link());
        let readable = now.is_some_and(|s| s.is_file()) && host.may(dest, Access::Read);
        let same = match (checksum, source) {
            (None, _) => false,
            (_, Source::Content(content)) if !may_be(content, now.as_ref()) => false,
            (Some(checksum), _) => readable && !link && host.checksum(dest, Algorithm::Sha1)? == *checksum,
        };
        if let (Some(checksum), Some(expected)) = (checksum, &self.checksum)
            && expected != checksum
            && (self.remote_src || !same)
        {
            return Err(mismatch(checksum, expected));
        }
        let attributes = self.attributes(host)?;
        let mut diff = AttributeDiff::of(dest);
        if same {
            outcome.set("checksum", checksum.as_deref());
            outcome.changed = attributes.ensure(host, dest, &mut diff)?;
            if outcome.changed {
                host.diff(diff.into());
            }
            if matches!(source, Source::Content(_)) {
                outcome.set("path", dest);
            } else {
                outcome.set("md5sum", host.checksum(dest, Algorithm::Md5)?);
            }
            return Ok(outcome);
        }
        self.check_folder(host, dest)?;
        let difference = if host.wants_diff() { Some(self.text_diff(host, source, dest)?) } else { None };
        if self.backup && now.is_some() {
            let backup = host.backup(dest)?;
            outcome.set("backup_file", &backup);
        }
        let arrival = self.replace(host, goal, &attributes)?;
        outcome.set("checksum", &arrival.checksum);
        if self.src.is_none() {
            // Ansible names its temporary file here.
            outcome.set("src", &arrival.staged);
        }
        outcome.changed = true;
        attributes.ensure(host, dest, &mut diff)?;
        if let Some(md5) = arrival.md5.or_else(|| host.checksum(dest, Algorithm::Md5).ok()) {
            outcome.set("md5sum", md5);
        }
        if let Some(difference) = difference {
            host.diff(difference);
        }
        Ok(outcome)
    }

    /// The attributes, with `preserve` made into the source's mode.
    fn attributes(&self, host: &Probe) -> Result<FileAttributes> {
        let mut attributes = self.attributes.clone();
        if attributes.mode == Some(Permissions::Preserve) {
            // For a file of the controller, the controller has put the mode in; what is left is one without a source.
            attributes.mode = match self.src.as_ref().filter(|_| self.content.is_none()) {
                Some(src) => host.stat(src)?.map(|s| Permissions::Number(s.mode)),
                None => None,
            };
        }
        Ok(attributes)
    }

    fn check_folder(&self, host: &Probe, dest: &Path) -> Result<()> {
        let folder = dest.parent().unwrap_or(Path::new("/"));
        if !host.exists(folder) {
            let fault = Fault::absent(format!("Destination directory {} does not exist", folder.display()));
            return Err(fault.for_want_of_folder(dest));
        }
        if !host.may(folder, Access::Write) && !self.attributes.writes_in_place(host) {
            fail!("Destination {} not writable", folder.display());
        }
        Ok(())
    }

    /// Puts the content in its place.
    fn replace(&self, host: &mut Host, goal: &Goal<'_>, attributes: &FileAttributes) -> Result<Arrival> {
        let Goal { source, dest, .. } = goal;
        // Differs from Ansible: owners that are nobody and modes that mean nothing are found before the file is written.
        let mut commit = attributes.commit(host, dest)?;
        let mut times = None;
        if let Source::File(path) = source
            && let Some(stat) = host.stat(path)?
        {
            // A copy within the host has the source's mode and times; only a new file gets the usual mode.
            commit.fresh = true;
            if host.exists(dest) {
                commit.mode = commit.mode.or(Some(stat.mode));
            }
            times = Some(Times {
                accessed: Some(stat.accessed.system()),
                modified: Some(stat.modified.system()),
            });
        }
        let (staged, sums) = stage(host, goal)?;
        let (sha1, md5) = sums.unzip();
        let arrived = arrived(host, goal, &staged.path, sha1);
        let arrived = arrived.and_then(|sum| self.validate(host, &staged.path, attributes).map(|()| sum));
        let checksum = match arrived {
            Ok(checksum) => checksum,
            Err(fault) => {
                host.discard(staged);
                return Err(fault);
            }
        };
        let path = staged.path.clone();
        host.commit(staged, dest, &commit)?;
        if let Some(times) = times {
            host.utimes(dest, times, Links::Follow)?;
        }
        Ok(Arrival { staged: path, checksum, md5 })
    }

    /// Before the new file takes its place: the task's command has no objection.
    fn validate(&self, host: &mut Host, path: &Path, attributes: &FileAttributes) -> Result<()> {
        let Some(validate) = &self.validate else { return Ok(()) };
        if !validate.contains("%s") {
            fail!("validate must contain %s: {validate}");
        }
        // Some checks look at the mode and the owner, too.
        attributes.ensure(host, path, &mut AttributeDiff::default())?;
        let line = validate.replace("%s", &path.to_string_lossy());
        let line = words::split(&line).map_err(|why| Fault::new(format!("validate: {why}: {validate}")))?;
        let Some((program, args)) = line.split_first() else { fail!("validate is empty") };
        let ran = host.run(cmd(program).args(args).any_rc().does(Effect::Nothing))?;
        if ran.ok() {
            return Ok(());
        }
        Err(Fault::new("failed to validate")
            .with("exit_status", ran.rc)
            .with("stdout", ran.out())
            .with("stderr", ran.err()))
    }

    fn text_diff(&self, host: &Probe, source: &Source<'_>, dest: &Path) -> Result<Diff> {
        let skipped =
            |why: &str| Diff { prepared: Some(format!("diff skipped: {why}\n")), ..Diff::default() };
        let size = match source {
            Source::Content(content) => content.size(),
            Source::File(path) => host.stat(path)?.map_or(0, |s| s.size),
        };
        let now = host.stat(dest)?.filter(|s| s.is_file());
        if now.is_some_and(|s| s.size > LONGEST) {
            return Ok(skipped(&format!("destination file size is greater than {LONGEST}")));
        }
        if size > LONGEST {
            return Ok(skipped(&format!("source file size is greater than {LONGEST}")));
        }
        let mut after = Vec::new();
        let mut stream = match source {
            Source::Content(content) => host.content(content)?,
            Source::File(path) => host.open(path)?,
        };
        stream.read_to_end(&mut after).map_err(|e| Fault::new(format!("could not read the content: {e}")))?;
        let before = match now {
            Some(_) => host.read(dest)?,
            None => Vec::new(),
        };
        for (bytes, which) in [(&before, "destination"), (&after, "source")] {
            if bytes.contains(&0) {
                return Ok(skipped(&format!("{which} file appears to be binary")));
            }
        }
        let text = |bytes: &[u8]| Val::from(String::from_utf8_lossy(bytes).into_owned());
        let name = match (&self.src, source) {
            (Some(src), _) => src.to_string_lossy().into_owned(),
            (None, _) => dest.to_string_lossy().into_owned(),
        };
        Ok(Diff {
            before: text(&before),
            after: text(&after),
            before_header: now.map(|_| dest.to_string_lossy().into_owned()),
            after_header: Some(name),
            prepared: None,
        })
    }
}

/// Whether a file may have this content already.
fn may_be(content: &Content, now: Option<&Stat>) -> bool {
    now.is_some_and(|now| now.is_file() && now.size == content.size())
}

/// Puts the new content beside its destination. With its SHA-1 and MD5, if all of it was read on the way.
fn stage(host: &mut Host, goal: &Goal<'_>) -> Result<(Staged, Option<(String, String)>)> {
    let stream: Box<dyn Read + Send> = match goal.source {
        Source::Content(content) => match host.stage_unread(&goal.dest, content)? {
            Some(staged) => return Ok((staged, None)),
            None => host.content(content)?,
        },
        Source::File(path) => Box::new(host.open(path)?),
    };
    // Summed up while it comes: large content is not read a second time.
    let mut stream = Summing::new(stream, [Algorithm::Sha1, Algorithm::Md5]);
    let staged = host.stage(&goal.dest, &mut stream)?;
    // A plan may have no need of all of it.
    let is_read = matches!(goal.source, Source::Content(content) if content.size() == stream.count());
    Ok((staged, is_read.then(|| (stream.end(Algorithm::Sha1), stream.end(Algorithm::Md5)))))
}

/// The checksum of new content, once it is known that it has come whole. `sha1` is that of what came, if all of it was read:
/// then the controller has seen to it that it was one and the same file from its beginning to its end.
fn arrived(host: &Host, goal: &Goal<'_>, path: &Path, sha1: Option<String>) -> Result<String> {
    let expected = match (&goal.checksum, goal.source) {
        (Some(checksum), _) => checksum.clone(),
        (None, Source::Content(content)) => match sha1 {
            Some(sha1) => return Ok(sha1),
            None => host.sha1(content)?,
        },
        (None, Source::File(path)) => host.checksum(path, Algorithm::Sha1)?,
    };
    if matches!(goal.source, Source::Content(Content::There(_))) {
        let arrived = match sha1.map_or_else(|| host.checksum(path, Algorithm::Sha1), Ok) {
            Err(fault) if fault.kind == Kind::Unknown => return Ok(expected),
            arrived => arrived?,
        };
        if arrived != expected {
            return Err(mismatch(&arrived, &expected));
        }
    }
    Ok(expected)
}

fn mismatch(checksum: &str, expected: &str) -> Fault {
    Fault::new("Copied file does not match the expected checksum. Transfer failed.")
        .with("checksum", checksum)
        .with("expected_checksum", expected)
}

/// Longest file that a difference shows.
const LONGEST: u64 = 104_448;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_becomes_a_link_leads_no_copy_elsewhere() {
        let to = "dest: HERE/tree/, remote_src: yes";
        hostile::<Copy>(&format!("{{ src: HERE/from/, {to}, owner: '4712', group: '4712', mode: '0644' }}"));
    }

    #[test]
    fn content_is_written_once() {
        let args = "{ content: \"hello\\n\", dest: /etc/motd, mode: '0640' }";
        let done = conform::<Copy>(args, World::new()).changed().holds("/etc/motd", "hello\n");
        let done = done.gives("checksum", "f572d396fae9206628714fb2ce00f72e94f2258f").gives("mode", "0640");
        let done = done.gives("md5sum", "b1946ac92492d2347c6235b4d2611184").gives("dest", "/etc/motd");
        assert_eq!(done.outcome().diff[0].after, "hello\n".into());
        done.then(args).unchanged().gives("path", "/etc/motd");
    }

    #[test]
    fn a_file_keeps_its_mode_and_owner_when_its_content_changes() {
        let world = World::new().file("/etc/motd", "old").mode("/etc/motd", 0o600).owner("/etc/motd", 5, 6);
        let done =
            conform::<Copy>("{ content: new, dest: /etc/motd }", world).changed().holds("/etc/motd", "new");
        done.gives("mode", "0600").gives("uid", 5).gives("gid", 6);
    }

    #[test]
    fn the_same_content_leaves_only_attributes_to_set() {
        let world = World::new().file("/etc/motd", "hi");
        let done = conform::<Copy>("{ content: hi, dest: /etc/motd, mode: '0600' }", world).changed();
        done.diff("~ mode: 0644 -> 0600").gives("mode", "0600");
    }

    #[test]
    fn a_backup_has_the_old_content() {
        let world = World::new().file("/etc/motd", "old");
        let done = conform::<Copy>("{ content: new, dest: /etc/motd, backup: yes }", world).changed();
        let backup = done.outcome().get("backup_file").unwrap().as_str().unwrap().to_owned();
        assert!(backup.starts_with("/etc/motd.") && backup.ends_with("@22:13:20~"), "{backup}");
        done.holds(&backup, "old");
    }

    #[test]
    fn a_folder_takes_the_file_under_its_name() {
        let args = "{ src: conf/a.conf, _original_basename: a.conf, content: x, dest: /etc }";
        conform::<Copy>(args, World::new()).changed().holds("/etc/a.conf", "x");
        let args =
            "{ src: b, _original_basename: sub/b, content: x, dest: /srv/new/, directory_mode: '0700' }";
        let done = conform::<Copy>(args, World::new()).changed().holds("/srv/new/sub/b", "x");
        assert_eq!(done.probe().stat("/srv/new/sub").unwrap().unwrap().mode, 0o700);
        conform::<Copy>("{ content: x, dest: /etc }", World::new())
            .failed("can not use content with a dir as dest");
        conform::<Copy>("{ content: x, dest: /no/where }", World::new())
            .failed("Destination directory /no does not exist");
    }

    #[test]
    fn links_are_replaced_unless_followed() {
        let world = || World::new().file("/etc/real", "old").link("/etc/link", "real");
        let done = conform::<Copy>("{ content: new, dest: /etc/link }", world()).changed();
        done.holds("/etc/real", "old").holds("/etc/link", "new").gives("state", "file");
        let done = conform::<Copy>("{ content: new, dest: /etc/link, follow: yes }", world()).changed();
        done.holds("/etc/real", "new").gives("dest", "/etc/real");
    }

    #[test]
    fn a_new_file_that_is_not_valid_does_not_take_its_place() {
        let world = || World::new().file("/etc/sudoers", "good");
        let args = "{ content: bad, dest: /etc/sudoers, validate: 'visudo -csf %s' }";
        let refused = world().answers("visudo *", Ran::failed(1, "syntax error"));
        let done = conform_apart::<Copy>(args, refused);
        done.failed("failed to validate").gives("stderr", "syntax error").holds("/etc/sudoers", "good");
        conform::<Copy>(args, world().answers("visudo *", Ran::default()))
            .changed()
            .holds("/etc/sudoers", "bad");
    }

    #[test]
    fn what_is_there_is_left_when_asked() {
        let world = World::new().file("/etc/motd", "old");
        conform::<Copy>("{ content: new, dest: /etc/motd, force: no }", world)
            .unchanged()
            .holds("/etc/motd", "old");
    }

    #[test]
    fn a_file_of_the_host_is_copied_with_its_mode() {
        let world = || World::new().file("/etc/a", "text").mode("/etc/a", 0o755).file("/etc/b", "old");
        let args = "{ src: /etc/a, dest: /etc/b, remote_src: yes }";
        let done = conform::<Copy>(args, world()).changed().holds("/etc/b", "text").gives("mode", "0755");
        done.then(args).unchanged();
        conform::<Copy>("{ src: /etc/a, dest: /etc/new, remote_src: yes, mode: preserve }", world())
            .changed()
            .gives("mode", "0755");
        conform::<Copy>("{ src: /etc/nope, dest: /etc/new, remote_src: yes }", world())
            .failed("Source /etc/nope not found");
        conform::<Copy>("{ src: /etc/a, dest: /etc/new, remote_src: yes, checksum: abc }", world())
            .failed("does not match the expected checksum");
    }

    #[test]
    fn a_folder_of_the_host_is_copied_whole() {
        let world =
            || World::new().user("ann", 1001).file("/src/a/x", "1").file("/src/y", "2").link("/src/l", "y");
        let args = "{ src: /src, dest: /srv, remote_src: yes, owner: ann }";
        let done = conform::<Copy>(args, world().folder("/srv")).changed();
        let done = done.holds("/srv/src/a/x", "1").holds("/srv/src/y", "2").gives("dest", "/srv/src");
        assert_eq!(done.probe().lstat("/srv/src/a/x").unwrap().unwrap().uid, 1001);
        assert_eq!(done.probe().readlink("/srv/src/l").unwrap(), PathBuf::from("y"));
        done.then(args).unchanged();
        let done = conform::<Copy>("{ src: /src/, dest: /new, remote_src: yes }", world()).changed();
        done.holds("/new/a/x", "1");
        let world = world().file("/srv/src/y", "old!").file("/srv/src/mine", "kept");
        let done = conform::<Copy>(args, world).changed();
        done.holds("/srv/src/y", "2").holds("/srv/src/mine", "kept").holds("/srv/src/a/x", "1");
    }
}
