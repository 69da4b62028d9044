//! Passwords and prompts, against a server in this process (OpenSSH would need accounts of the machine's own).

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, Config, Handler, Response, run_stream};
use russh::{MethodKind, MethodSet};
use shevek_connection::{AgentUse, Connection, HostKeyCheck, LoginMethod, Phase, Secret, SshTarget, Target};

use crate::lab::options;

/// What the server wants.
#[derive(Clone, Copy, PartialEq)]
enum Wants {
    Password,
    /// One prompt for the password.
    Prompt,
    /// A prompt for the password and one for a code, shown as it is typed.
    Code,
    /// A key first, then the password.
    Both,
}

#[derive(Clone)]
struct Server {
    wants: Wants,
    asked: Arc<Mutex<Vec<String>>>,
    proven: bool,
}

fn only(methods: &[MethodKind]) -> Option<MethodSet> {
    Some(methods.into())
}

impl Handler for Server {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, Self::Error> {
        self.asked.lock().unwrap().push("none".into());
        Ok(Auth::Reject { proceed_with_methods: self.methods(), partial_success: false })
    }

    async fn auth_publickey(
        &mut self,
        _: &str,
        _: russh::server::VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        self.asked.lock().unwrap().push("key".into());
        self.proven = self.wants == Wants::Both;
        Ok(Auth::Reject { proceed_with_methods: self.methods(), partial_success: self.proven })
    }

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, Self::Error> {
        self.asked.lock().unwrap().push(format!("password {password}"));
        let fits = password == "open sesame" && (self.wants == Wants::Password || self.proven);
        Ok(if fits {
            Auth::Accept
        } else {
            Auth::Reject { proceed_with_methods: self.methods(), partial_success: false }
        })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(response) = response else {
            let mut prompts = vec![(Cow::from("Password: "), false)];
            if self.wants == Wants::Code {
                prompts.push((Cow::from("Verification code: "), true));
            }
            return Ok(Auth::Partial { name: "".into(), instructions: "".into(), prompts: prompts.into() });
        };
        let answers: Vec<String> =
            response.map(|answer| String::from_utf8_lossy(&answer).into_owned()).collect();
        self.asked.lock().unwrap().push(format!("answers {answers:?}"));
        let fits = self.wants == Wants::Prompt && answers == ["open sesame"];
        Ok(if fits {
            Auth::Accept
        } else {
            Auth::Reject { proceed_with_methods: self.methods(), partial_success: false }
        })
    }
}

impl Server {
    fn methods(&self) -> Option<MethodSet> {
        match self.wants {
            Wants::Password => only(&[MethodKind::PublicKey, MethodKind::Password]),
            Wants::Prompt | Wants::Code => only(&[MethodKind::KeyboardInteractive]),
            Wants::Both if self.proven => only(&[MethodKind::Password]),
            Wants::Both => only(&[MethodKind::PublicKey]),
        }
    }

    /// Serves one login; gives the port and what will have been asked.
    async fn start(wants: Wants) -> (u16, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let server = Server { wants, asked: asked.clone(), proven: false };
        let key = PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap();
        let config = Arc::new(Config {
            keys: vec![key],
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            ..Config::default()
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(session) = run_stream(config, stream, server).await {
                let _ = session.await;
            }
        });
        (port, asked)
    }
}

fn target(port: u16, password: &str) -> SshTarget {
    let mut ssh = SshTarget::new("127.0.0.1", port, "deploy");
    ssh.login.agent = AgentUse::Off;
    ssh.login.password = Some(Secret::new(password));
    ssh.host_key.check = HostKeyCheck::No;
    ssh.host_key.user_files = vec!["/dev/null".into()];
    ssh.host_key.global_files = vec![];
    ssh
}

#[tokio::test]
async fn a_password_logs_in() {
    let (port, asked) = Server::start(Wants::Password).await;
    Connection::open(&Target::ssh("web1", target(port, "open sesame")), &options()).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), ["none", "password open sesame"]);
}

