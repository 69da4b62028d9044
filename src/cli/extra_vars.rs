//! `-e`.

use std::path::Path;
use std::sync::Arc;

use shevek_diag::{Diagnostic, Diagnostics, Kind, Origin, Result, Source};
use shevek_value::{Map, Value};
use shevek_vault::Vault;
use shevek_yaml::key_value::{self, FreeForm};
use shevek_yaml::{Options, load};

/// The variables of all `-e` options, later ones winning; `merge` puts mappings together instead.
pub(crate) fn extra_vars(
    options: &[String],
    folder: &Path,
    vault: &Vault,
    merge: bool,
) -> Result<Map, Diagnostics> {
    let mut all = Map::default();
    let mut wrong = Diagnostics::new();
    for option in options.iter().filter(|option| !option.is_empty()) {
        if let Some(map) = wrong.keep(read(option, folder, vault)) {
            for (name, value) in map {
                put(&mut all, name, value, merge);
            }
        }
    }
    if wrong.has_errors() { Err(wrong) } else { Ok(all) }
}

fn put(all: &mut Map, name: Value, value: Value, merge: bool) {
    let merged = match all.get(&name).and_then(Value::as_map).zip(value.as_map()).filter(|_| merge) {
        Some((old, new)) => {
            let mut both = old.clone();
            for (name, value) in new {
                put(&mut both, name.clone(), value.clone(), merge);
            }
            Value::map(both)
        }
        None => value,
    };
    all.insert(name, merged);
}

fn read(option: &str, folder: &Path, vault: &Vault) -> Result<Map> {
    let wrong = |detail: String| {
        Diagnostic::new("extra variables that can't be read").kind(Kind::Options).detail(detail)
    };
    let value = if let Some(file) = option.strip_prefix('@') {
        from_file(&expand(file, folder), vault)?
    } else if option.starts_with(['/', '.']) {
        return Err(wrong(format!("`-e {option}` looks like a file")).help(format!("write `-e @{option}`")));
    } else {
        let source = Source::new("<command line>", option);
        if option.starts_with(['[', '{']) {
            load(&source, &Options::file(vault))?
        } else {
            let text = Value::template(option).at(Origin::whole(&source));
            Value::map(key_value::parse(&text, FreeForm::Other)?)
        }
    };
    match value.as_map() {
        Some(map) => Ok(map.clone()),
        None => {
            Err(wrong(format!("`-e {option}` is no mapping of names to values but {}", value.type_name())))
        }
    }
}

fn from_file(path: &Path, vault: &Vault) -> Result<Value> {
    let text = std::fs::read_to_string(path).map_err(|error| crate::exit::unreadable(path, &error))?;
    let is_secret = shevek_vault::is_encrypted(&text);
    let text = if is_secret {
        vault.decrypt_text(&text).map_err(|error| {
            let detail = format!("{}: {}", path.display(), error.detail);
            error.detail(detail)
        })?
    } else {
        text.into()
    };
    let name = path.to_string_lossy();
    let source: Arc<Source> =
        if is_secret { Source::secret(name, text.as_str()) } else { Source::new(name, text.as_str()) };
    load(&source, &Options::file(vault))
}

fn expand(file: &str, folder: &Path) -> std::path::PathBuf {
    match (file.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => folder.join(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(options: &[&str]) -> Result<Value, Vec<String>> {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        extra_vars(&options, Path::new("/nowhere"), &Vault::default(), false)
            .map(Value::map)
            .map_err(|wrong| wrong.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn all_ways_of_writing_variables() {
        for (options, wanted) in [
            (vec!["a=1 b='x y'"], "{'a': '1', 'b': 'x y'}"),
            (vec![r#"{"a": 1, "b": [true, null]}"#], "{'a': 1, 'b': [True, None]}"),
            (vec!["{a: 1, b: yes}"], "{'a': 1, 'b': True}"),
            (vec!["a=1", "a=2", ""], "{'a': '2'}"),
            (vec!["foo"], "{'_raw_params': 'foo'}"),
        ] {
            assert_eq!(read_all(&options).unwrap().repr(), wanted, "{options:?}");
        }
    }

    #[test]
    fn templates_stay_templates() {
        assert!(read_all(&["a={{b}}"]).unwrap().is_template());
        assert!(read_all(&[r#"{"a": "{{ b }}"}"#]).unwrap().is_template());
    }

    #[test]
    fn everything_wrong_is_said_together() {
        let wrong = read_all(&["/etc/vars.yml", "@vars.yml", "[1]"]).unwrap_err();
        assert_eq!(
            wrong,
            [
                "extra variables that can't be read: `-e /etc/vars.yml` looks like a file",
                "a file can't be read: /nowhere/vars.yml: No such file or directory (os error 2)",
                "extra variables that can't be read: `-e [1]` is no mapping of names to values but list",
            ]
        );
    }
}
