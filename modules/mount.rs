//! Manage mounted file systems and their lines in fstab.
//!
//! ```yaml
//! - ansible.posix.mount: { path: /mnt/dvd, src: /dev/sr0, fstype: iso9660, opts: 'ro,noauto', state: present }
//! - ansible.posix.mount: { path: /home, src: LABEL=HOME, fstype: ext4, state: mounted }
//! - ansible.posix.mount: { path: /tmp/mnt-pnt, state: remounted }
//! ```
use std::io;
use std::path::{Path, PathBuf};

use shevek_kit::fault::io_words;
use shevek_kit::lossless;
use shevek_kit::prelude::*;

/// Arguments of `mount`.
#[derive(Args)]
#[module(procedure, collection = "ansible.posix")]
#[rule(when(state = "mounted", needs("src", "fstype")), when(state = "present", needs("src", "fstype")))]
#[rule(when(state = "ephemeral", needs("src", "fstype")))]
pub struct Mount {
    /// Where it is mounted.
    #[arg(alias = "name")]
    path: String,
    /// What is mounted.
    src: Option<String>,
    /// The file system's type.
    fstype: Option<String>,
    /// Options.
    opts: Option<String>,
    /// Whether the options are kept out of what is shown.
    #[arg(default = false)]
    opts_no_log: bool,
    /// Whether it is dumped.
    #[arg(default = "0")]
    dump: String,
    /// When it is checked at boot.
    #[arg(default = "0")]
    passno: String,
    /// What shall be.
    state: Wanted,
    /// The file, instead of `/etc/fstab`.
    fstab: Option<PathBuf>,
    /// Whether it is mounted at boot.
    #[arg(default = true)]
    boot: bool,
    /// Keep the old file under another name.
    #[arg(default = false)]
    backup: bool,
}

/// What shall be of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Wanted {
    /// It isn't mounted, has no line, and its folder is removed.
    Absent,
    /// It has no line; what is mounted stays.
    AbsentFromFstab,
    /// It is mounted, and has a line.
    Mounted,
    /// It has a line; what is mounted stays.
    Present,
    /// It isn't mounted; its line stays.
    Unmounted,
    /// It is mounted again with the options of its line.
    Remounted,
    /// It is mounted, and has no line.
    Ephemeral,
}

/// A field as fstab has it: blanks are octal.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011").replace('&', "\\046")
}

impl Procedure for Mount {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        // Differs from Ansible: a slash at the end is of no account.
        let path = if self.path == "/" { "/" } else { self.path.trim_end_matches('/') };
        let mut outcome = Outcome::ok().with("backup_file", "");
        if let Some(opts) = self.opts.as_ref().filter(|_| self.opts_no_log) {
            host.conceal(opts);
            host.conceal(escaped(opts));
        }
        if self.boot && self.given_options().split(',').any(|option| option == "noauto") {
            host.warn("Ignore the 'boot' due to 'opts' contains 'noauto'.");
        }
        if self.state != Wanted::Ephemeral && !host.exists(self.file()) {
            make_folders(self.file().parent().unwrap_or(Path::new("/")), host)?;
            host.write(self.file(), "")?;
        }
        let changed = match self.state {
            Wanted::AbsentFromFstab => self.write_line(path, None, host, &mut outcome)?,
            Wanted::Absent => {
                let had_line = self.write_line(path, None, host, &mut outcome)?;
                if had_line {
                    unmount(path, host)?;
                    remove_folder(path, host)?;
                }
                had_line
            }
            Wanted::Unmounted => unmount(path, host)?,
            Wanted::Present => self.write_line(path, Some(&self.line(path)), host, &mut outcome)?,
            Wanted::Remounted => {
                self.remount(path, host)?;
                true
            }
            Wanted::Mounted | Wanted::Ephemeral => self.mount(path, host, &mut outcome)?,
        };
        let file = self.file().to_string_lossy().into_owned();
        for (key, value) in [("src", &self.src), ("fstype", &self.fstype)] {
            if let Some(value) = value {
                outcome.set(key, value);
            }
        }
        Ok(outcome
            .changed_if(changed)
            .with("name", path)
            .with("opts", self.options())
            .with("dump", &self.dump)
            .with("passno", &self.passno)
            .with("fstab", file)
            .with("boot", if self.boot { "yes" } else { "no" }))
    }
}

impl Mount {
    fn file(&self) -> PathBuf {
        self.fstab.clone().unwrap_or_else(|| PathBuf::from("/etc/fstab"))
    }

