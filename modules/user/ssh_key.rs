//! The user's SSH key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use shevek_kit::prelude::*;
use shevek_kit::talk::{Manner, Reply, Talk};

use super::User;

/// How long ssh-keygen may take from one question to the next.
const PATIENCE: Duration = Duration::from_secs(900);

/// What ssh-keygen asks, in order.
const PROMPTS: &[&str] = &["Enter passphrase", "Enter same passphrase again"];

/// Types a passphrase as often as it is asked for.
struct Typist<'a> {
    passphrase: &'a str,
    heard: Vec<u8>,
    prompts: &'static [&'static str],
}

impl Talk for Typist<'_> {
    fn hear(&mut self, new: &[u8]) -> Reply {
        self.heard.extend_from_slice(new);
        let heard = String::from_utf8_lossy(&self.heard).into_owned();
        let Some((prompt, rest)) = self.prompts.split_first() else { return Reply::Listen };
        let asked = heard.split_once(prompt).and_then(|(_, after)| after.split_once(": "));
        match asked {
            Some((_, after)) => {
                self.heard = after.as_bytes().to_vec();
                self.prompts = rest;
                Reply::Say(format!("{}\n", self.passphrase).into_bytes())
            }
            // Somebody has made the key meanwhile.
            None if heard.contains("Overwrite (y/n)?") => Reply::Stop,
            None => Reply::Listen,
        }
    }
}

impl User {
    /// Where the key is.
    pub(super) fn key_file(&self, home: &Path) -> PathBuf {
        let name =
            self.ssh_key_file.clone().unwrap_or_else(|| format!(".ssh/id_{}", self.ssh_key_type).into());
        home.join(name)
    }

    /// Makes the key, unless there is one that must not be overwritten.
    pub(super) fn make_key(&self, home: &Path, user: &shevek_kit::User, host: &mut Host) -> Result<()> {
        let key = self.key_file(home);
        let public = public(&key);
        for path in [&key, &public] {
            if !host.exists(path) {
                continue;
            }
            if !self.force {
                host.warn(format!("{} is there already; force is not set, so it is kept", path.display()));
                return Ok(());
            }
            host.warn(format!("overwriting the SSH key {}", path.display()));
            host.remove(path)?;
        }
        let owner = Owner { uid: Some(user.uid), gid: Some(user.gid) };
        // Differs from Ansible: links that the user has laid to what is not that user's are not followed.
        for path in [key.parent().unwrap_or(&key), &key, &public] {
            refuse_link(host, path)?;
        }
        if let Some(folder) = key.parent().filter(|p| !host.exists(p)) {
            host.mkdir(folder, 0o700)?;
            host.chown(folder, owner, Links::Keep)?;
        }
        let comment = self
            .ssh_key_comment
            .clone()
            .unwrap_or_else(|| format!("ansible-generated on {}", host.uname().nodename));
        let bits = Some(self.ssh_key_bits).filter(|bits| *bits > 0);
        let command =
            cmd("ssh-keygen").args(["-q", "-t", &self.ssh_key_type]).opt("-b", bits).args(["-C", &comment]);
        let made = |path: &Path| Effect::File { path: path.to_owned(), content: None };
        let command = command.arg("-f").arg(&key).does(made(&key)).does(made(&public));
        match self.ssh_key_passphrase.as_ref().map(Secret::reveal).filter(|passphrase| !passphrase.is_empty())
        {
            None => host.run(command.args(["-N", ""]))?,
            // Arguments can be seen by all users of the host; what is typed cannot.
            Some(passphrase) => {
                let mut typist = Typist { passphrase, heard: Vec::new(), prompts: PROMPTS };
                host.talk(command, Manner { echo: false, patience: Some(PATIENCE) }, &mut typist)?
            }
        };
        for path in [&key, &public] {
            host.chown(path, owner, Links::Keep)?;
        }
        Ok(())
    }

    /// Fingerprint, file and public half, into the result.
    pub(super) fn key_result(&self, home: &Path, outcome: &mut Outcome, host: &Probe) -> Result<()> {
        let key = self.key_file(home);
        outcome.set("ssh_key_file", &key);
        let fingerprint = match host.exists(&key) {
            true => match host.ask(cmd("ssh-keygen").arg("-l").arg("-f").arg(&key).any_rc()) {
                Ok(ran) if ran.ok() => ran.out().trim().to_owned(),
                Ok(ran) => ran.err().trim().to_owned(),
                Err(fault) => fault.message,
            },
            false => format!("SSH Key file {} does not exist", key.display()),
        };
        outcome.set("ssh_fingerprint", fingerprint);
        let text = host.read_text(public(&key)).ok().map(|text| text.trim().to_owned());
        outcome.set("ssh_public_key", text);
        Ok(())
    }
}

fn public(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}
