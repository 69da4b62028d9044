//! Wait until something is so: a port answers or no longer does, a file is there or has some text, connections have ended.
//!
//! With neither port nor path it just waits for `timeout` seconds.
//!
//! ```yaml
//! - wait_for: { port: 8000, delay: 10 }
//! - wait_for: { path: /tmp/foo, search_regex: completed }
//! - wait_for: { path: /var/lock/file.lock, state: absent }
//! - wait_for: { host: 0.0.0.0, port: 8000, state: drained, exclude_hosts: '10.2.1.2,10.2.1.3' }
//! ```
use std::io::{self, Read};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use shevek_kit::prelude::*;
use shevek_pyre::{Captures, Flags, Regex, from_latin1, latin1};

mod connections;

/// Arguments of `wait_for`.
#[derive(Args)]
#[module(procedure)]
pub struct WaitFor {
    /// Name or address of the host to connect to.
    #[arg(default = "127.0.0.1")]
    host: String,
    /// How many seconds to wait at most.
    #[arg(default = 300)]
    timeout: u32,
    /// How many seconds one attempt to connect may take.
    #[arg(default = 5)]
    connect_timeout: u32,
    /// How many seconds to wait before the first look.
    #[arg(default = 0)]
    delay: u32,
    /// The port.
    port: Option<u32>,
    /// States of connections that count for `drained`.
    #[arg(default("ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"))]
    active_connection_states: Vec<String>,
    /// The file.
    path: Option<PathBuf>,
    /// What must be in the file, or come from the port.
    search_regex: Option<String>,
    /// What to wait for.
    #[arg(default = "started")]
    state: Awaited,
    /// Hosts whose connections do not count for `drained`.
    exclude_hosts: Option<Vec<String>>,
    /// How many seconds to sleep between two looks.
    #[arg(default = 1)]
    sleep: u32,
    /// What to say when it has taken too long.
    msg: Option<String>,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Awaited {
    /// The file is not there, or nothing answers at the port.
    Absent,
    /// The port has no active connections.
    Drained,
    /// The file is there, or something answers at the port.
    Present,
    /// The same.
    Started,
    /// The same as `absent`, for a port.
    Stopped,
}

/// What `search_regex` captured.
#[derive(Default)]
struct Groups {
    all: Vec<Val>,
    named: Vec<(String, Val)>,
}

impl Procedure for WaitFor {
    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let start = Instant::now();
        let regex = self.check()?;
        sleep(host, seconds(self.delay))?;
        let port = self.port.filter(|port| *port != 0);
        let mut groups = Groups::default();
        if port.is_none() && self.path.is_none() && self.state != Awaited::Drained {
            sleep(host, seconds(self.timeout))?;
        } else {
            let end = start + seconds(self.timeout);
            loop {
                if Instant::now() >= end {
                    let message = self.msg.clone().unwrap_or_else(|| self.late());
                    return Err(Fault::new(message).with("elapsed", start.elapsed().as_secs()));
                }
                if let Some(found) = self
                    .look(host, regex.as_ref(), end)
                    .map_err(|fault| fault.with("elapsed", start.elapsed().as_secs()))?
                {
                    groups = found;
                    break;
                }
                sleep(host, seconds(self.sleep))?;
            }
        }
        Ok(Outcome::ok()
            .with("state", self.state)
            .with("port", self.port.map_or(Val::Null, Val::from))
            .with("search_regex", self.search_regex.as_ref().map_or(Val::Null, Val::from))
            .with("match_groups", Val::List(groups.all))
            .with("match_groupdict", groups.named)
            .with("path", self.path.as_ref().map_or(Val::Null, Val::from))
            .with("elapsed", start.elapsed().as_secs()))
    }
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}

/// Sleeps, but wakes up when the task is cancelled or its time is over.
fn sleep(host: &Probe, time: Duration) -> Result<()> {
    const STEP: Duration = Duration::from_millis(100);
    let end = Instant::now() + time;
    loop {
        host.still_wanted()?;
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(STEP));
    }
}

