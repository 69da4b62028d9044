//! Records: as text, and as mappings.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use shevek_value::{DateTime, Value};

use super::message::Reader;

/// A type of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind(pub u16);

const KINDS: &[(&str, u16)] = &[
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("HINFO", 13),
    ("MX", 15),
    ("TXT", 16),
    ("RP", 17),
    ("AAAA", 28),
    ("LOC", 29),
    ("SRV", 33),
    ("NAPTR", 35),
    ("DNAME", 39),
    ("DS", 43),
    ("SSHFP", 44),
    ("RRSIG", 46),
    ("DNSKEY", 48),
    ("NSEC3PARAM", 51),
    ("TLSA", 52),
    ("SPF", 99),
    ("CAA", 257),
];

impl Kind {
    /// The one of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        KINDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, number)| Self(*number))
    }

    /// All names.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|(name, _)| *name)
    }

    /// Its name.
    pub(crate) fn name(self) -> String {
        let known = KINDS.iter().find(|(_, number)| *number == self.0);
        known.map_or_else(|| format!("TYPE{}", self.0), |(name, _)| (*name).to_owned())
    }
}

/// The number of a class of records.
pub(crate) fn class_number(name: &str) -> Option<u16> {
    match name.to_uppercase().as_str() {
        "IN" | "INTERNET" => Some(1),
        "CH" | "CHAOS" => Some(3),
        "HS" | "HESIOD" => Some(4),
        "NONE" => Some(254),
        "ANY" => Some(255),
        other => other.strip_prefix("CLASS")?.parse().ok(),
    }
}

/// Its name.
pub(crate) fn class_name(number: u16) -> String {
    match number {
        1 => "IN".to_owned(),
        3 => "CH".to_owned(),
        4 => "HS".to_owned(),
        254 => "NONE".to_owned(),
        255 => "ANY".to_owned(),
        other => format!("CLASS{other}"),
    }
}

/// What a record says.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// In one line, as zone files have it.
    pub text: String,
    /// Its parts by name.
    pub parts: Vec<(&'static str, Value)>,
}

