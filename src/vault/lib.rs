//! Ansible's vault: encrypted files and values, read and written.
//!
//! Start reading at [`Vault`], the passwords that a run knows; [`Envelope`] is the format of the text, `cipher` does
//! the cryptography, and [`Password`] says where passwords come from (a file, a script, a question).
//!
//! Imports `diag` and `value`; the YAML reader imports this, never the other way round.

mod cipher;
mod envelope;
mod keyring;
mod password;

pub use envelope::{Envelope, is_encrypted};
pub use keyring::{Matching, Vault};
pub use password::{Password, PasswordSource};
