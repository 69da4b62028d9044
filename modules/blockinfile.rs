//! Keep a block of lines in a file, between two marker lines.
//!
//! ```yaml
//! - blockinfile: { path: /etc/ssh/sshd_config, block: "Match User agent\nPasswordAuthentication no" }
//! - blockinfile: { path: /var/www/index.html, marker: '<!-- {mark} BLOCK -->', insertafter: <body>, block: <h1>Hi</h1> }
//! - blockinfile: { path: /etc/hosts, marker: '# {mark} old', block: '' }
//! ```
use std::path::PathBuf;

use shevek_kit::prelude::*;
use shevek_pyre::{Flags, Regex, from_latin1, latin1};

use crate::editing::{Edit, pattern, search};

/// Arguments of `blockinfile`.
#[derive(Args)]
#[module(procedure)]
#[rule(exclusive("insertbefore", "insertafter"))]
pub struct Blockinfile {
    /// The file to change.
    #[arg(aliases("dest", "destfile", "name"))]
    path: PathBuf,
    /// Whether the block is there.
    #[arg(default = "present")]
    state: Presence,
    /// The marker lines; `{mark}` stands for `marker_begin` and `marker_end`.
    #[arg(default = "# {mark} ANSIBLE MANAGED BLOCK")]
    marker: String,
    /// The text between the markers. Empty: the block is removed.
    #[arg(default = "", alias = "content")]
    block: String,
    /// Where a new block goes: after the last line that this pattern finds; `EOF` is the end of the file.
    insertafter: Option<String>,
    /// Where a new block goes: before the last line that this pattern finds; `BOF` is the start of the file.
    insertbefore: Option<String>,
    /// Make the file if it is not there.
    #[arg(default = false)]
    create: bool,
    /// Keep a copy of the old file, with a time in its name.
    #[arg(default = false)]
    backup: bool,
    /// A command that must succeed on the new file before it takes its place; `%s` stands for the file.
    validate: Option<String>,
    /// What `{mark}` is in the first marker.
    #[arg(default = "BEGIN")]
    marker_begin: String,
    /// What `{mark}` is in the last marker.
    #[arg(default = "END")]
    marker_end: String,
    /// Have an empty line after the block, unless it is the end of the file.
    #[arg(default = false)]
    append_newline: bool,
    /// Have an empty line before the block, unless it is the start of the file.
    #[arg(default = false)]
    prepend_newline: bool,
    /// Owner, mode and the like.
    #[arg(flatten)]
    attributes: FileAttributes,
}

impl Procedure for Blockinfile {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let edit = Edit {
            validate: self.validate.as_deref(),
            backup: self.backup,
            ..Edit::of(&self.path, &self.attributes)
        };
        let before = edit.read(host)?;
        let present = self.state == Presence::Present;
        if before.is_none() {
            if !self.create {
                let message = format!("Path {} does not exist !", self.path.display());
                return Err(Fault::absent(message).with("rc", 257));
            }
            if !present {
                let message = format!("File {} not present", self.path.display());
                return Ok(Outcome::ok().with("msg", message));
            }
            edit.make_folders(host)?;
        }
        let block = self.block_lines();
        let after = from_latin1(&self.edited(&latin1(before.as_deref().unwrap_or_default()), &block)?);
        let message = match &before {
            None => "File created",
            Some(before) if *before == after => "",
            Some(_) if block.is_empty() => "Block removed",
            Some(_) => "Block inserted",
        };
        let changed = !message.is_empty();
        let mut backup = None;
        if changed {
            edit.content_diff(host, before.as_deref().unwrap_or_default(), &after);
            backup = edit.save(host, &after)?;
        }
        let mut outcome = edit.finish(host, changed, message)?;
        if let Some(backup) = backup {
            outcome.set("backup_file", &backup);
        }
        Ok(outcome)
    }
}

impl Blockinfile {
    fn marker(&self, mark: &str) -> String {
        latin1(format!("{}\n", self.marker.replace("{mark}", mark)).as_bytes())
    }

