//! `passwordstore` (community.general): secrets kept by the programs `pass` and `gopass`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use shevek_diag::{Diagnostic, Kind, Result, Source};
use shevek_python::mersenne::Random;
use shevek_python::path::expand_user;
use shevek_python::text::split_lines;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::{DateTime, Map, Value};

use crate::source::options::{Known, Options, known, term};
use crate::source::waiting::waiting;

pub(crate) const LOOKUP: Lookup = Lookup {
    names: &["passwordstore", "community.general.passwordstore"],
    markers: Markers::Propagate,
    run: passwordstore,
};

/// The section of `ansible.cfg` that has its options.
const SECTION: &str = "passwordstore_lookup";

/// What a term can say.
const OF_TERMS: [Known; 14] = [
    known("subkey"),
    known("directory").variables(&["passwordstore"]).environment(&["PASSWORD_STORE_DIR"]),
    known("create"),
    known("returnall"),
    known("overwrite"),
    known("nosymbols"),
    known("userpass"),
    known("length"),
    known("backup"),
    known("missing"),
    known("umask").environment(&["PASSWORD_STORE_UMASK"]),
    known("timestamp"),
    known("preserve"),
    known("missing_subkey").file(SECTION, "missing_subkey"),
];
/// What a call can say besides.
const OF_CALLS: [Known; 3] = [
    known("lock").file(SECTION, "lock"),
    known("locktimeout").file(SECTION, "locktimeout"),
    known("backend").variables(&["passwordstore_backend"]).file(SECTION, "backend"),
];

const LETTERS_AND_DIGITS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const SYMBOLS: &str = ".,:-_";

/// One writer at a time: hosts that ask for the same secret all get the one that the first made.
static WRITING: Mutex<()> = Mutex::new(());

fn passwordstore(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let options = Options::resolve(context, &arguments.named, &[&OF_TERMS[..], &OF_CALLS[..]].concat())?;
    let of_terms = OF_TERMS.map(|one| one.name);
    let mut out = Vec::new();
    for value in &arguments.positional {
        let mut words = term(value, "passwordstore")?.split_whitespace();
        let name = words.next().ok_or_else(|| wrong("a term has no name of a secret".to_owned()))?;
        let mut here = Vec::new();
        for word in words {
            let (name, value) = word
                .split_once('=')
                .ok_or_else(|| wrong(format!("'{word}' should be an option with its value: name=value")))?;
            if !of_terms.contains(&name) {
                return Err(
                    wrong(format!("a term can't have the option '{name}'")).did_you_mean(name, of_terms)
                );
            }
            here.push((name.to_owned(), Value::from(value)));
        }
        // Differs from Ansible: what one term says is forgotten at the next, and `timestamp=false` in a term is false.
        let options = options.with(here, &of_terms)?;
        out.push(Store::new(context, &options, name)?.value()?);
    }
    Ok(Value::list(out))
}

/// One secret in a store.
struct Store<'a> {
    context: &'a dyn Context,
    options: &'a Options,
    name: &'a str,
    program: &'static str,
    folder: PathBuf,
    environment: Vec<(&'static str, String)>,
    missing: String,
}

/// What the store has under the name.
struct Entry {
    lines: Vec<String>,
    password: String,
    more: Map,
}

