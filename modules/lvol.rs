//! Manage LVM logical volumes.
//!
//! ```yaml
//! - community.general.lvol: { vg: data, lv: web, size: 512m }
//! - community.general.lvol: { vg: data, lv: web, size: 100%FREE, resizefs: true }
//! - community.general.lvol: { vg: data, lv: web, snapshot: before, size: 100m }
//! - community.general.lvol: { vg: data, lv: web, state: absent, force: true }
//! ```
use std::path::Path;

use shevek_kit::prelude::*;
use shevek_kit::printed::python_repr;
use shevek_kit::words;

/// Arguments of `lvol`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(one_of("lv", "thinpool"))]
pub struct Lvol {
    /// The volume group.
    vg: String,
    /// The volume.
    lv: Option<String>,
    /// Its size, in megabytes unless a unit follows, or as a share: `50%VG`, `100%FREE`. After `+` or `-`: by how much it changes.
    size: Option<String>,
    /// Further options of `lvcreate`.
    opts: Option<String>,
    /// Whether it is there.
    #[arg(default = "present")]
    state: Presence,
    /// Make it smaller, or remove it, which loses data.
    #[arg(default = false)]
    force: bool,
    /// Make it smaller where it is larger than it should be.
    #[arg(default = true)]
    shrink: bool,
    /// Whether it can be used.
    #[arg(default = true)]
    active: bool,
    /// A snapshot of the volume, to be made.
    snapshot: Option<String>,
    /// The devices to take the room from.
    pvs: Vec<String>,
    /// Let the file system on it have the new size, too.
    #[arg(default = false)]
    resizefs: bool,
    /// The pool that the volume takes its room from; without `lv`: the pool itself.
    thinpool: Option<String>,
}

/// A size as the task gives it.
#[derive(Debug, Clone, PartialEq)]
struct Size {
    /// `+` or `-`, where it is a change.
    sign: Option<char>,
    /// The number, or `50%VG`.
    number: String,
    /// The unit; none for a share.
    unit: String,
    /// The share and of what.
    share: Option<(f64, String)>,
}

/// A volume.
#[derive(Debug, Clone, PartialEq)]
struct Volume {
    name: String,
    size: f64,
    active: bool,
    is_pool: bool,
    is_thin: bool,
}

/// Sizes of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Group {
    size: f64,
    free: f64,
    extent: f64,
}

impl Procedure for Lvol {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let yes = asks_nothing(host)?;
        let size = self.size.as_deref().filter(|size| !size.is_empty());
        let size = size.map(|size| Size::read(size, self.snapshot.is_some())).transpose()?;
        let unit = size.as_ref().map_or("m", |size| size.unit.as_str());
        let unit = if unit.is_empty() { "m" } else { unit }.to_lowercase();
        let (group, volumes) = match self.look(host, &unit)? {
            Ok(found) => found,
            Err(outcome) => return Ok(outcome),
        };
        let name = self.subject(&volumes)?;
        let short = name.rsplit('/').next().unwrap_or_default();
        let there = volumes.iter().find(|volume| volume.name == name || volume.name == short).cloned();
        let Some(there) = self.as_planned(host, there, short) else {
            if self.state == Presence::Absent {
                return Ok(Outcome::ok().with("msg", ""));
            }
            self.create(host, (&volumes, short), size, yes)?;
            return Ok(Outcome::ok().changed_if(true).with("msg", ""));
        };
        if self.state == Presence::Absent {
            self.remove(host, &there)?;
            return Ok(Outcome::ok().changed_if(true));
        }
        let result = |outcome: Outcome| {
            let outcome = outcome.with("vg", self.vg.as_str()).with("lv", there.name.as_str());
            outcome.with("size", there.size)
        };
        let mut changed = false;
        if let Some(size) = size
            && let Some(tool) = self.tool(&size, &there, (&group, &unit))?
        {
            match self.resize(host, tool, &size, &there)? {
                Resized::Changed => changed = true,
                Resized::AsItWas(why) => {
                    let outcome = result(Outcome::ok());
                    return Ok(match why {
                        Some(err) => outcome
                            .with("msg", "Original size is larger than requested size")
                            .with("err", err),
                        None => outcome,
                    });
                }
            }
        }
        if there.active != self.active {
            let (option, words) = match self.active {
                true => ("-ay", "Failed to activate logical volume"),
                false => ("-an", "Failed to deactivate logical volume"),
            };
            let command = cmd("lvchange").arg(option).arg(self.path(&there.name)).does(Effect::Nothing);
            self.attempt(host, command, &format!("{words} {}", self.shown()))?;
            changed = true;
        }
        Ok(result(Outcome::ok().changed_if(changed)))
    }
}

