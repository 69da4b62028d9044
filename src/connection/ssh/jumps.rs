//! Connections to jump hosts, shared by all hosts behind them: a bastion takes only so many logins at once
//! (`MaxStartups`), and they cost it time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use russh::client::Handle;
use tokio::sync::OnceCell;

use super::client::Client;
use super::reach::reach;
use crate::ConnectError;
use crate::options::OpenOptions;
use crate::target::SshTarget;

/// A session that many go through.
pub(super) type Jump = Arc<Handle<Client>>;

type Opening = Arc<OnceCell<Result<Jump, ConnectError>>>;

/// The jump hosts of a run.
#[derive(Default)]
pub(crate) struct Jumps {
    open: Mutex<HashMap<String, Opening>>,
}

impl Jumps {
    /// The session on the last of several jump hosts, each reached through the one before; none without any. All who ask
    /// while it is being opened get the same answer; after a failure, or when it was lost, the next to ask opens it anew.
    pub(super) async fn through(
        &self,
        host: &Arc<str>,
        jumps: &[SshTarget],
        options: &OpenOptions,
    ) -> Result<Option<Jump>, ConnectError> {
        let mut last: Option<Jump> = None;
        for (index, jump) in jumps.iter().enumerate() {
            // Secrets print as nothing, and jump hosts have none.
            let key = format!("{:?}", jumps.get(..=index));
            let cell = self.cell(&key);
            let name: Arc<str> = format!("{host} (through {})", jump.host).into();
            let opened = cell
                .get_or_init(|| async {
                    let reached = reach(&name, jump, last.as_deref(), options).await?;
                    Ok(Arc::new(reached.handle))
                })
                .await;
            match opened {
                Ok(handle) => last = Some(handle.clone()),
                Err(error) => {
                    let mut error = error.clone();
                    error.rename(&name, &jump.host);
                    self.forget(&key, &cell);
                    return Err(error);
                }
            }
        }
        Ok(last)
    }

    fn cell(&self, key: &str) -> Opening {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = open.entry(key.to_owned()).or_default();
        if let Some(Ok(handle)) = cell.get()
            && handle.is_closed()
        {
            *cell = Opening::default();
        }
        cell.clone()
    }

    fn forget(&self, key: &str, failed: &Opening) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(key).is_some_and(|now| Arc::ptr_eq(now, failed)) {
            open.remove(key);
        }
    }
}
