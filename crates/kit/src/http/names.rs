//! The addresses of a server: from the host's own name service, or from /etc/hosts and its DNS servers where it has no
//! `getent`. The C library of a static binary must not be asked for them.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use crate::command::cmd;
use crate::system::Look;

/// How long a DNS server may take; each is asked twice.
const PATIENCE: Duration = Duration::from_secs(3);

/// The error for a name that nobody knows.
pub(crate) fn unknown() -> io::Error {
    io::Error::other("[Errno -2] Name or service not known")
}

/// The addresses of a server.
pub(crate) fn addresses(name: &str, look: &dyn Look) -> io::Result<Vec<IpAddr>> {
    if let Ok(address) = name.parse() {
        return Ok(vec![address]);
    }
    let told = look.ask(&cmd("getent").arg("ahosts").arg(name).any_rc());
    let without_getent = told.is_err();
    let mut found: Vec<IpAddr> = Vec::new();
    for line in told.map(|ran| ran.out().to_string()).unwrap_or_default().lines() {
        let address = line.split_whitespace().next().and_then(|word| word.parse().ok());
        found.extend(address.filter(|address| !found.contains(address)));
    }
    if found.is_empty() {
        found = in_hosts(&fs::read_to_string("/etc/hosts").unwrap_or_default(), name);
    }
    if found.is_empty() && without_getent {
        found =
            Resolver::read(&fs::read_to_string("/etc/resolv.conf").unwrap_or_default()).addresses(name)?;
    }
    if found.is_empty() { Err(unknown()) } else { Ok(found) }
}

fn in_hosts(hosts: &str, name: &str) -> Vec<IpAddr> {
    let address = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address: IpAddr = words.next()?.parse().ok()?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
    };
    hosts.lines().filter_map(address).collect()
}

/// What /etc/resolv.conf says.
struct Resolver {
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    dots: usize,
}

impl Resolver {
    fn read(text: &str) -> Self {
        let mut this = Resolver { servers: Vec::new(), search: Vec::new(), dots: 1 };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    // An address may have a zone (`fe80::1%eth0`), which is left to hosts with getent.
                    let server = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                    this.servers.extend(server.map(|server| SocketAddr::new(server, 53)));
                }
                Some("search" | "domain") => this.search = words.map(str::to_owned).collect(),
                Some("options") => {
                    let dots = words.find_map(|word| word.strip_prefix("ndots:")?.parse().ok());
                    this.dots = dots.unwrap_or(this.dots);
                }
                _ => {}
            }
        }
        if this.servers.is_empty() {
            this.servers.push(SocketAddr::from(([127, 0, 0, 1], 53)));
        }
        this
    }

    fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let whole = std::iter::once(name.trim_end_matches('.').to_owned());
        let within = self.search.iter().map(|domain| format!("{name}.{domain}"));
        let candidates: Vec<String> = if name.ends_with('.') {
            whole.collect()
        } else if name.matches('.').count() >= self.dots {
            whole.chain(within).collect()
        } else {
            within.chain(whole).collect()
        };
        for candidate in candidates {
            let mut found = self.ask(&candidate, Kind::V4)?;
            found.extend(self.ask(&candidate, Kind::V6)?);
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// Asks one server after the other until one answers.
    fn ask(&self, name: &str, kind: Kind) -> io::Result<Vec<IpAddr>> {
        let failure = || io::Error::other("[Errno -3] Temporary failure in name resolution");
        for server in self.servers.iter().chain(&self.servers) {
            if let Ok(found) = exchange(*server, name, kind) {
                return Ok(found);
            }
        }
        Err(failure())
    }
}

/// Which addresses are asked for, as DNS numbers them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    V4 = 1,
    V6 = 28,
}

fn exchange(server: SocketAddr, name: &str, kind: Kind) -> io::Result<Vec<IpAddr>> {
    let from: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(from, 0))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut id = [0u8; 2];
    rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty())?;
    let question = question(id, name, kind).ok_or_else(unknown)?;
    socket.send(&question)?;
    let mut buffer = [0u8; 4096];
    loop {
        let n = socket.recv(&mut buffer)?;
        let answer = buffer.get(..n).unwrap_or_default();
        if answer.starts_with(&id) && answer.get(2).is_some_and(|flags| flags & 0x80 != 0) {
            return answers(answer, kind).ok_or_else(|| io::Error::other("an answer that cannot be read"));
        }
    }
}

