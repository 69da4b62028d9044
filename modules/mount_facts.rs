//! Return mounted file systems as facts.
//!
//! They are read from files (`/proc/mounts`, `/etc/fstab` and their kin on other systems) or from what `mount` prints, and are
//! in `ansible_facts.mount_points`, by path; what several sources or lines say of one path is in `aggregate_mounts`.
//!
//! ```yaml
//! - mount_facts:
//! - mount_facts: { devices: '[!/]*', sources: [ dynamic ] }
//! - mount_facts: { fstypes: [ nfs, nfs4 ], timeout: 10, on_timeout: warn }
//! ```
mod table;

use std::path::Path;
use std::time::Duration;

use shevek_kit::prelude::*;
use shevek_kit::printed::python_repr;
use shevek_kit::{fault, glob};

use self::table::Place;
use crate::facts::uuids;

/// Arguments of `mount_facts`.
#[derive(Args)]
#[module(query)]
pub struct MountFacts {
    /// Patterns of devices; left out: all.
    devices: Vec<String>,
    /// Patterns of types of file systems; left out: all.
    fstypes: Vec<String>,
    /// Where to look: files, `mount` for that program, or `dynamic`, `static`, `all`.
    sources: Vec<String>,
    /// The program that lists mounts where no file does; null: none.
    #[arg(default = "mount")]
    mount_binary: Val,
    /// Seconds to wait for a file system or a program.
    timeout: Option<f64>,
    /// What happens when that is not enough.
    #[arg(default = "error")]
    on_timeout: Late,
    /// Whether `aggregate_mounts` is filled; left out: no, with a warning if that hides something.
    include_aggregate_mounts: Option<bool>,
}

/// What happens when something takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Late {
    /// The task fails.
    Error,
    /// There is a warning.
    Warn,
    /// Nothing.
    Ignore,
}

/// Files that tell what is mounted.
const DYNAMIC: [&str; 3] = ["/etc/mtab", "/proc/mounts", "/etc/mnttab"];

/// Files that tell what is to be mounted.
const STATIC: [&str; 3] = ["/etc/fstab", "/etc/vfstab", "/etc/filesystems"];

/// A mount with the source it is from.
struct Found {
    source: String,
    place: Place,
}

impl Query for MountFacts {
    fn ask(&self, host: &Probe) -> Result<Outcome> {
        if let Some(seconds) = self.timeout.filter(|seconds| *seconds <= 0.0) {
            fail!(
                "argument 'timeout' must be a positive number or null, not {}",
                python_repr(&Val::Float(seconds))
            );
        }
        if !matches!(self.mount_binary, Val::Null | Val::Str(_)) {
            fail!(
                "argument 'mount_binary' must be a string or null, not {}",
                python_repr(&self.mount_binary)
            );
        }
        let devices = Devices::new(host, self);
        let mut mounts: Vec<(String, String, Val)> = Vec::new();
        for Found { source, place } in self.found(host)? {
            let Place { path, line, mut fields } = place;
            let text = |key: &str, fields: &[(String, Val)]| {
                let value = fields.iter().find(|(known, _)| known == key);
                value.and_then(|(_, value)| value.as_str()).unwrap_or_default().to_owned()
            };
            let device = text("device", &fields);
            let by_uuid = device.strip_prefix("UUID=");
            let shown = match by_uuid {
                Some(uuid) => devices.of(uuid)?.unwrap_or_else(|| device.clone()),
                None => device.clone(),
            };
            let kind = text("fstype", &fields);
            let fits = |patterns: &[String], name: &str| {
                patterns.is_empty() || patterns.iter().any(|pattern| glob::fits(pattern, name))
            };
            if !fits(&self.devices, &shown) || !fits(&self.fstypes, &kind) {
                continue;
            }
            fields.extend(self.figures(host, &path, &kind)?);
            let uuid = match by_uuid {
                Some(uuid) => Some(uuid.to_owned()),
                None => devices.uuid_of(&device)?,
            };
            let context = vec![
                ("source".to_owned(), Val::from(source.as_str())),
                ("source_data".to_owned(), line.into()),
            ];
            fields.push(("ansible_context".to_owned(), Val::Map(context)));
            fields.push(("uuid".to_owned(), uuid.map_or(Val::Null, Val::from)));
            mounts.push((source, path, Val::Map(fields)));
        }
        self.warn_of_repeats(host, &mounts);
        let mut points: Vec<(String, Val)> = Vec::new();
        for (_, path, fields) in &mounts {
            if !points.iter().any(|(known, _)| known == path) {
                points.push((path.clone(), fields.clone()));
            }
        }
        let all = match self.include_aggregate_mounts {
            Some(true) => mounts.into_iter().map(|(_, _, fields)| fields).collect(),
            _ => Vec::new(),
        };
        let mut outcome = Outcome::ok();
        outcome.facts.push(("mount_points".to_owned(), Val::Map(points)));
        outcome.facts.push(("aggregate_mounts".to_owned(), Val::List(all)));
        Ok(outcome)
    }
}

