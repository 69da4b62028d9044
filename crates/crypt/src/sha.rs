//! SHA-crypt (`$5$`, `$6$`) and NetBSD's SHA-1-crypt (`$sha1$`).

use hmac::{Hmac, KeyInit, Mac};
use sha_crypt::{Params, sha256_crypt, sha512_crypt};
use sha1::Sha1;

use crate::digits;

/// The digits of a hash of SHA-256-crypt.
pub(crate) fn crypt256(password: &[u8], salt: &[u8], rounds: u32) -> Option<String> {
    let digest = sha256_crypt(password, salt, Params::new(rounds).ok()?);
    Some(turns(&digest, 10, &[30, 31], |[a, b, c]| [c + 1, a + 1, b + 1]))
}

/// The digits of a hash of SHA-512-crypt.
pub(crate) fn crypt512(password: &[u8], salt: &[u8], rounds: u32) -> Option<String> {
    let digest = sha512_crypt(password, salt, Params::new(rounds).ok()?);
    Some(turns(&digest, 21, &[63], |[a, b, c]| [b + 1, c + 1, a + 1]))
}

/// The digits take the bytes from three thirds, in turns.
fn turns(digest: &[u8], third: usize, last: &[usize], turn: fn([usize; 3]) -> [usize; 3]) -> String {
    let mut places = [0, third, 2 * third];
    let mut order: Vec<usize> = Vec::with_capacity(digest.len());
    for _ in 0..third {
        order.extend(places.iter().rev());
        places = turn(places);
    }
    order.extend(last);
    digits::shuffled(digest, &order)
}

/// The digits of a hash of SHA-1-crypt.
pub(crate) fn crypt1(password: &[u8], salt: &str, rounds: u32) -> Option<String> {
    let keyed = Hmac::<Sha1>::new_from_slice(password).ok()?;
    let mut digest = format!("{salt}$sha1${rounds}").into_bytes();
    for _ in 0..rounds {
        let mut mac = keyed.clone();
        mac.update(&digest);
        digest = mac.finalize().into_bytes().to_vec();
    }
    let order = [2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9, 14, 13, 12, 17, 16, 15, 0, 19, 18];
    Some(digits::shuffled(&digest, &order))
}