    /// The lines that shall be there, with the markers; none if the block shall not be there.
    fn block_lines(&self) -> Vec<String> {
        if self.state == Presence::Absent || self.block.is_empty() {
            return Vec::new();
        }
        let mut block = latin1(self.block.as_bytes());
        if !block.ends_with('\n') {
            block.push('\n');
        }
        let mut all = vec![self.marker(&self.marker_begin)];
        all.extend(split_lines(&block));
        all.push(self.marker(&self.marker_end));
        all
    }

    /// The file with the block in its place.
    fn edited(&self, text: &str, block: &[String]) -> Result<String> {
        let mut lines = split_lines(text);
        let (begin, end) = (self.marker(&self.marker_begin), self.marker(&self.marker_end));
        let last = |marker: &String| lines.iter().rposition(|line| line == marker);
        let mut at = match (last(&begin), last(&end)) {
            (Some(begin), Some(end)) => {
                let first = begin.min(end);
                lines.drain(first..=begin.max(end));
                first
            }
            _ => self.place(text, &lines)?.min(lines.len()),
        };
        if let Some(above) = at.checked_sub(1).and_then(|above| lines.get_mut(above))
            && !above.ends_with('\n')
        {
            above.push('\n');
        }
        let blank = || std::iter::once("\n".to_owned());
        let present = self.state == Presence::Present;
        let above = at.checked_sub(1).and_then(|above| lines.get(above));
        if self.prepend_newline && present && above.is_some_and(|line| line != "\n") {
            lines.splice(at..at, blank());
            at += 1;
        }
        lines.splice(at..at, block.iter().cloned());
        let below = at + block.len();
        if self.append_newline && present && lines.get(below).is_some_and(|line| line != "\n") {
            lines.splice(below..below, blank());
        }
        Ok(lines.concat())
    }

    /// The number of the line before which a new block goes.
    fn place(&self, text: &str, lines: &[String]) -> Result<usize> {
        let (regex, after) = match (self.insertafter.as_deref(), self.insertbefore.as_deref()) {
            (Some("EOF") | None, None) => return Ok(lines.len()),
            (_, Some("BOF")) => return Ok(0),
            (Some(after), _) => (pattern("insertafter", after)?, true),
            (None, Some(before)) => (pattern("insertbefore", before)?, false),
        };
        let found = if regex.flags().has(Flags::MULTILINE) {
            in_text(&regex, text, after)?
        } else {
            let mut found = None;
            for (number, line) in lines.iter().enumerate() {
                if search(&regex, line)?.is_some() {
                    found = Some(number);
                }
            }
            found
        };
        Ok(found.map_or(lines.len(), |number| number + usize::from(after)))
    }
}

/// The number of the line where a match in the whole text ends, or starts.
fn in_text(regex: &Regex, text: &str, after: bool) -> Result<Option<usize>> {
    let found = search(regex, text)?;
    let until = found.map(|captures| if after { captures.end() } else { captures.start() });
    Ok(until.map(|until| text.get(..until).unwrap_or_default().matches('\n').count()))
}

