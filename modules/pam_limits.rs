//! Set limits of users' processes.
//!
//! ```yaml
//! - community.general.pam_limits: { domain: joe, limit_type: soft, limit_item: nofile, value: '64000' }
//! - community.general.pam_limits: { domain: '@students', limit_type: hard, limit_item: nproc, value: '20', use_min: true }
//! ```
use shevek_kit::prelude::*;
use shevek_kit::printed::python_repr;

/// Arguments of `pam_limits`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
pub struct PamLimits {
    /// Whom it limits: a user, `@GROUP`, `*`, or a range of numbers.
    domain: String,
    /// Which limit.
    #[arg(required)]
    limit_type: Type,
    /// What it limits.
    #[arg(required)]
    limit_item: Item,
    /// How much.
    value: String,
    /// Keep what is there if it is more.
    #[arg(default = false)]
    use_max: bool,
    /// Keep what is there if it is less.
    #[arg(default = false)]
    use_min: bool,
    /// Keep a copy of the file.
    #[arg(default = false)]
    backup: bool,
    /// The file.
    #[arg(default = "/etc/security/limits.conf")]
    dest: String,
    /// A remark to put behind it.
    #[arg(default = "")]
    comment: String,
}

/// Which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Type {
    /// The one that users can go up to.
    Hard,
    /// The one that they have.
    Soft,
    /// Both.
    #[choice("-")]
    Both,
}

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "each is the item of that name in limits.conf(5)")]
pub enum Item {
    Core,
    Data,
    Fsize,
    Memlock,
    Nofile,
    Rss,
    Stack,
    Cpu,
    Nproc,
    As,
    Maxlogins,
    Maxsyslogins,
    Priority,
    Locks,
    Sigpending,
    Msgqueue,
    Nice,
    Rtprio,
    Chroot,
}

fn is_unlimited(value: &str) -> bool {
    matches!(value, "unlimited" | "infinity" | "-1")
}

/// Fails unless a value suits what it limits.
fn check(item: &str, value: &str, place: &str) -> Result<()> {
    let shown = python_repr(&value.into());
    let of = python_repr(&item.into());
    if matches!(item, "nice" | "priority") {
        if value.trim().parse::<i64>().is_ok_and(|value| (-20..=19).contains(&value)) {
            return Ok(());
        }
        fail!(
            "{place} Value of {shown} for item {of} is invalid. Value must be a number in the range -20 to 19 inclusive. Refer to the limits.conf(5) manual pages for more details."
        );
    }
    if is_unlimited(value) || (!value.is_empty() && value.chars().all(|c| c.is_ascii_digit())) {
        return Ok(());
    }
    fail!(
        "{place} Value of {shown} for item {of} is invalid. Value must either be 'unlimited', 'infinity' or -1, all of which indicate no limit, or a limit of 0 or larger. Refer to the limits.conf(5) manual pages for more details."
    )
}

impl Procedure for PamLimits {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let there = host.stat(&self.dest)?.filter(Stat::is_file);
        let folder = std::path::Path::new(&self.dest).parent().unwrap_or(std::path::Path::new("/"));
        if there.is_some() && !host.may(&self.dest, Access::Write) {
            fail!("{} is not writable. Use sudo", self.dest);
        }
        if there.is_none() && !(host.is_folder(folder) && host.may(folder, Access::Write)) {
            return Err(Fault::absent(format!(
                "directory {} is not writable (check presence, access rights, use sudo)",
                folder.display()
            )));
        }
        if self.use_max && self.use_min {
            fail!("Cannot use use_min and use_max at the same time.");
        }
        check(self.limit_item.word(), &self.value, "")?;
        let before = match there {
            Some(_) => host.read(&self.dest)?,
            None => Vec::new(),
        };
        let Ok(text) = String::from_utf8(before.clone()) else { fail!("{} is not UTF-8", self.dest) };
        let (after, message) = self.edited(&text)?;
        let changed = there.is_none() || after != text;
        let mut backup = None;
        if changed {
            // Differs from Ansible: there a copy is made even where nothing changes.
            if self.backup && there.is_some() {
                backup = Some(host.backup(&self.dest)?);
            }
            let path = followed(host, std::path::Path::new(&self.dest), Links::Follow);
            host.write(path, &after)?;
            host.diff(Diff { before: text.into(), after: after.into(), ..Diff::default() });
        }
        let outcome = Outcome::ok().changed_if(changed).with("msg", message);
        Ok(match backup {
            Some(backup) => outcome.with("backup_file", backup.as_path()),
            None => outcome,
        })
    }
}

