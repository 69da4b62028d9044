//! Talk with a web server, from the host.
//!
//! Sends one request and returns what was answered, over http and https, the network, a proxy or a socket of the host; no
//! other program is needed there. Files that are sent, and answers that go to `dest`, stream by and may be of any size.
//!
//! ```yaml
//! - uri: { url: http://localhost:8080/upload, method: PUT, src: body.json }
//! - uri: { url: 'https://www.example.com/', ca_path: /etc/ssl/own-ca.pem, return_content: yes }
//! - uri:
//!     url: https://files.example.com/upload
//!     method: POST
//!     body_format: form-multipart
//!     body: { title: a report, report: { filename: report.pdf } }
//! ```

use shevek_connection::Blobs;
use shevek_diag::Result;
use shevek_kit::schema::Schema;
use shevek_proto::Val;

use crate::{Action, Asks, Invocation, Outcome, Running, content};

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

    fn asks(&self) -> Asks {
        Asks::Once
    }

    fn calls_module(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(talk(call))
    }
}

async fn talk(call: &Invocation<'_>) -> Result<Outcome> {
    let src = call.text("src").filter(|src| !src.is_empty());
    let in_parts = call.text("body_format").is_some_and(|format| format == "form-multipart");
    if (src.is_none() && !in_parts) || call.flag("remote_src", false)? {
        return call.host.module("uri", &call.args).await;
    }
    let mut blobs = Blobs::new();
    let mut args = crate::wire::entries(&call.args)?;
    match src {
        // As it is, also where it is encrypted: that is what Ansible sends.
        Some(src) => {
            let content = content::file(&mut blobs, &call.find_file("files", &src)?)?;
            args.push(("_content".to_owned(), content));
        }
        None => {
            let body = args.iter_mut().find(|(name, _)| name == "body").map(|(_, body)| body);
            let fields = match body {
                Some(Val::Map(fields)) => fields,
                other => {
                    let nothing = Val::Null;
                    let what = shevek_kit::printed::python_type(other.as_deref().unwrap_or(&nothing));
                    return Ok(Outcome::failure(format!("body must be mapping, cannot be type {what}")));
                }
            };
            for (_, field) in fields {
                attach(call, field, &mut blobs)?;
            }
        }
    }
    Ok(call.host.request(("uri".to_owned(), args), blobs).await)
}

/// Sends the file that a field names along with it.
fn attach(call: &Invocation<'_>, field: &mut Val, blobs: &mut Blobs) -> Result<()> {
    let given = |name: &str| field.get(name).filter(|value| !matches!(value, Val::Null)).cloned();
    let Some(Val::Str(name)) = given("filename").filter(|name| *name != Val::from("")) else { return Ok(()) };
    if given("content").is_some_and(|content| content != Val::from("")) {
        return Ok(());
    }
    let path = call.find_file("files", &name)?;
    let content = content::file(blobs, &path)?;
    if let Val::Map(entries) = field {
        entries.retain(|(key, _)| key != "_content");
        entries.push(("_content".to_owned(), content));
    }
    Ok(())
}
