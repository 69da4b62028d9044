//! From a target to a session: name, TCP or proxy, key exchange, login.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use russh::client::{self, Handle};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::client::{Client, Refusal};
use super::gates::pause;
use super::greeted::Greeted;
use super::login::{Login, agent_socket};
use super::preferred::preferred;
use super::trust::Trust;
use crate::options::OpenOptions;
use crate::tail::Tail;
use crate::target::{AddressFamily, LoginMethod, SshTarget};
use crate::{ConnectError, Phase};

/// How long one address of a name is tried alone (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(250);

/// A stream to a server, of whatever kind.
trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// What a proxy command says on standard error, once it has ended.
type LastWords = tokio::task::JoinHandle<String>;

/// A session on a host.
pub(super) struct Reached {
    pub(super) handle: Handle<Client>,
    /// The news of its end.
    pub(super) lost: watch::Receiver<Option<ConnectError>>,
    /// Whether the host's key is not the known one, and was let pass all the same.
    pub(super) changed: bool,
}

/// Opens a session on a host, directly or through another session, and logs in.
pub(super) async fn reach(
    host: &Arc<str>,
    target: &SshTarget,
    through: Option<&Handle<Client>>,
    options: &OpenOptions,
) -> Result<Reached, ConnectError> {
    let leave = options.shared.gates.enter(&target.host, target.port).await;
    let mut attempts = 0;
    let met = loop {
        match meet(host, target, through, options).await {
            Ok(met) => break met,
            Err(Missed { error, hung_up }) => {
                let Some(pause) = pause(attempts).filter(|_| hung_up) else { return Err(error) };
                attempts += 1;
                tokio::time::sleep(pause).await;
            }
        }
    };
    let reached = log_in(host, target, options, met).await;
    drop(leave);
    reached
}

/// A session before the login.
struct Met {
    handle: Handle<Client>,
    lost: watch::Receiver<Option<ConnectError>>,
    changed: Arc<AtomicBool>,
}

/// Why there is no session.
struct Missed {
    error: ConnectError,
    /// The server hung up before it greeted: it may only be busy.
    hung_up: bool,
}

impl From<ConnectError> for Missed {
    fn from(error: ConnectError) -> Self {
        Self { error, hung_up: false }
    }
}

/// Gets to the server and exchanges keys with it.
async fn meet(
    host: &Arc<str>,
    target: &SshTarget,
    through: Option<&Handle<Client>>,
    options: &OpenOptions,
) -> Result<Met, Missed> {
    let deadline = Instant::now() + target.connect_timeout;
    let (stream, proxy_said) = open_stream(host, target, through, deadline).await?;
    let (stream, has_greeted) = Greeted::new(stream);
    let trust = Trust::new(host, target, options)?;
    let (asking, changed) = (trust.asking(), trust.changed());
    let config = Arc::new(client::Config {
        nodelay: true,
        window_size: 2 << 20,
        maximum_packet_size: 32768,
        channel_buffer_size: 100,
        keepalive_interval: target.alive_interval,
        keepalive_max: target.alive_count,
        inactivity_timeout: None,
        preferred: preferred(
            &target.algorithms,
            &trust.known_types(),
            target.compression,
            trust.has_authorities(),
        ),
        ..client::Config::default()
    });
    let refusal = Refusal::default();
    let (lost, is_lost) = watch::channel(None);
    let patience =
        target.alive_interval.unwrap_or_default() * u32::try_from(target.alive_count).unwrap_or(u32::MAX);
    let client = Client {
        host: host.clone(),
        trust,
        refusal: refusal.clone(),
        lost,
        agent: target.forward_agent.then(|| agent_socket(&target.login.agent)).flatten(),
        silence: patience.as_secs_f32(),
    };
    let handshake = client::connect_stream(config, stream, client);
    let handshake = within(deadline, target.connect_timeout, asking, handshake);
    let result = handshake.await;
    // What the proxy command said about its failure.
    let said = match (&result, proxy_said) {
        (Ok(Ok(_)), _) | (_, None) => String::new(),
        (_, Some(said)) => {
            timeout(Duration::from_secs(2), said).await.ok().and_then(Result::ok).unwrap_or_default()
        }
    };
    let result = result.map_err(|_| {
        ConnectError::timed_out(host, Phase::Connect, target.connect_timeout, "the server's key exchange")
            .with_help("something answers on that port, but does not speak SSH in time")
    })?;
    let handle = result.map_err(|e| {
        let refused = refusal.lock().unwrap_or_else(PoisonError::into_inner).take();
        let hung_up = !has_greeted.load(Ordering::Relaxed) && is_hang_up(&e) && said.is_empty();
        Missed { error: refused.unwrap_or_else(|| failed_handshake(host, &e, &said)), hung_up }
    })?;
    Ok(Met { handle, lost: is_lost, changed })
}