impl<'a> Store<'a> {
    fn new(context: &'a dyn Context, options: &'a Options, name: &'a str) -> Result<Self> {
        let program = match options.text("backend", "pass").as_str() {
            "pass" => "pass",
            "gopass" => "gopass",
            other => {
                return Err(
                    wrong(format!("the backend can't be '{other}'")).did_you_mean(other, ["pass", "gopass"])
                );
            }
        };
        let folder = match options.get("directory") {
            Some(folder) => expand_user(&folder.text()),
            None if program == "gopass" => folder_of_gopass(),
            None => expand_user("~/.password-store"),
        };
        let mut missing = options.text("missing", "error");
        if !["error", "warn", "create", "empty"].contains(&missing.as_str()) {
            return Err(wrong(format!("{missing} is not a valid option for missing"))
                .did_you_mean(&missing, ["error", "warn", "create", "empty"]));
        }
        if options.truth("create", false)? {
            missing = "create".to_owned();
        }
        options.integer("length")?;
        let environment = vec![("LANGUAGE", "C".to_owned())];
        let mut store = Self { context, options, name, program, folder: folder.into(), environment, missing };
        if program == "gopass" {
            store.environment.push(("GOPASS_NO_REMINDER", "YES".to_owned()));
        } else if store.folder.is_dir() {
            store.environment.push(("PASSWORD_STORE_DIR", store.folder.to_string_lossy().into_owned()));
        } else if store.is_original()? {
            return Err(wrong(format!(
                "Passwordstore directory '{}' does not exist",
                store.folder.display()
            ))
            .kind(Kind::Machine));
        }
        if let Some(umask) = options.get("umask").map(Value::text) {
            let first = umask.chars().next().and_then(|digit| digit.to_digit(10));
            if umask.len() != 3 {
                return Err(wrong("Passwordstore umask must have a length of 3.".to_owned()));
            }
            if first.is_none_or(|digit| digit > 3) {
                return Err(wrong(
                    "Passwordstore umask not allowed (password not user readable).".to_owned(),
                ));
            }
            store.environment.push(("PASSWORD_STORE_UMASK", umask));
        }
        Ok(store)
    }

    fn value(&self) -> Result<Value> {
        let overwrite = self.options.truth("overwrite", false)?;
        let subkey = self.options.text("subkey", "password");
        let whole = self.lock("readwrite")?;
        let value = match self.look()? {
            Some(entry) => {
                let new_part = subkey != "password"
                    && !entry.more.get(subkey.as_str()).is_some_and(Value::is_true)
                    && self.missing == "create";
                if overwrite || new_part {
                    let _turn = WRITING.lock();
                    let _lock = self.lock("write")?;
                    Value::from(self.update(&entry, &subkey)?)
                } else {
                    self.result(&entry, &subkey)?
                }
            }
            None if self.missing == "create" => {
                let _turn = WRITING.lock();
                let lock = self.lock("write")?;
                // Somebody else may have made it while we waited.
                let made = if lock.is_some() { self.look()? } else { None };
                match made {
                    Some(entry) => self.result(&entry, &subkey)?,
                    None => Value::from(self.generate(&subkey)?),
                }
            }
            None => Value::NULL,
        };
        drop(whole);
        Ok(value.untrusted().secret())
    }

    /// What is there; `None`: nothing, which is no error here.
    fn look(&self) -> Result<Option<Entry>> {
        let output = match self.run(&["show", self.name], None)? {
            Ok(output) => output,
            Err(failure) if failure.text.contains("not in the password store") => return self.absent(),
            Err(failure) => return Err(failure.diagnostic()),
        };
        let lines: Vec<String> = split_lines(&output).into_iter().map(str::to_owned).collect();
        let password = lines.first().cloned().unwrap_or_default();
        let rest = lines.get(1..).unwrap_or_default();
        // A folder of the store is listed, not shown: only a file is a secret.
        let file = self.folder.join(format!("{}.gpg", self.name));
        if self.program != "gopass" && !file.is_file() && self.is_original()? {
            return self.absent();
        }
        Ok(Some(Entry { password, more: parts(rest), lines }))
    }

