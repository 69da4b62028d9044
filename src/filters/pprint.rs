//! `pprint`: a value as Python's `pprint` shows it, lines no longer than 80 characters where possible.

use shevek_diag::Result;
use shevek_python::arguments::bind;
use shevek_python::sort::merge_sort;
use shevek_python::text::length;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Kind, Map, Value, string_repr};

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["pprint"], markers: Markers::Propagate, run: pprint }];

const WIDTH: usize = 80;

fn pprint(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    let mut printer = Printer { out: String::new() };
    printer.print(&sorted(context, value), Place { indent: 0, allowance: 0, top: true });
    Ok(Value::from(printer.out))
}

/// The same with keys in order, where they have one.
fn sorted(context: &dyn Context, value: &Value) -> Value {
    match value.kind() {
        Kind::List(items) => Value::list(items.iter().map(|item| sorted(context, item)).collect()),
        Kind::Tuple(items) => Value::tuple(items.iter().map(|item| sorted(context, item)).collect()),
        Kind::Map(map) => {
            let entries: Vec<(Value, Value)> =
                map.iter().map(|(key, item)| (key.clone(), sorted(context, item))).collect();
            let ordered = merge_sort(context, entries.clone()).unwrap_or(entries);
            Value::map(ordered.into_iter().collect::<Map>())
        }
        _ => value.clone(),
    }
}

#[derive(Clone, Copy)]
struct Place {
    indent: usize,
    /// Characters that will follow on the last line.
    allowance: usize,
    top: bool,
}

struct Printer {
    out: String,
}

impl Printer {
    fn print(&mut self, value: &Value, place: Place) {
        let repr = value.repr();
        if length(&repr) <= WIDTH.saturating_sub(place.indent + place.allowance) {
            self.out.push_str(&repr);
            return;
        }
        let inner = |closing: usize| Place {
            indent: place.indent + 1,
            allowance: place.allowance + closing,
            top: false,
        };
        match value.kind() {
            Kind::Map(map) if !map.is_empty() => {
                self.out.push('{');
                self.entries(map, inner(1));
                self.out.push('}');
            }
            Kind::List(items) => {
                self.out.push('[');
                self.items(items, inner(1));
                self.out.push(']');
            }
            Kind::Tuple(items) => {
                let end = if items.len() == 1 { ",)" } else { ")" };
                self.out.push('(');
                self.items(items, inner(end.len()));
                self.out.push_str(end);
            }
            Kind::Str(text) => self.text(text, place),
            _ => self.out.push_str(&repr),
        }
    }

    fn next_line(&mut self, indent: usize) {
        self.out.push_str(",\n");
        self.out.push_str(&" ".repeat(indent));
    }

    fn items(&mut self, items: &[Value], place: Place) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.next_line(place.indent);
            }
            let last = at + 1 == items.len();
            self.print(item, Place { allowance: if last { place.allowance } else { 1 }, ..place });
        }
    }

    fn entries(&mut self, map: &Map, place: Place) {
        for (at, (key, item)) in map.iter().enumerate() {
            if at > 0 {
                self.next_line(place.indent);
            }
            let last = at + 1 == map.len();
            let key = key.repr();
            self.out.push_str(&key);
            self.out.push_str(": ");
            let allowance = if last { place.allowance } else { 1 };
            self.print(item, Place { indent: place.indent + length(&key) + 2, allowance, top: false });
        }
    }

    /// Long text in pieces, broken at line ends and behind white space.
    fn text(&mut self, text: &str, place: Place) {
        let (indent, allowance) =
            if place.top { (place.indent + 1, place.allowance + 1) } else { (place.indent, place.allowance) };
        let width = WIDTH.saturating_sub(indent);
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let mut pieces: Vec<String> = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let last_line = at + 1 == lines.len();
            let room = if last_line { width.saturating_sub(allowance) } else { width };
            let repr = string_repr(line);
            if length(&repr) <= room {
                pieces.push(repr);
                continue;
            }
            let words = words(line);
            let mut current = String::new();
            for (number, word) in words.iter().enumerate() {
                let candidate = format!("{current}{word}");
                let end = last_line && number + 1 == words.len();
                let room = if end { width.saturating_sub(allowance) } else { width };
                if length(&string_repr(&candidate)) > room {
                    if !current.is_empty() {
                        pieces.push(string_repr(&current));
                    }
                    current = (*word).to_owned();
                } else {
                    current = candidate;
                }
            }
            if !current.is_empty() {
                pieces.push(string_repr(&current));
            }
        }
        if let [only] = pieces.as_slice() {
            self.out.push_str(only);
            return;
        }
        if place.top {
            self.out.push('(');
        }
        self.out.push_str(&pieces.join(&format!("\n{}", " ".repeat(indent))));
        if place.top {
            self.out.push(')');
        }
    }
}

/// Words, each with the white space behind it.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let space = rest.get(word..).unwrap_or("");
        let end = word + space.find(|c: char| !c.is_whitespace()).unwrap_or(space.len());
        let (piece, after) = rest.split_at(end);
        words.push(piece);
        rest = after;
    }
    words
}
