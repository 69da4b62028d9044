//! [`Content`]: what goes down to a host, read in pieces and summed up, and files that change meanwhile.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use sha1::{Digest, Sha1};
use shevek_proto::BLOB_CHUNK;
use tokio::sync::OnceCell;
use tokio::task::{JoinHandle, spawn_blocking};

/// Where content comes from.
#[derive(Debug, Clone)]
pub enum Content {
    /// Memory.
    Bytes(Arc<[u8]>),
    /// A file on this machine, read when a host needs it.
    File {
        /// Where it is.
        path: PathBuf,
        /// Its length in bytes, as hosts are told.
        size: u64,
    },
}

impl Content {
    /// Its length in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::File { size, .. } => *size,
        }
    }

    /// Its SHA-1 in lower-case hex. A file is read through for it once, however many hosts ask.
    pub async fn sha1(&self) -> io::Result<String> {
        match self {
            Content::Bytes(bytes) => sha1_of(&mut &bytes[..]),
            Content::File { path, .. } => {
                let Some(known) = known_sum(&std::fs::metadata(path)?) else { return read_sum(path).await };
                known.get_or_try_init(|| read_sum(path)).await.cloned()
            }
        }
    }

    /// The SHA-1 of a file on this machine, if it is known without reading it.
    pub fn known_sha1(file: &Metadata) -> Option<String> {
        known_sum(file)?.get().cloned()
    }

    /// The SHA-1 of a file on this machine, which is read if need be.
    pub fn file_sha1(mut file: &File) -> io::Result<String> {
        let shared = known_sum(&file.metadata()?);
        if let Some(known) = shared.as_ref().and_then(|shared| shared.get()) {
            return Ok(known.clone());
        }
        let sum = sha1_of(&mut file)?;
        if let Some(shared) = shared {
            // Who was faster has come to the same.
            let _ = shared.set(sum.clone());
        }
        Ok(sum)
    }
}

impl std::fmt::Display for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Content::Bytes(bytes) => write!(f, "{} bytes in memory", bytes.len()),
            Content::File { path, .. } => write!(f, "{}", path.display()),
        }
    }
}

/// What says that a file is the same as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Stamp {
    place: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        Stamp {
            place: (file.dev(), file.ino()),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

/// A file that was written later than this ago may be written once more without its times telling.
const SETTLED: Duration = Duration::from_secs(2);

/// The place for a file's checksum that all hosts share; none while its times would not tell that it was written again.
fn known_sum(file: &Metadata) -> Option<Arc<OnceCell<String>>> {
    static KNOWN: LazyLock<Mutex<HashMap<Stamp, Arc<OnceCell<String>>>>> = LazyLock::new(Mutex::default);
    let last = file.mtime().max(file.ctime());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    if Duration::from_secs(u64::try_from(last).ok()?) + SETTLED >= now {
        return None;
    }
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    Some(known.entry(Stamp::of(file)).or_default().clone())
}

async fn read_sum(path: &Path) -> io::Result<String> {
    let path = path.to_owned();
    spawn_blocking(move || sha1_of(&mut File::open(path)?)).await?
}

/// The SHA-1 of everything that is read, in lower-case hex.
pub fn sha1_of(from: &mut dyn Read) -> io::Result<String> {
    let mut hasher = Sha1::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            n => hasher.update(buffer.get(..n).unwrap_or_default()),
        }
    }
}

/// What is left to read of a content.
pub(super) enum Pieces {
    Bytes(Arc<[u8]>, usize),
    /// Pieces that have been read; those after them are being read meanwhile.
    File(VecDeque<Vec<u8>>, JoinHandle<io::Result<(OpenFile, VecDeque<Vec<u8>>)>>),
    End,
}

impl Pieces {
    pub(super) fn of(content: Content) -> Self {
        match content {
            Content::Bytes(bytes) => Pieces::Bytes(bytes, 0),
            Content::File { path, size } => {
                let reading = spawn_blocking(move || OpenFile::open(&path, size)?.read_on());
                Pieces::File(VecDeque::new(), reading)
            }
        }
    }

