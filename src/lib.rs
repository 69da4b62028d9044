//! `shevek`: runs Ansible playbooks from one binary, with no Python on controller or host.
//!
//! The program is put together in the crates below `src/`, one a noun; docs/architecture.md tells the way of a run. Start
//! reading at [`main`], which is `src/cli`, then `src/engine`.

pub use shevek_cli::main;