    fn given_options(&self) -> &str {
        self.opts.as_deref().filter(|opts| !opts.is_empty()).unwrap_or("defaults")
    }

    // Differs from Ansible: `noauto` that is given with `boot: no` isn't written twice.
    fn options(&self) -> String {
        let given = self.given_options();
        let has = given.split(',').any(|option| option == "noauto");
        if self.boot || has { given.to_owned() } else { format!("{given},noauto") }
    }

    fn line(&self, path: &str) -> String {
        let src = escaped(self.src.as_deref().unwrap_or_default());
        let kind = escaped(self.fstype.as_deref().unwrap_or_default());
        format!("{src} {} {kind} {} {} {}\n", escaped(path), escaped(&self.options()), self.dump, self.passno)
    }

    /// Puts the line of a path into the file, or takes it out; says whether the file changed.
    // Differs from Ansible: a line without the last two fields, which may be left out, is taken out too.
    fn write_line(
        &self,
        path: &str,
        line: Option<&str>,
        host: &mut Host,
        outcome: &mut Outcome,
    ) -> Result<bool> {
        let file = followed(host, &self.file(), Links::Follow);
        let before = host.read_if_there(&file)?;
        let text = lossless::text(before.as_deref().unwrap_or_default());
        let mut after = String::new();
        let (mut found, mut changed) = (false, false);
        for known in text.split_inclusive('\n') {
            let fields: Vec<&str> = known.split('#').next().unwrap_or_default().split_whitespace().collect();
            // There can be several swaps, all mounted on `none`.
            let is_ours = (4..=6).contains(&fields.len())
                && fields.get(1) == Some(&escaped(path).as_str())
                && (path != "none"
                    || fields.get(2) != Some(&"swap")
                    || self.src.is_none()
                    || fields.first().copied() == self.src.as_deref());
            match line {
                _ if !is_ours => after.push_str(known),
                None => changed = true,
                Some(line) => {
                    found = true;
                    let same = !changed && fields.iter().copied().eq(line.split_whitespace());
                    changed |= !same;
                    after.push_str(if same { known } else { line });
                }
            }
        }
        if let Some(line) = line.filter(|_| !found) {
            if !after.is_empty() && !after.ends_with('\n') {
                after.push('\n');
            }
            after.push_str(line);
            changed = true;
        }
        if !changed {
            return Ok(false);
        }
        let after = lossless::bytes(&after);
        if self.backup && before.is_some() {
            let backup = host.backup(&file)?;
            outcome.set("backup_file", &backup);
        }
        host.write(&file, &after)?;
        let name = file.display().to_string();
        host.diff(text_diff(&name, before.as_deref(), Some(&after)));
        Ok(true)
    }

    fn mount(&self, path: &str, host: &mut Host, outcome: &mut Outcome) -> Result<bool> {
        let made = make_folders(Path::new(path), host)?;
        let is_mounted = mounted(path, host)?;
        let file = followed(host, &self.file(), Links::Follow);
        let before = host.read_if_there(&file)?;
        let (changed, done) = if self.state == Wanted::Ephemeral {
            let src = self.src.as_deref().unwrap_or_default();
            let is_bind = self.options().split(',').any(|option| matches!(option, "bind" | "rbind"));
            if is_mounted.as_ref().is_some_and(|is| !is.is_empty() && is != src && !is_bind) {
                fail!(
                    "Ephemeral mount point is already mounted with a different source than the specified one. \
                     Failing in order to prevent an unwanted unmount or override operation. Try replacing this \
                     command with a \"state: unmounted\" followed by a \"state: ephemeral\", or use a different \
                     destination path."
                );
            }
            let done = if is_mounted.is_some() { self.anew(path, host) } else { self.mount_now(path, host) };
            (true, done)
        } else {
            let changed = self.write_line(path, Some(&self.line(path)), host, outcome)?;
            match (is_mounted.is_some(), changed) {
                (true, false) => return Ok(false),
                (true, true) => (true, self.anew(path, host)),
                (false, _) => (true, self.mount_now(path, host)),
            }
        };
        if let Err(why) = done? {
            // A line that does not work may keep the host from booting: all is as it was.
            if self.state != Wanted::Ephemeral {
                host.write(&file, before.unwrap_or_default())?;
            }
            for folder in made.iter().rev() {
                host.rmdir(folder)?;
            }
            fail!("Error mounting {path}: {why}");
        }
        Ok(changed)
    }

