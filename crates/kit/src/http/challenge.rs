//! [`Challenge`]: what a server wants to hear of a user before it answers, and what it is told (RFC 7617, RFC 7616).

use std::io;

use super::conversation::basic;
use super::{Request, Response, url};
use crate::checksum::{Algorithm, checksum};
use crate::fault::{Fault, Result};

/// What a server wants to hear.
pub(crate) enum Challenge {
    /// Name and password as they are.
    Basic,
    /// A digest of them.
    Digest(Vec<(String, String)>),
}

impl Challenge {
    /// The challenge of an answer; of several the digest, as in Python.
    pub(crate) fn of<B>(response: &Response<B>) -> Option<Self> {
        let asked = response.headers.iter().filter(|(k, _)| k == "www-authenticate").map(|(_, v)| v.as_str());
        let mut basic = None;
        for value in asked {
            let lower = value.to_lowercase();
            if let Some(at) = lower.find("digest ") {
                return Some(Challenge::Digest(parameters(value.get(at + 7..).unwrap_or_default())));
            }
            if lower.contains("basic") {
                basic = Some(Challenge::Basic);
            }
        }
        basic
    }

    /// The header `Authorization` that answers it.
    pub(crate) fn answer(&self, request: &Request, user: &str, password: &str) -> Result<String> {
        let given = match self {
            Challenge::Basic => return Ok(basic(user, password)),
            Challenge::Digest(given) => given,
        };
        let get = |name: &str| given.iter().find(|(k, _)| k == name).map_or("", |(_, v)| v.as_str());
        let mut random = [0u8; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(|e| Fault::new(format!("no random numbers: {}", io::Error::from(e))))?;
        let client = crate::checksum::hex(&random);
        let algorithm = match get("algorithm").to_uppercase().as_str() {
            "" | "MD5" => Algorithm::Md5,
            "SHA" => Algorithm::Sha1,
            "SHA-256" => Algorithm::Sha256,
            other => {
                return Err(Fault::new(format!("digest authentication with {other} is not supported")));
            }
        };
        let sum = |text: String| checksum(algorithm, &mut text.as_bytes()).unwrap_or_default();
        let (realm, nonce) = (get("realm"), get("nonce"));
        let target = url::target(&request.url);
        let who = sum(format!("{user}:{realm}:{password}"));
        let what = sum(format!("{}:{target}", request.method));
        let quality = get("qop").split(',').any(|word| word.trim() == "auth");
        let proof = match (quality, get("qop")) {
            (true, _) => sum(format!("{who}:{nonce}:00000001:{client}:auth:{what}")),
            (false, "") => sum(format!("{who}:{nonce}:{what}")),
            (false, other) => {
                return Err(Fault::new(format!("digest authentication with qop {other} is not supported")));
            }
        };
        let mut value = format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{target}\", response=\"{proof}\""
        );
        if !get("opaque").is_empty() {
            value.push_str(&format!(", opaque=\"{}\"", get("opaque")));
        }
        if !get("algorithm").is_empty() {
            value.push_str(&format!(", algorithm=\"{}\"", get("algorithm")));
        }
        if quality {
            value.push_str(&format!(", qop=auth, nc=00000001, cnonce=\"{client}\""));
        }
        Ok(value)
    }
}

/// `a="x, y", b=z` as pairs.
fn parameters(text: &str) -> Vec<(String, String)> {
    let (mut pairs, mut rest) = (Vec::new(), text);
    while let Some((name, after)) = rest.split_once('=') {
        let (value, more) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        pairs.push((name.trim_matches([' ', ',']).to_lowercase(), value.trim().to_owned()));
        rest = more;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_asked_for_in_one_header_with_its_parts() {
        let answer = Response::new(401, "").header(
            "WWW-Authenticate",
            r#"Basic realm="x", Digest realm="a, b", nonce="n=", qop="auth,auth-int", algorithm=SHA-256"#,
        );
        let Some(Challenge::Digest(parts)) = Challenge::of(&answer) else { panic!() };
        let get = |name: &str| parts.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str());
        assert_eq!(get("realm"), Some("a, b"));
        assert_eq!(get("nonce"), Some("n="));
        assert_eq!(get("qop"), Some("auth,auth-int"));
        assert_eq!(get("algorithm"), Some("SHA-256"));
    }
}
