//! Any text is a template that renders or an error that says where.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use shevek_diag::Result;
use shevek_template::plugin::Plugins;
use shevek_template::{Scope, Templar};
use shevek_value::Value;

/// Variables of all kinds, one of which refers to itself.
struct Variables;

impl Scope for Variables {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        Ok(Some(match name {
            "n" => Value::from(7),
            "s" => Value::str("some Text"),
            "l" => Value::list(vec![Value::from(3), Value::str("x"), Value::template("{{ n }}")]),
            "d" => Value::dict([("a", Value::from(1)), ("b", Value::template("{{ l }}"))]),
            "t" => Value::template("{{ s | upper }}"),
            "r" => Value::template("{{ r }}"),
            _ => return Ok(None),
        }))
    }

    fn names(&self) -> Vec<String> {
        ["n", "s", "l", "d", "t", "r"].map(str::to_owned).into()
    }
}

fn templar() -> &'static Templar {
    static TEMPLAR: OnceLock<Templar> = OnceLock::new();
    // Lookups stay out: `pipe` runs what it is given.
    TEMPLAR.get_or_init(|| {
        Templar::new(Plugins::new().with_filters(shevek_filters::filters()).with_tests(shevek_filters::tests()))
    })
}

fuzz_target!(|text: &str| {
    // Long work that the text itself asks for is no fault.
    let long = |text: &str| text.as_bytes().windows(4).any(|four| four.iter().all(u8::is_ascii_digit));
    if long(text) || text.contains("**") || text.contains("password_hash") || text.contains("vault") {
        return;
    }
    let _ = templar().check_syntax(&Value::template(text));
    let _ = templar().render(&Value::template(text), &Variables);
    let _ = templar().expression(&Value::template(text), &Variables);
    let _ = templar().condition(&Value::template(text), &Variables);
});