    /// What tells `mount` of another file, or that it is to look into none.
    fn how(&self, command: Command) -> Command {
        let file = self.fstab.as_ref().filter(|file| file.as_path() != Path::new("/etc/fstab"));
        match self.state {
            Wanted::Ephemeral => {
                let opts = Some(self.options()).filter(|opts| opts != "defaults");
                command
                    .opt("-t", self.fstype.as_ref())
                    .opt("-o", opts)
                    .arg(self.src.as_deref().unwrap_or_default())
            }
            _ => command.opt("-T", file.map(|file| file.display().to_string())),
        }
    }

    fn mount_now(&self, path: &str, host: &mut Host) -> Result<Said> {
        run(self.how(cmd("mount")).arg(path), path, "mounted", host)
    }

    /// Mounts again with other options; file systems that cannot are mounted anew.
    fn anew(&self, path: &str, host: &mut Host) -> Result<Said> {
        let own = Some(self.options()).filter(|opts| self.state == Wanted::Remounted && opts != "defaults");
        let options = own.as_ref().map_or("remount".to_owned(), |own| format!("remount,{own}"));
        let command = self.how(cmd("mount").args(["-o", &options])).arg(path);
        if run(command, path, "mounted", host)?.is_ok() {
            return Ok(Ok(()));
        }
        if own.is_some() {
            fail!(
                "Options were specified with remounted, but the remount command failed. Failing in order to \
                 prevent an unexpected mount result. Try replacing this command with a \"state: unmounted\" \
                 followed by a \"state: mounted\" using the full desired mount options instead."
            );
        }
        match run(cmd("umount").arg(path), path, "unmounted", host)? {
            Ok(()) => self.mount_now(path, host),
            failed => Ok(failed),
        }
    }

    fn remount(&self, path: &str, host: &mut Host) -> Result<()> {
        match self.anew(path, host)? {
            Ok(()) => Ok(()),
            Err(why) => fail!("Error remounting {path}: {why}"),
        }
    }
}

/// What a command said when it failed.
type Said = std::result::Result<(), String>;

fn effect(path: &str, state: &str) -> Effect {
    Effect::Set { thing: Thing::Mount, name: path.to_owned(), state: state.to_owned() }
}

fn run(command: Command, path: &str, state: &str, host: &mut Host) -> Result<Said> {
    let ran = host.run(command.any_rc().does(effect(path, state)))?;
    Ok(if ran.ok() { Ok(()) } else { Err(format!("{}{}", ran.out(), ran.err())) })
}

/// What is mounted on a path.
fn mounted(path: &str, host: &Probe) -> Result<Option<String>> {
    if let Some(state) = host.planned(Thing::Mount, path) {
        return Ok((state == "mounted").then(String::new));
    }
    let text = host.read_if_there("/proc/self/mounts")?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let wanted = escaped(path);
    let last = text.lines().rev().map(|line| line.split(' ').collect::<Vec<_>>());
    let found = last.into_iter().find(|fields| fields.get(1) == Some(&wanted.as_str()));
    Ok(found.and_then(|fields| fields.first().map(|source| (*source).to_owned())))
}

fn unmount(path: &str, host: &mut Host) -> Result<bool> {
    if mounted(path, host)?.is_none() {
        return Ok(false);
    }
    match run(cmd("umount").arg(path), path, "unmounted", host)? {
        Ok(()) => Ok(true),
        Err(why) => fail!("Error unmounting {path}: {why}"),
    }
}

fn remove_folder(path: &str, host: &mut Host) -> Result<()> {
    if !host.exists(path) {
        return Ok(());
    }
    host.rmdir(path).map_err(|fault| {
        let why = fault.os.map(|os| {
            let words = io_words(&io::Error::from_raw_os_error(os));
            format!("[Errno {os}] {words}: '{path}'")
        });
        Fault { message: format!("Error rmdir {path}: {}", why.as_ref().unwrap_or(&fault.message)), ..fault }
    })
}

