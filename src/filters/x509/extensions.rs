//! The extensions of certificates and requests.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use shevek_value::{Map, Value};

use super::asn1::{Node, OCTETS, SEQUENCE, nodes, only};
use super::fingerprints::colons;
use super::names::{generals, object};

/// One extension.
pub(crate) struct Extension<'a> {
    pub oid: String,
    pub critical: bool,
    pub value: &'a [u8],
}

/// The extensions of a list of them.
pub(crate) struct Extensions<'a>(pub Vec<Extension<'a>>);

type Parts = Vec<(&'static str, Value)>;

impl<'a> Extensions<'a> {
    /// Reads `SEQUENCE OF Extension`.
    pub(crate) fn read(list: Node<'a>) -> Option<Self> {
        let mut out = Vec::new();
        for extension in list.inside(SEQUENCE)? {
            let parts = extension.inside(SEQUENCE)?;
            let value = parts.last().filter(|node| node.tag == OCTETS)?.value;
            let critical = parts.get(1).is_some_and(|node| node.is_true());
            out.push(Extension { oid: parts.first()?.oid()?, critical, value });
        }
        Some(Self(out))
    }

    pub(crate) fn get(&self, oid: &str) -> Option<&Extension<'a>> {
        self.0.iter().find(|extension| extension.oid == oid)
    }

    /// What is under the number, as `show` shows it, and whether it is critical.
    fn part(&self, oid: &str, show: impl Fn(&[u8]) -> Option<Value>) -> Option<(Value, Value)> {
        match self.get(oid) {
            None => Some((Value::NULL, Value::from(false))),
            Some(extension) => Some((show(extension.value)?, Value::from(extension.critical))),
        }
    }

    /// Usages, constraints and names, in the order of the filters' results. `None`: one is damaged.
    pub(crate) fn usages(&self) -> Option<Parts> {
        let (usage, usage_critical) = self.part("2.5.29.15", key_usage)?;
        let (extended, extended_critical) = self.part("2.5.29.37", extended_usage)?;
        let (basic, basic_critical) = self.part("2.5.29.19", basic_constraints)?;
        let (staple, staple_critical) = self.part("1.3.6.1.5.5.7.1.24", |bytes| {
            let features = only(bytes)?.inside(SEQUENCE)?;
            Some(Value::from(features.iter().any(|feature| feature.value == [5])))
        })?;
        let (names, names_critical) = self.part("2.5.29.17", |bytes| generals(only(bytes)?.value))?;
        Some(vec![
            ("key_usage", usage),
            ("key_usage_critical", usage_critical),
            ("extended_key_usage", extended),
            ("extended_key_usage_critical", extended_critical),
            ("basic_constraints", basic),
            ("basic_constraints_critical", basic_critical),
            ("ocsp_must_staple", staple),
            ("ocsp_must_staple_critical", staple_critical),
            ("subject_alt_name", names),
            ("subject_alt_name_critical", names_critical),
        ])
    }

    /// Which names a subordinate may give.
    pub(crate) fn name_constraints(&self) -> Option<Parts> {
        let trees = |tag: u8| {
            self.part("2.5.29.30", |bytes| {
                let lists = only(bytes)?.inside(SEQUENCE)?;
                let Some(list) = lists.into_iter().find(|list| list.tag == tag) else {
                    return Some(Value::list(Vec::new()));
                };
                let mut out = Vec::new();
                for tree in nodes(list.value)? {
                    let base = tree.inside(SEQUENCE)?.first()?.full;
                    out.extend(generals(base)?.as_list()?.iter().cloned());
                }
                Some(Value::list(out))
            })
        };
        let ((permitted, critical), (excluded, _)) = (trees(0xa0)?, trees(0xa1)?);
        Some(vec![
            ("name_constraints_permitted", permitted),
            ("name_constraints_excluded", excluded),
            ("name_constraints_critical", critical),
        ])
    }

    /// Which key it is for, and by which it is signed.
    pub(crate) fn identifiers(&self) -> Option<Parts> {
        let (own, _) = self.part("2.5.29.14", |bytes| Some(Value::from(colons(only(bytes)?.value))))?;
        let authority = match self.get("2.5.29.35") {
            None => Vec::new(),
            Some(extension) => only(extension.value)?.inside(SEQUENCE)?,
        };
        let of = |tag: u8| authority.iter().copied().find(|node| node.tag == tag);
        let key = of(0x80).map(|node| Value::from(colons(node.value)));
        let issuer = match of(0xa1) {
            None => Value::NULL,
            Some(node) => generals(node.value)?,
        };
        let serial = of(0x82).map(|node| Value::big(num_bigint::BigInt::from_signed_bytes_be(node.value)));
        Some(vec![
            ("subject_key_identifier", own),
            ("authority_key_identifier", key.unwrap_or_default()),
            ("authority_cert_issuer", issuer),
            ("authority_cert_serial_number", serial.unwrap_or_default()),
        ])
    }

    /// All of them, undecoded.
    pub(crate) fn by_oid(&self) -> Value {
        let entry = |extension: &Extension<'_>| {
            let parts = [
                ("critical", Value::from(extension.critical)),
                ("value", Value::from(BASE64.encode(extension.value))),
            ];
            (Value::from(extension.oid.as_str()), Value::dict(parts))
        };
        Value::map(self.0.iter().map(entry).collect::<Map>())
    }

    /// The first address of a kind at which more is said about the authority.
    pub(crate) fn authority_uri(&self, kind: &str) -> Option<Value> {
        let Some(extension) = self.get("1.3.6.1.5.5.7.1.1") else { return Some(Value::NULL) };
        for access in only(extension.value)?.inside(SEQUENCE)? {
            if let [method, place] = access.inside(SEQUENCE)?.as_slice()
                && method.oid()? == kind
                && place.tag == 0x86
            {
                return Some(Value::from(String::from_utf8_lossy(place.value).into_owned()));
            }
        }
        Some(Value::NULL)
    }
}

fn key_usage(bytes: &[u8]) -> Option<Value> {
    const NAMES: [&str; 9] = [
        "Digital Signature",
        "Non Repudiation",
        "Key Encipherment",
        "Data Encipherment",
        "Key Agreement",
        "Certificate Sign",
        "CRL Sign",
        "Encipher Only",
        "Decipher Only",
    ];
    let bits = only(bytes)?.bits()?;
    let has = |place: usize| bits.get(place / 8).is_some_and(|byte| byte & (0x80 >> (place % 8)) != 0);
    let named = NAMES.iter().enumerate().filter(|(place, _)| has(*place) && (*place < 7 || has(4)));
    Some(sorted(named.map(|(_, name)| (*name).to_owned()).collect()))
}

fn extended_usage(bytes: &[u8]) -> Option<Value> {
    let all: Option<Vec<String>> =
        only(bytes)?.inside(SEQUENCE)?.into_iter().map(|node| node.oid().map(|oid| object(&oid))).collect();
    all.map(sorted)
}

fn basic_constraints(bytes: &[u8]) -> Option<Value> {
    let parts = only(bytes)?.inside(SEQUENCE)?;
    let is_ca = parts.first().is_some_and(|node| node.is_true());
    let mut out = vec![format!("CA:{}", if is_ca { "TRUE" } else { "FALSE" })];
    if let Some(length) = parts.iter().find_map(|node| node.number()) {
        out.push(format!("pathlen:{length}"));
    }
    Some(sorted(out))
}

fn sorted(mut texts: Vec<String>) -> Value {
    texts.sort();
    Value::list(texts.into_iter().map(Value::from).collect())
}
