//! List the files that meet some conditions.
//!
//! All conditions have to be met. Nothing is changed, so it runs in check mode, too.
//!
//! ```yaml
//! - find: { paths: /tmp, age: 2d, recurse: yes }
//! - find: { paths: /var/log, patterns: '*.old,*.log.gz', size: 10m }
//! - find: { paths: /etc, file_type: directory, excludes: 'nginx,mysql' }
//! - find: { paths: [/opt], patterns: '^(.*)_[0-9]{2,4}\.log$', use_regex: yes }
//! ```
use std::io;
use std::path::{Component, Path, PathBuf};

use shevek_kit::fault::io_words;
use shevek_kit::glob::fits;
use shevek_kit::permissions::Start;
use shevek_kit::prelude::*;
use shevek_kit::printed::python_type;
use shevek_pyre::{Flags, Regex};

use crate::editing::Encoding;

/// Arguments of `find`.
#[derive(Args)]
#[module(query)]
pub struct Find {
    /// Folders to look in.
    #[arg(aliases("name", "path"), required)]
    paths: Vec<PathBuf>,
    /// Names to take: shell patterns, or regular expressions with `use_regex`. Left out: all.
    #[arg(alias = "pattern")]
    patterns: Vec<String>,
    /// Names to leave out, of those that `patterns` take.
    #[arg(alias = "exclude")]
    excludes: Vec<String>,
    /// Take files that have a line which starts as this regular expression says.
    contains: Option<String>,
    /// Look for `contains` anywhere in the whole content.
    #[arg(default = false)]
    read_whole_file: bool,
    /// What to take.
    #[arg(default = "file")]
    file_type: Sort,
    /// Take what is at least this old (`2d`; units `s`, `m`, `h`, `d`, `w`); negative: at most.
    age: Option<String>,
    /// Which time is the age.
    #[arg(default = "mtime")]
    age_stamp: Stamp,
    /// Take files that are at least this long (`10m`; units `b`, `k`, `m`, `g`, `t`); negative: at most.
    size: Option<String>,
    /// Look in folders within the folders, too.
    #[arg(default = false)]
    recurse: bool,
    /// Take hidden files, too.
    #[arg(default = false)]
    hidden: bool,
    /// Go into folders that links lead to.
    #[arg(default = false)]
    follow: bool,
    /// Also give a checksum of each file.
    #[arg(default = false)]
    get_checksum: bool,
    /// Which checksum.
    #[arg(default = "sha1", aliases("checksum", "checksum_algo"))]
    checksum_algorithm: crate::stat::ChecksumAlgorithm,
    /// Read the patterns as regular expressions.
    #[arg(default = false)]
    use_regex: bool,
    /// How many levels to go down.
    depth: Option<i64>,
    /// Take what has these permissions, octal or symbolic.
    mode: Option<Val>,
    /// Take only what has just these permissions, not any of them.
    #[arg(default = true)]
    exact_mode: bool,
    /// How the files are encoded that `contains` looks into.
    encoding: Option<String>,
    /// How many to find at most.
    limit: Option<i64>,
}

/// What to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Sort {
    Any,
    Directory,
    File,
    Link,
}

/// A time of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Stamp {
    Atime,
    Ctime,
    Mtime,
}

/// A pattern of names.
enum Name<'a> {
    Shell(&'a str),
    Regex(Regex),
}

/// The conditions, read.
struct Conditions<'a> {
    patterns: Vec<Name<'a>>,
    excludes: Vec<Name<'a>>,
    contains: Option<Regex>,
    encoding: Encoding,
    age: Option<i64>,
    size: Option<i64>,
    mode: Option<u32>,
    now: f64,
}

/// What has been found so far.
#[derive(Default)]
struct Found {
    files: Vec<Val>,
    examined: usize,
    skipped: Vec<(String, Val)>,
    warned: bool,
}