    /// The next piece; an empty one is the end, and says that all of it is of one and the same file.
    pub(super) async fn next(&mut self) -> io::Result<Vec<u8>> {
        match self {
            Pieces::Bytes(bytes, at) => {
                let rest = bytes.get(*at..).unwrap_or_default();
                let piece = rest.get(..BLOB_CHUNK).unwrap_or(rest).to_vec();
                *at += piece.len();
                Ok(piece)
            }
            Pieces::File(read, reading) => {
                if let Some(piece) = read.pop_front() {
                    return Ok(piece);
                }
                let (file, mut read) = reading.await??;
                let first = read.pop_front();
                *self = match first {
                    None => Pieces::End,
                    Some(_) => Pieces::File(read, spawn_blocking(move || file.read_on())),
                };
                Ok(first.unwrap_or_default())
            }
            Pieces::End => Ok(Vec::new()),
        }
    }
}

/// A file that is being sent.
pub(super) struct OpenFile {
    file: File,
    left: u64,
    /// What it was when it was opened.
    stamp: Stamp,
}

impl OpenFile {
    fn open(path: &Path, size: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        let stamp = Stamp::of(&file.metadata()?);
        if stamp.size != size { Err(changed()) } else { Ok(OpenFile { file, left: size, stamp }) }
    }

    /// A few pieces more; none at the end.
    fn read_on(mut self) -> io::Result<(Self, VecDeque<Vec<u8>>)> {
        let mut pieces = VecDeque::with_capacity(AT_ONCE);
        while self.left > 0 && pieces.len() < AT_ONCE {
            let size = self.left.min(BLOB_CHUNK as u64);
            let mut piece = Vec::with_capacity(usize::try_from(size).unwrap_or(BLOB_CHUNK));
            if (&self.file).take(size).read_to_end(&mut piece)? == 0 {
                return Err(changed());
            }
            self.left -= piece.len() as u64;
            pieces.push_back(piece);
        }
        // Nothing may be kept of what is half the old file and half the new one.
        if pieces.is_empty() && Stamp::of(&self.file.metadata()?) != self.stamp {
            return Err(changed());
        }
        Ok((self, pieces))
    }
}

/// How many pieces are read in one go: each takes a turn of another thread.
const AT_ONCE: usize = 4;

fn changed() -> io::Error {
    io::Error::other("it was changed while it was being sent")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(pieces: &mut Pieces) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            match pieces.next().await? {
                piece if piece.is_empty() => return Ok(all),
                piece => all.extend(piece),
            }
        }
    }

    #[tokio::test]
    async fn a_file_that_is_written_while_it_is_sent_is_not_sent_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let old: Vec<u8> = (0..3 * AT_ONCE * BLOB_CHUNK + 7).map(|at| (at % 251) as u8).collect();
        let content = Content::File { path: path.clone(), size: old.len() as u64 };
        std::fs::write(&path, &old).unwrap();
        assert_eq!(all(&mut Pieces::of(content.clone())).await.unwrap(), old);
        let changes: [fn(&mut Vec<u8>); 3] =
            [|file| file[0] ^= 1, |file| file.push(1), |file| file.truncate(BLOB_CHUNK)];
        for change in changes {
            std::fs::write(&path, &old).unwrap();
            // Written times tell nothing within one tick of the kernel's clock.
            let before = File::open(&path).unwrap();
            before.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            let mut pieces = Pieces::of(content.clone());
            let first = pieces.next().await.unwrap();
            assert_eq!(first, old[..BLOB_CHUNK]);
            let mut new = old.clone();
            change(&mut new);
            std::fs::write(&path, &new).unwrap();
            let why = all(&mut pieces).await.unwrap_err();
            assert_eq!(why.to_string(), "it was changed while it was being sent");
        }
    }

    #[tokio::test]
    async fn a_file_is_read_once_for_its_checksum_and_again_when_it_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let content = Content::File { path: path.clone(), size: 3 };
        std::fs::write(&path, "abc").unwrap();
        // What has just been written may be written again unseen.
        assert_eq!(content.sha1().await.unwrap(), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(Content::known_sha1(&path.metadata().unwrap()), None);
        std::fs::write(&path, "abd").unwrap();
        assert_eq!(content.sha1().await.unwrap(), "cb4cc28df0fdbe0ecf9d9662e294b118092a5735");
        let old = &Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let settled = Content::File { path: old.to_owned(), size: old.metadata().unwrap().size() };
        assert_eq!(Content::known_sha1(&old.metadata().unwrap()), None);
        let sum = settled.sha1().await.unwrap();
        assert_eq!(sum, sha1_of(&mut File::open(old).unwrap()).unwrap());
        assert_eq!(Content::known_sha1(&old.metadata().unwrap()), Some(sum));
    }
}