/// The option with which newer versions ask nothing.
fn asks_nothing(host: &Probe) -> Result<Option<&'static str>> {
    host.need("lvm")?;
    let said = host.ask(cmd("lvm").arg("version").any_rc())?;
    let version = said.out().lines().find_map(|line| {
        let version = line.trim().strip_prefix("LVM version:")?.trim();
        let numbers = version.split(|c: char| !c.is_ascii_digit()).take(3).map(str::parse::<u32>);
        numbers.collect::<std::result::Result<Vec<_>, _>>().ok()
    });
    let Some(version) = version.filter(|_| said.ok()) else { fail!("Failed to get LVM version number") };
    Ok((version >= vec![2, 2, 99]).then_some("--yes"))
}

impl Size {
    fn read(text: &str, of_snapshot: bool) -> Result<Size> {
        let (sign, rest) = match text.strip_prefix(['+', '-']) {
            Some(rest) => (text.chars().next(), rest),
            None => (None, text),
        };
        if let Some((percent, whole)) = rest.split_once('%') {
            let Ok(percent) = percent.trim().parse::<i64>() else {
                fail!("Bad size specification of '{rest}'");
            };
            if percent > 100 {
                fail!("Size percentage cannot be larger than 100%");
            }
            if whole == "ORIGIN" && !of_snapshot {
                fail!("Percentage of ORIGIN supported only for snapshot volumes");
            }
            if !["VG", "PVS", "FREE", "ORIGIN"].contains(&whole) {
                fail!("Specify extents as a percentage of VG|PVS|FREE|ORIGIN");
            }
            let share = Some((percent as f64, whole.to_owned()));
            return Ok(Size { sign, number: rest.to_owned(), unit: String::new(), share });
        }
        let is_unit = |c: char| "bskmgtpe".contains(c.to_ascii_lowercase());
        let (number, unit) = match rest.char_indices().next_back() {
            Some((at, last)) if is_unit(last) => (rest.get(..at).unwrap_or_default(), last.to_string()),
            _ => (rest, "m".to_owned()),
        };
        if !number.starts_with(|c: char| c.is_ascii_digit()) || number.parse::<f64>().is_err() {
            fail!("Bad size specification of '{number}'");
        }
        Ok(Size { sign, number: number.to_owned(), unit, share: None })
    }

    /// As the tools take it, without its sign.
    fn plain(&self) -> String {
        format!("{}{}", self.number, self.unit)
    }

    fn option(&self) -> &'static str {
        if self.share.is_some() { "-l" } else { "-L" }
    }
}

/// What came of resizing.
enum Resized {
    Changed,
    /// It had the size, or (with LVM's words) a larger one.
    AsItWas(Option<String>),
}

/// The tool that changes a size: larger or smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    Extend,
    Reduce,
}

fn number(text: &str) -> f64 {
    text.trim().parse().unwrap_or(0.0)
}