/// Reads the data of a record; `None`: they are malformed.
pub(crate) fn read(kind: Kind, reader: &mut Reader<'_>) -> Option<Said> {
    let said = |text: String, parts: Vec<(&'static str, Value)>| Some(Said { text, parts });
    let number = |number: u16| Value::from(i64::from(number));
    match kind.name().as_str() {
        "A" => {
            let address = Ipv4Addr::from(<[u8; 4]>::try_from(reader.rest()?).ok()?).to_string();
            said(address.clone(), vec![("address", Value::from(address))])
        }
        "AAAA" => {
            let address = address6(<[u8; 16]>::try_from(reader.rest()?).ok()?);
            said(address.clone(), vec![("address", Value::from(address))])
        }
        "NS" | "CNAME" | "PTR" | "DNAME" => {
            let target = reader.name()?;
            said(target.clone(), vec![("target", Value::from(target))])
        }
        "SOA" => {
            let (mname, rname) = (reader.name()?, reader.name()?);
            let mut text = format!("{mname} {rname}");
            let mut parts = vec![("mname", Value::from(mname)), ("rname", Value::from(rname))];
            for name in ["serial", "refresh", "retry", "expire", "minimum"] {
                let number = reader.number32()?;
                text.push_str(&format!(" {number}"));
                parts.push((name, Value::from(i64::from(number))));
            }
            said(text, parts)
        }
        "MX" => {
            let (preference, exchange) = (reader.number16()?, reader.name()?);
            let text = format!("{preference} {exchange}");
            said(text, vec![("preference", number(preference)), ("exchange", Value::from(exchange))])
        }
        "HINFO" => {
            let (cpu, os) = (reader.string()?, reader.string()?);
            let text = format!("{} {}", quoted(cpu), quoted(os));
            said(text, vec![("cpu", Value::bytes(cpu)), ("os", Value::bytes(os))])
        }
        "TXT" | "SPF" => {
            let mut strings = Vec::new();
            while !reader.is_done() {
                strings.push(reader.string()?);
            }
            let text: Vec<String> = strings.iter().map(|text| quoted(text)).collect();
            let strings = strings.into_iter().map(Value::bytes).collect();
            said(text.join(" "), vec![("strings", Value::tuple(strings))])
        }
        "RP" => {
            let (mbox, txt) = (reader.name()?, reader.name()?);
            let text = format!("{mbox} {txt}");
            said(text, vec![("mbox", Value::from(mbox)), ("txt", Value::from(txt))])
        }
        "LOC" => location(reader),
        "SRV" => {
            let (priority, weight, port) = (reader.number16()?, reader.number16()?, reader.number16()?);
            let target = reader.name()?;
            let text = format!("{priority} {weight} {port} {target}");
            let numbers = vec![
                ("priority", number(priority)),
                ("weight", number(weight)),
                ("port", number(port)),
                ("target", Value::from(target)),
            ];
            said(text, numbers)
        }
        "NAPTR" => {
            let (order, preference) = (reader.number16()?, reader.number16()?);
            let (flags, service, regexp) = (reader.string()?, reader.string()?, reader.string()?);
            let replacement = reader.name()?;
            let strings = [flags, service, regexp].map(quoted).join(" ");
            let text = format!("{order} {preference} {strings} {replacement}");
            let parts = vec![
                ("order", number(order)),
                ("preference", number(preference)),
                ("flags", Value::bytes(flags)),
                ("service", Value::bytes(service)),
                ("regexp", Value::bytes(regexp)),
                ("replacement", Value::from(replacement)),
            ];
            said(text, parts)
        }
        "DS" => {
            let (tag, algorithm, digest_type) = (reader.number16()?, reader.number8()?, reader.number8()?);
            let digest = hex(reader.rest()?);
            let text = format!("{tag} {algorithm} {digest_type} {}", chunks(&digest, 128));
            let parts = vec![
                ("algorithm", number(algorithm.into())),
                ("digest_type", number(digest_type.into())),
                ("key_tag", number(tag)),
                ("digest", Value::from(digest)),
            ];
            said(text, parts)
        }
        "SSHFP" => {
            let (algorithm, form) = (reader.number8()?, reader.number8()?);
            let print = hex(reader.rest()?);
            let text = format!("{algorithm} {form} {}", chunks(&print, 128));
            let parts = vec![
                ("algorithm", number(algorithm.into())),
                ("fp_type", number(form.into())),
                ("fingerprint", Value::from(print)),
            ];
            said(text, parts)
        }
        "RRSIG" => {
            let covered = Kind(reader.number16()?).name();
            let (algorithm, labels) = (reader.number8()?, reader.number8()?);
            let ttl = reader.number32()?;
            let (expires, begins) = (moment(reader.number32()?)?, moment(reader.number32()?)?);
            let (tag, signer) = (reader.number16()?, reader.name()?);
            let signature = chunks(&BASE64.encode(reader.rest()?), 32);
            let text =
                format!("{covered} {algorithm} {labels} {ttl} {expires} {begins} {tag} {signer} {signature}");
            said(text, Vec::new())
        }
        "DNSKEY" => {
            let (flags, protocol, algorithm) = (reader.number16()?, reader.number8()?, reader.number8()?);
            let key = BASE64.encode(reader.rest()?);
            let text = format!("{flags} {protocol} {algorithm} {}", chunks(&key, 32));
            let parts = vec![
                ("flags", number(flags)),
                ("algorithm", number(algorithm.into())),
                ("protocol", number(protocol.into())),
                ("key", Value::from(key)),
            ];
            said(text, parts)
        }
        "NSEC3PARAM" => {
            let (algorithm, flags, iterations) = (reader.number8()?, reader.number8()?, reader.number16()?);
            let salt = hex(reader.string()?);
            let shown = if salt.is_empty() { "-" } else { &salt };
            let text = format!("{algorithm} {flags} {iterations} {shown}");
            let parts = vec![
                ("algorithm", number(algorithm.into())),
                ("flags", number(flags.into())),
                ("iterations", number(iterations)),
                ("salt", Value::from(salt)),
            ];
            said(text, parts)
        }
        "TLSA" => {
            let (usage, selector, form) = (reader.number8()?, reader.number8()?, reader.number8()?);
            let cert = hex(reader.rest()?);
            let text = format!("{usage} {selector} {form} {}", chunks(&cert, 128));
            let parts = vec![
                ("usage", number(usage.into())),
                ("selector", number(selector.into())),
                ("mtype", number(form.into())),
                ("cert", Value::from(cert)),
            ];
            said(text, parts)
        }
        "CAA" => {
            let (flags, tag, value) = (reader.number8()?, reader.string()?, reader.rest()?);
            let text = format!("{flags} {} {}", escaped(tag), quoted(value));
            let parts = vec![
                ("flags", number(flags.into())),
                ("tag", Value::bytes(tag)),
                ("value", Value::bytes(value)),
            ];
            said(text, parts)
        }
        _ => None,
    }
}

/// Addresses of the older protocol are shown as such.
fn address6(bytes: [u8; 16]) -> String {
    match bytes {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] if (a, b) != (0, 0) => {
            format!("::{}", Ipv4Addr::new(a, b, c, d))
        }
        bytes => Ipv6Addr::from(bytes).to_string(),
    }
}

