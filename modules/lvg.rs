//! Manage LVM volume groups.
//!
//! ```yaml
//! - community.general.lvg: { vg: data, pvs: [ /dev/sdb1, /dev/sdc5 ], pesize: '32' }
//! - community.general.lvg: { vg: data, state: absent, force: true }
//! ```
use shevek_kit::prelude::*;

/// Arguments of `lvg`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(when(reset_pv_uuid = "true", needs("pvs")))]
pub struct Lvg {
    /// The volume group.
    vg: String,
    /// Its devices; a new group needs them.
    pvs: Vec<String>,
    /// The size of its extents, in megabytes unless a unit follows.
    #[arg(default = "4")]
    pesize: String,
    /// Further options of `pvcreate`.
    #[arg(default = "")]
    pv_options: String,
    /// Let its devices have all the room that there is.
    #[arg(default = false)]
    pvresize: bool,
    /// Further options of `vgcreate`.
    #[arg(default = "")]
    vg_options: String,
    /// Whether it is there, and its volumes active.
    #[arg(default = "present")]
    state: State,
    /// Remove it with the volumes that it has.
    #[arg(default = false)]
    force: bool,
    /// Give it a new UUID.
    #[arg(default = false)]
    reset_vg_uuid: bool,
    /// Give its devices new UUIDs.
    #[arg(default = false)]
    reset_pv_uuid: bool,
    /// Take devices out that are not in `pvs`.
    #[arg(default = true)]
    remove_extra_pvs: bool,
}

/// Whether a group is there, and its volumes active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum State {
    /// It is not there.
    Absent,
    /// It is there.
    Present,
    /// It is there, and its volumes are active.
    Active,
    /// It is there, and its volumes are not active.
    Inactive,
}

/// The option that says whether a group is active after a start.
const AUTO: &str = "--setautoactivation";

impl Procedure for Lvg {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        host.need("vgs")?;
        let volumes = self.volumes(host)?;
        let is_wanted = self.state != State::Absent;
        if is_wanted && volumes.is_none() && self.pvs.is_empty() {
            fail!("No physical volumes given.");
        }
        let devices: Vec<String> = self.pvs.iter().map(|name| real(host, name)).collect();
        let changed = match volumes {
            None if !is_wanted => false,
            Some(count) if !is_wanted => self.remove(host, count)?,
            None => {
                self.members(host, &devices)?;
                self.create(host, &devices)?
            }
            Some(_) => {
                let members = self.members(host, &devices)?;
                self.change(host, &devices, &members)?
            }
        };
        Ok(Outcome::ok().changed_if(changed))
    }
}

/// The device behind a path: LVM knows no links.
fn real(host: &Probe, name: &str) -> String {
    followed(host, std::path::Path::new(name), Links::Follow).display().to_string()
}

/// Runs a command whose failure has words of its own.
fn attempt(host: &mut Host, command: Command, words: &str) -> Result<()> {
    let ran = host.run(command.any_rc())?;
    if !ran.ok() {
        return Err(Fault::new(words).with("rc", ran.rc).with("err", ran.err()));
    }
    Ok(())
}

impl Lvg {
    /// How many volumes the group has, if it is there.
    fn volumes(&self, host: &Probe) -> Result<Option<u64>> {
        let planned = host.planned(Thing::Other, &self.thing());
        if planned.as_deref() == Some("absent") {
            return Ok(None);
        }
        let columns = ["--noheadings", "-o", "vg_name,pv_count,lv_count", "--separator", ";"];
        let out = host.ask(cmd("vgs").args(columns))?.out();
        let count = out.lines().find_map(|line| {
            let mut parts = line.trim().split(';');
            (parts.next()? == self.vg).then(|| parts.nth(1).and_then(|n| n.parse().ok()).unwrap_or(0))
        });
        Ok(count.or_else(|| planned.map(|_| 0)))
    }

