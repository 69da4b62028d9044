//! Make, change and remove partitions.
//!
//! ```yaml
//! - community.general.parted: { device: /dev/sdb, number: 1, state: present, part_end: 1GiB }
//! - community.general.parted: { device: /dev/sdb, number: 2, state: present, part_start: 1GiB, flags: [ lvm ] }
//! - community.general.parted: { device: /dev/sdb, number: 2, state: present, part_end: '100%', resize: true }
//! - community.general.parted: { device: /dev/sdb, label: gpt, name: data, number: 1, state: present, fs_type: ext4 }
//! - community.general.parted: { device: /dev/sdb, unit: MiB }
//! - community.general.parted: { device: /dev/sdb, number: 1, state: absent }
//! ```
use std::path::PathBuf;

use shevek_kit::prelude::*;

/// Arguments of `parted`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(when(state = "present", needs("number")))]
#[rule(when(state = "absent", needs("number")))]
pub struct Parted {
    /// The disk, or a file that is one.
    device: String,
    /// How new partitions are aligned; `undefined` leaves that to parted.
    #[arg(default = "optimal")]
    align: Align,
    /// The partition's number.
    number: Option<i64>,
    /// The unit of what is read, and of places without one.
    #[arg(default = "KiB")]
    unit: Unit,
    /// The sort of partition table; another one is replaced, with all that the disk has.
    #[arg(default = "msdos")]
    label: Label,
    /// The sort of partition, for `msdos` and `dvh`.
    #[arg(default = "primary")]
    part_type: PartType,
    /// Where it starts: a number and a unit, from the end of the disk if it is negative.
    #[arg(default = "0%")]
    part_start: String,
    /// Where it ends.
    #[arg(default = "100%")]
    part_end: String,
    /// Its name, where the partition table has names.
    name: Option<String>,
    /// Its flags: these and no others.
    flags: Vec<String>,
    /// Whether it is there; `info` only reads.
    #[arg(default = "info")]
    state: State,
    /// The file system that a new partition is said to have.
    fs_type: Option<String>,
    /// Let a partition that is there end where the task says.
    #[arg(default = false)]
    resize: bool,
}

/// How new partitions are aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "parted's words")]
pub enum Align {
    Cylinder,
    Minimal,
    None,
    Optimal,
    Undefined,
}

/// A unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "parted's words")]
pub enum Unit {
    #[choice("s")]
    Sector,
    #[choice("B")]
    Byte,
    #[choice("KB")]
    Kb,
    #[choice("KiB")]
    Kib,
    #[choice("MB")]
    Mb,
    #[choice("MiB")]
    Mib,
    #[choice("GB")]
    Gb,
    #[choice("GiB")]
    Gib,
    #[choice("TB")]
    Tb,
    #[choice("TiB")]
    Tib,
    #[choice("%")]
    Percent,
    #[choice("cyl")]
    Cylinder,
    #[choice("chs")]
    Chs,
    #[choice("compact")]
    Compact,
}

/// A sort of partition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "parted's words")]
pub enum Label {
    Aix,
    Amiga,
    Bsd,
    Dvh,
    Gpt,
    Loop,
    Mac,
    Msdos,
    Pc98,
    Sun,
}

/// A sort of partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "parted's words")]
pub enum PartType {
    Extended,
    Logical,
    Primary,
}

/// Whether a partition is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum State {
    /// It is not.
    Absent,
    /// It is.
    Present,
    /// The disk is only looked at.
    Info,
}

const UNITS: [&str; 14] =
    ["B", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "s", "%", "cyl", "chs", "compact"];

/// A place or a size, as parted writes them.
#[derive(Clone, PartialEq)]
enum Size {
    /// A number.
    Plain(f64),
    /// Cylinder, head, sector.
    Chs([i64; 3]),
}

impl Size {
    fn val(&self) -> Val {
        match self {
            Size::Plain(number) => Val::Float(*number),
            Size::Chs([cylinder, head, sector]) => map([
                ("cylinder", Val::Int(*cylinder)),
                ("head", Val::Int(*head)),
                ("sector", Val::Int(*sector)),
            ]),
        }
    }

    fn plain(&self) -> f64 {
        match self {
            Size::Plain(number) => *number,
            Size::Chs(_) => f64::NAN,
        }
    }
}

fn map<const N: usize>(entries: [(&str, Val); N]) -> Val {
    Val::Map(entries.map(|(key, value)| (key.to_owned(), value)).into())
}

