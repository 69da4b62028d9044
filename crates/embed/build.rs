//! Builds the runner's binaries with a cargo of its own (static binaries need other flags than the controller), packs them,
//! and leaves them for `include_bytes!`.
//!
//! `SHEVEK_RUNNER=FOLDER` takes ready binaries from there instead.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// Variables of the outer build that must not reach the inner one.
const OUTER: [&str; 6] = [
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_MAKEFLAGS",
    "CARGO_BUILD_TARGET",
];
const OUTER_PREFIXES: [&str; 6] =
    ["CARGO_PROFILE_", "CARGO_CFG_", "CARGO_FEATURE_", "CARGO_PKG_", "DEP_", "CARGO_MANIFEST_"];

fn main() -> io::Result<()> {
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(variable("OUT_DIR")?);
    let root = here.parent().and_then(Path::parent).ok_or_else(|| io::Error::other("no workspace"))?;
    println!("cargo:rerun-if-env-changed=SHEVEK_RUNNER");
    let binaries = match env::var_os("SHEVEK_RUNNER") {
        Some(path) => {
            println!("cargo:rerun-if-changed={}", Path::new(&path).display());
            PathBuf::from(path)
        }
        None => build(root, &out)?,
    };
    for (name, program) in [("CORE", "shevek-runner"), ("RARE", "shevek-runner-rare")] {
        embed(name, &fs::read(binaries.join(program))?, &out)?;
    }
    Ok(())
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|e| io::Error::other(format!("{name}: {e}")))
}

fn build(root: &Path, out: &Path) -> io::Result<PathBuf> {
    for path in [
        "crates/runner",
        "crates/kit",
        "crates/derive",
        "crates/proto",
        "crates/pyre",
        "crates/crypt",
        "crates/xml",
        "modules",
        "Cargo.toml",
        "Cargo.lock",
    ] {
        println!("cargo:rerun-if-changed={}", root.join(path).display());
    }
    let release = variable("PROFILE")? == "release";
    let profile = if release { "runner" } else { "runner-dev" };
    let target = variable("TARGET")?;
    // OUT_DIR is TARGET_DIR/[TRIPLE/]PROFILE/build/PACKAGE-HASH/out; the inner build gets a folder beside PROFILE.
    let folder =
        out.ancestors().nth(4).ok_or_else(|| io::Error::other("OUT_DIR is not where it was expected"))?;
    let folder = folder.join("runner");
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.current_dir(root).args(["build", "--quiet", "--locked", "--package", "shevek-runner"]);
    cargo.args(["--profile", profile, "--target", &target]).arg("--target-dir").arg(&folder);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if OUTER.contains(&text.as_ref()) || OUTER_PREFIXES.iter().any(|p| text.starts_with(p)) {
            cargo.env_remove(&name);
        }
    }
    if target.ends_with("-gnu") {
        cargo.env("RUSTFLAGS", "-C target-feature=+crt-static -C relocation-model=static");
    } else {
        cargo.env_remove("RUSTFLAGS");
    }
    let status = cargo.status()?;
    if !status.success() {
        return Err(io::Error::other("the runner did not build: its errors stand above"));
    }
    Ok(folder.join(&target).join(profile))
}

fn embed(name: &str, binary: &[u8], out: &Path) -> io::Result<()> {
    let hash: String = Sha256::digest(binary).iter().map(|b| format!("{b:02x}")).collect();
    let packed = out.join(format!("{name}.gz"));
    let stamp = out.join(format!("{name}.rs"));
    let text = format!(
        "Runner {{ machine: {:?}, size: {}, hash: {hash:?}, gzip: include_bytes!({packed:?}) }}\n",
        variable("CARGO_CFG_TARGET_ARCH")?,
        binary.len()
    );
    // What has not changed is not written, so that nothing that embeds it is compiled again.
    if fs::read_to_string(&stamp).is_ok_and(|old| old == text) && packed.exists() {
        return Ok(());
    }
    // gzip, because it goes to hosts as it is, and that is what every host can unpack.
    let level = if variable("PROFILE")? == "release" { Compression::best() } else { Compression::fast() };
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(binary)?;
    fs::write(&packed, encoder.finish()?)?;
    fs::write(&stamp, text)
}
