//! Apply a patch of this machine, or of the host (`remote_src`).
//!
//! ```yaml
//! - ansible.posix.patch: { src: customize.patch, basedir: /var/www, strip: 1 }
//! ```

use shevek_connection::Blobs;
use shevek_diag::Result;
use shevek_kit::schema::Schema;

use crate::{Action, Invocation, Outcome, Running, content};

/// `patch`.
pub(crate) struct Patch;

/// The action.
pub(crate) static ACTION: Patch = Patch;

const NAME: &str = "ansible.posix.patch";

impl Action for Patch {
    fn name(&self) -> &'static str {
        NAME
    }

    fn schema(&self) -> &'static Schema {
        super::module_schema(NAME)
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(patch(call))
    }
}

async fn patch(call: &Invocation<'_>) -> Result<Outcome> {
    if call.flag("remote_src", false)? {
        return call.host.module(NAME, &call.args).await;
    }
    let src = match call.text("src") {
        Some(src) => src,
        None => call.required("patchfile")?,
    };
    let path = call.find_file("files", &src)?;
    let mut blobs = Blobs::new();
    let content = content::file(&mut blobs, &path)?;
    let mut args = crate::wire::entries(&call.args)?;
    args.push(("_content".to_owned(), content));
    Ok(call.host.request((NAME.to_owned(), args), blobs).await)
}
