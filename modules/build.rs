//! Lists this folder and writes the registries: a module file without its `mod` line, or the reverse, is a compile error
//! that names it. The lines `// Both: …` and `// Rare: …` of lib.rs say which part of the runner has the modules below
//! them.

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
    let declared = names(&lib);
    let mut registry = String::new();
    for name in files.difference(&declared) {
        let _ = writeln!(
            registry,
            "compile_error!(\"modules/{name}.rs is there, but modules/lib.rs has no line `mod {name};`\");"
        );
    }
    let (core, below) = lib.split_once("\n// Both: ").unwrap_or((&lib, ""));
    let (both, rare) = below.split_once("\n// Rare: ").unwrap_or(("", below));
    let parts = [("CORE", names(core)), ("BOTH", names(both)), ("RARE", names(rare))];
    let mut lines = parts.map(|(part, names)| (part, names, String::new()));
    for name in files.intersection(&declared) {
        let text = fs::read_to_string(folder.join(format!("{name}.rs")))?;
        let doc: Vec<&str> = text
            .lines()
            .take_while(|l| l.starts_with("//!"))
            .map(|l| l.trim_start_matches("//!"))
            .map(|l| l.strip_prefix(' ').unwrap_or(l))
            .collect();
        let doc = doc.join("\n");
        for (_, names, lines) in &mut lines {
            if names.contains(name) {
                let _ = writeln!(
                    lines,
                    "    Module {{ name: {name:?}, entry: &crate::{name}::ENTRY, doc: shevek_kit::doc!({doc:?}) }},"
                );
            }
        }
    }
    for (part, _, lines) in &lines {
        let _ = writeln!(registry, "static {part}: &[Module] = &[\n{lines}];");
    }
    fs::write(Path::new(&out).join("registry.rs"), registry)
}

/// The files that a text declares with `mod` lines.
fn names(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|l| l.trim_start_matches("pub(crate) ").strip_prefix("mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}