/// Whether the other side just closed the connection.
fn is_hang_up(error: &russh::Error) -> bool {
    match error {
        russh::Error::HUP | russh::Error::Disconnect => true,
        russh::Error::IO(e) => {
            matches!(e.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe)
        }
        _ => false,
    }
}

async fn log_in(
    host: &Arc<str>,
    target: &SshTarget,
    options: &OpenOptions,
    met: Met,
) -> Result<Reached, ConnectError> {
    let Met { handle, lost: mut is_lost, changed } = met;
    let mut settings = target.login.clone();
    let changed = changed.load(Ordering::Relaxed);
    if changed {
        // As OpenSSH does: whoever answers must not learn a password.
        settings.methods.retain(|method| *method == LoginMethod::PublicKey);
        settings.password = None;
    }
    options.enters(host, Phase::Auth);
    let mut login = Login::new(host, &target.user, &settings, options, handle);
    let limit = options.deadlines.auth;
    let asking = options.shared.keyring.asking();
    let outcome = tokio::select! {
        biased;
        outcome = within(Instant::now() + limit, limit, asking, login.run()) => outcome
            .unwrap_or_else(|()| Err(ConnectError::timed_out(host, Phase::Auth, limit, "the login"))),
        _ = is_lost.wait_for(Option::is_some) => Err(login.gone()),
    };
    if let Err(error) = outcome {
        // A server that hangs up says why, a moment before the attempt fails.
        let said = is_lost
            .borrow()
            .as_ref()
            .filter(|_| error.phase() == Phase::Auth)
            .map(|lost| lost.detail().to_owned());
        return Err(match said {
            Some(said) => login.hung_up(&said),
            None if changed && target.login.password.is_some() => error.with_help(
                "the password was not given to it, since its host key has changed: remove the old key with `ssh-keygen -R`, \
                 if the host was set up anew",
            ),
            None => error,
        });
    }
    Ok(Reached { handle: login.into_handle(), lost: is_lost, changed })
}

/// A deadline that does not run while somebody is being asked about a host key or for a passphrase.
async fn within<T>(
    deadline: Instant,
    limit: Duration,
    mut asking: watch::Receiver<bool>,
    future: impl Future<Output = T>,
) -> Result<T, ()> {
    let mut deadline = deadline;
    tokio::pin!(future);
    loop {
        if let Ok(done) = timeout_at(deadline, &mut future).await {
            return Ok(done);
        }
        if !*asking.borrow() {
            return Err(());
        }
        tokio::select! {
            done = &mut future => return Ok(done),
            _ = asking.wait_for(|asking| !asking) => deadline = Instant::now() + limit,
        }
    }
}

fn failed_handshake(host: &Arc<str>, error: &russh::Error, proxy: &str) -> ConnectError {
    if !proxy.is_empty() {
        return ConnectError::unreachable(host, Phase::Connect, format!("the proxy command failed: {proxy}"));
    }
    let (detail, help) = match error {
        russh::Error::NoCommonAlgo { kind, ours, theirs } => (
            format!(
                "no common {kind:?} algorithm: the server offers {}, we offer {}",
                theirs.join(", "),
                ours.join(", ")
            ),
            Some(
                "older servers need their algorithms allowed, as in `ansible_ssh_common_args: -o KexAlgorithms=+…`",
            ),
        ),
        russh::Error::HUP | russh::Error::Disconnect => (
            "the server closed the connection before the key exchange".to_owned(),
            Some("the server may limit connections (MaxStartups), or refuse this address"),
        ),
        russh::Error::Version => ("what answers does not speak SSH".to_owned(), None),
        other => (format!("the key exchange failed: {other}"), None),
    };
    let error = ConnectError::unreachable(host, Phase::Connect, detail);
    match help {
        Some(help) => error.with_help(help),
        None => error,
    }
}

