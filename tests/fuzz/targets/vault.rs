//! Any text is a vault's or is refused; what was taken apart is put together again; a wrong key opens nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shevek_vault::{Envelope, Matching, Password, Vault, is_encrypted};

fuzz_target!(|text: &str| {
    let _ = is_encrypted(text);
    let Ok(envelope) = Envelope::parse(text) else { return };
    assert_eq!(Envelope::parse(&envelope.text()).as_ref(), Ok(&envelope));
    let vault = Vault::new(vec![("default".into(), Password::new(b"pw").unwrap())], Matching::Any);
    let _ = vault.decrypt(text);
});
