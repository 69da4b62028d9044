//! Names: of objects, of people and machines.

use std::net::{Ipv4Addr, Ipv6Addr};

use shevek_value::{Map, Value};

use super::asn1::{Node, SEQUENCE, nodes, oid};

/// Number, name, short name.
const OBJECTS: &[(&str, &str, &str)] = &[
    ("2.5.4.3", "commonName", "CN"),
    ("2.5.4.4", "surname", "SN"),
    ("2.5.4.5", "serialNumber", "serialNumber"),
    ("2.5.4.6", "countryName", "C"),
    ("2.5.4.7", "localityName", "L"),
    ("2.5.4.8", "stateOrProvinceName", "ST"),
    ("2.5.4.9", "streetAddress", "street"),
    ("2.5.4.10", "organizationName", "O"),
    ("2.5.4.11", "organizationalUnitName", "OU"),
    ("2.5.4.12", "title", "title"),
    ("2.5.4.13", "description", "description"),
    ("2.5.4.15", "businessCategory", "businessCategory"),
    ("2.5.4.17", "postalCode", "postalCode"),
    ("2.5.4.20", "telephoneNumber", "telephoneNumber"),
    ("2.5.4.41", "name", "name"),
    ("2.5.4.42", "givenName", "GN"),
    ("2.5.4.43", "initials", "initials"),
    ("2.5.4.44", "generationQualifier", "generationQualifier"),
    ("2.5.4.45", "x500UniqueIdentifier", "x500UniqueIdentifier"),
    ("2.5.4.46", "dnQualifier", "dnQualifier"),
    ("2.5.4.65", "pseudonym", "pseudonym"),
    ("2.5.4.97", "organizationIdentifier", "organizationIdentifier"),
    ("0.9.2342.19200300.100.1.1", "userId", "UID"),
    ("0.9.2342.19200300.100.1.25", "domainComponent", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress", "emailAddress"),
    ("1.2.840.113549.1.9.2", "unstructuredName", "unstructuredName"),
    ("1.3.6.1.4.1.311.60.2.1.1", "jurisdictionLocalityName", "jurisdictionL"),
    ("1.3.6.1.4.1.311.60.2.1.2", "jurisdictionStateOrProvinceName", "jurisdictionST"),
    ("1.3.6.1.4.1.311.60.2.1.3", "jurisdictionCountryName", "jurisdictionC"),
    ("1.3.6.1.5.5.7.3.1", "TLS Web Server Authentication", "serverAuth"),
    ("1.3.6.1.5.5.7.3.2", "TLS Web Client Authentication", "clientAuth"),
    ("1.3.6.1.5.5.7.3.3", "Code Signing", "codeSigning"),
    ("1.3.6.1.5.5.7.3.4", "E-mail Protection", "emailProtection"),
    ("1.3.6.1.5.5.7.3.5", "IPSec End System", "ipsecEndSystem"),
    ("1.3.6.1.5.5.7.3.6", "IPSec Tunnel", "ipsecTunnel"),
    ("1.3.6.1.5.5.7.3.7", "IPSec User", "ipsecUser"),
    ("1.3.6.1.5.5.7.3.8", "Time Stamping", "timeStamping"),
    ("1.3.6.1.5.5.7.3.9", "OCSP Signing", "OCSPSigning"),
    ("1.3.6.1.5.5.7.3.17", "ipsec Internet Key Exchange", "ipsecIKE"),
    ("1.3.6.1.5.5.7.3.21", "SSH Client", "secureShellClient"),
    ("1.3.6.1.5.5.7.3.22", "SSH Server", "secureShellServer"),
    ("2.5.29.37.0", "Any Extended Key Usage", "anyExtendedKeyUsage"),
    ("1.3.6.1.5.2.3.4", "PKINIT Client Auth", "pkInitClientAuth"),
    ("1.3.6.1.5.2.3.5", "Signing KDC Response", "pkInitKDC"),
    ("1.3.6.1.4.1.311.20.2.2", "Microsoft Smartcardlogin", "msSmartcardLogin"),
    ("1.3.6.1.4.1.311.10.3.4", "Microsoft Encrypted File System", "msEFS"),
    ("1.3.6.1.4.1.311.2.1.21", "Microsoft Individual Code Signing", "msCodeInd"),
    ("1.3.6.1.4.1.311.2.1.22", "Microsoft Commercial Code Signing", "msCodeCom"),
    ("1.3.6.1.4.1.311.10.3.1", "Microsoft Trust List Signing", "msCTLSign"),
    ("1.3.6.1.4.1.311.10.3.3", "Microsoft Server Gated Crypto", "msSGC"),
    ("1.2.840.113549.1.1.1", "rsaEncryption", "rsaEncryption"),
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption", "RSA-MD5"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption", "RSA-SHA1"),
    ("1.2.840.113549.1.1.10", "rsassaPss", "RSASSA-PSS"),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption", "RSA-SHA256"),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption", "RSA-SHA384"),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption", "RSA-SHA512"),
    ("1.2.840.113549.1.1.14", "sha224WithRSAEncryption", "RSA-SHA224"),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1", "ecdsa-with-SHA1"),
    ("1.2.840.10045.4.3.1", "ecdsa-with-SHA224", "ecdsa-with-SHA224"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256", "ecdsa-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384", "ecdsa-with-SHA384"),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512", "ecdsa-with-SHA512"),
    ("1.3.101.112", "ED25519", "ED25519"),
    ("1.3.101.113", "ED448", "ED448"),
    ("2.16.840.1.101.3.4.3.1", "dsa_with_SHA224", "dsa_with_SHA224"),
    ("2.16.840.1.101.3.4.3.2", "dsa_with_SHA256", "dsa_with_SHA256"),
    ("1.2.840.10040.4.3", "dsaWithSHA1", "DSA-SHA1"),
];

