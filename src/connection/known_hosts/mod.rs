//! `known_hosts`: which keys hosts are known by.
//!
//! [`KnownHosts::verdict`] is what a key is worth. `file` reads and appends lines; nothing here knows of connections.

mod file;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

pub(crate) use file::{Entry, Marker, append, host_name, line_for};

/// When a file was last changed, its length, and its entries.
type ReadFile = (Option<(SystemTime, u64)>, Arc<Vec<Entry>>);

/// Files that were read already, for as long as they do not change.
#[derive(Default)]
pub(crate) struct KnownHostsFiles {
    read: Mutex<HashMap<PathBuf, ReadFile>>,
    /// Held while a line is appended.
    pub(crate) writing: Mutex<()>,
}

impl KnownHostsFiles {
    /// The entries of a file; none if it does not exist.
    pub(crate) fn entries(&self, path: &Path) -> std::io::Result<Arc<Vec<Entry>>> {
        let stamp = match std::fs::metadata(path) {
            Ok(meta) if meta.is_file() => Some((meta.modified()?, meta.len())),
            // Such as /dev/null.
            Ok(_) => None,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, entries)) = read.get(path)
            && *known == stamp
        {
            return Ok(entries.clone());
        }
        let text = if stamp.is_some() { std::fs::read(path)? } else { Vec::new() };
        let entries = Arc::new(file::parse(path, &String::from_utf8_lossy(&text)));
        read.insert(path.to_owned(), (stamp, entries.clone()));
        Ok(entries)
    }
}

/// What is known about one host.
pub(crate) struct KnownHosts {
    /// The entries of all files, in order.
    files: Vec<Arc<Vec<Entry>>>,
    /// The name that the host is known by: with its port, unless that is 22.
    name: String,
    /// The name without the port, if it has one.
    plain: Option<String>,
}

