//! `x509_certificate_info` (community.crypto): what a certificate says.

use shevek_diag::Result;
use shevek_python::arguments::bind;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{DateTime, Value};

use crate::x509::asn1::{Node, SEQUENCE, only};
use crate::x509::extensions::Extensions;
use crate::x509::fingerprints::fingerprints;
use crate::x509::names::{distinguished, object};
use crate::x509::public_key::PublicKey;
use crate::x509::{check_encoding, content, pem, unreadable};

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["community.crypto.x509_certificate_info", "x509_certificate_info"],
    markers: Markers::Propagate,
    run: x509_certificate_info,
}];

fn x509_certificate_info(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data], [encoding]) = bind(arguments, ["data"], ["name_encoding"])?;
    check_encoding(encoding)?;
    let bytes = content(data, "x509_certificate_info")?;
    let wrong = || unreadable("X.509 certificate in PEM").at_maybe(data.origin(), "");
    let names = ["CERTIFICATE", "X509 CERTIFICATE"];
    let (_, der) = pem::first(&bytes, &names).ok_or_else(wrong)?;
    let certificate = Certificate::read(&der).ok_or_else(wrong)?;
    let prints =
        Prints { key: fingerprints(context, certificate.key.der)?, whole: fingerprints(context, &der)? };
    certificate.describe(prints).ok_or_else(wrong)
}

struct Prints {
    key: Value,
    whole: Value,
}

struct Certificate<'a> {
    version: i64,
    serial: Node<'a>,
    algorithm: String,
    issuer: Node<'a>,
    validity: Vec<Node<'a>>,
    subject: Node<'a>,
    key: PublicKey<'a>,
    extensions: Extensions<'a>,
}

impl<'a> Certificate<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let parts = only(der)?.inside(SEQUENCE)?;
        let [signed, algorithm, _] = parts.as_slice() else { return None };
        let mut fields = signed.inside(SEQUENCE)?;
        let mut version = 1;
        if fields.first()?.tag == 0xa0 {
            let number = only(fields.remove(0).value)?.value;
            version = i64::from(*number.first()?) + 1;
        }
        let [serial, _, issuer, validity, subject, key, rest @ ..] = fields.as_slice() else { return None };
        let extensions = match rest.iter().find(|node| node.tag == 0xa3) {
            Some(node) => Extensions::read(only(node.value)?)?,
            None => Extensions(Vec::new()),
        };
        Some(Self {
            version,
            serial: *serial,
            algorithm: algorithm.inside(SEQUENCE)?.first()?.oid()?,
            issuer: *issuer,
            validity: validity.inside(SEQUENCE)?,
            subject: *subject,
            key: PublicKey::read(*key)?,
            extensions,
        })
    }

    fn describe(&self, prints: Prints) -> Option<Value> {
        let (subject, subject_ordered) = distinguished(self.subject)?;
        let (issuer, issuer_ordered) = distinguished(self.issuer)?;
        let mut out = vec![
            ("signature_algorithm", Value::from(object(&self.algorithm))),
            ("subject", subject),
            ("subject_ordered", subject_ordered),
            ("issuer", issuer),
            ("issuer_ordered", issuer_ordered),
            ("version", Value::from(self.version)),
        ];
        out.extend(self.extensions.usages()?);
        let (begins, ends) = (self.validity.first()?.moment()?, self.validity.get(1)?.moment()?);
        let now = DateTime::now(true).strftime("%Y%m%d%H%M%SZ").ok()?;
        let (kind, numbers) = self.key.describe()?;
        out.extend([("not_before", Value::from(begins)), ("expired", Value::from(ends < now))]);
        out.insert(out.len() - 1, ("not_after", Value::from(ends)));
        out.extend([
            ("public_key", Value::from(pem::write("PUBLIC KEY", self.key.der))),
            ("public_key_type", Value::from(kind)),
            ("public_key_data", numbers),
            ("public_key_fingerprints", prints.key),
            ("fingerprints", prints.whole),
        ]);
        out.extend(self.extensions.identifiers()?);
        out.extend([
            ("serial_number", Value::big(self.serial.number()?)),
            ("extensions_by_oid", self.extensions.by_oid()),
            ("ocsp_uri", self.extensions.authority_uri("1.3.6.1.5.5.7.48.1")?),
            ("issuer_uri", self.extensions.authority_uri("1.3.6.1.5.5.7.48.2")?),
        ]);
        Some(Value::dict(out))
    }
}