/// Reads a size; the unit is `or` where none is written.
fn size(text: &str, or: &str) -> Result<(Size, String)> {
    let wrong = || Fault::new(format!("Error interpreting parted size output: '{text}'"));
    let parts: Vec<&str> = text.split(',').collect();
    if let [_, _, _] = parts.as_slice() {
        let numbers: Result<Vec<i64>> = parts.iter().map(|part| part.parse().map_err(|_| wrong())).collect();
        let numbers = <[i64; 3]>::try_from(numbers?).map_err(|_| wrong())?;
        return Ok((Size::Chs(numbers), "chs".to_owned()));
    }
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let digits = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, unit) = text.split_at(text.len() - unsigned.len() + digits);
    let unit = unit.trim_start_matches(' ');
    if !unit.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '%') {
        return Err(wrong());
    }
    let number = number.parse().map_err(|_| wrong())?;
    Ok((Size::Plain(number), if unit.is_empty() { or } else { unit }.to_owned()))
}

/// A number in a unit as bytes; other units count as they are, as with Ansible.
fn bytes(number: f64, unit: &str) -> f64 {
    let at =
        |units: &[&str]| units.iter().position(|known| *known == unit).and_then(|at| i32::try_from(at).ok());
    let (si, iec) = (at(&["B", "KB", "MB", "GB", "TB"]), at(&["B", "KiB", "MiB", "GiB", "TiB"]));
    let factor = match (si, iec) {
        (Some(power), _) => 1000f64.powi(power),
        (None, Some(power)) => 1024f64.powi(power),
        (None, None) if matches!(unit, "" | "compact" | "cyl" | "chs") => 1_000_000.0,
        (None, None) => 1.0,
    };
    (number * factor).trunc()
}

/// A line of parted's list, split where its colons are its own.
// Differs from Ansible: a name or model with a colon in it is read as it is.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = line.trim_end_matches(';').chars();
    while let Some(c) = chars.next() {
        match (c, fields.last_mut()) {
            (':', _) => fields.push(String::new()),
            ('\\', Some(field)) => field.extend(chars.next()),
            (c, Some(field)) => field.push(c),
            (_, None) => {}
        }
    }
    fields
}

/// A disk as parted lists it.
struct Disk {
    table: String,
    size: Size,
    shown: Val,
    partitions: Vec<Partition>,
}

struct Partition {
    number: i64,
    end: Size,
    name: String,
    flags: Vec<String>,
    shown: Val,
}

impl Disk {
    /// Reads what `parted -m` prints.
    fn read(out: &str, unit: &str) -> Result<Disk> {
        let odd = |line: &str| Fault::new(format!("parted printed a line that is not understood: {line}"));
        let number = |text: &str, line: &str| text.parse::<i64>().map_err(|_| odd(line));
        let mut lines = out.lines().filter(|line| !line.trim().is_empty()).skip(1);
        let line = lines.next().unwrap_or_default();
        let [device, whole, _, logical, physical, table, model, ..] = &*fields(line) else {
            return Err(odd(line));
        };
        let (whole, unit) = size(whole, unit)?;
        let shown_unit = Val::from(unit.to_lowercase());
        let mut shown = vec![
            ("dev", Val::from(device.as_str())),
            ("size", whole.val()),
            ("unit", shown_unit.clone()),
            ("table", table.as_str().into()),
            ("model", model.as_str().into()),
            ("logical_block", number(logical, line)?.into()),
            ("physical_block", number(physical, line)?.into()),
        ];
        if matches!(unit.as_str(), "cyl" | "chs") {
            let line = lines.next().unwrap_or_default();
            let [cylinders, heads, sectors, each, ..] = &*fields(line) else { return Err(odd(line)) };
            let (each, each_unit) = size(each, "")?;
            let geometry = map([
                ("cylinders", number(cylinders, line)?.into()),
                ("heads", number(heads, line)?.into()),
                ("sectors", number(sectors, line)?.into()),
                ("cyl_size", each.val()),
                ("cyl_size_unit", each_unit.to_lowercase().into()),
            ]);
            shown.push(("chs_info", geometry));
        }
        let mut partitions = Vec::new();
        for line in lines {
            let fields = fields(line);
            let [num, begin, end, rest @ ..] = fields.as_slice() else { return Err(odd(line)) };
            let (extent, rest) = match rest {
                rest if unit == "chs" => (Val::from(""), rest),
                [extent, rest @ ..] => (size(extent, "")?.0.val(), rest),
                [] => return Err(odd(line)),
            };
            let [fstype, name, flags, ..] = rest else { return Err(odd(line)) };
            let flags: Vec<String> = flags
                .split(", ")
                .filter(|flag| !flag.is_empty())
                .map(|flag| flag.trim().to_owned())
                .collect();
            let num = number(num, line)?;
            let end = size(end, "")?.0;
            let shown = map([
                ("num", num.into()),
                ("begin", size(begin, "")?.0.val()),
                ("end", end.val()),
                ("size", extent),
                ("fstype", fstype.as_str().into()),
                ("name", name.as_str().into()),
                ("flags", flags.clone().into()),
                ("unit", shown_unit.clone()),
            ]);
            partitions.push(Partition { number: num, end, name: name.clone(), flags, shown });
        }
        let shown = shown.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Ok(Disk { table: table.clone(), size: whole, shown: Val::Map(shown), partitions })
    }
}

