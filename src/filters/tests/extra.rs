use shevek_diag::Result;
use shevek_template::plugin::{Plugins, TextOptions};
use shevek_template::{Scope, Templar};
use shevek_value::{Map, Value};
use std::path::PathBuf;
struct V(Value);
impl Scope for V {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        Ok(self.0.get(name).cloned())
    }
    fn names(&self) -> Vec<String> {
        vec![]
    }
    fn search_path(&self) -> Vec<PathBuf> {
        vec![PathBuf::from("/work/wt/template/tests/templating/templates")]
    }
}
#[test]
fn extra() {
    let t = Templar::new(
        Plugins::new().with_filters(shevek_filters::filters()).with_tests(shevek_filters::tests()),
    );
    let v: Value = serde_json::from_str(&std::fs::read_to_string("/tmp/vars.json").unwrap()).unwrap();
    let v = V(v.trusted());
    let mut out = String::new();
    for line in std::fs::read_to_string("/tmp/extra.txt").unwrap().lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let r = match &case {
            serde_json::Value::String(source) => t.render(&Value::template(source.as_str()), &v),
            case => {
                let o = TextOptions {
                    trim_blocks: case["trim"].as_bool().unwrap(),
                    lstrip_blocks: case["lstrip"].as_bool().unwrap(),
                    ..TextOptions::default()
                };
                t.render_text("x.j2", case["text"].as_str().unwrap(), (&Map::default(), &o), &v)
            }
        };
        let pair = match r {
            Ok(v) => ("ok", v.repr()),
            Err(e) => ("err", e.to_string()),
        };
        out.push_str(&serde_json::to_string(&pair).unwrap());
        out.push('\n');
    }
    std::fs::write("/tmp/ours.txt", out).unwrap();
}
