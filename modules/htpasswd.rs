//! Manage users and passwords in a password file of a web server.
//!
//! Whether an entry has another format than the one asked for is not looked at: what counts is whether the password fits.
//!
//! ```yaml
//! - community.general.htpasswd: { path: /etc/nginx/passwdfile, name: janedoe, password: '9s36?;fyNp', owner: root, group: root, mode: '0640' }
//! - community.general.htpasswd: { path: /etc/mail/passwords, name: alex, password: oedu2eGh, hash_scheme: md5_crypt }
//! - community.general.htpasswd: { path: /etc/apache2/passwdfile, name: foobar, state: absent }
//! ```
use std::path::PathBuf;

use rustix::rand::{GetRandomFlags, getrandom};
use shevek_crypt::Scheme;
use shevek_kit::lossless;
use shevek_kit::prelude::*;

use crate::editing::Edit;

/// Arguments of `htpasswd`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
pub struct Htpasswd {
    /// The password file.
    #[arg(aliases("dest", "destfile"))]
    path: PathBuf,
    /// The user.
    #[arg(alias = "username")]
    name: String,
    /// The user's password.
    password: Option<Secret>,
    /// The format of a new entry: `apr_md5_crypt`, `bcrypt`, `sha256_crypt`, `sha512_crypt`, `des_crypt`, `ldap_sha1`,
    /// `plaintext`, `sha1_crypt`, `md5_crypt` or `bsdi_crypt`. What a web server takes, its own manual says.
    #[arg(default = "apr_md5_crypt", alias = "crypt_scheme")]
    hash_scheme: String,
    /// Whether the user has an entry.
    #[arg(default = "present")]
    state: Presence,
    /// Whether a file that is missing is made.
    #[arg(default = true)]
    create: bool,
    /// Owner, mode and the like of the file.
    #[arg(flatten)]
    attributes: FileAttributes,
}

/// What every web server knows; with one of these, entries of all formats are understood.
const OF_APACHE: [Scheme; 4] = [Scheme::AprMd5Crypt, Scheme::DesCrypt, Scheme::LdapSha1, Scheme::Plaintext];

impl Procedure for Htpasswd {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let path = followed(host, &self.path, Links::Follow);
        let edit = Edit::of(&path, &self.attributes);
        let there = edit.read(host)?;
        if self.state == Presence::Absent && there.is_none() {
            host.warn(format!("{} does not exist", self.path.display()));
            return Ok(Outcome::ok().with("msg", format!("{} not present", self.name)));
        }
        let mut file = File::read(there.as_deref().unwrap_or_default())?;
        let (changed, message) = match self.state {
            Presence::Present => self.present(&mut file, there.is_some(), host)?,
            Presence::Absent if file.remove(&self.name) => (true, format!("Remove {}", self.name)),
            Presence::Absent => (false, format!("{} not present", self.name)),
        };
        // Differs from Ansible: there empty lines are taken out, unreported, even where nothing else changes.
        if changed {
            if there.is_none() {
                edit.make_folders(host)?;
            }
            edit.save(host, &file.bytes())?;
        }
        edit.finish(host, changed, &message)
    }
}

impl Htpasswd {
    fn present(&self, file: &mut File, is_there: bool, host: &Probe) -> Result<(bool, String)> {
        let path = self.path.display();
        let Some(scheme) = Scheme::named(&self.hash_scheme) else {
            let known: Vec<&str> = Scheme::ALL.iter().map(|scheme| scheme.name()).collect();
            fail!(
                "no crypt handler found for algorithm: '{}' (there are {})",
                self.hash_scheme,
                known.join(", ")
            );
        };
        if !is_there && !self.create {
            fail!("Destination {path} does not exist");
        }
        let Some(password) = &self.password else { fail!("secret must be unicode or bytes, not None") };
        let password = password.reveal().as_bytes();
        if self.name.len() > 255 || self.name.contains([':', '\r', '\n', '\t', '\0']) {
            fail!("user contains invalid characters, or more than 255: '{}'", self.name);
        }
        if file.hash(&self.name).is_some_and(|hash| fits(scheme, password, hash)) {
            return Ok((false, format!("{} already present", self.name)));
        }
        let mut chance = [0; 16];
        getrandom(&mut chance, GetRandomFlags::empty())
            .map_err(|e| Fault::new(format!("no random numbers for a salt: {e}")))?;
        let hash = scheme.hashed(password, chance).map_err(|why| Fault::new(why.to_string()))?;
        file.set(&self.name, hash);
        Ok((
            true,
            match (is_there, host.rehearsing()) {
                (true, _) => format!("Add/update {}", self.name),
                (false, true) => format!("Create {path}"),
                (false, false) => format!("Created {path} and added {}", self.name),
            },
        ))
    }
}

/// Whether a password is the one of an entry.
fn fits(wanted: Scheme, password: &[u8], hash: &str) -> bool {
    // Of the others, only the one asked for is known beside those of web servers.
    let known = |scheme: &Scheme| OF_APACHE.contains(&wanted) || OF_APACHE.contains(scheme);
    let of = if !OF_APACHE.contains(&wanted) && wanted.made(hash) {
        Some(wanted)
    } else {
        Scheme::ALL.into_iter().find(|scheme| known(scheme) && scheme.made(hash))
    };
    of.is_some_and(|scheme| scheme.verifies(password, hash))
}

/// A password file; bytes that are no text are kept.
struct File {
    lines: Vec<Line>,
}

enum Line {
    /// A user and a hash.
    Entry(String, String),
    /// A remark, or a user's second entry.
    Other(String),
}

