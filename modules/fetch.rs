//! Send a file up to the controller.
//!
//! The controller asks for it with the checksum of what it has; content that it has already is not sent.
//!
//! ```yaml
//! - fetch: { src: /etc/hostname, dest: fetched/ }
//! ```
use std::path::PathBuf;

use shevek_kit::prelude::*;

/// Arguments of `fetch`.
#[derive(Args)]
#[module(query)]
pub struct Fetch {
    /// The file on the host.
    src: PathBuf,
    /// Where it goes on the controller: a folder, in which it gets its host's name and its path, or with `flat` the file.
    #[arg(name = "dest")]
    _dest: Option<String>,
    /// Take `dest` as it is.
    #[arg(default = false, name = "flat")]
    _flat: bool,
    /// Whether a file that is not there is a failure.
    #[arg(default = true)]
    fail_on_missing: bool,
    /// Compare checksums after the transfer; they always are.
    #[arg(default = true, name = "validate_checksum")]
    _validate_checksum: bool,
    /// SHA-1 of what the controller has; set by the controller.
    #[arg(name = "_have")]
    have: Option<String>,
}

impl Query for Fetch {
    fn ask(&self, host: &Probe) -> Result<Outcome> {
        let path = &self.src;
        let shown = path.display().to_string();
        let missing = |why: &str| {
            let message = format!("{why}: {shown}");
            if self.fail_on_missing {
                return Err(Fault::absent(message).with("file", shown.clone()));
            }
            Ok(Outcome::ok()
                .with("msg", format!("{why}, not transferring, ignored"))
                .with("file", shown.clone()))
        };
        match host.stat(path)? {
            None => return missing("the remote file does not exist"),
            Some(stat) if stat.is_folder() => {
                return missing("remote file is a directory, fetch cannot work on directories");
            }
            Some(_) if !host.may(path, Access::Read) => return missing("no read permission on remote file"),
            Some(_) => {}
        }
        let checksum = host.checksum(path, Algorithm::Sha1)?;
        let md5 = host.checksum(path, Algorithm::Md5).ok();
        let outcome =
            Outcome::ok().with("file", shown).with("checksum", checksum.clone()).with("md5sum", md5);
        if self.have.as_deref() == Some(checksum.as_str()) {
            return Ok(outcome);
        }
        Ok(outcome.with("_content", host.send_up(path)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_controller_has_is_not_sent() {
        let have = "a9993e364706816aba3e25717850c26c9cd0d89d";
        let done = conform::<Fetch>(&format!("{{ src: /a, _have: {have} }}"), World::new().file("/a", "abc"));
        assert!(done.unchanged().gives("checksum", have).outcome().get("_content").is_none());
    }

    #[test]
    fn a_missing_file_fails_unless_told_not_to() {
        conform::<Fetch>("{ src: /a }", World::new()).failed("the remote file does not exist: /a");
        conform::<Fetch>("{ src: /a, fail_on_missing: false }", World::new()).unchanged();
    }
}
