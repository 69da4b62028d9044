//! AES-256 in counter mode with an HMAC over the ciphertext; keys by PBKDF2.

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

const ITERATIONS: u32 = 10_000;
const BLOCK: usize = 16;

/// What a password and a salt give.
pub(crate) struct Keys {
    cipher: [u8; 32],
    mac: [u8; 32],
    counter: [u8; BLOCK],
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.cipher.zeroize();
        self.mac.zeroize();
        self.counter.zeroize();
    }
}

impl Keys {
    /// Derives them, which takes milliseconds on purpose.
    pub fn derive(password: &[u8], salt: &[u8]) -> Self {
        let mut bytes = Zeroizing::new([0_u8; 80]);
        pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, ITERATIONS, &mut *bytes);
        let mut keys = Self { cipher: [0; 32], mac: [0; 32], counter: [0; BLOCK] };
        let parts = keys.cipher.iter_mut().chain(&mut keys.mac).chain(&mut keys.counter);
        parts.zip(bytes.iter()).for_each(|(key, byte)| *key = *byte);
        keys
    }

    /// The plain bytes, if the checksum shows that these are the right keys.
    pub fn decrypt(&self, content: &[u8], mac: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        if !bool::from(self.checksum(content).ct_eq(mac)) {
            return None;
        }
        let mut plain = Zeroizing::new(content.to_vec());
        self.apply(&mut plain);
        let padding = usize::from(*plain.last()?);
        let length = plain.len().checked_sub(padding).filter(|_| (1..=BLOCK).contains(&padding))?;
        plain.truncate(length);
        Some(plain)
    }

    /// Ciphertext and its checksum.
    pub fn encrypt(&self, plain: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let padding = BLOCK - plain.len() % BLOCK;
        let mut content = plain.to_vec();
        content.extend(std::iter::repeat_n(padding as u8, padding));
        self.apply(&mut content);
        let mac = self.checksum(&content);
        (content, mac)
    }

    fn apply(&self, bytes: &mut [u8]) {
        Ctr128BE::<Aes256>::new(&self.cipher.into(), &self.counter.into()).apply_keystream(bytes);
    }

    fn checksum(&self, content: &[u8]) -> Vec<u8> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&self.block_key().into());
        mac.update(content);
        mac.finalize().into_bytes().to_vec()
    }

    /// HMAC pads a short key with zeros to a block of the hash.
    fn block_key(&self) -> [u8; 64] {
        let mut key = [0; 64];
        key.iter_mut().zip(self.mac).for_each(|(to, from)| *to = from);
        key
    }
}
