//! `password_hash`: passwords as the systems' shadow files have them.

use shevek_crypt::Scheme;
use shevek_crypt::digits::{self, DIGITS};
use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, given, integer};
use shevek_python::bytes::bytes_of;
use shevek_python::mersenne::Random;
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["password_hash"], markers: Markers::Propagate, run: password_hash }];

/// The digits of bcrypt's base 64; crypt's are others.
const BCRYPT: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn password_hash(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([password], [kind, salt, salt_size, rounds, ident]) =
        bind(arguments, ["password"], ["hashtype", "salt", "salt_size", "rounds", "ident"])?;
    if !matches!(password.type_name(), "str" | "bytes") {
        return Err(Diagnostic::new("not a password")
            .detail(format!("secret must be unicode or bytes, not {}", password.type_name())));
    }
    let secret = bytes_of(password);
    let kind = kind.map_or_else(|| "sha512".into(), str_of);
    let salt_size = match given(salt_size) {
        None => None,
        Some(size) => Some(size.as_int().ok_or_else(|| {
            Diagnostic::new("wrong type of argument")
                .detail(format!("salt_size must be an integer, not {}", size.type_name()))
        })?),
    };
    let rounds =
        given(rounds).map(|rounds| integer(rounds, "rounds")).transpose()?.filter(|rounds| *rounds != 0);
    let given_salt = given(salt).map(str_of).filter(|salt| !salt.is_empty());
    let salt = |longest: usize, usual: usize| {
        Salt { given: given_salt.as_deref(), size: salt_size, longest, usual }.get()
    };
    Ok(Value::from(match kind.as_ref() {
        "md5" | "md5_crypt" => {
            if rounds.is_some() {
                return Err(Diagnostic::new("Could not hash the secret.").detail("md5_crypt takes no rounds"));
            }
            salted(Scheme::Md5Crypt, &secret, &salt(8, 8)?, 0)?
        }
        "sha256" | "sha256_crypt" => {
            salted(Scheme::Sha256Crypt, &secret, &salt(16, 16)?, rounds.unwrap_or(535_000))?
        }
        "sha512" | "sha512_crypt" => {
            salted(Scheme::Sha512Crypt, &secret, &salt(16, 16)?, rounds.unwrap_or(656_000))?
        }
        "blowfish" | "bcrypt" => bcrypt_hash(&secret, &salt(22, 22)?, rounds.unwrap_or(12), ident)?,
        // Differs from Ansible: it has `yescrypt` too, which Ansible 2.19 has not.
        "yescrypt" if salt_size.is_some_and(|size| size != 0) => {
            return Err(Diagnostic::new("Could not hash the secret.").detail("yescrypt takes no salt_size"));
        }
        "yescrypt" => yescrypt_hash(&secret, given_salt.as_deref(), rounds.unwrap_or(5))?,
        other => {
            return Err(Diagnostic::new("unknown kind of password hash")
                .detail(format!(
                    "{other} is not in the list of supported passlib algorithms: md5, blowfish, sha256, sha512, yescrypt"
                ))
                .did_you_mean(other, ["md5", "blowfish", "bcrypt", "sha256", "sha512", "yescrypt"]));
        }
    }))
}

/// The salt that was asked for, or a random one.
struct Salt<'a> {
    given: Option<&'a str>,
    size: Option<i64>,
    longest: usize,
    usual: usize,
}

impl Salt<'_> {
    fn get(&self) -> Result<String> {
        let wrong = |why: String| Diagnostic::new("Could not hash the secret.").detail(why);
        if let Some(salt) = self.given {
            if salt.len() > self.longest {
                return Err(wrong(format!("the salt is too large: at most {} characters", self.longest)));
            }
            if let Some(bad) = salt.bytes().find(|byte| !DIGITS.contains(byte)) {
                return Err(wrong(format!("invalid characters in the salt: {:?}", char::from(bad))));
            }
            return Ok(salt.to_owned());
        }
        let size = match self.size {
            None | Some(0) => self.usual,
            Some(size) => usize::try_from(size)
                .ok()
                .filter(|size| *size <= self.longest)
                .ok_or_else(|| wrong(format!("salt_size must be at most {}", self.longest)))?,
        };
        let mut random = Random::from_system();
        Ok((0..size).filter_map(|_| DIGITS.get(random.below(64) as usize)).copied().map(char::from).collect())
    }
}

fn salted(scheme: Scheme, password: &[u8], salt: &str, rounds: i64) -> Result<String> {
    let hash = u32::try_from(rounds).ok().and_then(|rounds| scheme.salted(password, salt, rounds));
    hash.ok_or_else(|| {
        Diagnostic::new("Could not hash the secret.").detail("rounds must be from 1000 to 999999999")
    })
}

