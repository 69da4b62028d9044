//! Logging in: which method, which key, and how often before the server has enough.

use std::path::PathBuf;
use std::sync::Arc;

use russh::MethodKind;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey};
use tokio::net::UnixStream;
use zeroize::Zeroizing;

use super::client::Client;
use super::keyring::{KeyFile, KeyRing, Loaded};
use super::trust::too_short;
use crate::options::{AskHostKey, OpenOptions};
use crate::target::{AgentUse, Login as Settings, LoginMethod};
use crate::{ConnectError, Phase};

/// OpenSSH's servers hang up after six failures (`MaxAuthTries`). With a password at hand, keys may use up this many.
const KEY_TRIES_BEFORE_PASSWORD: usize = 4;

/// The agent's socket, if there is one to use.
pub(super) fn agent_socket(agent: &AgentUse) -> Option<PathBuf> {
    match agent {
        AgentUse::Off => None,
        AgentUse::Socket(path) => Some(path.clone()),
        AgentUse::Environment => {
            std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).map(PathBuf::from)
        }
    }
}

/// One login under way.
pub(super) struct Login<'a> {
    host: &'a Arc<str>,
    user: &'a str,
    settings: &'a Settings,
    keyring: &'a KeyRing,
    ask: Option<&'a Arc<dyn AskHostKey>>,
    handle: Handle<Client>,
    /// What the server says it accepts; nothing said yet.
    accepted: Option<Vec<MethodKind>>,
    /// What was tried, in words.
    tried: Vec<String>,
    /// Why keys could not be tried.
    passed_over: Vec<String>,
    key_failures: usize,
    rsa_hash: Option<Option<HashAlg>>,
}

/// How an attempt went.
enum Tried {
    In,
    Refused,
}

impl<'a> Login<'a> {
    /// A login that has not begun.
    pub(super) fn new(
        host: &'a Arc<str>,
        user: &'a str,
        settings: &'a Settings,
        options: &'a OpenOptions,
        handle: Handle<Client>,
    ) -> Self {
        Login {
            host,
            user,
            settings,
            keyring: &options.shared.keyring,
            ask: options.ask.as_ref(),
            handle,
            accepted: None,
            tried: Vec::new(),
            passed_over: Vec::new(),
            key_failures: 0,
            rsa_hash: None,
        }
    }

    /// The session, once logged in.
    pub(super) fn into_handle(self) -> Handle<Client> {
        self.handle
    }

    /// Tries every method that is allowed on both sides.
    pub(super) async fn run(&mut self) -> Result<(), ConnectError> {
        let methods = &self.settings.methods;
        if methods.first() != Some(&LoginMethod::PublicKey) {
            // Asking costs a round trip, but a refused method costs one of the server's six tries.
            let answer = self.handle.authenticate_none(self.user).await;
            if matches!(self.note(answer)?, Tried::In) {
                return Ok(());
            }
        }
        for method in methods {
            if !self.is_accepted(*method) {
                continue;
            }
            let outcome = match method {
                LoginMethod::PublicKey => self.keys().await?,
                LoginMethod::KeyboardInteractive => self.prompts().await?,
                LoginMethod::Password => self.password().await?,
            };
            if matches!(outcome, Tried::In) {
                return Ok(());
            }
        }
        Err(self.refused())
    }

    fn is_accepted(&self, method: LoginMethod) -> bool {
        let kind = match method {
            LoginMethod::PublicKey => MethodKind::PublicKey,
            LoginMethod::KeyboardInteractive => MethodKind::KeyboardInteractive,
            LoginMethod::Password => MethodKind::Password,
        };
        self.accepted.as_ref().is_none_or(|accepted| accepted.contains(&kind))
    }

