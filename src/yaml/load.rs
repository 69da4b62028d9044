//! Text to values.

use std::sync::Arc;

use shevek_diag::{Diagnostic, Result, Source};
use shevek_value::Value;
use shevek_vault::Vault;

use crate::compose::Composer;
use crate::json;

/// What to do about a mapping with the same key twice (`DUPLICATE_YAML_DICT_KEY`); the last one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Duplicates {
    /// Warn.
    #[default]
    Warn,
    /// Refuse.
    Error,
    /// Say nothing.
    Ignore,
}

/// How to read.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Whether text in it is template: files of the user's are trusted, data from hosts and filters is not.
    pub trusted: bool,
    /// Opens `!vault` values; without it they are undefined, and using one says why.
    pub vault: Option<&'a Vault>,
    /// What to do about a key that is there twice.
    pub duplicates: Duplicates,
    /// Takes warnings.
    pub warn: Option<&'a (dyn Fn(Box<Diagnostic>) + Sync)>,
    /// Whether JSON is tried first, with JSON's own rules, as Ansible does for files (the `from_yaml` filters don't).
    pub json: bool,
}

impl<'a> Options<'a> {
    /// For files that the user wrote: trusted, JSON or YAML.
    pub fn file(vault: &'a Vault) -> Self {
        Self { trusted: true, vault: Some(vault), json: true, ..Self::default() }
    }

    /// The same, with somewhere for warnings to go.
    #[must_use]
    pub fn warnings(self, warn: &'a (dyn Fn(Box<Diagnostic>) + Sync)) -> Self {
        Self { warn: Some(warn), ..self }
    }
}

/// Reads the one document of a source; an empty source is `null`.
pub fn load(source: &Arc<Source>, options: &Options<'_>) -> Result<Value> {
    if options.json
        && let Some(value) = json::load(source, options)
    {
        return Ok(value);
    }
    Composer::new(source, options)?.single_document()
}

/// Reads a source that must be JSON; `None`: it isn't.
pub fn load_json(source: &Arc<Source>, options: &Options<'_>) -> Option<Value> {
    json::load(source, options)
}

/// Reads all documents of a source.
pub fn load_all(source: &Arc<Source>, options: &Options<'_>) -> Result<Vec<Value>> {
    Composer::new(source, options)?.all_documents()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use shevek_vault::{Matching, Password};

    use super::*;

    fn repr(text: &str) -> String {
        match load(&Source::new("x.yml", text), &Options { trusted: true, ..Options::default() }) {
            Ok(value) => value.repr(),
            Err(why) => format!("! {}", why.detail),
        }
    }

    #[test]
    fn documents_are_what_pyyaml_makes_of_them() {
        let cases: &[(&str, &str)] = include!("testdata/load.in");
        let wrong: Vec<_> = cases
            .iter()
            .map(|(text, expected)| (text, expected, repr(text)))
            .filter(|(_, e, got)| *e != got)
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn every_value_has_its_place() {
        let source = Source::new("x.yml", "a:\n  - b\n  - &x {c: 1}\n  - *x\né: |\n  t\n");
        let value = load(&source, &Options::default()).unwrap();
        let place = |value: &Value| value.origin().unwrap().to_string();
        let list = value.get("a").unwrap().as_list().unwrap();
        assert_eq!(place(&value), "x.yml:1:1");
        assert_eq!(place(&list[0]), "x.yml:2:5");
        assert_eq!(place(&list[1]), "x.yml:3:5");
        assert_eq!(place(list[2].get("c").unwrap()), "x.yml:3:12");
        assert_eq!(place(value.get("é").unwrap()), "x.yml:5:4");
        assert_eq!(place(value.as_map().unwrap().get_key_value("é").unwrap().0), "x.yml:5:1");
    }

    #[test]
    fn only_trusted_text_is_template_and_unsafe_never() {
        let source =
            Source::new("x.yml", "a: '{{ x }}'\nb: !unsafe '{{ x }}'\nc: !unsafe {d: ['{{ x }}']}\n");
        let trusted = load(&source, &Options { trusted: true, ..Options::default() }).unwrap();
        assert!(trusted.get("a").unwrap().is_template());
        assert!(!trusted.get("b").unwrap().is_template());
        assert!(!trusted.get("c").unwrap().is_template());
        assert!(!load(&source, &Options::default()).unwrap().is_template());
    }

    #[test]
    fn a_key_that_is_there_twice_is_warned_about_but_not_an_overridden_merge() {
        let source = Source::new("x.yml", "base: &b {x: 1}\na: {<<: *b, x: 2}\nc: 1\nc: 2\n");
        let warnings = Mutex::new(Vec::new());
        let warn = |warning: Box<Diagnostic>| warnings.lock().unwrap().push(warning.to_string());
        let value = load(&source, &Options::default().warnings(&warn)).unwrap();
        assert_eq!(value.repr(), "{'base': {'x': 1}, 'a': {'x': 2}, 'c': 2}");
        assert_eq!(
            *warnings.lock().unwrap(),
            ["duplicate mapping key: Found duplicate mapping key 'c' (x.yml:4:1)"]
        );
        let strict = Options { duplicates: Duplicates::Error, ..Options::default() };
        assert!(load(&source, &strict).is_err());
    }

    #[test]
    fn vault_values_are_opened_secret_and_untrusted() {
        let password = Password::new(b"pw").unwrap();
        let text = password.encrypt(b"{{ 1 }}", None, Some(b"salt"));
        let yaml = format!("a: !vault |\n{}", text.lines().map(|l| format!("  {l}\n")).collect::<String>());
        let source = Source::new("x.yml", yaml);
        let vault = Vault::new(vec![("default".into(), password)], Matching::Any);
        let value = load(&source, &Options::file(&vault)).unwrap();
        let a = value.get("a").unwrap();
        assert_eq!(a.as_str(), Some("{{ 1 }}"));
        assert!(a.is_secret() && !a.is_template() && value.is_secret());
        let locked = load(&source, &Options::default()).unwrap();
        let why = locked.get("a").unwrap().as_undefined().unwrap().message();
        assert!(why.starts_with("Attempting to decrypt but no vault secrets found"), "{why}");
    }

    /// Found by mutating real files.
    #[test]
    fn what_makes_the_parser_panic_is_met_beforehand() {
        for text in [
            "[!!str, a]",
            "['v*'!, b]",
            "{a: !x&=,b: 1}",
            "a: b\n    \r{,!!&a,",
            "? \r\n{!,\r\n|-}",
            "a: |\n  b",
            "a: |\n  b\n     ",
            "\"\\",
            "|\n !!,a\t!!str|-\\u12",
            "a: 'x|' \\",
        ] {
            let result = load(&Source::new("x", text), &Options::default());
            assert!(!result.is_err_and(|why| why.kind == shevek_diag::Kind::Bug), "{text:?}");
        }
    }

    #[test]
    fn all_documents_of_a_stream_can_be_had() {
        let source = Source::new("x.yml", "--- 1\n---\na: &x 2\n--- []\n...\n");
        let all = load_all(&source, &Options::default()).unwrap();
        assert_eq!(Value::list(all).repr(), "[1, {'a': 2}, []]");
    }

    #[test]
    fn billions_of_laughs_and_bottomless_nesting_are_refused() {
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let line = format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", "));
            laughs.push_str(&line);
        }
        assert_eq!(repr(&laughs), "! aliases of aliases make this document unreasonably large");
        assert_eq!(repr(&"[".repeat(1000)), "! collections are nested too deeply");
        // The parser would take minutes for all of it.
        assert_eq!(repr(&"[".repeat(200_000)), "! collections are nested too deeply");
    }
}
