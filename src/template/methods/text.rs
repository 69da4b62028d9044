//! Methods of text.

use std::sync::Arc;

use shevek_diag::Result;
use shevek_value::{Kind, Map, Value};

use super::arguments::Args;
use super::text_case;

pub(super) const METHODS: [&str; 47] = [
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];

pub(super) fn call(text: &Arc<str>, args: &Args<'_>) -> Result<Value> {
    if let Some(result) = text_case::call(text, args.name) {
        return Ok(result);
    }
    match args.name {
        "split" | "rsplit" => split(text, args),
        "splitlines" => Ok(splitlines(text, args.bool_or(0, "keepends", false))),
        "strip" | "lstrip" | "rstrip" => strip(text, args),
        "startswith" | "endswith" => affix(text, args),
        "find" | "rfind" | "index" | "rindex" | "count" => search(text, args),
        "replace" => replace(text, args),
        "join" => join(text, args),
        "format" => Ok(Value::from(super::format::format(text, args.positional, args.named)?)),
        "format_map" => {
            let map = args.require(0, "mapping")?;
            let map = map.as_map().cloned().unwrap_or_default();
            Ok(Value::from(super::format::format(text, &[], &map)?))
        }
        "center" | "ljust" | "rjust" => pad(text, args),
        "zfill" => zfill(text, args),
        "partition" | "rpartition" => partition(text, args),
        "removeprefix" => {
            let prefix = args.text(0, "prefix")?;
            Ok(Value::from(text.strip_prefix(prefix).unwrap_or(text)))
        }
        "removesuffix" => {
            let suffix = args.text(0, "suffix")?;
            Ok(Value::from(text.strip_suffix(suffix).unwrap_or(text)))
        }
        "expandtabs" => Ok(Value::from(expandtabs(text, args.int_or(0, "tabsize", 8)?))),
        "encode" => {
            let encoding = args.text_or_none(0, "encoding")?.unwrap_or("utf-8");
            let errors = args.text_or_none(1, "errors")?.unwrap_or("strict");
            Ok(Value::bytes(super::bytes::encode(text, encoding, errors).map_err(|why| args.wrong(why))?))
        }
        "maketrans" => maketrans(args),
        "translate" => translate(text, args),
        _ => Err(args.unknown()),
    }
}

fn texts<'t>(parts: impl Iterator<Item = &'t str>) -> Value {
    Value::list(parts.map(Value::from).collect())
}

/// How Python counts as white space.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

fn split(text: &str, args: &Args<'_>) -> Result<Value> {
    let limit = usize::try_from(args.int_or(1, "maxsplit", -1)?).unwrap_or(usize::MAX - 1);
    let from_end = args.name == "rsplit";
    match args.text_or_none(0, "sep")? {
        Some("") => Err(args.wrong("empty separator")),
        Some(separator) if from_end => {
            let mut parts: Vec<&str> = text.rsplitn(limit + 1, separator).collect();
            parts.reverse();
            Ok(texts(parts.into_iter()))
        }
        Some(separator) => Ok(texts(text.splitn(limit + 1, separator))),
        None if limit >= text.len() => Ok(texts(text.split(is_space).filter(|part| !part.is_empty()))),
        None => Ok(texts(split_words(text, limit, from_end).into_iter())),
    }
}

fn split_words(text: &str, limit: usize, from_end: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        rest = if from_end { rest.trim_end_matches(is_space) } else { rest.trim_start_matches(is_space) };
        if rest.is_empty() {
            break;
        }
        let end = if from_end { rest.rfind(is_space) } else { rest.find(is_space) };
        let (Some(end), true) = (end, parts.len() < limit) else {
            parts.push(rest);
            break;
        };
        let space = rest.get(end..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        let (part, more) = if from_end {
            (rest.get(end + space..), rest.get(..end))
        } else {
            (rest.get(..end), rest.get(end + space..))
        };
        parts.extend(part);
        rest = more.unwrap_or("");
    }
    if from_end {
        parts.reverse();
    }
    parts
}

