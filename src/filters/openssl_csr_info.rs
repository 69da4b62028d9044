//! `openssl_csr_info` (community.crypto): what a request for a certificate says.

use shevek_diag::Result;
use shevek_python::arguments::bind;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use crate::x509::asn1::{Node, SEQUENCE, nodes, only};
use crate::x509::extensions::Extensions;
use crate::x509::fingerprints::fingerprints;
use crate::x509::names::distinguished;
use crate::x509::public_key::PublicKey;
use crate::x509::{check_encoding, content, pem, unreadable};

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["community.crypto.openssl_csr_info", "openssl_csr_info"],
    markers: Markers::Propagate,
    run: openssl_csr_info,
}];

fn openssl_csr_info(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data], [encoding]) = bind(arguments, ["data"], ["name_encoding"])?;
    check_encoding(encoding)?;
    let bytes = content(data, "openssl_csr_info")?;
    let wrong = || unreadable("certificate signing request in PEM").at_maybe(data.origin(), "");
    let names = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];
    let (_, der) = pem::first(&bytes, &names).ok_or_else(wrong)?;
    let request = Request::read(&der).ok_or_else(wrong)?;
    let valid = request.key.verifies(&request.algorithm, request.signed, request.signature)?;
    let prints = fingerprints(context, request.key.der)?;
    request.describe(prints, valid).ok_or_else(wrong)
}

struct Request<'a> {
    signed: &'a [u8],
    algorithm: String,
    signature: &'a [u8],
    subject: Node<'a>,
    key: PublicKey<'a>,
    extensions: Extensions<'a>,
}

impl<'a> Request<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let parts = only(der)?.inside(SEQUENCE)?;
        let [signed, algorithm, signature] = parts.as_slice() else { return None };
        let fields = signed.inside(SEQUENCE)?;
        let [_, subject, key, rest @ ..] = fields.as_slice() else { return None };
        let mut extensions = Extensions(Vec::new());
        for attribute in nodes(rest.first().map_or(&[][..], |node| node.value))? {
            if let [kind, values] = attribute.inside(SEQUENCE)?.as_slice()
                && kind.oid()? == "1.2.840.113549.1.9.14"
            {
                extensions = Extensions::read(only(values.value)?)?;
            }
        }
        Some(Self {
            signed: signed.full,
            algorithm: algorithm.inside(SEQUENCE)?.first()?.oid()?,
            signature: signature.bits()?,
            subject: *subject,
            key: PublicKey::read(*key)?,
            extensions,
        })
    }

    fn describe(&self, prints: Value, valid: bool) -> Option<Value> {
        let (subject, ordered) = distinguished(self.subject)?;
        let (kind, numbers) = self.key.describe()?;
        let mut out = vec![("subject", subject), ("subject_ordered", ordered)];
        out.extend(self.extensions.usages()?);
        out.extend(self.extensions.name_constraints()?);
        out.extend([
            ("public_key", Value::from(pem::write("PUBLIC KEY", self.key.der))),
            ("public_key_type", Value::from(kind)),
            ("public_key_data", numbers),
            ("public_key_fingerprints", prints),
        ]);
        out.extend(self.extensions.identifiers()?);
        out.push(("extensions_by_oid", self.extensions.by_oid()));
        out.push(("signature_valid", Value::from(valid)));
        Some(Value::dict(out))
    }
}
