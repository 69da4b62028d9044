//! `product`, `permutations`, `combinations`: ways to choose items.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, given, integer};

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["product"], markers: Markers::Inside, run: product },
    Filter { names: &["permutations"], markers: Markers::Inside, run: permutations },
    Filter { names: &["combinations"], markers: Markers::Inside, run: combinations },
];

fn product(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let repeat = match arguments.named.get("repeat") {
        None => 1,
        Some(repeat) => usize::try_from(integer(repeat, "repeat")?)
            .map_err(|_| Diagnostic::new("negative repeat").detail("repeat argument cannot be negative"))?,
    };
    if let Some(other) = arguments.named.keys().find(|key| *key != "repeat") {
        return Err(Diagnostic::new("unexpected argument")
            .detail(format!("there is no argument named {}", other.repr())));
    }
    let once: Vec<Vec<Value>> =
        arguments.positional.iter().map(|value| context.iterate(value)).collect::<Result<_>>()?;
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for column in std::iter::repeat_n(&once, repeat).flatten() {
        rows = rows
            .iter()
            .flat_map(|row| column.iter().map(move |item| row.iter().chain([item]).cloned().collect()))
            .collect();
    }
    Ok(Value::list(rows.into_iter().map(Value::tuple).collect()))
}

fn permutations(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [length]) = bind(arguments, ["iterable"], ["r"])?;
    let items = context.iterate(value)?;
    let length = match given(length) {
        None => items.len(),
        Some(length) => positive(length)?,
    };
    let mut out = Vec::new();
    if length <= items.len() {
        permute(&items, length, &mut Vec::new(), &mut out);
    }
    Ok(Value::list(out))
}

fn positive(length: &Value) -> Result<usize> {
    usize::try_from(integer(length, "r")?)
        .map_err(|_| Diagnostic::new("negative length").detail("r must be non-negative"))
}

fn permute(items: &[Value], length: usize, chosen: &mut Vec<usize>, out: &mut Vec<Value>) {
    if chosen.len() == length {
        out.push(Value::tuple(chosen.iter().filter_map(|at| items.get(*at)).cloned().collect()));
        return;
    }
    for at in 0..items.len() {
        if !chosen.contains(&at) {
            chosen.push(at);
            permute(items, length, chosen, out);
            chosen.pop();
        }
    }
}

fn combinations(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value, length], []) = bind(arguments, ["iterable", "r"], [])?;
    let items = context.iterate(value)?;
    let mut out = Vec::new();
    combine(&items, positive(length)?, &mut Vec::new(), &mut out);
    Ok(Value::list(out))
}

fn combine(rest: &[Value], length: usize, chosen: &mut Vec<Value>, out: &mut Vec<Value>) {
    if length == 0 {
        out.push(Value::tuple(chosen.clone()));
        return;
    }
    let mut rest = rest;
    while let Some((first, after)) = rest.split_first() {
        if after.len() + 1 < length {
            return;
        }
        chosen.push(first.clone());
        combine(after, length - 1, chosen, out);
        chosen.pop();
        rest = after;
    }
}
