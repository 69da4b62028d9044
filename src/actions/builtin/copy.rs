//! Copy files and folders to a host.
//!
//! ```yaml
//! - copy: { src: app.conf, dest: /etc/app/app.conf, owner: root, mode: "0644" }
//! - copy: { content: "{{ banner }}\n", dest: /etc/motd }
//! ```

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use shevek_connection::Blobs;
use shevek_diag::{Diagnostic, Kind as Fault, Result};
use shevek_kit::schema::Schema;
use shevek_proto::Val;
use shevek_value::{Kind, Map, Value};

use crate::{Action, Asks, Invocation, Outcome, Running, content};

/// `copy`.
pub(crate) struct Copy;

/// The action.
pub(crate) static ACTION: Copy = Copy;

impl Action for Copy {
    fn name(&self) -> &'static str {
        "copy"
    }

    fn schema(&self) -> &'static Schema {
        super::module_schema("copy")
    }

    fn asks(&self) -> Asks {
        Asks::Once
    }

    fn calls_module(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(copy(call))
    }
}

async fn copy(call: &Invocation<'_>) -> Result<Outcome> {
    if call.flag("remote_src", false)? {
        return call.host.module("copy", &call.args).await;
    }
    if call.get("dest").is_none() {
        return Err(Diagnostic::new("missing argument").detail("dest is required"));
    }
    match (call.args.get("content").filter(|content| !content.is_null()), call.text("src")) {
        (Some(_), Some(_)) => Err(Diagnostic::new("arguments that exclude each other")
            .detail("src and content are mutually exclusive")),
        (Some(given), None) => {
            if call.text("dest").is_some_and(|dest| dest.ends_with('/')) {
                return Err(
                    Diagnostic::new("no name for the file").detail("can not use content with a dir as dest")
                );
            }
            send(call, text(given)?, None, None).await
        }
        (None, Some(src)) => {
            let path = call.find_file("files", &src)?;
            if path.is_dir() {
                folder(call, &path, src.ends_with('/')).await
            } else {
                file(call, &path).await
            }
        }
        (None, None) => Err(Diagnostic::new("missing argument").detail("src (or content) is required")),
    }
}

/// `content` as text: lists and mappings become JSON.
fn text(given: &Value) -> Result<Vec<u8>> {
    Ok(match given.kind() {
        Kind::Bytes(bytes) => bytes.to_vec(),
        Kind::List(_) | Kind::Map(_) | Kind::Tuple(_) => python_json(given)?.into_bytes(),
        _ => given.text().into_bytes(),
    })
}

/// JSON with the blanks that Python's json puts.
fn python_json(value: &Value) -> Result<String> {
    let text = serde_json::to_string(value)
        .map_err(|error| Diagnostic::new("content that cannot be JSON").detail(error.to_string()))?;
    let mut out = String::with_capacity(text.len() + 16);
    let (mut inside, mut escaped) = (false, false);
    for c in text.chars() {
        out.push(c);
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            ',' | ':' if !inside => out.push(' '),
            _ => {}
        }
    }
    Ok(out)
}

async fn file(call: &Invocation<'_>, path: &Path) -> Result<Outcome> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let (bytes, secret) = vaulted(call, path)?;
    match bytes {
        Some(bytes) => {
            let mut outcome = send(call, bytes, name, None).await?;
            if secret {
                outcome.diff.clear();
            }
            Ok(from(outcome, path))
        }
        None => {
            let mut blobs = Blobs::new();
            let content = content::file(&mut blobs, path)?;
            let request = request(call, content, name, path, None)?;
            Ok(from(listed(call.host.request(request, blobs).await), path))
        }
    }
}

/// The difference with the name of the file that was copied, which is what Ansible calls the new content.
fn from(mut outcome: Outcome, path: &Path) -> Outcome {
    for diff in &mut outcome.diff {
        if let Kind::Map(map) = diff.kind()
            && map.contains_key("after_header")
        {
            let mut named = Map::clone(map);
            named.insert(Value::str("after_header"), path.display().to_string().into());
            *diff = Value::map(named);
        }
    }
    outcome
}

