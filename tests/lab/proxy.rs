//! A TCP proxy that makes a loopback connection like a real one, or a broken one: delay, cut, stall.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What happens on the way.
#[derive(Clone, Copy, Default)]
struct Fault {
    /// Added to each direction: half of the round trip.
    delay: Duration,
    /// After so many bytes from the server, both sides are cut off.
    cut_after: Option<usize>,
    /// After so many bytes from the server, nothing comes any more, but the connection stays.
    stall_after: Option<usize>,
}

/// Listens on a loopback port of its own and passes on to one address.
pub(crate) struct Proxy {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    turns: Arc<Turns>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

/// How often the client spoke after the server had.
#[derive(Default)]
struct Turns {
    count: AtomicUsize,
    server_spoke: AtomicBool,
}

impl Proxy {
    /// A proxy with this round-trip time.
    pub(crate) fn delay(to: SocketAddr, round_trip: Duration) -> Self {
        Self::start(to, Fault { delay: round_trip / 2, ..Fault::default() })
    }

    /// A proxy that cuts each connection after so many bytes from the server.
    pub(crate) fn cut(to: SocketAddr, after: usize) -> Self {
        Self::start(to, Fault { cut_after: Some(after), ..Fault::default() })
    }

    /// A proxy that goes silent after so many bytes from the server.
    pub(crate) fn stall(to: SocketAddr, after: usize) -> Self {
        Self::start(to, Fault { stall_after: Some(after), ..Fault::default() })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections came so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How often the client spoke after the server had: the round trips of somebody who waits for each answer.
    pub(crate) fn turns(&self) -> usize {
        self.turns.count.load(Ordering::SeqCst)
    }

    /// Cuts all connections that are open now; later ones pass.
    pub(crate) fn cut_now(&self) {
        for socket in self.open.lock().unwrap().drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    fn start(to: SocketAddr, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let open = Arc::new(Mutex::new(Vec::new()));
        let (count, sockets) = (Arc::clone(&connections), Arc::clone(&open));
        let turns = Arc::new(Turns::default());
        let told = Arc::clone(&turns);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(to)) else { return };
                count.fetch_add(1, Ordering::SeqCst);
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let (client_out, server_out) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let up = Fault { delay: fault.delay, ..Fault::default() };
                let copies = [&client, &server].map(|socket| socket.try_clone().unwrap());
                sockets.lock().unwrap().extend(copies);
                let (asks, answers) = (Arc::clone(&told), Arc::clone(&told));
                let asked = move || {
                    if asks.server_spoke.swap(false, Ordering::SeqCst) {
                        asks.count.fetch_add(1, Ordering::SeqCst);
                    }
                };
                let answered = move || answers.server_spoke.store(true, Ordering::SeqCst);
                std::thread::spawn(move || pass(client, server_out, up, asked));
                std::thread::spawn(move || pass(server, client_out, fault, answered));
            }
        });
        Self { address, connections, turns, open }
    }
}

/// Passes one direction on. A second thread writes, so that what is under way does not hold up what follows.
fn pass(mut from: TcpStream, mut to: TcpStream, fault: Fault, heard: impl Fn()) {
    let (queue, late) = mpsc::channel::<(Instant, Vec<u8>)>();
    let writer = std::thread::spawn(move || {
        for (due, bytes) in late {
            // The one place that sleeps: it is the distance that the test asked for.
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        to
    });
    let mut seen = 0;
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let pass_on = fault
            .cut_after
            .or(fault.stall_after)
            .map_or(count, |limit| count.min(limit.saturating_sub(seen)));
        seen += count;
        heard();
        if queue.send((Instant::now() + fault.delay, buffer[..pass_on].to_vec())).is_err() {
            break;
        }
        if fault.cut_after.is_some_and(|limit| seen >= limit) {
            break;
        }
    }
    drop(queue);
    if let Ok(to) = writer.join() {
        let _ = to.shutdown(if fault.cut_after.is_some() { Shutdown::Both } else { Shutdown::Write });
    }
    if fault.cut_after.is_some() {
        let _ = from.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers every connection with what it is sent.
    fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let mut socket = socket.unwrap();
                std::thread::spawn(move || std::io::copy(&mut socket.try_clone().unwrap(), &mut socket));
            }
        });
        address
    }

    #[test]
    fn a_delayed_round_trip_takes_its_time() {
        let proxy = Proxy::delay(echo(), Duration::from_millis(40));
        let mut socket = TcpStream::connect(proxy.address()).unwrap();
        let begin = Instant::now();
        socket.write_all(b"ping").unwrap();
        let mut answer = [0; 4];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"ping");
        assert!(begin.elapsed() >= Duration::from_millis(40));
        assert_eq!(proxy.connections(), 1);
    }

    #[test]
    fn a_cut_ends_the_connection_after_so_many_bytes() {
        let proxy = Proxy::cut(echo(), 6);
        let mut socket = TcpStream::connect(proxy.address()).unwrap();
        socket.write_all(b"twelve bytes").unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        assert_eq!(answer, b"twelve");
    }

    #[test]
    fn a_connection_can_be_cut_at_any_moment() {
        let proxy = Proxy::delay(echo(), Duration::ZERO);
        let mut socket = TcpStream::connect(proxy.address()).unwrap();
        socket.write_all(b"ping").unwrap();
        let mut answer = [0; 4];
        socket.read_exact(&mut answer).unwrap();
        proxy.cut_now();
        let _ = socket.write_all(b"more");
        assert!(!matches!(socket.read(&mut answer), Ok(1..)), "no answer any more");
    }

    #[test]
    fn a_stall_keeps_the_connection_and_says_no_more() {
        let proxy = Proxy::stall(echo(), 6);
        let mut socket = TcpStream::connect(proxy.address()).unwrap();
        socket.write_all(b"twelve bytes").unwrap();
        let mut answer = [0; 6];
        socket.read_exact(&mut answer).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        assert!(socket.read(&mut answer).is_err(), "neither data nor an end");
    }
}
