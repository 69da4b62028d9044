//! The open connections of a run: one for each host and way to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use shevek_connection::{Cache, ConnectError, Connection, OpenOptions, Target};
use tokio::sync::OnceCell;

/// The open connections of a run.
#[derive(Debug)]
pub struct Pool {
    options: OpenOptions,
    most: usize,
    connections: Mutex<HashMap<String, Entry>>,
}

#[derive(Debug)]
struct Entry {
    cell: Arc<OnceCell<Connection>>,
    used: Instant,
}

impl Pool {
    /// An empty pool. It keeps `most` connections open: beyond that, those that nobody has used for longest are closed, and
    /// made anew when they are needed again.
    pub fn new(options: OpenOptions, most: usize) -> Arc<Self> {
        Arc::new(Self { options, most, connections: Mutex::default() })
    }

    /// Whether hosts may keep what they were sent for later runs.
    pub fn keeps(&self) -> bool {
        self.options.cache == Cache::Keep
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection. A host that cannot be reached is tried again, after pauses that double, as Ansible does.
    pub(crate) async fn open(
        &self,
        target: &Target,
        retries: u32,
        wanted: Wanted,
    ) -> Result<Connection, ConnectError> {
        let mut pause = Duration::from_secs(0);
        for _ in 0..retries {
            match self.open_ready(target, wanted).await {
                // Differs from Ansible: a task that a host may have begun is never sent a second time.
                Err(ConnectError::Unreachable(trouble)) if trouble.passing => {}
                done => return done,
            }
            self.reset(target).await;
            tokio::time::sleep(pause).await;
            pause = (pause * 2 + Duration::from_secs(1)).min(Duration::from_secs(30));
        }
        self.open_ready(target, wanted).await
    }

    async fn open_ready(&self, target: &Target, wanted: Wanted) -> Result<Connection, ConnectError> {
        let connection = self.open_once(target).await?;
        if wanted == Wanted::Runner {
            connection.runner().await?;
        }
        Ok(connection)
    }

    async fn open_once(&self, target: &Target) -> Result<Connection, ConnectError> {
        let (cell, idle) = {
            let mut connections = self.connections();
            let key = key(target);
            let idle = match connections.contains_key(&key) {
                true => Vec::new(),
                false => make_room(&mut connections, self.most),
            };
            let entry = connections
                .entry(key)
                .or_insert_with(|| Entry { cell: Arc::default(), used: Instant::now() });
            entry.used = Instant::now();
            // One that was lost since its last use (a reboot, a router that forgot it) is made anew.
            if entry.cell.get().is_some_and(|connection| connection.lost().is_some()) {
                entry.cell = Arc::default();
            }
            (entry.cell.clone(), idle)
        };
        for idle in idle {
            idle.close().await;
        }
        cell.get_or_try_init(|| Connection::open(target, &self.options)).await.cloned()
    }

    /// Forgets a connection, so that the next call makes it anew.
    pub async fn reset(&self, target: &Target) {
        let entry = self.connections().remove(&key(target));
        if let Some(connection) = entry.as_ref().and_then(|entry| entry.cell.get()) {
            connection.close().await;
        }
    }

    /// Forgets a connection, but leaves it to those who are using it.
    pub(crate) fn forget(&self, target: &Target) {
        drop(self.connections().remove(&key(target)));
    }

    /// Ends all connections.
    pub async fn close(&self) {
        let all: Vec<Entry> = self.connections().drain().map(|(_, entry)| entry).collect();
        let closing = all
            .into_iter()
            .filter_map(|entry| entry.cell.get().cloned())
            .map(|connection| tokio::spawn(async move { connection.close().await }));
        for handle in closing.collect::<Vec<_>>() {
            // A connection that panics while closing is closed as well.
            let _ = handle.await;
        }
    }
}

/// What a connection is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The login user's shell.
    Shell,
    /// The runner.
    Runner,
}

/// Takes out connections that nobody has used for longest, until there is room for one more or all are in use.
fn make_room(connections: &mut HashMap<String, Entry>, most: usize) -> Vec<Connection> {
    let too_many = (connections.len() + 1).saturating_sub(most);
    let is_idle = |entry: &Entry| {
        Arc::strong_count(&entry.cell) == 1 && entry.cell.get().is_some_and(Connection::is_idle)
    };
    let take_oldest = |_| {
        let idle = connections.iter().filter(|(_, entry)| is_idle(entry));
        let oldest = idle.min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone())?;
        connections.remove(&oldest)?.cell.get().cloned()
    };
    (0..too_many).map_while(take_oldest).collect()
}

/// What makes two ways to a host the same connection. Secrets print as nothing.
pub(crate) fn key(target: &Target) -> String {
    format!("{target:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn opened(pool: &Pool, name: &str) -> Connection {
        pool.open(&Target::local(name), 0, Wanted::Shell).await.unwrap()
    }

    fn kept(pool: &Pool) -> Vec<String> {
        let mut hosts: Vec<String> = pool
            .connections()
            .values()
            .filter_map(|entry| Some(entry.cell.get()?.host().to_string()))
            .collect();
        hosts.sort();
        hosts
    }

    #[tokio::test]
    async fn what_nobody_has_used_for_longest_makes_room_and_what_is_in_use_never() {
        let pool = Pool::new(OpenOptions::new(Arc::default()), 2);
        for name in ["a", "b", "a", "c"] {
            opened(&pool, name).await;
        }
        assert_eq!(kept(&pool), ["a", "c"]);
        let used = opened(&pool, "a").await;
        opened(&pool, "c").await;
        opened(&pool, "d").await;
        assert_eq!(kept(&pool), ["a", "d"]);
        let also_used = opened(&pool, "d").await;
        opened(&pool, "e").await;
        assert_eq!(kept(&pool), ["a", "d", "e"]);
        drop((used, also_used));
        opened(&pool, "f").await;
        assert_eq!(kept(&pool), ["e", "f"]);
    }
}
