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
        let message = if host.is_folder(&self.src) {
            format!("Source is a directory and must be a file: {path}")
        } else if !host.exists(&self.src) {
            return Err(Fault::absent(format!("File not found: {path}")));
        } else if !host.may(&self.src, Access::Read) {
            format!("File is not readable: {path}")
        } else {
            let content = host.read(&self.src).map_err(|f| Fault {
                message: format!("Unable to slurp file: {path}: {}", f.message),
                ..f
            })?;
            return Ok(Outcome::ok()
                .with("content", STANDARD.encode(content))
                .with("source", &self.src)
                .with("encoding", "base64"));
        };
        Err(Fault::new(message))
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
