//! `x509_crl_info` (community.crypto): what a list of revoked certificates says.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use shevek_diag::Result;
use shevek_python::arguments::bind;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

use crate::x509::asn1::{Node, SEQUENCE, nodes, only};
use crate::x509::extensions::Extensions;
use crate::x509::names::{distinguished, generals, object};
use crate::x509::{check_encoding, content, pem, unreadable};

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["community.crypto.x509_crl_info", "x509_crl_info"],
    markers: Markers::Propagate,
    run: x509_crl_info,
}];

fn x509_crl_info(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data], [encoding, list]) =
        bind(arguments, ["data"], ["name_encoding", "list_revoked_certificates"])?;
    check_encoding(encoding)?;
    let bytes = content(data, "x509_crl_info")?;
    let wrong = || unreadable("list of revoked certificates").at_maybe(data.origin(), "");
    // In PEM, as bytes, or as bytes in base 64.
    let (form, der) = match pem::first(&bytes, &["X509 CRL"]) {
        Some((_, der)) => ("pem", der),
        None => {
            let packed: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            ("der", BASE64.decode(packed).unwrap_or(bytes))
        }
    };
    describe(&der, form, list.is_none_or(Value::is_true)).ok_or_else(wrong)
}

fn describe(der: &[u8], form: &str, with_list: bool) -> Option<Value> {
    let parts = only(der)?.inside(SEQUENCE)?;
    let [signed, algorithm, _] = parts.as_slice() else { return None };
    let mut fields = signed.inside(SEQUENCE)?;
    if fields.first()?.tag == 0x02 {
        fields.remove(0);
    }
    let [_, issuer, last, rest @ ..] = fields.as_slice() else { return None };
    let (issuer, ordered) = distinguished(*issuer)?;
    let next = rest.first().and_then(|node| node.moment());
    let mut out = vec![
        ("changed", Value::from(false)),
        ("format", Value::from(form)),
        ("last_update", Value::from(last.moment()?)),
        ("next_update", next.map(Value::from).unwrap_or_default()),
        ("digest", Value::from(object(&algorithm.inside(SEQUENCE)?.first()?.oid()?))),
        ("issuer_ordered", ordered),
        ("issuer", issuer),
    ];
    if with_list {
        let list = rest.iter().find(|node| node.tag == SEQUENCE);
        let entries = nodes(list.map_or(&[][..], |node| node.value))?;
        let entries: Option<Vec<Value>> = entries.into_iter().map(revoked).collect();
        out.push(("revoked_certificates", Value::list(entries?)));
    }
    Some(Value::dict(out))
}

fn revoked(entry: Node<'_>) -> Option<Value> {
    const REASONS: [&str; 11] = [
        "unspecified",
        "key_compromise",
        "ca_compromise",
        "affiliation_changed",
        "superseded",
        "cessation_of_operation",
        "certificate_hold",
        "",
        "remove_from_crl",
        "privilege_withdrawn",
        "aa_compromise",
    ];
    let parts = entry.inside(SEQUENCE)?;
    let [serial, date, rest @ ..] = parts.as_slice() else { return None };
    let extensions = match rest.first() {
        Some(list) => Extensions::read(*list)?,
        None => Extensions(Vec::new()),
    };
    let mut out = Map::default();
    let mut put = |name: &str, value: Value| drop(out.insert(Value::from(name), value));
    put("serial_number", Value::big(serial.number()?));
    put("revocation_date", Value::from(date.moment()?));
    for (name, oid) in [("issuer", "2.5.29.29"), ("reason", "2.5.29.21"), ("invalidity_date", "2.5.29.24")] {
        let (mut value, mut critical) = (Value::NULL, false);
        if let Some(extension) = extensions.get(oid) {
            critical = extension.critical;
            let node = only(extension.value)?;
            value = match name {
                "issuer" => generals(node.value)?,
                "reason" => Value::from(*REASONS.get(usize::from(*node.value.first()?))?),
                _ => Value::from(node.moment()?),
            };
        }
        put(name, value);
        put(&format!("{name}_critical"), Value::from(critical));
    }
    Some(Value::map(out))
}
