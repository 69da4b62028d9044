//! How many connections are being made at once: a server takes only so many that have not logged in yet (`MaxStartups`), and
//! what one machine begins at once must come to an end before any of it is given up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// To all servers together: key exchanges cost time on this machine, and their time-outs run.
const AT_ONCE: usize = 256;

/// To one address and port. OpenSSH's server begins to hang up at ten.
const TO_ONE_SERVER: usize = 8;

/// Pauses before a server that hung up without a word is tried again; they grow with a random part, so that those who were
/// hung up on together do not come back together.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
];

/// The gates of a run, through which all its connections go.
pub(crate) struct Gates {
    all: Arc<Semaphore>,
    servers: Mutex<HashMap<(String, u16), Arc<Semaphore>>>,
}

impl Default for Gates {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_ONCE)), servers: Mutex::default() }
    }
}

/// Leave to connect, until it is dropped.
pub(super) struct Leave {
    _server: Option<OwnedSemaphorePermit>,
    _all: Option<OwnedSemaphorePermit>,
}

impl Gates {
    /// Waits for leave to connect.
    pub(super) async fn enter(&self, server: &str, port: u16) -> Leave {
        let gate = {
            let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
            let gate = servers.entry((server.to_owned(), port));
            gate.or_insert_with(|| Arc::new(Semaphore::new(TO_ONE_SERVER))).clone()
        };
        // The server's first: who waits for it must not keep others waiting. The gates are never closed.
        let server = gate.acquire_owned().await.ok();
        Leave { _server: server, _all: self.all.clone().acquire_owned().await.ok() }
    }
}

/// How long to wait before the next attempt, after so many on which the server hung up; none: it is to be believed.
pub(super) fn pause(attempts: usize) -> Option<Duration> {
    PAUSES.get(attempts).map(|pause| pause.mul_f64(1.0 + rand::random::<f64>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_server_is_not_overrun_and_others_do_not_wait_for_it() {
        let gates = Gates::default();
        let mut inside = Vec::new();
        for _ in 0..TO_ONE_SERVER {
            inside.push(gates.enter("bastion", 22).await);
        }
        let mut next = std::pin::pin!(gates.enter("bastion", 22));
        let waits = tokio::time::timeout(Duration::ZERO, &mut next).await.is_err();
        assert!(waits, "one too many");
        gates.enter("bastion", 2222).await;
        gates.enter("other", 22).await;
        inside.pop();
        next.await;
    }

    #[test]
    fn a_server_that_hangs_up_is_tried_again_a_few_times() {
        assert!(pause(0).is_some_and(|pause| (PAUSES[0]..=PAUSES[0] * 2).contains(&pause)));
        assert!(pause(PAUSES.len()).is_none());
    }
}
