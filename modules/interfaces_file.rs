//! Set single options in /etc/network/interfaces, and read what it says.
//!
//! ```yaml
//! - community.general.interfaces_file: { dest: /etc/network/interfaces.d/eth1.cfg, iface: eth1, option: mtu, value: '8000', backup: true }
//! - community.general.interfaces_file: { iface: eth0, address_family: inet6, option: post-up, value: ip -6 rule add from ::1 }
//! - community.general.interfaces_file: { iface: eth0, option: mtu, state: absent }
//! - community.general.interfaces_file: {}
//! ```
use std::path::PathBuf;

use shevek_kit::lossless;
use shevek_kit::prelude::*;

/// Arguments of `interfaces_file`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(with("option", needs("iface")))]
pub struct InterfacesFile {
    /// The file.
    #[arg(default = "/etc/network/interfaces")]
    dest: PathBuf,
    /// The interface.
    iface: Option<String>,
    /// Of an interface that is there for several (`inet`, `inet6`): which one.
    address_family: Option<String>,
    /// The option; `method` is the interface's own. Left out: the file is only read.
    option: Option<String>,
    /// Its value. Of `pre-up`, `up`, `post-up` and `down` there may be many.
    value: Option<String>,
    /// Keep the old file under another name.
    #[arg(default = false)]
    backup: bool,
    /// Whether the option is there.
    #[arg(default = "present")]
    state: Presence,
    /// Taken, and left alone as Ansible does.
    #[arg(flatten)]
    attributes: FileAttributes,
}

/// A line of the file; what the module does not touch has no place.
struct Line {
    text: String,
    place: Option<Place>,
}

/// The interface that a line belongs to.
struct Place {
    iface: String,
    family: Option<String>,
    /// Name and value of an option; nothing on the line that begins the interface.
    option: Option<(String, String)>,
}

/// Options of which an interface may have many.
const MANY: [&str; 4] = ["pre-up", "up", "down", "post-up"];
/// Words that end an interface's options.
const OTHERS: [&str; 6] = ["source", "source-dir", "source-directory", "auto", "no-auto-down", "no-scripts"];

impl Procedure for InterfacesFile {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        if self.option.is_some() && self.value.is_none() && self.state == Presence::Present {
            fail!("Value must be set if option is defined and state is 'present'");
        }
        let FileAttributes { mode, owner, group, .. } = &self.attributes;
        if mode.is_some() || owner.is_some() || group.is_some() {
            host.warn(
                "interfaces_file takes mode, owner and group, and leaves them as they are, as Ansible's does",
            );
        }
        let dest = followed(host, &self.dest, Links::Follow);
        let before = host.read(&dest)?;
        let mut lines = read(&lossless::text(&before))?;
        let changed = match (&self.option, &self.iface) {
            (Some(option), Some(iface)) => self.edit(&mut lines, iface, option)?,
            _ => false,
        };
        if changed {
            let text: String = lines.iter().map(|line| line.text.as_str()).collect();
            let after = lossless::bytes(&text);
            if self.backup {
                host.backup(&dest)?;
            }
            host.write(&dest, &after)?;
            host.diff(text_diff(&self.dest.display().to_string(), Some(&before), Some(&after)));
        }
        Ok(Outcome::ok().changed_if(changed).with("dest", &self.dest).with("ifaces", shown(&lines)))
    }
}

/// The lines of a file, each with its end.
fn read(text: &str) -> Result<Vec<Line>> {
    let mut lines: Vec<Line> = Vec::new();
    // Nothing at the start, then what the options belong to, if it is an interface.
    let mut current: Option<Option<(String, Option<String>)>> = None;
    for (at, text) in text.split_inclusive('\n').enumerate() {
        let words: Vec<&str> = text.split_whitespace().collect();
        let mut place = None;
        match words.as_slice() {
            [] => {}
            [word, ..] if word.starts_with('#') => {}
            ["iface", name, rest @ ..] => {
                let family = rest.first().map(|family| (*family).to_owned());
                place = Some(Place { iface: (*name).to_owned(), family: family.clone(), option: None });
                current = Some(Some(((*name).to_owned(), family)));
            }
            ["iface"] => fail!("line {} names no interface", at + 1),
            [word, ..] if OTHERS.contains(word) || word.starts_with("allow-") || *word == "mapping" => {
                current = Some(None);
            }
            [word, ..] => match &current {
                None => fail!("misplaced option {text} in line {}", at + 1),
                Some(None) => {}
                Some(Some((iface, family))) => {
                    let value = text.trim().strip_prefix(word).unwrap_or_default().trim();
                    let option = Some(((*word).to_owned(), value.to_owned()));
                    place = Some(Place { iface: iface.clone(), family: family.clone(), option });
                }
            },
        }
        lines.push(Line { text: text.to_owned(), place });
    }
    Ok(lines)
}

