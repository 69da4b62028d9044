//! Replace all that a pattern finds in a file.
//!
//! Works on the file as a whole, so a pattern may span lines. It is the task's business to choose a pattern that does not find
//! what it has put in.
//!
//! ```yaml
//! - replace: { path: /etc/hosts, regexp: '(\s+)old\.host\.name(\s+.*)?$', replace: '\1new.host.name\2' }
//! - replace: { path: /etc/apache2/default.conf, after: 'NameVirtualHost [*]', regexp: '^(.+)$', replace: '# \1' }
//! ```
use std::path::PathBuf;

use shevek_kit::prelude::*;
use shevek_pyre::{Flags, Regex};

use crate::editing::{Edit, Encoding};

/// Arguments of `replace`.
#[derive(Args)]
#[module(procedure)]
pub struct Replace {
    /// The file to change.
    #[arg(aliases("dest", "destfile", "name"))]
    path: PathBuf,
    /// The pattern; `^` and `$` also stand for starts and ends of lines.
    regexp: String,
    /// What comes instead, with references to groups (`\1`, `\g<name>`). Left out: what is found is removed.
    #[arg(default = "")]
    replace: String,
    /// Only what comes after this pattern is looked at.
    after: Option<String>,
    /// Only what comes before this pattern is looked at.
    before: Option<String>,
    /// Keep a copy of the old file, with a time in its name.
    #[arg(default = false)]
    backup: bool,
    /// A command that must succeed on the new file before it takes its place; `%s` stands for the file.
    validate: Option<String>,
    /// How the file is encoded.
    #[arg(default = "utf-8")]
    encoding: String,
    /// Owner, mode and the like.
    #[arg(flatten)]
    attributes: FileAttributes,
}

impl Procedure for Replace {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let edit = Edit {
            validate: self.validate.as_deref(),
            backup: self.backup,
            ..Edit::of(&self.path, &self.attributes)
        };
        let Some(bytes) = edit.read(host)? else {
            let message = format!("Path {} does not exist !", self.path.display());
            return Err(Fault::absent(message).with("rc", 257));
        };
        let encoding = Encoding::named(&self.encoding)?.fitting(&bytes);
        let text = encoding
            .decode(&bytes)
            .map_err(|why| Fault::new(format!("{} is not {}: {why}", self.path.display(), self.encoding)))?;
        let regex = self.pattern("regexp", &self.regexp, Flags::MULTILINE, encoding)?;
        let Some((start, end)) = self.section(&text, encoding)? else {
            let pattern = self.section_pattern().unwrap_or_default();
            let message = format!("Pattern for before/after params did not match the given file: {pattern}");
            return Ok(Outcome::ok().with("rc", 0).with("msg", message));
        };
        let section = text.get(start..end).unwrap_or_default();
        let (new, count) = regex
            .replace(section, &encoding.pattern(&self.replace), 0)
            .map_err(|e| Fault::new(format!("Unable to process replace due to error: {e}")))?;
        let changed = count > 0 && new != section;
        let mut message = String::new();
        let mut backup = None;
        if changed {
            message = format!("{count} replacements made");
            let (head, tail) = (text.get(..start).unwrap_or_default(), text.get(end..).unwrap_or_default());
            let new = [head, &new, tail].concat();
            let after = encoding.encode(&new)?;
            if host.wants_diff() {
                let path = self.path.to_string_lossy();
                host.diff(match encoding.is_bytes() {
                    true => text_diff(&path, Some(&bytes), Some(&after)),
                    false => text_diff(&path, Some(text.as_bytes()), Some(new.as_bytes())),
                });
            }
            backup = edit.save(host, &after)?;
        }
        let mut outcome = edit.finish(host, changed, &message)?.with("rc", 0);
        if let Some(backup) = backup {
            outcome.set("backup_file", &backup);
        }
        Ok(outcome)
    }
}

impl Replace {
    fn pattern(&self, option: &str, pattern: &str, flags: Flags, encoding: Encoding) -> Result<Regex> {
        Regex::new(&encoding.pattern(pattern), flags.with_if(encoding.is_bytes(), Flags::ASCII))
            .map_err(|e| Fault::new(format!("{option} is no valid regular expression: {e}: {pattern}")))
    }

