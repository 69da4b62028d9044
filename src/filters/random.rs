//! `random` and `shuffle`: chance, or with a seed what Python draws from that seed.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, given, wrong_type};
use shevek_python::mersenne::Random;

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["random"], markers: Markers::Propagate, run: random },
    Filter { names: &["shuffle"], markers: Markers::Propagate, run: shuffle },
];

/// A generator from a seed, or from the system's randomness.
pub(crate) fn generator(seed: Option<&Value>) -> Result<Random> {
    match given(seed) {
        None => Ok(Random::from_system()),
        Some(seed) => Random::seeded(seed).ok_or_else(|| wrong_type("seed", "text or a number", seed)),
    }
}

fn random(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([end], [start, step, seed]) = bind(arguments, ["end"], ["start", "step", "seed"])?;
    let mut random = generator(seed)?;
    // Nought counts as not given, as in Ansible.
    let number = |value: Option<&Value>, name: &str| match value.filter(|value| value.is_true()) {
        None => Ok(None),
        Some(value) => value.as_int().map(Some).ok_or_else(|| wrong_type(name, "a whole number", value)),
    };
    let (start, step) = (number(start, "start")?, number(step, "step")?);
    if let Some(end) = end.as_int() {
        return among(&mut random, start.unwrap_or(0), end, step.unwrap_or(1));
    }
    let items = context.iterate(end).map_err(|_| {
        Diagnostic::new("random can only be used on sequences and integers")
            .detail(format!("it was given a '{}'", end.type_name()))
            .at_maybe(end.origin(), "")
    })?;
    if start.is_some() || step.is_some() {
        return Err(Diagnostic::new("start and step can only be used with integer values"));
    }
    let chosen = random.below(items.len() as u64);
    items.get(chosen as usize).cloned().ok_or_else(|| {
        Diagnostic::new("nothing to choose from").detail("Cannot choose from an empty sequence")
    })
}

/// `randrange`.
fn among(random: &mut Random, start: i64, end: i64, step: i64) -> Result<Value> {
    let width = i128::from(end) - i128::from(start);
    let step = i128::from(step);
    let count =
        if step > 0 { (width + step - 1).div_euclid(step) } else { (width + step + 1).div_euclid(step) };
    match u64::try_from(count) {
        Ok(count) if count > 0 => {
            let chosen = i128::from(start) + step * i128::from(random.below(count));
            Ok(i64::try_from(chosen).map_or(Value::NULL, Value::from))
        }
        _ => Err(Diagnostic::new("nothing to choose from")
            .detail(format!("empty range for randrange() ({start}, {end}, {width})"))),
    }
}

fn shuffle(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [seed]) = bind(arguments, ["mylist"], ["seed"])?;
    // What has no items comes out as it went in.
    let Ok(mut items) = context.iterate(value) else { return Ok(value.clone()) };
    generator(seed.filter(|seed| seed.is_true()))?.shuffle(&mut items);
    Ok(Value::list(items))
}
