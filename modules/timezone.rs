//! Set a host's time zone, and whether its hardware clock has local time.
//!
//! ```yaml
//! - community.general.timezone: { name: Asia/Tokyo }
//! ```
use shevek_kit::lossless;
use shevek_kit::prelude::*;

/// Arguments of `timezone`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(one_of("hwclock", "name"))]
pub struct Timezone {
    /// The zone (`Europe/Berlin`).
    name: Option<String>,
    /// What the hardware clock shows.
    #[arg(alias = "rtc")]
    hwclock: Option<Clock>,
}

/// What the hardware clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Clock {
    /// Local time.
    Local,
    /// UTC.
    #[choice("UTC")]
    Utc,
}

impl Procedure for Timezone {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        if let Some(name) = &self.name
            && !host.stat(format!("/usr/share/zoneinfo/{name}"))?.is_some_and(|stat| stat.is_file())
        {
            let why = format!("Error message:\ngiven timezone \"{name}\" is not available");
            return Err(Fault::absent(why));
        }
        let keeper = Keeper::of(host);
        let clock = clock(host)?;
        let (mut before, mut after, mut said) = (Vec::new(), Vec::new(), Vec::new());
        let mut put = |key: &str, is: &str, wanted: &str| {
            before.push((key.to_owned(), Val::from(is)));
            after.push((key.to_owned(), Val::from(wanted)));
            is != wanted
        };
        if let Some(wanted) = self.hwclock.filter(|wanted| put("hwclock", clock, wanted.word())) {
            said.extend(set_clock(wanted, keeper, host)?);
        }
        if let Some(name) = &self.name
            && put("name", &zone(name, keeper, host)?, name)
        {
            said.extend(set_zone(name, keeper, host)?);
        }
        let changed = before != after;
        if changed {
            host.diff(Diff { before: before.into(), after: after.into(), ..Diff::default() });
        }
        let outcome = Outcome::ok().changed_if(changed);
        Ok(if said.is_empty() || host.rehearsing() { outcome } else { outcome.with("msg", said.join("\n")) })
    }
}

/// Who keeps the zone of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeper {
    /// systemd, which only the link tells.
    Systemd,
    /// Debian without systemd, which has the name in a file too.
    Debian,
    /// The link alone.
    Link,
}

impl Keeper {
    fn of(host: &Probe) -> Self {
        if host.which("timedatectl").is_some() && host.exists("/run/systemd/system") {
            Keeper::Systemd
        } else if host.which("dpkg-reconfigure").is_some() {
            Keeper::Debian
        } else {
            Keeper::Link
        }
    }
}

/// The zone that the host is in; where two places say it, the one that is not yet the wanted one.
fn zone(wanted: &str, keeper: Keeper, host: &Probe) -> Result<String> {
    let link = host.readlink("/etc/localtime").ok();
    let link = link.and_then(|target| Some(target.to_string_lossy().split_once("zoneinfo/")?.1.to_owned()));
    let text = host.read_if_there("/etc/timezone")?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let named = || {
        let line = text.lines().find(|line| line.starts_with(|c: char| !c.is_whitespace()));
        line.and_then(|line| line.split_whitespace().next()).map(str::to_owned)
    };
    let unknown = || "n/a".to_owned();
    Ok(match (keeper, link) {
        (Keeper::Debian, link) => match named() {
            Some(name) if name != wanted => name,
            Some(name) => match link {
                Some(link) => link,
                None if same_file("/etc/localtime", &format!("/usr/share/zoneinfo/{name}"), host)? => name,
                None => unknown(),
            },
            None => unknown(),
        },
        (_, Some(link)) => link,
        (Keeper::Systemd, None) if host.lstat("/etc/localtime")?.is_none() => "UTC".to_owned(),
        (Keeper::Systemd, None) => unknown(),
        (Keeper::Link, None) => named().unwrap_or_else(unknown),
    })
}

fn same_file(one: &str, other: &str, host: &Probe) -> Result<bool> {
    Ok(match (host.read_if_there(one)?, host.read_if_there(other)?) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    })
}

/// What the hardware clock shows: the third line of `/etc/adjtime` says it.
fn clock(host: &Probe) -> Result<&'static str> {
    let text = host.read_if_there("/etc/adjtime")?.unwrap_or_default();
    let is_local = String::from_utf8_lossy(&text).lines().nth(2).is_some_and(|line| line.trim() == "LOCAL");
    Ok(if is_local { "local" } else { "UTC" })
}

/// Runs `timedatectl`, and says so as Ansible does.
fn tell(verb: &str, value: &str, host: &mut Host) -> Result<String> {
    let program = host.which("timedatectl").unwrap_or_else(|| "timedatectl".into());
    host.run(cmd("timedatectl").args([verb, value]))?;
    Ok(format!("executed `{} {verb} {value}`", program.display()))
}

