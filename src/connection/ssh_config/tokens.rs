//! Tokens (`%h`) and `${VARIABLES}` in settings.

use sha1::{Digest, Sha1};

use super::{Place, SshConfigError, SshContext};

/// What tokens stand for.
pub(super) struct Tokens<'a> {
    pub(super) context: &'a SshContext,
    /// `%h`: the name or address to connect to.
    pub(super) host: &'a str,
    /// `%n`: the name that was asked for.
    pub(super) original: &'a str,
    /// `%p`
    pub(super) port: u16,
    /// `%r`: the login user.
    pub(super) user: &'a str,
    /// `%k`: the alias for host keys.
    pub(super) alias: Option<&'a str>,
    /// `%j`: the jump host.
    pub(super) jump: &'a str,
}

impl Tokens<'_> {
    /// Replaces tokens. `%%` is a percent sign.
    pub(super) fn expand(&self, text: &str, place: &Place) -> Result<String, SshConfigError> {
        let mut expanded = String::with_capacity(text.len());
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            if c != '%' {
                expanded.push(c);
                continue;
            }
            match characters.next() {
                Some('%') => expanded.push('%'),
                Some('h') => expanded.push_str(self.host),
                Some('n') => expanded.push_str(self.original),
                Some('p') => expanded.push_str(&self.port.to_string()),
                Some('r') => expanded.push_str(self.user),
                Some('j') => expanded.push_str(self.jump),
                Some('k') => expanded.push_str(self.alias.unwrap_or(self.original)),
                Some('u') => expanded.push_str(&self.context.user),
                Some('i') => expanded.push_str(&self.context.uid.to_string()),
                Some('d') => expanded.push_str(&self.context.home.to_string_lossy()),
                Some('l') => expanded.push_str(&self.context.hostname),
                Some('L') => {
                    let hostname = &self.context.hostname;
                    expanded.push_str(hostname.split_once('.').map_or(hostname, |(short, _)| short));
                }
                Some('C') => expanded.push_str(&self.digest()),
                Some(other) => return Err(SshConfigError::new(place, format!("%{other} is no token here"))),
                None => return Err(SshConfigError::new(place, "a % at the end")),
            }
        }
        Ok(expanded)
    }

    /// `%C`: a hash of `%l%h%p%r%j`.
    fn digest(&self) -> String {
        let all = format!("{}{}{}{}{}", self.context.hostname, self.host, self.port, self.user, self.jump);
        Sha1::digest(all.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Replaces `${VARIABLES}`, then tokens, then `~`.
    pub(super) fn path(&self, text: &str, place: &Place) -> Result<std::path::PathBuf, SshConfigError> {
        let text = self.variables(text, place)?;
        Ok(self.context.expand_home(&self.expand(&text, place)?))
    }

    fn variables(&self, text: &str, place: &Place) -> Result<String, SshConfigError> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else {
                return Err(SshConfigError::new(place, "a ${ without its }"));
            };
            let Some(value) = self.context.environment.get(name) else {
                return Err(SshConfigError::new(place, format!("the environment has no variable {name}")));
            };
            expanded.push_str(before);
            expanded.push_str(value);
            rest = after;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }
}
