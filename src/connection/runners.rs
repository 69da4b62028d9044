//! The runner binaries at hand, one for each kind of machine.

use std::io::{self, Read, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use shevek_proto::Part;

/// The runner binaries at hand.
#[derive(Debug, Default)]
pub struct Runners {
    images: Vec<Arc<RunnerImage>>,
    folder: Option<PathBuf>,
}

impl Runners {
    /// None at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one; the first of several for one kind of machine is used.
    pub fn add(&mut self, image: RunnerImage) -> &mut Self {
        self.images.push(Arc::new(image));
        self
    }

    /// Adds all of a folder (`--runner-dir`): files named `shevek-runner-MACHINE` and, for further parts,
    /// `shevek-runner-rare-MACHINE`, with the machine's name as `uname -m` gives it.
    pub fn add_folder(&mut self, folder: &Path) -> io::Result<&mut Self> {
        let mut names: Vec<String> = std::fs::read_dir(folder)?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        for name in names {
            let Some(machine) = name.strip_prefix("shevek-runner-") else { continue };
            let (part, machine) = match machine.strip_prefix("rare-") {
                Some(machine) => (Part::Rare, machine),
                None => (Part::Core, machine),
            };
            let bytes = std::fs::read(folder.join(&name))?;
            self.add(RunnerImage::from_bytes(machine, part, bytes));
        }
        self.folder = Some(folder.to_owned());
        Ok(self)
    }

    /// The folder that was added.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The runner for a kind of machine, as `uname -m` names it.
    pub fn find(&self, machine: &str, part: Part) -> Option<&Arc<RunnerImage>> {
        let machine = canonical(machine);
        self.images.iter().find(|image| image.part == part && image.machine == machine)
    }

    /// The first part of the runner for every kind of machine there is one for.
    pub(crate) fn cores(&self) -> impl Iterator<Item = &Arc<RunnerImage>> {
        self.images.iter().filter(|image| image.part == Part::Core)
    }
}

/// `uname -m` has several names for some machines.
fn canonical(machine: &str) -> &str {
    match machine {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "i386" | "i486" | "i586" => "i686",
        other => other,
    }
}

/// All names that `uname -m` may give for a machine, as a pattern for the shell's `case`.
pub(crate) fn shell_pattern(machine: &str) -> String {
    match machine {
        "x86_64" => "x86_64|amd64".to_owned(),
        "aarch64" => "aarch64|arm64".to_owned(),
        "i686" => "i386|i486|i586|i686".to_owned(),
        other => other.to_owned(),
    }
}

/// One runner binary.
#[derive(Debug)]
pub struct RunnerImage {
    machine: String,
    part: Part,
    hash: String,
    size: usize,
    content: Content,
    /// The other form, made once it is needed.
    other: Mutex<Option<Arc<[u8]>>>,
}

/// The bytes of a runner, packed or not; no host gets a copy of its own.
#[derive(Debug, Clone)]
pub enum Image {
    /// In the program.
    Embedded(&'static [u8]),
    /// Read or made at run time.
    Shared(Arc<[u8]>),
}

impl Deref for Image {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Image::Embedded(bytes) => bytes,
            Image::Shared(bytes) => bytes,
        }
    }
}

#[derive(Debug)]
enum Content {
    Plain(Arc<[u8]>),
    Gzip(&'static [u8]),
}

impl RunnerImage {
    /// A binary that is embedded in the program: packed with gzip, hashed at build time. Nothing is unpacked before a
    /// host needs it.
    pub fn from_gzip(machine: &str, part: Part, hash: &str, size: usize, packed: &'static [u8]) -> Self {
        let (machine, hash) = (canonical(machine).to_owned(), hash.to_owned());
        RunnerImage { machine, part, hash, size, content: Content::Gzip(packed), other: Mutex::default() }
    }

    /// A binary as it is.
    pub fn from_bytes(machine: &str, part: Part, bytes: Vec<u8>) -> Self {
        let hash = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let (machine, size) = (canonical(machine).to_owned(), bytes.len());
        RunnerImage {
            machine,
            part,
            hash,
            size,
            content: Content::Plain(bytes.into()),
            other: Mutex::default(),
        }
    }

    /// The machine it runs on.
    pub fn machine(&self) -> &str {
        &self.machine
    }

    /// The hash that names it on hosts.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Its length.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The binary; unpacked once.
    pub fn bytes(&self) -> io::Result<Image> {
        match &self.content {
            Content::Plain(bytes) => Ok(Image::Shared(bytes.clone())),
            Content::Gzip(packed) => self.once(|| {
                let mut bytes = Vec::with_capacity(self.size);
                GzDecoder::new(*packed).read_to_end(&mut bytes)?;
                Ok(bytes)
            }),
        }
    }

    /// The binary packed with gzip, which every host can unpack; packed once for all hosts.
    pub fn gzip(&self) -> io::Result<Image> {
        match &self.content {
            Content::Gzip(packed) => Ok(Image::Embedded(packed)),
            Content::Plain(bytes) => self.once(|| {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes)?;
                encoder.finish()
            }),
        }
    }

    /// Hosts that come at the same moment wait for the first: each doing the work again would take as long for all.
    fn once(&self, make: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<Image> {
        let mut other = self.other.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = &*other {
            return Ok(Image::Shared(bytes.clone()));
        }
        let bytes: Arc<[u8]> = make()?.into();
        *other = Some(bytes.clone());
        Ok(Image::Shared(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_found_under_every_name_they_have() {
        let mut runners = Runners::new();
        runners.add(RunnerImage::from_bytes("aarch64", Part::Core, b"arm".to_vec()));
        assert_eq!(runners.find("arm64", Part::Core).unwrap().machine(), "aarch64");
        assert!(runners.find("arm64", Part::Rare).is_none());
        assert!(runners.find("riscv64", Part::Core).is_none());
    }

    #[test]
    fn a_packed_runner_unpacks_to_what_was_packed() {
        let packed = RunnerImage::from_bytes("x86_64", Part::Core, b"binary".to_vec()).gzip().unwrap();
        let packed: &'static [u8] = packed.to_vec().leak();
        let image = RunnerImage::from_gzip("x86_64", Part::Core, "abc", 6, packed);
        assert_eq!(&*image.bytes().unwrap(), b"binary");
        assert_eq!(&*image.gzip().unwrap(), packed);
    }
}
