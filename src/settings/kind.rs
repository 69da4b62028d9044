//! The types that settings have, and how their text is read.

use std::path::{Component, Path, PathBuf};

use shevek_value::Value;

use crate::Surroundings;

/// What reading needs besides the text.
pub struct Context<'a> {
    /// The program's surroundings.
    pub surroundings: &'a Surroundings,
    /// Relative paths start here: the folder of the file that the setting is in, or the current one.
    pub base: &'a Path,
    /// `ANSIBLE_HOME`, which only defaults are written with.
    pub home: Option<&'a Path>,
}

/// A type of settings.
pub trait SettingKind {
    /// What the field holds.
    type Value: Clone;
    /// The type's name in documentation.
    const NAME: &'static str;
    /// Reads the text of a variable or file; the error says what would be right.
    fn read(text: &str, context: &Context<'_>) -> Result<Self::Value, &'static str>;
    /// The value when there is neither a setting nor a default.
    fn nothing() -> Self::Value;
    /// As `shevek config` shows it.
    fn show(value: &Self::Value) -> Value;
}

/// Yes or no.
pub struct Bool;
/// A whole number.
pub struct Int;
/// Text.
pub struct Text;
/// Text, not to be shown.
pub struct Hidden;
/// Texts between commas.
pub struct List;
/// A path.
pub struct File;
/// Paths between colons.
pub struct Paths;
/// Paths between commas, which may be inventory host lists too (`web1,web2`).
pub struct Sources;
/// A kind that may be left unset.
pub struct Maybe<K>(std::marker::PhantomData<K>);

impl SettingKind for Bool {
    type Value = bool;
    const NAME: &'static str = "bool";
    fn read(text: &str, _: &Context<'_>) -> Result<bool, &'static str> {
        let text = text.trim().to_lowercase();
        Ok(["y", "yes", "on", "1", "true", "t", "1.0"].contains(&text.as_str()))
    }
    fn nothing() -> bool {
        false
    }
    fn show(value: &bool) -> Value {
        Value::from(*value)
    }
}

impl SettingKind for Int {
    type Value = i64;
    const NAME: &'static str = "int";
    fn read(text: &str, _: &Context<'_>) -> Result<i64, &'static str> {
        let text = text.trim().replace('_', "");
        let whole =
            || text.parse::<f64>().ok().filter(|number| number.fract() == 0.0 && number.abs() < LARGEST);
        // Ansible takes `30.0` and `3e1`, too.
        #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is small enough")]
        text.parse().ok().or_else(|| whole().map(|number| number as i64)).ok_or("it has to be a whole number")
    }
    fn nothing() -> i64 {
        0
    }
    fn show(value: &i64) -> Value {
        Value::from(*value)
    }
}

impl SettingKind for Text {
    type Value = String;
    const NAME: &'static str = "str";
    fn read(text: &str, _: &Context<'_>) -> Result<String, &'static str> {
        Ok(text.to_owned())
    }
    fn nothing() -> String {
        String::new()
    }
    fn show(value: &String) -> Value {
        Value::str(value.as_str())
    }
}

impl SettingKind for Hidden {
    type Value = String;
    const NAME: &'static str = "str";
    fn read(text: &str, _: &Context<'_>) -> Result<String, &'static str> {
        Ok(text.to_owned())
    }
    fn nothing() -> String {
        String::new()
    }
    fn show(_: &String) -> Value {
        Value::str("********")
    }
}

impl SettingKind for List {
    type Value = Vec<String>;
    const NAME: &'static str = "list";
    fn read(text: &str, _: &Context<'_>) -> Result<Vec<String>, &'static str> {
        Ok(text
            .split(',')
            .map(|item| unquote(item.trim()).to_owned())
            .filter(|item| !item.is_empty())
            .collect())
    }
    fn nothing() -> Vec<String> {
        Vec::new()
    }
    fn show(value: &Vec<String>) -> Value {
        Value::from(value.clone())
    }
}

impl SettingKind for File {
    type Value = PathBuf;
    const NAME: &'static str = "path";
    fn read(text: &str, context: &Context<'_>) -> Result<PathBuf, &'static str> {
        Ok(resolve(text.trim(), context))
    }
    fn nothing() -> PathBuf {
        PathBuf::new()
    }
    fn show(value: &PathBuf) -> Value {
        Value::from(value.to_string_lossy().into_owned())
    }
}

impl SettingKind for Paths {
    type Value = Vec<PathBuf>;
    const NAME: &'static str = "pathspec";
    fn read(text: &str, context: &Context<'_>) -> Result<Vec<PathBuf>, &'static str> {
        Ok(text
            .split(':')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| resolve(part, context))
            .collect())
    }
    fn nothing() -> Vec<PathBuf> {
        Vec::new()
    }
    fn show(value: &Vec<PathBuf>) -> Value {
        Value::list(value.iter().map(File::show).collect())
    }
}

impl SettingKind for Sources {
    type Value = Vec<PathBuf>;
    const NAME: &'static str = "pathlist";
    fn read(text: &str, context: &Context<'_>) -> Result<Vec<PathBuf>, &'static str> {
        Ok(text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| resolve(part, context))
            .collect())
    }
    fn nothing() -> Vec<PathBuf> {
        Vec::new()
    }
    fn show(value: &Vec<PathBuf>) -> Value {
        Value::list(value.iter().map(File::show).collect())
    }
}

impl<K: SettingKind> SettingKind for Maybe<K> {
    type Value = Option<K::Value>;
    const NAME: &'static str = K::NAME;
    fn read(text: &str, context: &Context<'_>) -> Result<Self::Value, &'static str> {
        if text.is_empty() || text == "None" { Ok(None) } else { K::read(text, context).map(Some) }
    }
    fn nothing() -> Self::Value {
        None
    }
    fn show(value: &Self::Value) -> Value {
        value.as_ref().map_or(Value::NULL, K::show)
    }
}

/// Up to here every whole number is exact as a float.
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// Text without the quotes around it, if it has a pair.
pub fn unquote(text: &str) -> &str {
    for quote in ['\'', '"'] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote))
            && !inner.ends_with('\\')
        {
            return inner;
        }
    }
    text
}

/// An absolute path, with `~`, `$VARIABLES`, `{{CWD}}` and `..` worked out, links left as they are.
fn resolve(text: &str, context: &Context<'_>) -> PathBuf {
    let folder = context.surroundings.folder.to_string_lossy();
    let mut text = text.replace("{{CWD}}", &folder);
    if let Some(home) = context.home {
        text = text.replace("{{ANSIBLE_HOME}}", &home.to_string_lossy());
    }
    let text = context.surroundings.expand(&text);
    let mut path = PathBuf::new();
    for part in context.base.join(text).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path
}
