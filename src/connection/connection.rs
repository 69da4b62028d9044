//! A connection to one host.

use std::sync::Arc;
use std::time::Duration;

use shevek_proto::{Batch, Hello, Item};
use tokio::sync::OnceCell;

use crate::boot::{Boot, start};
use crate::conversation::{Beginning, Blobs, Fetched, Runner, Running};
use crate::options::OpenOptions;
use crate::raw::{RawCommand, RawOutput, run_raw};
use crate::target::{Target, TransportKind};
use crate::transport::{Inside, Local, OpenSsh, Transport};
use crate::{ConnectError, Phase};

/// A connection to one host as one login user, for the whole run. Cheap to clone.
///
/// Opening it reaches and logs in; the runner starts when first needed, so that [`Connection::raw`] works on hosts
/// that cannot have one.
#[derive(Clone)]
pub struct Connection {
    inner: Arc<Inner>,
}

struct Inner {
    host: Arc<str>,
    transport: Box<dyn Transport>,
    options: OpenOptions,
    runner: OnceCell<Runner>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("host", &self.inner.host).finish_non_exhaustive()
    }
}

impl Connection {
    /// Reaches the host and logs in.
    pub async fn open(target: &Target, options: &OpenOptions) -> Result<Connection, ConnectError> {
        let transport: Box<dyn Transport> = match &target.kind {
            TransportKind::Local(local) => Box::new(Local::new(target.name.clone(), local.clone())),
            TransportKind::Inside(inside) => Box::new(Inside::new(target.name.clone(), inside.clone())),
            TransportKind::OpenSsh(ssh) => Box::new(OpenSsh::new(target.name.clone(), ssh.clone())),
            TransportKind::Ssh(ssh) => {
                options.enters(&target.name, Phase::Connect);
                // Once a host, and large: every future that may come to this would be as large.
                let opened = Box::pin(crate::ssh::Ssh::open(&target.name, ssh, options)).await?;
                options.enters(&target.name, Phase::Run);
                Box::new(opened)
            }
        };
        let (host, options) = (target.name.clone(), options.clone());
        Ok(Connection { inner: Arc::new(Inner { host, transport, options, runner: OnceCell::new() }) })
    }

    /// The inventory name of the host.
    pub fn host(&self) -> &Arc<str> {
        &self.inner.host
    }

    /// Why the host is lost, once it is. A connection that is lost stays so; open another one.
    pub fn lost(&self) -> Option<ConnectError> {
        let transport = self.inner.transport.lost().borrow().clone();
        transport.or_else(|| self.inner.runner.get()?.lost())
    }

    /// Whether nobody uses it: it has no batch in flight, and no other clone.
    pub fn is_idle(&self) -> bool {
        Arc::strong_count(&self.inner) == 1 && self.inner.runner.get().is_none_or(Runner::is_idle)
    }

    /// The runner, started now if it was not. A start that failed is tried again by the next call.
    pub async fn runner(&self) -> Result<&Runner, ConnectError> {
        self.inner.runner.get_or_try_init(|| self.start_runner()).await
    }

    async fn start_runner(&self) -> Result<Runner, ConnectError> {
        match self.start_once(true).await {
            // A cached runner that does not come up may have been damaged, or be forbidden since: send it anew.
            Err(Stumble { error, cached: true })
                if !matches!(error.phase(), Phase::Idle | Phase::Connect) =>
            {
                self.start_once(false).await.map_err(|stumble| stumble.error)
            }
            other => other.map_err(|stumble| stumble.error),
        }
    }

    async fn start_once(&self, use_cached: bool) -> Result<Runner, Stumble> {
        let inner = &*self.inner;
        let boot = Boot { host: &inner.host, transport: &*inner.transport, options: &inner.options };
        let started = start(&boot, use_cached).await.map_err(|error| Stumble { error, cached: false })?;
        let cached = started.cached;
        let beginning = Beginning {
            host: inner.host.clone(),
            started,
            lost: inner.transport.lost(),
            runners: inner.options.runners.clone(),
            within: inner.options.deadlines.start,
            fetch_limit: inner.options.fetch_limit,
        };
        Runner::begin(beginning).await.map_err(|error| Stumble { error, cached })
    }

    /// What the runner said of itself and its host.
    pub async fn hello(&self) -> Result<&Hello, ConnectError> {
        Ok(self.runner().await?.hello())
    }

    /// Runs a batch to its end; its id is given here. Any number may be in flight.
    pub async fn run(
        &self,
        batch: Batch,
        blobs: Blobs,
        on_item: impl FnMut(&Item) + Send,
    ) -> Result<Vec<Item>, ConnectError> {
        self.runner().await?.run(batch, blobs, on_item).await
    }

    /// Starts a batch, of which every call's end can then be waited for.
    pub async fn start(&self, batch: Batch, blobs: Blobs) -> Result<Running, ConnectError> {
        self.runner().await?.start(batch, blobs).await
    }

    /// The content that an item's result names by a blob's id (a fetched file).
    pub async fn fetched(&self, stream: u64) -> Result<Fetched, ConnectError> {
        self.runner().await?.fetched(stream).await
    }

    /// Runs a command line with the login user's shell, without a runner.
    pub async fn raw(&self, command: RawCommand) -> Result<RawOutput, ConnectError> {
        run_raw(&self.inner.host, &*self.inner.transport, command).await
    }

    /// Ends the runner and the connection. Dropping the last clone does the same without waiting.
    pub async fn close(&self) {
        let within = self.inner.options.deadlines.close;
        if let Some(runner) = self.inner.runner.get() {
            runner.close(within).await;
        }
        let _ =
            tokio::time::timeout(within.max(Duration::from_millis(1)), self.inner.transport.close()).await;
    }
}

/// A start that failed, and whether it was with a runner that the host had.
struct Stumble {
    error: ConnectError,
    cached: bool,
}
