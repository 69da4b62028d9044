//! Questions on the way to hosts: about host keys, once for all hosts that came up together, and for passphrases.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shevek_connection::{AskHostKey, Later, Secret, UnknownHostKey};
use shevek_event::{Ask, Question};
use tokio::sync::oneshot;

/// How long further hosts are waited for before the question is put.
const GATHER: Duration = Duration::from_millis(400);

/// Asks the user.
pub(crate) struct HostKeys {
    asking: Arc<Asking>,
}

struct Asking {
    terminal: Arc<dyn Ask>,
    waiting: Mutex<Waiting>,
    gather: Duration,
}

#[derive(Default)]
struct Waiting {
    keys: Vec<(UnknownHostKey, oneshot::Sender<bool>)>,
    /// Whether somebody is about to put the question.
    is_settling: bool,
}

impl HostKeys {
    pub(crate) fn new(terminal: Arc<dyn Ask>) -> Arc<Self> {
        Self::gathering(terminal, GATHER)
    }

    fn gathering(terminal: Arc<dyn Ask>, gather: Duration) -> Arc<Self> {
        Arc::new(Self { asking: Arc::new(Asking { terminal, waiting: Mutex::default(), gather }) })
    }
}

impl Asking {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the question for all that wait, and answers them, until nobody waits any more.
    async fn settle(self: Arc<Self>) {
        loop {
            tokio::time::sleep(self.gather).await;
            let keys = {
                let mut waiting = self.waiting();
                // Hosts that were given up meanwhile need no answer.
                waiting.keys.retain(|(_, answer)| !answer.is_closed());
                waiting.is_settling = !waiting.keys.is_empty();
                std::mem::take(&mut waiting.keys)
            };
            if keys.is_empty() {
                return;
            }
            let text = question(keys.iter().map(|(key, _)| key));
            let terminal = self.terminal.clone();
            let answer = tokio::task::spawn_blocking(move || ask(&*terminal, &text)).await;
            let is_trusted = answer.unwrap_or(false);
            for (_, answer) in keys {
                let _ = answer.send(is_trusted);
            }
        }
    }
}

impl AskHostKey for HostKeys {
    fn ask(&self, key: UnknownHostKey) -> Later<'_, bool> {
        Box::pin(async move {
            let (answer, heard) = oneshot::channel();
            {
                let mut waiting = self.asking.waiting();
                waiting.keys.push((key, answer));
                if !std::mem::replace(&mut waiting.is_settling, true) {
                    // Not by the first who asks: it may be given up, and the others still wait.
                    tokio::spawn(self.asking.clone().settle());
                }
            }
            heard.await.unwrap_or(false)
        })
    }

    fn passphrase<'a>(&'a self, key: &'a str) -> Later<'a, Option<Secret>> {
        let text = format!("Enter passphrase for key '{key}': ");
        let terminal = self.asking.terminal.clone();
        Box::pin(async move {
            let question = Question { text, private: true, ..Question::default() };
            let answer = tokio::task::spawn_blocking(move || terminal.ask(&question)).await;
            answer.ok().and_then(|answer| answer.ok()).map(Secret::new)
        })
    }
}

fn question<'a>(keys: impl Iterator<Item = &'a UnknownHostKey>) -> String {
    let mut text = String::new();
    for key in keys {
        text += &format!(
            "The authenticity of host '{}' can't be established.\n{} key fingerprint is {}.\n",
            key.name, key.algorithm, key.fingerprint
        );
        if !key.also_known_as.is_empty() {
            text += &format!("This key is also known as: {}.\n", key.also_known_as.join(", "));
        }
    }
    text + "Are you sure you want to continue connecting (yes/no)? "
}

fn ask(terminal: &dyn Ask, text: &str) -> bool {
    let mut question = Question { text: text.to_owned(), ..Question::default() };
    loop {
        match terminal.ask(&question) {
            Ok(answer) if answer.trim() == "yes" => return true,
            Ok(answer) if answer.trim() == "no" => return false,
            Ok(_) => "Please type 'yes' or 'no': ".clone_into(&mut question.text),
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Says yes, and counts.
    #[derive(Default)]
    struct Agreeable(AtomicUsize);

    impl Ask for Agreeable {
        fn is_interactive(&self) -> bool {
            true
        }

        fn ask(&self, question: &Question) -> shevek_diag::Result<String> {
            assert!(!question.text.contains("web1"), "it was given up: {}", question.text);
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok("yes".to_owned())
        }

        fn wait(&self, _wait: &shevek_event::Wait) -> shevek_diag::Result<shevek_event::Waited> {
            Ok(shevek_event::Waited::Nobody)
        }
    }

    fn key(name: &str) -> UnknownHostKey {
        UnknownHostKey {
            host: name.into(),
            name: name.to_owned(),
            algorithm: "ssh-ed25519".to_owned(),
            fingerprint: "SHA256:x".to_owned(),
            also_known_as: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_host_that_is_given_up_leaves_the_question_of_the_others_alone() {
        let person = Arc::new(Agreeable::default());
        let keys = HostKeys::gathering(person.clone(), Duration::from_millis(50));
        let mut first = keys.ask(key("web1"));
        assert!(tokio::time::timeout(Duration::ZERO, &mut first).await.is_err());
        drop(first);
        let (second, third) = tokio::join!(keys.ask(key("web2")), keys.ask(key("web3")));
        assert!(second && third);
        assert_eq!(person.0.load(Ordering::Relaxed), 1);
        assert!(keys.ask(key("web4")).await);
        assert_eq!(person.0.load(Ordering::Relaxed), 2);
    }
}