    fn absent(&self) -> Result<Option<Entry>> {
        match self.missing.as_str() {
            "error" => Err(failure(format!(
                "passwordstore: passname {} not found and missing=error is set",
                self.name
            ))
            .help("create=true makes one, missing=empty gives null")),
            "warn" => {
                self.context.warn(failure(format!("passwordstore: passname {} not found", self.name)));
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn result(&self, entry: &Entry, subkey: &str) -> Result<Value> {
        if self.options.truth("returnall", false)? {
            return Ok(Value::from(entry.lines.join("\n")));
        }
        if subkey == "password" {
            return Ok(Value::from(entry.password.as_str()));
        }
        if let Some(value) = entry.more.get(subkey) {
            return Ok(value.clone());
        }
        let what = format!("passwordstore: subkey {subkey} for passname {} not found", self.name);
        match self.options.text("missing_subkey", "empty").as_str() {
            "error" => Err(failure(format!("{what} and missing_subkey=error is set"))),
            "warn" => {
                self.context.warn(failure(what));
                Ok(Value::NULL)
            }
            "empty" => Ok(Value::NULL),
            other => Err(wrong(format!("missing_subkey can't be '{other}'"))
                .did_you_mean(other, ["error", "warn", "empty"])),
        }
    }

    fn new_password(&self) -> Result<String> {
        let given = self.options.text("userpass", "");
        if !given.is_empty() {
            return Ok(given);
        }
        let length = self.options.integer("length")?.unwrap_or(16);
        let mut characters: Vec<char> = LETTERS_AND_DIGITS.chars().collect();
        if !self.options.truth("nosymbols", false)? {
            characters.extend(SYMBOLS.chars());
        }
        let mut random = Random::from_system();
        let choose = |_| characters.get(random.below(characters.len() as u64) as usize).copied();
        Ok((0..length).filter_map(choose).collect())
    }

    fn generate(&self, subkey: &str) -> Result<String> {
        let new = self.new_password()?;
        let mut text = if subkey == "password" { new.clone() } else { format!("\n\n{subkey}: {new}") };
        if self.options.truth("timestamp", true)? {
            text.push_str(&format!("\nlookup_pass: First generated by ansible on {}\n", now()?));
        }
        self.insert(&text)?;
        Ok(new)
    }

    /// A new password in the place of the old one, whose lines stay.
    fn update(&self, entry: &Entry, subkey: &str) -> Result<String> {
        let new = self.new_password()?;
        let timestamp = self.options.truth("timestamp", true)?;
        let backup = timestamp && self.options.truth("backup", false)?;
        let text = if subkey == "password" {
            let preserve = self.options.truth("preserve", true)?;
            let mut text = new.clone();
            if preserve || timestamp {
                text.push('\n');
                for line in entry.lines.get(1..).filter(|_| preserve).unwrap_or_default() {
                    text.push_str(&format!("{line}\n"));
                }
                if backup {
                    let old = &entry.password;
                    text.push_str(&format!("lookup_pass: old password was {old} (Updated on {})\n", now()?));
                }
            }
            text
        } else {
            let (prefix, line) = (format!("{subkey}: "), format!("{subkey}: {new}"));
            let is_it = |old: &String| old.starts_with(&prefix);
            let mut lines: Vec<String> =
                entry.lines.iter().map(|old| if is_it(old) { line.clone() } else { old.clone() }).collect();
            if !entry.lines.iter().any(is_it) {
                lines.insert(lines.len().min(2), line);
            }
            let old =
                entry.lines.iter().any(is_it).then(|| entry.more.get(subkey).map(Value::text)).flatten();
            if let Some(old) = old.filter(|old| backup && !old.is_empty() && *old != new) {
                lines.push(format!(
                    "lookup_pass: old subkey '{subkey}' password was {old} (Updated on {})\n",
                    now()?
                ));
            }
            lines.join("\n")
        };
        self.insert(&text)?;
        Ok(new)
    }

    fn insert(&self, text: &str) -> Result<()> {
        let done = self.run(&["insert", "-f", "-m", self.name], Some(text))?;
        done.map(drop).map_err(Failed::diagnostic)
    }

    /// Whether the program is the original one, which needs its folder.
    fn is_original(&self) -> Result<bool> {
        let output = self.run(&["--version"], None)?.map_err(Failed::diagnostic)?;
        Ok(output.contains("pass: the standard unix password manager"))
    }

    fn run(&self, words: &[&str], input: Option<&str>) -> Result<Result<String, Failed>> {
        let command = format!("{} {}", self.program, words.join(" "));
        let cannot = |error: std::io::Error| {
            failure(format!("'{command}' can't be run: {error}"))
                .help(format!("is the program {} installed on this machine?", self.program))
        };
        let mut child = Command::new(self.program)
            .args(words)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(cannot)?;
        if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
            stdin.write_all(input.as_bytes()).map_err(cannot)?;
        }
        let output = waiting(|| child.wait_with_output()).map_err(cannot)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        // The program calls this a success.
        let unusable = "encryption failed: Unusable public key";
        if output.status.success() && !text.contains(unusable) && !errors.contains(unusable) {
            return Ok(Ok(text));
        }
        let code = if output.status.success() { Some(78) } else { output.status.code() };
        Ok(Err(Failed { command, code, text: format!("{text}{errors}") }))
    }

    /// Keeps other runs out, if that is asked for; the lock ends when it is dropped.
    fn lock(&self, kind: &str) -> Result<Option<File>> {
        let wanted = self.options.text("lock", "write");
        if !["readwrite", "write", "none"].contains(&wanted.as_str()) {
            return Err(wrong(format!("lock can't be '{wanted}'"))
                .did_you_mean(&wanted, ["readwrite", "write", "none"]));
        }
        let timeout = self.options.text("locktimeout", "15m");
        let seconds =
            timeout.get(..timeout.len().saturating_sub(1)).and_then(|text| text.parse::<u64>().ok());
        let unit = match timeout.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            _ => 0,
        };
        let Some(seconds) = seconds.filter(|_| unit > 0) else {
            return Err(wrong(format!("{timeout} is not a correct value for locktimeout")));
        };
        if wanted != kind {
            return Ok(None);
        }
        let environment = |name: &str| std::env::var(name).ok();
        let folder = environment("TMPDIR").unwrap_or_else(|| "/tmp".to_owned());
        let user = environment("USER").unwrap_or_else(|| "None".to_owned());
        let path = Path::new(&folder).join(format!(".{user}.passwordstore.lock"));
        let cannot = |error: &dyn std::fmt::Display| failure(format!("{}: {error}", path.display()));
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            // The folder is everybody's: a link that somebody left there must not be followed.
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .mode(0o600)
            .open(&path)
            .map_err(|error| cannot(&error))?;
        let deadline = Instant::now() + Duration::from_secs(seconds * unit);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::Error(error)) => return Err(cannot(&error)),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                    return Err(cannot(&format!("still locked after {timeout}")));
                }
                Err(TryLockError::WouldBlock) => waiting(|| sleep(Duration::from_millis(100))),
            }
        }
    }
}

