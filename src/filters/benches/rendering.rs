//! Seconds a render that each template of a JSON file takes, printed as JSON: `benches/templating/compare` sets them beside
//! Jinja2's. As in a run, templates are compiled once, and what they print is text.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark fails by panicking"
)]

use std::hint::black_box;
use std::time::Instant;

use serde_json::{Map, json};
use shevek_diag::Result;
use shevek_template::plugin::Plugins;
use shevek_template::{Scope, Templar};
use shevek_value::Value;

struct Variables(Value);

impl Scope for Variables {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        Ok(self.0.as_map().and_then(|map| map.get(name)).cloned())
    }
    fn names(&self) -> Vec<String> {
        self.0.as_map().into_iter().flatten().map(|(name, _)| name.text()).collect()
    }
}

fn main() {
    // `cargo test` and `cargo bench` without arguments come here too.
    let Some(path) = std::env::args().find(|argument| argument.ends_with(".json")) else { return };
    let cases: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let variables = Variables(serde_json::from_value(cases["variables"].clone()).unwrap());
    let plugins = Plugins::new().with_filters(shevek_filters::filters()).with_tests(shevek_filters::tests());
    let templar = Templar::new(plugins);
    let (mut times, mut texts) = (Map::new(), Map::new());
    for source in cases["templates"].as_array().unwrap() {
        let source = source.as_str().unwrap();
        let template = Value::template(source);
        let render = || templar.render(&template, &variables).unwrap();
        texts.insert(source.to_owned(), json!(render().text()));
        let count = 2000;
        let round = || {
            let begin = Instant::now();
            (0..count).for_each(|_| drop(black_box(render())));
            begin.elapsed().as_secs_f64() / f64::from(count)
        };
        let best = (0..7).map(|_| round()).fold(f64::MAX, f64::min);
        times.insert(source.to_owned(), json!(best));
    }
    println!("{}", json!({ "times": times, "texts": texts }));
}
