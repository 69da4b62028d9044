//! Make file systems on devices, let them grow, and wipe them.
//!
//! ```yaml
//! - community.general.filesystem: { fstype: ext4, dev: /dev/sdb1, opts: -cc }
//! - community.general.filesystem: { fstype: xfs, dev: /dev/mapper/data-web, resizefs: true }
//! - community.general.filesystem: { dev: /dev/sdc1, state: absent }
//! ```
use std::path::{Path, PathBuf};

use shevek_kit::prelude::*;
use shevek_kit::printed::python_repr;

/// Arguments of `filesystem`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(when(state = "present", needs("fstype")))]
#[rule(exclusive("resizefs", "uuid"))]
pub struct Filesystem {
    /// Whether there is one.
    #[arg(default = "present")]
    state: Presence,
    /// Its type.
    #[arg(alias = "type")]
    fstype: Option<Type>,
    /// The device, or a file that is to be one.
    #[arg(alias = "device")]
    dev: PathBuf,
    /// Make it even if there is one already, which loses all that is in it.
    #[arg(default = false)]
    force: bool,
    /// Let it grow to the size of the device.
    #[arg(default = false)]
    resizefs: bool,
    /// Further options of the program that makes it.
    opts: Option<String>,
    /// A UUID to give it.
    uuid: Option<String>,
}

/// Types of file systems, and what is like one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "each is the file system of that name")]
pub enum Type {
    Bcachefs,
    Btrfs,
    Ext2,
    Ext3,
    Ext4,
    Ext4dev,
    F2fs,
    Lvm,
    Ocfs2,
    Reiserfs,
    Xfs,
    Vfat,
    Swap,
    Ufs,
}

/// What a type's tools are called and how.
struct Tools {
    /// What Ansible calls the type in messages.
    name: &'static str,
    make: &'static str,
    /// Options that make it without questions.
    force: &'static [&'static str],
    /// The options that give it its UUID when it is made, and what has to follow.
    uuid: (&'static [&'static str], &'static [&'static str]),
    /// What tells its size.
    info: &'static str,
    /// What lets it grow, with arguments.
    grow: &'static [&'static str],
    /// Whether it grows only where it is mounted.
    only_mounted: bool,
    /// How much smaller than the device it may be.
    slack: u64,
    /// What changes its UUID, and whether that takes the new one.
    rename: Option<(&'static [&'static str], bool)>,
}

const NONE: Tools = Tools {
    name: "",
    make: "",
    force: &[],
    uuid: (&[], &[]),
    info: "",
    grow: &[],
    only_mounted: false,
    slack: 0,
    rename: None,
};

const EXT: Tools = Tools {
    force: &["-F"],
    uuid: (&["-U"], &[]),
    info: "tune2fs",
    grow: &["resize2fs"],
    rename: Some((&["tune2fs", "-U"], true)),
    ..NONE
};

impl Type {
    fn tools(self) -> Tools {
        match self {
            Type::Ext2 => Tools { name: "Ext2", make: "mkfs.ext2", ..EXT },
            Type::Ext3 => Tools { name: "Ext3", make: "mkfs.ext3", ..EXT },
            Type::Ext4 | Type::Ext4dev => Tools { name: "Ext4", make: "mkfs.ext4", ..EXT },
            Type::Xfs => Tools {
                name: "XFS",
                make: "mkfs.xfs",
                force: &["-f"],
                info: "xfs_info",
                grow: &["xfs_growfs"],
                only_mounted: true,
                // Less than this is no room for a further group of its blocks.
                slack: 64 * 4096 - 1,
                rename: Some((&["xfs_admin", "-U"], true)),
                ..NONE
            },
            Type::Reiserfs => Tools { name: "Reiserfs", make: "mkfs.reiserfs", force: &["-q"], ..NONE },
            Type::Bcachefs => Tools {
                name: "Bcachefs",
                make: "mkfs.bcachefs",
                force: &["--force"],
                uuid: (&["-U", "--uuid"], &[]),
                info: "bcachefs",
                grow: &["bcachefs", "device", "resize"],
                ..NONE
            },
            Type::Btrfs => Tools {
                name: "Btrfs",
                make: "mkfs.btrfs",
                force: &["-f"],
                info: "btrfs",
                grow: &["btrfs", "filesystem", "resize", "max"],
                only_mounted: true,
                ..NONE
            },
            Type::Ocfs2 => Tools { name: "Ocfs2", make: "mkfs.ocfs2", force: &["-Fx"], ..NONE },
            Type::F2fs => Tools {
                name: "F2fs",
                make: "mkfs.f2fs",
                force: &["-f"],
                info: "dump.f2fs",
                grow: &["resize.f2fs"],
                ..NONE
            },
            Type::Vfat => Tools {
                name: "VFAT",
                make: "mkfs.vfat",
                info: "fatresize",
                grow: &["fatresize", "-s", "max"],
                ..NONE
            },
            Type::Lvm => Tools {
                name: "LVM",
                make: "pvcreate",
                force: &["-f"],
                uuid: (&["-u", "--uuid"], &["--norestorefile"]),
                info: "pvs",
                grow: &["pvresize"],
                rename: Some((&["pvchange", "-u"], false)),
                ..NONE
            },
            Type::Swap => Tools { name: "Swap", make: "mkswap", force: &["-f"], ..NONE },
            Type::Ufs => {
                Tools { name: "UFS", make: "newfs", info: "dumpfs", grow: &["growfs", "-y"], ..NONE }
            }
        }
    }

