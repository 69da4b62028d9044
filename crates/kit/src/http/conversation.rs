//! The conversation: redirects are followed, challenges answered, and what comes packed is unpacked.

use std::io::{self, Read};
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;

use super::challenge::Challenge;
use super::cookies::Cookies;
use super::trust::Trusted;
use super::{Redirects, Request, Response, Stream, Turn, joined, netrc, scheme, unreached, url};
use crate::fault::{Fault, Result};
use crate::probe::Probe;

/// Most redirects that are followed, as in Python.
const HOPS: usize = 10;

/// What Python says of more.
const ENDLESS: &str = "The HTTP server returned a redirect error that would lead to an infinite loop.\n\
                       The last 30x error message was:\n";

/// Has the whole conversation, of which `turn` does each turn.
pub(crate) fn converse(request: &Request, probe: &Probe, turn: Turn<'_>) -> Result<Response<Stream>> {
    if scheme(&request.url) == "file" && request.reads() {
        return own(request, probe);
    }
    let mut request = begun(request, probe)?;
    let (mut asked, mut hops) = (false, 0);
    let (mut cookies, own_cookies) = (Cookies::default(), request.has("cookie"));
    loop {
        probe.still_wanted()?;
        speakable(&request)?;
        request.proxy = url::proxy(probe, &request.url)
            .filter(|_| request.options.use_proxy && request.unix_socket.is_none());
        if !own_cookies {
            request.headers.retain(|(k, _)| !k.eq_ignore_ascii_case("cookie"));
            request.headers.extend(cookies.told(&request.url).map(|told| ("Cookie".to_owned(), told)));
        }
        let mut response = turn(&request)?;
        response.url.clone_from(&request.url);
        cookies.take(&response, probe.now());
        if response.status == 401
            && !asked
            && !request.options.force_basic_auth
            && let Some((user, password)) = request.login.clone()
        {
            asked = true;
            if let Some(challenge) = Challenge::of(&response) {
                let value = challenge.answer(&request, &user, &password)?;
                request.set("Authorization", value);
                continue;
            }
        }
        match redirected(&request, &response) {
            Some(_) if hops == HOPS => {
                response.reason = format!("{ENDLESS}{}", response.reason);
                return Ok(received(response, &request, probe));
            }
            Some(next) => {
                request = next;
                hops += 1;
                // The answer to a challenge was for that address only.
                if std::mem::take(&mut asked) {
                    request.headers.retain(|(k, _)| !k.eq_ignore_ascii_case("authorization"));
                }
            }
            None => {
                response.cookies = cookies.pairs();
                return Ok(received(response, &request, probe));
            }
        }
    }
}

/// The request with the headers that go without saying.
fn begun(request: &Request, probe: &Probe) -> Result<Request> {
    let mut request = request.clone();
    // Differs from Ansible: use_gssapi is an error; a static binary cannot load the host's Kerberos.
    if request.options.use_gssapi {
        return Err(Fault::new("use_gssapi is not supported"));
    }
    let (address, login) = url::without_login(&request.url);
    request.url = address;
    request.login = request.login.take().or(login);
    if !request.has("user-agent") && !request.options.http_agent.is_empty() {
        request.headers.insert(0, ("User-Agent".to_owned(), request.options.http_agent.clone()));
    }
    if request.body.is_some() && !request.has("content-type") {
        request.set("Content-Type", "application/x-www-form-urlencoded".to_owned());
    }
    let path = |name: &str| probe.env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    request.trusted = Trusted { file: path("SSL_CERT_FILE"), folder: path("SSL_CERT_DIR") };
    let known = match &request.login {
        Some(login) => Some(login.clone()).filter(|_| request.options.force_basic_auth),
        // Differs from Ansible: another host that the server leads to is not told what the file has for this one.
        None if request.options.use_netrc => netrc::login(probe, &url::server(&request.url)),
        None => None,
    };
    if let Some((user, password)) = known {
        request.set("Authorization", basic(&user, &password));
    }
    Ok(request)
}

/// The header that tells a server name and password.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn speakable(request: &Request) -> Result<()> {
    match scheme(&request.url).as_str() {
        "http" | "https" => Ok(()),
        "" => Err(Fault::new(format!("unknown url type: '{}'", url::masked(&request.url)))),
        other @ "ftp" => {
            Err(unreached(format!("addresses of type {other} are not supported: http, https and file are")))
        }
        other => Err(unreached(format!("unknown url type: {other}"))),
    }
}

/// A file of the host, as if a server had it.
fn own(request: &Request, probe: &Probe) -> Result<Response<Stream>> {
    let path = PathBuf::from(url::unescaped(&url::target(&request.url)));
    let missing = || unreached(format!("[Errno 2] No such file or directory: '{}'", path.display()));
    let stat = probe.stat(&path)?.ok_or_else(missing)?;
    let headers = vec![("content-length".to_owned(), stat.size.to_string())];
    let body = probe.open(&path)?;
    let url = request.url.clone();
    Ok(Response { status: 200, reason: String::new(), headers, cookies: Vec::new(), body, url })
}

/// The request that a redirect asks for, if it is to be followed.
fn redirected<B>(request: &Request, response: &Response<B>) -> Option<Request> {
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

/// The answer with a body that is unpacked as it is read, and stops when the call does.
fn received(response: Response<Stream>, request: &Request, probe: &Probe) -> Response<Stream> {
    let packed = response.get("content-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
    // As in Ansible, what comes with an error is left as it is.
    let unpack = packed && request.options.decompress && (200..300).contains(&response.status);
    let (head, body) = response.parted();
    let watched = Watched { body, probe: probe.clone() };
    let body: Stream = if unpack { Box::new(MultiGzDecoder::new(watched)) } else { Box::new(watched) };
    head.with_body(body)
}

/// A body that ends when the call is no longer wanted.
struct Watched {
    body: Stream,
    probe: Probe,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.probe.still_wanted().map_err(|fault| io::Error::other(fault.message))?;
        self.body.read(buffer)
    }
}