/// The interfaces with their options, as the result has them.
fn shown(lines: &[Line]) -> Val {
    let mut all: Vec<(String, Vec<(String, Val)>)> = Vec::new();
    for line in lines {
        let Some(place) = &line.place else { continue };
        let Some((name, value)) = &place.option else {
            let mut keys: Vec<(String, Val)> =
                MANY.iter().map(|name| ((*name).to_owned(), Val::List(Vec::new()))).collect();
            let method = line.text.split_whitespace().nth(3);
            for (key, word) in [("address_family", place.family.as_deref()), ("method", method)] {
                keys.push((key.to_owned(), word.map_or(Val::Null, |word| lossless::shown(word).into())));
            }
            match all.iter_mut().find(|(iface, _)| *iface == place.iface) {
                Some(known) => known.1 = keys,
                None => all.push((place.iface.clone(), keys)),
            }
            continue;
        };
        let Some((_, keys)) = all.iter_mut().find(|(iface, _)| *iface == place.iface) else { continue };
        let value = Val::from(lossless::shown(value));
        match keys.iter_mut().find(|(key, _)| key == name) {
            Some((_, Val::List(values))) => values.push(value),
            Some((_, known)) => *known = value,
            None => keys.push((name.clone(), value)),
        }
    }
    Val::Map(all.into_iter().map(|(iface, keys)| (lossless::shown(&iface), Val::Map(keys))).collect())
}

impl InterfacesFile {
    fn edit(&self, lines: &mut Vec<Line>, iface: &str, option: &str) -> Result<bool> {
        let is_ours = |place: &Place| {
            let family = self.address_family.as_deref();
            place.iface == iface && family.is_none_or(|family| place.family.as_deref() == Some(family))
        };
        let ours: Vec<(usize, &Place)> = (lines.iter().enumerate())
            .filter_map(|(at, line)| Some((at, line.place.as_ref().filter(|place| is_ours(place))?)))
            .collect();
        let Some((end, _)) = ours.last() else { fail!("Error: interface {iface} not found") };
        let options = ours.iter().filter_map(|(at, place)| Some((*at, place.option.as_ref()?)));
        let has_options = options.clone().next().is_some();
        let found: Vec<(usize, &str)> = options
            .filter(|(_, (name, _))| name == option)
            .map(|(at, (_, value))| (at, value.as_str()))
            .collect();
        let is_many = MANY.contains(&option);
        let value = self.value.as_deref();
        if self.state == Presence::Absent {
            let goes = |has: &str| value.is_none_or(|value| !is_many || has == value);
            let gone: Vec<usize> = found.iter().filter(|(_, has)| goes(has)).map(|(at, _)| *at).collect();
            gone.iter().rev().for_each(|at| drop(lines.remove(*at)));
            return Ok(!gone.is_empty());
        }
        let value = value.unwrap_or_default();
        match found.last() {
            Some(_) if is_many && found.iter().any(|(_, has)| *has == value) => Ok(false),
            Some((_, has)) if !is_many && *has == value => Ok(false),
            Some((at, has)) if !is_many => {
                let (at, has) = (*at, has.len());
                let Some(line) = lines.get_mut(at) else { return Ok(false) };
                line.text = with_value(&line.text, has, value);
                line.place
                    .iter_mut()
                    .for_each(|place| place.option = Some((option.to_owned(), value.to_owned())));
                Ok(true)
            }
            Some((at, _)) => Ok(insert(lines, *at, option, value, true)),
            None if option == "method" => {
                let starts: Vec<usize> =
                    ours.iter().filter(|(_, place)| place.option.is_none()).map(|(at, _)| *at).collect();
                set_method(lines, &starts, value)
            }
            None => Ok(insert(lines, *end, option, value, has_options)),
        }
    }
}

/// The line with another value: what stands around it stays.
fn with_value(line: &str, old: usize, value: &str) -> String {
    let end = line.trim_end().len();
    let start = end.saturating_sub(old);
    let (head, tail) = (line.get(..start).unwrap_or(line), line.get(end..).unwrap_or_default());
    let blank = if head.ends_with(char::is_whitespace) { "" } else { " " };
    format!("{head}{blank}{value}{tail}")
}

/// Adds an option after a line, looking like that line.
fn insert(lines: &mut Vec<Line>, at: usize, option: &str, value: &str, like: bool) -> bool {
    let Some(last) = lines.get_mut(at) else { return false };
    // Differs from Ansible: at the end of a file without an end of line, the option still gets a line of its own.
    if !last.text.ends_with('\n') {
        last.text.push('\n');
    }
    let text = &last.text;
    let blanks = text.get(..text.len() - text.trim_start().len()).unwrap_or_default();
    let indent = if like { "" } else { "    " };
    let tail = text.get(text.trim_end().len()..).unwrap_or_default();
    let text = format!("{blanks}{indent}{option} {value}{tail}");
    let place = last.place.as_ref().map(|place| Place {
        iface: place.iface.clone(),
        family: place.family.clone(),
        option: Some((option.to_owned(), value.to_owned())),
    });
    lines.insert(at + 1, Line { text, place });
    true
}