/// Differences of content are a list in what is registered, and an empty one where there is none to show; one of attributes
/// alone is by itself.
fn listed(outcome: Outcome) -> Outcome {
    let of_content = |diff: &Value| diff.get("after_header").or_else(|| diff.get("prepared")).is_some();
    if outcome.failed || !outcome.diff.iter().all(of_content) {
        return outcome;
    }
    outcome.with("diff", Value::list(Vec::new()))
}

/// The plain bytes of a vaulted file, unless it is to stay encrypted.
pub(crate) fn vaulted(call: &Invocation<'_>, path: &Path) -> Result<(Option<Vec<u8>>, bool)> {
    use std::io::Read;
    let mut start = [0; 14];
    let is_vault = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok()
        && &start == b"$ANSIBLE_VAULT";
    if !is_vault || !call.flag("decrypt", true)? {
        return Ok((None, false));
    }
    let (bytes, secret) = call.loader.bytes(path)?;
    Ok((Some(bytes), secret))
}

/// Writes bytes to the task's destination.
pub(crate) async fn send(
    call: &Invocation<'_>,
    bytes: Vec<u8>,
    name: Option<String>,
    src: Option<&Path>,
) -> Result<Outcome> {
    let mut blobs = Blobs::new();
    let content = content::bytes(&mut blobs, bytes);
    let request = request(call, content, name, src.unwrap_or(Path::new("")), None)?;
    Ok(listed(call.host.request(request, blobs).await))
}

/// The request for one file.
fn request(
    call: &Invocation<'_>,
    content: Val,
    name: Option<String>,
    src: &Path,
    dest: Option<String>,
) -> Result<crate::Request> {
    let own: Map = call
        .args
        .iter()
        .filter(|(key, _)| !key.as_str().is_some_and(|key| NOT_SENT.contains(&key)))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let mut args = crate::wire::entries(&own)?;
    args.push(("content".to_owned(), content));
    if let Some(name) = name {
        args.push(("_original_basename".to_owned(), name.into()));
    }
    // Mode `preserve` is that of the file here.
    if let Some((_, mode)) = args.iter_mut().find(|(key, _)| key == "mode")
        && mode.as_str() == Some("preserve")
    {
        // Ansible writes what it is given as `content` into a file that is its own alone.
        let bits = if src.as_os_str().is_empty() { 0o600 } else { permissions(src)? };
        *mode = Val::from(format!("{bits:04o}"));
    }
    if let Some(dest) = dest {
        args.retain(|(key, _)| key != "dest");
        args.push(("dest".to_owned(), dest.into()));
    }
    Ok(("copy".to_owned(), args))
}

/// What the controller has used up.
const NOT_SENT: [&str; 14] = [
    "src",
    "content",
    "decrypt",
    "local_follow",
    "remote_src",
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "trim_blocks",
    "lstrip_blocks",
    "newline_sequence",
];

fn permissions(path: &Path) -> Result<u32> {
    use std::os::unix::fs::PermissionsExt;
    let status = std::fs::metadata(path).map_err(|error| {
        Diagnostic::new("a file can't be read")
            .kind(Fault::Machine)
            .detail(format!("{}: {error}", path.display()))
    })?;
    Ok(status.permissions().mode() & 0o7777)
}

