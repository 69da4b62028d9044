//! `ansible._protomatter.tagged_with`, as far as values have such marks here.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, string};
use shevek_template::plugin::{Arguments, Markers, Test};
use shevek_value::Flags;

pub(crate) const TESTS: &[Test] = &[Test {
    names: &["ansible._protomatter.tagged_with"],
    markers: Markers::Propagate,
    run: |_, arguments| tagged_with(arguments),
}];

fn tagged_with(arguments: &Arguments) -> Result<bool> {
    let ([value, tag], []) = bind(arguments, ["value", "tag_name"], [])?;
    match string(tag, "tag_name")? {
        "TrustedAsTemplate" => {
            Ok(value.as_str().is_some() && (value.is_template() || value.flags().has(Flags::WRITTEN)))
        }
        "Origin" => Ok(value.origin().is_some()),
        other => Err(Diagnostic::new("Unknown tag name")
            .detail(format!("'{other}' is no mark that values have here"))
            .help("known are TrustedAsTemplate and Origin")),
    }
}
