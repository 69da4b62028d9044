//! One exchange over plain http.

use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};

use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::{Request, Response, reason};
use crate::command::cmd;
use crate::system::Look;

/// Sends a request and reads the whole answer.
pub(crate) fn exchange(request: &Request, look: &dyn Look) -> io::Result<Response> {
    let proxy = match &request.proxy {
        Some(proxy) => Some(ureq::Proxy::new(proxy).map_err(worded)?),
        None => None,
    };
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(true)
        .proxy(proxy)
        .user_agent("")
        .accept("")
        .accept_encoding("identity")
        .timeout_connect(Some(request.timeout))
        .timeout_recv_response(Some(request.timeout))
        .timeout_per_read(Some(request.timeout))
        .build();
    let asked = request.proxy.as_deref().unwrap_or(&request.url);
    let agent = ureq::Agent::with_parts(config, DefaultConnector::default(), Known(addresses(asked, look)));
    let url = request.url.split('#').next().unwrap_or_default();
    let mut building = ureq::http::Request::builder().method(request.method.as_str()).uri(url);
    for (name, value) in &request.headers {
        // The length is what it is; a wrong one would leave the server waiting.
        if !name.eq_ignore_ascii_case("content-length") {
            building = building.header(name.as_str(), value.as_str());
        }
    }
    let needs_body = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
    let sent = match (&request.body, needs_body) {
        (Some(body), _) => agent.run(building.body(body.as_slice()).map_err(io::Error::other)?),
        (None, true) => agent.run(building.body(&[] as &[u8]).map_err(io::Error::other)?),
        (None, false) => agent.run(building.body(()).map_err(io::Error::other)?),
    };
    let answer = sent.map_err(worded)?;
    let status = answer.status().as_u16();
    let mut response = Response { status, reason: reason(status), ..Response::default() };
    for (name, value) in answer.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        response.headers.push((name.as_str().to_owned(), value));
    }
    answer.into_body().into_reader().read_to_end(&mut response.body)?;
    Ok(response)
}

/// The addresses of the server that is spoken with. The C library of a static binary must not be asked for them.
#[derive(Debug)]
struct Known(Vec<IpAddr>);

impl Resolver for Known {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let port = uri.port_u16().unwrap_or(80);
        let mut found = self.empty();
        for address in self.0.iter().take(16) {
            found.push(SocketAddr::new(*address, port));
        }
        if self.0.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(found) }
    }
}

/// The addresses of the host in a URL, from the host's own name service, or from /etc/hosts where there is no `getent`.
fn addresses(url: &str, look: &dyn Look) -> Vec<IpAddr> {
    let Ok(uri) = url.parse::<ureq::http::Uri>() else { return Vec::new() };
    let name = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = name.parse() {
        return vec![address];
    }
    let told = look.ask(&cmd("getent").arg("ahosts").arg(name).any_rc());
    let mut found: Vec<IpAddr> = Vec::new();
    for line in told.map(|ran| ran.out().to_string()).unwrap_or_default().lines() {
        let address = line.split_whitespace().next().and_then(|word| word.parse().ok());
        found.extend(address.filter(|address| !found.contains(address)));
    }
    if found.is_empty() {
        let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
        found.extend(hosts.lines().filter_map(|line| {
            let mut words = line.split('#').next()?.split_whitespace();
            let address: IpAddr = words.next()?.parse().ok()?;
            words.any(|word| word == name).then_some(address)
        }));
    }
    found
}

fn worded(e: ureq::Error) -> io::Error {
    match e {
        ureq::Error::Io(e) => e,
        ureq::Error::Timeout(_) => io::Error::new(io::ErrorKind::TimedOut, "timed out"),
        ureq::Error::HostNotFound => io::Error::other("[Errno -2] Name or service not known"),
        ureq::Error::ConnectionFailed => {
            io::Error::from_raw_os_error(rustix::io::Errno::CONNREFUSED.raw_os_error())
        }
        e => io::Error::other(e.to_string()),
    }
}
