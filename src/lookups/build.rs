//! Lists the files of lookups, so that none can be forgotten: each is named in the registry that is written here, and a
//! file without its `mod` line in lib.rs doesn't compile.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=.");
    let mut names: Vec<String> = fs::read_dir(".")?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|file| file.strip_suffix(".rs").map(str::to_owned))
        .filter(|stem| !matches!(stem.as_str(), "lib" | "build"))
        .collect();
    names.sort();
    let mut out = String::from("pub(crate) static LOOKUPS: &[shevek_template::plugin::Lookup] = &[\n");
    for stem in names {
        let _ = writeln!(out, "    crate::{stem}::LOOKUP,");
    }
    out.push_str("];\n");
    let target = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&target).join("registry.rs"), out)
}