fn escaped(bytes: &[u8]) -> String {
    let one = |byte: &u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(*byte)),
        0x20..=0x7e => char::from(*byte).to_string(),
        _ => format!("\\{byte:03}"),
    };
    bytes.iter().map(one).collect()
}

fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", escaped(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn chunks(text: &str, size: usize) -> String {
    let all: Vec<&str> =
        text.as_bytes().chunks(size).filter_map(|chunk| std::str::from_utf8(chunk).ok()).collect();
    all.join(" ")
}

/// `20260131235959`.
fn moment(seconds: u32) -> Option<String> {
    DateTime::from_timestamp(f64::from(seconds), true).ok()?.strftime("%Y%m%d%H%M%S").ok()
}

/// Centimetres in a digit and a power of ten.
fn size(byte: u8) -> f64 {
    f64::from(byte >> 4) * 10f64.powi(i32::from(byte & 0xf))
}

/// A place on earth (RFC 1876).
fn location(reader: &mut Reader<'_>) -> Option<Said> {
    let version = reader.number8()?;
    let sizes = [reader.number8()?, reader.number8()?, reader.number8()?].map(size);
    let angles =
        [i64::from(reader.number32()?), i64::from(reader.number32()?)].map(|angle| angle - (1 << 31));
    let altitude = f64::from(reader.number32()?) - 10_000_000.0;
    if version != 0 {
        return None;
    }
    let parts = |angle: i64| {
        let (sign, rest) = (if angle < 0 { -1 } else { 1 }, angle.abs());
        [rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000, sign]
    };
    let shown = |[degrees, minutes, seconds, milli, sign]: [i64; 5], (plus, minus): (char, char)| {
        let side = if sign > 0 { plus } else { minus };
        format!("{degrees} {minutes} {seconds}.{milli:03} {side}")
    };
    let [latitude, longitude] = angles.map(parts);
    let mut text =
        format!("{} {} {:.2}m", shown(latitude, ('N', 'S')), shown(longitude, ('E', 'W')), altitude / 100.0);
    let [extent, horizontal, vertical] = sizes;
    let is_usual = sizes == [100.0, 1_000_000.0, 1000.0];
    if !is_usual {
        text.push_str(&format!(
            " {:.2}m {:.2}m {:.2}m",
            extent / 100.0,
            horizontal / 100.0,
            vertical / 100.0
        ));
    }
    let tuple = |parts: [i64; 5]| Value::tuple(parts.into_iter().map(Value::from).collect());
    let parts = vec![
        ("latitude", tuple(latitude)),
        ("longitude", tuple(longitude)),
        ("altitude", Value::from(altitude)),
        ("size", Value::from(extent)),
        ("horizontal_precision", Value::from(horizontal)),
        ("vertical_precision", Value::from(vertical)),
    ];
    Some(Said { text, parts })
}
