//! Manage mounted file systems and their lines in fstab.
//!
//! ```yaml
//! - ansible.posix.mount: { path: /mnt/dvd, src: /dev/sr0, fstype: iso9660, opts: 'ro,noauto', state: present }
//! - ansible.posix.mount: { path: /home, src: LABEL=HOME, fstype: ext4, state: mounted }
//! - ansible.posix.mount: { path: /tmp/mnt-pnt, state: remounted }
//! ```
use std::path::PathBuf;

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
        let path = if self.path == "/" { "/" } else { self.path.trim_end_matches('/') };
        let mut outcome = Outcome::ok();
        let mut changed = false;
        if let Some(opts) = self.opts.as_ref().filter(|_| self.opts_no_log) {
            host.conceal(opts);
            host.conceal(escaped(opts));
        }
        match self.state {
            Wanted::Absent | Wanted::AbsentFromFstab => {
                changed = self.write_line(path, None, host, &mut outcome)?;
                if self.state == Wanted::Absent {
                    changed |= unmount(path, host)?;
                    if host.is_folder(path) && host.list(path)?.is_empty() {
                        host.rmdir(path)?;
                        changed = true;
                    }
                }
            }
            Wanted::Unmounted => changed = unmount(path, host)?,
            Wanted::Present => changed = self.write_line(path, Some(&self.line(path)), host, &mut outcome)?,
            Wanted::Remounted => {
                self.remount(path, host)?;
                changed = true;
            }
            Wanted::Mounted | Wanted::Ephemeral => {
                if !host.exists(path) {
                    make_folders(path, host)?;
                    changed = true;
                }
                changed |= self.mount(path, host, &mut outcome)?;
            }
        }
        let text = |value: &Option<String>| value.as_ref().map_or(Val::Null, Val::from);
        let file = self.file().to_string_lossy().into_owned();
        Ok(outcome
            .changed_if(changed)
            .with("name", path)
            .with("src", text(&self.src))
            .with("fstype", text(&self.fstype))
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

    fn options(&self) -> String {
        let given = self.opts.as_deref().filter(|opts| !opts.is_empty()).unwrap_or("defaults");
        let has = given.split(',').any(|option| option == "noauto");
        if self.boot || has || self.state == Wanted::Ephemeral {
            given.to_owned()
        } else {
            format!("{given},noauto")
        }
    }

    fn line(&self, path: &str) -> String {
        let src = escaped(self.src.as_deref().unwrap_or_default());
        let kind = escaped(self.fstype.as_deref().unwrap_or_default());
        format!("{src} {} {kind} {} {} {}\n", escaped(path), escaped(&self.options()), self.dump, self.passno)
    }

    /// Puts the line of a path into the file, or takes it out; says whether the file changed.
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
        let mut open = line;
        for known in text.split_inclusive('\n') {
            let fields: Vec<&str> = known.split_whitespace().collect();
            // There can be several swaps, all mounted on `none`.
            let is_ours = !known.trim_start().starts_with('#')
                && fields.len() >= 4
                && fields.get(1) == Some(&escaped(path).as_str())
                && (path != "none"
                    || fields.first().map(|s| (*s).to_owned()) == self.src.as_deref().map(escaped));
            if !is_ours {
                after.push_str(known);
            } else if let Some(line) = open.take() {
                let mut full = fields;
                full.resize(6, "0");
                let same = full.iter().copied().eq(line.split_whitespace());
                after.push_str(if same { known } else { line });
            }
        }
        if let Some(line) = open {
            if !after.is_empty() && !after.ends_with('\n') {
                after.push('\n');
            }
            after.push_str(line);
        }
        if after == text {
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
        let mounted = mounted(path, host)?;
        let is_bind = self.options().split(',').any(|option| matches!(option, "bind" | "rbind"));
        if self.state == Wanted::Ephemeral {
            let src = self.src.as_deref().unwrap_or_default();
            if let Some(other) = mounted.as_ref().filter(|other| other.as_str() != src && !is_bind) {
                fail!("Ephemeral mount point is already mounted with a different source: {other}");
            }
            let command = cmd("mount").opt("-t", self.fstype.as_ref()).arg("-o").arg(self.options());
            let remount = mounted.is_some();
            let command = if remount { command.args(["-o", "remount"]) } else { command };
            return run(command.args([src, path]), path, "mounted", host).map(|()| true);
        }
        let changed = self.write_line(path, Some(&self.line(path)), host, outcome)?;
        if mounted.is_some() && !changed {
            return Ok(false);
        }
        if mounted.is_some() && !is_bind {
            self.remount(path, host)?;
        } else {
            let command =
                cmd("mount").opt("--fstab", self.fstab.as_ref().map(|file| file.display().to_string()));
            run(command.arg(path), path, "mounted", host)?;
        }
        Ok(true)
    }

    fn remount(&self, path: &str, host: &mut Host) -> Result<()> {
        if mounted(path, host)?.is_none() && !host.rehearsing() {
            fail!("Error mounting {path}: it is not mounted");
        }
        let options = match &self.opts {
            Some(opts) if !opts.is_empty() && opts != "defaults" => format!("remount,{opts}"),
            _ => "remount".to_owned(),
        };
        let command = cmd("mount").arg("-o").arg(options).arg(path);
        let ran = host.run(command.any_rc().does(effect(path, "mounted")))?;
        if ran.ok() {
            return Ok(());
        }
        // Some file systems can't be remounted: they are mounted anew.
        unmount(path, host)?;
        run(cmd("mount").arg(path), path, "mounted", host)
    }
}

fn effect(path: &str, state: &str) -> Effect {
    Effect::Set { thing: Thing::Mount, name: path.to_owned(), state: state.to_owned() }
}

fn run(command: Command, path: &str, state: &str, host: &mut Host) -> Result<()> {
    let doing = if state == "mounted" { "mounting" } else { "unmounting" };
    let ran = host.run(command.any_rc().does(effect(path, state)))?;
    if ran.ok() {
        return Ok(());
    }
    fail!("Error {doing} {path}: {}{}", ran.out(), ran.err())
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
    run(cmd("umount").arg(path), path, "unmounted", host).map(|()| true)
}

fn make_folders(path: &str, host: &mut Host) -> Result<()> {
    let mode = 0o777 & !host.identity().umask;
    let path = PathBuf::from(path);
    let mut missing: Vec<_> = path.ancestors().take_while(|path| !host.exists(path)).collect();
    missing.reverse();
    missing.into_iter().try_for_each(|folder| host.mkdir(folder, mode))
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
        conform::<Mount>(args, world()).unchanged().ran([]);
        let args = "{ path: /data, src: /dev/sdb1, fstype: xfs, opts: ro, state: mounted }";
        conform::<Mount>(args, world()).changed().ran(["mount -o remount,ro /data"]);
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
