//! `urlencode`, `urldecode`, `urlsplit`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

use shevek_python::arguments::{bind, string};
use shevek_python::sequence::mapping;
use shevek_python::text::str_of;
use shevek_python::url::Url;

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["urlencode"], markers: Markers::Propagate, run: urlencode },
    Filter { names: &["urldecode"], markers: Markers::Propagate, run: urldecode },
    Filter { names: &["urlsplit"], markers: Markers::Propagate, run: urlsplit },
];

const IN_QUERY: AsciiSet = NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~');
const IN_PATH: AsciiSet = IN_QUERY.remove(b'/');

fn quote(value: &Value) -> String {
    utf8_percent_encode(&str_of(value), &IN_QUERY).to_string().replace("%20", "+")
}

fn urlencode(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    let pair = |key: &Value, item: &Value| format!("{}={}", quote(key), quote(item));
    if let Some(map) = mapping(value)? {
        let pairs: Vec<String> = map.iter().map(|(key, item)| pair(key, item)).collect();
        return Ok(Value::from(pairs.join("&")));
    }
    if value.as_str().is_none()
        && let Ok(items) = context.iterate(value)
    {
        let pairs = items.iter().map(|item| match item.as_list() {
            Some([key, item]) => Ok(pair(key, item)),
            _ => Err(Diagnostic::new("not a pair")
                .detail("only a mapping or a list of pairs makes a query string")),
        });
        return Ok(Value::from(pairs.collect::<Result<Vec<_>>>()?.join("&")));
    }
    Ok(Value::from(utf8_percent_encode(&str_of(value), &IN_PATH).to_string()))
}

fn urldecode(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["string"], [])?;
    let text = string(value, "string")?.replace('+', " ");
    Ok(Value::from(percent_decode_str(&text).decode_utf8_lossy().into_owned()))
}

fn urlsplit(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [query]) = bind(arguments, ["value"], ["query"])?;
    let text = string(value, "value")?;
    let url = Url::split(text)
        .map_err(|why| Diagnostic::new("not a URL").detail(why).at_maybe(value.origin(), ""))?;
    let port =
        url.port().map_err(|why| Diagnostic::new("not a URL").detail(why).at_maybe(value.origin(), ""))?;
    let optional = |text: Option<String>| text.map_or(Value::NULL, Value::from);
    let parts: [(&str, Value); 9] = [
        ("fragment", Value::from(url.fragment)),
        ("hostname", optional(url.hostname())),
        ("netloc", Value::from(url.netloc)),
        ("password", optional(url.password())),
        ("path", Value::from(url.path)),
        ("port", port.map_or(Value::NULL, |port| Value::from(u32::from(port)))),
        ("query", Value::from(url.query)),
        ("scheme", Value::from(url.scheme.clone())),
        ("username", optional(url.username())),
    ];
    let parts: Map = parts.into_iter().map(|(name, part)| (Value::from(name), part)).collect();
    match query.map(str_of).filter(|query| !query.is_empty()) {
        None => Ok(Value::map(parts)),
        Some(query) => parts.get(query.as_ref()).cloned().ok_or_else(|| {
            Diagnostic::new("no such part of a URL")
                .detail(format!("urlsplit: unknown URL component: {query}"))
                .did_you_mean(&query, parts.keys().filter_map(Value::as_str))
        }),
    }
}
