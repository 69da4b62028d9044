//! Make sure that a line is in a file, or is not.
//!
//! Adds a line, or replaces the last one that a pattern finds; or removes all that it finds. For changes of more than a line see
//! `replace` and `blockinfile`.
//!
//! ```yaml
//! - lineinfile: { path: /etc/selinux/config, regexp: '^SELINUX=', line: SELINUX=enforcing }
//! - lineinfile: { path: /etc/sudoers, state: absent, regexp: '^%wheel' }
//! - lineinfile: { path: /etc/httpd.conf, regexp: '^Listen ', insertafter: '^#Listen ', line: Listen 8080 }
//! - lineinfile: { path: /etc/sudoers, line: '%ADMIN ALL=(ALL) NOPASSWD: ALL', validate: /usr/sbin/visudo -cf %s }
//! ```
use std::path::PathBuf;

use shevek_kit::prelude::*;
use shevek_pyre::{Captures, Regex, Replacement, from_latin1, latin1};

use crate::editing::{Edit, ended, pattern, search};

/// Arguments of `lineinfile`.
#[derive(Args)]
#[module(procedure)]
#[rule(exclusive("insertbefore", "insertafter"), exclusive("regexp", "search_string"))]
#[rule(exclusive("backrefs", "search_string"))]
pub struct Lineinfile {
    /// The file to change.
    #[arg(aliases("dest", "destfile", "name"))]
    path: PathBuf,
    /// Whether the line is there.
    #[arg(default = "present")]
    state: Presence,
    /// Pattern of the line to replace (the last one it finds), or of the lines to remove.
    #[arg(alias = "regex")]
    regexp: Option<String>,
    /// Words within the line to replace (the last one that has them), or within the lines to remove.
    search_string: Option<String>,
    /// The line.
    #[arg(alias = "value")]
    line: Option<String>,
    /// Where a new line goes: after the last line that this pattern finds; `EOF` is the end of the file.
    insertafter: Option<String>,
    /// Where a new line goes: before the last line that this pattern finds; `BOF` is the start of the file.
    insertbefore: Option<String>,
    /// Put what `regexp` captured into `line` (`\1`, `\g<name>`); nothing is added when it finds nothing.
    #[arg(default = false)]
    backrefs: bool,
    /// Make the file if it is not there.
    #[arg(default = false)]
    create: bool,
    /// Keep a copy of the old file, with a time in its name.
    #[arg(default = false)]
    backup: bool,
    /// Take the first line that a pattern finds, not the last.
    #[arg(default = false)]
    firstmatch: bool,
    /// A command that must succeed on the new file before it takes its place; `%s` stands for the file.
    validate: Option<String>,
    /// Owner, mode and the like.
    #[arg(flatten)]
    attributes: FileAttributes,
}

/// Where a line goes that is not there yet.
enum Place {
    Start,
    End,
    After(Regex),
    Before(Regex),
}

/// What says that a line is the one.
enum Finder {
    Pattern(Regex),
    Words(String),
    Whole,
}

impl Procedure for Lineinfile {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        self.warn_of_empty(host);
        let edit = Edit {
            validate: self.validate.as_deref(),
            backup: self.backup,
            ..Edit::of(&self.path, &self.attributes)
        };
        let before = edit.read(host)?;
        let present = self.state == Presence::Present;
        let line = self.wanted_line(present)?;
        if before.is_none() {
            if !present {
                return Ok(Outcome::ok().with("msg", "file not present"));
            }
            if !self.create {
                let message = format!("Destination {} does not exist !", self.path.display());
                return Err(Fault::absent(message).with("rc", 257));
            }
            edit.make_folders(host)?;
        }
        let before = before.unwrap_or_default();
        let text = latin1(&before);
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let mut found = 0;
        let message = if present {
            self.add(&mut lines, &line)?
        } else {
            found = self.remove(&mut lines, &line)?;
            if found > 0 { format!("{found} line(s) removed") } else { String::new() }
        };
        let changed = !message.is_empty();
        let mut backup = None;
        if changed {
            let after = from_latin1(&lines.concat());
            edit.content_diff(host, &before, &after);
            backup = edit.save(host, &after)?;
        }
        let mut outcome = edit.finish(host, changed, &message)?;
        outcome.set("backup", backup.map_or_else(|| Val::from(""), |path| Val::from(&path)));
        if !present {
            outcome.set("found", found);
        }
        Ok(outcome)
    }
}

