//! HTTP for modules: [`Request`] and [`Response`], and the conversation that follows redirects and answers challenges.
//!
//! Plain http is spoken by the runner itself (`plain`); https goes through the host's `curl` (`curl`), because TLS would
//! double the size of the runner.

use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use shevek_derive::Args;

use crate::arg::Secret;
use crate::fault::{Fault, Result, io_words};
use crate::probe::Probe;
use crate::system::Look;

pub(crate) mod curl;
mod netrc;
pub(crate) mod plain;
mod url;

pub use url::{file_name, joined, masked, percent_encoded, scheme, unescaped};

/// How this program speaks plain http, if it does: what never needs it, like the runner's core, is the smaller for it.
static SPOKEN: OnceLock<Exchange> = OnceLock::new();

type Exchange = fn(&Request, &dyn Look) -> io::Result<Response>;

/// Lets the modules of this program speak http.
pub fn speak() {
    let _ = SPOKEN.set(plain::exchange);
}

/// Sends a request over plain http and reads the whole answer. The host that looks knows the addresses of names.
pub(crate) fn exchange(request: &Request, look: &dyn Look) -> io::Result<Response> {
    match SPOKEN.get() {
        Some(exchange) => exchange(request, look),
        None => Err(io::Error::other("no module of this part of the runner speaks http")),
    }
}

/// Most redirects that are followed, as in Python.
const HOPS: usize = 10;

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
    pub body: Option<Vec<u8>>,
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

/// The options that all modules which use HTTP have in common.
#[derive(Debug, Clone, Args)]
#[kit(crate)]
pub struct UrlOptions {
    /// Do not take a cached copy.
    #[arg(default = false)]
    pub force: bool,
    /// The name that the client goes by.
    #[arg(default = "ansible-httpget")]
    pub http_agent: String,
    /// Whether the proxy of the environment is used.
    #[arg(default = true)]
    pub use_proxy: bool,
    /// Whether the server's certificate must be valid.
    #[arg(default = true)]
    pub validate_certs: bool,
    /// Send the user's name and password at once, without being asked.
    #[arg(default = false)]
    pub force_basic_auth: bool,
    /// The client's certificate.
    pub client_cert: Option<PathBuf>,
    /// The key of the client's certificate.
    pub client_key: Option<PathBuf>,
    /// Whether GSSAPI is used to say who the client is.
    #[arg(default = false)]
    pub use_gssapi: bool,
    /// Headers that are not sent again when a redirect is followed.
    pub unredirected_headers: Vec<String>,
    /// Whether what comes compressed is unpacked.
    #[arg(default = true)]
    pub decompress: bool,
    /// Ciphers for TLS.
    pub ciphers: Vec<String>,
    /// Whether names and passwords are taken from `~/.netrc`.
    #[arg(default = true)]
    pub use_netrc: bool,
}

impl Default for UrlOptions {
    fn default() -> Self {
        UrlOptions {
            force: false,
            http_agent: "ansible-httpget".into(),
            use_proxy: true,
            validate_certs: true,
            force_basic_auth: false,
            client_cert: None,
            client_key: None,
            use_gssapi: false,
            unredirected_headers: Vec::new(),
            decompress: true,
            ciphers: Vec::new(),
            use_netrc: true,
        }
    }
}

/// What a server answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The words beside it.
    pub reason: String,
    /// Headers, in order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// What came along.
    pub body: Vec<u8>,
    /// The address that answered, after redirects.
    pub url: String,
}

impl Response {
    /// An answer with this status and body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Response { status, reason: reason(status), body: body.into(), ..Response::default() }
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_lowercase(), value.to_owned()));
        self
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

/// The value of a parameter of a header: `charset` of `text/html; charset=utf-8`.
pub fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// The usual words beside a status code.
pub(crate) fn reason(status: u16) -> String {
    let known = ureq::http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason());
    known.unwrap_or_default().to_owned()
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

