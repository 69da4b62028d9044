//! Files that are fetched for a task and gone when it is over.
//!
//! Not a module: what modules that take the address of a file have in common. Imports the kit and `tempfile`.

use std::path::PathBuf;

use shevek_kit::http::{self, Request, UrlOptions};
use shevek_kit::prelude::*;

use crate::tempfile;

/// A path that nobody can know beforehand, for a file that was called so.
pub(crate) fn place(name: &str, host: &Probe) -> Result<PathBuf> {
    Ok(tempfile::folder(host)?.join(format!(".ansible-{}-{name}", tempfile::unguessable())))
}

/// Writes what is at an address to a temporary file as it comes, and says where; whoever asked removes it. Its name ends so.
pub(crate) fn temporary(url: &str, ending: &str, options: &UrlOptions, host: &mut Host) -> Result<PathBuf> {
    let failed = |why: &str| Fault::new(format!("Failure downloading {}, {why}", http::masked(url)));
    let answered = host.probe().fetch(&Request::new("GET", url, options));
    let mut response = answered.map_err(|fault| failed(&fault.message))?;
    if response.status >= 400 {
        return Err(failed(&format!("HTTP Error {}: {}", response.status, response.reason)));
    }
    let name = http::file_name(url);
    let path = place(&format!("{}{ending}", name.strip_suffix(ending).unwrap_or(name)), host)?;
    let private = Commit { mode: Some(0o600), fresh: true, ..Commit::default() };
    host.write_as(&path, &mut response.body, &private).map_err(|fault| failed(&fault.message))?;
    Ok(path)
}
