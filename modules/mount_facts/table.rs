//! Tables of mounts: the files that systems keep, and what `mount` prints.

use shevek_kit::prelude::*;

/// One entry of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    /// Where it is mounted.
    pub path: String,
    /// The line, or lines, that say so.
    pub line: String,
    /// What they say.
    pub fields: Vec<(String, Val)>,
}

impl Place {
    fn new(line: &str, fields: Vec<(&str, Val)>) -> Place {
        let path = fields.iter().find(|(key, _)| *key == "mount").and_then(|(_, path)| path.as_str());
        Place {
            path: path.unwrap_or_default().to_owned(),
            line: line.to_owned(),
            fields: fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        }
    }
}

/// What a file says; in which of the formats it is shows in its columns.
pub(super) fn of_file(text: &str) -> Vec<Place> {
    let readers = [vfstab, mnttab, fstab, filesystems];
    readers.iter().find_map(|read| read(text)).unwrap_or_default()
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#'))
}

/// Seven columns, as Solaris has it.
fn vfstab(text: &str) -> Option<Vec<Place>> {
    let place = |line| {
        let mut column = str::split_whitespace(line);
        let mut next = || column.next();
        let (device, to_fsck, mount, kind) = (next()?, next()?, next()?, next()?);
        let (passno, at_boot, options) = (next()?, next()?, next()?);
        let fields = vec![
            ("device", device.into()),
            ("device_to_fsck", to_fsck.into()),
            ("mount", mount.into()),
            ("fstype", kind.into()),
            ("passno", passno.parse::<i64>().map_or_else(|_| Val::from(passno), Val::Int)),
            ("mount_at_boot", at_boot.into()),
            ("options", options.into()),
        ];
        Some(Place::new(line, fields))
    };
    entries(text).map(place).collect()
}

/// Five columns, the last a time, as Solaris has it.
fn mnttab(text: &str) -> Option<Vec<Place>> {
    let is_time = |line: &str| line.split_whitespace().nth(4).is_some_and(|time| time.len() == 10);
    if !text.lines().any(is_time) {
        return None;
    }
    let place = |line| {
        let mut column = str::split_whitespace(line);
        let mut next = || column.next();
        let (device, mount, kind, options, time) = (next()?, next()?, next()?, next()?, next()?);
        let fields = vec![
            ("device", device.into()),
            ("mount", mount.into()),
            ("fstype", kind.into()),
            ("options", options.into()),
            ("time", time.parse::<i64>().ok()?.into()),
        ];
        Some(Place::new(line, fields))
    };
    text.lines().map(place).collect()
}

/// Four to six columns.
fn fstab(text: &str) -> Option<Vec<Place>> {
    let place = |line| {
        let columns: Vec<String> = str::split_whitespace(line).map(unescaped).collect();
        let [device, mount, kind, options, rest @ ..] = columns.as_slice() else { return None };
        let mut fields = vec![
            ("device", device.as_str().into()),
            ("mount", mount.as_str().into()),
            ("fstype", kind.as_str().into()),
            ("options", options.as_str().into()),
        ];
        for (name, number) in ["dump", "passno"].into_iter().zip(rest) {
            fields.push((name, number.parse::<i64>().ok()?.into()));
        }
        Some(Place::new(line.trim(), fields))
    };
    entries(text).map(place).collect()
}

/// Paragraphs of settings, as AIX has it. The file of that name that Linux has is none.
fn filesystems(text: &str) -> Option<Vec<Place>> {
    let mut paragraphs: Vec<Vec<&str>> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('*') && !line.trim().is_empty()) {
        if line.trim_end().ends_with(':') {
            paragraphs.push(vec![line]);
        } else if line.contains('=') {
            paragraphs.last_mut()?.push(line);
        } else {
            return Some(Vec::new());
        }
    }
    let place = |lines: Vec<&str>| {
        let settings: Vec<(String, Val)> = lines
            .iter()
            .skip(1)
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.trim().to_owned(), value.trim().into()))
            .collect();
        let get =
            |key: &str| settings.iter().find(|(known, _)| known == key).and_then(|(_, value)| value.as_str());
        let device = [get("nodename"), get("dev")].into_iter().flatten().collect::<Vec<_>>().join(":");
        let or_unknown = |text: &str| if text.is_empty() { "unknown".to_owned() } else { text.to_owned() };
        let mount = lines.first().and_then(|line| line.strip_suffix(':')).unwrap_or_default();
        let fields = vec![
            ("mount", mount.into()),
            ("device", or_unknown(&device).into()),
            ("fstype", or_unknown(get("vfs").unwrap_or_default()).into()),
            ("attributes", Val::Map(settings)),
        ];
        Place::new(&lines.join("\n"), fields)
    };
    Some(paragraphs.into_iter().map(place).collect())
}