/// Python's line ends.
fn splitlines(text: &str, keep: bool) -> Value {
    let is_end = |c: char| {
        matches!(c, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
    };
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some((end, c)) = rest.char_indices().find(|(_, c)| is_end(*c)) else {
            lines.push(Value::from(rest));
            break;
        };
        let (line, tail) = rest.split_at(end);
        let length = if tail.starts_with("\r\n") { 2 } else { c.len_utf8() };
        let (newline, more) = tail.split_at(length);
        lines.push(if keep { Value::from(format!("{line}{newline}")) } else { Value::from(line) });
        rest = more;
    }
    Value::list(lines)
}

fn strip(text: &str, args: &Args<'_>) -> Result<Value> {
    let chars: Option<Vec<char>> = args.text_or_none(0, "chars")?.map(|chars| chars.chars().collect());
    let goes = |c: char| chars.as_ref().map_or_else(|| is_space(c), |chars| chars.contains(&c));
    Ok(Value::from(match args.name {
        "strip" => text.trim_matches(goes),
        "lstrip" => text.trim_start_matches(goes),
        _ => text.trim_end_matches(goes),
    }))
}

/// The part of the text between two arguments, and how many characters are before it.
fn window<'t>(text: &'t str, args: &Args<'_>, first: usize) -> Result<Option<(&'t str, usize)>> {
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let bound = |position: usize, name: &str, default: i64| -> Result<i64> {
        let given = args.get(position, name).filter(|value| !value.is_null());
        let at = match given {
            Some(value) => value.as_int().ok_or_else(|| args.wrong_type(name, "int", value))?,
            None => default,
        };
        Ok(if at < 0 { (at + length).max(0) } else { at })
    };
    let start = bound(first, "start", 0)?;
    let end = bound(first + 1, "end", length)?.min(length);
    if start > end {
        return Ok(None);
    }
    let offset = |at: i64| {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        text.char_indices().nth(at).map_or(text.len(), |(offset, _)| offset)
    };
    let skipped = usize::try_from(start).unwrap_or(usize::MAX);
    Ok(text.get(offset(start)..offset(end)).map(|part| (part, skipped)))
}

fn affix(text: &str, args: &Args<'_>) -> Result<Value> {
    let Some((part, _)) = window(text, args, 1)? else { return Ok(Value::from(false)) };
    let has = |affix: &str| {
        if args.name == "startswith" { part.starts_with(affix) } else { part.ends_with(affix) }
    };
    let wanted = args.require(0, "prefix")?;
    if let Some(affix) = wanted.as_str() {
        return Ok(Value::from(has(affix)));
    }
    // Differs from Ansible: Python takes a tuple only; a list can only mean the same.
    match wanted.as_list().map(|all| all.iter().map(Value::as_str).collect::<Option<Vec<_>>>()) {
        Some(Some(all)) => Ok(Value::from(all.into_iter().any(has))),
        _ => Err(args.wrong_type("prefix", "str or a tuple of str", wanted)),
    }
}

fn search(text: &str, args: &Args<'_>) -> Result<Value> {
    let wanted = args.text(0, "sub")?;
    let window = window(text, args, 1)?;
    if args.name == "count" {
        let count = match window {
            Some((part, _)) if wanted.is_empty() => part.chars().count() + 1,
            Some((part, _)) => part.matches(wanted).count(),
            None => 0,
        };
        return Ok(Value::from(count));
    }
    let found = window.and_then(|(part, skipped)| {
        let offset = if args.name.starts_with('r') { part.rfind(wanted) } else { part.find(wanted) }?;
        Some(skipped + part.get(..offset)?.chars().count())
    });
    match found {
        Some(at) => Ok(Value::from(at)),
        None if args.name.ends_with("find") => Ok(Value::from(-1)),
        None => Err(args.wrong("substring not found")),
    }
}

fn replace(text: &str, args: &Args<'_>) -> Result<Value> {
    let (old, new) = (args.text(0, "old")?, args.text(1, "new")?);
    Ok(Value::from(match usize::try_from(args.int_or(2, "count", -1)?) {
        Ok(count) => text.replacen(old, new, count),
        Err(_) => text.replace(old, new),
    }))
}

