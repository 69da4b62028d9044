//! HTTP for modules: a [`Request`] goes out, a [`Response`] comes back, whole or as a stream.
//!
//! Start reading at `conversation`, which follows redirects and answers challenges; each of its turns is one `exchange`
//! over a `connection` (TCP, a socket of the host, a proxy's tunnel; `tls` around it for https). All of this is only in
//! the runner's rare part: the core, which never calls [`speak`], is the smaller for it.

use std::fmt;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::arg::Secret;
use crate::content::Content;
use crate::fault::{Fault, Result, io_words};
use crate::probe::Probe;
use crate::system::Look;

mod certificate;
mod challenge;
mod ciphers;
mod connection;
mod conversation;
mod cookies;
mod exchange;
mod framing;
mod names;
mod netrc;
mod options;
mod tls;
mod trust;
mod url;

pub use options::UrlOptions;
use trust::Trusted;
pub use url::{file_name, joined, masked, percent_encoded, scheme, unescaped};

/// What streams by: the body of an answer, or of a request.
pub type Stream = Box<dyn Read + Send>;

/// Does one turn of a conversation.
pub(crate) type Turn<'a> = &'a mut dyn FnMut(&Request) -> Result<Response<Stream>>;

/// How this program speaks HTTP.
struct Speaker {
    converse: fn(&Request, &Probe, Turn<'_>) -> Result<Response<Stream>>,
    exchange: fn(&Request, &dyn Look) -> io::Result<Response<Stream>>,
}

static SPEAKER: OnceLock<Speaker> = OnceLock::new();

/// Lets the modules of this program speak HTTP.
pub fn speak() {
    SPEAKER.get_or_init(|| Speaker { converse: conversation::converse, exchange: exchange::exchange });
}

fn speaker() -> io::Result<&'static Speaker> {
    #[cfg(any(test, feature = "testing"))]
    speak();
    SPEAKER.get().ok_or_else(|| io::Error::other("no module of this part of the runner speaks http"))
}

/// Sends a request and reads the head of the answer. The host that looks knows addresses, certificates and the like.
pub(crate) fn exchange(request: &Request, look: &dyn Look) -> io::Result<Response<Stream>> {
    (speaker()?.exchange)(request, look)
}

/// Has the whole conversation, of which `turn` does each turn.
pub(crate) fn converse(request: &Request, probe: &Probe, turn: Turn<'_>) -> Result<Response<Stream>> {
    (speaker().map_err(|e| Fault::new(e.to_string()))?.converse)(request, probe, turn)
}

/// What is asked of a server.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET` and the like.
    pub method: String,
    /// Of what.
    pub url: String,
    /// Headers, in order.
    pub headers: Vec<(String, String)>,
    /// What is sent along.
    pub body: Option<Body>,
    /// How long the server may keep silent.
    pub timeout: Duration,
    /// A user's name and password.
    pub login: Option<(String, String)>,
    /// Which redirects are followed.
    pub redirects: Redirects,
    /// The certificates to trust, instead of the system's.
    pub ca_path: Option<PathBuf>,
    /// The socket to talk through, instead of the network.
    pub unix_socket: Option<PathBuf>,
    /// The proxy, if there is one for this address.
    pub proxy: Option<String>,
    /// Options that all modules which use HTTP have in common.
    pub options: UrlOptions,
    /// What the environment says about whom to trust.
    pub(crate) trusted: Trusted,
}

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirects {
    /// All.
    All,
    /// None.
    None,
    /// Those of GET and HEAD.
    Safe,
    /// Those that Python's own library follows.
    Python,
}

/// What is sent along with a request. It can be opened again when a challenge or a redirect asks for it once more.
#[derive(Clone)]
pub struct Body {
    size: u64,
    open: Arc<dyn Fn() -> io::Result<Stream> + Send + Sync>,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.size)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        let (size, bytes) = (bytes.len() as u64, Arc::<[u8]>::from(bytes));
        Body { size, open: Arc::new(move || Ok(Box::new(Cursor::new(bytes.clone())))) }
    }
}

impl Body {
    /// A file of the host, read while it is sent.
    pub fn file(path: PathBuf, probe: &Probe) -> Result<Self> {
        let size = probe.stat(&path)?.map_or(0, |stat| stat.size);
        drop(probe.open(&path)?);
        let probe = probe.clone();
        Ok(Body { size, open: Arc::new(move || probe.open(&path).map_err(|f| io::Error::other(f.message))) })
    }

    /// Content of the task, fetched while it is sent.
    pub fn content(content: Content, probe: &Probe) -> Self {
        let (size, probe) = (content.size(), probe.clone());
        Body {
            size,
            open: Arc::new(move || probe.content(&content).map_err(|f| io::Error::other(f.message))),
        }
    }

