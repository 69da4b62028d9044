//! Run a script of this machine on a host.
//!
//! ```yaml
//! - script: files/setup.sh --fast
//! ```

use shevek_connection::Blobs;
use shevek_diag::{Diagnostic, Result};
use shevek_kit::schema::Schema;

use crate::{Action, Asks, Invocation, Outcome, Running, content};

/// `script`.
pub(crate) struct Script;

/// The action.
pub(crate) static ACTION: Script = Script;

impl Action for Script {
    fn name(&self) -> &'static str {
        "script"
    }

    fn schema(&self) -> &'static Schema {
        super::module_schema("script")
    }

    fn asks(&self) -> Asks {
        Asks::Once
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(script(call))
    }
}

async fn script(call: &Invocation<'_>) -> Result<Outcome> {
    let line = call.text("_raw_params").or_else(|| call.text("cmd")).unwrap_or_default();
    let words = shlex::split(&line)
        .ok_or_else(|| Diagnostic::new("unbalanced quotes").detail(format!("in the command `{line}`")))?;
    let Some(name) = words.first() else {
        return Err(Diagnostic::new("missing argument").detail("script needs the name of a script"));
    };
    let path = call.find_file("files", name)?;
    let (bytes, _) = call.loader.bytes(&path)?;
    let mut blobs = Blobs::new();
    let mut args = crate::wire::entries(&call.args)?;
    args.push(("_content".to_owned(), content::bytes(&mut blobs, bytes)));
    Ok(call.host.request(("script".to_owned(), args), blobs).await)
}