    /// The type as `blkid` calls it.
    fn as_found(self) -> &'static str {
        match self {
            Type::Lvm => "LVM2_member",
            other => other.word(),
        }
    }

    /// Whether a file system that was found is of this type.
    fn is(self, found: &str) -> bool {
        match self {
            Type::Ext4 | Type::Ext4dev => matches!(found, "ext4" | "ext4dev"),
            other => found == other.as_found(),
        }
    }
}

impl Procedure for Filesystem {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        if !host.exists(&self.dev) {
            let words = format!("Device {} not found.", self.dev.display());
            return match self.state {
                Presence::Present => Err(Fault::absent(words)),
                Presence::Absent => Ok(Outcome::ok().with("msg", words)),
            };
        }
        host.need("blkid")?;
        let found = self.found(host)?;
        let (Presence::Present, Some(kind)) = (self.state, self.fstype) else {
            if !found.is_empty() {
                host.need("wipefs")?;
                host.run(cmd("wipefs").arg("--all").arg(&self.dev).does(self.is("")))?;
            }
            return Ok(Outcome::ok().changed_if(!found.is_empty()));
        };
        let tools = kind.tools();
        if self.uuid.is_some() && tools.rename.is_none() && tools.uuid.0.is_empty() {
            fail!("module does not support UUID option for this filesystem ({}) yet.", kind.as_found());
        }
        if kind.is(&found) {
            if self.resizefs {
                return self.grow(host, kind, &tools);
            }
            if let Some(uuid) = &self.uuid {
                let said = self.rename(host, &tools, uuid)?;
                return Ok(Outcome::ok().changed_if(true).with("msg", said));
            }
            if !self.force {
                return Ok(Outcome::ok());
            }
        } else if !found.is_empty() && !self.force {
            return Err(Fault::new(format!(
                "'{}' is already used as {found}, use force=true to overwrite",
                self.dev.display()
            ))
            .with("rc", 0)
            .with("err", ""));
        }
        self.create(host, kind, &tools)?;
        Ok(Outcome::ok().changed_if(true))
    }
}

impl Filesystem {
    /// What is on the device.
    fn found(&self, host: &Probe) -> Result<String> {
        if let Some(planned) = host.planned(Thing::Other, &self.thing()) {
            return Ok(planned);
        }
        if self.is_planned(host) {
            return Ok(String::new());
        }
        let command = cmd("blkid").args(["-c", "/dev/null", "-o", "value", "-s", "TYPE"]).arg(&self.dev);
        Ok(host.ask(command.any_rc())?.out().trim().to_owned())
    }

    /// Whether the device itself is only planned: then nothing can be on it.
    fn is_planned(&self, host: &Probe) -> bool {
        host.rehearsing()
            && self.dev.strip_prefix("/dev").ok().is_some_and(|name| {
                host.planned(Thing::Other, &format!("lv {}", name.display())).as_deref() == Some("present")
            })
    }

    fn thing(&self) -> String {
        format!("filesystem {}", self.dev.display())
    }

    fn is(&self, state: &str) -> Effect {
        Effect::Set { thing: Thing::Other, name: self.thing(), state: state.to_owned() }
    }