    /// The devices of the group. Fails where one that the task names is not there, or in another group.
    fn members(&self, host: &Probe, devices: &[String]) -> Result<Vec<String>> {
        if let Some(missing) = devices.iter().find(|device| !host.exists(device)) {
            return Err(Fault::absent(format!("Device {missing} not found.")));
        }
        let planned = host.planned(Thing::Other, &self.thing());
        if let Some(planned) = planned.filter(|planned| planned != "absent") {
            return Ok(planned.split(' ').map(str::to_owned).collect());
        }
        let mut command = cmd("pvs").args(["--noheadings", "-o", "pv_name,vg_name", "--separator", ";"]);
        if !devices.is_empty() {
            let names = devices.iter().chain(&self.pvs).map(|name| format!("pv_name = {name}"));
            let names = names.collect::<Vec<_>>().join(" || ");
            command = command.arg("--select").arg(format!("{names} || vg_name = {}", self.vg));
        }
        let ran = host.ask(command.any_rc())?;
        if !ran.ok() {
            return Err(Fault::new("Failed executing pvs command.")
                .with("rc", ran.rc)
                .with("err", ran.err()));
        }
        let mut members = Vec::new();
        for line in ran.out().lines() {
            let (device, group) = line.trim().split_once(';').unwrap_or((line.trim(), ""));
            let device = match device.strip_prefix("/dev/dm-") {
                Some(_) => mapper(host, device)?,
                None => device.to_owned(),
            };
            if group == self.vg {
                members.push(real(host, &device));
            } else if !group.is_empty() && devices.contains(&device) {
                fail!("Device {device} is already in {group} volume group.");
            }
        }
        Ok(members)
    }

    fn create(&self, host: &mut Host, devices: &[String]) -> Result<bool> {
        let mut options: Vec<&str> = self.vg_options.split_whitespace().collect();
        let active = match self.state {
            State::Active => Some("y"),
            State::Inactive => Some("n"),
            State::Present | State::Absent => None,
        };
        if let Some(active) = active
            && self.knows_auto(host, "vgcreate")?
            && !options.contains(&AUTO)
        {
            options.extend([AUTO, active]);
        }
        self.prepare(host, devices)?;
        let command = cmd("vgcreate").args(options).args(["-s", &self.pesize, &self.vg]).args(devices);
        let command = command.does(self.is(&devices.join(" ")));
        attempt(host, command, &format!("Creating volume group '{}' failed", self.vg))?;
        Ok(true)
    }

    /// Makes devices fit for a group.
    fn prepare(&self, host: &mut Host, devices: &[String]) -> Result<()> {
        for device in devices {
            let command = cmd("pvcreate").args(self.pv_options.split_whitespace()).args(["-f", device]);
            let words = format!("Creating physical volume '{device}' failed");
            attempt(host, command.does(Effect::Nothing), &words)?;
        }
        Ok(())
    }

    fn remove(&self, host: &mut Host, volumes: u64) -> Result<bool> {
        if volumes > 0 && !self.force {
            fail!("Refuse to remove non-empty volume group {} without force=true", self.vg);
        }
        let command = cmd("vgremove").args(["--force", &self.vg]).does(self.is("absent"));
        attempt(host, command, &format!("Failed to remove volume group {}", self.vg))?;
        Ok(true)
    }

    fn change(&self, host: &mut Host, devices: &[String], members: &[String]) -> Result<bool> {
        let mut changed = match self.state {
            State::Active => self.activate(host, true)?,
            State::Inactive => self.activate(host, false)?,
            State::Present | State::Absent => false,
        };
        if self.reset_vg_uuid {
            host.run(cmd("vgchange").args(["-u", &self.vg]).does(Effect::Nothing))?;
            changed = true;
        }
        if devices.is_empty() {
            return Ok(changed);
        }
        for device in members {
            if self.pvresize {
                changed |= grow(host, device)?;
            }
            if self.reset_pv_uuid {
                rename(host, device)?;
                changed = true;
            }
        }
        let new: Vec<String> = devices.iter().filter(|device| !members.contains(device)).cloned().collect();
        let extra: Vec<&String> = match self.remove_extra_pvs {
            true => members.iter().filter(|device| !devices.contains(device)).collect(),
            false => Vec::new(),
        };
        let effect = self.is(&devices.join(" "));
        if !new.is_empty() {
            self.prepare(host, &new)?;
            let command = cmd("vgextend").arg(&self.vg).args(&new).does(effect.clone());
            attempt(host, command, &format!("Unable to extend {} by {}.", self.vg, new.join(" ")))?;
        }
        if !extra.is_empty() {
            let shown = extra.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ");
            let command = cmd("vgreduce").args(["--force", &self.vg]).args(&extra).does(effect);
            attempt(host, command, &format!("Unable to reduce {} by {shown}.", self.vg))?;
        }
        Ok(changed || !new.is_empty() || !extra.is_empty())
    }

