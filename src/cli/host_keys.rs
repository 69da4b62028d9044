//! Questions on the way to hosts: about host keys, once for all hosts that came up together, and for passphrases.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shevek_connection::{AskHostKey, Later, Secret, UnknownHostKey};
use shevek_event::{Ask, Question};
use tokio::sync::oneshot;

use crate::prompt::Terminal;

/// How long further hosts are waited for before the question is put.
const GATHER: Duration = Duration::from_millis(400);

/// Asks the user.
pub(crate) struct HostKeys {
    terminal: Arc<Terminal>,
    waiting: Mutex<Vec<Waiting>>,
}

struct Waiting {
    key: UnknownHostKey,
    answer: oneshot::Sender<bool>,
}

impl HostKeys {
    pub(crate) fn new(terminal: Arc<Terminal>) -> Arc<Self> {
        Arc::new(Self { terminal, waiting: Mutex::default() })
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the question for all that wait, and answers them.
    async fn settle(&self) {
        tokio::time::sleep(GATHER).await;
        let waiting = std::mem::take(&mut *self.waiting());
        let text = question(waiting.iter().map(|waiting| &waiting.key));
        let terminal = self.terminal.clone();
        let answer = tokio::task::spawn_blocking(move || ask(&terminal, &text)).await;
        let is_trusted = answer.unwrap_or(false);
        for waiting in waiting {
            let _ = waiting.answer.send(is_trusted);
        }
    }
}

impl AskHostKey for HostKeys {
    fn ask(&self, key: UnknownHostKey) -> Later<'_, bool> {
        Box::pin(async move {
            let (answer, heard) = oneshot::channel();
            let is_first = {
                let mut waiting = self.waiting();
                waiting.push(Waiting { key, answer });
                waiting.len() == 1
            };
            if is_first {
                self.settle().await;
            }
            heard.await.unwrap_or(false)
        })
    }

    fn passphrase<'a>(&'a self, key: &'a str) -> Later<'a, Option<Secret>> {
        let text = format!("Enter passphrase for key '{key}': ");
        let terminal = self.terminal.clone();
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

fn ask(terminal: &Terminal, text: &str) -> bool {
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
