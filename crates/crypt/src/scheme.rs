//! [`Scheme`]: a format of hashed passwords, under the name that Python's passlib has for it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::{des, digits, md5, sha};

/// A format of hashed passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are passlib's")]
pub enum Scheme {
    Bcrypt,
    Sha256Crypt,
    Sha512Crypt,
    AprMd5Crypt,
    DesCrypt,
    LdapSha1,
    Plaintext,
    Sha1Crypt,
    Md5Crypt,
    BsdiCrypt,
}

use Scheme::{
    AprMd5Crypt, Bcrypt, BsdiCrypt, DesCrypt, LdapSha1, Md5Crypt, Plaintext, Sha1Crypt, Sha256Crypt,
    Sha512Crypt,
};

/// Why a password cannot be hashed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unhashable {
    /// It has a NUL in it, which these formats take for its end.
    Nul,
    /// The format's own code refused.
    Refused,
}

impl fmt::Display for Unhashable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unhashable::Nul => "the password has a NUL character in it",
            Unhashable::Refused => "the password cannot be hashed so",
        })
    }
}

impl std::error::Error for Unhashable {}

/// The rounds of SHA-crypt where a hash shows none.
const USUAL: u32 = 5000;
const APACHE: &str = "$apr1$";
const FREEBSD: &str = "$1$";
const LDAP: &str = "{SHA}";
const NETBSD: &str = "$sha1$";
const BCRYPT: [&str; 5] = ["$2b$", "$2y$", "$2a$", "$2x$", "$2$"];

