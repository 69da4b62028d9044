//! Join files of a folder into one, the folder being the host's or (`remote_src: false`) this machine's.
//!
//! ```yaml
//! - assemble: { src: fragments, dest: /etc/someapp/someapp.conf, remote_src: false }
//! ```

use shevek_connection::Blobs;
use shevek_diag::{Diagnostic, Result};
use shevek_kit::schema::Schema;
use shevek_modules::{fragment_names, joined};

use crate::{Action, Invocation, Outcome, Running, content};

/// `assemble`.
pub(crate) struct Assemble;

/// The action.
pub(crate) static ACTION: Assemble = Assemble;

impl Action for Assemble {
    fn name(&self) -> &'static str {
        "assemble"
    }

    fn schema(&self) -> &'static Schema {
        super::module_schema("assemble")
    }

    fn calls_module(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(assemble(call))
    }
}

async fn assemble(call: &Invocation<'_>) -> Result<Outcome> {
    if call.flag("remote_src", true)? {
        return call.host.module("assemble", &call.args).await;
    }
    let src = call.find_file("files", &call.required("src")?)?;
    if !src.is_dir() {
        return Ok(Outcome::failure(format!("Source ({}) is not a directory", src.display())));
    }
    let unreadable = |error: std::io::Error| {
        Diagnostic::new("folder cannot be read").detail(format!("{}: {error}", src.display()))
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(&src).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    let wrong = |message: String| Diagnostic::new("invalid regular expression").detail(message);
    let regexp = fragment_names(call.text("regexp").as_deref()).map_err(|fault| wrong(fault.message))?;
    let hidden = call.flag("ignore_hidden", false)?;
    let (mut fragments, mut secret) = (Vec::new(), false);
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let fits = match &regexp {
            Some(regexp) => regexp.is_match(&name).map_err(|error| wrong(error.to_string()))?,
            None => true,
        };
        if !fits || !path.is_file() || (hidden && name.starts_with('.')) {
            continue;
        }
        fragments.push(if call.flag("decrypt", true)? {
            let (bytes, was_vault) = call.loader.bytes(&path)?;
            secret |= was_vault;
            bytes
        } else {
            std::fs::read(&path).map_err(unreadable)?
        });
    }
    let whole = joined(&fragments, call.text("delimiter").as_deref());
    let mut args = call.args.clone();
    for own in ["src", "remote_src", "regexp", "delimiter", "ignore_hidden", "decrypt"] {
        args.shift_remove(own);
    }
    let mut blobs = Blobs::new();
    let mut args = crate::wire::entries(&args)?;
    args.push(("content".to_owned(), content::bytes(&mut blobs, whole)));
    let mut outcome = call.host.request(("copy".to_owned(), args), blobs).await;
    if secret {
        outcome.diff.clear();
    }
    Ok(outcome)
}