impl PamLimits {
    /// The file's text with the limit, and the line that has it.
    fn edited(&self, text: &str) -> Result<(String, String)> {
        let place = format!("Invalid configuration found in '{}'.", self.dest);
        let mut out = String::new();
        let mut message = None;
        let mut remark = self.comment.clone();
        for line in text.split_inclusive('\n') {
            let (plain, old_remark) = line.split_once('#').unwrap_or((line, ""));
            let fields: Vec<&str> = plain.split_whitespace().collect();
            if line.starts_with('#') || line.trim().is_empty() {
                out.push_str(line);
                continue;
            }
            // Ansible takes over the remark of any line before, too, if the task has none.
            if remark.is_empty() {
                remark = old_remark.to_owned();
            }
            let [domain, kind, item, value] = fields.as_slice() else {
                out.push_str(line);
                continue;
            };
            check(item, value, &place)?;
            let is_it =
                *domain == self.domain && *kind == self.limit_type.word() && *item == self.limit_item.word();
            if !is_it {
                out.push_str(line);
                continue;
            }
            let wanted = if self.value == *value { self.value.clone() } else { self.wanted(value) };
            let new = if wanted == *value { line.to_owned() } else { self.line(&wanted, &mut remark) };
            out.push_str(&new);
            message = Some(new);
        }
        if let Some(message) = message {
            return Ok((out, message));
        }
        let new = self.line(&self.value, &mut remark);
        // Differs from Ansible: a last line without its end is not grown together with the new one.
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&new);
        Ok((out, new))
    }

    /// The value to have where this one is.
    fn wanted(&self, old: &str) -> String {
        let (new_is_none, old_is_none) = (is_unlimited(&self.value), is_unlimited(old));
        let numbers = || Some((self.value.parse::<i64>().ok()?, old.parse::<i64>().ok()?));
        match (self.use_max, self.use_min) {
            (true, _) if old_is_none => old.to_owned(),
            (true, _) if new_is_none => self.value.clone(),
            (true, _) => numbers().map_or_else(|| self.value.clone(), |(new, old)| new.max(old).to_string()),
            (_, true) if old_is_none && new_is_none => old.to_owned(),
            (_, true) if old_is_none => self.value.clone(),
            (_, true) if new_is_none => old.to_owned(),
            (_, true) => numbers().map_or_else(|| self.value.clone(), |(new, old)| new.min(old).to_string()),
            (false, false) => self.value.clone(),
        }
    }

    fn line(&self, value: &str, remark: &mut String) -> String {
        if !remark.is_empty() {
            *remark = format!("\t#{remark}");
        }
        // Differs from Ansible: there a remark that is taken over brings an empty line with it.
        let remark = remark.trim_end_matches('\n');
        format!("{}\t{}\t{}\t{value}{remark}\n", self.domain, self.limit_type.word(), self.limit_item.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/etc/security/limits.conf";

    fn world() -> World {
        World::new().file(FILE, "# own\n\njoe  soft nofile 1000\n*\thard\tcore\tunlimited\n")
    }

    #[test]
    fn a_last_line_without_its_end_stays_a_line() {
        let world = World::new().file(FILE, "joe - core 0");
        conform::<PamLimits>("{ domain: ann, limit_type: '-', limit_item: core, value: '1' }", world)
            .changed()
            .holds(FILE, "joe - core 0\nann\t-\tcore\t1\n");
    }

    #[test]
    fn a_limit_is_changed_or_added() {
        let done = conform::<PamLimits>(
            "{ domain: joe, limit_type: soft, limit_item: nofile, value: 2000 }",
            world(),
        );
        let done = done.changed().gives("msg", "joe\tsoft\tnofile\t2000\n");
        let done = done.holds(FILE, "# own\n\njoe\tsoft\tnofile\t2000\n*\thard\tcore\tunlimited\n");
        done.then("{ domain: joe, limit_type: soft, limit_item: nofile, value: 2000 }").unchanged();
        let args = "{ domain: '@ops', limit_type: '-', limit_item: nproc, value: -1, comment: many }";
        conform::<PamLimits>(args, world()).holds(
            FILE,
            "# own\n\njoe  soft nofile 1000\n*\thard\tcore\tunlimited\n@ops\t-\tnproc\t-1\t#many\n",
        );
    }

    #[test]
    fn the_larger_or_the_smaller_value_stays() {
        let of = |rest: &str| format!("{{ domain: joe, limit_type: soft, limit_item: nofile, {rest} }}");
        conform::<PamLimits>(&of("value: 500, use_max: yes"), world()).unchanged();
        conform::<PamLimits>(&of("value: 1500, use_max: yes"), world()).changed();
        conform::<PamLimits>(&of("value: unlimited, use_min: yes"), world()).unchanged();
        conform::<PamLimits>(&of("value: 500, use_min: yes"), world()).changed();
        conform::<PamLimits>(&of("value: 500, use_min: yes, use_max: yes"), world())
            .failed("at the same time");
        conform::<PamLimits>(&of("value: lots"), world())
            .failed("Value of 'lots' for item 'nofile' is invalid");
    }

    #[test]
    fn a_file_that_is_not_there_is_made() {
        let args = "{ domain: joe, limit_type: soft, limit_item: nice, value: -5, dest: /etc/own.conf }";
        conform::<PamLimits>(args, World::new()).changed().holds("/etc/own.conf", "joe\tsoft\tnice\t-5\n");
        let args = "{ domain: joe, limit_type: soft, limit_item: nice, value: 50 }";
        conform::<PamLimits>(args, world()).failed("-20 to 19");
        let wrong = World::new().file(FILE, "a soft nofile x\n");
        let args = "{ domain: joe, limit_type: soft, limit_item: nofile, value: 5 }";
        conform::<PamLimits>(args, wrong)
            .failed("Invalid configuration found in '/etc/security/limits.conf'.");
    }
}
