//! The way to a server: over TCP, through a socket of the host or a proxy's tunnel, and TLS around it for https.

use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::conversation::basic;
use super::exchange::answer_head;
use super::{Request, names, scheme, tls, url, words};
use crate::system::Look;

/// What a request is written to, and its answer read from.
pub(crate) trait Wire: Read + Write + Send {}

impl<T: Read + Write + Send> Wire for T {}

/// Opens the way that a request takes.
pub(crate) fn open(request: &Request, look: &dyn Look) -> io::Result<Box<dyn Wire>> {
    let secure = scheme(&request.url) == "https";
    // What is wrong with certificates is told before anybody is spoken with.
    let terms = if secure { Some(tls::terms(request)?) } else { None };
    let (name, port) = place(&request.url)?;
    let mut wire: Box<dyn Wire> = match (&request.unix_socket, &request.proxy) {
        (Some(path), _) => local(path, request.timeout)?,
        (None, Some(proxy)) => {
            let mut wire = to_proxy(proxy, request, look)?;
            if secure {
                tunnel(&mut wire, proxy, &bracketed(&name, port))?;
            }
            wire
        }
        (None, None) => dial(&name, port, request.timeout, look)?,
    };
    if let Some(terms) = terms {
        wire = tls::around(wire, &name, terms)?;
    }
    Ok(wire)
}

fn place(address: &str) -> io::Result<(String, u16)> {
    url::name_and_port(address)
        .ok_or_else(|| io::Error::other(format!("no host given in '{}'", url::masked(address))))
}

fn bracketed(name: &str, port: u16) -> String {
    if name.contains(':') { format!("[{name}]:{port}") } else { format!("{name}:{port}") }
}

/// Tries the addresses of a server one after the other.
fn dial(name: &str, port: u16, timeout: Duration, look: &dyn Look) -> io::Result<Box<dyn Wire>> {
    let timeout = timeout.max(Duration::from_millis(1));
    let mut last = None;
    for address in names::addresses(name, look)? {
        match TcpStream::connect_timeout(&SocketAddr::new(address, port), timeout) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                return Ok(Box::new(Socket(stream)));
            }
            Err(e) => last = Some(e),
        }
    }
    Err(last.unwrap_or_else(names::unknown))
}

fn local(path: &Path, timeout: Duration) -> io::Result<Box<dyn Wire>> {
    let invalid =
        |e: io::Error| io::Error::other(format!("Invalid Socket File ({}): {}", path.display(), words(&e)));
    let timeout = timeout.max(Duration::from_millis(1));
    let stream = UnixStream::connect(path).map_err(invalid)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    Ok(Box::new(Socket(stream)))
}

fn to_proxy(proxy: &str, request: &Request, look: &dyn Look) -> io::Result<Box<dyn Wire>> {
    let proxy = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    let (name, port) = place(&proxy)?;
    match scheme(&proxy).as_str() {
        "http" => dial(&name, port, request.timeout, look),
        "https" => tls::around(dial(&name, port, request.timeout, look)?, &name, tls::terms(request)?),
        other => {
            Err(io::Error::other(format!("proxies of type {other} are not supported: http and https are")))
        }
    }
}

/// What a proxy is told of the user whom its address names.
pub(crate) fn proxy_login(proxy: &str) -> Option<String> {
    let proxy = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    url::without_login(&proxy).1.map(|(user, password)| basic(&user, &password))
}

/// Asks a proxy for a tunnel.
fn tunnel(wire: &mut Box<dyn Wire>, proxy: &str, to: &str) -> io::Result<()> {
    let login =
        proxy_login(proxy).map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
    wire.write_all(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{login}\r\n").as_bytes())?;
    wire.flush()?;
    // Nothing comes after the answer before the handshake is begun from this side, so none of it is lost with the buffer.
    let answer = answer_head(&mut BufReader::new(wire))?;
    if answer.status == 200 {
        return Ok(());
    }
    Err(io::Error::other(format!("Tunnel connection failed: {} {}", answer.status, answer.reason)))
}

/// A socket whose time-outs are named as such.
struct Socket<S>(S);

fn in_time(e: io::Error) -> io::Error {
    if e.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { e }
}

impl<S: Read> Read for Socket<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(in_time)
    }
}

impl<S: Write> Write for Socket<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(in_time)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(in_time)
    }
}
