//! Checksums of content as it streams by.

use std::io::{self, Read};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// Kinds of checksum that Ansible's modules know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Algorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    /// The algorithm of this name.
    pub fn named(name: &str) -> Option<Algorithm> {
        Some(match name {
            "md5" => Algorithm::Md5,
            "sha1" => Algorithm::Sha1,
            "sha224" => Algorithm::Sha224,
            "sha256" => Algorithm::Sha256,
            "sha384" => Algorithm::Sha384,
            "sha512" => Algorithm::Sha512,
            _ => return None,
        })
    }
}

/// The checksum of all that can be read, in lower-case hex.
pub fn checksum(algorithm: Algorithm, content: &mut dyn Read) -> io::Result<String> {
    match algorithm {
        Algorithm::Md5 => digest::<Md5>(content),
        Algorithm::Sha1 => digest::<Sha1>(content),
        Algorithm::Sha224 => digest::<Sha224>(content),
        Algorithm::Sha256 => digest::<Sha256>(content),
        Algorithm::Sha384 => digest::<Sha384>(content),
        Algorithm::Sha512 => digest::<Sha512>(content),
    }
}

fn digest<D: Digest>(content: &mut dyn Read) -> io::Result<String> {
    let mut hash = D::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        hash.update(buffer.get(..n).unwrap_or_default());
    }
    Ok(hex(&hash.finalize()))
}

/// A stream that is summed up while it is read.
pub struct Summing<R> {
    from: R,
    sums: Sums,
    beside: Option<Beside>,
    count: u64,
}

/// Content that is larger than this is worth a thread: sums take longer than reading and writing it.
const LARGE: u64 = 4 * 1024 * 1024;

/// How much goes to that thread at a time.
const PIECE: usize = 64 * 1024;

/// Sums that another thread adds up.
struct Beside {
    piece: Vec<u8>,
    pieces: SyncSender<Vec<u8>>,
    thread: JoinHandle<Sums>,
}

type Sums = Vec<(Algorithm, Box<dyn Sum>)>;

/// One running checksum.
trait Sum: Send {
    fn add(&mut self, bytes: &[u8]);
    fn end(self: Box<Self>) -> String;
}

impl<D: Digest + Send> Sum for D {
    fn add(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn end(self: Box<Self>) -> String {
        hex(&self.finalize())
    }
}

fn sum(algorithm: Algorithm) -> Box<dyn Sum> {
    match algorithm {
        Algorithm::Md5 => Box::new(Md5::new()),
        Algorithm::Sha1 => Box::new(Sha1::new()),
        Algorithm::Sha224 => Box::new(Sha224::new()),
        Algorithm::Sha256 => Box::new(Sha256::new()),
        Algorithm::Sha384 => Box::new(Sha384::new()),
        Algorithm::Sha512 => Box::new(Sha512::new()),
    }
}

impl Beside {
    /// A thread that goes on with the sums, if there is one to be had: only then are they taken.
    fn start(sums: &mut Sums, keep: usize) -> Option<Beside> {
        let (give, given) = sync_channel::<Sums>(1);
        let (pieces, coming) = sync_channel::<Vec<u8>>(16);
        let add = move || {
            let mut sums = given.recv().unwrap_or_default();
            for piece in coming {
                sums.iter_mut().for_each(|(_, sum)| sum.add(&piece));
            }
            sums
        };
        let thread = thread::Builder::new().spawn(add).ok()?;
        let _ = give.send(sums.split_off(keep));
        Some(Beside { piece: Vec::with_capacity(PIECE), pieces, thread })
    }

    fn add(&mut self, bytes: &[u8]) {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            let next = Vec::with_capacity(PIECE + bytes.len());
            // The thread takes all there is: it ends when this end does.
            let _ = self.pieces.send(std::mem::replace(&mut self.piece, next));
        }
    }

    fn end(self) -> Sums {
        let _ = self.pieces.send(self.piece);
        drop(self.pieces);
        self.thread.join().unwrap_or_default()
    }
}

impl<R: Read> Summing<R> {
    /// Sums up what is read in these ways.
    pub fn new(from: R, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        let sums = algorithms.into_iter().map(|algorithm| (algorithm, sum(algorithm))).collect();
        Summing { from, sums, beside: None, count: 0 }
    }

    /// How many bytes have been read.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The checksum of what has been read.
    pub fn end(&mut self, algorithm: Algorithm) -> String {
        if let Some(beside) = self.beside.take() {
            self.sums.extend(beside.end());
        }
        let at = self.sums.iter().position(|(a, _)| *a == algorithm);
        at.map(|at| self.sums.swap_remove(at).1.end()).unwrap_or_default()
    }
}

impl<R: Read> Read for Summing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(buffer)?;
        let bytes = buffer.get(..n).unwrap_or_default();
        let before = self.count;
        self.count += n as u64;
        if before <= LARGE && self.count > LARGE && self.sums.len() > 1 {
            self.beside = Beside::start(&mut self.sums, 1);
        }
        for (_, sum) in &mut self.sums {
            sum.add(bytes);
        }
        if let Some(beside) = &mut self.beside {
            beside.add(bytes);
        }
        Ok(n)
    }
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_the_usual_ones() {
        let of = |a| checksum(a, &mut "abc".as_bytes()).unwrap();
        assert_eq!(of(Algorithm::Md5), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(of(Algorithm::Sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(of(Algorithm::Sha256).starts_with("ba7816bf8f01cfea"));
        let mut read = Summing::new("abc".as_bytes(), [Algorithm::Sha1, Algorithm::Md5]);
        io::copy(&mut read, &mut io::sink()).unwrap();
        assert_eq!(read.end(Algorithm::Md5), of(Algorithm::Md5));
        assert_eq!(read.end(Algorithm::Sha1), of(Algorithm::Sha1));
    }

    #[test]
    fn large_content_is_summed_up_by_several_threads_to_the_same_end() {
        for size in [LARGE, LARGE + 3 * PIECE as u64 + 5] {
            let content: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let all = [Algorithm::Sha1, Algorithm::Md5, Algorithm::Sha256];
            let mut read = Summing::new(content.as_slice(), all);
            assert_eq!(io::copy(&mut read, &mut io::sink()).unwrap(), size);
            assert_eq!((read.beside.is_some(), read.count()), (size > LARGE, size));
            for algorithm in all {
                assert_eq!(read.end(algorithm), checksum(algorithm, &mut content.as_slice()).unwrap());
            }
        }
    }
}
