//! Run a module that the user brings: a script or program that takes Ansible's arguments and prints JSON.
//!
//! No task names it: the controller calls it for what it finds in `library/`.
use std::path::PathBuf;

use shevek_kit::json;
use shevek_kit::prelude::*;

/// Arguments of `foreign`; the controller sets all of them.
#[derive(Args)]
#[module(procedure)]
pub struct Foreign {
    /// The module's file.
    content: Content,
    /// The name of that file.
    file: String,
    /// What goes into the file of arguments, for modules that are given one.
    input: Option<String>,
    /// The program that runs it, with its arguments; none: it is a program itself.
    interpreter: Option<Vec<String>>,
    /// Whether that is Python, wherever the host has it.
    #[arg(default = false)]
    python: bool,
    /// Whether long files stay on the host for the next time.
    #[arg(default = false)]
    keep: bool,
}

/// Files longer than this are worth keeping: shorter ones travel inside the request anyway.
const SHORT: u64 = shevek_kit::proto::INLINE_BLOB as u64;

/// Where Python may be, best first: the system's own before what a user has put before it.
const PYTHONS: [&str; 4] = ["/usr/bin/python3", "python3", "python", "/usr/libexec/platform-python"];

/// The module's file on the host.
enum Placed {
    /// For this call alone.
    Staged(Staged),
    /// For later ones too.
    Kept(PathBuf),
}

impl Placed {
    fn path(&self) -> &PathBuf {
        match self {
            Placed::Staged(staged) => &staged.path,
            Placed::Kept(path) => path,
        }
    }
}

impl Foreign {
    fn folder(host: &Probe) -> Result<PathBuf> {
        host.program_folder()
    }

    fn place(&self, host: &mut Host) -> Result<Placed> {
        if self.keep
            && self.content.size() > SHORT
            && let Some(kept) = self.kept(host)
        {
            return Ok(Placed::Kept(kept));
        }
        let mut source = host.content(&self.content)?;
        let staged = host.stage(Self::folder(host)?.join(&self.file), &mut source)?;
        host.chmod(&staged.path, 0o700)?;
        Ok(Placed::Staged(staged))
    }

    /// The file in the user's cache, put there if it is not yet; `None` where there can be no cache.
    fn kept(&self, host: &mut Host) -> Option<PathBuf> {
        let mut folder = PathBuf::from(host.env("XDG_CACHE_HOME").unwrap_or_else(|| host.expand("~/.cache")));
        for part in ["shevek", "modules"] {
            if !host.is_folder(&folder) {
                host.mkdir(&folder, 0o700).ok()?;
            }
            folder.push(part);
        }
        if !host.is_folder(&folder) {
            host.mkdir(&folder, 0o700).ok()?;
        }
        // Nobody else may have had a hand in what is about to be run.
        let home = host.lstat(&folder).ok()??;
        if home.uid != host.identity().uid || home.mode & 0o022 != 0 {
            return None;
        }
        let checksum = host.sha1(&self.content).ok()?;
        let path = folder.join(&checksum);
        if host.exists(&path) && host.checksum(&path, Algorithm::Sha1).is_ok_and(|there| there == checksum) {
            return Some(path);
        }
        let how = Commit { mode: Some(0o700), fresh: true, ..Commit::default() };
        host.write_content(&path, &self.content, &how).ok()?;
        Some(path)
    }

    /// The command line, less the file of arguments.
    fn command(&self, host: &Probe, program: &PathBuf) -> Result<Command> {
        if self.python {
            let Some(python) = PYTHONS.iter().find_map(|name| host.which(name)) else {
                fail!("the module {} is written in Python, and there is no Python on the host", self.file)
            };
            return Ok(cmd(python).args(self.interpreter.iter().flatten()).arg(program));
        }
        Ok(match self.interpreter.as_deref().and_then(<[String]>::split_first) {
            Some((first, rest)) => cmd(first).args(rest).arg(program),
            None => cmd(program),
        })
    }
}

impl Procedure for Foreign {
    fn guard(&self, _host: &Probe) -> Result<Guard> {
        Ok(Guard::Run)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let placed = self.place(host)?;
        let mut command = self.command(host, placed.path())?.any_rc().own_locale();
        let mut given = None;
        if let Some(input) = &self.input {
            let staged = host.stage(Self::folder(host)?.join("args"), &mut input.as_bytes())?;
            command = command.arg(&staged.path);
            given = Some(staged);
        }
        let ran = host.run(command);
        given.into_iter().for_each(|staged| host.discard(staged));
        if let Placed::Staged(staged) = placed {
            host.discard(staged);
        }
        match ran {
            Ok(ran) => Ok(told(&ran)),
            Err(fault) if fault.kind == shevek_kit::fault::Kind::Absent && self.interpreter.is_some() => {
                let interpreter = self.interpreter.iter().flatten().map(String::as_str);
                let interpreter = interpreter.collect::<Vec<_>>().join(" ");
                let message = format!("The module interpreter '{interpreter}' was not found.");
                let ran = Ran::failed(127, format!("{}\n", fault.message));
                Ok(unreadable(&ran, message))
            }
            Err(fault) => Err(fault),
        }
    }
}

/// What the module printed.
fn told(ran: &Ran) -> Outcome {
    let out = ran.out();
    let read = object(&out).and_then(|(text, junk)| Ok((json::read(&text)?, junk)));
    match read {
        Ok((Val::Map(entries), junk)) => outcome(entries, junk),
        Ok(_) => unreadable(ran, "Module result deserialization failed: it is no mapping".to_owned()),
        Err(why) => unreadable(ran, format!("Module result deserialization failed: {why}")),
    }
}

