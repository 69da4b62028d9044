//! Thousands of hosts in one process: an SSH server that lets everybody in, and speaks the runner's protocol itself.
//!
//! `shevek-fleet PORT HOST_KEY MILLISECONDS STARTUPS`: listens on PORT of all loopback addresses (each one a host), takes
//! so many milliseconds for a call, and, as OpenSSH with `MaxStartups`, hangs up on whoever comes while so many on one address
//! have not logged in yet (0: never). `run` beside this file makes an inventory for it and measures.

use std::collections::HashMap;
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::keys::load_secret_key;
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey, run_stream};
use russh::{Channel, ChannelId};
use shevek_proto::{Decoder, Down, Hello, Item, Outcome, Up, VERSION, encode};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "shevek-fleet: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, key, milliseconds, startups] = arguments.as_slice() else {
        return Err("shevek-fleet PORT HOST_KEY MILLISECONDS STARTUPS".into());
    };
    let config = Arc::new(Config {
        keys: vec![load_secret_key(key, None)?],
        nodelay: true,
        window_size: 256 << 10,
        ..Config::default()
    });
    let listener = TcpListener::bind(("0.0.0.0", port.parse::<u16>()?)).await?;
    let (pause, startups) = (Duration::from_millis(milliseconds.parse()?), startups.parse::<usize>()?);
    let waiting = Waiting::default();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of files: those that are open go on.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let Ok(address) = stream.local_addr() else { continue };
        let Some(place) = waiting.enter(address.ip(), startups) else { continue };
        tokio::spawn(session(config.clone(), stream, Host::new(pause, place)));
    }
}

async fn session(config: Arc<Config>, stream: TcpStream, host: Host) {
    if let Ok(running) = run_stream(config, stream, host).await {
        let _ = running.await;
    }
}

/// How many have not logged in yet, by the address that they came to.
#[derive(Clone, Default)]
struct Waiting {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One of those; it leaves when it is dropped.
struct Place {
    waiting: Waiting,
    at: IpAddr,
}

impl Waiting {
    fn enter(&self, at: IpAddr, most: usize) -> Option<Place> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(at).or_default();
        if most > 0 && *count >= most {
            return None;
        }
        *count += 1;
        Some(Place { waiting: self.clone(), at })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.waiting.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.at) {
            *count -= 1;
        }
    }
}

/// One host's side of a connection.
struct Host {
    pause: Duration,
    place: Option<Place>,
    decoder: Decoder,
}

impl Host {
    fn new(pause: Duration, place: Place) -> Self {
        Self { pause, place: Some(place), decoder: Decoder::new() }
    }
}

/// The version of the protocol in the greeting that a line has for the runner, so that other versions can be measured.
fn greeted(line: &str) -> Option<u32> {
    let digits = line.split_once("--hello ")?.1.split(';').next()?;
    let bytes = digits.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> =
        bytes.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    let mut decoder = Decoder::new();
    decoder.push(&bytes?);
    match decoder.next::<Down>() {
        Ok(Some(Down::Hello { protocol })) => Some(protocol),
        _ => None,
    }
}

/// A frame with a message.
fn frame(message: &Up) -> Vec<u8> {
    encode(message).unwrap_or_default()
}

impl Handler for Host {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, _: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        self.place = None;
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    /// The line that starts the runner: its nonce, and the greeting of the runner, are all that matters of it.
    async fn exec_request(
        &mut self,
        channel: ChannelId,
        line: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        let line = String::from_utf8_lossy(line);
        let nonce = line.split_once("n=").and_then(|(_, rest)| rest.split(';').next()).unwrap_or_default();
        let mut said = format!("\n{nonce}:run {}\n", std::env::consts::ARCH).into_bytes();
        said.extend(frame(&Up::Hello(Box::new(Hello {
            protocol: greeted(&line).unwrap_or(VERSION),
            user: "root".to_owned(),
            uid: 0,
            home: "/root".to_owned(),
        }))));
        session.data(channel, said)
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.decoder.push(data);
        while let Ok(Some(message)) = self.decoder.next::<Down>() {
            match message {
                Down::Run(batch) => {
                    let mut said = Vec::new();
                    for index in (0..).take(batch.calls.len()) {
                        let outcome = Outcome::ok().with("ping", "pong").with("seconds", 0);
                        said.extend(frame(&Up::Item(Box::new(Item { batch: batch.id, index, outcome }))));
                    }
                    said.extend(frame(&Up::Done { batch: batch.id }));
                    let (handle, pause) = (session.handle(), self.pause);
                    tokio::spawn(async move {
                        tokio::time::sleep(pause).await;
                        let _ = handle.data(channel, said).await;
                    });
                }
                Down::Bye => {
                    session.exit_status_request(channel, 0)?;
                    session.eof(channel)?;
                    session.close(channel)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