impl Lineinfile {
    fn warn_of_empty(&self, host: &Probe) {
        let (what, help) = match (self.regexp.as_deref(), self.search_string.as_deref()) {
            (Some(""), _) => (
                "regular expression",
                " If this is desired, use '^' to match every line in the file and avoid this warning.",
            ),
            (_, Some("")) => ("search string", ""),
            _ => return,
        };
        host.warn(format!(
            "The {what} is an empty string, which will match every line in the file. This may have unintended \
             consequences, such as replacing the last line in the file rather than appending.{help}"
        ));
    }

    /// The line as the file would hold it, without its end.
    fn wanted_line(&self, present: bool) -> Result<String> {
        if present && self.backrefs && self.regexp.is_none() {
            fail!("regexp is required with backrefs=true");
        }
        match &self.line {
            Some(line) => Ok(latin1(line.as_bytes())),
            None if present => fail!("line is required with state=present"),
            None if self.regexp.is_none() && self.search_string.is_none() => {
                fail!("one of line, search_string, or regexp is required with state=absent")
            }
            None => Ok(String::new()),
        }
    }

    fn finder(&self) -> Result<Finder> {
        Ok(match (&self.regexp, &self.search_string) {
            (Some(regexp), _) => Finder::Pattern(pattern("regexp", regexp)?),
            (None, Some(words)) => Finder::Words(latin1(words.as_bytes())),
            (None, None) => Finder::Whole,
        })
    }

    fn place(&self) -> Result<Place> {
        Ok(match (self.insertafter.as_deref(), self.insertbefore.as_deref()) {
            (Some("BOF"), _) | (_, Some("BOF")) => Place::Start,
            (Some("EOF" | ""), _) | (None, None | Some("")) => Place::End,
            (Some(after), _) => Place::After(pattern("insertafter", after)?),
            (None, Some(before)) => Place::Before(pattern("insertbefore", before)?),
        })
    }

    /// Puts the line in; the answer is what was done, empty if nothing was to do.
    fn add(&self, lines: &mut Vec<String>, line: &str) -> Result<String> {
        let place = self.place()?;
        let whole = format!("{line}\n");
        let finder = self.finder()?;
        let mut at = None;
        let mut expanded = None;
        for (number, now) in lines.iter().enumerate() {
            match &finder {
                Finder::Pattern(regex) => {
                    let Some(captures) = search(regex, now)? else { continue };
                    if self.backrefs {
                        expanded = Some(expand(line, regex, &captures)?);
                    }
                }
                Finder::Words(words) if now.contains(words.as_str()) => {}
                Finder::Words(_) | Finder::Whole => continue,
            }
            at = Some(number);
            if self.firstmatch {
                break;
            }
        }
        let mut insert = None;
        if at.is_none() {
            (at, insert) = self.whole_or_place(lines, line, &place)?;
        }
        if let Some(now) = at.and_then(|at| lines.get_mut(at)) {
            let mut new = expanded.unwrap_or_else(|| line.to_owned());
            if !new.ends_with('\n') {
                new.push('\n');
            }
            if *now == new {
                return Ok(String::new());
            }
            *now = new;
            return Ok("line replaced".to_owned());
        }
        if self.backrefs {
            return Ok(String::new());
        }
        match (place, insert) {
            (Place::Start, _) => lines.insert(0, whole),
            (Place::After(_), Some(after))
                if lines.get(after).is_some_and(|l| l.trim_end_matches(['\r', '\n']) == line) =>
            {
                return Ok(String::new());
            }
            (Place::Before(_), Some(at)) => lines.insert(at.min(lines.len()), whole),
            (Place::After(_), Some(at)) if at < lines.len() => lines.insert(at, whole),
            // Differs from Ansible: a last line without an end gets one here, too, where Ansible would glue the new line to
            // the one that `insertafter` found.
            _ => {
                if lines.last().is_some_and(|last| !ended(last)) {
                    lines.push("\n".to_owned());
                }
                lines.push(whole);
            }
        }
        Ok("line added".to_owned())
    }

