//! MD5-crypt: FreeBSD's (`$1$`), and Apache's, which differs in its sign only (`$apr1$`).

use md5::{Digest, Md5};

use crate::digits;

/// The digits of a hash.
pub(crate) fn crypt(password: &[u8], salt: &[u8], sign: &str) -> String {
    let mut alternate = Md5::new();
    for part in [password, salt, password] {
        alternate.update(part);
    }
    let alternate = alternate.finalize();
    let mut context = Md5::new();
    for part in [password, sign.as_bytes(), salt] {
        context.update(part);
    }
    for (byte, _) in alternate.iter().cycle().zip(password) {
        context.update([*byte]);
    }
    let mut length = password.len();
    while length > 0 {
        context.update(if length & 1 == 1 { [0] } else { [password.first().copied().unwrap_or(0)] });
        length >>= 1;
    }
    let mut digest: Vec<u8> = context.finalize().to_vec();
    for round in 0..1000 {
        let mut context = Md5::new();
        let (first, last) =
            if round & 1 == 1 { (password, digest.as_slice()) } else { (digest.as_slice(), password) };
        context.update(first);
        if round % 3 != 0 {
            context.update(salt);
        }
        if round % 7 != 0 {
            context.update(password);
        }
        context.update(last);
        digest = context.finalize().to_vec();
    }
    digits::shuffled(&digest, &[12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11])
}