impl WaitFor {
    /// Whether the options go together; and the pattern.
    fn check(&self) -> Result<Option<Regex>> {
        let refuse = |message: String| Err(Fault::new(message).with("elapsed", 0));
        let regex = match &self.search_regex {
            None => None,
            Some(pattern) => {
                let flags = Flags::ASCII.with(Flags::MULTILINE);
                let regex = Regex::new(&latin1(pattern.as_bytes()), flags);
                Some(regex.map_err(|e| Fault::new(format!("Invalid regular expression: {e}")))?)
            }
        };
        if self.path.is_some() {
            if self.port.is_some_and(|port| port != 0) {
                return refuse("port and path parameter can not both be passed to wait_for".into());
            }
            if matches!(self.state, Awaited::Stopped | Awaited::Drained) {
                return refuse(format!(
                    "state={} should only be used for checking a port in the wait_for module",
                    self.state.word()
                ));
            }
        }
        if self.state == Awaited::Drained && self.port.is_none() {
            return refuse("state=drained needs a port".into());
        }
        if self.exclude_hosts.is_some() && self.state != Awaited::Drained {
            return refuse("exclude_hosts should only be with state=drained".into());
        }
        for state in &self.active_connection_states {
            if connections::number(state).is_none() {
                return refuse(format!("unknown active_connection_state ({state}) defined"));
            }
        }
        Ok(regex)
    }

    fn late(&self) -> String {
        let what = match (&self.path, self.port) {
            (Some(path), _) => path.display().to_string(),
            (None, port) => format!("{}:{}", self.host, port.unwrap_or_default()),
        };
        match (self.state, &self.search_regex) {
            (Awaited::Drained, _) => format!("Timeout when waiting for {what} to drain"),
            (Awaited::Absent | Awaited::Stopped, _) if self.path.is_some() => {
                format!("Timeout when waiting for {what} to be absent.")
            }
            (Awaited::Absent | Awaited::Stopped, _) => format!("Timeout when waiting for {what} to stop."),
            (_, Some(regex)) => format!("Timeout when waiting for search string {regex} in {what}"),
            (_, None) if self.path.is_some() => format!("Timeout when waiting for file {what}"),
            (_, None) => format!("Timeout when waiting for {what}"),
        }
    }

    /// One look: something if it is as it shall be.
    fn look(&self, host: &Probe, regex: Option<&Regex>, end: Instant) -> Result<Option<Groups>> {
        let so = |is: bool| Ok(is.then(Groups::default));
        let port = u16::try_from(self.port.unwrap_or_default()).ok();
        match (self.state, &self.path) {
            (Awaited::Drained, _) => so(self.active(host)? == 0),
            (Awaited::Absent | Awaited::Stopped, Some(path)) => so(!host.exists(path)),
            (Awaited::Absent | Awaited::Stopped, None) => {
                so(self.connect(host, port, seconds(self.connect_timeout)).is_err())
            }
            (_, Some(path)) => self.in_file(host, path, regex),
            (_, None) => {
                let left = end.saturating_duration_since(Instant::now());
                let Ok(stream) = self.connect(host, port, left.min(seconds(self.connect_timeout))) else {
                    return Ok(None);
                };
                let heard = match regex {
                    Some(regex) => self.heard(host, &stream, regex, end)?,
                    None => true,
                };
                // A server that has hung up already is not ready, and neither is one that never sends the words.
                match stream.shutdown(Shutdown::Both) {
                    Err(e) if e.kind() != io::ErrorKind::NotConnected => so(false),
                    _ => so(heard),
                }
            }
        }
    }

    fn in_file(&self, host: &Probe, path: &Path, regex: Option<&Regex>) -> Result<Option<Groups>> {
        let there = host.stat(path).map_err(|f| {
            let words = f.message.rsplit(": ").next().unwrap_or_default();
            let message = format!("Failed to stat {}, {words}", path.display());
            Fault { message: self.msg.clone().unwrap_or(message), ..f }
        })?;
        let (Some(_), Some(regex)) = (there, regex) else {
            return Ok(there.map(|_| Groups::default()));
        };
        let Ok(bytes) = host.read(path) else { return Ok(None) };
        let text = latin1(&bytes);
        let found = regex.search(&text).map_err(|e| Fault::new(e.to_string()))?;
        Ok(found.map(|captures| groups(regex, &captures)))
    }