impl Procedure for Parted {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        refuse_options([self.device.as_str()])?;
        let tool = Tool::of(self, host)?;
        if self.number.is_some_and(|number| number < 1) {
            fail!("The partition number must be greater then 0.");
        }
        for (option, text) in [("part_start", &self.part_start), ("part_end", &self.part_end)] {
            let (place, unit) = size(text, "")?;
            if !UNITS.contains(&unit.as_str()) {
                let words = format!(
                    "The argument '{option}' doesn't respect required format.The size unit is case sensitive."
                );
                return Err(Fault::new(words).with("err", vec![place.val(), unit.into()]));
            }
        }
        host.as_on_host(&self.device)?;
        let disk = tool.disk(host)?;
        let number = self.number.unwrap_or_default();
        let is_there = disk.partitions.iter().any(|part| part.number == number);
        let mut script = Vec::new();
        match self.state {
            State::Info => script = self.in_unit(["print"]),
            // Differs from Ansible: in check mode a partition that is not there would not be removed.
            State::Absent if is_there => {
                script = vec!["rm".to_owned(), number.to_string()];
                tool.run(host, &script)?;
            }
            State::Absent => {}
            State::Present => {
                script = self.shape(&disk, number);
                if !script.is_empty() {
                    tool.run(host, &script)?;
                }
                let marks = match (host.rehearsing(), script.is_empty()) {
                    // Nothing is known of what is only planned.
                    (true, false) => self.marks(None, number),
                    _ => {
                        let disk = if script.is_empty() { disk } else { tool.disk(host)? };
                        let part = disk.partitions.iter().find(|part| part.number == number);
                        part.map(|part| self.marks(Some(part), number)).unwrap_or_default()
                    }
                };
                if !marks.is_empty() {
                    tool.run(host, &marks)?;
                }
                script.extend(marks);
            }
        }
        let end = tool.disk(host)?;
        let changed = self.state != State::Info && !script.is_empty();
        Ok(Outcome::ok()
            .changed_if(changed)
            .with("disk", end.shown)
            .with("partitions", end.partitions.into_iter().map(|part| part.shown).collect::<Vec<_>>())
            .with("script", script))
    }
}

impl Parted {
    fn in_unit<const N: usize>(&self, words: [&str; N]) -> Vec<String> {
        ["unit", self.unit.word()].into_iter().chain(words).map(str::to_owned).collect()
    }

    /// What gives the disk its table and the partition its place.
    fn shape(&self, disk: &Disk, number: i64) -> Vec<String> {
        let there = disk.partitions.iter().find(|part| part.number == number);
        let mut script = Vec::new();
        let relabels = disk.table != self.label.word();
        if relabels {
            script.extend(self.in_unit(["mklabel", self.label.word()]));
        }
        if relabels || there.is_none() {
            if !relabels {
                script.extend(self.in_unit([]));
            }
            script.extend(["mkpart", self.part_type.word()].map(str::to_owned));
            script.extend(self.fs_type.clone());
            script.extend([self.part_start.clone(), self.part_end.clone()]);
        }
        if let Some(part) = there.filter(|_| self.resize) {
            let unit = self.unit.word();
            let now = bytes(part.end.plain(), unit);
            let wanted = match size(&self.part_end, unit) {
                Ok((share, of)) if of == "%" => {
                    bytes((disk.size.plain().trunc() * share.plain() / 100.0).trunc(), unit)
                }
                Ok((place, of)) => bytes(place.plain(), &of),
                Err(_) => now,
            };
            // Not a number, as with `chs`, is not equal either.
            if now != wanted {
                script.extend(["resizepart".to_owned(), number.to_string(), self.part_end.clone()]);
            }
        }
        script
    }

