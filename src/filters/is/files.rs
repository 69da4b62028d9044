//! `exists`, `file`, `directory`, `link`, `link_exists`, `abs`, `same_file`, `mount`: paths on this machine.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_template::plugin::{Arguments, Markers, Test};

use shevek_python::arguments::{bind, string};

pub(crate) const TESTS: &[Test] = &[
    Test { names: &["exists"], markers: Markers::Propagate, run: |_, a| of(a, Path::exists) },
    Test { names: &["file", "is_file"], markers: Markers::Propagate, run: |_, a| of(a, Path::is_file) },
    Test { names: &["directory", "is_dir"], markers: Markers::Propagate, run: |_, a| of(a, Path::is_dir) },
    Test { names: &["link", "is_link"], markers: Markers::Propagate, run: |_, a| of(a, Path::is_symlink) },
    Test {
        names: &["link_exists"],
        markers: Markers::Propagate,
        run: |_, a| of(a, |path| path.symlink_metadata().is_ok()),
    },
    Test { names: &["abs", "is_abs"], markers: Markers::Propagate, run: |_, a| of(a, Path::is_absolute) },
    Test { names: &["mount", "is_mount"], markers: Markers::Propagate, run: |_, a| of(a, is_mount) },
    Test { names: &["same_file", "is_same_file"], markers: Markers::Propagate, run: |_, a| same_file(a) },
];

fn of(arguments: &Arguments, holds: impl Fn(&Path) -> bool) -> Result<bool> {
    let ([value], []) = bind(arguments, ["path"], [])?;
    Ok(holds(Path::new(string(value, "path")?)))
}

/// Whether something is mounted there: its device, or it itself, differs from the folder above.
fn is_mount(path: &Path) -> bool {
    let (Ok(here), false) = (fs::symlink_metadata(path), path.is_symlink()) else { return false };
    match fs::symlink_metadata(path.join("..")) {
        Ok(above) => here.dev() != above.dev() || here.ino() == above.ino(),
        Err(_) => false,
    }
}

fn same_file(arguments: &Arguments) -> Result<bool> {
    let ([a, b], []) = bind(arguments, ["f1", "f2"], [])?;
    let identity = |path: &str| {
        fs::metadata(path).map(|found| (found.dev(), found.ino())).map_err(|error| {
            Diagnostic::new("a file can't be looked at")
                .kind(Kind::Machine)
                .detail(format!("{path}: {error}"))
        })
    };
    Ok(identity(string(a, "f1")?)? == identity(string(b, "f2")?)?)
}
