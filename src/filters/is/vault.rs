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
    // Text that looks like a vault is none: only a value that was written encrypted is. It is plain by now, but secret,
    // and its place still shows the tag.
    let written = value
        .origin()
        .and_then(|place| place.source.text().lines().nth(usize::try_from(place.line).ok()?.checked_sub(1)?));
    Ok(value.is_secret() && written.is_some_and(|line| line.contains("!vault")))
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
