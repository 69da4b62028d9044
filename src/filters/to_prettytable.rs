//! `to_prettytable` (community.general): a list of mappings as a table of characters.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};
use unicode_width::UnicodeWidthStr;

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["community.general.to_prettytable", "to_prettytable"],
    markers: Markers::Propagate,
    run: to_prettytable,
}];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Middle,
    Right,
}

fn wrong(detail: String) -> Box<Diagnostic> {
    Diagnostic::new("no table can be made").detail(detail)
}

fn names(value: &Value, what: &str) -> Result<Vec<String>> {
    let items = value
        .as_list()
        .ok_or_else(|| wrong(format!("Expected a list of {what} names, got a {}", value.type_name())))?;
    let name = |item: &Value| {
        let text = item.as_str().map(str::to_owned);
        text.ok_or_else(|| wrong(format!("Expected a string for {what} name, got a {}", item.type_name())))
    };
    items.iter().map(name).collect()
}

fn to_prettytable(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let data = arguments.subject();
    let rows = data
        .as_list()
        .ok_or_else(|| wrong(format!("Expected a list of dictionaries, got a {}", data.type_name())))?;
    let rows: Vec<&Map> = rows
        .iter()
        .map(|row| {
            row.as_map().ok_or_else(|| {
                wrong(format!("Expected all items in the list to be dictionaries, got a {}", row.type_name()))
                    .at_maybe(row.origin(), "")
            })
        })
        .collect::<Result<_>>()?;
    let known = ["column_order", "header_names", "column_alignments"];
    if let Some(other) = arguments.named.keys().map(Value::text).find(|name| !known.contains(&name.as_str()))
    {
        return Err(wrong(format!("Unknown parameter(s) for to_prettytable filter: {other}"))
            .did_you_mean(&other, known));
    }
    let option = |name: &str| arguments.named.get(name).filter(|value| !value.is_null());
    let listed = arguments.positional.get(1..).filter(|listed| !listed.is_empty());
    let order = match (listed, option("column_order")) {
        (Some(_), Some(_)) => {
            return Err(wrong(
                "Cannot use both positional arguments and the 'column_order' keyword argument".to_owned(),
            ));
        }
        (Some(listed), None) => Some(names(&Value::list(listed.to_vec()), "column")?),
        (None, Some(order)) => Some(names(order, "column")?),
        (None, None) => None,
    };
    let headers = option("header_names").map(|headers| names(headers, "header")).transpose()?;
    let width = rows.first().map_or(0, |row| row.len());
    for (name, given) in [("column_order", &order), ("header_names", &headers)] {
        if let Some(given) = given.as_ref().filter(|given| !rows.is_empty() && given.len() > width) {
            return Err(wrong(format!(
                "'{name}' has more elements ({}) than available fields in data ({width})",
                given.len()
            )));
        }
    }
    let columns = order
        .clone()
        .filter(|order| !order.is_empty())
        .unwrap_or_else(|| rows.first().map(|row| row.keys().map(Value::text).collect()).unwrap_or_default());
    let headers = headers.unwrap_or_else(|| columns.clone());
    if headers.len() != columns.len() && (order.is_some() || !rows.is_empty()) {
        return Err(wrong(format!(
            "'column_order' and 'header_names' must have the same number of elements. Got {} columns and {} headers.",
            columns.len(),
            headers.len()
        )));
    }
    let sides = sides(option("column_alignments"), &headers)?;
    if headers.is_empty() {
        return Ok(Value::from("++\n++"));
    }
    let mut lines = vec![headers];
    for row in rows {
        lines.push(columns.iter().map(|column| cell(row, column)).collect());
    }
    Ok(Value::from(draw(&lines, &sides)))
}

fn sides(given: Option<&Value>, headers: &[String]) -> Result<Vec<Side>> {
    let mut out = vec![Side::Middle; headers.len()];
    let Some(given) = given else { return Ok(out) };
    let map = given.as_map().ok_or_else(|| {
        wrong(format!("Expected a dictionary for column_alignments, got a {}", given.type_name()))
    })?;
    for (name, side) in map {
        let side = match side.as_str().map(str::to_lowercase).as_deref() {
            Some("left" | "l") => Side::Left,
            Some("center" | "c") => Side::Middle,
            Some("right" | "r") => Side::Right,
            _ => {
                return Err(wrong(format!(
                    "Invalid alignment {} in 'column_alignments'. Valid alignments are: c, center, l, left, r, right",
                    side.repr()
                )));
            }
        };
        for (header, slot) in headers.iter().zip(&mut out) {
            if name.as_str() == Some(header) {
                *slot = side;
            }
        }
    }
    Ok(out)
}

/// What a row has in a column, whose name may stand for a number or a truth value.
fn cell(row: &Map, column: &str) -> String {
    let lower = column.to_lowercase();
    let other = match lower.as_str() {
        "true" => Some(Value::from(true)),
        "false" => Some(Value::from(false)),
        digits => digits.parse::<i64>().ok().map(Value::from),
    };
    let found = row.get(column).or_else(|| row.get(&other?));
    found.map_or_else(String::new, |value| value.as_str().map_or_else(|| value.repr(), str::to_owned))
}

fn draw(rows: &[Vec<String>], sides: &[Side]) -> String {
    let widest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.flat_map(|cell| cell.split('\n').map(UnicodeWidthStr::width)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..sides.len()).map(widest).collect();
    let bars: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    let rule = format!("+{}+", bars.join("+"));
    let mut out = vec![rule.clone()];
    for (number, row) in rows.iter().enumerate() {
        let height = row.iter().map(|cell| cell.split('\n').count()).max().unwrap_or(1);
        for line in 0..height {
            let cells: Vec<String> = row
                .iter()
                .zip(widths.iter().zip(sides))
                .map(|(cell, (width, side))| padded(cell.split('\n').nth(line).unwrap_or(""), *width, *side))
                .collect();
            out.push(format!("| {} |", cells.join(" | ")));
        }
        if number == 0 {
            out.push(rule.clone());
        }
    }
    out.push(rule);
    out.join("\n")
}

fn padded(text: &str, width: usize, side: Side) -> String {
    let length = text.width();
    let free = width.saturating_sub(length);
    // What can't be halved goes to the right of odd text and to the left of even.
    let left = match side {
        Side::Left => 0,
        Side::Right => free,
        Side::Middle if free % 2 == 1 && length.is_multiple_of(2) => free / 2 + 1,
        Side::Middle => free / 2,
    };
    format!("{}{text}{}", " ".repeat(left), " ".repeat(free - left))
}
