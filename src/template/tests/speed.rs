//! How fast small templates are. Run with `cargo test --release -p shevek-template --test speed -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use std::time::Instant;

use shevek_diag::Result;
use shevek_template::plugin::Plugins;
use shevek_template::{Scope, Templar, Truth};
use shevek_value::Value;

struct Variables(Value);

impl Scope for Variables {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        Ok(self.0.get(name).cloned())
    }
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

fn measure(what: &str, mut once: impl FnMut()) {
    let (mut count, start) = (0_u32, Instant::now());
    while start.elapsed().as_millis() < 500 {
        for _ in 0..100 {
            once();
        }
        count += 100;
    }
    println!("{what:45} {:>10.0} a second", f64::from(count) / start.elapsed().as_secs_f64());
}

#[test]
#[ignore = "a measurement, not a test"]
fn small_templates() {
    let nested = Value::dict([("b", Value::dict([("c", Value::from(7))]))]);
    let scope = Variables(Value::dict([
        ("name", Value::from("web1")),
        ("port", Value::from(80)),
        ("a", nested),
        ("l1", Value::template("{{ l2 }}")),
        ("l2", Value::template("{{ l3 }}")),
        ("l3", Value::template("{{ name }}")),
        ("list", Value::list((0..20).map(Value::from).collect())),
    ]));
    let templar = Templar::new(Plugins::new());
    for text in [
        "{{ name }}",
        "http://{{ name }}:{{ port }}/",
        "{{ a.b.c + 1 }}",
        "{{ name.upper() ~ '-' ~ port }}",
        "{{ l1 }}",
        "{% for i in list %}{{ i }},{% endfor %}",
    ] {
        let value = Value::template(text);
        measure(text, || drop(templar.render(&value, &scope).unwrap()));
    }
    let condition = Value::from("port == 80 and name != 'x'");
    measure("when: port == 80 and name != 'x'", || {
        assert_eq!(templar.condition(&condition, &scope).unwrap(), Truth::Yes);
    });
    let mut number = 0;
    measure("parse and render", || {
        number += 1;
        let text = format!("a {{{{ name }}}} {number} {{% if port > 1 %}}b{{% endif %}}");
        templar.render(&Value::template(text), &scope).unwrap();
    });
}