impl File {
    fn read(bytes: &[u8]) -> Result<File> {
        let text = lossless::text(bytes);
        let mut file = File { lines: Vec::new() };
        for (at, line) in text.lines().filter(|line| !line.trim().is_empty()).enumerate() {
            if line.trim_start().starts_with('#') {
                file.lines.push(Line::Other(line.to_owned()));
                continue;
            }
            let fields: Vec<&str> = line.trim_end().split(':').collect();
            let [user, hash] = fields.as_slice() else {
                fail!("malformed htpasswd file (error reading line {})", at + 1);
            };
            let known = file.hash(user).is_some();
            file.lines.push(match known {
                true => Line::Other(line.to_owned()),
                false => Line::Entry((*user).to_owned(), (*hash).to_owned()),
            });
        }
        Ok(file)
    }

    fn hash(&self, name: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| match line {
            Line::Entry(user, hash) if user == name => Some(hash.as_str()),
            _ => None,
        })
    }

    fn set(&mut self, name: &str, new: String) {
        for line in &mut self.lines {
            if let Line::Entry(user, hash) = line
                && user == name
            {
                *hash = new;
                return;
            }
        }
        self.lines.push(Line::Entry(name.to_owned(), new));
    }

    fn remove(&mut self, name: &str) -> bool {
        let before = self.lines.len();
        self.lines.retain(|line| !matches!(line, Line::Entry(user, _) if user == name));
        self.lines.len() != before
    }

    fn bytes(&self) -> Vec<u8> {
        let mut text = String::new();
        for line in &self.lines {
            match line {
                Line::Entry(user, hash) => text.push_str(&format!("{user}:{hash}\n")),
                Line::Other(line) => text.push_str(&format!("{line}\n")),
            }
        }
        lossless::bytes(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOE: &str = "joe:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/";
    const FILE: &str = "/etc/passwords";

    fn world() -> World {
        World::new().file(FILE, format!("# ours\n{JOE}\n\neve:secret\njoe:old\n"))
    }

    fn args(rest: &str) -> String {
        format!("{{ path: {FILE}, {rest} }}")
    }

    #[test]
    fn a_password_that_fits_stays() {
        let done = conform::<Htpasswd>(&args("name: joe, password: secret"), world()).unchanged();
        done.gives("msg", "joe already present");
        conform::<Htpasswd>(&args("name: eve, password: secret, hash_scheme: plaintext"), world())
            .unchanged();
    }

    #[test]
    fn a_password_that_does_not_fit_is_replaced_where_it_is() {
        let args = args("name: eve, password: new, hash_scheme: ldap_sha1");
        let done = conform::<Htpasswd>(&args, world()).changed().gives("msg", "Add/update eve");
        let done =
            done.holds(FILE, &format!("# ours\n{JOE}\neve:{{SHA}}wqawPxkN+ytKqR+K+NR3qbw0Adw=\njoe:old\n"));
        done.then(&args).unchanged();
    }

    #[test]
    fn a_file_is_made_with_its_folders() {
        let args = "{ path: /srv/a/b, name: joe, password: Xy7q, hash_scheme: plaintext, mode: '0640' }";
        let done = conform::<Htpasswd>(args, World::new()).changed().holds("/srv/a/b", "joe:Xy7q\n");
        let said = "Created /srv/a/b and added joe and ownership, perms or SE linux context changed";
        assert_eq!(
            done.check().message(),
            "Create /srv/a/b and ownership, perms or SE linux context changed"
        );
        let done = done.gives("msg", said).then(args).unchanged();
        assert_eq!(done.probe().stat("/srv/a/b").unwrap().unwrap().mode, 0o640);
        let none = "{ path: /srv/a/b, name: joe, password: Xy7q, create: no }";
        conform::<Htpasswd>(none, World::new()).failed("Destination /srv/a/b does not exist");
    }

    #[test]
    fn every_format_is_made_and_understood() {
        for scheme in ["apr_md5_crypt", "des_crypt", "md5_crypt", "bsdi_crypt"] {
            let args = args(&format!("name: new, password: long secret, hash_scheme: {scheme}"));
            conform::<Htpasswd>(&args, world()).changed().then(&args).unchanged();
        }
        // One that is no web server's is looked for only where it is asked for.
        let bcrypt =
            World::new().file(FILE, "joe:$2b$04$SsFzqGm3nJ/h9gutgCuYOuHxk5TNjqNDujqz0RK6XmMu/mXH08gs2\n");
        conform::<Htpasswd>(&args("name: joe, password: secret, hash_scheme: md5_crypt"), bcrypt).changed();
    }

    #[test]
    fn a_user_is_removed() {
        let gone = args("name: eve, state: absent");
        let done = conform::<Htpasswd>(&gone, world()).changed().gives("msg", "Remove eve");
        done.holds(FILE, &format!("# ours\n{JOE}\njoe:old\n")).then(&gone).unchanged();
        let nowhere = "{ path: /none, name: eve, state: absent }";
        let done = conform::<Htpasswd>(nowhere, World::new()).unchanged();
        assert_eq!(done.outcome().warnings, ["/none does not exist"]);
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        conform::<Htpasswd>(&args("name: joe"), world()).failed("not None");
        conform::<Htpasswd>(&args("name: joe, password: Xy7q, hash_scheme: oracle11"), world())
            .failed("no crypt handler found for algorithm: 'oracle11'");
        conform::<Htpasswd>(&args("name: 'a:b', password: Xy7q"), world()).failed("invalid characters");
        conform::<Htpasswd>(&args("name: joe, password: Xy7q"), World::new().file(FILE, "\n#\nwords\n"))
            .failed("malformed htpasswd file (error reading line 2)");
    }
}