impl Query for Find {
    fn ask(&self, host: &Probe) -> Result<Outcome> {
        let conditions = self.conditions(host)?;
        let mut found = Found::default();
        for path in &self.paths {
            if let Err(fault) = self.walk(host, &conditions, path, &mut found) {
                if fault.kind != shevek_kit::fault::Kind::Failed {
                    return Err(fault);
                }
                let path = path.to_string_lossy().into_owned();
                host.warn(format!("Skipped '{path}' path due to this access issue: {}\n", fault.message));
                found.skipped.push((path, fault.message.into()));
                found.warned = true;
            }
            // Differs from Ansible: the limit holds for all paths together, not only until the next path has a match.
            if self.full(&found) {
                break;
            }
        }
        let message = match (found.warned, self.full(&found)) {
            (true, _) => "Not all paths examined, check warnings for details",
            (false, true) => "Limit of matches reached",
            (false, false) => "All paths examined",
        };
        Ok(Outcome::ok()
            .with("matched", found.files.len())
            .with("files", Val::List(found.files))
            .with("msg", message)
            .with("examined", found.examined)
            .with("skipped_paths", found.skipped))
    }
}

impl Find {
    fn full(&self, found: &Found) -> bool {
        self.limit.is_some_and(|limit| usize::try_from(limit) == Ok(found.files.len()))
    }