    /// What gives the partition its name and flags.
    fn marks(&self, part: Option<&Partition>, number: i64) -> Vec<String> {
        let mut script = Vec::new();
        if let Some(name) = &self.name
            && part.is_none_or(|part| part.name != *name)
        {
            // parted takes the quotes off again.
            script.extend(["name".to_owned(), number.to_string(), format!("\"{name}\"")]);
        }
        if !self.flags.is_empty() {
            let mut wanted = self.flags.clone();
            // For parted the one comes with the other.
            if wanted.iter().any(|flag| flag == "esp") && !wanted.iter().any(|flag| flag == "boot") {
                wanted.push("boot".to_owned());
            }
            let has = part.map(|part| part.flags.as_slice()).unwrap_or_default();
            let on = wanted.iter().filter(|flag| !has.contains(flag)).map(|flag| (flag, "on"));
            let off = has.iter().filter(|flag| !wanted.contains(flag)).map(|flag| (flag, "off"));
            for (flag, how) in on.chain(off) {
                script.extend(["set".to_owned(), number.to_string(), flag.clone(), how.to_owned()]);
            }
        }
        if !script.is_empty() {
            script.splice(..0, self.in_unit([]));
        }
        script
    }
}

/// The program, for one disk.
struct Tool<'a> {
    args: &'a Parted,
    path: PathBuf,
    /// Whether it mends small faults of a table without being asked.
    mends: bool,
}

impl<'a> Tool<'a> {
    fn of(args: &'a Parted, host: &Probe) -> Result<Self> {
        let path = host.need("parted")?;
        let ran = host.ask(cmd(&path).arg("--version"))?;
        let out = ran.out();
        // parted (GNU parted) 3.4.64-dfc6
        let word = out.lines().next().and_then(|line| line.split_whitespace().last()).unwrap_or_default();
        let mut numbers = word.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse::<u32>().unwrap_or(0));
        let version = [(); 3].map(|()| numbers.next().unwrap_or(0));
        if version == [0; 3] {
            return Err(Fault::new("Failed to get parted version.").with("rc", ran.rc).with("out", out));
        }
        // Differs from Ansible: of disks without a table, programs that are older can say nothing.
        if version < [3, 1, 0] {
            fail!("parted is too old: {word}; 3.1 is the first that is supported");
        }
        Ok(Tool { args, path, mends: version >= [3, 4, 64] })
    }

    fn disk(&self, host: &Probe) -> Result<Disk> {
        let Parted { device, unit, .. } = self.args;
        let command = cmd(&self.path).args(["-s", "-m", device, "--", "unit", unit.word(), "print"]).any_rc();
        let ran = host.ask(command.clone())?;
        if !ran.ok() && !ran.err().contains("unrecognised disk label") {
            let words =
                format!("Error while getting device information with parted script: '{}'", joined(&command));
            let fault = if host.exists(device) { Fault::new(words) } else { Fault::absent(words) };
            return Err(fault.with("rc", ran.rc).with("out", ran.out()).with("err", ran.err()));
        }
        Disk::read(&ran.out(), unit.word())
    }

    fn run(&self, host: &mut Host, script: &[String]) -> Result<()> {
        let align = (self.args.align != Align::Undefined).then(|| self.args.align.word());
        let command = cmd(&self.path).arg("-s").flag("-f", self.mends).arg("-m").opt("-a", align);
        let command = command.args([&self.args.device, "--"]).args(script).any_rc();
        let ran = host.run(command.clone())?;
        if !ran.ok() {
            let fault = Fault::new(format!("Error while running parted script: {}", joined(&command)));
            return Err(fault.with("rc", ran.rc).with("out", ran.out()).with("err", ran.err()));
        }
        Ok(())
    }
}

