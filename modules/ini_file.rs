//! Edit single options of INI files.
//!
//! ```yaml
//! - community.general.ini_file: { path: /etc/conf, section: drinks, option: fav, value: lemonade, mode: '0600', backup: true }
//! - community.general.ini_file: { path: /etc/conf, section: drinks, option: beverage, values: [coke, pepsi] }
//! - community.general.ini_file: { path: /etc/anotherconf, section: drinks, option: temp, state: absent }
//! ```
use std::path::PathBuf;

use shevek_kit::lossless;
use shevek_kit::prelude::*;

use crate::editing::Edit;

/// Arguments of `ini_file`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(exclusive("value", "values"))]
pub struct IniFile {
    /// The file.
    #[arg(alias = "dest")]
    path: PathBuf,
    /// The section; left out: what stands before the first one.
    section: Option<String>,
    /// Of several sections of that name, the one that has these options.
    section_has_values: Vec<Has>,
    /// The option; left out: the whole section is meant.
    option: Option<String>,
    /// Its value.
    value: Option<String>,
    /// Its values, a line each.
    values: Vec<String>,
    /// Keep the old file under another name.
    #[arg(default = false)]
    backup: bool,
    /// Whether option or section are there.
    #[arg(default = "present")]
    state: Presence,
    /// Remove other lines of the same option.
    #[arg(default = true)]
    exclusive: bool,
    /// Write `option=value` without blanks.
    #[arg(default = false)]
    no_extra_spaces: bool,
    /// Leave a line alone that differs only in blanks.
    #[arg(default = false)]
    ignore_spaces: bool,
    /// Make the file if it isn't there.
    #[arg(default = true)]
    create: bool,
    /// Allow options without a value.
    #[arg(default = false)]
    allow_no_value: bool,
    /// Take over lines of the option that are commented out.
    #[arg(default = true)]
    modify_inactive_option: bool,
    /// Write through a link that is at the path.
    #[arg(default = false)]
    follow: bool,
    /// Owner, mode and the like.
    #[arg(flatten)]
    attributes: FileAttributes,
}

/// An option by which a section is known.
#[derive(Args)]
pub struct Has {
    /// The option.
    option: String,
    /// Its value.
    value: Option<String>,
    /// Its values.
    values: Vec<String>,
}

/// A line that sets an option: whether it is in force, the name, the value.
struct Setting<'a> {
    active: bool,
    name: &'a str,
    value: Option<&'a str>,
}

fn setting(line: &str) -> Option<Setting<'_>> {
    let line = line.trim();
    let (active, rest) = match line.strip_prefix(['#', ';']) {
        Some(rest) => (false, rest.trim_start()),
        None => (true, line),
    };
    if rest.is_empty() || rest.starts_with('[') {
        return None;
    }
    Some(match rest.split_once('=') {
        Some((name, value)) => Setting { active, name: name.trim(), value: Some(value.trim()) },
        None => Setting { active, name: rest, value: None },
    })
}

/// The section that a line begins.
fn header(line: &str) -> Option<&str> {
    line.trim().strip_prefix('[')?.split_once(']').map(|(name, _)| name)
}

impl Procedure for IniFile {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let links = if self.follow { Links::Follow } else { Links::Keep };
        let edit = Edit { backup: self.backup, links, ..Edit::of(&self.path, &self.attributes) };
        if self.state == Presence::Present
            && self.option.is_some()
            && self.wanted().is_empty()
            && !self.allow_no_value
        {
            fail!("Parameter 'value(s)' must be defined if state=present and allow_no_value=False.");
        }
        let before = edit.read(host)?;
        if before.is_none() {
            if !self.create {
                return Err(Fault::absent(format!("Destination {} does not exist!", self.path.display()))
                    .with("rc", 257));
            }
            edit.make_folders(host)?;
        }
        // As with Ansible, a file that changes comes out without a mark at its start, and with newlines between its lines.
        let bytes = before.as_deref().unwrap_or_default();
        let text = lossless::text(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
        let mut known: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
        if known.is_empty() {
            known.push("\n".to_owned());
        }
        let mut lines = known.clone();
        let message = self.edit(&mut lines);
        // A missing end of line at the end of the file is no change by itself.
        let changed = lines != known;
        let after = lossless::bytes(&lines.concat());
        let mut outcome = Outcome::ok();
        if changed {
            let backup = edit.save(host, &after)?;
            outcome.set("backup_file", backup.as_ref().map_or(Val::Null, Val::from));
            outcome.result.retain(|(_, value)| *value != Val::Null);
            edit.content_diff(host, bytes, &after);
        }
        outcome.changed = edit.finish(host, changed, "")?.changed;
        Ok(outcome.with("msg", message).with("path", &self.path))
    }
}

impl IniFile {
    fn wanted(&self) -> Vec<&str> {
        self.value.iter().chain(&self.values).map(String::as_str).collect()
    }

