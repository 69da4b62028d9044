//! Lists this folder and writes the registries: a module file without its `mod` line, or the reverse, is a compile error
//! that names it. Modules below the line `// Rare: …` of lib.rs go into the runner's rare part.

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
    let rare = lib.split_once("\n// Rare: ").map(|(_, below)| names(below)).unwrap_or_default();
    let (mut in_core, mut in_rare) = (String::new(), String::new());
    for name in files.intersection(&declared) {
        let text = fs::read_to_string(folder.join(format!("{name}.rs")))?;
        let doc: Vec<&str> = text
            .lines()
            .take_while(|l| l.starts_with("//!"))
            .map(|l| l.trim_start_matches("//!"))
            .map(|l| l.strip_prefix(' ').unwrap_or(l))
            .collect();
        let doc = doc.join("\n");
        let part = if rare.contains(name) { &mut in_rare } else { &mut in_core };
        let _ =
            writeln!(part, "    Module {{ name: {name:?}, entry: &crate::{name}::ENTRY, doc: {doc:?} }},");
    }
    let _ = writeln!(registry, "static CORE: &[Module] = &[\n{in_core}];");
    let _ = writeln!(registry, "static RARE: &[Module] = &[\n{in_rare}];");
    fs::write(Path::new(&out).join("registry.rs"), registry)
}

/// The files that a text declares with `mod` lines.
fn names(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|l| l.trim_start_matches("pub(crate) ").strip_prefix("mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}