/// A command as Ansible joins its words.
fn joined(command: &Command) -> String {
    let words = std::iter::once(&command.program).chain(&command.args);
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISK: &str = "BYT;\n/dev/sdb:10240kiB:loopback:512:512:msdos:Loop\\:back device:;\n\
        1:1024kiB:5120kiB:4096kiB:ext2::boot, lvm;\n";
    const RUN: &str = "/usr/bin/parted -s -f -m -a optimal /dev/sdb --";

    fn world(disk: &str) -> World {
        World::new()
            .program("parted")
            .file("/dev/sdb", "")
            .says("/usr/bin/parted --version", "parted (GNU parted) 3.5\nCopyright\n")
            .says("/usr/bin/parted -s -m /dev/sdb -- unit KiB print", disk)
            .says(&format!("{RUN}*"), "")
    }

    #[test]
    fn a_disk_is_read() {
        let done = conform::<Parted>("{ device: /dev/sdb }", world(DISK)).unchanged().ran([]);
        let done = done.gives("script", vec!["unit", "KiB", "print"]);
        let Some(Val::List(parts)) = done.outcome().get("partitions") else { panic!("no partitions") };
        assert_eq!(
            shevek_kit::printed::python_str(&parts[0]),
            "{'num': 1, 'begin': 1024.0, 'end': 5120.0, 'size': 4096.0, 'fstype': 'ext2', 'name': '', \
             'flags': ['boot', 'lvm'], 'unit': 'kib'}"
        );
        assert_eq!(
            shevek_kit::printed::python_str(done.outcome().get("disk").unwrap()),
            "{'dev': '/dev/sdb', 'size': 10240.0, 'unit': 'kib', 'table': 'msdos', 'model': 'Loop:back device', \
             'logical_block': 512, 'physical_block': 512}"
        );
        let chs = "CHS;\n/dev/sdb:1,70,4:loopback:512:512:msdos:x:;\n1:255:63:8225kB;\n1:0,32,32:0,81,17:ext2::boot;\n";
        let disk = Disk::read(chs, "chs").ok().unwrap();
        assert_eq!(disk.partitions[0].flags, ["boot"]);
        assert!(
            shevek_kit::printed::python_str(&disk.shown)
                .contains("'cyl_size': 8225.0, 'cyl_size_unit': 'kb'")
        );
    }

    #[test]
    fn a_partition_is_made_on_a_disk_with_another_table() {
        let done = conform::<Parted>(
            "{ device: /dev/sdb, number: 1, label: gpt, state: present, fs_type: ext4, flags: [esp] }",
            world(DISK),
        )
        .changed();
        // In this World the disk stays as it was, so partition 1 is there afterwards.
        done.ran([
            &format!("{RUN} unit KiB mklabel gpt mkpart primary ext4 0% 100%"),
            &format!("{RUN} unit KiB set 1 esp on set 1 lvm off"),
        ]);
    }

    #[test]
    fn one_that_is_there_gets_what_it_lacks() {
        let of = |more: &str| format!("{{ device: /dev/sdb, number: 1, state: present{more} }}");
        conform::<Parted>(&of(""), world(DISK)).unchanged().gives("script", Vec::<String>::new());
        conform::<Parted>(&of(", flags: [lvm, boot]"), world(DISK)).unchanged();
        conform::<Parted>(&of(", flags: [lvm], name: data"), world(DISK))
            .changed()
            .ran([&format!("{RUN} unit KiB name 1 '\"data\"' set 1 boot off")]);
        conform::<Parted>(&of(", resize: yes, part_end: 5MiB"), world(DISK)).unchanged();
        conform::<Parted>(&of(", resize: yes, part_end: 50%"), world(DISK)).unchanged();
        conform::<Parted>(&of(", resize: yes"), world(DISK)).ran([&format!("{RUN} resizepart 1 100%")]);
        conform::<Parted>(
            "{ device: /dev/sdb, number: 2, state: present, part_start: 5MiB, part_type: logical }",
            world(DISK),
        )
        .ran([&format!("{RUN} unit KiB mkpart logical 5MiB 100%")]);
    }

    #[test]
    fn one_goes() {
        let plain = world(DISK).says("/usr/bin/parted -s -f -m /dev/sdb -- rm 1", "");
        conform::<Parted>("{ device: /dev/sdb, number: 1, state: absent, align: undefined }", plain)
            .changed();
        conform::<Parted>("{ device: /dev/sdb, number: 1, state: absent }", world(DISK))
            .changed()
            .ran([&format!("{RUN} rm 1")])
            .gives("script", vec!["rm", "1"]);
        conform::<Parted>("{ device: /dev/sdb, number: 7, state: absent }", world(DISK)).unchanged();
    }

    #[test]
    fn what_makes_no_sense_is_a_failure() {
        conform::<Parted>("{ device: /dev/sdb, number: 0, state: present }", world(DISK))
            .failed("greater then 0");
        conform::<Parted>("{ device: /dev/sdb, part_end: 10gib }", world(DISK))
            .failed("The argument 'part_end'");
        conform::<Parted>("{ device: /dev/sdb, part_end: a lot }", world(DISK))
            .failed("Error interpreting parted size");
        conform::<Parted>("{ device: /dev/sdb, state: absent }", world(DISK)).failed("number");
        let gone = Ran::failed(1, "Error: Could not stat device /dev/sdb - No such file or directory.\n");
        let gone = world(DISK).answers("/usr/bin/parted -s -m /dev/sdb -- unit KiB print", gone);
        conform::<Parted>("{ device: /dev/sdb }", gone)
            .failed("Error while getting device information with parted script: '/usr/bin/parted -s -m")
            .gives("rc", 1);
        let old = world(DISK).says("/usr/bin/parted --version", "parted (GNU parted) 2.3\n");
        conform::<Parted>("{ device: /dev/sdb }", old).failed("parted is too old: 2.3");
    }
}