    /// Makes the volumes active, or not, now and after a start.
    fn activate(&self, host: &mut Host, active: bool) -> Result<bool> {
        let knows_auto = self.knows_auto(host, "vgchange")?;
        let columns = if knows_auto { "lv_attr,autoactivation" } else { "lv_attr" };
        let command = cmd("vgs").args(["--noheadings", "-o", columns, "--separator", ";", &self.vg]);
        let out = host.ask(command)?.out();
        let (mut wrong, mut auto) = (false, false);
        for line in out.lines() {
            let (attributes, automatic) = line.trim().split_once(';').unwrap_or((line.trim(), ""));
            wrong |= attributes.chars().nth(4).is_some_and(|mark| (mark == 'a') != active);
            auto |= automatic == "enabled";
        }
        let word = if active { "y" } else { "n" };
        // To say again what is said already is an error.
        let wrong_auto = knows_auto && auto != active;
        if wrong_auto {
            host.run(cmd("vgchange").args([AUTO, word, &self.vg]).does(Effect::Nothing))?;
        }
        if wrong {
            host.run(cmd("vgchange").args(["--activate", word, &self.vg]).does(Effect::Nothing))?;
        }
        Ok(wrong || wrong_auto)
    }

    fn knows_auto(&self, host: &Probe, program: &str) -> Result<bool> {
        Ok(host.ask(cmd(program).arg("--help"))?.out().contains(AUTO))
    }

    fn thing(&self) -> String {
        format!("vg {}", self.vg)
    }

    fn is(&self, state: &str) -> Effect {
        Effect::Set { thing: Thing::Other, name: self.thing(), state: state.to_owned() }
    }
}

/// The name that a device of the mapper goes by.
fn mapper(host: &Probe, device: &str) -> Result<String> {
    let ran = host.ask(cmd("dmsetup").args(["info", "-C", "--noheadings", "-o", "name", device]).any_rc())?;
    if !ran.ok() {
        return Err(Fault::new("Failed executing dmsetup command.")
            .with("rc", ran.rc)
            .with("err", ran.err()));
    }
    Ok(format!("/dev/mapper/{}", ran.out().trim_end()))
}

/// Size of the device, size and start of what LVM has of it, size of an extent.
fn sizes(host: &Probe, device: &str) -> Result<[u64; 4]> {
    let options = ["--units", "b", "--columns", "--noheadings", "--nosuffix", "--separator", ";", "-o"];
    let command = cmd("pvdisplay").arg(device).args(options).arg("dev_size,pv_size,pe_start,vg_extent_size");
    let out = host.ask(command)?.out();
    let numbers: Vec<u64> = out.trim().split(';').filter_map(|n| n.parse().ok()).collect();
    <[u64; 4]>::try_from(numbers)
        .map_err(|_| Fault::new(format!("pvdisplay said of {device}: {}", out.trim())))
}

/// Lets a device have all its room.
fn grow(host: &mut Host, device: &str) -> Result<bool> {
    let [whole, used, start, extent] = sizes(host, device)?;
    if whole.saturating_sub(start + used) <= extent {
        return Ok(false);
    }
    let ran = host.run(cmd("pvresize").arg(device).any_rc().does(Effect::Nothing))?;
    // With a device missing elsewhere the exit code says nothing.
    if !host.rehearsing() && sizes(host, device)?[1] == used {
        return Err(Fault::new("Failed executing pvresize command.")
            .with("rc", ran.rc)
            .with("err", ran.err())
            .with("out", ran.out()));
    }
    Ok(true)
}

