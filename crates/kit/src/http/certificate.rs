//! What stands in a certificate (X.509, DER), as far as rustls does not tell.

/// A certificate, cut into its parts.
#[derive(Debug)]
pub(crate) struct Certificate<'a> {
    /// 1, 2 or 3.
    pub version: u8,
    /// What is signed.
    pub signed: &'a [u8],
    /// How.
    pub algorithm: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
    /// Who signed it.
    pub issuer: &'a [u8],
    /// Whom it is for.
    pub subject: &'a [u8],
    /// The algorithm of the subject's key.
    pub key_algorithm: &'a [u8],
    /// The subject's key.
    pub key: &'a [u8],
    /// From when, in seconds since 1970.
    pub not_before: i64,
    /// Until when.
    pub not_after: i64,
    /// Whether it names servers in the way that is meant for that.
    pub names_servers: bool,
}

const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const BYTES: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// 2.5.29.17
const ALTERNATIVE_NAMES: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x11];
/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];

impl<'a> Certificate<'a> {
    /// Cuts a certificate into its parts; `None` where it is none.
    pub(crate) fn read(der: &'a [u8]) -> Option<Self> {
        let mut whole = Parts(Parts(der).take(SEQUENCE)?);
        let start = whole.0;
        let mut parts = Parts(whole.take(SEQUENCE)?);
        let signed = start.get(..start.len() - whole.0.len())?;
        let algorithm = whole.take(SEQUENCE)?;
        let signature = whole.take(BITS)?.strip_prefix(&[0])?;
        let version = match parts.take(VERSION) {
            Some(inner) => Parts(inner).take(INTEGER)?.last()? + 1,
            None => 1,
        };
        parts.take(INTEGER)?;
        parts.take(SEQUENCE)?;
        let issuer = parts.take(SEQUENCE)?;
        let mut valid = Parts(parts.take(SEQUENCE)?);
        let (not_before, not_after) = (valid.time()?, valid.time()?);
        let subject = parts.take(SEQUENCE)?;
        let mut key_parts = Parts(parts.take(SEQUENCE)?);
        let key_algorithm = key_parts.take(SEQUENCE)?;
        let key = key_parts.take(BITS)?.strip_prefix(&[0])?;
        let mut names_servers = false;
        while let Some((tag, content)) = parts.next() {
            if tag == EXTENSIONS {
                names_servers = names_servers_in(content)?;
            }
        }
        Some(Certificate {
            version,
            signed,
            algorithm,
            signature,
            issuer,
            subject,
            key_algorithm,
            key,
            not_before,
            not_after,
            names_servers,
        })
    }

    /// The subject's common names.
    pub(crate) fn common_names(&self) -> Vec<String> {
        let (mut names, mut sets) = (Vec::new(), Parts(self.subject));
        while let Some((_, set)) = sets.next() {
            let mut pairs = Parts(set);
            while let Some((_, pair)) = pairs.next() {
                if let Some(value) = pair.strip_prefix(COMMON_NAME)
                    && let Some((_, text)) = Parts(value).next()
                {
                    names.push(String::from_utf8_lossy(text).into_owned());
                }
            }
        }
        names
    }

    /// Whether it was signed by its own subject.
    pub(crate) fn signs_itself(&self) -> bool {
        self.issuer == self.subject
    }
}

fn names_servers_in(extensions: &[u8]) -> Option<bool> {
    let mut each = Parts(Parts(extensions).take(SEQUENCE)?);
    while let Some((_, extension)) = each.next() {
        let Some(rest) = extension.strip_prefix(ALTERNATIVE_NAMES) else { continue };
        let mut rest = Parts(rest);
        while let Some((tag, content)) = rest.next() {
            if tag == BYTES {
                let mut names = Parts(Parts(content).take(SEQUENCE)?);
                // Of the kinds of names, 2 is a DNS name and 7 an address.
                return Some(std::iter::from_fn(|| names.next()).any(|(tag, _)| matches!(tag & 31, 2 | 7)));
            }
        }
    }
    Some(false)
}

/// Values one after the other.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    /// The next value: its tag and its content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, mut rest) = rest.split_first()?;
        let mut length = usize::from(*first);
        if length > 127 {
            let count = length - 128;
            let digits = rest.get(..count).filter(|digits| digits.len() <= 4)?;
            length = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
            rest = rest.get(count..)?;
        }
        let content = rest.get(..length)?;
        self.0 = rest.get(length..)?;
        Some((*tag, content))
    }

    /// The content of the next value, if it has this tag; otherwise it stays.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.0.first().filter(|first| **first == tag)?;
        self.next().map(|(_, content)| content)
    }

    /// A time, in seconds since 1970.
    fn time(&mut self) -> Option<i64> {
        let (tag, text) = self.next()?;
        let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
        let (year, rest) = text.split_at_checked(if tag == 0x17 { 2 } else { 4 })?;
        let year: i64 = year.parse().ok()?;
        let year = match tag {
            0x17 if year < 50 => 2000 + year,
            0x17 => 1900 + year,
            _ => year,
        };
        let two = |at: usize| rest.get(at..at + 2)?.parse::<i64>().ok();
        let (month, day) = (two(0)?, two(2)?);
        // Days since 1970, counting years from March.
        let (shifted, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1;
        Some((days - 719_468) * 86_400 + two(4)? * 3600 + two(6)? * 60 + two(8)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        let short = b"\x17\x0d700101000001Z";
        assert_eq!(Parts(short).time(), Some(1));
        let long = b"\x18\x0f20240229235959Z";
        assert_eq!(Parts(long).time(), Some(1_709_251_199));
    }

    #[test]
    fn a_certificate_is_cut_into_its_parts() {
        let mut asked = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        asked.distinguished_name.push(rcgen::DnType::CommonName, "the name");
        let key = rcgen::KeyPair::generate().unwrap();
        let made = asked.self_signed(&key).unwrap();
        let read = Certificate::read(made.der()).unwrap();
        assert_eq!((read.version, read.names_servers, read.signs_itself()), (3, true, true));
        assert_eq!(read.common_names(), ["the name"]);
        assert!(read.not_before < read.not_after);
        assert_eq!(read.key, key.public_key_raw());
        let none = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        assert!(!Certificate::read(none.der()).unwrap().names_servers);
        assert!(Certificate::read(b"no certificate").is_none());
    }
}
