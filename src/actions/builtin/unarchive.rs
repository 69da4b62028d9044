//! Unpack an archive of this machine, of the host (`remote_src`), or of the web.
//!
//! ```yaml
//! - unarchive: { src: foo.tgz, dest: /var/lib/foo }
//! ```

use shevek_connection::Blobs;
use shevek_diag::{Diagnostic, Result};
use shevek_kit::schema::Schema;

use crate::{Action, Asks, Invocation, Outcome, Running, content};

/// `unarchive`.
pub(crate) struct Unarchive;

/// The action.
pub(crate) static ACTION: Unarchive = Unarchive;

impl Action for Unarchive {
    fn name(&self) -> &'static str {
        "unarchive"
    }

    fn schema(&self) -> &'static Schema {
        super::module_schema("unarchive")
    }

    fn asks(&self) -> Asks {
        Asks::Once
    }

    fn calls_module(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(unarchive(call))
    }
}

async fn unarchive(call: &Invocation<'_>) -> Result<Outcome> {
    if call.flag("remote_src", false)? || !call.flag("copy", true)? {
        return call.host.module("unarchive", &call.args).await;
    }
    let src = call.required("src")?;
    if src.contains("://") {
        return Err(Diagnostic::new("an archive of the web")
            .detail(format!("an URI as src ({src}) is only supported when remote_src is true")));
    }
    let path = call.find_file("files", &src)?;
    let mut blobs = Blobs::new();
    let bytes = if call.flag("decrypt", true)? { super::copy::vaulted(call, &path)?.0 } else { None };
    let content = match bytes {
        Some(bytes) => content::bytes(&mut blobs, bytes),
        None => content::file(&mut blobs, &path)?,
    };
    let mut args = crate::wire::entries(&call.args)?;
    args.push(("_content".to_owned(), content));
    Ok(call.host.request(("unarchive".to_owned(), args), blobs).await)
}
