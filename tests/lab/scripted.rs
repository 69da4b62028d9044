//! An SSH server in this process that lets everybody in, runs commands with `/bin/sh`, and breaks where it is told to.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, Session, run_stream};
use russh::{Channel, ChannelId, ChannelOpenFailure, Disconnect, Sig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::process::{ChildStdin, Command};
use tokio::time::Sleep;

/// When it breaks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum When {
    /// Before the first word.
    Banner,
    /// In the middle of the key exchange.
    KeyExchange,
    /// When the client shows its key.
    Login,
    /// As soon as the client is in.
    LoggedIn,
    /// When the client wants a channel.
    Channel,
    /// When it wants to run a command.
    Command,
    /// When half of the runner has arrived.
    Upload,
    /// When so much has come from the runner that a long result is on its way.
    Result,
    /// When the file `break` appears in the host's home.
    Told,
    /// Never.
    Never,
}

/// How it breaks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum How {
    /// The connection is closed.
    Cut,
    /// It stays, and nothing passes any more.
    Stall,
    /// What the server says is not what arrives.
    Corrupt,
    /// The server's half is closed.
    HalfClose,
    /// A byte now and then.
    Drip,
    /// Some 1.5 MB a second, both ways.
    Slow,
    /// No, politely.
    Refuse,
    /// The server says goodbye.
    Goodbye,
    /// Words without end: lines before the banner, standard output of the command.
    Flood,
    /// Words without end on standard error of the command.
    FloodErrors,
    /// The command ends at once.
    Exit,
    /// The host has other disks, for which this is run as root in a place of its own.
    Disks(&'static str),
    /// The command says that it is the runner, and then this.
    Says(&'static [u8]),
}

/// The server; it ends with this.
pub(crate) struct Scripted {
    address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
    broken: Arc<AtomicBool>,
}

/// What all its connections share.
#[derive(Clone)]
struct Script {
    when: When,
    how: How,
    home: PathBuf,
    /// Whether only the first connection breaks.
    once: bool,
    broken: Arc<AtomicBool>,
}

impl Scripted {
    /// Starts one whose users' home is this folder. `once`: it breaks for the first connection only.
    pub(crate) fn start(home: &Path, when: When, how: How, once: bool) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let key = PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap();
        let config = Arc::new(Config {
            keys: vec![key],
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            // As OpenSSH's, it says often that it has read something.
            window_size: 128 * 1024,
            ..Config::default()
        });
        let broken = Arc::new(AtomicBool::new(false));
        let script = Script { when, how, home: home.to_owned(), once, broken: broken.clone() };
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, config.clone(), script.clone()));
            }
        });
        Self { address, runtime: Some(runtime), broken }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it came to the point where it breaks.
    pub(crate) fn has_broken(&self) -> bool {
        self.broken.load(Ordering::SeqCst)
    }
}