/// Lines with their ends, as Python's `splitlines` has them of bytes: they end with `\n`, `\r\n` or `\r`.
fn split_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let (body, end) = match line.strip_suffix("\r\n") {
            Some(body) => (body, "\r\n"),
            None => (line, ""),
        };
        let mut parts: Vec<String> = body.split_inclusive('\r').map(str::to_owned).collect();
        match parts.last_mut().filter(|last| !end.is_empty() && !last.ends_with('\r')) {
            Some(last) => last.push_str(end),
            None if !end.is_empty() => parts.push(end.to_owned()),
            None => {}
        }
        lines.append(&mut parts);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "# BEGIN ANSIBLE MANAGED BLOCK\nx\ny\n# END ANSIBLE MANAGED BLOCK\n";

    /// Runs on a file with this text; `#` stands for the block of lines `x` and `y`.
    #[track_caller]
    fn edits(before: &str, args: &str, after: &str, message: &str) {
        let (before, after) = (before.replace('#', BLOCK), after.replace('#', BLOCK));
        let args = format!("{{ path: /f, {args} }}");
        let done = conform::<Blockinfile>(&args, World::new().file("/f", before)).holds("/f", &after);
        done.gives("msg", message).then(&args).unchanged().holds("/f", &after);
    }

    #[test]
    fn a_block_goes_where_the_task_says() {
        let block = r#"block: "x\ny""#;
        edits("a\nb", block, "a\nb\n#", "Block inserted");
        edits("a\nb\n", &format!("{block}, insertbefore: BOF"), "#a\nb\n", "Block inserted");
        edits("a\nb\na\n", &format!("{block}, insertafter: ^a"), "a\nb\na\n#", "Block inserted");
        edits("a\nb\na\nb\n", &format!("{block}, insertbefore: ^a"), "a\nb\n#a\nb\n", "Block inserted");
        edits("a\nb\n", &format!("{block}, insertafter: z"), "a\nb\n#", "Block inserted");
        edits("a\nb\nc\n", &format!("{block}, insertafter: '(?m)a\\nb'"), "a\nb\n#c\n", "Block inserted");
        edits("a\nb\nc\n", &format!("{block}, insertbefore: '(?m)b\\nc'"), "a\n#b\nc\n", "Block inserted");
    }

    #[test]
    fn a_block_that_is_there_is_replaced_or_removed() {
        edits("a\n#b\n", r#"block: "x\ny\n""#, "a\n#b\n", "");
        let old = "a\n# BEGIN ANSIBLE MANAGED BLOCK\nold\n# END ANSIBLE MANAGED BLOCK\nb\n";
        let done = conform::<Blockinfile>(r#"{ path: /f, block: "x\ny" }"#, World::new().file("/f", old));
        done.changed().holds("/f", &format!("a\n{BLOCK}b\n"));
        edits("a\n#b\n", "block: ''", "a\nb\n", "Block removed");
        edits("a\n#b\n", "state: absent, block: q", "a\nb\n", "Block removed");
        edits("a\n", "state: absent", "a\n", "");
    }

    #[test]
    fn markers_can_be_chosen() {
        let args = "marker: '<!-- {mark} -->', marker_begin: A, marker_end: Z, block: é";
        edits("a\n", args, "a\n<!-- A -->\né\n<!-- Z -->\n", "Block inserted");
    }

    #[test]
    fn empty_lines_around_the_block() {
        let args = r#"block: "x\ny", insertafter: ^a, prepend_newline: yes, append_newline: yes"#;
        edits("a\nb\n", args, "a\n\n#\nb\n", "Block inserted");
        edits("", args, "#", "Block inserted");
    }

    #[test]
    fn a_missing_file_is_made_only_if_asked() {
        conform::<Blockinfile>("{ path: /s/f, block: x }", World::new())
            .failed("Path /s/f does not exist !")
            .gives("rc", 257);
        let args = r#"{ path: /s/f, block: "x\ny", create: yes }"#;
        conform::<Blockinfile>(args, World::new())
            .changed()
            .gives("msg", "File created")
            .holds("/s/f", BLOCK);
        conform::<Blockinfile>("{ path: /s/f, state: absent, create: yes }", World::new())
            .unchanged()
            .gives("msg", "File /s/f not present");
    }

    #[test]
    fn a_check_that_fails_keeps_the_old_file() {
        let world = World::new().file("/f", "a\n").answers("sshd *", Ran::failed(255, "no"));
        conform_apart::<Blockinfile>("{ path: /f, block: x, validate: 'sshd -t -f %s' }", world)
            .failed("failed to validate: rc:255 error:no")
            .holds("/f", "a\n");
        let done =
            conform::<Blockinfile>("{ path: /f, block: x, backup: yes }", World::new().file("/f", "a\n"));
        let backup = done.outcome().get("backup_file").unwrap().as_str().unwrap().to_owned();
        done.holds(&backup, "a\n");
    }

    #[test]
    fn lines_end_in_three_ways() {
        assert_eq!(split_lines("a\rb\r\nc\n\r\nd"), ["a\r", "b\r\n", "c\n", "\r\n", "d"]);
    }
}