#[tokio::test]
async fn a_host_whose_key_has_changed_is_told_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let known = folder.path().join("known_hosts");
    for wants in [Wants::Password, Wants::Prompt] {
        let (port, asked) = Server::start(wants).await;
        let old = PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap();
        let old = old.public_key().to_openssh().unwrap();
        std::fs::write(&known, format!("# a comment\n[127.0.0.1]:{port} {old}\n")).unwrap();
        let mut ssh = target(port, "open sesame");
        ssh.host_key.check = HostKeyCheck::No;
        ssh.host_key.user_files = vec![known.clone()];
        let warnings: Arc<Mutex<Vec<String>>> = Arc::default();
        let mut options = options();
        let heard = warnings.clone();
        options.warn = Some(Arc::new(move |text| heard.lock().unwrap().push(text)));
        let error = Connection::open(&Target::ssh("web1", ssh), &options).await.unwrap_err();
        assert_eq!(error.phase(), Phase::Auth);
        assert!(error.help().unwrap().starts_with("the password was not given to it"), "{error}");
        assert_eq!(*asked.lock().unwrap(), ["none"]);
        let warnings = warnings.lock().unwrap();
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].starts_with("web1: the host's ssh-ed25519 key has changed: it shows SHA256:"));
        assert!(warnings[0].contains(&format!("but {}:2 has", known.display())), "{warnings:?}");
    }
}

#[tokio::test]
async fn a_prompt_for_the_password_is_answered() {
    let (port, asked) = Server::start(Wants::Prompt).await;
    Connection::open(&Target::ssh("web1", target(port, "open sesame")), &options()).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), ["none", "answers [\"open sesame\"]"]);
}

#[tokio::test]
async fn a_wrong_password_is_given_once_and_never_shown() {
    let (port, asked) = Server::start(Wants::Prompt).await;
    let error =
        Connection::open(&Target::ssh("web1", target(port, "hunter2")), &options()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "web1 (auth): the server does not let deploy in (it accepts: keyboard-interactive); tried keyboard-interactive"
    );
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_prompt_that_nobody_can_answer_is_named() {
    let (port, _) = Server::start(Wants::Code).await;
    let error =
        Connection::open(&Target::ssh("web1", target(port, "open sesame")), &options()).await.unwrap_err();
    assert_eq!(error.phase(), Phase::Auth);
    assert!(
        error.detail().ends_with("the server asks \"Verification code:\", which nobody can answer"),
        "{error}"
    );
}

#[tokio::test]
async fn a_key_and_then_the_password() {
    let (port, asked) = Server::start(Wants::Both).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    crate::sshd::run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path.to_str().unwrap()]);
    let mut ssh = target(port, "open sesame");
    ssh.login.keys = vec![path];
    Connection::open(&Target::ssh("web1", ssh), &options()).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), ["key", "password open sesame"]);
}

#[tokio::test]
async fn many_wrong_keys_leave_a_try_for_the_password() {
    let (port, asked) = Server::start(Wants::Password).await;
    let folder = tempfile::tempdir().unwrap();
    let mut ssh = target(port, "open sesame");
    for name in ["a", "b", "c", "d", "e", "f"] {
        let path = folder.path().join(name);
        crate::sshd::run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path.to_str().unwrap()]);
        ssh.login.keys.push(path);
    }
    Connection::open(&Target::ssh("web1", ssh), &options()).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), ["key", "key", "key", "key", "password open sesame"]);
}

#[tokio::test]
async fn without_a_method_in_common_nothing_is_tried() {
    let (port, asked) = Server::start(Wants::Password).await;
    let mut ssh = target(port, "open sesame");
    ssh.login.methods = vec![LoginMethod::PublicKey];
    let error = Connection::open(&Target::ssh("web1", ssh), &options()).await.unwrap_err();
    assert_eq!(error.detail(), "the server does not let deploy in (it accepts: publickey, password)");
    assert!(error.help().unwrap().starts_with("give a key"));
    assert_eq!(*asked.lock().unwrap(), ["none"]);
}