/// What a key is worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict<'a> {
    /// It is known.
    Known,
    /// It was revoked.
    Revoked(&'a Entry),
    /// The host is known by another key of that type.
    Changed(&'a Entry),
    /// Nothing is known about it. The same key may be known under other names.
    Unknown(Vec<String>),
}

impl KnownHosts {
    /// What the files know about a host.
    pub(crate) fn new(files: Vec<Arc<Vec<Entry>>>, host: &str, port: Option<u16>) -> Self {
        let name = host_name(host, port);
        let plain = Some(host.to_lowercase()).filter(|plain| *plain != name);
        KnownHosts { files, name, plain }
    }

    /// The name that the host is known by.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn all(&self) -> impl Iterator<Item = &Entry> {
        self.files.iter().flat_map(|file| file.iter())
    }

    fn named(&self) -> impl Iterator<Item = &Entry> {
        self.all().filter(|entry| entry.is_for(&self.name))
    }

    /// The types of key that the host is known by.
    pub(crate) fn types(&self) -> Vec<String> {
        let plain = self.all().filter(|entry| self.plain.as_deref().is_some_and(|plain| entry.is_for(plain)));
        self.named()
            .chain(plain)
            .filter(|entry| entry.marker.is_none())
            .map(|entry| entry.key_type.clone())
            .collect()
    }

    /// The certificate authorities for the host.
    pub(crate) fn authorities(&self) -> impl Iterator<Item = &Entry> {
        self.named().filter(|entry| entry.marker == Some(Marker::CertAuthority))
    }

    /// The entry that revokes a key, if one does.
    pub(crate) fn revoked(&self, key: &[u8]) -> Option<&Entry> {
        self.named().find(|entry| entry.marker == Some(Marker::Revoked) && entry.key == key)
    }

    /// What a key is worth, certificates aside.
    pub(crate) fn verdict(&self, key_type: &str, key: &[u8]) -> Verdict<'_> {
        if let Some(entry) = self.revoked(key) {
            return Verdict::Revoked(entry);
        }
        let mut changed = None;
        for entry in self.named().filter(|entry| entry.marker.is_none()) {
            if entry.key == key {
                return Verdict::Known;
            }
            if entry.key_type == key_type {
                changed = changed.or(Some(entry));
            }
        }
        if let Some(entry) = changed {
            return Verdict::Changed(entry);
        }
        // As OpenSSH does: a host on another port may show the key that it is known by on port 22.
        let plain = self.plain.as_deref();
        let on_22 = |entry: &&Entry| entry.marker.is_none() && plain.is_some_and(|plain| entry.is_for(plain));
        if self.all().filter(on_22).any(|entry| entry.key == key) {
            return Verdict::Known;
        }
        let same = self.all().filter(|entry| entry.marker.is_none() && entry.key == key);
        Verdict::Unknown(same.filter_map(Entry::shown_names).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Base64 of arbitrary bytes: keys are compared, never parsed.
    const ONE: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIDEx";
    const TWO: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIDIy";

    fn bytes(key: &str) -> Vec<u8> {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.decode(key).unwrap()
    }

    fn known(text: &str, host: &str, port: Option<u16>) -> KnownHosts {
        KnownHosts::new(vec![Arc::new(file::parse(Path::new("known_hosts"), text))], host, port)
    }

    fn verdict(text: &str, host: &str, port: Option<u16>, key: &str) -> String {
        match known(text, host, port).verdict("ssh-ed25519", &bytes(key)) {
            Verdict::Known => "known".to_owned(),
            Verdict::Revoked(entry) => format!("revoked in line {}", entry.line),
            Verdict::Changed(entry) => format!("changed in line {}", entry.line),
            Verdict::Unknown(others) => format!("unknown {others:?}"),
        }
    }

    #[test]
    fn a_key_is_known_under_its_name_alone() {
        let text = format!("# comment\n\nweb1,10.0.0.1 ssh-ed25519 {ONE} me@here\n");
        assert_eq!(verdict(&text, "web1", None, ONE), "known");
        assert_eq!(verdict(&text, "WEB1", None, ONE), "known");
        assert_eq!(verdict(&text, "10.0.0.1", Some(22), ONE), "known");
        assert_eq!(verdict(&text, "web1", None, TWO), "changed in line 3");
        assert_eq!(verdict(&text, "web2", None, ONE), "unknown [\"web1,10.0.0.1\"]");
    }

    #[test]
    fn ports_patterns_and_negation() {
        let text =
            format!("*.example.com,!bad.example.com ssh-ed25519 {ONE}\n[web1]:2222 ssh-ed25519 {TWO}\n");
        assert_eq!(verdict(&text, "a.example.com", None, ONE), "known");
        assert_eq!(
            verdict(&text, "bad.example.com", None, ONE),
            "unknown [\"*.example.com,!bad.example.com\"]"
        );
        assert_eq!(verdict(&text, "web1", Some(2222), TWO), "known");
        assert_eq!(verdict(&text, "web1", None, TWO), "unknown [\"[web1]:2222\"]");
        assert_eq!(verdict(&text, "web1", Some(2222), ONE), "changed in line 2");
    }

    #[test]
    fn another_port_may_show_the_key_of_port_22() {
        let text = format!("web1 ssh-ed25519 {ONE}\n");
        assert_eq!(verdict(&text, "web1", Some(2222), ONE), "known");
        assert_eq!(verdict(&text, "web1", Some(2222), TWO), "unknown []");
        assert_eq!(known(&text, "web1", Some(2222)).types(), ["ssh-ed25519"]);
    }

    #[test]
    fn hashed_names_are_found() {
        // ssh-keygen -H made this line for `web1`.
        let line = line_for("web1", true, "ssh-ed25519", &bytes(ONE));
        assert!(line.starts_with("|1|"));
        assert_eq!(verdict(&line, "web1", None, ONE), "known");
        assert_eq!(verdict(&line, "web2", None, ONE), "unknown []");
        let openssh =
            format!("|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 {ONE}\n");
        assert_eq!(verdict(&openssh, "192.168.1.61", None, ONE), "known");
    }

    #[test]
    fn a_revoked_key_is_refused_even_when_it_is_listed() {
        let text = format!("web1 ssh-ed25519 {ONE}\n@revoked * ssh-ed25519 {ONE}\n");
        assert_eq!(verdict(&text, "web1", None, ONE), "revoked in line 2");
    }

    #[test]
    fn an_authoritys_key_is_no_hosts_key() {
        let text = format!("@cert-authority *.example.com ssh-ed25519 {ONE}\n");
        assert_eq!(verdict(&text, "a.example.com", None, ONE), "unknown []");
        assert_eq!(known(&text, "a.example.com", None).authorities().count(), 1);
        assert_eq!(known(&text, "a.example.org", None).authorities().count(), 0);
    }

    #[test]
    fn lines_that_make_no_sense_are_passed_over() {
        let text = format!(
            "web1\nweb1 ssh-ed25519\nweb1 ssh-ed25519 ***\n@strange web1 ssh-ed25519 {ONE}\nweb1\tssh-ed25519   {ONE}\n"
        );
        assert_eq!(verdict(&text, "web1", None, ONE), "known");
    }

    #[test]
    fn appending_keeps_what_is_there_and_ends_every_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/known_hosts");
        append(&path, &line_for("a", false, "ssh-ed25519", &bytes(ONE))).unwrap();
        std::fs::write(&path, format!("a ssh-ed25519 {ONE}")).unwrap();
        append(&path, &line_for("[b]:23", false, "ssh-ed25519", &bytes(TWO))).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("a ssh-ed25519 {ONE}\n[b]:23 ssh-ed25519 {TWO}\n"));
    }

    #[test]
    fn a_file_that_changes_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        let files = KnownHostsFiles::default();
        assert_eq!(files.entries(&path).unwrap().len(), 0);
        append(&path, &line_for("a", false, "ssh-ed25519", &bytes(ONE))).unwrap();
        assert_eq!(files.entries(&path).unwrap().len(), 1);
        append(&path, &line_for("b", false, "ssh-ed25519", &bytes(TWO))).unwrap();
        assert_eq!(files.entries(&path).unwrap().len(), 2);
        assert_eq!(files.entries(Path::new("/dev/null")).unwrap().len(), 0);
    }

    proptest::proptest! {
        #[test]
        fn no_line_upsets_it(text in "(@?[a-z!*?|1=,\\[\\]:. ]{0,40}\n?){0,4}|\\PC{0,80}", host in "\\PC{0,12}") {
            known(&text, &host, Some(2222)).verdict("ssh-ed25519", b"key");
        }
    }
}