/// `\040` and the like stand for spaces.
fn unescaped(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut rest = field;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(..3).filter(|code| code.bytes().all(|b| (b'0'..=b'7').contains(&b)));
        match code.and_then(|code| u32::from_str_radix(code, 8).ok()).and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                out.push('\\');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// What `mount` prints, on Linux, BSD or AIX.
pub(super) fn of_output(text: &str) -> Vec<Place> {
    let all = |read: fn(&str) -> Option<Place>, skip: usize, passed: &str| -> Option<Vec<Place>> {
        let lines = text.lines().skip(skip).filter(|line| passed.is_empty() || !line.starts_with(passed));
        lines.map(read).collect()
    };
    let found = all(of_linux, 0, "").or_else(|| all(of_bsd, 0, "map "));
    found.or_else(|| if text.lines().count() > 2 { all(of_aix, 2, "") } else { None }).unwrap_or_default()
}

/// A word, and what comes after what is behind it.
fn word<'a>(text: &'a str, until: &str) -> Option<(&'a str, &'a str)> {
    text.split_once(until).filter(|(word, _)| !word.is_empty() && !word.contains(char::is_whitespace))
}

fn of_linux(line: &str) -> Option<Place> {
    let (device, rest) = word(line, " on ")?;
    let (mount, rest) = word(rest, " type ")?;
    let (kind, rest) = word(rest, " (")?;
    let options = rest.strip_suffix(')').filter(|options| !options.is_empty())?;
    let fields = vec![
        ("device", device.into()),
        ("mount", mount.into()),
        ("fstype", kind.into()),
        ("options", options.into()),
    ];
    Some(Place::new(line, fields))
}

fn of_bsd(line: &str) -> Option<Place> {
    let (device, rest) = word(line, " on ")?;
    let (mount, rest) = word(rest, " (")?;
    let inside = rest.strip_suffix(')').filter(|inside| !inside.is_empty())?;
    let mut fields = vec![("device", device.into()), ("mount", mount.into())];
    match inside.split_once(',') {
        None => fields.push(("fstype", inside.into())),
        Some((kind, options)) => {
            fields.extend([("fstype", kind.trim_end().into()), ("options", options.trim_start().into())]);
        }
    }
    Some(Place::new(line, fields))
}

/// Columns: a node or nothing, the device, the path, the type, three words of time, options.
fn of_aix(line: &str) -> Option<Place> {
    let mut words = line.split_whitespace();
    let node = if line.starts_with(char::is_whitespace) { None } else { words.next() };
    let (device, mount, kind) = (words.next()?, words.next()?, words.next()?);
    let time = [words.next()?, words.next()?, words.next()?].join(" ");
    let fields = vec![
        ("mount", mount.into()),
        ("fstype", kind.into()),
        ("time", time.into()),
        ("options", words.collect::<Vec<_>>().join(" ").into()),
        ("device", node.map_or_else(|| device.to_owned(), |node| format!("{node}:{device}")).into()),
    ];
    Some(Place::new(line, fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(places: &[Place]) -> Vec<String> {
        places
            .iter()
            .map(|place| {
                let fields: Vec<String> = place
                    .fields
                    .iter()
                    .map(|(key, value)| format!("{key}={}", shevek_kit::printed::python_str(value)))
                    .collect();
                fields.join(" ")
            })
            .collect()
    }

    #[test]
    fn the_columns_tell_the_format() {
        let of = |text| shown(&of_file(text));
        assert_eq!(
            of("#\n/dev/sda /a\\040b ext4 rw 0 1\nx y z w\n"),
            [
                "device=/dev/sda mount=/a b fstype=ext4 options=rw dump=0 passno=1",
                "device=x mount=y fstype=z options=w"
            ]
        );
        assert_eq!(
            of("fd - /dev/fd fd - no -\n"),
            ["device=fd device_to_fsck=- mount=/dev/fd fstype=fd passno=- mount_at_boot=no options=-"]
        );
        assert_eq!(
            of("rpool /x zfs rw 1500000000\n"),
            ["device=rpool mount=/x fstype=zfs options=rw time=1500000000"]
        );
        assert_eq!(
            of("* c\n/home:\n\tdev = /dev/hd1\n\tvfs = jfs2\n"),
            ["mount=/home device=/dev/hd1 fstype=jfs2 attributes={'dev': '/dev/hd1', 'vfs': 'jfs2'}"]
        );
        assert_eq!(of("ext4\nvfat\n"), Vec::<String>::new());
    }

    #[test]
    fn what_mount_prints_is_read_on_each_system() {
        let of = |text| shown(&of_output(text));
        assert_eq!(
            of("sysfs on /sys type sysfs (rw)\n"),
            ["device=sysfs mount=/sys fstype=sysfs options=rw"]
        );
        assert_eq!(
            of("/dev/ada0 on / (ufs, local, ro)\nmap x on /y (autofs)\n"),
            ["device=/dev/ada0 mount=/ fstype=ufs options=local, ro"]
        );
        assert_eq!(
            of(
                "node mounted over vfs date options\n---- - -\n         /dev/hd4 / jfs2 Dec 17 08:04 rw, log\nn /a /b nfs3 Dec 1 08:00 \n"
            ),
            [
                "mount=/ fstype=jfs2 time=Dec 17 08:04 options=rw, log device=/dev/hd4",
                "mount=/b fstype=nfs3 time=Dec 1 08:00 options= device=n:/a",
            ]
        );
        assert_eq!(of("what is this\n"), Vec::<String>::new());
    }
}