/// Sets the zone; says what was done besides.
fn set_zone(name: &str, keeper: Keeper, host: &mut Host) -> Result<Option<String>> {
    if keeper == Keeper::Systemd && !host.rehearsing() {
        return tell("set-timezone", name, host).map(Some);
    }
    let said = match keeper {
        Keeper::Debian => Some(write_name(name, host)?),
        _ => None,
    };
    // There is no moment without a time zone: the new link takes the old one's place.
    let target = format!("/usr/share/zoneinfo/{name}");
    let new = format!("/etc/.localtime{}", crate::tempfile::unguessable());
    host.symlink(&target, &new)?;
    if let Err(fault) = host.rename(&new, "/etc/localtime") {
        host.remove(&new)?;
        return Err(fault);
    }
    if keeper == Keeper::Link && host.exists("/etc/timezone") {
        host.write("/etc/timezone", format!("{name}\n"))?;
    }
    if keeper == Keeper::Debian && !host.rehearsing() {
        host.run(cmd("dpkg-reconfigure").args(["--frontend", "noninteractive", "tzdata"]))?;
    }
    Ok(said)
}

/// Puts the name where the first line of Debian's file is that has one, in place of all such lines.
fn write_name(name: &str, host: &mut Host) -> Result<String> {
    let text = lossless::text(&host.read_if_there("/etc/timezone")?.unwrap_or_default());
    let is_name = |line: &&str| line.starts_with(|c: char| !c.is_whitespace());
    let (names, mut lines): (Vec<&str>, Vec<&str>) = text.lines().partition(is_name);
    let at = text.lines().position(|line| is_name(&line)).unwrap_or_default();
    lines.insert(at.min(lines.len()), name);
    host.write("/etc/timezone", lossless::bytes(&(lines.join("\n") + "\n")))?;
    Ok(format!("Added 1 line and deleted {} line(s) on /etc/timezone", names.len()))
}

fn set_clock(clock: Clock, keeper: Keeper, host: &mut Host) -> Result<Option<String>> {
    if keeper == Keeper::Systemd && !host.rehearsing() {
        let local = if clock == Clock::Local { "yes" } else { "no" };
        return tell("set-local-rtc", local, host).map(Some);
    }
    let word = if clock == Clock::Local { "LOCAL" } else { "UTC" };
    let text = host.read_if_there("/etc/adjtime")?.unwrap_or_else(|| b"0.0 0 0.0\n0\nUTC\n".to_vec());
    let text = lossless::text(&text);
    let mut lines: Vec<&str> = text.lines().collect();
    lines.resize(3.max(lines.len()), "0");
    if let Some(line) = lines.get_mut(2) {
        *line = word;
    }
    host.write("/etc/adjtime", lossless::bytes(&(lines.join("\n") + "\n")))?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .file("/usr/share/zoneinfo/Asia/Tokyo", "")
            .file("/usr/share/zoneinfo/Etc/UTC", "")
            .link("/etc/localtime", "/usr/share/zoneinfo/Etc/UTC")
            .file("/etc/timezone", "Etc/UTC\n")
    }

    #[test]
    fn the_zone_is_a_link() {
        let done = conform::<Timezone>("{ name: Asia/Tokyo }", world()).changed();
        let done = done.diff("~ name: Etc/UTC -> Asia/Tokyo").holds("/etc/timezone", "Asia/Tokyo\n");
        let link = done.probe().readlink("/etc/localtime").unwrap();
        assert_eq!(link.to_str(), Some("/usr/share/zoneinfo/Asia/Tokyo"));
        let done = done.then("{ name: Asia/Tokyo, hwclock: UTC }").unchanged();
        done.then("{ hwclock: local }").changed().holds("/etc/adjtime", "0.0 0 0.0\n0\nLOCAL\n");
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let world = world().file("/etc/adjtime", b"0.0 0 0.0\n0\nUTC\n\xfc\n".as_slice());
        let done = conform::<Timezone>("{ hwclock: local }", world).changed();
        assert_eq!(done.probe().read("/etc/adjtime").unwrap(), b"0.0 0 0.0\n0\nLOCAL\n\xfc\n");
    }

    #[test]
    fn debian_without_systemd_has_the_name_in_a_file_too() {
        let bare = || {
            World::new()
                .file("/usr/share/zoneinfo/Asia/Tokyo", "zone")
                .program("dpkg-reconfigure")
                .says("dpkg-reconfigure --frontend noninteractive tzdata", "")
        };
        let done = conform::<Timezone>("{ name: Asia/Tokyo }", bare()).changed();
        let done = done.diff("~ name: n/a -> Asia/Tokyo").holds("/etc/timezone", "Asia/Tokyo\n");
        done.ran(["dpkg-reconfigure --frontend noninteractive tzdata"]);
        // The file says one thing, the link another.
        let world = bare().file("/etc/timezone", "Asia/Tokyo\n");
        let linked = || {
            bare().file("/etc/timezone", "Asia/Tokyo\n").link("/etc/localtime", "/usr/share/zoneinfo/Etc/UTC")
        };
        conform::<Timezone>("{ name: Asia/Tokyo }", linked()).changed().diff("~ name: Etc/UTC -> Asia/Tokyo");
        conform::<Timezone>("{ name: Asia/Tokyo }", world.file("/etc/localtime", "zone")).unchanged();
    }

    #[test]
    fn a_zone_that_is_not_there_is_named() {
        conform::<Timezone>("{ name: Mars/Dome }", world()).failed("\"Mars/Dome\" is not available");
    }
}