    fn line(&self, value: Option<&str>) -> String {
        let option = self.option.as_deref().unwrap_or_default();
        match value {
            None => format!("{option}\n"),
            Some(value) if self.no_extra_spaces => format!("{option}={value}\n"),
            Some(value) => format!("{option} = {value}\n"),
        }
    }

    /// The lines of the section: its header, and where the next one begins.
    fn find(&self, lines: &[String]) -> Option<(Option<usize>, usize)> {
        let end = |from: usize| {
            let next = lines.iter().skip(from).position(|line| header(line).is_some());
            next.map_or(lines.len(), |at| from + at)
        };
        let Some(section) = self.section.as_deref().filter(|name| !name.is_empty()) else {
            return Some((None, end(0)));
        };
        let starts = lines.iter().enumerate().filter(|(_, line)| header(line) == Some(section));
        starts
            .map_while(|(at, _)| Some((at, end(at + 1))))
            .find(|(at, end)| self.has(lines.get(*at..*end).unwrap_or_default()))
            .map(|(at, end)| (Some(at), end))
    }

    fn has(&self, section: &[String]) -> bool {
        self.section_has_values.iter().all(|has| {
            let wanted: Vec<&String> = has.value.iter().chain(&has.values).collect();
            let of_option = |line: &String| setting(line).is_some_and(|s| s.active && s.name == has.option);
            let is = |value: &str| {
                section.iter().any(|line| {
                    setting(line).is_some_and(|s| s.active && s.name == has.option && s.value == Some(value))
                })
            };
            if wanted.is_empty() {
                section.iter().any(of_option)
            } else {
                wanted.iter().all(|value| is(value))
            }
        })
    }