    fn conditions(&self, host: &Probe) -> Result<Conditions<'_>> {
        let number = |option: &str, text: &Option<String>, units: &[(char, i64)]| match text {
            None => Ok(None),
            Some(text) => match with_unit(text, units) {
                None => Err(Fault::new(format!("failed to process {option}")).with(option, text)),
                number => Ok(number),
            },
        };
        if let Some(limit) = self.limit.filter(|limit| *limit <= 0) {
            fail!("limit cannot be {limit} (use None for unlimited)");
        }
        Ok(Conditions {
            patterns: self.names("patterns", &self.patterns)?,
            excludes: self.names("excludes", &self.excludes)?,
            contains: self.contains.as_ref().map(|p| regex("contains", p)).transpose()?,
            encoding: self.encoding.as_deref().map_or(Ok(Encoding::Utf8), Encoding::named)?,
            age: number("age", &self.age, &AGES)?,
            size: number("size", &self.size, &SIZES)?,
            mode: self.wanted_mode(host)?,
            now: Time::from(host.now()).as_f64(),
        })
    }

    fn names<'a>(&self, option: &str, patterns: &'a [String]) -> Result<Vec<Name<'a>>> {
        let name = |pattern: &'a String| match self.use_regex {
            false => Ok(Name::Shell(pattern.as_str())),
            true => regex(option, pattern).map(Name::Regex),
        };
        patterns.iter().map(name).collect()
    }

    fn wanted_mode(&self, host: &Probe) -> Result<Option<u32>> {
        match &self.mode {
            None | Some(Val::Null) => Ok(None),
            Some(Val::Str(text)) if text.is_empty() => Ok(None),
            Some(Val::Str(text)) => {
                let start = Start { mode: 0, folder: false, umask: host.identity().umask };
                let bits = match u32::from_str_radix(text.trim_start_matches("0o"), 8) {
                    Ok(number) => number,
                    Err(_) => Permissions::parse(text).bits(start)?,
                };
                Ok(Some(bits & 0o7777))
            }
            Some(other) => {
                let kind = python_type(other);
                fail!(
                    "argument 'mode' is not a string and conversion is not allowed, value is of type {kind}"
                )
            }
        }
    }

    /// Goes through a folder, from the top down.
    fn walk(&self, host: &Probe, conditions: &Conditions<'_>, top: &Path, found: &mut Found) -> Result<()> {
        if !host.is_folder(top) {
            fail!("'{}' is not a directory", top.display());
        }
        let mut todo = vec![(plain(top), 1)];
        while let Some((folder, level)) = todo.pop() {
            host.still_wanted()?;
            let names = match host.list(&folder) {
                Ok(names) => names,
                Err(fault) => {
                    let Some(os) = fault.os.filter(|os| [1, 2, 13].contains(os)) else { return Err(fault) };
                    let words = io_words(&io::Error::from_raw_os_error(os));
                    let path = folder.to_string_lossy().into_owned();
                    let why = format!("[Errno {os}] {words}: '{path}'");
                    found.skipped.push((path, why.into()));
                    continue;
                }
            };
            found.examined += names.len();
            // What is too deep is counted, but neither taken nor gone into.
            if self.depth.is_some_and(|depth| depth != 0 && level > depth) {
                continue;
            }
            let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
            let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) =
                paths.into_iter().partition(|path| host.is_folder(path));
            for path in files.iter().chain(&folders) {
                self.take(host, conditions, path, found)?;
                if self.full(found) {
                    return Ok(());
                }
            }
            if self.recurse {
                let inner = folders.into_iter().rev().filter(|path| {
                    self.follow || host.lstat(path).ok().flatten().is_some_and(|stat| stat.is_folder())
                });
                todo.extend(inner.map(|path| (path, level + 1)));
            }
        }
        Ok(())
    }

    /// Adds a path, if it meets the conditions.
    fn take(&self, host: &Probe, conditions: &Conditions<'_>, path: &Path, found: &mut Found) -> Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') && !self.hidden {
            return Ok(());
        }
        let Some(stat) = host.lstat(path)? else { return Ok(()) };
        let sort = match self.file_type {
            Sort::Any => true,
            Sort::Directory => stat.is_folder(),
            Sort::File => stat.is_file(),
            Sort::Link => stat.is_link(),
        };
        if !sort || !conditions.name(&name)? || !conditions.figures(&stat, self) {
            return Ok(());
        }
        if self.file_type == Sort::File
            && let Some(pattern) = &conditions.contains
            && !self.contains(host, path, pattern, conditions.encoding)?
        {
            return Ok(());
        }
        let mut keys = vec![("path".to_owned(), Val::from(path))];
        keys.extend(described(host, &stat)?);
        if stat.is_file() && self.get_checksum {
            let algorithm = Algorithm::named(self.checksum_algorithm.word()).unwrap_or(Algorithm::Sha1);
            keys.push(("checksum".to_owned(), host.checksum(path, algorithm)?.into()));
        }
        found.files.push(Val::Map(keys));
        Ok(())
    }

    fn contains(&self, host: &Probe, path: &Path, pattern: &Regex, encoding: Encoding) -> Result<bool> {
        let Ok(bytes) = host.read(path) else { return Ok(false) };
        // What comes before the first wrong byte is still looked at, line by line.
        let (text, whole) = match encoding.decode(&bytes) {
            Ok(text) => (text, true),
            Err(_) => {
                let good = std::str::from_utf8(&bytes).map_or_else(|e| e.valid_up_to(), str::len);
                (String::from_utf8_lossy(bytes.get(..good).unwrap_or_default()).into_owned(), false)
            }
        };
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let tired = |e| Fault::new(format!("{e}: {}", pattern.pattern()));
        if !self.read_whole_file {
            for line in text.split_inclusive('\n') {
                if pattern.match_start(line).map_err(tired)?.is_some() {
                    return Ok(true);
                }
            }
        } else if whole {
            return pattern.is_match(&text).map_err(tired);
        }
        if whole {
            return Ok(false);
        }
        let named = self
            .encoding
            .as_deref()
            .unwrap_or("None (default determined by the Python built-in function \"open\")");
        fail!(
            "Failed to read the file {} due to an encoding error. current encoding: {named}",
            path.display()
        )
    }
}

