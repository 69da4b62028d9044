//! Manage the public keys that may log in as a user.
//!
//! ```yaml
//! - ansible.posix.authorized_key: { user: charlie, state: present, key: "{{ lookup('file', '/home/charlie/.ssh/id_rsa.pub') }}" }
//! - ansible.posix.authorized_key: { user: charlie, key: 'https://github.com/charlie.keys', exclusive: true }
//! ```
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use shevek_kit::User;
use shevek_kit::fault::io_words;
use shevek_kit::http::{Request, UrlOptions};
use shevek_kit::lossless;
use shevek_kit::prelude::*;

/// Arguments of `authorized_key`.
#[derive(Args)]
#[module(procedure, collection = "ansible.posix")]
pub struct AuthorizedKey {
    /// Whose login it is.
    user: String,
    /// Keys, a line each, or the address of such.
    key: String,
    /// The file, instead of the user's `~/.ssh/authorized_keys`.
    path: Option<PathBuf>,
    /// Whether the folder is made and its owner and mode are set.
    #[arg(default = true)]
    manage_dir: bool,
    /// Whether the keys are there.
    #[arg(default = "present")]
    state: Presence,
    /// Options that stand before the key.
    key_options: Option<String>,
    /// Remove all other keys.
    #[arg(default = false)]
    exclusive: bool,
    /// Whether a web server's certificate is checked.
    #[arg(default = true)]
    validate_certs: bool,
    /// The comment after the key.
    comment: Option<String>,
    /// Write through a link that is at the path.
    #[arg(default = false)]
    follow: bool,
}

/// One line that has a key.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    options: Option<String>,
    kind: String,
    key: String,
    comment: String,
}

/// A line of the file: a key, or what is none and stays as it is.
struct Entry {
    key: Option<Key>,
    text: String,
    /// Its place: what is added comes after all that was there.
    rank: (usize, usize),
}

impl Entry {
    /// What two lines have in common that are the same entry.
    fn name(&self) -> String {
        self.key.as_ref().map_or_else(|| format!("{}\n", self.text), |key| key.key.clone())
    }
}

/// Words by which a line's key is found.
const KINDS: [&str; 23] = [
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "rsa-sha2-256",
    "rsa-sha2-256-cert-v01@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-512-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "ssh-ed25519",
    "ssh-ed25519-cert-v01@openssh.com",
    "ssh-dss",
    "ssh-dss-cert-v01@openssh.com",
    "ssh-rsa",
    "ssh-rsa-cert-v01@openssh.com",
    "ssh-xmss@openssh.com",
    "ssh-xmss-cert-v01@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
];

impl Key {
    fn read(line: &str) -> Option<Key> {
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        // Blanks within quotes separate nothing.
        let (mut words, mut quoted): (Vec<String>, bool) = (vec![String::new()], false);
        let mut before = ' ';
        for c in line.chars() {
            if c == '"' && before != '\\' {
                quoted = !quoted;
            }
            if c.is_whitespace() && !quoted {
                if words.last().is_some_and(|word| !word.is_empty()) {
                    words.push(String::new());
                }
            } else if let Some(word) = words.last_mut() {
                word.push(c);
            }
            before = c;
        }
        words.retain(|word| !word.is_empty());
        let at = words.iter().position(|word| KINDS.contains(&word.as_str()))?;
        let options = words.get(..at).unwrap_or_default().join(" ");
        Some(Key {
            options: Some(options).filter(|options| !options.is_empty()),
            kind: words.get(at)?.clone(),
            key: words.get(at + 1)?.clone(),
            comment: words.get(at + 2..).unwrap_or_default().join(" "),
        })
    }

    /// As Ansible writes it: without a comment the line ends in a blank.
    fn line(&self) -> String {
        let options = self.options.as_ref().map_or(String::new(), |options| format!("{options} "));
        format!("{options}{} {} {}", self.kind, self.key, self.comment)
    }

    /// The options by name, since their order is of no account.
    fn settings(&self) -> Vec<&str> {
        let mut quoted = false;
        let mut before = ' ';
        let options = self.options.as_deref().unwrap_or_default();
        let parts = options.split(|c| {
            quoted ^= c == '"' && before != '\\';
            before = c;
            c == ',' && !quoted
        });
        let mut parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        // Those of one name keep their order.
        parts.sort_by_key(|part| part.split_once('=').map_or(*part, |(name, _)| name));
        parts
    }

    fn same(&self, other: &Key) -> bool {
        self.kind == other.kind && self.comment == other.comment && self.settings() == other.settings()
    }
}