    fn connect(&self, host: &Probe, port: Option<u16>, time: Duration) -> io::Result<TcpStream> {
        let port = port.ok_or(io::ErrorKind::InvalidInput)?;
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in connections::addresses(host, &self.host) {
            let time = time.max(Duration::from_millis(1));
            match TcpStream::connect_timeout(&SocketAddr::new(address, port), time) {
                Ok(stream) => return Ok(stream),
                Err(e) => last = e,
            }
        }
        Err(last)
    }

    /// Whether the words come before the time is over or the server hangs up.
    fn heard(&self, host: &Probe, mut stream: &TcpStream, regex: &Regex, end: Instant) -> Result<bool> {
        const STEP: Duration = Duration::from_millis(200);
        let mut heard = String::new();
        let mut buffer = [0; 1024];
        while Instant::now() < end {
            host.still_wanted()?;
            if stream.set_read_timeout(Some(STEP)).is_err() {
                return Ok(false);
            }
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(count) => heard.push_str(&latin1(buffer.get(..count).unwrap_or_default())),
                Err(e) => match e.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => {
                        continue;
                    }
                    _ => return Ok(false),
                },
            }
            if regex.is_match(&heard).map_err(|e| Fault::new(e.to_string()))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How many active connections the port has.
    fn active(&self, host: &Probe) -> Result<usize> {
        let own = with_mapped(connections::addresses(host, &self.host));
        let excluded = self.exclude_hosts.iter().flatten();
        let excluded = with_mapped(excluded.flat_map(|name| connections::addresses(host, name)).collect());
        let states: Vec<u8> =
            self.active_connection_states.iter().filter_map(|s| connections::number(s)).collect();
        let all = connections::all(host)?;
        let counts = all.iter().filter(|connection| {
            let local = connection.local;
            let any: IpAddr = if local.is_ipv4() { [0u8; 4].into() } else { [0u8; 16].into() };
            let any_mapped = IpAddr::from([0u16, 0, 0, 0, 0, 0xffff, 0, 0]);
            let mapped = matches!(local, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some());
            Some(u32::from(connection.port)) == self.port
                && states.contains(&connection.state)
                && !excluded.contains(&connection.remote)
                && (own.contains(&local) || own.contains(&any) || (mapped && own.contains(&any_mapped)))
        });
        Ok(counts.count())
    }
}

/// Addresses, and how those of IPv4 look in IPv6.
fn with_mapped(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let mapped = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => Some(IpAddr::V6(ip.to_ipv6_mapped())),
        IpAddr::V6(_) => None,
    };
    let more: Vec<IpAddr> = addresses.iter().filter_map(mapped).collect();
    [addresses, more].concat()
}

