//! One exchange: a request goes out as Python's library writes it, and the head of its answer is read.

use std::io::{self, BufReader, ErrorKind, Read, Write};

use super::connection::{self, Wire};
use super::framing::{Framed, Framing, line};
use super::{Request, Response, Stream, late, scheme, unfit, url};
use crate::system::Look;

/// Most lines that the head of an answer may have.
const LINES: usize = 1000;

/// How much is read and written at a time.
const PIECE: usize = 64 * 1024;

/// Sends a request and reads the head of the answer.
pub(crate) fn exchange(request: &Request, look: &dyn Look) -> io::Result<Response<Stream>> {
    let head = head(request)?;
    let mut wire = connection::open(request, look)?;
    let sent = send(head, request, &mut wire);
    // A server that has heard enough says so before it hangs up.
    if let Err(e) = &sent
        && !matches!(e.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
    {
        return sent.and(Err(io::Error::other("not sent")));
    }
    let answer = receive(request, wire).map_err(|e| worded(request, e));
    match (sent, answer) {
        (Err(e), Err(_)) => Err(e),
        (_, answer) => answer,
    }
}

/// Errors while an answer is waited for, in Python's words.
fn worded(request: &Request, e: io::Error) -> io::Error {
    match e.kind() {
        ErrorKind::TimedOut if scheme(&request.url) == "https" => {
            late(io::Error::new(ErrorKind::TimedOut, "The read operation timed out"))
        }
        _ => late(e),
    }
}

fn send(head: String, request: &Request, wire: &mut Box<dyn Wire>) -> io::Result<()> {
    let Some(body) = &request.body else {
        wire.write_all(head.as_bytes())?;
        return wire.flush();
    };
    let mut piece = head.into_bytes();
    let (mut from, mut left) = (body.open()?, body.size());
    loop {
        let start = piece.len();
        piece.resize(PIECE.max(start + 1024), 0);
        let room = piece.get_mut(start..).unwrap_or_default();
        let wanted = room.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let n = from.read(room.get_mut(..wanted).unwrap_or_default())?;
        piece.truncate(start + n);
        left -= n as u64;
        wire.write_all(&piece)?;
        piece.clear();
        if left == 0 {
            return wire.flush();
        }
        if n == 0 {
            return Err(io::Error::other(format!("what is sent ended {left} bytes early")));
        }
    }
}

/// The request's head: what Python's library puts first, then the headers in their order.
fn head(request: &Request) -> io::Result<String> {
    let target = match &request.proxy {
        // A proxy is told the whole address; https goes through a tunnel.
        Some(_) if scheme(&request.url) == "http" => url::whole(&request.url),
        _ => url::target(&request.url),
    };
    let refused = |c: char| c.is_control() || c == ' ';
    if let Some(c) = target.chars().find(|c| refused(*c)) {
        let found = if c == ' ' { "' '".to_owned() } else { format!("{c:?}") };
        return Err(unfit(format!(
            "URL can't contain control characters. '{target}' (found at least {found})"
        )));
    }
    if request.method.is_empty() || request.method.chars().any(refused) {
        return Err(unfit(format!("method can't contain control characters. {:?}", request.method)));
    }
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method, escaped(&target));
    if !request.has("accept-encoding") {
        head.push_str("Accept-Encoding: identity\r\n");
    }
    match &request.body {
        Some(body) => head.push_str(&format!("Content-Length: {}\r\n", body.size())),
        None if matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") => {
            head.push_str("Content-Length: 0\r\n");
        }
        None => {}
    }
    if !request.has("host") {
        head.push_str(&format!("Host: {}\r\n", url::host(&request.url)));
    }
    let proxy_login = request.proxy.as_deref().filter(|_| scheme(&request.url) == "http");
    if let Some(value) = proxy_login.and_then(connection::proxy_login) {
        head.push_str(&format!("Proxy-Authorization: {value}\r\n"));
    }
    for (name, value) in &request.headers {
        // How long the body is and when the connection ends is not the task's to say.
        if ["content-length", "connection", "transfer-encoding"].iter().any(|n| name.eq_ignore_ascii_case(n))
        {
            continue;
        }
        if name.is_empty() || name.chars().any(|c| refused(c) || c == ':') {
            return Err(unfit(format!("Invalid header name {name:?}")));
        }
        if value.contains(['\r', '\n']) {
            return Err(unfit(format!("Invalid header value {value:?}")));
        }
        head.push_str(&format!("{}: {value}\r\n", titled(name)));
    }
    head.push_str("Connection: close\r\n\r\n");
    Ok(head)
}

