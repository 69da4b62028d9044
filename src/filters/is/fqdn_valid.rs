//! `fqdn_valid` (community.general): whether it can be the name of a host, with its domain.

use shevek_diag::Diagnostic;
use shevek_python::arguments::{bind, count, flag};
use shevek_template::plugin::{Markers, Test};

pub(crate) const TESTS: &[Test] = &[Test {
    names: &["community.general.fqdn_valid", "fqdn_valid"],
    markers: Markers::Propagate,
    run: |_, arguments| {
        let ([name], [labels, underscores]) = bind(arguments, ["name"], ["min_labels", "allow_underscores"])?;
        let text = name.as_str().filter(|text| !text.is_empty()).ok_or_else(|| {
            Diagnostic::new("not a name").detail(format!("fqdn must be str, not {}", name.repr()))
        })?;
        let least = count(labels, "min_labels", 1)?;
        let underscores = flag(underscores);
        let text = text.strip_suffix('.').unwrap_or(text);
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || (underscores && byte == b'_');
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(fits)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        Ok(text.len() <= 253 && text.split('.').count() >= least && text.split('.').all(is_label))
    },
}];