    fn create(&self, host: &mut Host, kind: Type, tools: &Tools) -> Result<()> {
        let mut options: Vec<&str> = self.opts.as_deref().unwrap_or_default().split_whitespace().collect();
        let (as_option, after) = tools.uuid;
        if let (Some(uuid), Some(first)) = (&self.uuid, as_option.first())
            && !as_option.iter().any(|option| options.contains(option))
        {
            options.extend([first, uuid.as_str()]);
            options.extend(after);
        }
        host.need(tools.make)?;
        let force = if knows_force(host, kind)? { tools.force } else { &[] };
        let command = cmd(tools.make).args(force).args(options).arg(&self.dev);
        host.run(command.does(self.is(kind.as_found())))?;
        if let (Some(uuid), true) = (&self.uuid, as_option.is_empty()) {
            self.rename(host, tools, uuid)?;
        }
        Ok(())
    }

    fn rename(&self, host: &mut Host, tools: &Tools, uuid: &str) -> Result<String> {
        let Some((words, takes_it)) = tools.rename else { return Ok(String::new()) };
        let (program, args) = words.split_first().ok_or("no tool changes the UUID")?;
        host.need(program)?;
        let command = cmd(program).args(args).args(takes_it.then_some(uuid)).arg(&self.dev);
        Ok(host.run(command.does(Effect::Nothing))?.out())
    }

    fn grow(&self, host: &mut Host, kind: Type, tools: &Tools) -> Result<Outcome> {
        let Some((program, args)) = tools.grow.split_first() else {
            fail!("module does not support resizing {} filesystem yet.", kind.as_found());
        };
        let device = self.dev.display();
        let whole = self.device_size(host)?;
        let mounted = if tools.only_mounted { mount_point(host, &self.dev)? } else { None };
        let size = self.size(host, kind, tools, mounted.as_deref())?;
        if size + tools.slack >= whole {
            let words = format!("{} filesystem is using the whole device {device}", tools.name);
            return Ok(Outcome::ok().with("msg", words));
        }
        if host.rehearsing() {
            let words = format!("resizing filesystem {} on device {device}", tools.name);
            return Ok(Outcome::ok().changed_if(true).with("msg", words));
        }
        let target = match (tools.only_mounted, mounted) {
            (false, _) => device.to_string(),
            (true, Some(mounted)) => mounted,
            (true, None) => fail!("{device} needs to be mounted for {} operations", tools.name),
        };
        host.need(program)?;
        let ran = host.run(cmd(program).args(args).arg(target).does(Effect::Nothing))?;
        Ok(Outcome::ok().changed_if(true).with("msg", ran.out()))
    }

    fn device_size(&self, host: &Probe) -> Result<u64> {
        match host.stat(&self.dev)? {
            Some(stat) if stat.kind == FileKind::BlockDevice => {
                let out = host.ask(cmd("blockdev").arg("--getsize64").arg(&self.dev))?.out();
                out.trim().parse().map_err(|_| Fault::new(format!("blockdev said: {}", out.trim())))
            }
            Some(stat) if stat.is_file() => Ok(stat.size),
            _ => fail!("Target device not supported: {}", self.dev.display()),
        }
    }

    /// The size of the file system.
    fn size(&self, host: &Probe, kind: Type, tools: &Tools, mounted: Option<&str>) -> Result<u64> {
        let device = self.dev.as_os_str();
        let info = || cmd(tools.info);
        let command = match kind {
            Type::Ext2 | Type::Ext3 | Type::Ext4 | Type::Ext4dev => info().arg("-l").arg(device),
            Type::Xfs => info().arg(mounted.map_or(device, AsRef::as_ref)),
            Type::Bcachefs => info().arg("show-super").arg(device),
            Type::Btrfs => match mounted {
                Some(mounted) => info().args(["filesystem", "usage", "-b", mounted]),
                None => fail!("{} needs to be mounted for Btrfs operations", self.dev.display()),
            },
            Type::Vfat => info().arg("--info").arg(device),
            Type::Lvm => {
                info().args(["--noheadings", "-o", "pv_size", "--units", "b", "--nosuffix"]).arg(device)
            }
            Type::F2fs | Type::Ufs => info().arg(device),
            Type::Ocfs2 | Type::Reiserfs | Type::Swap => {
                fail!("module does not support resizing {} filesystem yet", tools.name)
            }
        };
        host.need(tools.info)?;
        let out = host.ask(command)?.out();
        match size_in(kind, &out) {
            Some(size) => Ok(size),
            None => {
                let shown = python_repr(&Val::from(out));
                host.warn(format!("unable to process {} output '{shown}'", tools.info));
                fail!("unable to process {} output for {}", tools.info, self.dev.display())
            }
        }
    }
}