impl Lvol {
    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.vg)
    }

    /// The volume's name in messages.
    fn shown(&self) -> &str {
        self.lv.as_deref().unwrap_or("None")
    }

    /// The group and its volumes; an outcome where the group is not there.
    #[allow(clippy::type_complexity, reason = "used once")]
    fn look(&self, host: &Probe, unit: &str) -> Result<std::result::Result<(Group, Vec<Volume>), Outcome>> {
        let planned = host.planned(Thing::Other, &format!("vg {}", self.vg));
        let ask = |program: &str, columns: &str| {
            let command =
                cmd(program).flag("-a", program == "lvs").args(["--noheadings", "--nosuffix", "-o", columns]);
            host.ask(command.args(["--units", unit, "--separator", ";", &self.vg]).any_rc())
        };
        let groups = ask("vgs", "vg_name,size,free,vg_extent_size")?;
        let volumes = if groups.ok() { ask("lvs", "lv_name,size,lv_attr")? } else { groups.clone() };
        if !volumes.ok() && planned.as_deref().is_some_and(|state| state != "absent") {
            // How much room it will have only the real run can tell; that its volumes are none is known.
            return Ok(Ok((Group { size: f64::MAX, free: f64::MAX, extent: 1.0 }, Vec::new())));
        }
        if !volumes.ok() || planned.as_deref() == Some("absent") {
            let words = format!("Volume group {} does not exist.", self.vg);
            return match self.state {
                Presence::Absent => Ok(Err(Outcome::ok().with("stdout", words))),
                Presence::Present => {
                    Err(Fault::absent(words).with("rc", volumes.rc).with("err", volumes.err()))
                }
            };
        }
        let out = groups.out();
        let mut parts = out.lines().next().unwrap_or_default().trim().split(';').skip(1).map(number);
        let mut next = || parts.next().unwrap_or_default();
        let group = Group { size: next(), free: next(), extent: next() };
        let volume = |line: &str| {
            let mut parts = line.trim().split(';');
            let name = parts.next()?.replace(['[', ']'], "");
            let size = number(parts.next()?);
            let attributes = parts.next()?;
            let is = |at: usize, mark: char| attributes.chars().nth(at) == Some(mark);
            Some(Volume { name, size, active: is(4, 'a'), is_pool: is(0, 't'), is_thin: is(0, 'V') })
        };
        Ok(Ok((group, volumes.out().lines().filter_map(volume).collect())))
    }

    /// What the task is about: the volume, its snapshot, or the pool.
    fn subject(&self, volumes: &[Volume]) -> Result<&str> {
        let named = |name: &Option<String>| {
            volumes.iter().find(|volume| name.as_ref().is_some_and(|name| *name == volume.name))
        };
        if let Some(snapshot) = &self.snapshot {
            let Some(origin) = volumes.iter().find(|volume| {
                Some(&volume.name) == self.lv.as_ref() || Some(&volume.name) == self.thinpool.as_ref()
            }) else {
                let words = format!(
                    "Snapshot origin LV {} does not exist in volume group {}.",
                    self.shown(),
                    self.vg
                );
                return Err(Fault::absent(words));
            };
            if origin.is_pool || self.thinpool.is_some() {
                fail!("Snapshots of thin pool LVs are not supported.");
            }
            return Ok(snapshot);
        }
        match (&self.lv, &self.thinpool) {
            (Some(_), Some(pool)) if named(&self.thinpool).is_none() => {
                let words = format!("Thin pool LV {pool} does not exist in volume group {}.", self.vg);
                Err(Fault::absent(words))
            }
            (Some(lv), _) => Ok(lv),
            (None, pool) => Ok(pool.as_deref().unwrap_or_default()),
        }
    }

    /// The volume as check mode's plan has it.
    fn as_planned(&self, host: &Probe, there: Option<Volume>, name: &str) -> Option<Volume> {
        match host.planned(Thing::Other, &self.thing(name)).as_deref() {
            Some("absent") => None,
            Some(_) if there.is_none() => Some(Volume {
                name: name.to_owned(),
                size: number(self.size.as_deref().unwrap_or_default().trim_end_matches(char::is_alphabetic)),
                active: true,
                is_pool: false,
                is_thin: false,
            }),
            _ => there,
        }
    }

    fn thing(&self, name: &str) -> String {
        format!("lv {}", self.path(name))
    }

    /// Runs a command whose failure has words of its own. LVM can tell beforehand whether it would work.
    fn attempt(&self, host: &mut Host, command: Command, words: &str) -> Result<Ran> {
        let failed = |ran: &Ran| Fault::new(words).with("rc", ran.rc).with("err", ran.err());
        let is_planned = host.planned(Thing::Other, &format!("vg {}", self.vg)).is_some();
        if host.rehearsing() && !is_planned && command.name() != "lvchange" {
            let mut test = command.clone().any_rc();
            test.args.insert(0, "--test".into());
            let ran = host.ask(test)?;
            return if ran.ok() { host.run(command.any_rc()) } else { Err(failed(&ran)) };
        }
        let ran = host.run(command.any_rc())?;
        if ran.ok() { Ok(ran) } else { Err(failed(&ran)) }
    }

    fn create(
        &self,
        host: &mut Host,
        (volumes, name): (&[Volume], &str),
        size: Option<Size>,
        yes: Option<&str>,
    ) -> Result<()> {
        if let Some(size) = size.as_ref().filter(|size| size.sign == Some('-')) {
            fail!("Bad size specification of '-{}' for creating LV", size.number);
        }
        let of_thin = volumes.iter().any(|volume| {
            Some(&volume.name) == self.lv.as_ref() && volume.is_thin && self.snapshot.is_some()
        });
        if size.is_none() && !of_thin {
            fail!("No size given.");
        }
        let options = words::split(self.opts.as_deref().unwrap_or_default())
            .map_err(|why| Fault::new(format!("opts: {why}")))?;
        let sized = |command: Command, option: Option<&str>| match &size {
            Some(size) => command.arg(option.unwrap_or(size.option())).arg(size.plain()),
            None => command,
        };
        let command = cmd("lvcreate").args(yes);
        let command = match (&self.snapshot, &self.thinpool, &self.lv) {
            (Some(snapshot), ..) => {
                sized(command, None).args(["-s", "-n", snapshot]).args(options).arg(self.path(self.shown()))
            }
            (None, Some(pool), Some(lv)) => {
                if size.as_ref().is_some_and(|size| size.share.is_some()) {
                    fail!("Thin volume sizing with percentage not supported.");
                }
                let command = sized(command.args(["-n", lv]), Some("-V"));
                command.args(options).arg("-T").arg(self.path(pool))
            }
            (None, Some(pool), None) => sized(command, None).args(options).arg("-T").arg(self.path(pool)),
            (None, None, lv) => {
                let command = sized(command.arg("-n").args(lv), None);
                command.args(options).arg(&self.vg).args(&self.pvs)
            }
        };
        let is = Effect::Set { thing: Thing::Other, name: self.thing(name), state: "present".to_owned() };
        // A later task makes a file system on it.
        let device = Path::new("/dev").join(self.path(name));
        let command = command.does(is).does(Effect::File { path: device, content: None });
        let command = if host.rehearsing() { folder_first(host, &self.vg, command) } else { command };
        self.attempt(host, command, &format!("Creating logical volume '{}' failed", self.shown()))?;
        Ok(())
    }

    fn remove(&self, host: &mut Host, there: &Volume) -> Result<()> {
        if !self.force {
            fail!("Sorry, no removal of logical volume {} without force=true.", there.name);
        }
        let is =
            Effect::Set { thing: Thing::Other, name: self.thing(&there.name), state: "absent".to_owned() };
        let command = cmd("lvremove").arg("--force").arg(self.path(&there.name)).does(is);
        self.attempt(host, command, &format!("Failed to remove logical volume {}", self.shown()))?;
        Ok(())
    }

    /// The tool that it takes to have this size; `None` where there is nothing to do.
    fn tool(&self, size: &Size, there: &Volume, (group, unit): (&Group, &str)) -> Result<Option<Tool>> {
        let float = |f: f64| python_repr(&Val::Float(f));
        let Some((percent, whole)) = &size.share else {
            let wanted = number(&size.number);
            if wanted > there.size || size.sign == Some('+') {
                return Ok(Some(Tool::Extend));
            }
            if (self.shrink && wanted < there.size) || size.sign == Some('-') {
                if wanted == 0.0 {
                    fail!("Sorry, no shrinking of {} to 0 permitted.", there.name);
                }
                if !self.force {
                    fail!("Sorry, no shrinking of {} without force=true.", there.name);
                }
                return Ok(Some(Tool::Reduce));
            }
            return Ok(None);
        };
        let of = if matches!(whole.as_str(), "VG" | "PVS") { group.size } else { group.free };
        let mut wanted = percent * of / 100.0;
        match size.sign {
            Some('+') => wanted += there.size,
            Some(_) => wanted = there.size - wanted,
            None => {}
        }
        wanted -= wanted % group.extent;
        if there.size < wanted {
            if group.free > 0.0 && group.free >= wanted - there.size {
                return Ok(Some(Tool::Extend));
            }
            fail!(
                "Logical Volume {} could not be extended. Not enough free space left ({}{unit} required / {}{unit} available)",
                there.name,
                float(wanted - there.size),
                float(group.free)
            );
        }
        if self.shrink && there.size > wanted + group.extent {
            if wanted < 1.0 {
                fail!("Sorry, no shrinking of {} to 0 permitted.", there.name);
            }
            if !self.force {
                fail!("Sorry, no shrinking of {} without force=true", there.name);
            }
            return Ok(Some(Tool::Reduce));
        }
        Ok(None)
    }

    fn resize(&self, host: &mut Host, tool: Tool, size: &Size, there: &Volume) -> Result<Resized> {
        let command = match tool {
            Tool::Extend => cmd("lvextend"),
            Tool::Reduce => cmd("lvreduce").arg("--force"),
        };
        let sign = size.sign.map(String::from).unwrap_or_default();
        let command = command.flag("--resizefs", self.resizefs).arg(size.option());
        let command =
            command.arg(format!("{sign}{}", size.plain())).arg(self.path(&there.name)).args(&self.pvs);
        let command = command.any_rc().does(Effect::Nothing);
        let ran = match host.rehearsing() {
            true => {
                let mut test = command.clone();
                test.args.insert(0, "--test".into());
                host.ask(test)?
            }
            false => host.run(command)?,
        };
        let says = |words: &str| ran.out().contains(words) || ran.err().contains(words);
        let too_large = ran.out().contains("Reached maximum COW size");
        if ran.ok() && !too_large {
            return Ok(Resized::Changed);
        }
        if !too_large && says("matches existing size") {
            return Ok(Resized::AsItWas(None));
        }
        if !too_large && says("not larger than existing size") {
            return Ok(Resized::AsItWas(Some(ran.err())));
        }
        let words = format!("Unable to resize {} to {}", self.shown(), size.plain());
        let fault = Fault::new(words).with("rc", ran.rc).with("err", ran.err());
        Err(if too_large { fault.with("out", ran.out()) } else { fault })
    }
}