    fn note(&mut self, answer: Result<AuthResult, russh::Error>) -> Result<Tried, ConnectError> {
        match answer {
            Ok(AuthResult::Success) => Ok(Tried::In),
            Ok(AuthResult::Failure { remaining_methods, partial_success }) => {
                if partial_success && let Some(last) = self.tried.last_mut() {
                    *last += " (accepted, but the server wants more)";
                }
                self.accepted = Some(remaining_methods.iter().copied().collect());
                Ok(Tried::Refused)
            }
            Err(e) => Err(self.broken(&e)),
        }
    }

    /// Offers keys: those of the agent that were asked for, then the files, then what else the agent has.
    async fn keys(&mut self) -> Result<Tried, ConnectError> {
        let files = self.keyring.files(self.settings).await;
        let (mut agent, identities) = self.agent().await;
        let wanted = |identity: &AgentIdentity| {
            let key = identity.public_key();
            files
                .iter()
                .any(|file| file.public.as_ref().is_some_and(|public| public.key_data() == key.key_data()))
        };
        let (first, rest): (Vec<_>, Vec<_>) = identities.into_iter().partition(wanted);
        if let Some(agent) = &mut agent {
            for identity in &first {
                if matches!(self.agent_key(agent, identity).await?, Tried::In) {
                    return Ok(Tried::In);
                }
            }
        }
        for file in files.iter() {
            let in_agent = |identity: &AgentIdentity| {
                file.public
                    .as_ref()
                    .is_some_and(|public| public.key_data() == identity.public_key().key_data())
            };
            if !first.iter().any(in_agent) && matches!(self.file_key(file).await?, Tried::In) {
                return Ok(Tried::In);
            }
        }
        if let (Some(agent), false) = (&mut agent, self.settings.identities_only) {
            for identity in &rest {
                if matches!(self.agent_key(agent, identity).await?, Tried::In) {
                    return Ok(Tried::In);
                }
            }
        }
        // Last, since somebody has to be asked for them.
        for file in files.iter() {
            if let Loaded::Encrypted(text) = &file.key
                && matches!(self.locked_key(file, text).await?, Tried::In)
            {
                return Ok(Tried::In);
            }
        }
        if self.accepted.is_none() {
            // Nothing to offer: find out what else the server would take.
            let answer = self.handle.authenticate_none(self.user).await;
            return self.note(answer);
        }
        Ok(Tried::Refused)
    }

    fn may_try_a_key(&self) -> bool {
        self.is_accepted(LoginMethod::PublicKey)
            && (self.settings.password.is_none() || self.key_failures < KEY_TRIES_BEFORE_PASSWORD)
    }

    async fn agent(&mut self) -> (Option<AgentClient<UnixStream>>, Vec<AgentIdentity>) {
        let Some(path) = agent_socket(&self.settings.agent) else { return (None, Vec::new()) };
        let mut agent = match AgentClient::connect_uds(&path).await {
            Ok(agent) => agent,
            Err(e) => {
                self.passed_over.push(format!("the agent at {} does not answer: {e}", path.display()));
                return (None, Vec::new());
            }
        };
        match agent.request_identities().await {
            Ok(identities) => (Some(agent), identities),
            Err(e) => {
                self.passed_over.push(format!("the agent lists no keys: {e}"));
                (None, Vec::new())
            }
        }
    }

    async fn agent_key(
        &mut self,
        agent: &mut AgentClient<UnixStream>,
        identity: &AgentIdentity,
    ) -> Result<Tried, ConnectError> {
        if !self.may_try_a_key() {
            return Ok(Tried::Refused);
        }
        let key = identity.public_key().into_owned();
        if self.is_too_short(&key, &format!("key {} of the agent", fingerprint(&key))) {
            return Ok(Tried::Refused);
        }
        let hash = self.hash_for(&key).await;
        self.tried.push(format!("key {} of the agent", fingerprint(&key)));
        let answer = match identity {
            AgentIdentity::PublicKey { .. } => {
                self.handle.authenticate_publickey_with(self.user, key, hash, agent).await
            }
            AgentIdentity::Certificate { certificate, .. } => {
                let certificate = certificate.clone();
                self.handle.authenticate_certificate_with(self.user, certificate, hash, agent).await
            }
        };
        match answer {
            Ok(answer) => self.key_answer(Ok(answer)),
            Err(russh::AgentAuthError::Send(_)) => Err(self.gone()),
            Err(russh::AgentAuthError::Key(e)) => {
                self.passed_over.push(format!("the agent does not sign with {}: {e}", identity.comment()));
                Ok(Tried::Refused)
            }
        }
    }

