//! [`Hostile`]: a folder of this host that its owner keeps changing while a module is at work in it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Barrier};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::conform::{TestModule, arguments};
use crate::drive::Ground;
use crate::probe::Call;
use crate::proto::Outcome;
use crate::real::Real;

const ROUNDS: usize = 8;

/// Names of the folders below each: the more of them, the more chances in a round.
const DEEP: std::ops::Range<u32> = 0..30;

/// Whose the tree is.
const THEIRS: u32 = 4711;

/// In `HERE` there are `tree`, with `tree/sub` and folders in it, `from`, which is alike, and `outside`, which is like `sub`.
/// While a module runs, `tree/sub` is again and again exchanged for a link to `outside`, and back. Where root runs the
/// tests, the tree is another's.
struct Hostile {
    here: PathBuf,
}

impl Drop for Hostile {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.here);
    }
}

/// Runs a module on this host, in a folder whose owner swaps a folder for a link meanwhile; in the arguments `HERE` stands
/// for the place. What is outside of `HERE/tree` must stay as it is.
///
/// # Panics
///
/// When something outside was changed.
#[track_caller]
pub fn hostile<M: TestModule>(args: &str) {
    let mut led = Vec::new();
    for _ in 0..ROUNDS {
        let place = Hostile::new();
        let before = place.outside();
        let outcome = place.run::<M>(args);
        if place.outside() != before {
            led.push(outcome.message().to_owned());
        }
    }
    assert!(led.is_empty(), "led outside in {} of {ROUNDS} rounds: {led:?}", led.len());
}

impl Hostile {
    fn new() -> Hostile {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("shevek-hostile-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let place = Hostile { here: std::env::temp_dir().join(name) };
        for (folder, content) in [("tree/sub", "old"), ("from/sub", "new"), ("outside", "kept")] {
            let folder = place.here.join(folder);
            for deep in DEEP.map(|n| n.to_string()) {
                fs::create_dir_all(folder.join(&deep)).expect("a folder of the test");
                let path = folder.join(deep).join("file");
                fs::write(&path, content).expect("a file of the test");
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode of the test");
            }
        }
        symlink(place.here.join("outside"), place.here.join("link")).expect("a link of the test");
        let deep = DEEP.flat_map(|deep| [format!("tree/sub/{deep}"), format!("tree/sub/{deep}/file")]);
        for name in ["tree", "tree/sub", "link"].map(str::to_owned).into_iter().chain(deep) {
            // Only root can give them away.
            let _ = lchown(place.here.join(name), Some(THEIRS), Some(THEIRS));
        }
        place
    }

    /// What must stay: names, modes, owners and content.
    fn outside(&self) -> Vec<String> {
        let show = |path: &Path| {
            let shown = path.symlink_metadata().map(|m| (m.mode(), m.uid(), m.gid(), m.mtime()));
            format!("{} {:?} {:?}", path.display(), shown.ok(), fs::read_to_string(path).ok())
        };
        let outside = self.here.join("outside");
        let deep = DEEP.map(|n| outside.join(n.to_string()));
        let mut found: Vec<String> = deep.flat_map(|deep| [show(&deep), show(&deep.join("file"))]).collect();
        found.extend(fs::read_dir(&outside).into_iter().flatten().flatten().map(|entry| show(&entry.path())));
        found.push(show(&outside));
        found.sort();
        found
    }

    fn run<M: TestModule>(&self, args: &str) -> Outcome {
        let args = arguments(&args.replace("HERE", &self.here.to_string_lossy()));
        let (begun, over) = (Barrier::new(2), AtomicBool::new(false));
        let (sub, link) = (self.here.join("tree/sub"), self.here.join("link"));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                begun.wait();
                while !over.load(Ordering::Relaxed) {
                    // Once the tree is gone there is nothing left to exchange.
                    let _ = renameat_with(CWD, &sub, CWD, &link, RenameFlags::EXCHANGE);
                    std::thread::yield_now();
                }
            });
            begun.wait();
            let outcome =
                M::entry().run(args, &Ground::Real(Arc::new(Real::new())), &Arc::new(Call::default()));
            over.store(true, Ordering::Relaxed);
            outcome
        })
    }
}
