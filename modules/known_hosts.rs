//! Add or remove host keys in a `known_hosts` file.
//!
//! Names are matched as ssh matches them: lists, wildcards and hashed names.
//!
//! ```yaml
//! - known_hosts: { name: foo.com.invalid, key: foo.com.invalid ssh-rsa AAAAB3NzaC1yc2E, path: /etc/ssh/ssh_known_hosts }
//! - known_hosts: { name: foo.com.invalid, state: absent }
//! ```
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use shevek_kit::lossless;
use shevek_kit::prelude::*;

/// Arguments of `known_hosts`.
#[derive(Args)]
#[module(procedure)]
pub struct KnownHosts {
    /// The host; with a port as `[host]:port`.
    #[arg(alias = "host")]
    name: String,
    /// The line of the key, as `ssh-keyscan` prints it. Needed unless the host is removed with all its keys.
    key: Option<String>,
    /// The file.
    #[arg(default = "~/.ssh/known_hosts")]
    path: PathBuf,
    /// Hide the name in the file behind a hash.
    #[arg(default = false)]
    hash_host: bool,
    /// Whether the key is there.
    #[arg(default = "present")]
    state: Presence,
}

/// What the file has of a host.
#[derive(Debug, Default)]
struct Found {
    /// A line is the host's.
    host: bool,
    /// The key is not there as it is wanted.
    differs: bool,
    /// The line that has the key, or one of its type.
    line: Option<usize>,
}

/// One line: marker, names, type and key.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Entry<'a> {
    marker: Option<&'a str>,
    hosts: &'a str,
    kind: &'a str,
    key: &'a str,
}

impl<'a> Entry<'a> {
    fn read(line: &'a str) -> Option<Entry<'a>> {
        let mut words = line.split_whitespace().peekable();
        let marker = words.next_if(|word| word.starts_with('@'));
        let hosts = words.next().filter(|word| !word.starts_with('#'))?;
        Some(Entry { marker, hosts, kind: words.next()?, key: words.next().unwrap_or_default() })
    }
}

impl Procedure for KnownHosts {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let name = self.name.to_lowercase();
        let key = self.key(&name)?;
        let before = host.read_if_there(&self.path)?;
        let text = lossless::text(before.as_deref().unwrap_or_default());
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let found = search(&lines, &name, key.as_deref());
        let mut outcome = Outcome::ok()
            .with("name", &self.name)
            .with("key", self.key.as_ref().map_or(Val::Null, Val::from))
            .with("path", &self.path)
            .with("hash_host", self.hash_host)
            .with("state", self.state);
        self.edit(&mut lines, &found, key.as_deref(), &name);
        let after = lines.concat();
        outcome.changed = after != text;
        let after = lossless::bytes(&after);
        if outcome.changed {
            host.write(&self.path, &after)?;
        }
        let path = self.path.display().to_string();
        let diff = text_diff(&path, before.as_deref(), Some(&after));
        if host.wants_diff() {
            if outcome.changed {
                host.diff(diff);
            }
        } else {
            // As with Ansible, the result has it even when nobody asked.
            let header = |side: &Option<String>| side.as_ref().map_or(Val::Null, Val::from);
            let entries = [
                ("before_header", header(&diff.before_header)),
                ("after_header", header(&diff.after_header)),
                ("before", diff.before),
                ("after", diff.after),
            ];
            outcome.set("diff", entries.map(|(key, value)| (key.to_owned(), value)).to_vec());
        }
        Ok(outcome)
    }
}

impl KnownHosts {
    fn edit(&self, lines: &mut Vec<String>, found: &Found, key: Option<&str>, name: &str) {
        match (self.state, key) {
            (Presence::Present, Some(key)) if !found.host || found.differs => {
                if let Some(at) = found.line {
                    lines.remove(at);
                }
                if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
                    last.push('\n');
                }
                lines.push(format!("{key}\n"));
            }
            (Presence::Present, _) => {}
            (Presence::Absent, Some(_)) => {
                if let Some(at) = found.line {
                    lines.remove(at);
                }
            }
            // Without a key all lines of the host go, but for those of authorities and revocations.
            (Presence::Absent, None) => lines.retain(|line| {
                Entry::read(line).is_none_or(|e| e.marker.is_some() || !matches(e.hosts, name))
            }),
        }
    }

    /// The line to write, after checking that it is the host's.
    fn key(&self, name: &str) -> Result<Option<String>> {
        let Some(key) = self.key.as_deref().map(str::trim).filter(|key| !key.is_empty()) else {
            if self.state == Presence::Present {
                fail!("No key specified when adding a host");
            }
            return Ok(None);
        };
        let wrong = "Host parameter does not match hashed host field in supplied key";
        let Some(entry) = Entry::read(key) else { fail!("{wrong}") };
        if name.trim_end_matches(',').contains(',') {
            fail!(
                "Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts file."
            );
        }
        if self.hash_host {
            return Ok(Some(key.replacen(entry.hosts, &hashed(name), 1)));
        }
        if !matches(entry.hosts, name) {
            fail!("{wrong}");
        }
        Ok(Some(key.to_owned()))
    }
}

