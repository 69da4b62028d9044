//! Any text is read or refused, and what was read can be written as YAML that reads as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shevek_diag::Source;
use shevek_value::Value;
use shevek_yaml::{DumpOptions, Options, dump, load, load_all};

fn read(text: &str) -> Option<Value> {
    load(&Source::new("fuzz.yml", text), &Options::default()).ok()
}

fuzz_target!(|text: &str| {
    let trusted = Options { trusted: true, json: true, ..Options::default() };
    let _ = load_all(&Source::new("fuzz.yml", text), &trusted);
    // Pairs are read as tuples, which are written as lists.
    let Some(value) = read(text).filter(|_| !text.contains("omap") && !text.contains("pairs")) else { return };
    let Ok(written) = dump(&value, &DumpOptions { sort_keys: false, ..DumpOptions::nice() }) else { return };
    let again = read(&written).map(|value| value.repr());
    assert_eq!(again, Some(value.repr()), "written as {written:?}");
});
