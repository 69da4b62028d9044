//! The runner's binaries for the machine that this was built on, as bytes in the controller. See build.rs for how it gets
//! here; runners for other machines come from a folder (`--runner-dir`), which the connection reads.
//!
//! Imports nothing of the project.

/// One binary of the runner: a part of its modules.
#[derive(Debug, Clone, Copy)]
pub struct Runner {
    /// The kind of machine it runs on, as `uname -m` names it.
    pub machine: &'static str,
    /// Its length in bytes, unpacked.
    pub size: usize,
    /// The SHA-256 of the unpacked bytes in lower-case hex; it names the binary on hosts.
    pub hash: &'static str,
    /// The bytes, packed with gzip.
    pub gzip: &'static [u8],
}

/// The modules that nearly every play needs.
pub static CORE: Runner = include!(concat!(env!("OUT_DIR"), "/CORE.rs"));

/// All other modules; pushed when one of them is first needed.
pub static RARE: Runner = include!(concat!(env!("OUT_DIR"), "/RARE.rs"));

#[cfg(test)]
mod tests {
    use std::io::Read;

    use sha2::Digest;

    use super::*;

    #[test]
    fn the_binaries_unpack_to_what_their_hashes_say() {
        for runner in [CORE, RARE] {
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(runner.gzip).read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes.len(), runner.size);
            let hash: String = sha2::Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(hash, runner.hash);
            assert!(bytes.starts_with(b"\x7fELF"));
        }
    }
}