/// As crypt(3) makes it, `rounds` being its cost, from 1 to 11. The salt is digits, a random one stands for 16 bytes.
fn yescrypt_hash(password: &[u8], salt: Option<&str>, rounds: i64) -> Result<String> {
    let wrong = |why: String| Diagnostic::new("Could not hash the secret.").detail(why);
    let cost = u32::try_from(rounds).ok().filter(|cost| (1..=11).contains(cost));
    let cost = cost.ok_or_else(|| wrong("rounds must be from 1 to 11".to_owned()))?;
    let (log_n, r) = if cost <= 2 { (9 + cost, 8) } else { (7 + cost, 32) };
    let salt = match salt {
        Some(salt) => salt.to_owned(),
        None => {
            let mut random = Random::from_system();
            digits::of_bytes(&(0..16).map(|_| random.below(256).to_le_bytes()[0]).collect::<Vec<u8>>())
        }
    };
    let bytes = digits::bytes(&salt).ok_or_else(|| {
        wrong("the salt of yescrypt must be digits of ./0-9A-Za-z that stand for whole bytes".to_owned())
    })?;
    let mut key = [0; 32];
    yescrypt::Params::new(yescrypt::Mode::Rw, 1 << log_n, r, 1)
        .and_then(|params| yescrypt::yescrypt(password, &bytes, &params, &mut key))
        .map_err(|error| wrong(error.to_string()))?;
    let digit = |number: u32| digits::digit(number.into());
    Ok(format!("$y$j{}{}${salt}${}", digit(log_n - 1), digit(r - 1), digits::of_bytes(&key)))
}

fn bcrypt_hash(password: &[u8], salt: &str, rounds: i64, ident: Option<&Value>) -> Result<String> {
    let wrong = |why: String| Diagnostic::new("Could not hash the secret.").detail(why);
    let ident = given(ident).map(str_of).filter(|ident| !ident.is_empty()).unwrap_or_else(|| "2b".into());
    let version = match ident.trim_matches('$') {
        "2a" => bcrypt::Version::TwoA,
        "2b" => bcrypt::Version::TwoB,
        "2x" => bcrypt::Version::TwoX,
        "2y" => bcrypt::Version::TwoY,
        other => return Err(wrong(format!("invalid ident: '{other}' (there are 2a, 2b and 2y)"))),
    };
    let cost = u32::try_from(rounds)
        .ok()
        .filter(|cost| (4..=31).contains(cost))
        .ok_or_else(|| wrong("rounds must be from 4 to 31".to_owned()))?;
    // 22 digits are 16 bytes and four bits that don't count.
    let mut bits = 0_u32;
    let mut held = 0;
    let mut bytes = Vec::with_capacity(17);
    for digit in salt.bytes() {
        let value = BCRYPT.iter().position(|known| *known == digit).unwrap_or(0) as u32;
        bits = (bits << 6) | value;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    let salt: [u8; 16] = bytes.get(..16).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        wrong(format!("salt too small: bcrypt requires exactly 22 chars, not {}", salt.len()))
    })?;
    let hashed = bcrypt::hash_with_salt(password, cost, salt).map_err(|error| wrong(error.to_string()))?;
    Ok(hashed.format_for_version(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_what_crypt_makes() {
        let hash = |scheme, rounds| salted(scheme, b"secret", "saltsalt", rounds);
        assert_eq!(hash(Scheme::Md5Crypt, 0).unwrap(), "$1$saltsalt$9xy1btjgzLYfb7hivXtC//");
        assert_eq!(
            hash(Scheme::Sha256Crypt, 5000).unwrap(),
            "$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA"
        );
        assert_eq!(
            hash(Scheme::Sha512Crypt, 5000).unwrap(),
            "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1"
        );
        assert!(hash(Scheme::Sha512Crypt, 1000).unwrap().starts_with("$6$rounds=1000$saltsalt$"));
        for rounds in [999, 1_000_000_000, -1] {
            assert!(hash(Scheme::Sha256Crypt, rounds).is_err(), "{rounds}");
        }
    }

    #[test]
    fn yescrypt_is_what_crypt_makes() {
        let hash = |password: &str, salt, rounds| yescrypt_hash(password.as_bytes(), Some(salt), rounds);
        assert_eq!(
            hash("secret", "saltSALTsalt./01", 5).unwrap(),
            "$y$j9T$saltSALTsalt./01$0.UsFX19chX6NQnz5/Q7hSJkFGnUgTE6k45x0XvoCr8"
        );
        assert_eq!(hash("", "abcd", 5).unwrap(), "$y$j9T$abcd$pqskBGfYuqGBpswYbZZNQEpyakNzB0r4YPf9t4Ca/eD");
        assert_eq!(
            hash("secret", "saltSALTsalt./01", 1).unwrap(),
            "$y$j75$saltSALTsalt./01$MMlUEohHGn/0VbHXMAZ9GIvWBneFF9A/hk1rEw6DDg7"
        );
        assert!(hash("secret", "a", 5).is_err(), "six bits are no byte");
        assert!(hash("secret", "abcd", 12).is_err());
        let random = yescrypt_hash(b"x", None, 1).unwrap();
        assert_eq!(random.split('$').nth(3).unwrap().len(), 22);
    }

    #[test]
    fn bcrypt_takes_its_own_digits() {
        let hash = bcrypt_hash(b"secret", "abcdefghijklmnopqrstuu", 4, None).unwrap();
        assert_eq!(hash, "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW");
    }
}
