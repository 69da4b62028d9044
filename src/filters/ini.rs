//! `from_ini`, `to_ini` (community.general): INI files as Python's `configparser` has them.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::bind;
use shevek_python::sequence::mapping;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["community.general.from_ini", "from_ini"], markers: Markers::Propagate, run: from_ini },
    Filter { names: &["community.general.to_ini", "to_ini"], markers: Markers::Propagate, run: to_ini },
];

fn from_ini(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["obj"], [])?;
    let text = value.as_str().ok_or_else(|| {
        Diagnostic::new("not text").detail(format!("from_ini requires a str, got {}", value.type_name()))
    })?;
    let mut reader = Reader::default();
    for (number, line) in text.lines().enumerate() {
        reader.line(line).map_err(|why| {
            Diagnostic::new("not an INI file")
                .detail(format!("from_ini failed to parse given string: line {}: {why}", number + 1))
                .at_maybe(value.origin(), "")
        })?;
    }
    Ok(reader.finish())
}

#[derive(Default)]
struct Reader {
    sections: Map,
    defaults: Map,
    /// `None`: before the first section; an empty one is `DEFAULT`.
    section: Option<Value>,
    /// The option that a further line may go on, and how far it is indented.
    open: Option<(Value, usize)>,
    lines: Vec<String>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let text = line.trim();
        if text.starts_with(['#', ';']) {
            return Ok(());
        }
        let indent = line.len() - line.trim_start().len();
        if let Some((_, opened)) = &self.open {
            // An empty line may be one of the value.
            if text.is_empty() || indent > *opened {
                self.lines.push(text.to_owned());
                return Ok(());
            }
        }
        if text.is_empty() {
            return Ok(());
        }
        self.close();
        if let Some((name, _)) = text.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')) {
            let name = Value::from(name);
            if name.as_str() != Some("DEFAULT")
                && self.sections.insert(name.clone(), Value::map(Map::default())).is_some()
            {
                return Err(format!("section {} already exists", name.repr()));
            }
            self.section = Some(name);
            return Ok(());
        }
        let section = self.section.clone().ok_or("the file contains no section headers")?;
        let at = text.find(['=', ':']).ok_or_else(|| format!("'{text}' is no option with a value"))?;
        let (name, value) = text.split_at(at);
        let name = Value::from(name.trim_end());
        if self.options(&section).is_some_and(|options| options.contains_key(&name)) {
            return Err(format!("option {} in section {} already exists", name.repr(), section.repr()));
        }
        self.put(&section, &name, "");
        self.lines = vec![value.get(1..).unwrap_or("").trim().to_owned()];
        self.open = Some((name, indent));
        Ok(())
    }

    fn options(&self, section: &Value) -> Option<&Map> {
        if section.as_str() == Some("DEFAULT") {
            return Some(&self.defaults);
        }
        self.sections.get(section).and_then(Value::as_map)
    }

    fn put(&mut self, section: &Value, name: &Value, text: &str) {
        if section.as_str() == Some("DEFAULT") {
            self.defaults.insert(name.clone(), Value::from(text));
        } else if let Some(options) = self.sections.get_mut(section) {
            let mut map = options.as_map().cloned().unwrap_or_default();
            map.insert(name.clone(), Value::from(text));
            *options = Value::map(map);
        }
    }

    fn close(&mut self) {
        if let (Some((name, _)), Some(section)) = (self.open.take(), self.section.clone()) {
            let text = std::mem::take(&mut self.lines).join("\n");
            self.put(&section, &name, text.trim_end());
        }
    }

    fn finish(mut self) -> Value {
        self.close();
        let defaults = self.defaults;
        let with_defaults = |options: &Value| {
            let mut all = defaults.clone();
            all.extend(
                options.as_map().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())),
            );
            Value::map(all)
        };
        let mut out: Map =
            self.sections.iter().map(|(name, options)| (name.clone(), with_defaults(options))).collect();
        if !defaults.is_empty() {
            out.insert(Value::from("DEFAULT"), Value::map(defaults));
        }
        Value::map(out)
    }
}

fn to_ini(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["obj"], [])?;
    let wrong = |detail: String| Diagnostic::new("can't be written as an INI file").detail(detail);
    let map =
        mapping(value)?.ok_or_else(|| wrong(format!("to_ini requires a dict, got {}", value.type_name())))?;
    if map.is_empty() {
        return Err(wrong("to_ini received an empty dict. An empty dict cannot be converted.".to_owned()));
    }
    let is_default = |name: &Value| name.as_str() == Some("DEFAULT");
    let (defaults, others): (Vec<_>, Vec<_>) = map.iter().partition(|(name, _)| is_default(name));
    let mut out = String::new();
    for (name, options) in defaults.into_iter().chain(others) {
        let options = mapping(options)?.ok_or_else(|| {
            wrong(format!("the section {} is no mapping but {}", name.repr(), options.type_name()))
                .at_maybe(options.origin(), "")
        })?;
        if is_default(name) && options.is_empty() {
            continue;
        }
        out.push_str(&format!("[{}]\n", name.text()));
        for (option, value) in options.iter() {
            if value.is_null() {
                return Err(wrong(format!("the option {} has no value", option.repr())));
            }
            let text = value.as_str().map_or_else(|| value.repr(), str::to_owned);
            out.push_str(&format!("{} = {}\n", option.text(), text.replace('\n', "\n\t")));
        }
        out.push('\n');
    }
    out.pop();
    Ok(Value::from(out))
}
