//! Lists this folder and writes the registry: a module file without its `mod` line, or the reverse, is a compile error
//! that names it.

#![allow(clippy::disallowed_methods, reason = "this runs at build time, not on a host")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    println!("cargo:rerun-if-changed={folder}");
    let folder = Path::new(&folder);
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "rs")
            && let Some(name) = path.file_stem().and_then(|n| n.to_str())
            && !matches!(name, "lib" | "build")
        {
            files.insert(name.to_owned());
        }
    }
    let lib = fs::read_to_string(folder.join("lib.rs"))?;
    let declared: BTreeSet<String> = lib
        .lines()
        .filter_map(|l| l.trim_start_matches("pub(crate) ").strip_prefix("mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect();
    let mut registry = String::new();
    for name in files.difference(&declared) {
        let _ = writeln!(
            registry,
            "compile_error!(\"modules/{name}.rs is there, but modules/lib.rs has no line `mod {name};`\");"
        );
    }
    registry.push_str("static REGISTRY: &[Module] = &[\n");
    for name in files.intersection(&declared) {
        let text = fs::read_to_string(folder.join(format!("{name}.rs")))?;
        let doc: Vec<&str> = text
            .lines()
            .take_while(|l| l.starts_with("//!"))
            .map(|l| l.trim_start_matches("//!"))
            .map(|l| l.strip_prefix(' ').unwrap_or(l))
            .collect();
        let doc = doc.join("\n");
        let _ = writeln!(
            registry,
            "    Module {{ name: {name:?}, entry: &crate::{name}::ENTRY, doc: {doc:?} }},"
        );
    }
    registry.push_str("];\n");
    fs::write(Path::new(&out).join("registry.rs"), registry)
}