    /// Where the line is as a whole already, and where it would be inserted.
    fn whole_or_place(
        &self,
        lines: &[String],
        line: &str,
        place: &Place,
    ) -> Result<(Option<usize>, Option<usize>)> {
        let (mut at, mut insert) = (None, None);
        for (number, now) in lines.iter().enumerate() {
            if now.trim_end_matches(['\r', '\n']) == line {
                at = Some(number);
                continue;
            }
            let here = match place {
                Place::After(regex) if search(regex, now)?.is_some() => number + 1,
                Place::Before(regex) if search(regex, now)?.is_some() => number,
                _ => continue,
            };
            insert = Some(here);
            if self.firstmatch {
                break;
            }
        }
        Ok((at, insert))
    }

    /// Takes lines out; the answer is how many.
    fn remove(&self, lines: &mut Vec<String>, line: &str) -> Result<usize> {
        let finder = self.finder()?;
        let before = lines.len();
        let mut kept = Vec::with_capacity(before);
        for now in lines.drain(..) {
            let found = match &finder {
                Finder::Pattern(regex) => search(regex, &now)?.is_some(),
                Finder::Words(words) => now.contains(words.as_str()),
                Finder::Whole => now.trim_end_matches(['\r', '\n']) == line,
            };
            if !found {
                kept.push(now);
            }
        }
        *lines = kept;
        Ok(before - lines.len())
    }
}