    /// A key that needs a passphrase. Nobody is asked for one where a password is at hand.
    async fn locked_key(
        &mut self,
        file: &KeyFile,
        text: &Arc<Zeroizing<String>>,
    ) -> Result<Tried, ConnectError> {
        let may_ask = self.settings.asks && self.settings.password.is_none();
        let ask = self.ask.filter(|_| may_ask && self.may_try_a_key());
        match self.keyring.unlock(&file.name, text, ask).await {
            Ok(key) => self.usable_key(file, key).await,
            Err(why) => {
                self.passed_over.push(why);
                Ok(Tried::Refused)
            }
        }
    }

    async fn file_key(&mut self, file: &KeyFile) -> Result<Tried, ConnectError> {
        match &file.key {
            Loaded::Usable(key) => self.usable_key(file, key.clone()).await,
            Loaded::Unusable(why) => {
                self.passed_over.push(why.clone());
                Ok(Tried::Refused)
            }
            // Its turn comes last; and where there is none, only the agent could have used it.
            Loaded::Encrypted(_) | Loaded::Absent => Ok(Tried::Refused),
        }
    }

    async fn usable_key(&mut self, file: &KeyFile, key: Arc<PrivateKey>) -> Result<Tried, ConnectError> {
        if self.is_too_short(key.public_key(), &format!("key {}", file.name)) {
            return Ok(Tried::Refused);
        }
        for certificate in &file.certificates {
            if !self.may_try_a_key() {
                return Ok(Tried::Refused);
            }
            self.tried.push(format!("certificate {:?} of key {}", certificate.key_id(), file.name));
            let answer =
                self.handle.authenticate_openssh_cert(self.user, key.clone(), certificate.clone()).await;
            if matches!(self.key_answer(answer)?, Tried::In) {
                return Ok(Tried::In);
            }
        }
        if !self.may_try_a_key() {
            return Ok(Tried::Refused);
        }
        let hash = self.hash_for(key.public_key()).await;
        self.tried.push(format!("key {}", file.name));
        let answer =
            self.handle.authenticate_publickey(self.user, PrivateKeyWithHashAlg::new(key, hash)).await;
        self.key_answer(answer)
    }

    fn is_too_short(&mut self, key: &PublicKey, name: &str) -> bool {
        let required = self.settings.required_rsa;
        let Some(bits) = too_short(key, required) else { return false };
        self.passed_over.push(format!("{name} has {bits} bits, and RequiredRSASize asks for {required}"));
        true
    }

    fn key_answer(&mut self, answer: Result<AuthResult, russh::Error>) -> Result<Tried, ConnectError> {
        let tried = self.note(answer)?;
        if matches!(tried, Tried::Refused) {
            self.key_failures += 1;
        }
        Ok(tried)
    }

    /// The hash to sign with, which only RSA keys leave open. Asked once, since it may wait for the server.
    async fn hash_for(&mut self, key: &PublicKey) -> Option<HashAlg> {
        if !key.algorithm().is_rsa() {
            return None;
        }
        if self.rsa_hash.is_none() {
            let said = self.handle.best_supported_rsa_hash().await.ok().flatten();
            // Servers that say nothing are old: they may know SHA-1 only, where that is allowed.
            let sha1 = self
                .settings
                .key_algorithms
                .as_ref()
                .is_some_and(|names| names.iter().any(|name| name == "ssh-rsa"));
            self.rsa_hash = Some(said.unwrap_or(if sha1 { None } else { Some(HashAlg::Sha512) }));
        }
        self.rsa_hash.flatten()
    }