fn join(separator: &str, args: &Args<'_>) -> Result<Value> {
    let given = args.require(0, "iterable")?;
    let Some(items) = super::items(given) else {
        return Err(args.wrong(format!("can only join an iterable, not '{}'", given.type_name())));
    };
    let mut out = String::new();
    for (number, item) in items.iter().enumerate() {
        let Some(piece) = item.as_str() else {
            let detail = format!("sequence item {number}: expected str instance, {} found", item.type_name());
            return Err(args.wrong(detail));
        };
        if number > 0 {
            out.push_str(separator);
        }
        out.push_str(piece);
    }
    let result = Value::from(out);
    Ok(if given.is_secret() { result.secret() } else { result })
}

fn pad(text: &str, args: &Args<'_>) -> Result<Value> {
    let width = usize::try_from(args.int_or(0, "width", 0)?).unwrap_or(0);
    let fill = args.text_or_none(1, "fillchar")?.unwrap_or(" ");
    if fill.chars().count() != 1 {
        return Err(args.wrong("The fill character must be exactly one character long"));
    }
    let missing = width.saturating_sub(text.chars().count());
    let left = match args.name {
        "ljust" => 0,
        "rjust" => missing,
        // As CPython rounds: the odd one goes left when both the gap and the width are odd.
        _ => missing / 2 + (missing & width & 1),
    };
    Ok(Value::from(format!("{}{text}{}", fill.repeat(left), fill.repeat(missing - left))))
}

fn zfill(text: &str, args: &Args<'_>) -> Result<Value> {
    let width = usize::try_from(args.int_or(0, "width", 0)?).unwrap_or(0);
    let zeros = "0".repeat(width.saturating_sub(text.chars().count()));
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => text.split_at(text.len() - digits.len()),
        None => ("", text),
    };
    Ok(Value::from(format!("{sign}{zeros}{digits}")))
}

fn partition(text: &str, args: &Args<'_>) -> Result<Value> {
    let separator = args.text(0, "sep")?;
    if separator.is_empty() {
        return Err(args.wrong("empty separator"));
    }
    let at = if args.name == "partition" { text.split_once(separator) } else { text.rsplit_once(separator) };
    let parts = match at {
        Some((before, after)) => [before, separator, after],
        None if args.name == "partition" => [text, "", ""],
        None => ["", "", text],
    };
    Ok(Value::tuple(parts.into_iter().map(Value::from).collect()))
}

fn expandtabs(text: &str, size: i64) -> String {
    let size = usize::try_from(size).unwrap_or(0);
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' if size == 0 => {}
            '\t' => {
                let spaces = size - column % size;
                out.push_str(&" ".repeat(spaces));
                column += spaces;
            }
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            c => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}

fn code(c: char) -> Value {
    Value::from(i64::from(u32::from(c)))
}

fn maketrans(args: &Args<'_>) -> Result<Value> {
    let first = args.require(0, "x")?;
    let mut table = Map::default();
    if let Kind::Map(map) = first.kind() {
        for (key, value) in map.iter() {
            let key = match key.as_str() {
                Some(text) => match (text.chars().next(), text.chars().count()) {
                    (Some(c), 1) => code(c),
                    _ => return Err(args.wrong("string keys in translate table must be of length 1")),
                },
                None => key.clone(),
            };
            table.insert(key, value.clone());
        }
        return Ok(Value::map(table));
    }
    let (from, to) = (args.text(0, "x")?, args.text(1, "y")?);
    if from.chars().count() != to.chars().count() {
        return Err(args.wrong("the first two maketrans arguments must have equal length"));
    }
    table.extend(from.chars().zip(to.chars()).map(|(from, to)| (code(from), code(to))));
    if let Some(gone) = args.text_or_none(2, "z")? {
        table.extend(gone.chars().map(|c| (code(c), Value::NULL)));
    }
    Ok(Value::map(table))
}

fn translate(text: &str, args: &Args<'_>) -> Result<Value> {
    let table = args.require(0, "table")?;
    let Some(table) = table.as_map() else { return Err(args.wrong_type("table", "dict", table)) };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match table.get(&code(c)) {
            None => out.push(c),
            Some(to) => match (to.kind(), to.as_int()) {
                (Kind::Null, _) => {}
                (Kind::Str(text), _) => out.push_str(text),
                (_, Some(code)) => out.extend(u32::try_from(code).ok().and_then(char::from_u32)),
                _ => return Err(args.wrong("character mapping must return integer, None or str")),
            },
        }
    }
    Ok(Value::from(out))
}
