//! `comment`: text as a comment of a configuration file.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{count, string};
use shevek_python::text::is_space;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["comment"], markers: Markers::Propagate, run: comment }];

/// Beginning, decoration and end of the styles that have a name.
const STYLES: [(&str, [&str; 3]); 5] = [
    ("plain", ["", "# ", ""]),
    ("erlang", ["", "% ", ""]),
    ("c", ["", "// ", ""]),
    ("cblock", ["/*", " * ", " */"]),
    ("xml", ["<!--", " - ", "-->"]),
];

fn comment(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let text = string(arguments.subject(), "text")?;
    let style = arguments.get(1, "style").map(Value::text);
    let style = style.as_deref().unwrap_or("plain");
    let Some((_, [beginning, decoration, end])) = STYLES.iter().find(|(name, _)| *name == style) else {
        let names = STYLES.iter().map(|(name, _)| *name);
        return Err(Diagnostic::new("unknown style of comment")
            .detail(format!("Invalid style '{style}'."))
            .did_you_mean(style, names.clone())
            .help(format!("there are {}", names.collect::<Vec<_>>().join(", "))));
    };
    let named = |name: &str| arguments.named.get(name);
    let option = |name: &str, default: &str| named(name).map_or_else(|| default.to_owned(), Value::text);
    let newline = option("newline", "\n");
    let decoration = option("decoration", decoration);
    let bare = decoration.trim_end_matches(is_space);
    let (beginning, end) = (option("beginning", beginning), option("end", end));
    let (prefix, postfix) = (option("prefix", bare), option("postfix", bare));
    let prefixes = count(named("prefix_count"), "prefix_count", 1)?;
    let postfixes = count(named("postfix_count"), "postfix_count", 1)?;

    let mut out = String::new();
    if !beginning.is_empty() {
        out.push_str(&beginning);
        out.push_str(&newline);
    }
    if !prefix.is_empty() {
        let line = if prefix == newline { newline.clone() } else { format!("{prefix}{newline}") };
        out.push_str(&line.repeat(prefixes));
    }
    let decorated = format!("{decoration}{}", text.replace(&newline, &format!("{newline}{decoration}")));
    // A line with nothing but its decoration ends without a space.
    out.push_str(&decorated.replace(&format!("{decoration}{newline}"), &format!("{bare}{newline}")));
    out.push_str(&format!("{newline}{postfix}").repeat(postfixes));
    if !end.is_empty() {
        out.push_str(&newline);
        out.push_str(&end);
    }
    Ok(Value::from(out))
}