impl Scheme {
    /// All of them, in the order in which a web server's password file is tried: plain text, which anything can be, last
    /// of those that web servers know.
    pub const ALL: [Scheme; 10] = [
        Bcrypt,
        Sha256Crypt,
        Sha512Crypt,
        AprMd5Crypt,
        DesCrypt,
        LdapSha1,
        Plaintext,
        Sha1Crypt,
        Md5Crypt,
        BsdiCrypt,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Bcrypt => "bcrypt",
            Sha256Crypt => "sha256_crypt",
            Sha512Crypt => "sha512_crypt",
            AprMd5Crypt => "apr_md5_crypt",
            DesCrypt => "des_crypt",
            LdapSha1 => "ldap_sha1",
            Plaintext => "plaintext",
            Sha1Crypt => "sha1_crypt",
            Md5Crypt => "md5_crypt",
            BsdiCrypt => "bsdi_crypt",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Scheme> {
        Scheme::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// Whether a hash looks like one of this format.
    pub fn made(self, hash: &str) -> bool {
        match self {
            Bcrypt => BCRYPT.iter().any(|sign| hash.starts_with(sign)),
            Sha256Crypt => hash.starts_with("$5$"),
            Sha512Crypt => hash.starts_with("$6$"),
            AprMd5Crypt => hash.starts_with(APACHE),
            DesCrypt => hash.len() == 13 && digits::are(hash),
            LdapSha1 => {
                let digest = hash.strip_prefix(LDAP).map(|digest| STANDARD.decode(digest));
                digest.is_some_and(|digest| digest.is_ok_and(|digest| digest.len() == 20))
            }
            Plaintext => true,
            Sha1Crypt => hash.starts_with(NETBSD),
            Md5Crypt => hash.starts_with(FREEBSD),
            BsdiCrypt => hash.len() == 20 && hash.strip_prefix('_').is_some_and(digits::are),
        }
    }

    /// Whether a password is the one that a hash of this format was made of.
    pub fn verifies(self, password: &[u8], hash: &str) -> bool {
        if self != Plaintext && self != LdapSha1 && password.contains(&0) {
            return false;
        }
        match self {
            Bcrypt => bcrypt::verify(password, hash).unwrap_or(false),
            Plaintext => password == hash.as_bytes(),
            LdapSha1 => ldap(password) == hash,
            _ => self.again(password, hash).is_some_and(|again| again == hash),
        }
    }

    /// A hash made with the salt and the rounds of another.
    fn again(self, password: &[u8], hash: &str) -> Option<String> {
        match self {
            Sha256Crypt | Sha512Crypt => {
                let (sign, rest) = hash.split_at_checked(3)?;
                let (rounds, rest) = match rest.strip_prefix("rounds=") {
                    Some(rest) => rest.split_once('$').map(|(rounds, rest)| (Some(rounds), rest))?,
                    None => (None, rest),
                };
                let (salt, _) = rest.split_once('$').unwrap_or((rest, ""));
                let number: u32 = rounds.map_or(Some(USUAL), |rounds| rounds.parse().ok())?;
                let shown = rounds.map(|rounds| format!("rounds={rounds}$")).unwrap_or_default();
                let crypt = if self == Sha256Crypt { sha::crypt256 } else { sha::crypt512 };
                Some(format!("{sign}{shown}{salt}${}", crypt(password, salt.as_bytes(), number)?))
            }
            AprMd5Crypt | Md5Crypt => {
                let sign = if self == AprMd5Crypt { APACHE } else { FREEBSD };
                let rest = hash.strip_prefix(sign)?;
                let salt = rest.split_once('$').map_or(rest, |(salt, _)| salt);
                Some(md5_hash(sign, password, salt))
            }
            DesCrypt => {
                let salt = hash.get(..2)?;
                Some(format!("{salt}{}", des::crypt(password, digits::number(salt)?)))
            }
            BsdiCrypt => {
                let (rounds, salt) = (hash.get(1..5)?, hash.get(5..9)?);
                let digits = des::extended(password, digits::number(salt)?, digits::number(rounds)?);
                Some(format!("_{rounds}{salt}{digits}"))
            }
            Sha1Crypt => {
                let (rounds, rest) = hash.strip_prefix(NETBSD)?.split_once('$')?;
                let (salt, _) = rest.split_once('$')?;
                sha1_hash(password, salt, rounds.parse().ok()?)
            }
            Bcrypt | LdapSha1 | Plaintext => None,
        }
    }

    /// Hashes a password, with this much chance for a salt and the rounds that passlib takes.
    pub fn hashed(self, password: &[u8], chance: [u8; 16]) -> Result<String, Unhashable> {
        let rounds = match self {
            Bcrypt => 12,
            Sha256Crypt => 535_000,
            Sha512Crypt => 656_000,
            Sha1Crypt => 480_000,
            BsdiCrypt => 5001,
            AprMd5Crypt | DesCrypt | LdapSha1 | Plaintext | Md5Crypt => 0,
        };
        self.hashed_in(rounds, password, chance)
    }

    /// Hashes a password with this salt, in a format that takes any digits for one. `None`: another format, or rounds that it
    /// does not have. Formats without rounds do not look at them; the usual number of rounds is not shown.
    pub fn salted(self, password: &[u8], salt: &str, rounds: u32) -> Option<String> {
        let shown = if rounds == USUAL { String::new() } else { format!("rounds={rounds}$") };
        match self {
            Sha256Crypt => sha::crypt256(password, salt.as_bytes(), rounds)
                .map(|digits| format!("$5${shown}{salt}${digits}")),
            Sha512Crypt => sha::crypt512(password, salt.as_bytes(), rounds)
                .map(|digits| format!("$6${shown}{salt}${digits}")),
            AprMd5Crypt => Some(md5_hash(APACHE, password, salt)),
            Md5Crypt => Some(md5_hash(FREEBSD, password, salt)),
            Sha1Crypt => sha1_hash(password, salt, rounds),
            Bcrypt | DesCrypt | BsdiCrypt | LdapSha1 | Plaintext => None,
        }
    }

    fn hashed_in(self, rounds: u32, password: &[u8], chance: [u8; 16]) -> Result<String, Unhashable> {
        if self != Plaintext && self != LdapSha1 && password.contains(&0) {
            return Err(Unhashable::Nul);
        }
        let salt: String = chance.iter().map(|byte| digits::digit(u64::from(*byte))).collect();
        let short = salt.get(..8).unwrap_or_default();
        let number = |digits: &str| digits::number(digits).unwrap_or(0);
        let hash = match self {
            Bcrypt => bcrypt::hash_with_salt(password, rounds, chance)
                .ok()
                .map(|parts| parts.format_for_version(bcrypt::Version::TwoB)),
            Sha256Crypt | Sha512Crypt => self.salted(password, &salt, rounds),
            AprMd5Crypt | Md5Crypt | Sha1Crypt => self.salted(password, short, rounds),
            DesCrypt => {
                let salt = salt.get(..2).unwrap_or_default();
                Some(format!("{salt}{}", des::crypt(password, number(salt))))
            }
            BsdiCrypt => {
                let (rounds, salt) = (u64::from(rounds), salt.get(..4).unwrap_or_default());
                let digits = des::extended(password, number(salt), rounds);
                Some(format!("_{}{salt}{digits}", digits::little_endian(rounds, 4)))
            }
            LdapSha1 => Some(ldap(password)),
            Plaintext => String::from_utf8(password.to_vec()).ok(),
        };
        hash.ok_or(Unhashable::Refused)
    }
}

fn ldap(password: &[u8]) -> String {
    format!("{LDAP}{}", STANDARD.encode(Sha1::digest(password)))
}

fn md5_hash(sign: &str, password: &[u8], salt: &str) -> String {
    format!("{sign}{salt}${}", md5::crypt(password, salt.as_bytes(), sign))
}

fn sha1_hash(password: &[u8], salt: &str, rounds: u32) -> Option<String> {
    Some(format!("{NETBSD}{rounds}${salt}${}", sha::crypt1(password, salt, rounds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_passlib() {
        let made = [
            (Bcrypt, "$2b$04$VXUntv3LxYY1meg383k3BOA6nENKiNdcDl4yiow48fOYyNMlkrbua"),
            (Sha256Crypt, "$5$rounds=1000$3SZNLzrofcBCL36c$ED/rq0jjVKFq.sFN5mrjk4SWudJgpniSl.IawWELUv7"),
            (Sha256Crypt, "$5$Mbh/9P9RCFfJL./Y$JwXJz..ILCQc/kAhbnfGGace2MZwh5F5SwuVgsKTBv4"),
            (
                Sha512Crypt,
                "$6$rounds=1000$o.yJZUnLUXFmovwc$Izqy4.ou4VU1BG9cuB9j8LekmD4fQ8YqUuxMl4.NMqDkrfQqzWazcrztvebQRzZauCzFx1LNC4F/HTz5YtSED/",
            ),
            (AprMd5Crypt, "$apr1$PwPD5wj2$Er61ccghB4Fys/luuYCzi/"),
            (DesCrypt, "lSoV5vcQZ/CSU"),
            (LdapSha1, "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="),
            (Plaintext, "secret"),
            (Sha1Crypt, "$sha1$1000$Tyrs8c/o$GCtlYS4GR0UoYCGvAnBPZCyi59Ct"),
            (Md5Crypt, "$1$aXFcLIuO$UsKpZ9bwzcN3D7iGtRaxi/"),
            (BsdiCrypt, "_7C/.uDqnSt0IbSXGq/Q"),
        ];
        for (scheme, hash) in made {
            assert!(scheme.made(hash), "{hash}");
            assert!(scheme.verifies(b"secret", hash), "{hash}");
            assert!(!scheme.verifies(b"Secret", hash), "{hash}");
        }
        let long = "bc02ulg5lICTU";
        assert!(DesCrypt.verifies(b"a long password", long) && DesCrypt.verifies(b"a long pATH", long));
        assert!(!DesCrypt.verifies(b"a longer one", long));
    }

    #[test]
    fn what_is_hashed_is_verified() {
        for scheme in Scheme::ALL {
            let rounds = if scheme == Bcrypt { 4 } else { 1001 };
            let hash =
                scheme.hashed_in(rounds, "pässword, a long one".as_bytes(), *b"0123456789abcdef").unwrap();
            assert!(scheme.made(&hash), "{hash}");
            assert!(scheme.verifies("pässword, a long one".as_bytes(), &hash), "{hash}");
            assert_eq!(Scheme::named(scheme.name()), Some(scheme));
        }
        assert_eq!(AprMd5Crypt.hashed(b"a\0b", [0; 16]), Err(Unhashable::Nul));
        assert_eq!(Scheme::named("oracle11"), None);
    }
}
