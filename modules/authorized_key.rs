//! Manage the public keys that may log in as a user.
//!
//! ```yaml
//! - ansible.posix.authorized_key: { user: charlie, state: present, key: "{{ lookup('file', '/home/charlie/.ssh/id_rsa.pub') }}" }
//! - ansible.posix.authorized_key: { user: charlie, key: 'https://github.com/charlie.keys', exclusive: true }
//! ```
use std::path::{Path, PathBuf};

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

/// Words by which a line's key is found.
const KINDS: [&str; 14] = [
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "ssh-ed25519",
    "ssh-ed25519-cert-v01@openssh.com",
    "ssh-dss",
    "ssh-rsa",
    "ssh-xmss@openssh.com",
    "ssh-xmss-cert-v01@openssh.com",
    "ssh-rsa-cert-v01@openssh.com",
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

    fn line(&self) -> String {
        let parts = [self.options.as_deref().unwrap_or_default(), &self.kind, &self.key, &self.comment];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(" ")
    }
}

impl Procedure for AuthorizedKey {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let wanted = self.wanted(host)?;
        let file = self.file(host)?;
        let links = if self.follow { Links::Follow } else { Links::Keep };
        let at = followed(host, &file, links);
        let folder = followed(host, file.parent().unwrap_or(&file), links);
        // Differs from Ansible: it follows any link in the place of the folder, and reads through one in the place of the
        // file; here one that a user has laid must lead to what is that user's.
        for path in [&folder, &at] {
            refuse_link(host, path)?;
        }
        let before = host.read_if_there(&at)?;
        let text = lossless::text(before.as_deref().unwrap_or_default());
        let mut lines: Vec<(Option<Key>, String)> =
            text.lines().map(|line| (Key::read(line), line.to_owned())).collect();
        let mut changed = self.edit(&wanted, &mut lines);
        let after: String = lines.iter().map(|(_, line)| format!("{line}\n")).collect();
        let after = lossless::bytes(&after);
        if changed {
            if self.manage_dir {
                self.make_folder(host, &folder)?;
            }
            self.write(host, &at, &after)?;
            let name = file.display().to_string();
            host.diff(text_diff(&name, before.as_deref(), Some(&after)));
        }
        if self.manage_dir && self.state == Presence::Present {
            changed |= self.own(host, &folder, &at)?;
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
            .with("unique", false)
            .with("state", self.state)
            .with("path", self.path.as_ref().map_or(Val::Null, Val::from)))
    }
}