/// Makes a folder and those above it; gives the ones that it made.
fn make_folders(path: &Path, host: &mut Host) -> Result<Vec<PathBuf>> {
    let mode = 0o777 & !host.identity().umask;
    let missing = path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !host.exists(path));
    let mut missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
    missing.reverse();
    missing.iter().try_for_each(|folder| host.mkdir(folder, mode))?;
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FSTAB: &str = "/etc/fstab";

    fn world() -> World {
        World::new()
            .file(FSTAB, "# static\nUUID=1 / ext4 defaults 0 1\n/dev/sdb1 /data xfs noatime\n")
            .file("/proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /data xfs rw 0 0\n")
            .folder("/data")
    }

    #[test]
    fn a_line_is_written_and_what_it_says_is_mounted() {
        let args = "{ path: '/my data', src: LABEL=X, fstype: ext4, opts: noatime, state: mounted }";
        let done = conform::<Mount>(args, world()).changed().ran(["mount '/my data'"]);
        let text = "# static\nUUID=1 / ext4 defaults 0 1\n/dev/sdb1 /data xfs noatime\nLABEL=X /my\\040data ext4 noatime 0 0\n";
        done.holds(FSTAB, text).gives("name", "/my data").then(args).unchanged();
        let args = "{ path: /data/, src: /dev/sdb1, fstype: xfs, opts: noatime, state: mounted }";
        // A line without the fields that may be left out gets them, as with Ansible.
        let done = conform::<Mount>(args, world()).changed().ran(["mount -o remount /data"]);
        done.then(args).unchanged().ran([]);
        let args = "{ path: /data, src: /dev/sdb1, fstype: xfs, opts: ro, state: mounted }";
        conform::<Mount>(args, world()).changed().ran(["mount -o remount /data"]);
    }

    #[test]
    fn a_mount_that_fails_leaves_all_as_it_was() {
        let text = "UUID=1 / ext4 defaults 0 1\n";
        let world = World::new().file(FSTAB, text).file("/proc/self/mounts", "");
        let world = world.answers("mount /new/place", Ran::failed(32, "no such device\n"));
        let args = "{ path: /new/place, src: /dev/x, fstype: ext4, state: mounted }";
        let done = conform_apart::<Mount>(args, world).failed("Error mounting /new/place: no such device\n");
        done.holds(FSTAB, text).lacks("/new");
    }

    #[test]
    fn what_has_no_line_stays_mounted() {
        let world = || world().file(FSTAB, "# none\n");
        let done = conform::<Mount>("{ path: /data, state: absent }", world()).unchanged();
        assert!(done.ran([]).probe().is_folder("/data"));
        let full = World::new().file(FSTAB, "a /x nfs defaults 0 0\n").file("/x/file", "");
        conform_apart::<Mount>("{ path: /x, state: absent }", full.file("/proc/self/mounts", ""))
            .failed("Error rmdir /x: [Errno 39]");
    }

    #[test]
    fn a_remount_takes_options_only_when_told() {
        let world = || world().answers("mount -o remount,ro /data", Ran::failed(32, "busy\n"));
        let args = "{ path: /data, state: remounted, opts: ro }";
        conform_apart::<Mount>(args, world()).failed("Options were specified with remounted");
        let world = || world().answers("mount -o remount /data", Ran::failed(32, "bad option\n"));
        let done = conform_apart::<Mount>("{ path: /data, state: remounted }", world()).changed();
        done.ran(["mount -o remount /data", "umount /data", "mount /data"]);
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let world = world().file(FSTAB, b"# f\xfcr alle\n".as_slice());
        let args = "{ path: /x, src: a, fstype: nfs, state: present }";
        let done = conform::<Mount>(args, world).changed();
        assert_eq!(done.probe().read(FSTAB).unwrap(), b"# f\xfcr alle\na /x nfs defaults 0 0\n");
    }

    #[test]
    fn a_mount_goes_with_its_line_and_folder() {
        let done =
            conform::<Mount>("{ path: /data, state: absent }", world()).changed().ran(["umount /data"]);
        let done = done.holds(FSTAB, "# static\nUUID=1 / ext4 defaults 0 1\n").lacks("/data");
        done.then("{ path: /data, state: absent }").unchanged();
        conform::<Mount>("{ path: /srv, state: unmounted }", world()).unchanged();
    }

    #[test]
    fn options_that_are_secret_are_shown_nowhere() {
        let args = "{ path: /x, src: //h/s, fstype: cifs, opts: 'password=se cret', opts_no_log: yes, state: present }";
        let done = conform::<Mount>(args, world()).changed();
        assert!(!format!("{:?}", done.outcome()).contains("cret"), "{:?}", done.outcome());
        assert!(done.probe().read_text(FSTAB).unwrap().contains("password=se\\040cret"));
    }

    #[test]
    fn what_is_not_to_be_mounted_at_boot_says_so() {
        let args = "{ path: /x, src: a, fstype: nfs, state: present, boot: no, fstab: /tmp/tab }";
        conform::<Mount>(args, world()).changed().holds("/tmp/tab", "a /x nfs defaults,noauto 0 0\n").ran([]);
        conform::<Mount>("{ path: /x, state: present }", world()).failed("missing: src, fstype");
    }
}