impl MountFacts {
    fn patience(&self) -> Option<Duration> {
        self.timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    /// A result, unless it took too long and that is no failure.
    fn in_time<T>(&self, host: &Probe, done: Result<T>, message: String) -> Result<Option<T>> {
        match done {
            Err(Fault { kind: fault::Kind::Timeout, .. }) => match self.on_timeout {
                Late::Error => fail!("{message}"),
                Late::Warn => {
                    host.warn(message);
                    Ok(None)
                }
                Late::Ignore => Ok(None),
            },
            Err(other) => Err(other),
            Ok(value) => Ok(Some(value)),
        }
    }

    /// Runs a program that lists something, with the task's patience.
    fn listing(&self, host: &Probe, command: Command) -> Result<Option<Ran>> {
        let message = format!("Command '{}' timed out", command.line());
        let command = match self.patience() {
            Some(patience) => command.timeout(patience),
            None => command,
        };
        self.in_time(host, host.ask(command.any_rc()), message)
    }

    fn sources(&self) -> Result<Vec<&str>> {
        let mut sources = Vec::new();
        let default = self.sources.is_empty().then_some("all");
        for source in self.sources.iter().map(String::as_str).chain(default) {
            match source {
                "" => fail!("sources contains an empty string"),
                "all" => sources.extend(DYNAMIC.iter().chain(&STATIC)),
                "dynamic" => sources.extend(DYNAMIC),
                "static" => sources.extend(STATIC),
                other => sources.push(other),
            }
        }
        Ok(sources)
    }

    fn found(&self, host: &Probe) -> Result<Vec<Found>> {
        let sources = self.sources()?;
        let repeated = sources.iter().enumerate().any(|(at, s)| sources.iter().take(at).any(|t| t == s));
        if repeated {
            let shown = python_repr(&Val::from(sources.clone()));
            host.warn(format!(
                "mount_facts option 'sources' contains duplicate entries, repeat sources will be ignored: {shown}"
            ));
        }
        let mut ask_program = self.mount_binary.as_str().is_some_and(|program| !program.is_empty())
            && sources.iter().any(|source| DYNAMIC.contains(source));
        let mut seen = Vec::new();
        let mut all = Vec::new();
        for source in sources {
            let path = followed(host, Path::new(source), Links::Follow);
            if seen.contains(&path) {
                continue;
            }
            let places = match source {
                "mount" => {
                    seen.push(source.into());
                    self.printed(host)?
                }
                _ => {
                    seen.push(path);
                    let text = host.read_if_there(source).ok().flatten().unwrap_or_default();
                    table::of_file(&String::from_utf8_lossy(&text))
                }
            };
            if !places.is_empty() && (source == "mount" || DYNAMIC.contains(&source)) {
                ask_program = false;
            }
            all.extend(places.into_iter().map(|place| Found { source: source.to_owned(), place }));
        }
        if ask_program {
            let places = self.printed(host)?;
            all.extend(places.into_iter().map(|place| Found { source: "mount".to_owned(), place }));
        }
        Ok(all)
    }

    /// What the program for it prints.
    fn printed(&self, host: &Probe) -> Result<Vec<Place>> {
        let program = host.need(self.mount_binary.as_str().unwrap_or_default())?;
        let done = host.ask_mounts(&program, self.patience());
        let message = format!("Command '{}' timed out", program.display());
        let Some(ran) = self.in_time(host, done, message)? else { return Ok(Vec::new()) };
        if !ran.ok() {
            fail!(
                "Failed to execute {0}: Command '{0}' returned non-zero exit status {1}.",
                program.display(),
                ran.rc
            );
        }
        Ok(table::of_output(&ran.out()))
    }

    /// How full a file system is.
    fn figures(&self, host: &Probe, path: &str, kind: &str) -> Result<Vec<(String, Val)>> {
        let volume = match self.patience() {
            // What is planned there has no figures yet.
            None if !host.exists(path) => None,
            None => host.volume(path).ok().map(|volume| {
                let figures =
                    [volume.blocks, volume.blocks_available, volume.inodes, volume.inodes_available];
                (volume.block_size, volume.block_size, figures)
            }),
            // A file system that does not answer would hold us for good; a program can be left behind.
            Some(patience) => {
                let command = cmd("stat").args(["-f", "-c", "%s %S %b %a %c %d", path]).timeout(patience);
                let message = format!("Timed out getting mount size for mount {path} (type {kind})");
                let ran = self.in_time(host, host.ask(command.any_rc()), message)?;
                let numbers: Vec<u64> = ran
                    .filter(Ran::ok)
                    .map(|ran| ran.out().split_whitespace().filter_map(|n| n.parse().ok()).collect())
                    .unwrap_or_default();
                match numbers.as_slice() {
                    [size, unit, a, b, c, d] => Some((*size, *unit, [*a, *b, *c, *d])),
                    _ => None,
                }
            }
        };
        let Some((size, unit, [blocks, free, inodes, inodes_free])) = volume else { return Ok(Vec::new()) };
        let figures = [
            ("size_total", blocks * unit),
            ("size_available", free * unit),
            ("block_size", size),
            ("block_total", blocks),
            ("block_available", free),
            ("block_used", blocks.saturating_sub(free)),
            ("inode_total", inodes),
            ("inode_available", inodes_free),
            ("inode_used", inodes.saturating_sub(inodes_free)),
        ];
        Ok(figures.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect())
    }

    fn warn_of_repeats(&self, host: &Probe, mounts: &[(String, String, Val)]) {
        if self.include_aggregate_mounts.is_some() {
            return;
        }
        let mut by_source: Vec<(&str, Vec<&str>)> = Vec::new();
        for (source, path, _) in mounts {
            match by_source.iter_mut().find(|(known, _)| known == source) {
                Some((_, paths)) => paths.push(path),
                None => by_source.push((source, vec![path])),
            }
        }
        by_source.retain(|(_, paths)| {
            let once: std::collections::BTreeSet<_> = paths.iter().collect();
            once.len() < paths.len()
        });
        if by_source.is_empty() {
            return;
        }
        let shown: Vec<String> = by_source
            .into_iter()
            .map(|(source, paths)| format!("{source} ({})", python_repr(&Val::from(paths))))
            .collect();
        host.warn(format!(
            "mount_facts: ignoring repeat mounts in the following sources: {}. You can disable this warning by configuring the 'include_aggregate_mounts' option as True or False.",
            shown.join(", ")
        ));
    }
}

/// Devices and the UUIDs of what is on them.
struct Devices<'a> {
    host: &'a Probe,
    task: &'a MountFacts,
    known: Vec<(String, String)>,
    listed: std::cell::OnceCell<Vec<(String, String)>>,
}

