//! Asking name servers until one answers.

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

use shevek_python::mersenne::Random;

use super::message::{Message, Reader, Record, parse, question};
use super::record::{Kind, Said, class_name, read};
use crate::source::waiting::waiting;

/// How long one server is waited for, and how long all of them.
const ONE: Duration = Duration::from_secs(2);
const ALL: Duration = Duration::from_secs(5);

/// Whom to ask, and how.
pub(crate) struct Resolver {
    pub servers: Vec<IpAddr>,
    pub port: u16,
    pub is_tcp: bool,
    pub retries_failures: bool,
    search: Vec<String>,
    dots: usize,
}

/// What came of it.
pub(crate) enum Outcome {
    /// Records of one name.
    Found { owner: String, ttl: u32, class: String, said: Vec<Said> },
    /// The name doesn't exist.
    NoName(String),
    /// Nobody answers, or there is no such record; why.
    Nothing(String),
    /// The question or the answer is wrong.
    Wrong(String),
}

impl Resolver {
    /// As the system is set up.
    pub(crate) fn of_system() -> Self {
        let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        let mut out = Self {
            servers: Vec::new(),
            port: 53,
            is_tcp: false,
            retries_failures: false,
            search: Vec::new(),
            dots: 1,
        };
        for line in text.lines().filter(|line| !line.starts_with(['#', ';'])) {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address: Option<IpAddr> =
                        words.next().and_then(|word| word.split('%').next()?.parse().ok());
                    out.servers.extend(address);
                }
                Some("search" | "domain") => {
                    out.search = words.map(|word| word.trim_end_matches('.').to_owned()).collect();
                }
                Some("options") => {
                    let dots = words.filter_map(|word| word.strip_prefix("ndots:")?.parse().ok()).next_back();
                    out.dots = dots.unwrap_or(out.dots);
                }
                _ => {}
            }
        }
        out
    }

    /// The names that a name may stand for: it alone if it ends in a dot.
    fn candidates(&self, name: &str) -> Vec<String> {
        if name.ends_with('.') {
            return vec![name.to_owned()];
        }
        let mut out: Vec<String> = self.search.iter().map(|domain| format!("{name}.{domain}.")).collect();
        let alone = format!("{name}.");
        if name.split('.').count() > self.dots {
            out.insert(0, alone)
        } else {
            out.push(alone)
        }
        out
    }

    /// Asks for records of a name.
    pub(crate) fn ask(&self, name: &str, kind: Kind, class: u16) -> Outcome {
        let deadline = Instant::now() + ALL;
        let mut missing = None;
        for name in self.candidates(name) {
            let asked = Asked { name: &name, kind, class };
            match self.ask_one(&asked, deadline) {
                Outcome::NoName(name) => missing = Some(name),
                outcome => return outcome,
            }
        }
        let name = missing.unwrap_or_else(|| name.to_owned());
        Outcome::NoName(format!("The DNS query name does not exist: {name}"))
    }

    fn ask_one(&self, asked: &Asked<'_>, deadline: Instant) -> Outcome {
        let id = u16::try_from(Random::from_system().bits(16)).unwrap_or(1);
        // Differs from Ansible: a name with letters beyond ASCII is an error, where Python encodes it: it is to be written with xn--.
        if !asked.name.is_ascii() {
            return Outcome::Wrong(format!(
                "'{}' has letters beyond ASCII: write it as the domain name system knows it, with xn--",
                asked.name
            ));
        }
        let Some(question) = question(id, asked.name, asked.kind.0, asked.class) else {
            return Outcome::Wrong(format!("'{}' is no name: a label is empty or too long", asked.name));
        };
        let mut servers: Vec<SocketAddr> =
            self.servers.iter().map(|address| SocketAddr::new(*address, self.port)).collect();
        let mut reasons = Vec::new();
        let mut pause = Duration::from_millis(100);
        loop {
            let mut refused = Vec::new();
            for server in &servers {
                let left = deadline.saturating_duration_since(Instant::now()).min(ONE);
                if left.is_zero() {
                    return Outcome::Nothing(format!(
                        "The resolution lifetime expired: {}",
                        reasons.join("; ")
                    ));
                }
                match exchange(*server, &question, self.is_tcp, left) {
                    Ok(message) => match message.code {
                        0 => return asked.pick(&message),
                        3 => return Outcome::NoName(asked.name.to_owned()),
                        2 if self.retries_failures => {
                            reasons.push(format!("Server {server} answered SERVFAIL"))
                        }
                        code => {
                            reasons.push(format!("Server {server} answered {}", code_name(code)));
                            refused.push(*server);
                        }
                    },
                    Err(why) => reasons.push(format!("Server {server}: {why}")),
                }
            }
            servers.retain(|server| !refused.contains(server));
            if servers.is_empty() {
                return Outcome::Nothing(format!(
                    "All nameservers failed to answer the query {}: {}",
                    asked.name,
                    reasons.join("; ")
                ));
            }
            waiting(|| sleep(pause.min(deadline.saturating_duration_since(Instant::now()))));
            pause = (pause * 2).min(ONE);
        }
    }
}

