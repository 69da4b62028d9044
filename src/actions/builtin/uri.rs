//! Talk with a web server, from the host.
//!
//! ```yaml
//! - uri: { url: http://localhost:8080/upload, method: PUT, src: body.json }
//! ```

use shevek_connection::Blobs;
use shevek_diag::Result;
use shevek_kit::schema::Schema;

use crate::{Action, Invocation, Outcome, Running, content};

/// `uri`.
pub(crate) struct Uri;

/// The action.
pub(crate) static ACTION: Uri = Uri;

impl Action for Uri {
    fn name(&self) -> &'static str {
        "uri"
    }

    fn schema(&self) -> &'static Schema {
        super::module_schema("uri")
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(talk(call))
    }
}

async fn talk(call: &Invocation<'_>) -> Result<Outcome> {
    let Some(src) = call.text("src").filter(|src| !src.is_empty()) else {
        return call.host.module("uri", &call.args).await;
    };
    if call.flag("remote_src", false)? {
        return call.host.module("uri", &call.args).await;
    }
    let path = call.find_file("files", &src)?;
    let mut blobs = Blobs::new();
    let content = match super::copy::vaulted(call, &path)?.0 {
        Some(bytes) => content::bytes(&mut blobs, bytes),
        None => content::file(&mut blobs, &path)?,
    };
    let mut args = crate::wire::entries(&call.args)?;
    args.push(("_content".to_owned(), content));
    Ok(call.host.request(("uri".to_owned(), args), blobs).await)
}