impl Procedure for AuthorizedKey {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let text = self.text(host)?;
        let user = host.user(&self.user)?;
        let file = self.file(user.as_ref())?;
        let links = if self.follow { Links::Follow } else { Links::Keep };
        let at = followed(host, &file, links);
        let folder = followed(host, file.parent().unwrap_or(&file), links);
        // Differs from Ansible: it follows any link in the place of the folder, and reads through one in the place of the
        // file; here one that a user has laid must lead to what is that user's.
        for path in [&folder, &at] {
            refuse_link(host, path)?;
        }
        let before = host.read_if_there(&at)?;
        let known = lossless::text(before.as_deref().unwrap_or_default());
        let mut entries = entries(&known);
        let changed = self.edit(&self.wanted(&text)?, &mut entries);
        if changed {
            let after: String = entries.iter().map(|entry| format!("{}\n", entry.text)).collect();
            let after = lossless::bytes(&after);
            let owner =
                user.map(|user| Owner { uid: Some(user.uid), gid: Some(user.gid) }).unwrap_or_default();
            self.make_folder(host, &folder, owner)?;
            let how = Commit { mode: Some(0o600), uid: owner.uid, gid: owner.gid, ..Commit::default() };
            host.write_as(&at, &mut &*after, &how)?;
            let mut diff = text_diff("", Some(before.as_deref().unwrap_or_default()), Some(&after));
            diff.before_header = Some(file.display().to_string());
            diff.after_header = Some(at.display().to_string());
            host.diff(diff);
        }
        let text = |value: &Option<String>| value.as_ref().map_or(Val::Null, Val::from);
        Ok(Outcome::ok()
            .changed_if(changed)
            .with("user", &self.user)
            .with("key", &self.key)
            .with("keyfile", &file)
            .with("key_options", text(&self.key_options))
            .with("comment", text(&self.comment))
            .with("exclusive", self.exclusive)
            .with("manage_dir", self.manage_dir)
            .with("validate_certs", self.validate_certs)
            .with("follow", self.follow)
            .with("state", self.state)
            .with("path", self.path.as_ref().map_or(Val::Null, Val::from)))
    }
}

/// The lines of a file. Of those that say the same, the last one counts.
fn entries(text: &str) -> Vec<Entry> {
    let mut last = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        let key = Key::read(line);
        let text = key.as_ref().map_or_else(|| line.to_owned(), Key::line);
        let entry = Entry { key, text, rank: (at, 0) };
        last.insert(entry.name(), entry);
    }
    let mut entries: Vec<Entry> = last.into_values().collect();
    entries.sort_by_key(|entry| entry.rank);
    entries
}

impl AuthorizedKey {
    /// The keys that are asked for, from wherever they are.
    fn text(&self, host: &Probe) -> Result<String> {
        if self.key.starts_with("http") {
            let options = UrlOptions { validate_certs: self.validate_certs, ..UrlOptions::default() };
            let failed = |why: &str| format!("Error getting key from: {} ({why})", self.key);
            let response = host
                .http(&Request::new("GET", self.key.trim(), &options))
                .map_err(|fault| Fault { message: failed(&fault.message), ..fault })?;
            if response.status != 200 {
                return Err(Fault::new(failed(&format!(
                    "HTTP Error {}: {}",
                    response.status, response.reason
                ))));
            }
            return Ok(lossless::text(&response.body));
        }
        if let Some(rest) = self.key.strip_prefix("file:") {
            // After two slashes comes the name of a host, which is of no account.
            let path = match rest.strip_prefix("//") {
                Some(rest) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default(),
                None => rest,
            };
            return match host.stat(path)? {
                None => Err(Fault::absent(format!("Path to a key file not found: {path}"))),
                Some(stat) if !stat.is_file() => {
                    fail!("Path to a key is a directory and must be a file: {path}")
                }
                Some(_) => Ok(lossless::text(&host.read(path)?)),
            };
        }
        Ok(self.key.clone())
    }

