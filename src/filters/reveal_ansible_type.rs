//! `reveal_ansible_type` (community.general): Python's name of a value's type, with those of what is in it.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, given};
use shevek_template::plugin::{Filter, Markers};
use shevek_value::Value;

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["community.general.reveal_ansible_type", "reveal_ansible_type"],
    markers: Markers::Propagate,
    run: |_, arguments| {
        let ([data], [alias]) = bind(arguments, ["data"], ["alias"])?;
        type_of(data, given(alias)).map(Value::from)
    },
}];

/// `list[int|str]`. Other names can be given to types.
// Differs from Ansible: text that was tagged with its place is `str` here, not `_AnsibleTaggedStr`.
pub(crate) fn type_of(data: &Value, alias: Option<&Value>) -> Result<String> {
    if let Some(alias) = alias.filter(|alias| alias.as_map().is_none()) {
        return Err(Diagnostic::new("wrong argument").detail(format!(
            "The argument alias must be a dictionary. {} is {}",
            alias.repr(),
            alias.type_name()
        )));
    }
    let name = |value: &Value| {
        let name = value.type_name();
        alias.and_then(|alias| alias.get(name)).map_or_else(|| name.to_owned(), Value::text)
    };
    let all = |values: &mut dyn Iterator<Item = &Value>| {
        let mut names: Vec<String> = values.map(name).collect();
        names.sort();
        names.dedup();
        names.join("|")
    };
    let own = name(data);
    Ok(match (data.as_list(), data.as_map()) {
        (Some(items), _) if !items.is_empty() && own == "list" => {
            format!("{own}[{}]", all(&mut items.iter()))
        }
        (_, Some(map)) if !map.is_empty() && own == "dict" => {
            format!("{own}[{}, {}]", all(&mut map.keys()), all(&mut map.values()))
        }
        _ => own,
    })
}
