//! Bring the content of a file into a variable.
//!
//! The content comes base64-encoded in `content`; `b64decode` makes text of it. For files that are not small, `fetch` is the
//! better way.
//!
//! ```yaml
//! - slurp: { src: /var/run/sshd.pid }
//!   register: pid
//! - debug: { msg: "{{ pid.content | b64decode }}" }
//! ```
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use shevek_kit::prelude::*;

/// Arguments of `slurp`.
#[derive(Args)]
#[module(query)]
pub struct Slurp {
    /// The file.
    #[arg(alias = "path")]
    src: PathBuf,
}

impl Query for Slurp {
    fn ask(&self, host: &Probe) -> Result<Outcome> {
        let path = self.src.display();
        if host.stat(&self.src).is_ok_and(|stat| stat.is_some()) && !host.may(&self.src, Access::Read) {
            fail!("File is not readable: {path}");
        }
        let fault = match host.read(&self.src) {
            Ok(content) => {
                return Ok(Outcome::ok()
                    .with("content", STANDARD.encode(content))
                    .with("source", &self.src)
                    .with("encoding", "base64"));
            }
            Err(fault) => fault,
        };
        // The system's error numbers: what stands in the way may be a folder above the file.
        let message = match fault.os {
            Some(2) => format!("File not found: {path}"),
            Some(13) => format!("File is not readable: {path}"),
            Some(21) => format!("Source is a directory and must be a file: {path}"),
            _ => format!("Unable to slurp file: {path}: {}", fault.message),
        };
        Err(Fault { message, ..fault })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_comes_encoded() {
        let world = World::new().file("/f", b"\xffa".as_slice());
        let done = conform::<Slurp>("{ src: /f }", world).unchanged();
        done.gives("content", "/2E=").gives("source", "/f").gives("encoding", "base64");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        conform::<Slurp>("{ src: /no }", World::new()).failed("File not found: /no");
        conform::<Slurp>("{ path: /etc }", World::new())
            .failed("Source is a directory and must be a file: /etc");
        let world = World::new().file("/f", "a").owner("/f", 0, 0).mode("/f", 0o600).running_as(5, 5);
        conform::<Slurp>("{ src: /f }", world).failed("File is not readable: /f");
    }
}
