//! `random_choice`: one of the terms.

use shevek_diag::Result;
use shevek_python::mersenne::Random;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

pub(crate) const LOOKUP: Lookup =
    Lookup { names: &["random_choice"], markers: Markers::Propagate, run: random_choice };

fn random_choice(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let chosen = Random::from_system().below(arguments.positional.len() as u64);
    Ok(Value::list(arguments.positional.get(chosen as usize).cloned().into_iter().collect()))
}
