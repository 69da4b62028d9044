//! ECDSA keys whose secret number begins with zeros, one in 256: OpenSSH leaves those away, and the library that reads keys
//! takes no number that is too short. Here they are put back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use russh::keys::PrivateKey;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// How long the secret numbers of a curve are.
const LENGTHS: [(&[u8], usize); 3] = [(b"nistp256", 32), (b"nistp384", 48), (b"nistp521", 66)];

/// The key in such a file; none: it is another kind of key, or the passphrase is wrong.
pub(super) fn read(text: &str, passphrase: Option<&str>) -> Option<PrivateKey> {
    let body = text.split_once(BEGIN)?.1.split_once(END)?.0;
    let body: String = body.split_whitespace().collect();
    let bytes = Zeroizing::new(BASE64.decode(body).ok()?);
    let mut rest = bytes.strip_prefix(MAGIC)?;
    for _cipher_and_derivation in 0..3 {
        string(&mut rest)?;
    }
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    if *count != [0, 0, 0, 1] {
        return None;
    }
    let public = string(&mut rest)?;
    let mut secret = Zeroizing::new(string(&mut rest)?.to_vec());
    if let Some(passphrase) = passphrase {
        // What is around an encrypted key can be read.
        let outer = PrivateKey::from_openssh(text).ok()?;
        let (key, iv) = outer.kdf().derive_key_and_iv(outer.cipher(), passphrase).ok()?;
        outer.cipher().decrypt(&key, &iv, &mut secret, None).ok()?;
    }
    PrivateKey::from_bytes(&written(public, &whole(&secret)?)).ok()
}

/// The secret part with the number in its whole length.
fn whole(secret: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (checks, mut rest) = secret.split_at_checked(8)?;
    if checks.get(..4) != checks.get(4..) {
        return None;
    }
    let mut out = Zeroizing::new(checks.to_vec());
    put(&mut out, string(&mut rest)?);
    let curve = string(&mut rest)?;
    put(&mut out, curve);
    put(&mut out, string(&mut rest)?);
    let number = string(&mut rest)?;
    let length = LENGTHS.iter().find(|(name, _)| *name == curve)?.1;
    let zeros = length.checked_sub(number.len()).filter(|zeros| *zeros > 0)?;
    let mut number_in_full = Zeroizing::new(vec![0; zeros]);
    number_in_full.extend_from_slice(number);
    put(&mut out, &number_in_full);
    put(&mut out, string(&mut rest)?);
    for pad in 1.. {
        if out.len() % 8 == 0 {
            break;
        }
        out.push(pad);
    }
    Some(out)
}

/// A file's content, not encrypted.
fn written(public: &[u8], secret: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(MAGIC.to_vec());
    for part in [b"none".as_slice(), b"none", b""] {
        put(&mut out, part);
    }
    out.extend_from_slice(&[0, 0, 0, 1]);
    put(&mut out, public);
    put(&mut out, secret);
    out
}

fn string<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = from.split_first_chunk::<4>()?;
    let (string, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *from = rest;
    Some(string)
}

fn put(out: &mut Vec<u8>, string: &[u8]) {
    out.extend_from_slice(&u32::try_from(string.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(string);
}

/// One of them, which is no secret: its number is made of sevens, and a byte too short.
#[cfg(test)]
pub(super) fn short() -> String {
    let point = "047092c077f0471335bb7c8d6428c5269b443062cac5e8ab63e7f76e6eae35a6db\
         73176cce926da316db8f2a6a222b6de10c76dd5917b17fb5862a00c75b989a8e";
    let point: Vec<u8> =
        (0..point.len()).step_by(2).map(|at| u8::from_str_radix(&point[at..at + 2], 16).unwrap()).collect();
    let mut public = Vec::new();
    for part in [b"ecdsa-sha2-nistp256".as_slice(), b"nistp256", &point] {
        put(&mut public, part);
    }
    let mut secret = [vec![7; 8], public.clone()].concat();
    put(&mut secret, &[7; 31]);
    put(&mut secret, b"me");
    let padding = (8 - secret.len() % 8) % 8;
    secret.extend((1..).take(padding));
    format!("{BEGIN}\n{}\n{END}\n", BASE64.encode(written(&public, &secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_openssh_wrote_short_is_read_open_and_encrypted() {
        use std::os::unix::fs::PermissionsExt;
        let text = short();
        let key = read(&text, None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, &text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let keygen = |args: &[&str]| {
            let ran =
                std::process::Command::new("ssh-keygen").args(args).arg("-f").arg(&path).output().unwrap();
            assert!(ran.status.success(), "{ran:?}");
            String::from_utf8(ran.stdout).unwrap()
        };
        let public = key.public_key().to_openssh().unwrap();
        assert!(keygen(&["-y"]).starts_with(public.trim_end_matches(" me")), "OpenSSH takes it, too");
        keygen(&["-p", "-N", "open sesame"]);
        let encrypted = std::fs::read_to_string(&path).unwrap();
        assert_eq!(read(&encrypted, Some("open sesame")).unwrap().key_data(), key.key_data());
        assert!(read(&encrypted, Some("wrong")).is_none() && read(&encrypted, None).is_none());
        assert!(read("hello", None).is_none());
    }
}
