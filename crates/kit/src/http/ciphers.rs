//! Which ciphers a list in OpenSSL's language selects. Those of TLS 1.3 are always there, as with OpenSSL.

use rustls::crypto::ring::{cipher_suite as suite, default_provider};
use rustls::{CipherSuite, SupportedCipherSuite};

/// The suites of TLS 1.2, in the order of OpenSSL, and the words that select each.
static KNOWN: [(&SupportedCipherSuite, &str, &[&str]); 6] = [
    (
        &suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        &["aECDSA", "ECDSA", "AES", "AES256", "AESGCM", "SHA384"],
    ),
    (
        &suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-RSA-AES256-GCM-SHA384",
        &["aRSA", "AES", "AES256", "AESGCM", "SHA384"],
    ),
    (
        &suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        &["aECDSA", "ECDSA", "CHACHA20"],
    ),
    (
        &suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        "ECDHE-RSA-CHACHA20-POLY1305",
        &["aRSA", "CHACHA20"],
    ),
    (
        &suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        &["aECDSA", "ECDSA", "AES", "AES128", "AESGCM", "SHA256"],
    ),
    (
        &suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-RSA-AES128-GCM-SHA256",
        &["aRSA", "AES", "AES128", "AESGCM", "SHA256"],
    ),
];

/// Words that select all of them.
const COMMON: [&str; 9] = ["ALL", "DEFAULT", "HIGH", "ECDH", "EECDH", "ECDHE", "kECDHE", "kEECDH", "TLSv1.2"];

/// The suites that a list selects, in its order; an error that names what it asks for if that is none.
pub(crate) fn selected(list: &[String]) -> Result<Vec<SupportedCipherSuite>, String> {
    let all = default_provider().cipher_suites;
    if list.is_empty() {
        return Ok(all);
    }
    let (mut chosen, mut banned): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    let words = list.iter().flat_map(|item| item.split([':', ',', ' '])).filter(|word| !word.is_empty());
    let mut foreign = Vec::new();
    for word in words {
        let (sign, word) = match word.chars().next() {
            Some(sign @ ('!' | '-' | '+' | '@')) => (sign, word.get(1..).unwrap_or_default()),
            _ => (' ', word),
        };
        let matched: Vec<usize> = (0..KNOWN.len()).filter(|at| fits(*at, word)).collect();
        if matched.is_empty() && sign == ' ' {
            foreign.push(word);
        }
        match sign {
            ' ' => chosen.extend(
                matched
                    .into_iter()
                    .filter(|at| !banned.contains(at))
                    .filter(|at| !chosen.contains(at))
                    .collect::<Vec<_>>(),
            ),
            '+' => {
                let moved: Vec<usize> = chosen.iter().copied().filter(|at| matched.contains(at)).collect();
                chosen.retain(|at| !matched.contains(at));
                chosen.extend(moved);
            }
            '!' => {
                chosen.retain(|at| !matched.contains(at));
                banned.extend(matched);
            }
            '-' => chosen.retain(|at| !matched.contains(at)),
            // Orders (@STRENGTH) and levels (@SECLEVEL=2): these suites are of one strength and pass all levels.
            _ => {}
        }
    }
    if chosen.is_empty() {
        let names: Vec<&str> = KNOWN.iter().map(|(_, name, _)| *name).collect();
        let asked = if foreign.is_empty() { list.join(":") } else { foreign.join(", ") };
        return Err(format!(
            "No cipher can be selected: {asked} is not supported; of TLS 1.2 these are: {}",
            names.join(", ")
        ));
    }
    let of_tls13 = all.into_iter().filter(|suite| suite.tls13().is_some());
    let of_tls12 = chosen.into_iter().filter_map(|at| KNOWN.get(at)).map(|(suite, ..)| **suite);
    Ok(of_tls13.chain(of_tls12).collect())
}

/// Whether `ECDHE+AESGCM`, or a suite's own name, selects this one.
fn fits(at: usize, word: &str) -> bool {
    let Some((suite, name, words)) = KNOWN.get(at) else { return false };
    let standard = |suite: CipherSuite| suite.as_str().is_some_and(|name| name == word);
    let one = |part: &str| COMMON.contains(&part) || words.contains(&part);
    *name == word || standard(suite.suite()) || word.split('+').all(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        let list: Vec<String> = list.iter().map(|item| (*item).to_owned()).collect();
        let chosen = selected(&list).unwrap();
        let of_tls12 = chosen.iter().filter(|suite| suite.tls13().is_none());
        of_tls12
            .map(|suite| {
                KNOWN.iter().find(|(known, ..)| known.suite() == suite.suite()).unwrap().1.to_owned()
            })
            .collect()
    }

    #[test]
    fn lists_select_as_openssl_has_it() {
        assert_eq!(names(&["ECDHE-RSA-AES128-GCM-SHA256"]), ["ECDHE-RSA-AES128-GCM-SHA256"]);
        // The example of Ansible's own page.
        let page =
            ["@SECLEVEL=2", "ECDH+AESGCM", "ECDH+CHACHA20", "DHE+AES", "!aNULL", "!eNULL", "!aDSS", "!SHA1"];
        let all = names(&page);
        assert_eq!(all.len(), 6);
        assert!(all[4].contains("CHACHA20"), "{all:?}");
        assert_eq!(names(&["HIGH:!aECDSA", "!CHACHA20"]).len(), 2);
        assert_eq!(names(&["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"]), ["ECDHE-RSA-CHACHA20-POLY1305"]);
        assert_eq!(names(&["DHE-RSA-AES128-SHA", "ECDHE+AES128+aRSA"]), ["ECDHE-RSA-AES128-GCM-SHA256"]);
    }

    #[test]
    fn a_cipher_that_nobody_has_is_named() {
        let why = selected(&["DHE-RSA-AES128-SHA".to_owned()]).unwrap_err();
        assert!(why.starts_with("No cipher can be selected: DHE-RSA-AES128-SHA is not supported"), "{why}");
    }
}
