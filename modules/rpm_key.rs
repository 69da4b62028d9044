//! Add and remove keys that rpm checks packages with.
//!
//! ```yaml
//! - rpm_key: { key: 'http://apt.sw.be/RPM-GPG-KEY.dag.txt', state: present }
//! - rpm_key: { key: DEADB33F, state: absent }
//! ```
use std::path::PathBuf;

use shevek_kit::http::{Request, UrlOptions};
use shevek_kit::prelude::*;

/// Arguments of `rpm_key`.
#[derive(Args)]
#[module(procedure)]
pub struct RpmKey {
    /// Whether the key is known.
    #[arg(default = "present")]
    state: Presence,
    /// A file, an address, or (to remove it) the key's number.
    key: String,
    /// Fingerprints that the key must have.
    fingerprint: Vec<String>,
    /// Whether a web server's certificate is checked.
    #[arg(default = true)]
    validate_certs: bool,
}

impl Procedure for RpmKey {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        host.need("rpm")?;
        let gpg = match host.which("gpg") {
            Some(path) => path,
            None => host.need("gpg2")?,
        };
        let is_number = |key: &str| {
            let digits = key.trim_start_matches("0x").trim_start_matches("0X");
            digits.len() >= 8 && digits.bytes().take(8).all(|b| b.is_ascii_hexdigit())
        };
        let (content, file) = if self.key.contains("://") {
            (Some(self.fetch(host)?), None)
        } else if is_number(&self.key) {
            (None, None)
        } else if host.stat(&self.key)?.is_some_and(|stat| stat.is_file()) {
            (Some(host.read(&self.key)?), Some(PathBuf::from(&self.key)))
        } else {
            fail!("Not a valid key {}", self.key);
        };
        let gpg = |words: &[&str], input: Vec<u8>| {
            // Keys are only looked at: neither a key ring nor a trust database is to be made for that.
            let command = cmd(&gpg).args(["--no-keyring", "--trust-model", "always"]);
            let command = command.args(["--no-tty", "--batch", "--with-colons", "--fixed-list-mode"]);
            command.args(words).stdin(input)
        };
        let number = match &content {
            None => self.key.clone(),
            Some(content) => match first(&host.ask(gpg(&["-"], content.clone()))?.out(), "pub:", 4) {
                Some(number) => number,
                None => fail!("Unexpected gpg output"),
            },
        };
        let number = number.trim().to_uppercase().trim_start_matches("0X").to_owned();
        let thing = format!("rpm key {number}");
        let known = match host.planned(Thing::Other, &thing) {
            Some(state) => state == "present",
            None if !host.ask(cmd("rpm").args(["-q", "gpg-pubkey"]).any_rc())?.ok() => false,
            None => {
                let keys = host.ask(cmd("rpm").args(["-q", "gpg-pubkey", "--qf", "%{description}"]))?;
                let told = host.ask(gpg(&["-"], keys.stdout))?.out();
                told.lines().any(|line| line.split(':').nth(4).is_some_and(|id| id.contains(&number)))
            }
        };
        let wanted = self.state == Presence::Present;
        if known == wanted {
            return Ok(Outcome::ok());
        }
        let state = if wanted { "present" } else { "absent" };
        let effect = Effect::Set { thing: Thing::Other, name: thing, state: state.to_owned() };
        if !wanted {
            let short = number.get(number.len().saturating_sub(8)..).unwrap_or(&number).to_lowercase();
            let name = format!("gpg-pubkey-{short}");
            host.run(cmd("rpm").args(["--erase", "--allmatches", &name]).does(effect))?;
            return Ok(Outcome::ok().changed_if(true));
        }
        let Some(content) = content else { fail!("When importing a key, a valid file must be given") };
        if !self.fingerprint.is_empty() {
            let words = ["--import", "--import-options", "show-only", "--dry-run", "-"];
            let told = host.ask(gpg(&words, content.clone()))?.out();
            let prints: Vec<&str> = told
                .lines()
                .filter(|line| line.starts_with("fpr:"))
                .filter_map(|line| line.split(':').nth(9))
                .collect();
            for wanted in &self.fingerprint {
                let wanted = wanted.replace(' ', "").to_uppercase();
                if !prints.contains(&wanted.as_str()) {
                    fail!(
                        "The specified fingerprint, '{wanted}', does not match any key fingerprints in '{}'",
                        prints.join(", ")
                    );
                }
            }
        }
        self.import(host, &content, file, effect)?;
        Ok(Outcome::ok().changed_if(true))
    }
}