/// `x-my-HEADER` as `X-My-Header`.
fn titled(name: &str) -> String {
    let mut first = true;
    let case = |c: char| {
        let cased = if first { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        first = !c.is_ascii_alphabetic();
        cased
    };
    name.chars().map(case).collect()
}

/// With what is not ASCII escaped.
fn escaped(target: &str) -> String {
    let mut out = String::with_capacity(target.len());
    for byte in target.bytes() {
        match byte {
            0..=127 => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn receive(request: &Request, wire: Box<dyn Wire>) -> io::Result<Response<Stream>> {
    let mut from = BufReader::with_capacity(PIECE, wire);
    let head = loop {
        let head = answer_head(&mut from)?;
        if !(100..200).contains(&head.status) || head.status == 101 {
            break head;
        }
    };
    let framing = framing(&request.method, &head);
    let body: Stream = Box::new(Framed::new(from, framing));
    Ok(head.with_body(body))
}

fn framing<B>(method: &str, head: &Response<B>) -> Framing {
    let length = head.get("content-length").and_then(|length| length.trim().parse::<u64>().ok());
    let chunked = head.get("transfer-encoding").is_some_and(|coding| {
        coding.to_lowercase().rsplit(',').next().is_some_and(|c| c.trim() == "chunked")
    });
    match length {
        _ if method == "HEAD" || matches!(head.status, 101 | 204 | 304) => Framing::Over,
        _ if chunked => Framing::Chunked { left: 0, begun: false },
        Some(total) => Framing::Length { left: total, total },
        None => Framing::Connection,
    }
}

/// Reads the status line and the headers of an answer; also of a proxy's.
pub(crate) fn answer_head(from: &mut impl io::BufRead) -> io::Result<Response<()>> {
    if from.fill_buf()?.is_empty() {
        let why = "Remote end closed connection without response";
        return Err(io::Error::new(ErrorKind::ConnectionAborted, why));
    }
    let first = line(from)?;
    let mut words = first.splitn(3, ' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().and_then(|s| s.trim().parse::<u16>().ok());
    let Some(status) = status.filter(|s| version.starts_with("HTTP/") && *s >= 100) else {
        let why = "connection was closed before a valid response was received: ";
        return Err(io::Error::other(format!("{why}{first}")));
    };
    let reason = words.next().unwrap_or_default().trim().to_owned();
    let mut headers: Vec<(String, String)> = Vec::new();
    for _ in 0..LINES {
        let text = line(from)?;
        if text.is_empty() {
            return Ok(Response { status, reason, headers, ..Response::default() });
        }
        match (text.strip_prefix([' ', '\t']), headers.last_mut()) {
            (Some(more), Some((_, value))) => {
                value.push(' ');
                value.push_str(more.trim());
            }
            _ => {
                if let Some((name, value)) = text.split_once(':') {
                    headers.push((name.trim().to_lowercase(), value.trim().to_owned()));
                }
            }
        }
    }
    Err(io::Error::other(format!("got more than {LINES} headers")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Body, UrlOptions};

    #[test]
    fn a_request_is_written_as_python_writes_it() {
        let mut request = Request::new("POST", "http://h:8080/a?b#c", &UrlOptions::default());
        request.headers.push(("x-my-header".to_owned(), "1".to_owned()));
        request.headers.push(("Content-Length".to_owned(), "9".to_owned()));
        request.body = Some(Body::from(b"body".to_vec()));
        assert_eq!(
            head(&request).unwrap(),
            "POST /a?b HTTP/1.1\r\nAccept-Encoding: identity\r\nContent-Length: 4\r\nHost: h:8080\r\nX-My-Header: 1\r\nConnection: close\r\n\r\n"
        );
        request.proxy = Some("http://u:p@proxy:1".to_owned());
        let through = head(&request).unwrap();
        assert!(through.starts_with("POST http://h:8080/a?b HTTP/1.1\r\n"), "{through}");
        assert!(through.contains("Proxy-Authorization: Basic dTpw\r\n"), "{through}");
        request.headers.push(("X".to_owned(), "a\r\nb: c".to_owned()));
        assert!(head(&request).is_err(), "no header comes in by another's value");
    }

    #[test]
    fn interim_answers_and_folded_headers_are_read() {
        let mut said = "HTTP/1.1 404 Not here\r\nX-A: b\r\n c\r\nx-A: d\r\n\r\n".as_bytes();
        let head = answer_head(&mut said).unwrap();
        assert_eq!((head.status, head.reason.as_str()), (404, "Not here"));
        assert_eq!(head.headers, [("x-a".to_owned(), "b c".to_owned()), ("x-a".to_owned(), "d".to_owned())]);
        assert!(answer_head(&mut "nonsense\r\n\r\n".as_bytes()).is_err());
    }
}