impl Drop for Scripted {
    /// All connections end, and with them the input of what was started.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

async fn serve(stream: tokio::net::TcpStream, config: Arc<Config>, mut script: Script) {
    let _ = stream.set_nodelay(true);
    if script.once && script.broken.load(Ordering::SeqCst) {
        script.when = When::Never;
    }
    let stream = stream.into_std().unwrap();
    let breaker = Arc::new(Breaker {
        socket: stream.try_clone().unwrap(),
        how: Mutex::new(None),
        written: AtomicUsize::new(0),
        script: script.clone(),
    });
    let mut wire = Wire {
        stream: tokio::net::TcpStream::from_std(stream).unwrap(),
        breaker: breaker.clone(),
        reading: None,
        writing: None,
    };
    match breaker.comes_to(When::Banner) {
        Some(How::Flood) => {
            while wire.write_all(&b"you are welcome\r\n".repeat(1000)).await.is_ok() {}
            return;
        }
        Some(How::Says(bytes)) => return drop(wire.write_all(bytes).await),
        _ => {}
    }
    let watching = tokio::spawn(watch(script.home.join("break"), breaker.clone()));
    let server = Server { breaker, stdin: None, got: 0 };
    if let Ok(session) = run_stream(config, wire, server).await {
        let _ = session.await;
    }
    watching.abort();
}

/// Breaks when the file is there.
async fn watch(file: PathBuf, breaker: Arc<Breaker>) {
    if breaker.script.when != When::Told {
        return;
    }
    while !file.exists() {
        // It is the other end of the test that waits for this.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    breaker.comes_to(When::Told);
    std::fs::write(file.with_file_name("broken"), "").unwrap();
}

/// Breaks one connection.
struct Breaker {
    socket: std::net::TcpStream,
    how: Mutex<Option<How>>,
    written: AtomicUsize,
    script: Script,
}

impl Breaker {
    /// Breaks if this is where; then how.
    fn comes_to(&self, when: When) -> Option<How> {
        let how = self.script.how;
        if when != self.script.when || (self.script.once && self.script.broken.load(Ordering::SeqCst)) {
            return None;
        }
        self.script.broken.store(true, Ordering::SeqCst);
        *self.how.lock().unwrap() = Some(how);
        match how {
            How::Cut => drop(self.socket.shutdown(Shutdown::Both)),
            How::HalfClose => drop(self.socket.shutdown(Shutdown::Write)),
            _ => {}
        }
        Some(how)
    }

    fn how(&self) -> Option<How> {
        *self.how.lock().unwrap()
    }
}

/// The way to the client.
struct Wire {
    stream: tokio::net::TcpStream,
    breaker: Arc<Breaker>,
    reading: Option<Pin<Box<Sleep>>>,
    writing: Option<Pin<Box<Sleep>>>,
}

/// Lets a pause pass.
fn rested(pause: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) -> bool {
    let waits = pause.as_mut().is_some_and(|sleep| sleep.as_mut().poll(cx).is_pending());
    if !waits {
        *pause = None;
    }
    !waits
}

fn pause(millis: u64) -> Option<Pin<Box<Sleep>>> {
    Some(Box::pin(tokio::time::sleep(Duration::from_millis(millis))))
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.breaker.how() {
            Some(How::Stall) => Poll::Pending,
            Some(How::Slow) => {
                if !rested(&mut self.reading, cx) {
                    return Poll::Pending;
                }
                let mut little = buffer.take(16 * 1024);
                let read = Pin::new(&mut self.stream).poll_read(cx, &mut little);
                let count = little.filled().len();
                // `little` has filled the front of what `buffer` has left.
                buffer.advance(count);
                if read.is_ready() {
                    self.reading = pause(10);
                }
                read
            }
            _ => Pin::new(&mut self.stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.breaker.written.fetch_add(bytes.len(), Ordering::SeqCst);
        // The version line is behind, and the long list of algorithms comes.
        if written > 0 && written < 100 && self.breaker.how().is_none() {
            let half = &bytes[..bytes.len() / 2];
            if self.breaker.script.when == When::KeyExchange {
                let _ = io::Write::write_all(&mut &self.breaker.socket, half);
                self.breaker.comes_to(When::KeyExchange);
                if !matches!(self.breaker.how(), Some(How::Corrupt)) {
                    return Poll::Ready(Ok(bytes.len()));
                }
                let rest: Vec<u8> = bytes[half.len()..].iter().map(|byte| byte ^ 1).collect();
                let _ = io::Write::write_all(&mut &self.breaker.socket, &rest);
                return Poll::Ready(Ok(bytes.len()));
            }
        }
        match self.breaker.how() {
            Some(How::Stall | How::HalfClose) => Poll::Ready(Ok(bytes.len())),
            Some(How::Corrupt) => {
                let mut wrong = bytes.to_vec();
                let middle = wrong.len() / 2;
                wrong[middle] ^= 1;
                Pin::new(&mut self.stream).poll_write(cx, &wrong)
            }
            Some(how @ (How::Drip | How::Slow)) => {
                if !rested(&mut self.writing, cx) {
                    return Poll::Pending;
                }
                let (most, millis) = if how == How::Drip { (1, 100) } else { (16 * 1024, 10) };
                let write = Pin::new(&mut self.stream).poll_write(cx, &bytes[..bytes.len().min(most)]);
                if write.is_ready() {
                    self.writing = pause(millis);
                }
                write
            }
            _ => Pin::new(&mut self.stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.breaker.how() {
            Some(How::Stall) => Poll::Pending,
            _ => Pin::new(&mut self.stream).poll_shutdown(cx),
        }
    }
}

struct Server {
    breaker: Arc<Breaker>,
    stdin: Option<ChildStdin>,
    /// How much has come for the command.
    got: usize,
}

impl Handler for Server {
    type Error = russh::Error;

    async fn auth_publickey(
        &mut self,
        _: &str,
        _: russh::server::VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(match self.breaker.comes_to(When::Login) {
            Some(How::Refuse) => Auth::reject(),
            _ => Auth::Accept,
        })
    }

    async fn auth_succeeded(&mut self, session: &mut Session) -> Result<(), Self::Error> {
        if self.breaker.comes_to(When::LoggedIn) == Some(How::Goodbye) {
            session.disconnect(Disconnect::ByApplication, "closed for the night", "")?;
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        match self.breaker.comes_to(When::Channel) {
            Some(How::Refuse) => reply.reject(ChannelOpenFailure::ResourceShortage).await,
            _ => reply.accept().await,
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        line: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let how = self.breaker.comes_to(When::Command);
        if how == Some(How::Refuse) {
            return session.channel_failure(channel);
        }
        session.channel_success(channel)?;
        let line = String::from_utf8_lossy(line).into_owned();
        let nonce = line.split_once("n=").map(|(_, rest)| rest.split(';').next().unwrap().to_owned());
        let asked = line.clone();
        let line = match how {
            Some(How::Flood) => "while :; do head -c 65536 /dev/zero || exit; done".to_owned(),
            Some(How::FloodErrors) => "while :; do head -c 65536 /dev/zero >&2 || exit; done".to_owned(),
            Some(How::Exit) => "echo no entry >&2; exit 7".to_owned(),
            Some(How::Disks(mounts)) => {
                format!("exec unshare -m /bin/sh -c '{mounts} exec /bin/sh -c \"$LINE\"'")
            }
            Some(How::Says(_)) => format!("echo {}:run x86_64; cat said; cat", nonce.unwrap()),
            _ => line,
        };
        if let Some(How::Says(bytes)) = how {
            std::fs::write(self.breaker.script.home.join("said"), bytes).unwrap();
        }
        let mut child = Command::new("/bin/sh")
            .args(["-c", &line])
            .current_dir(&self.breaker.script.home)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", &self.breaker.script.home)
            .env("LINE", asked)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        self.stdin = child.stdin.take();
        let out = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (handle, breaker) = (session.handle(), self.breaker.clone());
        tokio::spawn(async move {
            let said = pass(out.0, handle.clone(), (channel, None), breaker.clone());
            let complained = pass(out.1, handle.clone(), (channel, Some(1)), breaker);
            tokio::join!(said, complained);
            let code = child.wait().await.ok().and_then(|status| status.code());
            let _ = match code {
                Some(code) => handle.exit_status_request(channel, u32::try_from(code).unwrap()).await,
                None => {
                    handle.exit_signal_request(channel, Sig::KILL, false, String::new(), String::new()).await
                }
            };
            let _ = (handle.eof(channel).await, handle.close(channel).await);
        });
        Ok(())
    }

    async fn data(&mut self, _: ChannelId, data: &[u8], _: &mut Session) -> Result<(), Self::Error> {
        self.got += data.len();
        if self.got > 500_000 {
            self.breaker.comes_to(When::Upload);
        }
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(data).await;
        }
        Ok(())
    }

    async fn channel_eof(&mut self, _: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        self.stdin = None;
        Ok(())
    }

    async fn channel_close(&mut self, _: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        self.stdin = None;
        Ok(())
    }
}

/// Passes on what the command says.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    to: Handle,
    (channel, kind): (ChannelId, Option<u32>),
    breaker: Arc<Breaker>,
) {
    let (mut buffer, mut said) = (vec![0; 16 * 1024], 0);
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let bytes = buffer[..count].to_vec();
        let sent = match kind {
            None => to.data(channel, bytes).await.is_ok(),
            Some(kind) => to.extended_data(channel, kind, bytes).await.is_ok(),
        };
        said += count;
        if kind.is_none() && said > 50_000 {
            breaker.comes_to(When::Result);
        }
        if !sent {
            return;
        }
    }
}
