//! `lists_union`, `lists_intersect`, `lists_difference`, `lists_symmetric_difference` (community.general): several
//! lists as sets, their order kept.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::flag;
use shevek_python::sequence::is_sequence;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Set, Value};

pub(crate) const FILTERS: &[Filter] = &[
    Filter {
        names: &["community.general.lists_union", "lists_union"],
        markers: Markers::Propagate,
        run: |c, a| fold(c, a, |a, b| a.union(b).cloned().collect()),
    },
    Filter {
        names: &["community.general.lists_intersect", "lists_intersect"],
        markers: Markers::Propagate,
        run: |c, a| fold(c, a, |a, b| a.intersection(b).cloned().collect()),
    },
    Filter {
        names: &["community.general.lists_difference", "lists_difference"],
        markers: Markers::Propagate,
        run: |c, a| fold(c, a, |a, b| a.difference(b).cloned().collect()),
    },
    Filter {
        names: &["community.general.lists_symmetric_difference", "lists_symmetric_difference"],
        markers: Markers::Propagate,
        run: |c, a| fold(c, a, |a, b| a.symmetric_difference(b).cloned().collect()),
    },
];

fn fold(context: &dyn Context, arguments: &Arguments, join: fn(&Set, &Set) -> Set) -> Result<Value> {
    if let Some(other) = arguments.named.keys().find(|key| key.as_str() != Some("flatten")) {
        return Err(Diagnostic::new("unexpected argument")
            .detail(format!("there is no argument named {}", other.repr())));
    }
    let mut lists = arguments.positional.clone();
    if flag(arguments.named.get("flatten")) {
        lists.clear();
        for term in &arguments.positional {
            let items = context.iterate(term)?;
            if !items.is_empty() && items.iter().all(is_sequence) {
                lists.extend(items);
            } else if !items.is_empty() {
                lists.push(term.clone());
            }
        }
    }
    if let [only] = lists.as_slice() {
        return Ok(only.clone());
    }
    let mut out: Option<Set> = None;
    for list in &lists {
        let next: Set = context.iterate(list)?.into_iter().collect();
        out = Some(match out {
            None => next,
            Some(before) => join(&before, &next),
        });
    }
    Ok(Value::list(out.unwrap_or_default().into_iter().collect()))
}