/// Sets the method on the lines that begin interfaces.
fn set_method(lines: &mut [Line], starts: &[usize], value: &str) -> Result<bool> {
    let mut changed = false;
    for (at, line) in lines.iter_mut().enumerate().filter(|(at, _)| starts.contains(at)) {
        let words: Vec<&str> = line.text.split_whitespace().collect();
        let [_, _, _, method] = words.as_slice() else { fail!("line {} has no method, or more", at + 1) };
        if *method != value {
            line.text = with_value(&line.text, method.len(), value);
            changed = true;
        }
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/etc/network/interfaces";
    const TEXT: &str = "# the loopback\nauto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet static\n\taddress 10.0.0.2/24  \n\tup ip route add a\n\tup ip route add b\n\niface eth0 inet6 manual\n  mtu   1400\nsource /etc/network/interfaces.d/*\n";

    fn world() -> World {
        World::new().file(FILE, TEXT)
    }

    #[test]
    fn a_value_is_changed_and_what_is_around_it_stays() {
        let done = conform::<InterfacesFile>("{ iface: eth0, option: address, value: 10.0.0.3/24 }", world());
        let done = done.changed().holds(FILE, &TEXT.replace(".2/24", ".3/24"));
        done.then("{ iface: eth0, option: address, value: 10.0.0.3/24 }").unchanged();
        conform::<InterfacesFile>(
            "{ iface: eth0, option: method, value: dhcp, address_family: inet }",
            world(),
        )
        .holds(FILE, &TEXT.replace("inet static", "inet dhcp"));
    }

    #[test]
    fn an_option_is_added_to_its_interface() {
        conform::<InterfacesFile>("{ iface: lo, option: mtu, value: 9000 }", world())
            .changed()
            .holds(FILE, &TEXT.replace("loopback\n\n", "loopback\n    mtu 9000\n\n"));
        conform::<InterfacesFile>("{ iface: eth0, option: up, value: ip route add c }", world())
            .changed()
            .holds(FILE, &TEXT.replace("add b\n", "add b\n\tup ip route add c\n"))
            .then("{ iface: eth0, option: up, value: ip route add a }")
            .unchanged();
        conform::<InterfacesFile>(
            "{ iface: x, option: mtu, value: 1 }",
            World::new().file(FILE, "iface x inet dhcp"),
        )
        .holds(FILE, "iface x inet dhcp\n    mtu 1\n");
    }

    #[test]
    fn options_go() {
        let of = |value: &str| format!("{{ iface: eth0, option: up, state: absent{value} }}");
        conform::<InterfacesFile>(&of(", value: ip route add a"), world())
            .holds(FILE, &TEXT.replace("\tup ip route add a\n", ""));
        conform::<InterfacesFile>(&of(""), world())
            .holds(FILE, &TEXT.replace("\tup ip route add a\n\tup ip route add b\n", ""))
            .then(&of(""))
            .unchanged();
    }

    #[test]
    fn the_file_is_read() {
        let done = conform::<InterfacesFile>("{}", world()).unchanged().gives("dest", FILE);
        let Some(Val::Map(ifaces)) = done.outcome().get("ifaces") else { panic!("no ifaces") };
        let keys = |iface: usize| shevek_kit::printed::python_str(&ifaces[iface].1);
        assert_eq!(
            keys(0),
            "{'pre-up': [], 'up': [], 'down': [], 'post-up': [], 'address_family': 'inet', 'method': 'loopback'}"
        );
        assert_eq!(
            keys(1),
            "{'pre-up': [], 'up': [], 'down': [], 'post-up': [], 'address_family': 'inet6', 'method': 'manual', 'mtu': '1400'}"
        );
    }

    #[test]
    fn what_makes_no_sense_is_a_failure() {
        conform::<InterfacesFile>("{ iface: eth9, option: mtu, value: 1 }", world())
            .failed("Error: interface eth9 not found");
        conform::<InterfacesFile>("{ iface: eth0, option: mtu }", world()).failed("Value must be set");
        conform::<InterfacesFile>("{ option: mtu, value: 1 }", world()).failed("iface");
        conform::<InterfacesFile>("{}", World::new().file(FILE, "# x\nmtu 1\n"))
            .failed("misplaced option mtu 1\n in line 2");
        conform::<InterfacesFile>("{}", World::new()).failed(FILE);
    }
}