fn groups(regex: &Regex, captures: &Captures<'_>) -> Groups {
    let val = |text: Option<&str>| {
        text.map_or(Val::Null, |t| String::from_utf8_lossy(&from_latin1(t)).into_owned().into())
    };
    Groups {
        all: captures.groups().into_iter().map(val).collect(),
        named: regex.group_names().map(|(name, at)| (name.to_owned(), val(captures.get(at)))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    fn listening() -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[test]
    fn a_file_is_waited_for() {
        let world = || World::new().file("/f", "port 80 é\n");
        conform::<WaitFor>("{ path: /f }", world()).unchanged().gives("state", "file").gives("elapsed", 0);
        let done = conform::<WaitFor>(r"{ path: /f, search_regex: '^port (?P<n>\d+) (.*)$' }", world());
        let done = done.unchanged().gives("match_groups", Val::List(vec!["80".into(), "é".into()]));
        done.gives("match_groupdict", vec![("n".to_owned(), "80".into())]);
        conform::<WaitFor>("{ path: /g, state: absent }", world()).unchanged();
    }

    #[test]
    fn waiting_ends() {
        let world = || World::new().file("/f", "x");
        for (args, message) in [
            ("path: /g", "Timeout when waiting for file /g"),
            ("path: /f, search_regex: q", "Timeout when waiting for search string q in /f"),
            ("path: /f, state: absent", "Timeout when waiting for /f to be absent."),
            ("port: 1", "Timeout when waiting for 127.0.0.1:1"),
            ("port: 1, search_regex: q", "Timeout when waiting for search string q in 127.0.0.1:1"),
            ("port: 1, state: stopped", "Timeout when waiting for 127.0.0.1:1 to stop."),
            ("port: 1, state: drained", "Timeout when waiting for 127.0.0.1:1 to drain"),
            ("port: 1, msg: too late", "too late"),
        ] {
            let done = conform::<WaitFor>(&format!("{{ timeout: 0, {args} }}"), world());
            done.failed(message).gives("elapsed", 0);
        }
        conform::<WaitFor>("{ timeout: 0 }", world()).unchanged();
    }

    #[test]
    fn a_port_is_waited_for() {
        let (listener, port) = listening();
        conform::<WaitFor>(&format!("{{ port: {port} }}"), World::new())
            .unchanged()
            .gives("port", i64::from(port));
        conform::<WaitFor>(&format!("{{ port: {port}, host: localhost }}"), World::new()).unchanged();
        drop(listener);
        conform::<WaitFor>(&format!("{{ port: {port}, state: stopped }}"), World::new()).unchanged();
    }

    #[test]
    fn what_a_port_says_is_waited_for() {
        let (listener, port) = listening();
        let args = format!("{{ port: {port}, search_regex: OpenSSH }}");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().unwrap();
                stream.write_all(b"SSH-2.0-Open").unwrap();
                stream.write_all(b"SSH_9\r\n").unwrap();
                let _ = stream.read(&mut [0; 8]);
            });
            conform::<WaitFor>(&args, World::new()).unchanged();
        });
    }

    #[test]
    fn connections_are_counted() {
        let line = |remote: &str, state: &str| {
            format!("  0: 0F02000A:1F90 {remote}:C000 {state} 00000000:00000000\n")
        };
        let table = |rows: &str| {
            World::new().file("/proc/net/tcp", format!("  sl  local_address rem_address st\n{rows}"))
        };
        let busy = || table(&line("0302000A", "01"));
        let count = |host: &str, excluded: Option<&str>, world: World| {
            let wait = WaitFor {
                host: host.to_owned(),
                timeout: 0,
                connect_timeout: 0,
                delay: 0,
                port: Some(8080),
                active_connection_states: vec!["ESTABLISHED".to_owned()],
                path: None,
                search_regex: None,
                state: Awaited::Drained,
                exclude_hosts: excluded.map(|host| vec![host.to_owned()]),
                sleep: 0,
                msg: None,
            };
            wait.active(&world.probe()).unwrap()
        };
        assert_eq!(count("0.0.0.0", None, busy()), 1);
        assert_eq!(count("10.0.2.15", None, busy()), 1);
        assert_eq!(count("10.0.2.16", None, busy()), 0);
        assert_eq!(count("0.0.0.0", Some("10.0.2.3"), busy()), 0);
        assert_eq!(count("0.0.0.0", None, table(&line("0302000A", "0A"))), 0);
        let six = " 0: 0000000000000000FFFF00000F02000A:1F90 0000000000000000FFFF00000302000A:C000 01 0:0\n";
        let six = || World::new().file("/proc/net/tcp6", six);
        assert_eq!(count("10.0.2.15", None, six()), 1);
        assert_eq!(count("0.0.0.0", None, six()), 1);
        assert_eq!(count("0.0.0.0", Some("10.0.2.3"), six()), 0);
    }

    #[test]
    fn options_have_to_go_together() {
        for (args, message) in [
            ("{ port: 1, path: /f }", "port and path parameter can not both be passed to wait_for"),
            ("{ path: /f, state: stopped }", "state=stopped should only be used for checking a port"),
            ("{ path: /f, state: drained }", "state=drained should only be used for checking a port"),
            ("{ port: 1, exclude_hosts: a }", "exclude_hosts should only be with state=drained"),
            ("{ port: 1, active_connection_states: [X] }", "unknown active_connection_state (X) defined"),
            (
                "{ port: 1, search_regex: '(' }",
                "Invalid regular expression: missing ), unterminated subpattern",
            ),
        ] {
            conform::<WaitFor>(args, World::new()).failed(message);
        }
    }
}
