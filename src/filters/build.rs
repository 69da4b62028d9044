//! Lists the files of filters and tests, so that none can be forgotten: each is named in the registry that is written
//! here, and a file without its `mod` line in lib.rs doesn't compile.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=.");
    println!("cargo::rerun-if-changed=is");
    let mut out = String::new();
    table(&mut out, ".", "FILTERS", "&[&[shevek_template::plugin::Filter]]", "crate::")?;
    table(&mut out, "is", "TESTS", "&[&[shevek_template::plugin::Test]]", "crate::is::")?;
    let target = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&target).join("registry.rs"), out)
}

fn table(out: &mut String, folder: &str, name: &str, kind: &str, path: &str) -> io::Result<()> {
    let mut names: Vec<String> = fs::read_dir(folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|file| file.strip_suffix(".rs").map(str::to_owned))
        .filter(|stem| !matches!(stem.as_str(), "lib" | "build" | "mod"))
        .collect();
    names.sort();
    let _ = writeln!(out, "pub(crate) static {name}: {kind} = &[");
    for stem in names {
        let _ = writeln!(out, "    {path}{stem}::{name},");
    }
    out.push_str("];\n");
    Ok(())
}