    /// The pattern of the part of the file that is looked at, if that is not all.
    fn section_pattern(&self) -> Option<String> {
        let given = |option: &Option<String>| option.clone().filter(|p| !p.is_empty());
        match (given(&self.after), given(&self.before)) {
            (None, None) => None,
            (Some(after), Some(before)) => Some(format!("{after}(?P<subsection>.*?){before}")),
            (Some(after), None) => Some(format!("{after}(?P<subsection>.*)")),
            (None, Some(before)) => Some(format!("(?P<subsection>.*){before}")),
        }
    }

    /// Where the part that is looked at starts and ends; `None` if it is not in the file.
    fn section(&self, text: &str, encoding: Encoding) -> Result<Option<(usize, usize)>> {
        let Some(pattern) = self.section_pattern() else { return Ok(Some((0, text.len()))) };
        let regex = self.pattern("after or before", &pattern, Flags::DOTALL, encoding)?;
        let found = regex.search(text).map_err(|e| Fault::new(format!("{e}: {pattern}")))?;
        Ok(found.and_then(|captures| captures.span(regex.group_index("subsection")?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn replaces(before: &str, args: &str, after: &str, message: &str) {
        let done = conform::<Replace>(&format!("{{ path: /f, {args} }}"), World::new().file("/f", before));
        done.holds("/f", after).gives("msg", message).gives("rc", 0);
    }

    #[test]
    fn all_that_is_found_is_replaced() {
        replaces("a=1\nb=1\n", r"regexp: '^(\w)=1$', replace: '\1=2'", "a=2\nb=2\n", "2 replacements made");
        replaces("a x\n", "regexp: ' x'", "a\n", "1 replacements made");
        replaces("a\n", "regexp: q, replace: r", "a\n", "");
        replaces("a\n", "regexp: a, replace: a", "a\n", "");
        replaces("é.\n", r"regexp: '\w\.', replace: ü", "ü\n", "1 replacements made");
    }

    #[test]
    fn only_a_part_is_looked_at() {
        let text = "x\n<\nx\n>\nx\n";
        replaces(text, "regexp: x, replace: y, after: <", "x\n<\ny\n>\ny\n", "2 replacements made");
        replaces(text, "regexp: x, replace: y, before: '>'", "y\n<\ny\n>\nx\n", "2 replacements made");
        replaces(
            text,
            "regexp: x, replace: y, after: <, before: '>'",
            "x\n<\ny\n>\nx\n",
            "1 replacements made",
        );
        let message = "Pattern for before/after params did not match the given file: q(?P<subsection>.*)";
        replaces(text, "regexp: x, replace: y, after: q", text, message);
    }

    #[test]
    fn attributes_and_backup() {
        let world = World::new().file("/f", "a\n");
        let done =
            conform::<Replace>("{ path: /f, regexp: a, replace: b, mode: '0600', backup: yes }", world);
        let done = done
            .changed()
            .gives("msg", "1 replacements made and ownership, perms or SE linux context changed");
        let backup = done.outcome().get("backup_file").unwrap().as_str().unwrap().to_owned();
        assert_eq!(done.outcome().diff[0].after, "b\n".into());
        done.holds(&backup, "a\n").holds("/f", "b\n");
    }

    #[test]
    fn encodings() {
        let latin = World::new().file("/f", b"\xe9=1\n".as_slice());
        let done = conform::<Replace>("{ path: /f, regexp: 'é', replace: 'ü', encoding: latin-1 }", latin);
        assert_eq!(done.changed().probe().read("/f").unwrap(), b"\xfc=1\n");
        let wide = World::new().file("/f", b"\xff\xfea\0\n\0".as_slice());
        let done = conform::<Replace>("{ path: /f, regexp: a, replace: b, encoding: utf-16 }", wide);
        assert_eq!(done.changed().probe().read("/f").unwrap(), b"\xff\xfeb\0\n\0");
        let bytes = World::new().file("/f", b"\xff a\xc3\xa9\n".as_slice());
        let done = conform::<Replace>("{ path: /f, regexp: 'aé', replace: b }", bytes);
        assert_eq!(done.changed().probe().read("/f").unwrap(), b"\xff b\n");
        conform::<Replace>("{ path: /f, regexp: a, encoding: klingon }", World::new().file("/f", ""))
            .failed("unknown encoding: klingon");
    }

    #[test]
    fn what_is_wrong_is_said() {
        conform::<Replace>("{ path: /f, regexp: a }", World::new()).failed("Path /f does not exist !");
        conform::<Replace>(r"{ path: /f, regexp: a, replace: '\2' }", World::new().file("/f", "a"))
            .failed("Unable to process replace due to error: invalid group reference 2");
    }
}
