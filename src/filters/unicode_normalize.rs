//! `unicode_normalize` (community.general): one of several ways to write the same text.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, string};
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;
use unicode_normalization::UnicodeNormalization;

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["community.general.unicode_normalize", "unicode_normalize"],
    markers: Markers::Propagate,
    run: unicode_normalize,
}];

fn unicode_normalize(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data], [form]) = bind(arguments, ["data"], ["form"])?;
    let text = string(data, "data")?;
    let out: String = match form.map_or_else(|| "NFC".into(), str_of).as_ref() {
        "NFC" => text.nfc().collect(),
        "NFD" => text.nfd().collect(),
        "NFKC" => text.nfkc().collect(),
        "NFKD" => text.nfkd().collect(),
        other => {
            return Err(Diagnostic::new("unknown form of text")
                .detail(format!("{other} is not a valid form"))
                .did_you_mean(other, ["NFC", "NFD", "NFKC", "NFKD"]));
        }
    };
    Ok(Value::from(out))
}
