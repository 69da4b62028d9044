//! Add and remove keys that apt trusts, by the program `apt-key`.
//!
//! New releases of Debian have no `apt-key` any more; there `deb822_repository` is the way.
//!
//! ```yaml
//! - apt_key: { url: 'https://keys.example.org/keys/archive-key-6.0.asc', state: present }
//! - apt_key: { id: 0x9FED2BCBDCD29CDF762678CBAED4B06F473041FA, state: absent }
//! ```
use std::path::PathBuf;

use shevek_kit::http::{Request, UrlOptions};
use shevek_kit::prelude::*;

/// Arguments of `apt_key`.
#[derive(Args)]
#[module(procedure)]
#[rule(exclusive("data", "file", "keyserver", "url"))]
pub struct AptKey {
    /// The key's number or fingerprint.
    id: Option<String>,
    /// The key's address.
    url: Option<String>,
    /// The key itself.
    data: Option<String>,
    /// A file on the host that holds it.
    file: Option<PathBuf>,
    /// The file of keys, instead of the usual one.
    keyring: Option<PathBuf>,
    /// Whether a web server's certificate is checked.
    #[arg(default = true)]
    validate_certs: bool,
    /// A server to get the key from.
    keyserver: Option<String>,
    /// Whether the key is trusted.
    #[arg(default = "present")]
    state: Presence,
}

/// Numbers of the keys in what gpg prints, in either of its formats.
fn numbers(text: &str) -> Vec<String> {
    let read = |line: &str| {
        let is_key = (line.starts_with("pub") || line.starts_with("sub")) && !line.contains("expired");
        let word = line.split_whitespace().nth(1).and_then(|word| word.split_once('/'));
        let number = word.map(|(_, number)| number).or_else(|| line.split(':').nth(4))?;
        is_key.then(|| number.to_owned())
    };
    text.lines().filter_map(read).collect()
}

impl Procedure for AptKey {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        host.need("apt-key")?;
        host.need("gpg")?;
        let mut data = self.data.clone().map(String::into_bytes);
        let id = match &self.id {
            Some(id) => id.clone(),
            None => {
                if self.keyserver.is_some() {
                    fail!("Missing key_id, required with keyserver.");
                }
                if let Some(url) = &self.url {
                    data = Some(self.fetch(url, host)?);
                }
                let from = self.file.as_ref().map_or("inline data".into(), |file| file.display().to_string());
                let unable = format!("Unable to extract key from '{from}'");
                let content = match (&self.file, &data) {
                    (Some(file), _) => {
                        let text = host.read_if_there(file)?;
                        text.ok_or_else(|| Fault::absent(format!("{unable}: it is not there")))?
                    }
                    (None, Some(data)) => data.clone(),
                    (None, None) => return Err(Fault::new("Invalid key_id").with("id", Val::Null)),
                };
                // It is only looked at: neither a key ring nor a trust database is to be made for that.
                let gpg = cmd("gpg").args(["--no-keyring", "--trust-model", "always"]);
                let ran = host.ask(gpg.args(["--with-colons", "-"]).stdin(content).any_rc())?;
                match numbers(&ran.out()).into_iter().next().filter(|_| ran.ok()) {
                    Some(number) => number,
                    None => {
                        let fault = Fault::new(unable).with("stdout", ran.out());
                        return Err(fault.with("stderr", ran.err()));
                    }
                }
            }
        };
        let key = id.trim().to_uppercase().trim_start_matches("0X").replace(' ', "");
        if !matches!(key.len(), 8 | 16 | 17..) || !key.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Fault::new("Invalid key_id").with("id", id));
        }
        let end = |count: usize| key.get(key.len().saturating_sub(count)..).unwrap_or(&key).to_owned();
        let (short, print) = (end(8), end(16));
        let is_short = key.len() == 8;
        let before = self.known(is_short, host)?;
        let wanted = if is_short { &short } else { &print };
        let thing = format!("apt key {short}");
        let is_there = match host.planned(Thing::Other, &thing) {
            Some(state) => state == "present",
            None => before.contains(wanted),
        };
        let mut outcome = Outcome::ok()
            .with("id", id)
            .with("short_id", &short)
            .with("fp", &print)
            .with("key_id", &key)
            .with("before", before);
        let present = self.state == Presence::Present;
        if is_there == present {
            return Ok(outcome);
        }
        let state = if present { "present" } else { "absent" };
        let effect = Effect::Set { thing: Thing::Other, name: thing, state: state.to_owned() };
        if present {
            self.add(&key, data, host, effect)?;
        } else {
            host.run(self.apt_key().args(["del", &short]).does(effect))?;
        }
        if !host.rehearsing() {
            let after = self.known(is_short, host)?;
            if after.contains(wanted) != present {
                let what = if present { "failed to add the key" } else { "the key was not removed" };
                let mut fault = Fault::new(format!(
                    "apt-key did not return an error, but {what} (check that the id is correct and *not* a subkey)"
                ));
                fault = fault.with("changed", true).with("after", after);
                for key in ["id", "short_id", "fp", "key_id", "before"] {
                    fault = fault.with(key, outcome.get(key).cloned().unwrap_or(Val::Null));
                }
                return Err(fault);
            }
            outcome.set("after", after);
        }
        Ok(outcome.changed_if(true))
    }
}

