//! One exchange over https, through the host's `curl`. All it is told comes over its standard input, so that no secret
//! shows among the processes.

use crate::command::{Command, Ran, cmd};
use crate::fault::{Fault, Result};

use super::{Request, Response, reason, unreached};

/// What to say where there is no curl.
pub(crate) const MISSING: &str =
    "https and unix_socket need the program curl on the host for now, and it is not there";

/// The command of a request.
pub(crate) fn command(request: &Request) -> Result<Command> {
    let mut config = Config::default();
    let options = &request.options;
    for word in ["silent", "show-error", "include", "globoff"] {
        config.flag(word);
    }
    config.set("url", request.url.split('#').next().unwrap_or_default())?;
    let seconds = request.timeout.as_secs().max(1).to_string();
    config.set("connect-timeout", &seconds)?;
    config.set("speed-limit", "1")?;
    config.set("speed-time", &seconds)?;
    if !options.validate_certs {
        config.flag("insecure");
    }
    for (name, path) in [
        ("cacert", &request.ca_path),
        ("cert", &options.client_cert),
        ("key", &options.client_key),
        ("unix-socket", &request.unix_socket),
    ] {
        if let Some(path) = path {
            config.set(name, &path.to_string_lossy())?;
        }
    }
    if !options.ciphers.is_empty() {
        config.set("ciphers", &options.ciphers.join(":"))?;
    }
    match &request.proxy {
        Some(proxy) => config.set("proxy", proxy)?,
        None => config.set("noproxy", "*")?,
    }
    if options.use_netrc && request.login.is_none() {
        config.flag("netrc-optional");
    }
    for (name, value) in &request.headers {
        if name.eq_ignore_ascii_case("content-length") {
            continue;
        }
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        config.set("header", &header)?;
    }
    // What curl would add by itself and Ansible does not send.
    for name in ["Accept", "Expect", "User-Agent"] {
        if !request.has(name) {
            config.set("header", &format!("{name}:"))?;
        }
    }
    let needs_body = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
    match &request.body {
        Some(body) => config.body(body)?,
        None if needs_body => {
            config.body(b"")?;
            if !request.has("content-type") {
                config.set("header", "Content-Type:")?;
            }
        }
        None => {}
    }
    // Reading methods are told in words, too, so that the kit's list of programs that only read can know them.
    let how = match request.method.as_str() {
        "HEAD" if request.body.is_none() => Some("--head"),
        "GET" if request.body.is_none() => Some("--get"),
        method => {
            config.set("request", method)?;
            None
        }
    };
    Ok(cmd("curl").arg("-q").args(how).arg("-K").arg("-").stdin(config.0).any_rc())
}

/// What it said.
pub(crate) fn response(ran: &Ran) -> Result<Response> {
    if ran.rc != 0 {
        let said = ran.err();
        let said = said.trim();
        if matches!(ran.rc, 28) {
            return Err(Fault::new("Connection failure: The read operation timed out").with("status", -1));
        }
        return Err(match said {
            "" => unreached(format!("curl failed with rc {}", ran.rc)),
            said => unreached(said),
        });
    }
    let mut rest = ran.stdout.as_slice();
    loop {
        let end = rest.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(rest.len());
        let head = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        let body = rest.get(end + 4..).unwrap_or_default();
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap_or_default().splitn(3, ' ');
        let version = first.next().unwrap_or_default();
        let status = first.next().and_then(|s| s.parse::<u16>().ok());
        let Some(status) = status.filter(|_| version.starts_with("HTTP/")) else {
            return Err(unreached("curl gave no answer that can be read"));
        };
        let words = first.next().unwrap_or_default().trim().to_owned();
        // Before the answer, there may be interim ones, and one of a proxy.
        if (100..200).contains(&status)
            || (body.starts_with(b"HTTP/") && words.eq_ignore_ascii_case("connection established"))
        {
            rest = body;
            continue;
        }
        let headers = lines
            .filter_map(|l| l.split_once(':'))
            .map(|(k, v)| (k.trim().to_lowercase(), v.trim().to_owned()))
            .collect();
        let reason = if words.is_empty() { reason(status) } else { words };
        return Ok(Response { status, reason, headers, body: body.to_vec(), url: String::new() });
    }
}

/// A configuration file as curl reads it.
#[derive(Default)]
struct Config(Vec<u8>);

impl Config {
    fn flag(&mut self, name: &str) {
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'\n');
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        if value.contains(['\n', '\r']) {
            return Err(Fault::new(format!("a value for {name} has a line break in it")));
        }
        self.put(name, value.as_bytes())
    }

    fn body(&mut self, body: &[u8]) -> Result<()> {
        // `@` would name a file; curl has had data-raw since 7.43.
        self.put(if body.starts_with(b"@") { "data-raw" } else { "data-binary" }, body)
    }

    fn put(&mut self, name: &str, value: &[u8]) -> Result<()> {
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b" = \"");
        for byte in value {
            match byte {
                0 => return Err(Fault::new("a body with zero bytes cannot be sent over https for now")),
                b'"' => self.0.extend_from_slice(b"\\\""),
                b'\\' => self.0.extend_from_slice(b"\\\\"),
                b'\n' => self.0.extend_from_slice(b"\\n"),
                b'\r' => self.0.extend_from_slice(b"\\r"),
                b'\t' => self.0.extend_from_slice(b"\\t"),
                byte => self.0.push(*byte),
            }
        }
        self.0.extend_from_slice(b"\"\n");
        Ok(())
    }
}