struct Asked<'a> {
    name: &'a str,
    kind: Kind,
    class: u16,
}

impl Asked<'_> {
    /// The records that were asked for, at the end of the chain of other names.
    fn pick(&self, message: &Message) -> Outcome {
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        let mut owner = self.name.to_owned();
        let of = |owner: &str, kind: u16| -> Vec<&Record> {
            let all = message.answers.iter();
            all.filter(|record| {
                record.kind == kind && record.class == self.class && same(&record.owner, owner)
            })
            .collect()
        };
        // A name cannot have more other names than there are records.
        for _ in 0..=message.answers.len() {
            let found = of(&owner, self.kind.0);
            if let Some(first) = found.first() {
                let ttl = found.iter().map(|record| record.ttl).min().unwrap_or(0);
                let said = found.iter().map(|record| read(self.kind, &mut Reader::of(message, record)));
                return match said.collect() {
                    Some(said) => Outcome::Found {
                        owner: first.owner.clone(),
                        ttl,
                        class: class_name(self.class),
                        said,
                    },
                    None => {
                        Outcome::Wrong(format!("the {} records of {owner} are malformed", self.kind.name()))
                    }
                };
            }
            let other = of(&owner, 5).first().and_then(|record| Reader::of(message, record).name());
            let Some(other) = other else { break };
            owner = other;
        }
        Outcome::Nothing(format!(
            "The DNS response does not contain an answer to the question: {} {} {}",
            self.name,
            class_name(self.class),
            self.kind.name()
        ))
    }
}

fn code_name(code: u8) -> String {
    let known = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
    known.get(usize::from(code)).map_or_else(|| code.to_string(), |name| (*name).to_owned())
}

fn exchange(server: SocketAddr, question: &[u8], is_tcp: bool, left: Duration) -> Result<Message, String> {
    if !is_tcp {
        let message = waiting(|| over_udp(server, question, left))?;
        if !message.truncated {
            return Ok(message);
        }
    }
    waiting(|| over_tcp(server, question, left))
}

fn over_udp(server: SocketAddr, question: &[u8], left: Duration) -> Result<Message, String> {
    let wrong = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => "no answer in time".to_owned(),
        _ => error.to_string(),
    };
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).map_err(wrong)?;
    socket.connect(server).map_err(wrong)?;
    socket.send(question).map_err(wrong)?;
    let deadline = Instant::now() + left;
    let mut buffer = vec![0; 65_535];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err("no answer in time".to_owned());
        }
        socket.set_read_timeout(Some(left)).map_err(wrong)?;
        let length = socket.recv(&mut buffer).map_err(wrong)?;
        // Others' answers are passed over.
        if let Some(message) = parse(buffer.get(..length).unwrap_or_default().to_vec(), question) {
            return Ok(message);
        }
    }
}

fn over_tcp(server: SocketAddr, question: &[u8], left: Duration) -> Result<Message, String> {
    let wrong = |error: std::io::Error| error.to_string();
    let deadline = Instant::now() + left;
    let mut stream = TcpStream::connect_timeout(&server, left).map_err(wrong)?;
    stream.set_write_timeout(Some(left)).map_err(wrong)?;
    let length = u16::try_from(question.len()).map_err(|error| error.to_string())?;
    stream.write_all(&[&length.to_be_bytes()[..], question].concat()).map_err(wrong)?;
    let mut length = [0; 2];
    fill(&mut stream, &mut length, deadline)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    fill(&mut stream, &mut answer, deadline)?;
    parse(answer, question).ok_or_else(|| "the answer is malformed".to_owned())
}

/// Reads so many bytes, however slowly they come, until that time.
fn fill(stream: &mut TcpStream, mut buffer: &mut [u8], deadline: Instant) -> Result<(), String> {
    while !buffer.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err("no answer in time".to_owned());
        }
        stream.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
        match stream.read(buffer) {
            Ok(0) => return Err("the answer ends early".to_owned()),
            Ok(count) => buffer = buffer.get_mut(count..).unwrap_or_default(),
            Err(error) => match error.kind() {
                std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {}
                std::io::ErrorKind::Interrupted => {}
                _ => return Err(error.to_string()),
            },
        }
    }
    Ok(())
}
