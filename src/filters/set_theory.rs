//! `union`, `intersect`, `difference`, `symmetric_difference`: lists as sets.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Set, Value};

use shevek_python::arguments::bind;

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["union"], markers: Markers::Propagate, run: |c, a| sets(c, a, union) },
    Filter { names: &["intersect"], markers: Markers::Propagate, run: |c, a| sets(c, a, intersect) },
    Filter { names: &["difference"], markers: Markers::Propagate, run: |c, a| sets(c, a, difference) },
    Filter {
        names: &["symmetric_difference"],
        markers: Markers::Propagate,
        run: |c, a| sets(c, a, symmetric),
    },
];

// Differs from Ansible: the order is that of the lists, where Ansible's, from Python's sets, changes from run to run.
fn sets(context: &dyn Context, arguments: &Arguments, join: fn(&Set, &Set) -> Vec<Value>) -> Result<Value> {
    let ([a, b], []) = bind(arguments, ["a", "b"], [])?;
    let a: Set = context.iterate(a)?.into_iter().collect();
    let b: Set = context.iterate(b)?.into_iter().collect();
    Ok(Value::list(join(&a, &b)))
}

fn union(a: &Set, b: &Set) -> Vec<Value> {
    a.union(b).cloned().collect()
}

fn intersect(a: &Set, b: &Set) -> Vec<Value> {
    a.intersection(b).cloned().collect()
}

fn difference(a: &Set, b: &Set) -> Vec<Value> {
    a.difference(b).cloned().collect()
}

fn symmetric(a: &Set, b: &Set) -> Vec<Value> {
    a.symmetric_difference(b).cloned().collect()
}