impl AuthorizedKey {
    fn wanted(&self, host: &Probe) -> Result<Vec<Key>> {
        let mut text = self.key.clone();
        if text.starts_with("http://") || text.starts_with("https://") {
            let options = UrlOptions { validate_certs: self.validate_certs, ..UrlOptions::default() };
            let failed = |why: &str| format!("Error getting key from: {} ({why})", self.key);
            let response = host
                .http(&Request::new("GET", text.trim(), &options))
                .map_err(|fault| Fault { message: failed(&fault.message), ..fault })?;
            if response.status != 200 {
                return Err(Fault::new(failed(&format!(
                    "HTTP Error {}: {}",
                    response.status, response.reason
                ))));
            }
            text = String::from_utf8_lossy(&response.body).into_owned();
        }
        let mut wanted = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#')) {
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

    fn file(&self, host: &Probe) -> Result<PathBuf> {
        if let Some(path) = &self.path {
            return Ok(path.clone());
        }
        match host.user(&self.user)? {
            Some(user) => Ok(Path::new(&user.home).join(".ssh/authorized_keys")),
            None => Err(Fault::absent(format!(
                "Either user must exist or you must provide full path to key file in check mode: no user {}",
                self.user
            ))),
        }
    }

    fn edit(&self, wanted: &[Key], lines: &mut Vec<(Option<Key>, String)>) -> bool {
        let before: Vec<String> = lines.iter().map(|(_, line)| line.clone()).collect();
        let is = |known: &Option<Key>, key: &Key| {
            known.as_ref().is_some_and(|k| k.key == key.key && k.kind == key.kind)
        };
        for key in wanted {
            let found = lines.iter().position(|(known, _)| is(known, key));
            match (self.state, found) {
                (Presence::Absent, _) => lines.retain(|(known, _)| !is(known, key)),
                (Presence::Present, Some(at)) => {
                    let Some((Some(known), line)) = lines.get_mut(at) else { continue };
                    let same_comment = self.comment.is_none() || known.comment == key.comment;
                    if known.options != key.options || !same_comment {
                        *line = key.line();
                        *known = key.clone();
                    }
                }
                (Presence::Present, None) => lines.push((Some(key.clone()), key.line())),
            }
        }
        if self.exclusive && self.state == Presence::Present {
            lines.retain(|(known, _)| known.is_none() || wanted.iter().any(|key| is(known, key)));
        }
        !before.iter().eq(lines.iter().map(|(_, line)| line))
    }

    fn owner(&self, host: &Probe) -> Result<Owner> {
        let user = host.user(&self.user)?;
        Ok(user.map_or_else(Owner::default, |user| Owner { uid: Some(user.uid), gid: Some(user.gid) }))
    }

    fn make_folder(&self, host: &mut Host, folder: &Path) -> Result<()> {
        if host.lstat(folder)?.is_none() {
            host.mkdir(folder, 0o700)?;
            let owner = self.owner(host)?;
            host.chown(folder, owner, Links::Keep)?;
        }
        Ok(())
    }

    fn write(&self, host: &mut Host, path: &Path, mut text: &[u8]) -> Result<()> {
        // A link that is replaced by a file is no model for it.
        let is_new = !host.lstat(path)?.is_some_and(|stat| stat.is_file());
        let mut how = Commit::default();
        if is_new {
            how.mode = Some(0o600);
        }
        if is_new && self.manage_dir {
            let owner = self.owner(host)?;
            (how.uid, how.gid) = (owner.uid, owner.gid);
        }
        host.write_as(path, &mut text, &how)
    }

    /// Gives folder and file to the user, and to nobody else.
    fn own(&self, host: &mut Host, folder: &Path, file: &Path) -> Result<bool> {
        let owner = self.owner(host)?;
        let mut changed = false;
        for (path, mode) in [(folder, 0o700), (file, 0o600)] {
            let Some(stat) = host.lstat(path)?.filter(|stat| !stat.is_link()) else { continue };
            if stat.mode != mode {
                host.chmod(path, mode)?;
                changed = true;
            }
            if owner.uid.is_some_and(|uid| uid != stat.uid) || owner.gid.is_some_and(|gid| gid != stat.gid) {
                host.chown(path, owner, Links::Keep)?;
                changed = true;
            }
        }
        Ok(changed)
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
        let done = done.holds(FILE, "ssh-ed25519 AAAA ann@laptop\nno-pty,command=\"a b\" ssh-rsa BBBB\n");
        let done = done.then("{ user: ann, key: 'ssh-ed25519 AAAA', state: absent }").changed();
        done.holds(FILE, "no-pty,command=\"a b\" ssh-rsa BBBB\n");
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
    fn a_file_that_is_changed_is_the_users_too() {
        let world = world().file(FILE, b"# J\xf6rg\n".as_slice()).mode(FILE, 0o644);
        let done = conform::<AuthorizedKey>("{ user: ann, key: 'ssh-rsa NEW new' }", world).changed();
        let stat = done.probe().stat(FILE).unwrap().unwrap();
        assert_eq!((stat.mode, stat.uid), (0o600, 1000));
        assert_eq!(done.probe().read(FILE).unwrap(), b"# J\xf6rg\nssh-rsa NEW new\n");
    }

    #[test]
    fn all_other_keys_go_when_told() {
        let world = world().file(FILE, "# mine\nssh-rsa OLD old\n").mode(FILE, 0o600);
        let done = conform::<AuthorizedKey>("{ user: ann, key: 'ssh-rsa NEW new', exclusive: yes }", world);
        done.changed().holds(FILE, "# mine\nssh-rsa NEW new\n");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        conform::<AuthorizedKey>("{ user: ann, key: nonsense }", world())
            .failed("invalid key specified: nonsense");
        conform::<AuthorizedKey>("{ user: eve, key: ssh-rsa A }", world()).failed("no user eve");
    }
}