    fn edit(&self, lines: &mut Vec<String>) -> &'static str {
        let found = self.find(lines);
        match (self.state, found, &self.option) {
            (Presence::Absent, None, _) => "OK",
            (Presence::Absent, Some((start, end)), None) => {
                if start.is_none() {
                    return "OK";
                }
                lines.drain(start.unwrap_or(0)..end);
                "section removed"
            }
            (Presence::Absent, Some((start, end)), Some(option)) => {
                let from = start.map_or(0, |at| at + 1);
                let wanted = self.wanted();
                let mut section: Vec<String> = lines.drain(from..end).collect();
                let before = section.len();
                section.retain(|line| {
                    let Some(s) = setting(line).filter(|s| s.active && s.name == option) else { return true };
                    let any = self.exclusive || wanted.is_empty();
                    !(any || s.value.is_some_and(|value| wanted.contains(&value)))
                });
                let message = if section.len() == before { "OK" } else { "option changed" };
                lines.splice(from..from, section);
                message
            }
            (Presence::Present, None, _) => self.add_section(lines),
            (Presence::Present, Some(_), None) => "OK",
            (Presence::Present, Some((start, end)), Some(option)) => {
                let from = start.map_or(0, |at| at + 1);
                let mut section: Vec<String> = lines.drain(from..end).collect();
                let message = self.set(option, &mut section);
                lines.splice(from..from, section);
                message
            }
        }
    }

    fn add_section(&self, lines: &mut Vec<String>) -> &'static str {
        lines.push(format!("[{}]\n", self.section.as_deref().unwrap_or_default()));
        for has in &self.section_has_values {
            for value in has.value.iter().chain(&has.values) {
                let blank = if self.no_extra_spaces { "" } else { " " };
                lines.push(format!("{}{blank}={blank}{value}\n", has.option));
            }
        }
        if self.option.is_none() {
            return "only section added";
        }
        let wanted = self.wanted();
        if wanted.is_empty() {
            lines.push(self.line(None));
        }
        lines.extend(wanted.into_iter().map(|value| self.line(Some(value))));
        "section and option added"
    }

    /// Sets the option within its section.
    fn set(&self, option: &str, section: &mut Vec<String>) -> &'static str {
        let before = section.clone();
        let wanted: Vec<Option<&str>> = match self.wanted() {
            values if values.is_empty() => vec![None],
            values => values.into_iter().map(Some).collect(),
        };
        // Lines that will do for the option, in order; those in force come first.
        let of_option: Vec<(usize, bool, Option<String>)> = section
            .iter()
            .enumerate()
            .filter_map(|(at, line)| {
                let s = setting(line).filter(|s| s.name == option)?;
                (s.active || self.modify_inactive_option).then(|| (at, s.active, s.value.map(str::to_owned)))
            })
            .collect();
        let mut open: Vec<Option<&str>> = wanted.clone();
        let mut kept: Vec<usize> = Vec::new();
        for (at, active, value) in &of_option {
            let fits = open.iter().position(|wanted| *wanted == value.as_deref());
            if let Some(wanted) = fits.filter(|_| *active) {
                let value = open.remove(wanted);
                kept.push(*at);
                if let Some(line) = section.get_mut(*at).filter(|_| !self.ignore_spaces) {
                    *line = self.line(value);
                }
            }
        }
        // Lines that hold something else get what is still to be written; without `exclusive`, only what is commented out.
        for (at, active, _) in &of_option {
            if kept.contains(at) || open.is_empty() || (*active && !self.exclusive) {
                continue;
            }
            let value = open.remove(0);
            kept.push(*at);
            if let Some(line) = section.get_mut(*at) {
                *line = self.line(value);
            }
        }
        if self.exclusive {
            let stray = |at: usize| of_option.iter().any(|(known, active, _)| *known == at && *active);
            let mut at = 0;
            section.retain(|_| {
                at += 1;
                kept.contains(&(at - 1)) || !stray(at - 1)
            });
        }
        let added = !open.is_empty();
        if added {
            let is_filler = |line: &String| {
                let line = line.trim();
                line.is_empty() || line.starts_with(['#', ';'])
            };
            let at = section.iter().rposition(|line| !is_filler(line)).map_or(0, |at| at + 1);
            section.splice(at..at, open.into_iter().map(|value| self.line(value)));
        }
        match (*section == before, added) {
            (true, _) => "OK",
            (false, true) => "option added",
            (false, false) => "option changed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/etc/conf";

    fn world() -> World {
        World::new().file(FILE, "top=1\n\n[a]\nx = 1\n# note\n\n[b]\n#y = 0\nx=1\nx=2\n")
    }

    #[test]
    fn an_option_is_set_in_its_section() {
        let args = "{ path: /etc/conf, section: a, option: z, value: '5' }";
        let done = conform::<IniFile>(args, world()).changed().gives("msg", "option added");
        let done = done.holds(FILE, "top=1\n\n[a]\nx = 1\nz = 5\n# note\n\n[b]\n#y = 0\nx=1\nx=2\n");
        let done = done.then(args).unchanged().gives("msg", "OK");
        let done = done.then("{ path: /etc/conf, section: b, option: y, value: '9', no_extra_spaces: yes }");
        let done = done.changed().gives("msg", "option changed");
        let done = done.then("{ path: /etc/conf, section: b, option: x, value: '2', no_extra_spaces: yes }");
        done.changed().holds(FILE, "top=1\n\n[a]\nx = 1\nz = 5\n# note\n\n[b]\ny=9\nx=2\n");
    }

    #[test]
    fn bytes_marks_and_ends_of_lines_are_no_change_by_themselves() {
        let text = b"\xef\xbb\xbf[a]\r\nx = 1\r\nwho = J\xf6rg\r\n".as_slice();
        let world = || World::new().file(FILE, text);
        conform::<IniFile>("{ path: /etc/conf, section: a, option: x, value: '1' }", world()).unchanged();
        let done =
            conform::<IniFile>("{ path: /etc/conf, section: a, option: x, value: '2' }", world()).changed();
        assert_eq!(done.probe().read(FILE).unwrap(), b"[a]\nx = 2\nwho = J\xf6rg\n");
    }

    #[test]
    fn a_link_is_replaced_unless_it_is_followed() {
        let world =
            || World::new().file("/srv/conf", "[a]\n").mode("/srv/conf", 0o640).link(FILE, "/srv/conf");
        let done =
            conform::<IniFile>("{ path: /etc/conf, section: a, option: x, value: '1' }", world()).changed();
        let done = done.holds(FILE, "[a]\nx = 1\n").holds("/srv/conf", "[a]\n");
        let stat = done.probe().lstat(FILE).unwrap().unwrap();
        assert!(stat.is_file() && stat.mode & 0o777 == 0o640);
        let args = "{ path: /etc/conf, section: a, option: x, value: '1', follow: yes }";
        conform::<IniFile>(args, world()).changed().holds("/srv/conf", "[a]\nx = 1\n");
    }

    #[test]
    fn sections_come_and_go() {
        let args = "{ path: /etc/conf, section: c, option: v, values: [one, two] }";
        let done = conform::<IniFile>(args, world()).changed().gives("msg", "section and option added");
        let done = done
            .then(args)
            .unchanged()
            .then("{ path: /etc/conf, section: c, option: v, value: one, exclusive: no, state: absent }");
        let done = done
            .changed()
            .then("{ path: /etc/conf, section: b, state: absent }")
            .changed()
            .gives("msg", "section removed");
        done.holds(FILE, "top=1\n\n[a]\nx = 1\n# note\n\n[c]\nv = two\n");
    }

    #[test]
    fn options_before_all_sections_and_files_that_are_not_there() {
        conform::<IniFile>("{ path: /etc/conf, option: top, value: '2' }", world())
            .changed()
            .holds(FILE, "top = 2\n\n[a]\nx = 1\n# note\n\n[b]\n#y = 0\nx=1\nx=2\n");
        conform::<IniFile>("{ path: /etc/conf, option: top, value: '1', ignore_spaces: yes }", world())
            .unchanged();
        conform::<IniFile>("{ path: /new/f, section: s, option: o, value: v }", World::new())
            .changed()
            .holds("/new/f", "\n[s]\no = v\n");
        conform::<IniFile>("{ path: /no, section: s, create: no }", World::new()).failed("does not exist!");
        conform::<IniFile>("{ path: /etc/conf, section: a, option: o }", world()).failed("must be defined");
    }
}