/// A field of the first line that starts so.
fn first(text: &str, start: &str, field: usize) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| line.starts_with(start))?;
    line.split(':').nth(field).map(str::to_owned)
}

impl RpmKey {
    fn fetch(&self, host: &Probe) -> Result<Vec<u8>> {
        let options = UrlOptions { validate_certs: self.validate_certs, ..UrlOptions::default() };
        let failed = |why: &str| format!("failed to fetch key at {} , error was: {why}", self.key);
        let response = host
            .http(&Request::new("GET", &self.key, &options))
            .map_err(|fault| Fault { message: failed(&fault.message), ..fault })?;
        if response.status != 200 {
            return Err(Fault::new(failed(&format!("HTTP Error {}: {}", response.status, response.reason))));
        }
        if !String::from_utf8_lossy(&response.body).contains("BEGIN PGP PUBLIC KEY BLOCK") {
            fail!("Not a public key: {}", self.key);
        }
        Ok(response.body)
    }

    fn import(&self, host: &mut Host, content: &[u8], file: Option<PathBuf>, effect: Effect) -> Result<()> {
        let own = file.is_some();
        let path = match file {
            Some(path) => path,
            None => {
                let name = format!("rpm-key-{}", crate::tempfile::unguessable());
                let path = crate::tempfile::folder(host)?.join(name);
                let private = Commit { mode: Some(0o600), fresh: true, ..Commit::default() };
                host.write_as(&path, &mut &*content, &private)?;
                path
            }
        };
        let ran = host.run(cmd("rpm").arg("--import").arg(&path).does(effect));
        if !own {
            host.remove(&path)?;
        }
        ran.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPG: &str =
        "/usr/bin/gpg --no-keyring --trust-model always --no-tty --batch --with-colons --fixed-list-mode";

    fn world() -> World {
        World::new()
            .program("rpm")
            .program("gpg")
            .file("/key", "-----BEGIN PGP PUBLIC KEY BLOCK-----")
            .answers("rpm -q gpg-pubkey", Ran::failed(1, ""))
            .says(&format!("{GPG} -"), "pub:-:4096:1:0123456789ABCDEF:1:::-:::scSC::::::23::0:\n")
            .says(&format!("{GPG} --import*"), "fpr:::::::::AAAA0123456789ABCDEF:\n")
    }

    #[test]
    fn a_key_is_imported_once() {
        conform::<RpmKey>("{ key: /key }", world()).changed().ran(["rpm --import /key"]);
        let there =
            world().says("rpm -q gpg-pubkey", "gpg-pubkey-1\n").says("rpm -q gpg-pubkey --qf*", "KEY");
        conform::<RpmKey>("{ key: /key }", there).unchanged().ran([]);
        let there =
            world().says("rpm -q gpg-pubkey", "gpg-pubkey-1\n").says("rpm -q gpg-pubkey --qf*", "KEY");
        conform::<RpmKey>("{ key: '0x89ABCDEF', state: absent }", there)
            .ran(["rpm --erase --allmatches gpg-pubkey-89abcdef"]);
    }

    #[test]
    fn another_fingerprint_is_refused() {
        conform::<RpmKey>("{ key: /key, fingerprint: BBBB }", world()).failed("does not match any key");
        conform::<RpmKey>("{ key: /key, fingerprint: 'aaaa 0123 4567 89AB CDEF' }", world()).changed();
        conform::<RpmKey>("{ key: /no }", world()).failed("Not a valid key /no");
    }
}
