//! shevek runs Ansible content from one binary, with no Python on either side.
//!
//! The way of a run: `main` → [`cli`] parses and loads (`src/settings`, `src/inventory`, `src/playbook`) → `src/engine`
//! runs plays → `src/connection` carries requests to the runner on each host (`crates/runner`, `modules/`) → events
//! (`src/event`) → reporters (`src/report`) → exit code. docs/architecture.md says who may import whom.

pub use shevek_cli as cli;