/// The name of an object; its number if it has none here.
pub(crate) fn object(oid: &str) -> String {
    OBJECTS
        .iter()
        .find(|(known, ..)| *known == oid)
        .map_or_else(|| oid.to_owned(), |(_, name, _)| (*name).to_owned())
}

fn short(oid: &str) -> String {
    OBJECTS
        .iter()
        .find(|(known, ..)| *known == oid)
        .map_or_else(|| oid.to_owned(), |(.., name)| (*name).to_owned())
}

/// The text of a string of any of its kinds.
fn text(node: Node<'_>) -> Option<String> {
    match node.tag {
        0x14 => Some(node.value.iter().map(|byte| char::from(*byte)).collect()),
        0x1e => {
            let units = node
                .value
                .chunks_exact(2)
                .map(|pair| pair.iter().fold(0u16, |all, b| all << 8 | u16::from(*b)));
            Some(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
        }
        0x1c => {
            let chars = node
                .value
                .chunks_exact(4)
                .map(|four| four.iter().fold(0u32, |all, b| all << 8 | u32::from(*b)));
            chars.map(char::from_u32).collect()
        }
        _ => Some(String::from_utf8_lossy(node.value).into_owned()),
    }
}

/// The attributes of a distinguished name: number and text.
pub(crate) fn attributes(name: Node<'_>) -> Option<Vec<(String, String)>> {
    let mut out = Vec::new();
    for set in name.inside(SEQUENCE)? {
        for pair in nodes(set.value)? {
            match pair.inside(SEQUENCE)?.as_slice() {
                [kind, value] => out.push((kind.oid()?, text(*value)?)),
                _ => return None,
            }
        }
    }
    Some(out)
}

/// A distinguished name as a mapping, and as a list of pairs.
pub(crate) fn distinguished(name: Node<'_>) -> Option<(Value, Value)> {
    let all = attributes(name)?;
    let pair = |(kind, text): &(String, String)| (Value::from(object(kind)), Value::from(text.as_str()));
    let map: Map = all.iter().map(pair).collect();
    let list = all.iter().map(|attribute| {
        let (kind, text) = pair(attribute);
        Value::list(vec![kind, text])
    });
    let list = Value::list(list.collect());
    Some((Value::map(map), list))
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for (place, c) in text.char_indices() {
        let last = place + c.len_utf8() == text.len();
        match c {
            '\0' => out.push_str("\\00"),
            '\\' | ',' | '+' | '<' | '>' | ';' | '"' => out.extend(['\\', c]),
            ' ' | '#' if place == 0 => out.extend(['\\', c]),
            ' ' if last => out.push_str("\\ "),
            c => out.push(c),
        }
    }
    out
}

/// `DNS:example.com`, `IP:192.0.2.1` …
pub(crate) fn general(node: Node<'_>) -> Option<String> {
    let plain = || String::from_utf8_lossy(node.value).into_owned();
    Some(match node.tag {
        0x81 => format!("email:{}", plain()),
        0x82 => format!("DNS:{}", plain()),
        0x86 => format!("URI:{}", plain()),
        0x87 => format!("IP:{}", address(node.value)?),
        0x88 => format!("RID:{}", oid(node.value)?),
        0xa4 => {
            let name = nodes(node.value)?.first().copied()?;
            let parts = attributes(name)?.into_iter().rev();
            let parts: Vec<String> =
                parts.map(|(kind, text)| format!("{}={}", short(&kind), escaped(&text))).collect();
            format!("dirName:{}", parts.join(","))
        }
        0xa0 => match nodes(node.value)?.as_slice() {
            [kind, value] => {
                let hex: Vec<String> = value.value.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("otherName:{};{}", kind.oid()?, hex.join(":"))
            }
            _ => return None,
        },
        _ => return None,
    })
}

/// All of a list of them.
pub(crate) fn generals(bytes: &[u8]) -> Option<Value> {
    let all: Option<Vec<Value>> =
        nodes(bytes)?.into_iter().map(|node| general(node).map(Value::from)).collect();
    all.map(Value::list)
}

/// An address, or a network with its mask.
fn address(bytes: &[u8]) -> Option<String> {
    let one = |bytes: &[u8]| match bytes.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).to_string()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string()),
        _ => None,
    };
    match bytes.len() {
        8 | 32 => {
            let (address, mask) = bytes.split_at(bytes.len() / 2);
            let prefix: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
            Some(format!("{}/{prefix}", one(address)?))
        }
        _ => one(bytes),
    }
}