/// The host's line that has this key, or one of the same type.
// Differs from Ansible: names are matched here and not by `ssh-keygen`, which would leave a file ending in `.old` behind.
fn search(lines: &[String], name: &str, key: Option<&str>) -> Found {
    let wanted = key.and_then(Entry::read);
    let mut found = Found::default();
    for (at, line) in lines.iter().enumerate() {
        let Some(entry) = Entry::read(line).filter(|entry| matches(entry.hosts, name)) else { continue };
        found.host = true;
        let Some(wanted) = wanted else { return found };
        let both_hashed = wanted.hosts.starts_with("|1|") && entry.hosts.starts_with("|1|");
        let same_hosts = entry.hosts == wanted.hosts || (both_hashed && entry.marker.is_none());
        if same_hosts && (Entry { hosts: wanted.hosts, ..entry }) == wanted {
            return Found { host: true, differs: false, line: Some(at) };
        }
        if entry.marker.is_none() && entry.kind == wanted.kind {
            return Found { host: true, differs: true, line: Some(at) };
        }
    }
    found.differs = found.host && wanted.is_some();
    found
}

/// Whether a line's names are those of a host.
fn matches(hosts: &str, name: &str) -> bool {
    if let Some(rest) = hosts.strip_prefix("|1|") {
        let Some((salt, hash)) = rest.split_once('|') else { return false };
        return STANDARD.decode(salt).is_ok_and(|salt| STANDARD.encode(hmac(&salt, name.as_bytes())) == hash);
    }
    let mut fits = false;
    for pattern in hosts.split(',') {
        let pattern = pattern.to_lowercase();
        match pattern.strip_prefix('!') {
            Some(not) if wild(not.as_bytes(), name.as_bytes()) => return false,
            Some(_) => {}
            None => fits |= wild(pattern.as_bytes(), name.as_bytes()),
        }
    }
    fits
}

/// `*` and `?` as ssh knows them; brackets are those of `[host]:port`.
fn wild(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            wild(rest, name) || name.split_first().is_some_and(|(_, n)| wild(pattern, n))
        }
        (Some((b'?', p)), Some((_, n))) => wild(p, n),
        (Some((a, p)), Some((b, n))) => a == b && wild(p, n),
        _ => false,
    }
}

fn hashed(name: &str) -> String {
    let salt =
        sha1(format!("{}{}", crate::tempfile::unguessable(), crate::tempfile::unguessable()).as_bytes());
    format!("|1|{}|{}", STANDARD.encode(&salt), STANDARD.encode(hmac(&salt, name.as_bytes())))
}

fn sha1(bytes: &[u8]) -> Vec<u8> {
    let hex = shevek_kit::checksum(Algorithm::Sha1, &mut &*bytes).unwrap_or_default();
    let digit = |at: usize| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..hex.len()).step_by(2).filter_map(digit).collect()
}

/// HMAC-SHA1 of RFC 2104, for keys that are no longer than a block.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let padded = |pad: u8| -> Vec<u8> { (0..64).map(|i| key.get(i).copied().unwrap_or(0) ^ pad).collect() };
    let inner = sha1(&[&padded(0x36), text].concat());
    sha1(&[padded(0x5c), inner].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/root/.ssh/known_hosts";

    fn world() -> World {
        World::new().file(FILE, "a.org ssh-rsa AAAA\nb.org,*.b.org ssh-rsa BBBB\n")
    }

    #[test]
    fn a_key_is_added_replaced_and_removed() {
        let args = "{ name: c.org, key: c.org ssh-rsa CCCC }";
        let done = conform::<KnownHosts>(args, world()).changed();
        let done = done.holds(FILE, "a.org ssh-rsa AAAA\nb.org,*.b.org ssh-rsa BBBB\nc.org ssh-rsa CCCC\n");
        let done = done.then(args).unchanged().gives("name", "c.org").gives("hash_host", false);
        let done = done.then("{ name: a.org, key: a.org ssh-rsa NEW }").changed();
        let done = done.holds(FILE, "b.org,*.b.org ssh-rsa BBBB\nc.org ssh-rsa CCCC\na.org ssh-rsa NEW\n");
        let done = done.then("{ name: a.org, state: absent, key: a.org ssh-rsa OTHER }").changed();
        let done = done.then("{ name: x.b.org, state: absent }").changed();
        done.holds(FILE, "c.org ssh-rsa CCCC\n").then("{ name: x.b.org, state: absent }").unchanged();
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let world = World::new().file(FILE, b"a.org ssh-rsa AAAA J\xf6rg\n".as_slice());
        let done = conform::<KnownHosts>("{ name: c.org, key: c.org ssh-rsa C }", world).changed();
        assert_eq!(done.probe().read(FILE).unwrap(), b"a.org ssh-rsa AAAA J\xf6rg\nc.org ssh-rsa C\n");
    }

    #[test]
    fn hashed_names_are_found() {
        let args = "{ name: H.org, key: h.org ssh-rsa HHHH, hash_host: yes }";
        let done = conform::<KnownHosts>(args, World::new().folder("/root/.ssh")).changed();
        let text = done.probe().read_text(FILE).unwrap();
        assert!(text.starts_with("|1|") && text.ends_with("= ssh-rsa HHHH\n"), "{text}");
        let done = done.then(args).unchanged();
        done.then("{ name: h.org, state: absent }").changed().holds(FILE, "");
        // Made by ssh-keygen -H.
        let line = "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg=";
        assert!(matches(line, "192.168.1.61") && !matches(line, "192.168.1.62"));
    }

    #[test]
    fn a_key_of_another_host_is_refused() {
        conform::<KnownHosts>("{ name: a.org, key: b.org ssh-rsa AAAA }", world()).failed("does not match");
        conform::<KnownHosts>("{ name: a.org }", world()).failed("No key specified when adding a host");
        conform::<KnownHosts>("{ name: 'a, b', key: a ssh-rsa A }", world()).failed("Comma separated");
    }
}
