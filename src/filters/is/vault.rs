//! `vault_encrypted` and `vaulted_file`.

use std::fs::File;
use std::io::Read;

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_template::plugin::{Arguments, Markers, Test};
use shevek_vault::is_encrypted;

use shevek_python::arguments::{bind, string};

pub(crate) const TESTS: &[Test] = &[
    Test { names: &["vault_encrypted"], markers: Markers::Propagate, run: |_, a| vault_encrypted(a) },
    Test { names: &["vaulted_file"], markers: Markers::Propagate, run: |_, a| vaulted_file(a) },
];

fn vault_encrypted(arguments: &Arguments) -> Result<bool> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    Ok(value.as_str().is_some_and(|text| is_encrypted(text.as_bytes())))
}

fn vaulted_file(arguments: &Arguments) -> Result<bool> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    let path = string(value, "value")?;
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(64).read_to_end(&mut start));
    read.map_err(|error| {
        Diagnostic::new("Cannot test if the file is a vault")
            .kind(Kind::Machine)
            .detail(format!("{path}: {error}"))
    })?;
    Ok(is_encrypted(&start))
}
