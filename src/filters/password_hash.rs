//! `password_hash`: passwords as the systems' shadow files have them.

use md5::{Digest, Md5};
use sha_crypt::{Params, sha256_crypt, sha512_crypt};
use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, given, integer};
use shevek_python::bytes::bytes_of;
use shevek_python::mersenne::Random;
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["password_hash"], markers: Markers::Propagate, run: password_hash }];

/// The digits of crypt's base 64.
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Those of bcrypt's.
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
            let salt = salt(8, 8)?;
            format!("$1${salt}${}", md5_crypt(&secret, salt.as_bytes()))
        }
        "sha256" | "sha256_crypt" => {
            let (params, shown) = sha_rounds(rounds.unwrap_or(535_000))?;
            let salt = salt(16, 16)?;
            let digest = sha256_crypt(&secret, salt.as_bytes(), params);
            format!("$5${shown}{salt}${}", sha256_digits(&digest))
        }
        "sha512" | "sha512_crypt" => {
            let (params, shown) = sha_rounds(rounds.unwrap_or(656_000))?;
            let salt = salt(16, 16)?;
            let digest = sha512_crypt(&secret, salt.as_bytes(), params);
            format!("$6${shown}{salt}${}", sha512_digits(&digest))
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

/// The rounds of SHA-crypt, and as the hash shows them.
fn sha_rounds(rounds: i64) -> Result<(Params, String)> {
    let params = u32::try_from(rounds).ok().and_then(|rounds| Params::new(rounds).ok()).ok_or_else(|| {
        Diagnostic::new("Could not hash the secret.").detail("rounds must be from 1000 to 999999999")
    })?;
    Ok((params, if rounds == 5000 { String::new() } else { format!("rounds={rounds}$") }))
}

/// Digits of base 64, three bytes at a time, the lowest bits first.
fn little_endian_digits(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let mut number = chunk.iter().rev().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        for _ in 0..=chunk.len() {
            out.extend(DIGITS.get((number & 0x3f) as usize).copied().map(char::from));
            number >>= 6;
        }
    }
    out
}

/// The bytes of such digits; `None`: digits that stand for no whole bytes, or no digits.
fn little_endian_bytes(digits: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for chunk in digits.as_bytes().chunks(4) {
        let mut number = 0;
        for (place, digit) in chunk.iter().enumerate() {
            number |= u32::try_from(DIGITS.iter().position(|known| known == digit)?).ok()? << (6 * place);
        }
        let whole = chunk.len() * 6 / 8;
        if whole == 0 || number >> (8 * whole) != 0 {
            return None;
        }
        bytes.extend(number.to_le_bytes().into_iter().take(whole));
    }
    Some(bytes)
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
            little_endian_digits(&(0..16).map(|_| random.below(256).to_le_bytes()[0]).collect::<Vec<u8>>())
        }
    };
    let bytes = little_endian_bytes(&salt).ok_or_else(|| {
        wrong("the salt of yescrypt must be digits of ./0-9A-Za-z that stand for whole bytes".to_owned())
    })?;
    let mut key = [0; 32];
    yescrypt::Params::new(yescrypt::Mode::Rw, 1 << log_n, r, 1)
        .and_then(|params| yescrypt::yescrypt(password, &bytes, &params, &mut key))
        .map_err(|error| wrong(error.to_string()))?;
    let digit = |number: u32| DIGITS.get(number as usize).copied().map_or('.', char::from);
    Ok(format!("$y$j{}{}${salt}${}", digit(log_n - 1), digit(r - 1), little_endian_digits(&key)))
}

/// The digits take the bytes from three thirds, in turns.
fn sha512_digits(digest: &[u8; 64]) -> String {
    shuffled_digits(digest, 21, [63].as_slice(), |[a, b, c]| [b + 1, c + 1, a + 1])
}

fn sha256_digits(digest: &[u8; 32]) -> String {
    shuffled_digits(digest, 10, [30, 31].as_slice(), |[a, b, c]| [c + 1, a + 1, b + 1])
}

fn shuffled_digits(
    digest: &[u8],
    third: usize,
    last: &[usize],
    turn: fn([usize; 3]) -> [usize; 3],
) -> String {
    let mut places = [0, third, 2 * third];
    let mut order: Vec<usize> = Vec::with_capacity(digest.len());
    for _ in 0..third {
        order.extend(places.iter().rev());
        places = turn(places);
    }
    order.extend(last);
    let bytes: Vec<u8> = order.iter().filter_map(|at| digest.get(*at)).copied().collect();
    little_endian_digits(&bytes)
}

/// FreeBSD's MD5-crypt.
fn md5_crypt(password: &[u8], salt: &[u8]) -> String {
    let mut alternate = Md5::new();
    for part in [password, salt, password] {
        alternate.update(part);
    }
    let alternate = alternate.finalize();
    let mut context = Md5::new();
    for part in [password, b"$1$", salt] {
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
    let mut digest = context.finalize();
    for round in 0..1000 {
        let mut context = Md5::new();
        let odd = round & 1 == 1;
        if odd {
            context.update(password)
        } else {
            context.update(digest)
        }
        if round % 3 != 0 {
            context.update(salt);
        }
        if round % 7 != 0 {
            context.update(password);
        }
        if odd {
            context.update(digest)
        } else {
            context.update(password)
        }
        digest = context.finalize();
    }
    // The order in which the digits take the bytes.
    let order = [12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11];
    let bytes: Vec<u8> = order.iter().filter_map(|at| digest.get(*at)).copied().collect();
    little_endian_digits(&bytes)
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
    fn md5_crypt_is_what_crypt_makes() {
        assert_eq!(md5_crypt(b"secret", b"saltsalt"), "9xy1btjgzLYfb7hivXtC//");
    }

    #[test]
    fn sha_crypt_is_what_crypt_makes() {
        let (params, shown) = sha_rounds(5000).unwrap();
        assert_eq!(shown, "");
        let digits = sha256_digits(&sha256_crypt(b"secret", b"saltsalt", params));
        assert_eq!(digits, "0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA");
        let digits = sha512_digits(&sha512_crypt(b"secret", b"saltsalt", params));
        assert_eq!(
            digits,
            "TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1"
        );
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
