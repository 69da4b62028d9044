//! The runner's binary for the machine that this was built on, as bytes in the controller. See build.rs for how it gets
//! here; runners for other machines come from a folder (`--runner-dir`), which the connection reads.
//!
//! Imports nothing of the project.

/// A runner's binary.
#[derive(Debug, Clone, Copy)]
pub struct Runner {
    /// The kind of machine it runs on, as `uname -m` names it.
    pub machine: &'static str,
    /// Its length in bytes, unpacked.
    pub size: usize,
    /// The SHA-256 of the unpacked bytes in lower-case hex; it names the binary on hosts.
    pub hash: &'static str,
    /// The bytes, packed with zstd.
    pub zstd: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/runner.rs"));

#[cfg(test)]
mod tests {
    use sha2::Digest;

    use super::*;

    #[test]
    fn the_runner_unpacks_to_what_its_hash_says() {
        let bytes = zstd::bulk::decompress(RUNNER.zstd, RUNNER.size).unwrap();
        assert_eq!(bytes.len(), RUNNER.size);
        let hash: String = sha2::Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hash, RUNNER.hash);
        assert!(bytes.starts_with(b"\x7fELF"));
    }
}