fn expand(line: &str, regex: &Regex, captures: &Captures<'_>) -> Result<String> {
    let template =
        Replacement::new(line, regex).map_err(|e| Fault::new(format!("line has a wrong reference: {e}")))?;
    let mut out = String::new();
    template.expand(captures, &mut out);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> World {
        World::new().file("/f", text)
    }

    /// Runs on a file with this text: what it holds then, and the message.
    #[track_caller]
    fn edits(before: &str, args: &str, after: &str, message: &str) {
        let args = format!("{{ path: /f, {args} }}");
        let done = conform::<Lineinfile>(&args, file(before)).holds("/f", after).gives("msg", message);
        done.then(&args).unchanged().holds("/f", after);
    }

    #[test]
    fn a_line_is_added_at_the_end_once() {
        edits("a\nb\n", "line: c", "a\nb\nc\n", "line added");
        edits("a\nb", "line: c", "a\nb\nc\n", "line added");
        edits("", "line: c", "c\n", "line added");
        edits("a\nc\nb\n", "line: c", "a\nc\nb\n", "");
        edits("a\nc", "line: c", "a\nc\n", "line replaced");
    }

    #[test]
    fn the_last_line_that_is_found_is_replaced() {
        edits("k=1\nx\nk=2\n", "regexp: '^k=', line: k=3", "k=1\nx\nk=3\n", "line replaced");
        edits("k=1\nx\nk=2\n", "regexp: '^k=', line: k=3, firstmatch: yes", "k=3\nx\nk=2\n", "line replaced");
        edits("k.1\nkk1\n", "search_string: 'k.', line: k.2", "k.2\nkk1\n", "line replaced");
        edits("a\n", "regexp: '^k=', line: k=3", "a\nk=3\n", "line added");
        edits("a\nk=3\n", "regexp: '^q', line: k=3", "a\nk=3\n", "");
    }

    #[test]
    fn new_lines_go_where_the_task_says() {
        edits("a\nb\na\n", "line: n, insertafter: ^a", "a\nb\na\nn\n", "line added");
        edits("a\nb\na\n", "line: n, insertafter: ^a, firstmatch: yes", "a\nn\nb\na\n", "line added");
        edits("a\nb\nb\n", "line: n, insertbefore: ^b", "a\nb\nn\nb\n", "line added");
        edits("a\nb\n", "line: n, insertbefore: BOF", "n\na\nb\n", "line added");
        edits("a\nb\n", "line: n, insertafter: EOF", "a\nb\nn\n", "line added");
        edits("a\nb\n", "line: n, insertbefore: ^z", "a\nb\nn\n", "line added");
        edits("a", "line: n, insertafter: a", "a\nn\n", "line added");
    }

    #[test]
    fn captures_go_into_the_line() {
        let args = r"regexp: '^(?P<k>\w+)=(.*)$', line: '\g<k>=<\2>', backrefs: yes";
        let done = conform::<Lineinfile>(&format!("{{ path: /f, {args} }}"), file("x\nport=80\n")).changed();
        assert_eq!(done.outcome().diff[0].after, "x\nport=<80>\n".into());
        done.holds("/f", "x\nport=<80>\n");
    }

    #[test]
    fn without_a_match_references_add_nothing() {
        edits("x\n", r"regexp: '^(y)=', line: '\1=2', backrefs: yes", "x\n", "");
    }

    #[test]
    fn lines_are_removed_all_at_once() {
        edits("a\nb\na\n", "state: absent, line: a", "b\n", "2 line(s) removed");
        edits("ab\nb\nac\n", "state: absent, regexp: ^a", "b\n", "2 line(s) removed");
        edits("a.\nb\n", "state: absent, search_string: '.'", "b\n", "1 line(s) removed");
        let done = conform::<Lineinfile>("{ path: /no, state: absent, line: a }", World::new()).unchanged();
        done.gives("msg", "file not present");
    }

    #[test]
    fn a_missing_file_is_made_only_if_asked() {
        conform::<Lineinfile>("{ path: /srv/x/f, line: a }", World::new())
            .failed("Destination /srv/x/f does not exist !")
            .gives("rc", 257);
        conform::<Lineinfile>("{ path: /srv/x/f, line: a, create: yes, mode: '0600' }", World::new())
            .changed()
            .holds("/srv/x/f", "a\n")
            .gives("msg", "line added and ownership, perms or SE linux context changed")
            .gives("backup", "");
        conform::<Lineinfile>("{ path: /etc, line: a }", World::new()).failed("Path /etc is a directory !");
    }

    #[test]
    fn attributes_links_and_backups() {
        let world = World::new().file("/real", "a\n").mode("/real", 0o640).link("/f", "/real");
        let done = conform::<Lineinfile>("{ path: /f, line: b, backup: yes }", world).changed();
        let backup = done.outcome().get("backup").unwrap().as_str().unwrap().to_owned();
        let done = done.holds("/real", "a\nb\n").holds(&backup, "a\n");
        assert_eq!(done.probe().lstat("/real").unwrap().unwrap().mode, 0o640);
        assert!(done.probe().lstat("/f").unwrap().unwrap().is_link());
    }

    #[test]
    fn what_is_not_valid_is_not_written() {
        let world = file("a\n").answers("visudo *", Ran::failed(1, "bad"));
        let done = conform_apart::<Lineinfile>("{ path: /f, line: b, validate: visudo -cf %s }", world);
        done.failed("failed to validate: rc:1 error:bad").holds("/f", "a\n");
        conform::<Lineinfile>("{ path: /f, line: b, validate: visudo }", file("a\n"))
            .failed("validate must contain %s: visudo");
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let world = World::new().file("/f", b"\xff\xe9\nk=1\n".as_slice());
        let done = conform::<Lineinfile>("{ path: /f, regexp: ^k, line: k=é }", world).changed();
        assert_eq!(done.probe().read("/f").unwrap(), b"\xff\xe9\nk=\xc3\xa9\n");
    }

    #[test]
    fn what_is_missing_is_said() {
        conform::<Lineinfile>("{ path: /f }", file("")).failed("line is required with state=present");
        conform::<Lineinfile>("{ path: /f, line: a, backrefs: yes }", file(""))
            .failed("regexp is required with backrefs=true");
        conform::<Lineinfile>("{ path: /f, state: absent }", file(""))
            .failed("one of line, search_string, or regexp is required with state=absent");
        conform::<Lineinfile>("{ path: /f, line: a, regexp: '(' }", file("")).failed("regexp is no valid");
    }
}