impl AptKey {
    fn apt_key(&self) -> Command {
        let keyring = self.keyring.as_ref().map(|path| path.display().to_string());
        cmd("apt-key").opt("--keyring", keyring)
    }

    /// Numbers of the keys that are trusted.
    fn known(&self, short: bool, host: &Probe) -> Result<Vec<String>> {
        // Differs from Ansible: only to ask for its keys makes no empty keyring.
        if self.keyring.as_ref().is_some_and(|keyring| !host.exists(keyring)) {
            return Ok(Vec::new());
        }
        let ran =
            host.ask(self.apt_key().args(["adv", "--list-public-keys", "--keyid-format=long"]).any_rc())?;
        if !ran.ok() {
            fail!("Unable to list public keys");
        }
        let mut all = numbers(&ran.out());
        if short {
            for key in &mut all {
                *key = key.get(key.len().saturating_sub(8)..).unwrap_or(key).to_owned();
            }
        }
        Ok(all)
    }

    fn fetch(&self, url: &str, host: &Probe) -> Result<Vec<u8>> {
        let options = UrlOptions { validate_certs: self.validate_certs, ..UrlOptions::default() };
        let response = host.http(&Request::new("GET", url, &options)).map_err(|fault| Fault {
            message: format!("Failed to download key at {url}: {}", fault.message),
            ..fault
        })?;
        if response.status != 200 {
            fail!("Failed to download key at {url}: HTTP Error {}: {}", response.status, response.reason);
        }
        Ok(response.body)
    }

    fn add(&self, key: &str, data: Option<Vec<u8>>, host: &mut Host, effect: Effect) -> Result<()> {
        if let Some(file) = &self.file {
            return host.run(self.apt_key().arg("add").arg(file).does(effect)).map(drop);
        }
        if let Some(server) = &self.keyserver {
            let command = self.apt_key().args(["adv", "--no-tty", "--keyserver", server]);
            let proxy = host.env("HTTP_PROXY").or_else(|| host.env("http_proxy"));
            let proxy = proxy.map(|proxy| format!("http-proxy={proxy}"));
            let command = command.opt("--keyserver-options", proxy).args(["--recv", key]);
            for _ in 0..4 {
                if host.run(command.clone().any_rc().does(effect.clone()))?.ok() {
                    return Ok(());
                }
            }
            return host.run(command.does(effect)).map(drop).map_err(|f| Fault {
                message: format!("Error fetching key {key} from keyserver: {server}"),
                ..f
            });
        }
        let data = match (data, &self.url) {
            (Some(data), _) => data,
            (None, Some(url)) => self.fetch(url, host)?,
            // Differs from Ansible: its check run passes.
            (None, None) => fail!("No key to add: url, data, file or keyserver is needed"),
        };
        host.run(self.apt_key().args(["add", "-"]).stdin(data).does(effect)).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "apt-key adv --list-public-keys --keyid-format=long";

    fn world() -> World {
        World::new()
            .program("apt-key")
            .program("gpg")
            .file("/key.asc", "KEY")
            .says(LIST, "pub   rsa4096/0123456789ABCDEF 2020-01-01 [SC]\n")
            .says(
                "gpg --no-keyring --trust-model always --with-colons -",
                "pub:-:4096:1:FEDCBA9876543210:1:::\n",
            )
    }

    #[test]
    fn a_key_that_is_trusted_stays() {
        let done = conform::<AptKey>("{ id: '0x0123456789abcdef', file: /key.asc }", world()).unchanged();
        done.gives("short_id", "89ABCDEF").gives("before", vec!["0123456789ABCDEF"]).ran([]);
        conform_apart::<AptKey>("{ id: '89ABCDEF', state: absent }", world().says("apt-key del*", ""))
            .failed("the key was not removed");
    }

    #[test]
    fn a_keyring_that_is_not_there_is_not_made_by_asking() {
        let world = || World::new().program("apt-key").program("gpg").file("/key.asc", "KEY");
        let args = "{ id: 0123456789ABCDEF, state: absent, keyring: /ring.gpg }";
        conform::<AptKey>(args, world()).unchanged().ran([]).gives("before", Vec::<String>::new());
        conform::<AptKey>("{ file: /none.asc }", world()).failed("Unable to extract key from '/none.asc'");
    }

    #[test]
    fn a_key_is_added_and_looked_for() {
        conform_apart::<AptKey>("{ file: /key.asc }", world()).failed("failed to add the key");
        conform::<AptKey>("{ keyserver: s }", world()).failed("Missing key_id");
        conform::<AptKey>("{ id: xyz }", world()).failed("Invalid key_id");
    }
}