/// Older programs of two types do not know the option that leaves out questions.
fn knows_force(host: &Probe, kind: Type) -> Result<bool> {
    let at_least = |text: &str, least: [u64; 2]| {
        let mut numbers = text.split('.').map(|n| n.parse::<u64>().unwrap_or(0));
        [numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)] >= least
    };
    match kind {
        Type::Btrfs => {
            let ran = host.ask(cmd("mkfs.btrfs").arg("--version"))?;
            let version = |text: String| {
                let after = text.split(" v").nth(1)?.to_owned();
                let end = after.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(after.len());
                Some(after.get(..end)?.to_owned()).filter(|version| !version.is_empty())
            };
            Ok(version(ran.out()).or_else(|| version(ran.err())).is_none_or(|v| at_least(&v, [3, 12])))
        }
        Type::F2fs => {
            let out = host.ask(cmd("mkfs.f2fs").arg("/dev/null").any_rc())?.out();
            let version = out.split("F2FS-tools: mkfs.f2fs Ver: ").nth(1).and_then(|v| v.split(' ').next());
            Ok(version.is_some_and(|version| at_least(version, [1, 9])))
        }
        _ => Ok(true),
    }
}

/// Where a device is mounted first.
fn mount_point(host: &Probe, device: &Path) -> Result<Option<String>> {
    host.need("findmnt")?;
    let command =
        cmd("findmnt").args(["--mtab", "--noheadings", "--output", "TARGET", "--source"]).arg(device);
    let ran = host.ask(command.any_rc())?;
    Ok(ran.ok().then(|| ran.out().lines().next().unwrap_or_default().to_owned()))
}