    /// Its length.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Opens it, from its beginning.
    pub(crate) fn open(&self) -> io::Result<Stream> {
        (self.open)()
    }
}

/// What a server answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response<B = Vec<u8>> {
    /// The status code.
    pub status: u16,
    /// The words beside it.
    pub reason: String,
    /// Headers, in order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// Cookies of the whole conversation.
    pub cookies: Vec<(String, String)>,
    /// What came along, or comes.
    pub body: B,
    /// The address that answered, after redirects.
    pub url: String,
}

impl Response {
    /// An answer with this status and body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Response { status, reason: reason(status).to_owned(), body: body.into(), ..Response::default() }
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_lowercase(), value.to_owned()));
        self
    }
}

impl<B> Response<B> {
    /// The same with another body.
    pub fn with_body<C>(self, body: C) -> Response<C> {
        let Response { status, reason, headers, cookies, url, .. } = self;
        Response { status, reason, headers, cookies, body, url }
    }

    /// The value of a header.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    /// The file name that the server proposes.
    pub fn proposed_name(&self) -> Option<String> {
        let name = parameter(self.get("content-disposition")?, "filename")?;
        name.rsplit('/').next().filter(|n| !matches!(*n, "" | "." | "..")).map(str::to_owned)
    }
}

impl Response<Stream> {
    /// The head and the body.
    pub fn parted(mut self) -> (Response<()>, Stream) {
        let body = std::mem::replace(&mut self.body, Box::new(io::empty()));
        (self.with_body(()), body)
    }

    /// Reads the body to its end.
    pub fn whole(mut self) -> Result<Response> {
        let mut bytes = Vec::new();
        self.body.read_to_end(&mut bytes).map_err(|e| failed(&late(e)))?;
        Ok(self.with_body(bytes))
    }
}

/// The value of a parameter of a header: `charset` of `text/html; charset=utf-8`.
pub fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// The usual words beside the status codes that tests answer with.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        304 => "Not Modified",
        404 => "Not Found",
        _ => "",
    }
}

impl Request {
    /// A request, with the options of the task.
    pub fn new(method: &str, url: &str, options: &UrlOptions) -> Self {
        Request {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: None,
            timeout: Duration::from_secs(10),
            login: None,
            redirects: Redirects::Python,
            ca_path: None,
            unix_socket: None,
            proxy: None,
            options: options.clone(),
            trusted: Trusted::default(),
        }
    }

    /// Names the user, if the task does.
    #[must_use]
    pub fn login(mut self, user: Option<&str>, password: Option<&Secret>) -> Self {
        if let Some(user) = user.filter(|u| !u.is_empty()) {
            self.login = Some((user.to_owned(), password.map(Secret::reveal).unwrap_or_default().to_owned()));
        }
        self
    }

    /// Whether it has a header.
    pub fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(k, _)| k.eq_ignore_ascii_case(name))
    }

    /// Whether it only reads.
    pub(crate) fn reads(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD") && self.body.is_none()
    }

    /// As logs and the fake `World` name it.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.url)
    }

    fn set(&mut self, name: &str, value: String) {
        self.headers.retain(|(k, _)| !k.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value));
    }
}

/// A failure that has its words already, because Ansible has its own for its kind.
#[derive(Debug)]
struct Told(String);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Told {}

fn told(kind: io::ErrorKind, words: String) -> io::Error {
    io::Error::new(kind, Told(words))
}

/// A failure while the answer was read.
fn late(e: io::Error) -> io::Error {
    match e.get_ref() {
        Some(inner) if inner.is::<Told>() => e,
        _ => told(e.kind(), format!("Connection failure: {}", words(&e))),
    }
}

/// A request that cannot be written.
fn unfit(words: String) -> io::Error {
    told(io::ErrorKind::InvalidInput, format!("An unknown error occurred: {words}"))
}

fn words(e: &io::Error) -> String {
    match e.raw_os_error() {
        Some(code) => format!("[Errno {code}] {}", io_words(e)),
        None if e.kind() == io::ErrorKind::TimedOut && e.get_ref().is_none() => "timed out".to_owned(),
        None => e.to_string(),
    }
}

/// A server that could not be talked to: status -1, as Ansible has it.
pub(crate) fn unreached(why: impl fmt::Display) -> Fault {
    Fault::new(format!("Request failed: <urlopen error {why}>")).with("status", -1)
}

/// The same, of what went wrong on the way.
pub(crate) fn failed(e: &io::Error) -> Fault {
    match e.get_ref() {
        Some(inner) if inner.is::<Told>() => Fault::new(inner.to_string()).with("status", -1),
        _ => unreached(words(e)),
    }
}

#[cfg(test)]
mod tests;
