//! Fetch files from hosts.
//!
//! ```yaml
//! - fetch: { src: /var/log/app.log, dest: logs/ }
//! ```

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use shevek_connection::sha1_of;
use shevek_diag::{Diagnostic, Kind as Fault, Result};
use shevek_kit::schema::Schema;
use shevek_value::{Kind, Value};

use crate::host::failed_connection;
use crate::{Action, Invocation, Outcome, Running};

/// `fetch`.
pub(crate) struct Fetch;

/// The action.
pub(crate) static ACTION: Fetch = Fetch;

impl Action for Fetch {
    fn name(&self) -> &'static str {
        "fetch"
    }

    fn schema(&self) -> &'static Schema {
        super::module_schema("fetch")
    }

    fn calls_module(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(fetch(call))
    }
}

async fn fetch(call: &Invocation<'_>) -> Result<Outcome> {
    if call.host.mode.check {
        return Ok(Outcome { skipped: true, ..Outcome::ok() }
            .with("msg", "check mode not (yet) supported for this module"));
    }
    let src = call.required("src")?;
    let dest = destination(call, &src)?;
    let have = std::fs::File::open(&dest).and_then(|mut file| sha1_of(&mut file)).ok();
    let mut args = call.args.clone();
    if let Some(have) = &have {
        args.insert(Value::str("_have"), have.clone().into());
    }
    let mut outcome = call.host.module("fetch", &args).await?;
    let sent = outcome.body.shift_remove("_content");
    if outcome.failed || outcome.unreachable || !outcome.body.contains_key("checksum") {
        return Ok(outcome);
    }
    let checksum = outcome.body.get("checksum").map(Value::text).unwrap_or_default();
    let md5 = outcome.body.get("md5sum").cloned().unwrap_or_default();
    if let Some(sent) = sent {
        let got = match write(call, &sent, &dest).await? {
            Ok(got) => got,
            Err(outcome) => return Ok(outcome),
        };
        if got != checksum {
            return Ok(Outcome::failure("checksum mismatch")
                .with("file", src)
                .with("dest", dest.display().to_string()));
        }
        outcome.changed = true;
        outcome = outcome.with("remote_checksum", checksum).with("remote_md5sum", Value::NULL);
    }
    Ok(outcome.with("dest", dest.display().to_string()).with("md5sum", md5))
}

/// Where the file goes: `DEST/HOST/PATH`, or as it is said with `flat`.
fn destination(call: &Invocation<'_>, src: &str) -> Result<PathBuf> {
    let dest = call.required("dest")?;
    let is_folder = dest.ends_with('/');
    let mut path = crate::search::home(&dest);
    if path.is_relative() {
        path = call.task.play_dir.join(path);
    }
    let base = Path::new(src).file_name().unwrap_or_default();
    if call.flag("flat", false)? {
        if path.is_dir() && !is_folder {
            return Err(Diagnostic::new("the destination is a folder")
                .detail("dest is an existing directory, use a trailing slash if you want to fetch src into that directory"));
        }
        return Ok(if is_folder { path.join(base) } else { path });
    }
    let host = call.scope.fleet().host_name(call.scope.host()).to_string();
    Ok(path.join(host).join(inside(src)))
}

/// A path as one within a folder. A host's answer never decides where a file lands here: the path is the task's, and its
/// `..` parts lead no further up than to the folder.
fn inside(src: &str) -> PathBuf {
    let mut inside = PathBuf::new();
    for part in Path::new(src).components() {
        match part {
            std::path::Component::Normal(name) => inside.push(name),
            std::path::Component::ParentDir => {
                inside.pop();
            }
            _ => {}
        }
    }
    inside
}

/// This process's umask, which can only be read by asking the kernel's own account of the process: setting it, even for a
/// moment, would change what other threads make.
fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let written = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    written.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok()).unwrap_or(0o022)
}

/// Writes what was sent; its SHA-1.
async fn write(
    call: &Invocation<'_>,
    sent: &Value,
    dest: &Path,
) -> Result<std::result::Result<String, Outcome>> {
    let unwritable = |error: std::io::Error| {
        Diagnostic::new("a file can't be written")
            .kind(Fault::Machine)
            .detail(format!("{}: {error}", dest.display()))
    };
    let folder = dest.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(unwritable)?;
    if let Some(Kind::Bytes(bytes)) = sent.get("inline").map(Value::kind) {
        file.write_all(bytes).map_err(unwritable)?;
    } else {
        let stream =
            sent.get("stream").and_then(Value::as_int).and_then(|id| u64::try_from(id).ok()).unwrap_or(0);
        let fetched = match call.host.fetched(stream).await {
            Ok(fetched) => fetched,
            Err(error) => return Ok(Err(failed_connection(&error))),
        };
        let mut reader = fetched.reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let n = reader.read(&mut buffer).map_err(unwritable)?;
            if n == 0 {
                break;
            }
            file.write_all(buffer.get(..n).unwrap_or_default()).map_err(unwritable)?;
        }
    }
    let mut written = std::fs::File::open(file.path()).map_err(unwritable)?;
    let checksum = sha1_of(&mut written).map_err(unwritable)?;
    // As any program makes files: what was there keeps its mode, what is new has what the umask leaves.
    use std::os::unix::fs::PermissionsExt;
    let mode = dest.metadata().map_or(0o666 & !umask(), |there| there.permissions().mode() & 0o7777);
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).map_err(unwritable)?;
    file.persist(dest).map_err(|error| unwritable(error.error))?;
    Ok(Ok(checksum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_within_the_folder() {
        for (src, wanted) in
            [("/etc/hosts", "etc/hosts"), ("/srv/a/../b/./c", "srv/b/c"), ("../../x", "x"), ("/../x", "x")]
        {
            assert_eq!(inside(src), Path::new(wanted), "{src}");
        }
    }
}