async fn open_stream(
    host: &Arc<str>,
    target: &SshTarget,
    through: Option<&Handle<Client>>,
    deadline: Instant,
) -> Result<(Box<dyn Duplex>, Option<LastWords>), ConnectError> {
    let late = || {
        ConnectError::timed_out(
            host,
            Phase::Connect,
            target.connect_timeout,
            &format!("{} port {}", target.host, target.port),
        )
    };
    if let Some(jump) = through {
        let opened = jump.channel_open_direct_tcpip(&target.host, u32::from(target.port), "127.0.0.1", 0);
        let channel = timeout_at(deadline, opened).await.map_err(|_| late())?.map_err(|e| {
            let detail = format!("the jump host cannot reach {} port {}: {e}", target.host, target.port);
            ConnectError::unreachable(host, Phase::Connect, detail)
        })?;
        return Ok((Box::new(channel.into_stream()), None));
    }
    if let Some(command) = &target.proxy_command {
        return proxy(host, command);
    }
    let mut last = None;
    for attempt in 0..target.attempts.max(1) {
        if attempt > 0 {
            // OpenSSH waits a second between attempts too.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        match timeout_at(deadline, tcp(host, target)).await.map_err(|_| late())? {
            Ok(stream) => {
                let _ = stream.set_nodelay(true);
                return Ok((Box::new(stream), None));
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(late))
}

async fn tcp(host: &Arc<str>, target: &SshTarget) -> Result<TcpStream, ConnectError> {
    let resolved = tokio::net::lookup_host((target.host.as_str(), target.port)).await.map_err(|e| {
        let detail = format!("the name {:?} cannot be resolved: {}", target.host, plain(&e));
        ConnectError::unreachable(host, Phase::Resolve, detail)
            .with_help("set ansible_host to an address, or check the spelling and DNS")
    })?;
    let addresses: Vec<SocketAddr> = resolved
        .filter(|address| match target.address_family {
            AddressFamily::Any => true,
            AddressFamily::Inet => address.is_ipv4(),
            AddressFamily::Inet6 => address.is_ipv6(),
        })
        .collect();
    if addresses.is_empty() {
        let detail = format!("the name {:?} has no address of the wanted family", target.host);
        return Err(ConnectError::unreachable(host, Phase::Resolve, detail));
    }
    let (mut dialling, mut waiting, mut failed) = (JoinSet::new(), addresses.into_iter(), Vec::new());
    loop {
        if let Some(address) = waiting.next() {
            let bind = target.bind_address.clone();
            dialling.spawn(async move { dial(address, bind.as_deref()).await.map_err(|e| (address, e)) });
        }
        tokio::select! {
            done = dialling.join_next() => match done {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err((address, e)))) => failed.push(format!("{address}: {}", plain(&e))),
                Some(Err(e)) => failed.push(e.to_string()),
                None => return Err(ConnectError::unreachable(host, Phase::Connect, failed.join(", "))),
            },
            // An address that does not answer at once must not hold up the next one.
            () = tokio::time::sleep(HEAD_START), if waiting.len() > 0 => {}
        }
    }
}

async fn dial(address: SocketAddr, bind: Option<&str>) -> std::io::Result<TcpStream> {
    let Some(bind) = bind else { return TcpStream::connect(address).await };
    let bind =
        bind.parse().map_err(|_| std::io::Error::other(format!("BindAddress {bind:?} is not an address")))?;
    let socket =
        if address.is_ipv4() { tokio::net::TcpSocket::new_v4()? } else { tokio::net::TcpSocket::new_v6()? };
    socket.bind(SocketAddr::new(bind, 0))?;
    socket.connect(address).await
}

/// An operating system's error without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((text, _)) => text.to_owned(),
        None => text,
    }
}

fn proxy(host: &Arc<str>, command: &str) -> Result<(Box<dyn Duplex>, Option<LastWords>), ConnectError> {
    let failed = |detail: String| ConnectError::unreachable(host, Phase::Connect, detail);
    let mut child = Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("exec {command}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .process_group(0)
        .spawn()
        .map_err(|e| failed(format!("the proxy command cannot be started: {e}")))?;
    let (Some(stdin), Some(stdout), Some(mut stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(ConnectError::bug(host, Phase::Connect, "a proxy command without pipes"));
    };
    let (guard, dropped) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let ended = tokio::select! {
            _ = child.wait() => true,
            _ = dropped => false,
        };
        // One that fails may close its output before it says why.
        if !ended && timeout(Duration::from_secs(1), child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
    });
    let said = tokio::spawn(async move {
        let (mut tail, mut buffer) = (Tail::default(), [0; 1024]);
        while let Ok(n @ 1..) = stderr.read(&mut buffer).await {
            tail.push(buffer.get(..n).unwrap_or_default());
        }
        tail.text()
    });
    Ok((Box::new(Proxied { stream: tokio::io::join(stdout, stdin), _guard: guard }), Some(said)))
}

/// The pipes to a proxy command, which ends with them.
struct Proxied {
    stream: tokio::io::Join<tokio::process::ChildStdout, tokio::process::ChildStdin>,
    _guard: oneshot::Sender<()>,
}

impl AsyncRead for Proxied {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Proxied {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::pin::Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