/// A folder's files, folders and links, all in one batch. A source that ends in `/` stands for what is in it.
async fn folder(call: &Invocation<'_>, source: &Path, is_content: bool) -> Result<Outcome> {
    let dest = call.required("dest")?;
    let base = match (is_content, source.file_name()) {
        (false, Some(name)) => format!("{}/{}", dest.trim_end_matches('/'), name.to_string_lossy()),
        _ => dest.trim_end_matches('/').to_owned(),
    };
    let mut tree = Tree { follow: call.flag("local_follow", true)?, ..Tree::default() };
    tree.walk(source, Path::new(""))?;
    let mut blobs = Blobs::new();
    let (mut requests, mut secret) = (Vec::new(), HashSet::new());
    let place = |relative: &Path| match relative.as_os_str().is_empty() {
        true => base.clone(),
        false => format!("{base}/{}", relative.display()),
    };
    for relative in &tree.folders {
        requests.push(folder_request(call, &place(relative))?);
    }
    for (relative, path) in &tree.files {
        let (bytes, is_secret) = vaulted(call, path)?;
        let content = match bytes {
            Some(bytes) => content::bytes(&mut blobs, bytes),
            None => content::file(&mut blobs, path)?,
        };
        secret.extend(is_secret.then_some(requests.len()));
        requests.push(request(call, content, None, path, Some(place(relative)))?);
    }
    for (relative, target) in &tree.links {
        let args = vec![
            ("path".to_owned(), place(relative).into()),
            ("src".to_owned(), target.display().to_string().into()),
            ("state".to_owned(), "link".into()),
            ("force".to_owned(), true.into()),
        ];
        requests.push(("file".to_owned(), args));
    }
    if requests.is_empty() {
        return Ok(Outcome::ok().with("dest", dest).with("src", source.display().to_string()));
    }
    let outcomes = call.host.batch(requests, blobs, |_, _| {}).await;
    let mut whole = Outcome::ok();
    for (number, outcome) in outcomes.into_iter().enumerate() {
        if outcome.failed || outcome.unreachable {
            return Ok(outcome);
        }
        whole.changed |= outcome.changed;
        whole.unknown |= outcome.unknown;
        // What was encrypted here is not shown.
        // Differs from Ansible: the differences of a folder's files are shown; it shows none.
        whole.diff.extend(outcome.diff.into_iter().filter(|_| !secret.contains(&number)));
        whole.warnings.extend(outcome.warnings);
    }
    Ok(whole
        .with("dest", format!("{}/", dest.trim_end_matches('/')))
        .with("src", source.display().to_string()))
}

fn folder_request(call: &Invocation<'_>, path: &str) -> Result<crate::Request> {
    let mut args: Map = Map::default();
    for name in ["owner", "group", "seuser", "serole", "setype", "selevel", "attributes"] {
        if let Some(value) = call.get(name) {
            args.insert(Value::str(name), value.clone());
        }
    }
    if let Some(mode) = call.get("directory_mode") {
        args.insert(Value::str("mode"), mode.clone());
    }
    args.insert(Value::str("path"), path.into());
    args.insert(Value::str("state"), "directory".into());
    Ok(("file".to_owned(), crate::wire::entries(&args)?))
}

/// What is in a folder, in order of names.
#[derive(Default)]
struct Tree {
    follow: bool,
    folders: Vec<PathBuf>,
    files: Vec<(PathBuf, PathBuf)>,
    links: Vec<(PathBuf, PathBuf)>,
}

impl Tree {
    fn walk(&mut self, path: &Path, relative: &Path) -> Result<()> {
        let unreadable = |error: std::io::Error| {
            Diagnostic::new("a folder can't be read")
                .kind(Fault::Machine)
                .detail(format!("{}: {error}", path.display()))
        };
        self.folders.push(relative.to_owned());
        let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
            .map_err(unreadable)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<_>>()
            .map_err(unreadable)?;
        entries.sort();
        for entry in entries {
            let inner = relative.join(entry.file_name().unwrap_or_default());
            let is_link = entry.symlink_metadata().map_err(unreadable)?.file_type().is_symlink();
            if is_link && !self.follow {
                self.links.push((inner, std::fs::read_link(&entry).map_err(unreadable)?));
            } else if entry.is_dir() {
                self.walk(&entry, &inner)?;
            } else {
                self.files.push((inner, entry));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_of_content_is_named_after_the_file_and_registered_in_a_list() {
        let diff = |entries: &[(&str, &str)]| {
            Value::map(entries.iter().map(|(key, value)| (Value::str(*key), Value::str(*value))).collect())
        };
        let content = diff(&[("before", "a"), ("after", "b"), ("after_header", "/etc/motd")]);
        let told = |diffs| {
            let outcome = Outcome { diff: diffs, ..Outcome::ok() };
            from(listed(outcome), Path::new("/play/files/motd")).to_value().get("diff").unwrap().repr()
        };
        assert_eq!(
            told(vec![content]),
            "[{'before': 'a', 'after': 'b', 'after_header': '/play/files/motd'}]"
        );
        assert_eq!(told(vec![]), "[]");
        let mode = diff(&[("before", "0644"), ("after", "0600")]);
        assert_eq!(told(vec![mode]), "{'before': '0644', 'after': '0600'}");
    }

    #[test]
    fn lists_and_mappings_become_json_as_python_writes_it() {
        let value = Value::dict([("a", Value::list(vec![1.into(), "x:y,".into()]))]);
        assert_eq!(text(&value).unwrap(), br#"{"a": [1, "x:y,"]}"#);
    }
}
