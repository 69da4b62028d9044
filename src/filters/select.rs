//! `select`, `reject`, `selectattr`, `rejectattr`: the items that pass a test, or don't.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::sequence::Attribute;
use shevek_python::text::str_of;

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["select"], markers: Markers::Inside, run: |c, a| choose(c, a, By::Item, true) },
    Filter { names: &["reject"], markers: Markers::Inside, run: |c, a| choose(c, a, By::Item, false) },
    Filter {
        names: &["selectattr"],
        markers: Markers::Inside,
        run: |c, a| choose(c, a, By::Attribute, true),
    },
    Filter {
        names: &["rejectattr"],
        markers: Markers::Inside,
        run: |c, a| choose(c, a, By::Attribute, false),
    },
];

/// What the test is put to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Item,
    Attribute,
}

fn choose(context: &dyn Context, arguments: &Arguments, by: By, wanted: bool) -> Result<Value> {
    let value = arguments.subject();
    if !value.is_true() {
        return Ok(Value::list(Vec::new()));
    }
    let mut given = arguments.positional.iter().skip(1);
    let attribute = match by {
        By::Item => None,
        By::Attribute => Some(given.next().ok_or_else(|| {
            Diagnostic::new("missing argument").detail("Missing parameter for attribute name")
        })?),
    };
    let attribute = attribute.map(|attribute| Attribute::new(Some(attribute), None));
    let test = given.next().map(str_of);
    let rest: Vec<Value> = given.cloned().collect();
    let items = context.iterate(value)?;
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let subject = match &attribute {
            Some(attribute) => attribute.of(context, &item)?,
            None => item.clone(),
        };
        let sees_missing = test.as_deref().is_some_and(|name| {
            let name = name.strip_prefix("ansible.builtin.").unwrap_or(name);
            matches!(name, "defined" | "undefined" | "vault_encrypted")
        });
        if subject.is_undefined() && !sees_missing {
            return Ok(subject);
        }
        let passes = match &test {
            None => subject.is_true(),
            Some(name) => {
                let positional = std::iter::once(subject).chain(rest.iter().cloned()).collect();
                context.test(name, Arguments { positional, named: arguments.named.clone() })?
            }
        };
        if passes == wanted {
            out.push(item);
        }
    }
    Ok(Value::list(out))
}
