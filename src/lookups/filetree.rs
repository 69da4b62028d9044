//! `filetree` (community.general): everything below folders, with its mode, owner and content's kind.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use shevek_diag::Result;
use shevek_pyre::Flags;
use shevek_python::path;
use shevek_python::regex::{compile, exhausted};
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::{Set, Value};

use crate::source::files::{base, candidates};
use crate::source::options::{Options, term};

pub(crate) const LOOKUP: Lookup =
    Lookup { names: &["filetree", "community.general.filetree"], markers: Markers::Propagate, run: filetree };

fn filetree(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let options = Options::new(arguments, &["exclude"])?;
    let exclude = options.get("exclude").map(|pattern| compile(pattern, Flags::NONE)).transpose()?;
    let mut out = Vec::new();
    let mut seen = Set::default();
    for value in &arguments.positional {
        let name = term(value, "filetree")?;
        // A path that ends in a slash is the folder's inside, as all are here.
        let trimmed = name.trim_end_matches('/');
        let mut roots = candidates(context, Some("files"), trimmed);
        roots.push(base(context).join(trimmed));
        for root in roots {
            let root = PathBuf::from(path::absolute(&root.to_string_lossy()));
            let mut found = Vec::new();
            walk(&root, Path::new(""), &mut found);
            for (relative, entry) in found {
                if let Some(exclude) = &exclude
                    && exclude.is_match(&relative).map_err(exhausted)?
                {
                    continue;
                }
                // What is in a better place hides the same path in others.
                if seen.insert(Value::from(relative)) {
                    out.push(entry);
                }
            }
        }
    }
    Ok(Value::list(out))
}

fn walk(root: &Path, inside: &Path, out: &mut Vec<(String, Value)>) {
    let Ok(entries) = fs::read_dir(root.join(inside)) else { return };
    let mut names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    names.sort();
    let mut folders = Vec::new();
    for name in names {
        let relative = inside.join(&name);
        let full = root.join(&relative);
        let Ok(found) = fs::symlink_metadata(&full) else { continue };
        let text = relative.to_string_lossy().into_owned();
        out.push((text.clone(), describe(root, &text, &full, &found)));
        if found.is_dir() {
            folders.push(relative);
        }
    }
    for folder in folders {
        walk(root, &folder, out);
    }
}

fn describe(root: &Path, relative: &str, full: &Path, found: &Metadata) -> Value {
    let owner = name_of("/etc/passwd", found.uid());
    let group = name_of("/etc/group", found.gid());
    let mut entries: Vec<(&str, Value)> = vec![
        ("root", Value::from(root.to_string_lossy().into_owned())),
        ("path", Value::from(relative)),
        ("owner", owner.map_or_else(|| Value::from(found.uid()), Value::from)),
        ("group", group.map_or_else(|| Value::from(found.gid()), Value::from)),
        ("uid", Value::from(found.uid())),
        ("gid", Value::from(found.gid())),
        ("mode", Value::from(format!("0{:o}", found.mode() & 0o7777))),
        ("size", Value::from(i64::try_from(found.size()).unwrap_or(i64::MAX))),
        ("mtime", Value::from(found.mtime() as f64 + found.mtime_nsec() as f64 / 1e9)),
        ("ctime", Value::from(found.ctime() as f64 + found.ctime_nsec() as f64 / 1e9)),
    ];
    if found.is_symlink() {
        entries.push(("state", Value::from("link")));
        let target = fs::read_link(full).unwrap_or_default();
        entries.push(("src", Value::from(target.to_string_lossy().into_owned())));
    } else if found.is_dir() {
        entries.push(("state", Value::from("directory")));
    } else {
        entries.push(("state", Value::from("file")));
        entries.push(("src", Value::from(full.to_string_lossy().into_owned())));
    }
    Value::dict(entries)
}

fn name_of(file: &str, id: u32) -> Option<String> {
    let id = id.to_string();
    fs::read_to_string(file).ok()?.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(id.as_str())).then(|| name.to_owned())
    })
}