impl Conditions<'_> {
    fn name(&self, name: &str) -> Result<bool> {
        let any = |patterns: &[Name<'_>]| -> Result<bool> {
            for pattern in patterns {
                let fits = match pattern {
                    Name::Shell(pattern) => fits(pattern, name),
                    Name::Regex(regex) => regex
                        .match_start(name)
                        .map_err(|e| Fault::new(format!("{e}: {}", regex.pattern())))?
                        .is_some(),
                };
                if fits {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        Ok((self.patterns.is_empty() || any(&self.patterns)?) && !any(&self.excludes)?)
    }

    /// Age, length and permissions.
    fn figures(&self, stat: &Stat, find: &Find) -> bool {
        let time = match find.age_stamp {
            Stamp::Atime => stat.accessed,
            Stamp::Ctime => stat.changed,
            Stamp::Mtime => stat.modified,
        };
        let age = self.now - time.as_f64();
        let aged = self.age.is_none_or(|limit| {
            let length = limit.unsigned_abs() as f64;
            if limit < 0 { age <= length } else { age >= length }
        });
        let long = !stat.is_file()
            || self.size.is_none_or(|limit| {
                if limit < 0 { stat.size <= limit.unsigned_abs() } else { stat.size >= limit.unsigned_abs() }
            });
        let permitted = self
            .mode
            .is_none_or(|mode| if find.exact_mode { stat.mode == mode } else { stat.mode & mode != 0 });
        aged && long && permitted
    }
}

fn regex(option: &str, pattern: &str) -> Result<Regex> {
    Regex::new(pattern, Flags::NONE)
        .map_err(|e| Fault::new(format!("{option} has no valid regular expression: {e}: {pattern}")))
}

const AGES: [(char, i64); 5] = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)];
const SIZES: [(char, i64); 5] = [('b', 1), ('k', 1 << 10), ('m', 1 << 20), ('g', 1 << 30), ('t', 1 << 40)];