impl<'a> Devices<'a> {
    fn new(host: &'a Probe, task: &'a MountFacts) -> Self {
        Devices { host, task, known: uuids(host), listed: std::cell::OnceCell::new() }
    }

    /// The device with this UUID.
    fn of(&self, uuid: &str) -> Result<Option<String>> {
        if self.host.which("blkid").is_none() {
            return Ok(None);
        }
        let ran = self.task.listing(self.host, cmd("blkid").args(["--uuid", uuid]))?;
        Ok(ran.filter(Ran::ok).map(|ran| ran.out().trim().to_owned()).filter(|device| !device.is_empty()))
    }

    /// What is on this device.
    fn uuid_of(&self, device: &str) -> Result<Option<String>> {
        let find = |pairs: &[(String, String)]| {
            pairs.iter().find(|(known, _)| known == device).map(|(_, uuid)| uuid.clone())
        };
        // Only a device can have one, and asking costs a program each time.
        if !self.host.exists(Path::new("/dev").join(device)) {
            return Ok(None);
        }
        if let Some(uuid) = find(&self.known) {
            return Ok(Some(uuid));
        }
        if self.listed.get().is_none() {
            let listed = self.list()?;
            let _ = self.listed.set(listed);
        }
        if let Some(uuid) = self.listed.get().and_then(|pairs| find(pairs)) {
            return Ok(Some(uuid));
        }
        if self.host.which("udevadm").is_none() {
            return Ok(None);
        }
        let command = cmd("udevadm").args(["info", "--query", "property", "--name", device]);
        let ran = self.task.listing(self.host, command)?.filter(Ran::ok).map(|ran| ran.out());
        Ok(ran
            .and_then(|out| out.lines().find_map(|line| line.strip_prefix("ID_FS_UUID=").map(str::to_owned))))
    }

