//! Lists `builtin/` and writes the table of actions: a file without its `mod` line is a compile error that names it.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("builtin");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut names: Vec<String> = fs::read_dir(&folder)?
        .filter_map(|entry| Some(entry.ok()?.path().file_name()?.to_str()?.strip_suffix(".rs")?.to_owned()))
        .filter(|name| name != "mod")
        .collect();
    names.sort();
    let mut table = String::from("/// All actions, by name.\npub(crate) static TABLE: &[Listed] = &[\n");
    for name in names {
        let text = fs::read_to_string(folder.join(format!("{name}.rs")))?;
        let doc: Vec<&str> = text
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .map(|line| line.trim_start_matches("//!"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        let _ = writeln!(table, "    Listed {{ action: &{name}::ACTION, doc: {:?} }},", doc.join("\n"));
    }
    table.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR").map_err(io::Error::other)?).join("actions.rs"), table)
}