    async fn prompts(&mut self) -> Result<Tried, ConnectError> {
        let Some(password) = &self.settings.password else { return Ok(Tried::Refused) };
        self.tried.push("keyboard-interactive".to_owned());
        let mut answer = self.handle.authenticate_keyboard_interactive_start(self.user, None).await;
        let mut given = false;
        loop {
            match answer {
                Ok(KeyboardInteractiveAuthResponse::Success) => return Ok(Tried::In),
                Ok(KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success }) => {
                    return self.note(Ok(AuthResult::Failure { remaining_methods, partial_success }));
                }
                Ok(KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. }) => {
                    let strange = prompts.iter().find(|prompt| prompt.echo);
                    if let Some(prompt) = strange {
                        let asked = prompt.prompt.trim().to_owned();
                        self.passed_over.push(format!("the server asks {asked:?}, which nobody can answer"));
                    }
                    // The same answer twice is wrong twice.
                    let known = strange.is_none() && (!given || prompts.is_empty());
                    given |= !prompts.is_empty();
                    let replies = prompts
                        .iter()
                        .map(|_| if known { password.expose().to_owned() } else { String::new() })
                        .collect();
                    answer = self.handle.authenticate_keyboard_interactive_respond(replies).await;
                }
                Err(e) => return Err(self.broken(&e)),
            }
        }
    }

    async fn password(&mut self) -> Result<Tried, ConnectError> {
        let Some(password) = &self.settings.password else { return Ok(Tried::Refused) };
        self.tried.push("password".to_owned());
        let answer = self.handle.authenticate_password(self.user, password.expose()).await;
        self.note(answer)
    }

    /// The server does not let us in.
    fn refused(&self) -> ConnectError {
        let mut detail = format!("the server does not let {} in", self.user);
        if let Some(accepted) = &self.accepted {
            let accepted: Vec<&str> = accepted.iter().map(<&str>::from).collect();
            detail += &format!(" (it accepts: {})", accepted.join(", "));
        }
        detail += &self.story();
        let help = if self.tried.is_empty() {
            "give a key (ansible_ssh_private_key_file, an agent) or a password (ansible_password, --ask-pass)"
        } else {
            "check ansible_user, the key or password, and the user's authorized_keys on the host"
        };
        ConnectError::unreachable(self.host, Phase::Auth, detail).with_help(help)
    }

    /// The server ended the session while we were logging in.
    pub(super) fn hung_up(&self, said: &str) -> ConnectError {
        let error =
            ConnectError::unreachable(self.host, Phase::Auth, format!("{said}{}", self.story())).passing();
        if self.key_failures > 1 {
            return error.with_help(
                "the server may take only a few keys (MaxAuthTries): name the right one with \
                 ansible_ssh_private_key_file and set `-o IdentitiesOnly=yes`",
            );
        }
        error
    }

    /// The session is over.
    pub(super) fn gone(&self) -> ConnectError {
        ConnectError::unreachable(
            self.host,
            Phase::Auth,
            format!("the connection was closed during the login{}", self.story()),
        )
        .passing()
    }

    fn broken(&self, error: &russh::Error) -> ConnectError {
        match error {
            russh::Error::SendError
            | russh::Error::RecvError
            | russh::Error::HUP
            | russh::Error::Disconnect => self.gone(),
            other => {
                let detail = format!("the login broke off: {other}{}", self.story());
                ConnectError::unreachable(self.host, Phase::Auth, detail).passing()
            }
        }
    }

    fn story(&self) -> String {
        let mut story = String::new();
        if !self.tried.is_empty() {
            story += &format!("; tried {}", self.tried.join(", "));
        }
        for why in &self.passed_over {
            story += &format!("; {why}");
        }
        story
    }
}

fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}