    fn list(&self) -> Result<Vec<(String, String)>> {
        if self.host.which("lsblk").is_none() {
            return Ok(Vec::new());
        }
        let command = cmd("lsblk").args([
            "--list",
            "--noheadings",
            "--paths",
            "--output",
            "NAME,UUID",
            "--exclude",
            "2",
        ]);
        let out =
            self.task.listing(self.host, command)?.filter(Ran::ok).map(|ran| ran.out()).unwrap_or_default();
        let pair = |line: &str| {
            let mut words = line.split_whitespace().map(str::to_owned);
            let pair = (words.next()?, words.next()?);
            words.next().is_none().then_some(pair)
        };
        Ok(out.lines().filter_map(pair).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .file("/proc/mounts", "/dev/vda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\nproc /proc proc ro 0 0\n")
            .file("/etc/fstab", "# own\nUUID=ab-cd /srv\\040x xfs defaults 0 2\n/dev/vda1 / ext4 rw\n")
            .file("/dev/vda1", "")
            .folder("/dev/disk/by-uuid")
            .link("/dev/disk/by-uuid/12-34", "/dev/vda1")
            .program("blkid")
            .says("blkid --uuid ab-cd", "/dev/vdb1\n")
    }

    fn get<'a>(outcome: &'a Outcome, path: &str, key: &str) -> &'a Val {
        let points = outcome.facts.iter().find(|(k, _)| k == "mount_points").expect("points").1.as_map();
        let fields = &points.expect("a map").iter().find(|(k, _)| k == path).expect("the path").1;
        &fields.as_map().expect("a map").iter().find(|(k, _)| k == key).expect("the key").1
    }

    #[test]
    fn the_first_source_that_tells_of_a_path_counts() {
        let done = conform::<MountFacts>("{}", world());
        let outcome = done.outcome();
        assert_eq!(get(outcome, "/", "dump"), &Val::Int(0));
        assert_eq!(get(outcome, "/", "uuid"), &Val::from("12-34"));
        assert_eq!(get(outcome, "/", "block_total"), &Val::Int(1 << 20));
        assert_eq!(get(outcome, "/srv x", "device"), &Val::from("UUID=ab-cd"));
        assert_eq!(get(outcome, "/srv x", "uuid"), &Val::from("ab-cd"));
        assert_eq!(get(outcome, "/proc", "uuid"), &Val::Null);
        let warning = "mount_facts: ignoring repeat mounts in the following sources: /proc/mounts (['/', '/proc', '/proc'])";
        assert!(outcome.warnings.iter().any(|w| w.starts_with(warning)), "{:?}", outcome.warnings);
    }

    #[test]
    fn mounts_are_chosen_by_device_and_type() {
        let args = "{ devices: ['/dev/vdb*'], include_aggregate_mounts: yes }";
        let done = conform::<MountFacts>(args, world());
        let all = done.outcome().facts.iter().find(|(k, _)| k == "aggregate_mounts").expect("all");
        assert_eq!(all.1.as_list().map(<[Val]>::len), Some(1));
        let done = conform::<MountFacts>("{ fstypes: [proc], sources: [/proc/mounts] }", world());
        assert_eq!(get(done.outcome(), "/proc", "options"), &Val::from("rw"));
    }

    #[test]
    fn where_no_file_tells_the_program_does() {
        let printing =
            || World::new().program("mount").says("/usr/bin/mount", "/dev/sda on / type ext4 (rw,x)\n");
        let done = conform::<MountFacts>("{}", printing());
        assert_eq!(get(done.outcome(), "/", "options"), &Val::from("rw,x"));
        let done = conform::<MountFacts>("{ mount_binary: null }", printing());
        assert_eq!(
            done.outcome().facts.iter().find(|(k, _)| k == "mount_points").unwrap().1,
            Val::Map(vec![])
        );
        conform::<MountFacts>("{ sources: [''] }", printing()).failed("sources contains an empty string");
        conform::<MountFacts>("{ timeout: 0 }", printing())
            .failed("must be a positive number or null, not 0.0");
        conform::<MountFacts>("{ mount_binary: [1] }", printing())
            .failed("must be a string or null, not [1]");
    }
}