/// Gives a device a new UUID.
fn rename(host: &mut Host, device: &str) -> Result<()> {
    let ask = || cmd("pvs").args(["--noheadings", "-o", "uuid", device]);
    let before = host.ask(ask())?.out();
    let ran = host.run(cmd("pvchange").args(["-u", device]).any_rc().does(Effect::Nothing))?;
    if !host.rehearsing() && host.ask(ask())?.out().trim() == before.trim() {
        return Err(Fault::new(format!("PV ({device}) UUID change failed"))
            .with("rc", ran.rc)
            .with("err", ran.err())
            .with("out", ran.out()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .program("vgs")
            .file("/dev/sdb", "")
            .file("/dev/sdc", "")
            .link("/dev/disk", "/dev/sdb")
            .says("vgs --noheadings -o vg_name,pv_count,lv_count --separator ';'", "  old;1;2\n")
            .says("pvs --noheadings*", "  /dev/sdb;old\n")
    }

    #[test]
    fn a_group_is_made_of_devices() {
        let free = || world().says("pvs --noheadings*", "");
        conform::<Lvg>("{ vg: data, pvs: [/dev/disk, /dev/sdc], pesize: 8M }", free())
            .changed()
            .ran(["pvcreate -f /dev/sdb", "pvcreate -f /dev/sdc", "vgcreate -s 8M data /dev/sdb /dev/sdc"])
            .then("{ vg: data, pvs: [/dev/disk, /dev/sdc] }")
            .unchanged();
        let auto = free().says("vgcreate --help", "... --setautoactivation y|n");
        conform::<Lvg>("{ vg: data, pvs: /dev/sdc, state: inactive, vg_options: -An }", auto)
            .ran(["pvcreate -f /dev/sdc", "vgcreate -An --setautoactivation n -s 4 data /dev/sdc"]);
        conform::<Lvg>("{ vg: data }", world()).failed("No physical volumes given.");
        conform::<Lvg>("{ vg: data, pvs: /dev/sdx }", world()).failed("Device /dev/sdx not found.");
        conform::<Lvg>("{ vg: data, pvs: /dev/sdb }", world())
            .failed("Device /dev/sdb is already in old volume group.");
    }

    #[test]
    fn devices_come_and_go() {
        conform::<Lvg>("{ vg: old, pvs: /dev/sdb }", world()).unchanged().ran([]);
        conform::<Lvg>("{ vg: old, pvs: /dev/sdc }", world()).changed().ran([
            "pvcreate -f /dev/sdc",
            "vgextend old /dev/sdc",
            "vgreduce --force old /dev/sdb",
        ]);
        conform::<Lvg>("{ vg: old, pvs: /dev/sdc, remove_extra_pvs: no }", world())
            .ran(["pvcreate -f /dev/sdc", "vgextend old /dev/sdc"]);
    }

    #[test]
    fn a_group_with_volumes_is_not_removed_by_accident() {
        conform::<Lvg>("{ vg: old, state: absent }", world()).failed("without force=true");
        conform::<Lvg>("{ vg: old, state: absent, force: yes }", world()).ran(["vgremove --force old"]);
        conform::<Lvg>("{ vg: none, state: absent }", world()).unchanged();
    }

    #[test]
    fn volumes_are_made_active() {
        let of = |says: &str| {
            world()
                .says("vgchange --help", "--setautoactivation")
                .says("vgs --noheadings -o lv_attr,autoactivation --separator ';' old", says)
        };
        let args = "{ vg: old, state: active }";
        conform::<Lvg>(args, of("  -wi-a-----;enabled\n")).unchanged();
        conform::<Lvg>(args, of("  -wi-a-----;\n  -wi-------;\n"))
            .ran(["vgchange --setautoactivation y old", "vgchange --activate y old"]);
        conform::<Lvg>("{ vg: old, state: inactive }", of("  -wi-a-----;enabled\n"))
            .ran(["vgchange --setautoactivation n old", "vgchange --activate n old"]);
    }

    #[test]
    fn a_device_that_is_used_in_full_stays() {
        let of = |says: &str| world().says("pvdisplay /dev/sdb*", says);
        let args = "{ vg: old, pvs: /dev/sdb, pvresize: yes }";
        conform::<Lvg>(args, of("  1000;900;10;100\n")).unchanged();
    }
}
