//! What lookups wait for: programs, servers.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does what may take its time. Meanwhile others have the thread's work: hosts that wait each for a program of their own wait
/// at the same time, and an interrupt is heard.
pub(crate) fn waiting<T>(does: impl FnOnce() -> T) -> T {
    match Handle::try_current() {
        Ok(runtime) if runtime.runtime_flavor() == RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(does)
        }
        // Nobody else is there to have it.
        _ => does(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn those_who_wait_do_not_wait_for_each_other() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        static ALL: Barrier = Barrier::new(3);
        // On one thread, each would wait for ever for the others to come.
        let tasks = [(); 3].map(|()| runtime.spawn(async { waiting(|| ALL.wait()) }));
        runtime.block_on(async {
            for task in tasks {
                task.await.unwrap();
            }
        });
        assert_eq!(waiting(|| 1), 1, "and without a runtime it is just done");
    }
}
