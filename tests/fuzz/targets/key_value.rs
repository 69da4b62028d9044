//! Any text is split or refused, and nothing of it is lost.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shevek_value::Value;
use shevek_yaml::key_value::{FreeForm, join, parse, split};

fuzz_target!(|text: &str| {
    for form in [FreeForm::Command, FreeForm::Other] {
        let _ = parse(&Value::template(text), form);
    }
    if let Ok(words) = split(text) {
        let _ = join(&words);
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace() && *c != '\\').collect::<String>();
        assert_eq!(letters(&words.concat()), letters(text));
    }
});