/// Has the whole conversation, of which `exchange` does each turn.
pub(crate) fn converse(
    request: &Request,
    probe: &Probe,
    exchange: &mut dyn FnMut(&Request) -> Result<Response>,
) -> Result<Response> {
    let mut request = request.clone();
    if request.options.use_gssapi {
        return Err(Fault::new("use_gssapi is not supported"));
    }
    let (address, login) = url::without_login(&request.url);
    request.url = address;
    request.login = request.login.take().or(login);
    let basic = |(user, password): &(String, String)| {
        format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
    };
    if !request.has("user-agent") && !request.options.http_agent.is_empty() {
        request.set("User-Agent", request.options.http_agent.clone());
    }
    if request.body.is_some() && !request.has("content-type") {
        request.set("Content-Type", "application/x-www-form-urlencoded".to_owned());
    }
    // curl reads that file itself.
    if scheme(&request.url) == "http"
        && request.options.use_netrc
        && request.login.is_none()
        && let Some(login) = netrc::login(probe, &url::server(&request.url))
    {
        let value = basic(&login);
        request.set("Authorization", value);
    }
    if request.options.force_basic_auth
        && let Some(login) = &request.login
    {
        let value = basic(login);
        request.set("Authorization", value);
    }
    let mut asked = false;
    for _ in 0..=HOPS {
        probe.still_wanted()?;
        request.proxy = url::proxy(probe, &request.url).filter(|_| request.options.use_proxy);
        if request.proxy.is_some() && request.unix_socket.is_some() {
            request.proxy = None;
        }
        let mut response = exchange(&request)?;
        response.url = request.url.clone();
        if response.status == 401
            && !asked
            && !request.options.force_basic_auth
            && let Some(login) = &request.login
        {
            asked = true;
            let basic_wanted =
                |(k, v): &(String, String)| k == "www-authenticate" && v.to_lowercase().contains("basic");
            if response.headers.iter().any(basic_wanted) {
                let value = basic(login);
                request.set("Authorization", value);
                continue;
            }
        }
        match redirected(&request, &response) {
            Some(next) => request = next,
            None => return Ok(response),
        }
    }
    Err(unreached(format!("{} redirects were not enough", HOPS)))
}

/// The request that a redirect asks for, if it is to be followed.
fn redirected(request: &Request, response: &Response) -> Option<Request> {
    let code = response.status;
    let location = response.get("location").filter(|_| matches!(code, 301 | 302 | 303 | 307 | 308))?;
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    let follow = match request.redirects {
        Redirects::None => false,
        Redirects::All => true,
        Redirects::Safe => reads,
        Redirects::Python => reads || (request.method == "POST" && code < 304),
    };
    if !follow {
        return None;
    }
    let mut next = request.clone();
    next.url = joined(&request.url, &location.replace(' ', "%20"));
    if !matches!(code, 307 | 308) {
        next.body = None;
        let of_body = ["content-length", "content-type", "transfer-encoding"];
        next.headers.retain(|(k, _)| !of_body.contains(&k.to_lowercase().as_str()));
        let becomes_get = match code {
            301 => request.method == "POST",
            _ => request.method != "HEAD",
        };
        if becomes_get {
            next.method = "GET".to_owned();
        }
    }
    let once = &request.options.unredirected_headers;
    next.headers.retain(|(k, _)| !once.iter().any(|o| o.eq_ignore_ascii_case(k)));
    // Differs from Ansible: a password is not told to another server that a redirect names.
    if url::origin(&next.url) != url::origin(&request.url) {
        next.login = None;
        next.headers.retain(|(k, _)| !["authorization", "cookie"].contains(&k.to_lowercase().as_str()));
    }
    Some(next)
}

/// A server that could not be talked to: status -1, as Ansible has it.
pub(crate) fn unreached(why: impl std::fmt::Display) -> Fault {
    Fault::new(format!("Request failed: <urlopen error {why}>")).with("status", -1)
}

/// The same, of a failed system call.
pub(crate) fn failed(e: &io::Error) -> Fault {
    match e.raw_os_error() {
        Some(code) => unreached(format!("[Errno {code}] {}", io_words(e))),
        None if e.kind() == io::ErrorKind::TimedOut => {
            Fault::new("Connection failure: The read operation timed out").with("status", -1)
        }
        None => unreached(e),
    }
}

#[cfg(test)]
mod tests;