/// A run of the program that failed.
struct Failed {
    command: String,
    code: Option<i32>,
    text: String,
}

impl Failed {
    fn diagnostic(self) -> Box<Diagnostic> {
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        failure(format!(
            "exit code {code} while running {}. Error output: {}",
            self.command,
            self.text.trim()
        ))
    }
}

/// The lines below the password: a mapping as YAML, or else each `name: value`.
fn parts(lines: &[String]) -> Map {
    let source = Source::new("the entry of a password store", lines.join("\n"));
    let loaded = shevek_yaml::load(&source, &shevek_yaml::Options::default()).ok();
    if let Some(map) = loaded.as_ref().and_then(Value::as_map) {
        return map.clone();
    }
    let pair = |line: &String| {
        let (name, value) = line.split_once(':')?;
        Some((Value::from(name.trim()), Value::from(value.trim())))
    };
    lines.iter().filter_map(pair).collect()
}

fn folder_of_gopass() -> String {
    let text = fs::read_to_string(expand_user("~/.config/gopass/config.yml")).unwrap_or_default();
    let source = Source::new("config.yml", text);
    let config = shevek_yaml::load(&source, &shevek_yaml::Options::default()).unwrap_or_default();
    match config.get("path").and_then(Value::as_str) {
        Some(path) => path.to_owned(),
        None => expand_user("~/.local/share/gopass/stores/root"),
    }
}

fn now() -> Result<String> {
    DateTime::now(false).strftime("%d/%m/%Y %H:%M:%S").map_err(|error| failure(error.to_string()))
}

fn wrong(detail: String) -> Box<Diagnostic> {
    Diagnostic::new("wrong option of passwordstore").detail(detail)
}

fn failure(detail: String) -> Box<Diagnostic> {
    Diagnostic::new("a secret of a password store can't be had").kind(Kind::Machine).detail(detail)
}