fn question(id: [u8; 2], name: &str, kind: Kind) -> Option<Vec<u8>> {
    let mut bytes = id.to_vec();
    // One question, with the wish for recursion.
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|n| (1..64).contains(n))?;
        bytes.push(length);
        bytes.extend(label.as_bytes());
    }
    bytes.extend([0, 0, kind as u8, 0, 1]);
    Some(bytes)
}

/// The addresses in an answer; `None` where it cannot be read, or says that the server failed.
fn answers(bytes: &[u8], kind: Kind) -> Option<Vec<IpAddr>> {
    let number = |at: usize| Some(usize::from(*bytes.get(at)?) << 8 | usize::from(*bytes.get(at + 1)?));
    // No such name is an answer; a server that failed or refuses gave none.
    if !matches!(bytes.get(3)? & 15, 0 | 3) {
        return None;
    }
    let (questions, records) = (number(4)?, number(6)?);
    let mut at = 12;
    for _ in 0..questions {
        at = past_name(bytes, at)? + 4;
    }
    let mut found = Vec::new();
    for _ in 0..records {
        at = past_name(bytes, at)?;
        let (sort, length) = (number(at)?, number(at + 8)?);
        let data = bytes.get(at + 10..at + 10 + length)?;
        at += 10 + length;
        if sort == kind as usize {
            if let Ok(four) = <[u8; 4]>::try_from(data) {
                found.push(IpAddr::from(four));
            } else if let Ok(sixteen) = <[u8; 16]>::try_from(data) {
                found.push(IpAddr::from(sixteen));
            }
        }
    }
    Some(found)
}

fn past_name(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match usize::from(*bytes.get(at)?) {
            0 => return Some(at + 1),
            // The rest stands elsewhere.
            n if n >= 0xc0 => return Some(at + 2),
            n => at += 1 + n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_in_hosts() {
        let hosts = "127.0.0.1 localhost\n10.0.0.1 db db.example # old\n::1 localhost\n";
        assert_eq!(in_hosts(hosts, "DB.example"), ["10.0.0.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(in_hosts(hosts, "localhost").len(), 2);
        assert_eq!(in_hosts(hosts, "old"), Vec::<IpAddr>::new());
    }

    #[test]
    fn a_dns_server_is_asked_where_there_is_no_getent() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let mut asked = Vec::new();
            for _ in 0..2 {
                let mut buffer = [0u8; 512];
                let (n, from) = socket.recv_from(&mut buffer).unwrap();
                let mut answer = buffer[..n].to_vec();
                asked.push(String::from_utf8_lossy(&answer[12..n - 4]).into_owned());
                answer[2] |= 0x80;
                if asked.len() == 1 {
                    // An alias, and then the address of what it stands for.
                    answer[7] = 2;
                    answer.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 4, 1, b'x', 0xc0, 12]);
                    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 1, 2, 3]);
                } else {
                    answer[3] |= 3;
                }
                socket.send_to(&answer, from).unwrap();
            }
            asked
        });
        let resolver = Resolver { servers: vec![address], search: vec!["corp.example".to_owned()], dots: 1 };
        assert_eq!(resolver.addresses("db").unwrap(), ["10.1.2.3".parse::<IpAddr>().unwrap()]);
        assert_eq!(server.join().unwrap(), ["\u{2}db\u{4}corp\u{7}example\0"; 2]);
    }

    #[test]
    fn resolv_conf_is_read() {
        let read =
            Resolver::read("# x\nnameserver 10.0.0.2\nnameserver ::1\nsearch a b\noptions ndots:2 rotate\n");
        assert_eq!(read.servers, ["10.0.0.2:53".parse().unwrap(), "[::1]:53".parse::<SocketAddr>().unwrap()]);
        assert_eq!((read.search.len(), read.dots), (2, 2));
    }
}