/// The plan needs the folder that the volume's device is in.
fn folder_first(host: &Probe, group: &str, command: Command) -> Command {
    let folder = Path::new("/dev").join(group);
    if host.exists(&folder) {
        return command;
    }
    let mut command = command;
    command.effects.insert(0, Effect::Folder(folder));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(volumes: &str) -> World {
        let columns = "--noheadings --nosuffix -o";
        World::new()
            .program("lvm")
            .folder("/dev/vg")
            .says("lvm version", "  LVM version:     2.03.16(2) (2022-05-18)\n")
            .says(&format!("vgs {columns} vg_name,size,free,vg_extent_size*"), "  vg;1000.00;400.00;4.00\n")
            .says(&format!("lvs -a {columns} lv_name,size,lv_attr*"), volumes)
            .says("lvcreate --test*", "")
            .says("lvremove --test*", "")
            .says("lvextend --test*", "")
            .says("lvreduce --test*", "")
    }

    const WEB: &str = "  web;512.00;-wi-a-----\n";

    #[test]
    fn a_volume_is_made_in_each_way() {
        let ran = |args: &str, line: &str| {
            conform::<Lvol>(args, world(&format!("{WEB}  pool;100.00;twi-a-----\n"))).changed().ran([line]);
        };
        ran(
            "{ vg: vg, lv: new, size: 1g, opts: '-r 16', pvs: /dev/sda }",
            "lvcreate --yes -n new -L 1g -r 16 vg /dev/sda",
        );
        ran("{ vg: vg, lv: new, size: 50%FREE }", "lvcreate --yes -n new -l 50%FREE vg");
        ran("{ vg: vg, lv: web, snapshot: s, size: 100 }", "lvcreate --yes -L 100m -s -n s vg/web");
        ran("{ vg: vg, thinpool: p2, size: 1g }", "lvcreate --yes -L 1g -T vg/p2");
        ran("{ vg: vg, lv: thin, thinpool: pool, size: 9g }", "lvcreate --yes -n thin -V 9g -T vg/pool");
        conform::<Lvol>("{ vg: vg, lv: new }", world(WEB)).failed("No size given.");
        conform::<Lvol>("{ vg: vg, lv: new, size: -5 }", world(WEB)).failed("Bad size specification of '-5'");
        conform::<Lvol>("{ vg: vg, lv: new, size: x5 }", world(WEB)).failed("Bad size specification of 'x5'");
        conform::<Lvol>("{ vg: vg, lv: new, size: 150%VG }", world(WEB)).failed("larger than 100%");
        conform::<Lvol>("{ vg: vg, lv: a, thinpool: none, size: 1 }", world(WEB)).failed("Thin pool LV none");
    }

    #[test]
    fn a_volume_changes_its_size() {
        let done = conform::<Lvol>("{ vg: vg, lv: web, size: 512 }", world(WEB)).unchanged();
        done.gives("size", 512.0).gives("vg", "vg").gives("lv", "web");
        conform::<Lvol>("{ vg: vg, lv: web, size: 600m, resizefs: yes }", world(WEB))
            .ran(["lvextend --resizefs -L 600m vg/web"]);
        conform::<Lvol>("{ vg: vg, lv: web, size: +50%FREE }", world(WEB))
            .ran(["lvextend -l +50%FREE vg/web"]);
        conform::<Lvol>("{ vg: vg, lv: web, size: 400m }", world(WEB)).failed("without force=true.");
        conform::<Lvol>("{ vg: vg, lv: web, size: 400m, shrink: no }", world(WEB)).unchanged();
        conform::<Lvol>("{ vg: vg, lv: web, size: 400m, force: yes }", world(WEB))
            .ran(["lvreduce --force -L 400m vg/web"]);
        conform::<Lvol>("{ vg: vg, lv: web, size: 99%VG }", world(WEB))
            .failed("Not enough free space left (476.0m required / 400.0m available)");
        let same = Ran::failed(5, "New size matches existing size");
        let world = world(WEB).answers("lvextend*", same);
        conform::<Lvol>("{ vg: vg, lv: web, size: 513 }", world).unchanged().gives("lv", "web");
    }

    #[test]
    fn a_volume_is_activated_and_removed() {
        conform::<Lvol>("{ vg: vg, lv: web, active: no }", world(WEB)).ran(["lvchange -an vg/web"]);
        conform::<Lvol>("{ vg: vg, lv: web }", world("  web;1.00;-wi-------\n")).ran(["lvchange -ay vg/web"]);
        conform::<Lvol>("{ vg: vg, lv: web, state: absent }", world(WEB)).failed("without force=true.");
        conform::<Lvol>("{ vg: vg, lv: web, state: absent, force: yes }", world(WEB))
            .ran(["lvremove --force vg/web"]);
        conform::<Lvol>("{ vg: vg, lv: none, state: absent }", world(WEB)).unchanged();
        let gone = || world("").answers("vgs*", Ran::failed(5, "not found"));
        conform::<Lvol>("{ vg: x, lv: web, state: absent }", gone())
            .unchanged()
            .gives("stdout", "Volume group x does not exist.");
        conform::<Lvol>("{ vg: x, lv: web, size: 1 }", gone()).failed("Volume group x does not exist.");
    }
}