    fn wanted(&self, text: &str) -> Result<Vec<Key>> {
        let mut wanted = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let Some(mut key) = Key::read(line) else { fail!("invalid key specified: {line}") };
            if let Some(options) = &self.key_options {
                key.options = Some(options.clone()).filter(|options| !options.is_empty());
            }
            if let Some(comment) = &self.comment {
                key.comment.clone_from(comment);
            }
            wanted.push(key);
        }
        Ok(wanted)
    }

    // Differs from Ansible: with a path, its check run passes for a user whom the real run does not find.
    fn file(&self, user: Option<&User>) -> Result<PathBuf> {
        match (&self.path, user) {
            (_, None) => Err(Fault::absent(format!(
                "Failed to lookup user {0}: \"getpwnam(): name not found: '{0}'\"",
                self.user
            ))),
            (Some(path), Some(_)) => Ok(path.clone()),
            (None, Some(user)) => Ok(Path::new(&user.home).join(".ssh/authorized_keys")),
        }
    }

    fn edit(&self, wanted: &[Key], entries: &mut Vec<Entry>) -> bool {
        let known = entries.len();
        let mut changed = false;
        for (at, key) in wanted.iter().enumerate() {
            let is = |entry: &Entry| entry.key.as_ref().is_some_and(|known| known.key == key.key);
            let found = entries.iter().find(|entry| is(entry)).and_then(|entry| entry.key.as_ref());
            let there = found.is_some_and(|known| self.state == Presence::Absent || known.same(key));
            match self.state {
                Presence::Absent if there => entries.retain(|entry| !is(entry)),
                Presence::Present if !there => {
                    entries.retain(|entry| !is(entry));
                    entries.push(Entry { key: Some(key.clone()), text: key.line(), rank: (known + at, 1) });
                }
                _ => continue,
            }
            changed = true;
        }
        if self.exclusive && self.state == Presence::Present {
            let before = entries.len();
            entries.retain(|entry| {
                entry.key.as_ref().is_some_and(|known| wanted.iter().any(|key| known.key == key.key))
            });
            changed |= entries.len() < before;
        }
        entries.sort_by_key(|entry| entry.rank);
        changed
    }

    /// Gives the folder to the user, and to nobody else; or only sees that it is there.
    fn make_folder(&self, host: &mut Host, folder: &Path, owner: Owner) -> Result<()> {
        let found = host.lstat(folder)?;
        if !self.manage_dir {
            let mut missing: Vec<&Path> = folder.ancestors().take_while(|path| !host.exists(path)).collect();
            while let Some(path) = missing.pop() {
                host.mkdir(path, 0o755)?;
            }
            return Ok(());
        }
        if found.is_none() {
            host.mkdir(folder, 0o700).map_err(|fault| {
                let path = folder.display();
                let why = match fault.os {
                    Some(os) => {
                        let words = io_words(&io::Error::from_raw_os_error(os));
                        format!("[Errno {os}] {words}: '{path}'")
                    }
                    None => fault.message.clone(),
                };
                Fault { message: format!("Failed to create directory {path} : {why}"), ..fault }
            })?;
        }
        let Some(stat) = host.lstat(folder)?.filter(|stat| !stat.is_link()) else { return Ok(()) };
        if stat.mode != 0o700 {
            host.chmod(folder, 0o700)?;
        }
        if owner.uid.is_some_and(|uid| uid != stat.uid) || owner.gid.is_some_and(|gid| gid != stat.gid) {
            host.chown(folder, owner, Links::Keep)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/home/ann/.ssh/authorized_keys";

    fn world() -> World {
        World::new().user("ann", 1000)
    }

    #[test]
    fn a_key_is_added_and_removed() {
        let args = "{ user: ann, key: 'ssh-ed25519 AAAA ann@laptop' }";
        let done = conform::<AuthorizedKey>(args, world()).changed().gives("keyfile", FILE);
        let done = done.holds(FILE, "ssh-ed25519 AAAA ann@laptop\n");
        let stat = done.probe().stat(FILE).unwrap().unwrap();
        assert_eq!((stat.mode, stat.uid), (0o600, 1000));
        assert_eq!(done.probe().stat("/home/ann/.ssh").unwrap().unwrap().mode, 0o700);
        let done = done.then(args).unchanged();
        let done =
            done.then("{ user: ann, key: 'ssh-rsa BBBB', key_options: 'no-pty,command=\"a b\"' }").changed();
        let done = done.holds(FILE, "ssh-ed25519 AAAA ann@laptop\nno-pty,command=\"a b\" ssh-rsa BBBB \n");
        let done = done.then("{ user: ann, key: 'ssh-ed25519 AAAA', state: absent }").changed();
        done.holds(FILE, "no-pty,command=\"a b\" ssh-rsa BBBB \n");
    }

    #[test]
    fn links_that_the_user_laid_are_not_followed() {
        let args = "{ user: ann, key: 'ssh-rsa NEW new' }";
        let world = || world().file("/etc/secret", "root's\n").folder("/home/ann/.ssh").folder("/srv/keys");
        let file = || world().link(FILE, "/etc/secret").owner(FILE, 1000, 1000);
        conform_apart::<AuthorizedKey>(args, file()).failed("is a link").holds("/etc/secret", "root's\n");
        let folder = || {
            let world = self::world().folder("/srv/keys").link("/home/ann/.ssh", "/srv/keys");
            world.owner("/home/ann/.ssh", 1000, 1000)
        };
        let done = conform_apart::<AuthorizedKey>(args, folder()).failed("is a link");
        assert_eq!(done.probe().stat("/srv/keys").unwrap().unwrap().uid, 0);
        // What is the user's all the same may lie elsewhere.
        let done = conform::<AuthorizedKey>(args, folder().owner("/srv/keys", 1000, 1000)).changed();
        let done = done.holds("/srv/keys/authorized_keys", "ssh-rsa NEW new\n");
        assert!(done.probe().lstat("/home/ann/.ssh").unwrap().unwrap().is_link());
        let follow = "{ user: ann, key: 'ssh-rsa NEW new', follow: yes }";
        conform::<AuthorizedKey>(follow, folder())
            .changed()
            .holds("/srv/keys/authorized_keys", "ssh-rsa NEW new\n");
        // One's own link is replaced, and the file is the user's.
        let done = conform::<AuthorizedKey>(args, world().link(FILE, "/etc/secret")).changed();
        let stat = done.probe().lstat(FILE).unwrap().unwrap();
        assert_eq!((stat.is_file(), stat.mode, stat.uid), (true, 0o600, 1000));
        assert_eq!(done.probe().stat("/etc/secret").unwrap().unwrap().uid, 0);
    }

    #[test]
    fn a_key_is_found_by_itself_and_written_as_ansible_does() {
        // Without a comment there is a blank at the end, and options are the same in any order.
        let file = "no-pty,from=\"10.0.0.1,10.0.0.2\" ssh-rsa AAAA one\nssh-rsa BBBB \n";
        let world = || world().file(FILE, file).mode(FILE, 0o600);
        let args = |rest: &str| format!("{{ user: ann, {rest} }}");
        let options = args("key: 'ssh-rsa AAAA one', key_options: 'from=\"10.0.0.1,10.0.0.2\",no-pty'");
        conform::<AuthorizedKey>(&options, world()).unchanged();
        conform::<AuthorizedKey>(&args("key: ssh-rsa BBBB"), world()).unchanged();
        // Another comment, other options or another type: the new line takes the place of the old one, at the end.
        let done = conform::<AuthorizedKey>(&args("key: ssh-rsa AAAA two"), world()).changed();
        done.holds(FILE, "ssh-rsa BBBB \nssh-rsa AAAA two\n");
        conform::<AuthorizedKey>(&args("key: ssh-dss BBBB, state: absent"), world()).changed();
    }

    #[test]
    fn nothing_is_touched_when_the_key_is_there() {
        let world = world().file(FILE, "ssh-rsa AAAA one\n").mode(FILE, 0o644);
        let done = conform::<AuthorizedKey>("{ user: ann, key: ssh-rsa AAAA one }", world).unchanged();
        assert_eq!(done.probe().stat(FILE).unwrap().unwrap().mode, 0o644);
    }

    #[test]
    fn keys_come_from_a_file_of_the_host() {
        let world = || world().file("/srv/keys", "# mine\nssh-rsa AAAA one\n");
        let done = conform::<AuthorizedKey>("{ user: ann, key: 'file:///srv/keys' }", world()).changed();
        done.holds(FILE, "ssh-rsa AAAA one\n");
        conform::<AuthorizedKey>("{ user: ann, key: 'file:///srv/none' }", world())
            .failed("Path to a key file not found: /srv/none");
    }

    #[test]
    fn a_folder_of_which_the_parent_is_missing_is_not_made() {
        let args = "{ user: ann, key: ssh-rsa A, path: /srv/deep/er/keys }";
        conform::<AuthorizedKey>(args, world()).failed("Failed to create directory /srv/deep/er : [Errno 2]");
        let args = "{ user: ann, key: ssh-rsa A, path: /srv/deep/er/keys, manage_dir: false }";
        let done = conform::<AuthorizedKey>(args, world()).changed();
        assert_eq!(done.probe().stat("/srv/deep/er").unwrap().unwrap().uid, 0);
        assert_eq!(done.probe().stat("/srv/deep/er/keys").unwrap().unwrap().uid, 1000);
    }

    #[test]
    fn a_file_that_is_changed_is_the_users_too() {
        let world = world().file(FILE, b"# J\xf6rg\n".as_slice()).mode(FILE, 0o644);
        let done = conform::<AuthorizedKey>("{ user: ann, key: 'ssh-rsa NEW new' }", world).changed();
        let stat = done.probe().stat(FILE).unwrap().unwrap();
        assert_eq!((stat.mode, stat.uid), (0o600, 1000));
        assert_eq!(done.probe().read(FILE).unwrap(), b"# J\xf6rg\nssh-rsa NEW new\n");
    }

    #[test]
    fn all_other_keys_go_when_told() {
        let world = world().file(FILE, "# a note goes too\nssh-rsa OLD old\n").mode(FILE, 0o600);
        let done = conform::<AuthorizedKey>("{ user: ann, key: 'ssh-rsa NEW new', exclusive: yes }", world);
        done.changed().holds(FILE, "ssh-rsa NEW new\n");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        conform::<AuthorizedKey>("{ user: ann, key: nonsense }", world())
            .failed("invalid key specified: nonsense");
        conform::<AuthorizedKey>("{ user: eve, key: ssh-rsa A }", world())
            .failed("Failed to lookup user eve");
    }
}
