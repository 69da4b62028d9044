//! Any file is an inventory or is refused, and then hosts have variables.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use shevek_inventory::{LoadOptions, load};

fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("shevek-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    // A range such as `a[1:99999999]` is as many hosts as it says: no fault, but no place for them here either.
    if rest.split(|byte| *byte == b'[').skip(1).any(|part| part.iter().take_while(|b| **b != b']').count() > 8) {
        return;
    }
    let ending = ["ini", "yml", "toml", "json"][usize::from(*first) % 4];
    let path = folder().join(format!("hosts.{ending}"));
    std::fs::write(&path, rest).unwrap();
    let (inventory, _) = load(&[path.to_string_lossy().into_owned()], &LoadOptions::default());
    for host in inventory.host_ids() {
        let _ = inventory.host_vars(host);
    }
});