/// A whole number with a unit at its end, or without.
fn with_unit(text: &str, units: &[(char, i64)]) -> Option<i64> {
    let text = text.to_lowercase();
    let unit = units.iter().find_map(|(name, factor)| Some((text.strip_suffix(*name)?, *factor)));
    let (digits, factor) = unit.unwrap_or((&text, 1));
    let positive = digits.strip_prefix('-').unwrap_or(digits);
    if positive.is_empty() || !positive.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

/// A path without `.`, `..` and doubled slashes, as Python's `normpath` has it.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            Component::ParentDir if out.has_root() => {}
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

/// What is told of each path.
fn described(host: &Probe, stat: &Stat) -> Result<Vec<(String, Val)>> {
    let kinds = [
        ("isdir", FileKind::Folder),
        ("ischr", FileKind::CharDevice),
        ("isblk", FileKind::BlockDevice),
        ("isreg", FileKind::File),
        ("isfifo", FileKind::Fifo),
        ("islnk", FileKind::Link),
        ("issock", FileKind::Socket),
    ];
    let bits = [
        ("wusr", 0o200),
        ("rusr", 0o400),
        ("xusr", 0o100),
        ("wgrp", 0o020),
        ("rgrp", 0o040),
        ("xgrp", 0o010),
        ("woth", 0o002),
        ("roth", 0o004),
        ("xoth", 0o001),
        ("isuid", 0o4000),
        ("isgid", 0o2000),
    ];
    let figures: [(&str, Val); 12] = [
        ("uid", stat.uid.into()),
        ("gid", stat.gid.into()),
        ("size", stat.size.into()),
        ("inode", stat.ino.into()),
        ("dev", stat.dev.into()),
        ("nlink", stat.nlink.into()),
        ("atime", stat.accessed.as_f64().into()),
        ("mtime", stat.modified.as_f64().into()),
        ("ctime", stat.changed.as_f64().into()),
        ("gr_name", host.group_of(stat.gid)?.map(|g| g.name).unwrap_or_default().into()),
        ("pw_name", host.user_of(stat.uid)?.map(|u| u.name).unwrap_or_default().into()),
        ("mode", format!("{:04o}", stat.mode).into()),
    ];
    let kinds = kinds.into_iter().map(|(name, kind)| (name, Val::Bool(stat.kind == kind)));
    let bits = bits.into_iter().map(|(name, bit)| (name, Val::Bool(stat.mode & bit != 0)));
    Ok(kinds.chain(figures).chain(bits).map(|(name, value)| (name.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> World {
        World::new()
            .file("/d/a.log", "one\ntwo\n")
            .file("/d/b.txt", "é\r\nthree")
            .file("/d/.hidden", "")
            .file("/d/sub/c.log", "x".repeat(2048))
            .file("/d/sub/deep/e.log", "")
            .link("/d/l", "sub")
            .mode("/d/b.txt", 0o600)
    }

    /// The paths that are found in /d.
    #[track_caller]
    fn finds(args: &str, paths: &str) {
        let done = conform::<Find>(&format!("{{ paths: /d, {args} }}"), tree()).unchanged();
        let Some(Val::List(files)) = done.outcome().get("files") else { panic!("no files") };
        let found: Vec<&str> = files.iter().map(|f| f.get("path").unwrap().as_str().unwrap()).collect();
        assert_eq!(found.join(" ").replace("/d/", ""), paths, "{args}");
        assert_eq!(done.outcome().get("matched"), Some(&found.len().into()));
    }

    #[test]
    fn by_name() {
        finds("", "a.log b.txt");
        finds("hidden: yes", ".hidden a.log b.txt");
        finds("recurse: yes, patterns: '*.log'", "a.log sub/c.log sub/deep/e.log");
        finds("patterns: 'a*,b*', excludes: '*.txt'", "a.log");
        finds("use_regex: yes, patterns: ['[ab]\\.(txt|q)$']", "b.txt");
        finds("use_regex: yes, excludes: ['a']", "b.txt");
    }

    #[test]
    fn by_kind_and_depth() {
        finds("file_type: directory, recurse: yes", "sub sub/deep");
        finds("file_type: link", "l");
        finds("file_type: any", "a.log b.txt l sub");
        finds("recurse: yes, depth: 2, patterns: '*.log'", "a.log sub/c.log");
        finds("recurse: yes, follow: yes, depth: 2, patterns: 'c.*'", "l/c.log sub/c.log");
        finds("recurse: yes, limit: 2", "a.log b.txt");
    }

    #[test]
    fn by_figures() {
        finds("recurse: yes, size: 2k", "sub/c.log");
        finds("recurse: yes, size: -8b", "a.log sub/deep/e.log");
        finds("mode: '0600'", "b.txt");
        finds("mode: 'g=r', exact_mode: no", "a.log");
        finds("age: 1d", "");
        finds("age: -1d", "a.log b.txt");
    }

    #[test]
    fn by_content() {
        finds("contains: t", "a.log b.txt");
        finds("contains: wo", "");
        finds("contains: wo, read_whole_file: yes", "a.log");
        finds(r"contains: '\w\n'", "b.txt");
    }

    #[test]
    fn what_is_found_is_described() {
        let done = conform::<Find>("{ paths: /d/, patterns: a.*, get_checksum: yes }", tree());
        let done = done.gives("examined", 5).gives("msg", "All paths examined");
        let Some(Val::List(files)) = done.outcome().get("files") else { panic!("no files") };
        for (key, value) in [
            ("path", Val::from("/d/a.log")),
            ("mode", "0644".into()),
            ("isreg", true.into()),
            ("size", 8.into()),
            ("pw_name", "root".into()),
            ("checksum", "c708d7ef841f7e1748436b8ef5670d0b2de1a227".into()),
        ] {
            assert_eq!(files[0].get(key), Some(&value), "{key}");
        }
    }

    #[test]
    fn what_cannot_be_looked_at_is_told() {
        let done = conform::<Find>("{ paths: [/no, /d] }", tree()).unchanged();
        let skipped = done.outcome().get("skipped_paths").and_then(|s| s.get("/no")).cloned();
        assert_eq!(skipped, Some("'/no' is not a directory".into()));
        done.gives("msg", "Not all paths examined, check warnings for details").gives("matched", 2);
        let world = tree().file("/d/z.bin", b"\xff\n".as_slice());
        let done = conform::<Find>("{ paths: /d, contains: q }", world).unchanged();
        let skipped = done.outcome().get("skipped_paths").and_then(|s| s.get("/d")).cloned().unwrap();
        assert!(skipped.as_str().unwrap().starts_with("Failed to read the file /d/z.bin"), "{skipped:?}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        conform::<Find>("{ paths: /d, age: soon }", tree())
            .failed("failed to process age")
            .gives("age", "soon");
        conform::<Find>("{ paths: /d, size: 1x }", tree()).failed("failed to process size");
        conform::<Find>("{ paths: /d, limit: 0 }", tree())
            .failed("limit cannot be 0 (use None for unlimited)");
        conform::<Find>("{ paths: /d, mode: 420 }", tree()).failed("value is of type int");
    }
}
