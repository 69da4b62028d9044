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
#[rule(one_of("name", "hwclock"))]
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
            && !host.exists(format!("/usr/share/zoneinfo/{name}"))
        {
            return Err(Fault::absent(format!("given timezone \"{name}\" is not available")));
        }
        let systemd = host.which("timedatectl").is_some() && host.exists("/run/systemd/system");
        let (zone, clock) = (zone(host)?, clock(host)?);
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut put = |key: &str, is: &str, wanted: &str| {
            before.push((key.to_owned(), Val::from(is)));
            after.push((key.to_owned(), Val::from(wanted)));
            is != wanted
        };
        if let Some(name) = self.name.as_ref().filter(|name| put("name", &zone, name)) {
            set_zone(name, systemd, host)?;
        }
        if let Some(wanted) = self.hwclock.filter(|wanted| put("hwclock", clock, wanted.word())) {
            set_clock(wanted, systemd, host)?;
        }
        let changed = before != after;
        if changed {
            host.diff(Diff { before: before.into(), after: after.into(), ..Diff::default() });
        }
        Ok(Outcome::ok().changed_if(changed))
    }
}

/// The zone that the host is in.
fn zone(host: &Probe) -> Result<String> {
    if let Ok(target) = host.readlink("/etc/localtime")
        && let Some((_, name)) = target.to_string_lossy().split_once("zoneinfo/")
    {
        return Ok(name.to_owned());
    }
    let text = host.read_if_there("/etc/timezone")?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}

/// What the hardware clock shows: the third line of `/etc/adjtime` says it.
fn clock(host: &Probe) -> Result<&'static str> {
    let text = host.read_if_there("/etc/adjtime")?.unwrap_or_default();
    let is_local = String::from_utf8_lossy(&text).lines().nth(2).is_some_and(|line| line.trim() == "LOCAL");
    Ok(if is_local { "local" } else { "UTC" })
}

fn set_zone(name: &str, systemd: bool, host: &mut Host) -> Result<()> {
    let target = format!("/usr/share/zoneinfo/{name}");
    if systemd && !host.rehearsing() {
        host.run(cmd("timedatectl").args(["set-timezone", name]))?;
    } else {
        // There is no moment without a time zone: the new link takes the old one's place.
        let new = format!("/etc/.localtime{}", crate::tempfile::unguessable());
        host.symlink(&target, &new)?;
        if let Err(fault) = host.rename(&new, "/etc/localtime") {
            host.remove(&new)?;
            return Err(fault);
        }
    }
    // Debian keeps the name in a file of its own.
    if host.exists("/etc/timezone") {
        host.write("/etc/timezone", format!("{name}\n"))?;
    }
    Ok(())
}

fn set_clock(clock: Clock, systemd: bool, host: &mut Host) -> Result<()> {
    if systemd && !host.rehearsing() {
        let local = if clock == Clock::Local { "1" } else { "0" };
        return host.run(cmd("timedatectl").args(["set-local-rtc", local])).map(drop);
    }
    let word = if clock == Clock::Local { "LOCAL" } else { "UTC" };
    let text = host.read_if_there("/etc/adjtime")?.unwrap_or_else(|| b"0.0 0 0.0\n0\nUTC\n".to_vec());
    let text = lossless::text(&text);
    let mut lines: Vec<&str> = text.lines().collect();
    lines.resize(3.max(lines.len()), "0");
    if let Some(line) = lines.get_mut(2) {
        *line = word;
    }
    host.write("/etc/adjtime", lossless::bytes(&(lines.join("\n") + "\n")))
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
    fn a_zone_that_is_not_there_is_named() {
        conform::<Timezone>("{ name: Mars/Dome }", world()).failed("\"Mars/Dome\" is not available");
    }
}