fn unreadable(ran: &Ran, message: String) -> Outcome {
    Outcome::failure(message)
        .with("module_stdout", ran.out())
        .with("module_stderr", ran.err())
        .with("rc", ran.rc)
}

/// The lines from the first that begins an object to the last that ends one, and a warning of what follows.
fn object(out: &str) -> Result<(String, Option<String>), String> {
    let lines: Vec<&str> = out.lines().collect();
    let first = lines.iter().position(|line| line.trim_start().starts_with('{'));
    let first = first.ok_or("No start of json char found")?;
    let last = lines.iter().rposition(|line| line.trim_end().ends_with('}'));
    let last = last.filter(|last| *last >= first).ok_or("No end of json char found")?;
    let text = lines.get(first..=last).unwrap_or_default().join("\n");
    let junk = lines.get(last + 1..).unwrap_or_default();
    let is_junk = junk.iter().any(|line| !line.trim().is_empty());
    let warning = || format!("Module invocation had junk after the JSON data: {}", junk.join("\n"));
    Ok((text, is_junk.then(warning)))
}

fn outcome(entries: Vec<(String, Val)>, junk: Option<String>) -> Outcome {
    let mut outcome = Outcome::ok();
    outcome.warnings.extend(junk);
    let mut failed = None;
    for (key, value) in entries {
        match (key.as_str(), value) {
            ("changed", value) => outcome.changed = is_true(&value),
            ("failed", value) => failed = Some(is_true(&value)),
            ("skipped", value) => outcome.skipped = is_true(&value),
            ("ansible_facts", Val::Map(facts)) => outcome.facts = facts,
            ("warnings", Val::List(warnings)) => {
                outcome.warnings.extend(warnings.iter().filter_map(Val::as_str).map(str::to_owned));
            }
            ("diff", Val::List(diffs)) => outcome.diff.extend(diffs.into_iter().map(diff)),
            ("diff", value @ Val::Map(_)) => outcome.diff.push(diff(value)),
            ("results", value) if !matches!(value, Val::List(_) | Val::Map(_)) => {
                outcome.warnings.push(
                    "Found internal 'results' key in module return, renamed to 'ansible_module_results'."
                        .to_owned(),
                );
                outcome.set("ansible_module_results", value);
            }
            // What it was called with is known here.
            ("invocation", _) => {}
            (internal, value) if internal.starts_with("_ansible_") => {
                let value = match &value {
                    Val::Str(text) => text.clone(),
                    other => json::write(other),
                };
                outcome
                    .warnings
                    .push(format!("Removed unexpected internal key in module return: {internal} = {value}"));
            }
            (_, value) => outcome.set(&key, value),
        }
    }
    // Old modules tell of failures by an exit code of their own.
    let rc = outcome.get("rc").is_some_and(|rc| !matches!(rc, Val::Int(0)) && rc.as_str() != Some("0"));
    outcome.failed = failed.unwrap_or(rc);
    outcome
}

fn is_true(value: &Val) -> bool {
    match value {
        Val::Bool(b) => *b,
        Val::Int(i) => *i != 0,
        Val::Str(text) => !text.is_empty(),
        _ => false,
    }
}

fn diff(value: Val) -> Diff {
    let mut diff = Diff::default();
    let Val::Map(entries) = value else { return diff };
    for (key, value) in entries {
        let text = || value.as_str().map(str::to_owned);
        match key.as_str() {
            "before_header" => diff.before_header = text(),
            "after_header" => diff.after_header = text(),
            "prepared" => diff.prepared = text(),
            "before" => diff.before = value,
            "after" => diff.after = value,
            _ => {}
        }
    }
    diff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> Outcome {
        told(&Ran::said(text))
    }

    #[test]
    fn junk_around_the_result_is_passed_over_and_what_follows_is_told() {
        let outcome = printed("motd\n[no object]\n  {\"changed\": true,\n\"msg\": \"x\"}\n\nbye\n");
        assert!(outcome.changed && !outcome.failed);
        assert_eq!(outcome.message(), "x");
        assert_eq!(outcome.warnings, ["Module invocation had junk after the JSON data: \nbye"]);
    }

    #[test]
    fn without_a_result_the_output_is_told() {
        let outcome = told(&Ran { rc: 3, stdout: b"nothing\n".to_vec(), ..Ran::failed(3, "err") });
        assert!(outcome.failed);
        assert_eq!(outcome.message(), "Module result deserialization failed: No start of json char found");
        assert_eq!(outcome.get("rc"), Some(&Val::Int(3)));
        assert_eq!(outcome.get("module_stdout"), Some(&Val::Str("nothing\n".into())));
        assert_eq!(
            printed("{\n").message(),
            "Module result deserialization failed: No end of json char found"
        );
    }

    #[test]
    fn an_exit_code_in_the_result_is_a_failure_unless_it_says_otherwise() {
        assert!(printed(r#"{"rc": 4}"#).failed);
        assert!(!printed(r#"{"rc": "0"}"#).failed);
        assert!(!printed(r#"{"rc": 4, "failed": false}"#).failed);
    }

    #[test]
    fn what_a_module_may_not_say_is_taken_out() {
        let outcome = printed(r#"{"_ansible_x": 3, "results": 3, "diff": {"before": "a", "after": "b"}}"#);
        assert_eq!(outcome.get("_ansible_x"), None);
        assert_eq!(outcome.get("ansible_module_results"), Some(&Val::Int(3)));
        assert_eq!(outcome.warnings.len(), 2);
        assert_eq!(outcome.diff[0].after, Val::Str("b".into()));
    }
}
