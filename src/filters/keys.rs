//! `keep_keys`, `remove_keys`, `replace_keys` (community.general): keys of the mappings in a list.

use shevek_diag::{Diagnostic, Result};
use shevek_pyre::{Flags, Regex};
use shevek_python::arguments::bind;
use shevek_python::regex::{compile, exhausted};
use shevek_python::sequence::{is_sequence, mapping};
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

pub(crate) const FILTERS: &[Filter] = &[
    Filter {
        names: &["community.general.keep_keys", "keep_keys"],
        markers: Markers::Inside,
        run: |c, a| choose(c, a, true),
    },
    Filter {
        names: &["community.general.remove_keys", "remove_keys"],
        markers: Markers::Inside,
        run: |c, a| choose(c, a, false),
    },
    Filter {
        names: &["community.general.replace_keys", "replace_keys"],
        markers: Markers::Inside,
        run: replace_keys,
    },
];

/// How a key is compared with a target.
enum Match {
    Equal(String),
    StartsWith(String),
    EndsWith(String),
    Regex(Regex),
}

impl Match {
    fn new(target: &Value, how: &str) -> Result<Self> {
        let text = target
            .as_str()
            .ok_or_else(|| wrong(format!("the target items must be strings, not {}", target.repr())))?;
        Ok(match how {
            "equal" => Self::Equal(text.to_owned()),
            "starts_with" => Self::StartsWith(text.to_owned()),
            "ends_with" => Self::EndsWith(text.to_owned()),
            "regex" => Self::Regex(compile(target, Flags::NONE)?),
            other => {
                return Err(wrong(format!("the matching_parameter can't be {other}"))
                    .did_you_mean(other, ["equal", "starts_with", "ends_with", "regex"]));
            }
        })
    }

    fn fits(&self, key: &str) -> Result<bool> {
        Ok(match self {
            Self::Equal(text) => key == text,
            Self::StartsWith(text) => key.starts_with(text.as_str()),
            Self::EndsWith(text) => key.ends_with(text.as_str()),
            Self::Regex(regex) => regex.match_start(key).map_err(exhausted)?.is_some(),
        })
    }
}

fn wrong(detail: String) -> Box<Diagnostic> {
    Diagnostic::new("wrong argument of a filter of keys").detail(detail)
}

/// The mappings, all of whose keys must be text.
fn mappings(context: &dyn Context, data: &Value) -> Result<Vec<std::sync::Arc<Map>>> {
    if !is_sequence(data) {
        return Err(wrong(format!("the first argument must be a list, not {}", data.type_name())));
    }
    let mut out = Vec::new();
    for item in context.iterate(data)? {
        let map = mapping(&item)?.ok_or_else(|| {
            wrong(format!("the data items must be dictionaries, not {}", item.repr()))
                .at_maybe(item.origin(), "")
        })?;
        if let Some(key) = map.keys().find(|key| key.as_str().is_none()) {
            return Err(wrong(format!("top level keys must be strings, not {}", key.repr())));
        }
        out.push(map);
    }
    Ok(out)
}

fn how(value: Option<&Value>) -> String {
    value.map_or_else(|| "equal".to_owned(), |value| str_of(value).into_owned())
}

fn choose(context: &dyn Context, arguments: &Arguments, keep: bool) -> Result<Value> {
    let ([data], [target, matching]) = bind(arguments, ["data"], ["target", "matching_parameter"])?;
    let data = mappings(context, data)?;
    let how = how(matching);
    let target = target.unwrap_or(&Value::NULL);
    let targets = match target.as_list() {
        Some(items) => items.to_vec(),
        None => vec![target.clone()],
    };
    if targets.is_empty() || target.as_str() == Some("") {
        return Err(wrong("the target can't be empty".to_owned()));
    }
    if how == "regex" && targets.len() > 1 {
        return Err(wrong(
            "a single item is required in the target list if matching_parameter=regex".to_owned(),
        ));
    }
    let tests: Vec<Match> = targets.iter().map(|target| Match::new(target, &how)).collect::<Result<_>>()?;
    let mut out = Vec::new();
    for map in data {
        let mut chosen = Map::default();
        for (key, value) in map.iter() {
            let text = str_of(key);
            let mut fits = false;
            for test in &tests {
                fits |= test.fits(&text)?;
            }
            if fits == keep {
                chosen.insert(key.clone(), value.clone());
            }
        }
        out.push(Value::map(chosen));
    }
    Ok(Value::list(out))
}

fn replace_keys(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data], [target, matching]) = bind(arguments, ["data"], ["target", "matching_parameter"])?;
    let data = mappings(context, data)?;
    let how = how(matching);
    let targets = target.and_then(Value::as_list).filter(|targets| !targets.is_empty());
    let targets = targets.ok_or_else(|| wrong("the target must be a list that is not empty".to_owned()))?;
    let mut changes = Vec::new();
    for target in targets {
        let (Some(before), Some(after)) = (target.get("before"), target.get("after")) else {
            return Err(wrong(
                "all dictionaries in target must include attributes: after, before".to_owned(),
            ));
        };
        if after.as_str().is_none() {
            return Err(wrong(format!("the attributes after must be strings, not {}", after.repr())));
        }
        changes.push((Match::new(before, &how)?, after.clone()));
    }
    let mut out = Vec::new();
    for map in data {
        let mut renamed = Map::default();
        for (key, value) in map.iter() {
            let text = str_of(key);
            let mut name = key.clone();
            for (test, after) in &changes {
                if test.fits(&text)? {
                    name = after.clone();
                    break;
                }
            }
            renamed.insert(name, value.clone());
        }
        out.push(Value::map(renamed));
    }
    Ok(Value::list(out))
}