/// The size that a tool's output tells.
fn size_in(kind: Type, out: &str) -> Option<u64> {
    let after = |words: &str| {
        let line = out.lines().find(|line| line.contains(words))?;
        line.split(words).nth(1)?.split_whitespace().next()?.trim_end_matches(',').parse::<u64>().ok()
    };
    match kind {
        Type::Ext2 | Type::Ext3 | Type::Ext4 | Type::Ext4dev => {
            Some(after("Block count:")? * after("Block size:")?)
        }
        Type::Xfs => {
            // data     =                       bsize=4096   blocks=65536, imaxpct=25
            let line =
                out.lines().find(|line| line.split('=').next().is_some_and(|word| word.trim() == "data"))?;
            let value = |name: &str| {
                let rest = line.split(name).nth(1)?;
                rest.split([' ', ',']).next()?.parse::<u64>().ok()
            };
            Some(value(" bsize=")? * value(" blocks=")?)
        }
        Type::Bcachefs => {
            let line = out.lines().find(|line| line.contains("Size: "))?;
            let mut words = line.split_whitespace().skip(1);
            let (number, unit) = (words.next()?.parse::<f64>().ok()?, words.next()?);
            let place = |units: &str| units.split(' ').position(|known| known == unit);
            let (base, power) = match place("B KiB MiB GiB TiB PiB EiB ZiB YiB") {
                Some(power) => (1024f64, power),
                None => (1000f64, place("B kB MB GB TB PB EB ZB YB")?),
            };
            Some((number * base.powi(i32::try_from(power).ok()?)) as u64)
        }
        Type::Btrfs => out
            .lines()
            .find(|line| line.contains("Device size"))?
            .split_whitespace()
            .next_back()?
            .parse()
            .ok(),
        Type::F2fs => Some(after("Info: sector size =")? * after("Info: total FS sectors =")?),
        Type::Vfat => out.lines().skip(1).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            matches!(name.trim(), "Size" | "Cur size").then(|| value.trim().parse().ok())?
        }),
        Type::Lvm => out.trim().parse().ok(),
        Type::Ufs => {
            let fragment = out.lines().find(|line| line.starts_with("fsize"))?.split_whitespace().nth(1)?;
            let count =
                out.lines().find(|line| line.contains("providersize"))?.split_whitespace().next_back()?;
            Some(fragment.parse::<u64>().ok()? * count.parse::<u64>().ok()?)
        }
        Type::Ocfs2 | Type::Reiserfs | Type::Swap => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(found: &str) -> World {
        let mut world = World::new()
            .file("/dev/sdb", vec![0; 8192])
            .says("blkid -c /dev/null -o value -s TYPE /dev/sdb", found);
        for program in
            ["blkid", "wipefs", "mkfs.ext4", "mkfs.xfs", "tune2fs", "resize2fs", "xfs_admin", "pvcreate"]
        {
            world = world.program(program);
        }
        world
    }

    #[test]
    fn a_file_system_is_made_once() {
        conform::<Filesystem>("{ fstype: ext4, dev: /dev/sdb, opts: -m 0 }", world(""))
            .changed()
            .ran(["mkfs.ext4 -F -m 0 /dev/sdb"])
            .then("{ fstype: ext4, dev: /dev/sdb }")
            .unchanged();
        conform::<Filesystem>("{ fstype: ext4, dev: /dev/sdb }", world("ext4\n")).unchanged().ran([]);
        conform::<Filesystem>("{ fstype: xfs, dev: /dev/sdb }", world("ext4\n"))
            .failed("'/dev/sdb' is already used as ext4, use force=true to overwrite");
        conform::<Filesystem>("{ fstype: xfs, dev: /dev/sdb, force: yes }", world("ext4\n"))
            .ran(["mkfs.xfs -f /dev/sdb"]);
        conform::<Filesystem>("{ fstype: lvm, dev: /dev/sdb, uuid: u-1 }", world(""))
            .ran(["pvcreate -f -u u-1 --norestorefile /dev/sdb"]);
        conform::<Filesystem>("{ fstype: xfs, dev: /dev/sdb, uuid: generate }", world(""))
            .ran(["mkfs.xfs -f /dev/sdb", "xfs_admin -U generate /dev/sdb"]);
        conform::<Filesystem>("{ dev: /dev/sdb }", world("")).failed("fstype");
    }

    #[test]
    fn a_device_is_wiped() {
        conform::<Filesystem>("{ dev: /dev/sdb, state: absent }", world("xfs\n"))
            .ran(["wipefs --all /dev/sdb"])
            .then("{ dev: /dev/sdb, state: absent }")
            .unchanged();
        conform::<Filesystem>("{ dev: /dev/sdx, state: absent }", world(""))
            .unchanged()
            .gives("msg", "Device /dev/sdx not found.");
        conform::<Filesystem>("{ dev: /dev/sdx, fstype: xfs }", world(""))
            .failed("Device /dev/sdx not found.");
    }

    #[test]
    fn a_file_system_grows_to_its_device() {
        let of = |count: u32| {
            let info = format!("Block count:              {count}\nBlock size:               1024\n");
            world("ext4\n").says("tune2fs -l /dev/sdb", &info).says("resize2fs /dev/sdb", "grown\n")
        };
        let args = "{ fstype: ext4, dev: /dev/sdb, resizefs: yes }";
        conform::<Filesystem>(args, of(4)).changed().ran(["resize2fs /dev/sdb"]).gives("msg", "grown\n");
        conform::<Filesystem>(args, of(8))
            .unchanged()
            .gives("msg", "Ext4 filesystem is using the whole device /dev/sdb");
        conform::<Filesystem>("{ fstype: swap, dev: /dev/sdb, resizefs: yes }", world("swap\n"))
            .failed("module does not support resizing swap filesystem yet.");
    }

    #[test]
    fn each_tool_tells_the_size_in_its_own_way() {
        assert_eq!(
            size_in(
                Type::Xfs,
                "meta-data=/dev/x  isize=512\n  = sectsz=512\ndata     =      bsize=4096   blocks=10, imaxpct=25\n"
            ),
            Some(40960)
        );
        assert_eq!(size_in(Type::Btrfs, "Overall:\n    Device size:\t\t  1048\n"), Some(1048));
        assert_eq!(size_in(Type::Bcachefs, "Size:  2.00 KiB\n"), Some(2048));
        assert_eq!(
            size_in(Type::F2fs, "Info: sector size = 512\nInfo: total FS sectors = 4 (0 MB)\n"),
            Some(2048)
        );
        assert_eq!(size_in(Type::Vfat, "FAT:\nSize: 77\n"), Some(77));
        assert_eq!(size_in(Type::Lvm, "  4096\n"), Some(4096));
        assert_eq!(size_in(Type::Ufs, "fsize\t512\nproviders providersize\t3\n"), Some(1536));
        assert_eq!(size_in(Type::Ext4, "nonsense"), None);
    }
}
