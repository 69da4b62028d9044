//! `sequence`: numbers in a row, written as wanted.

use shevek_diag::{Diagnostic, Result};
use shevek_pyre::Flags;
use shevek_python::regex::{compile, exhausted};
use shevek_template::percent;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::source::options::{Options, pairs, term};

pub(crate) const LOOKUP: Lookup = Lookup { names: &["sequence"], markers: Markers::Propagate, run: sequence };

const KNOWN: [&str; 5] = ["start", "end", "stride", "count", "format"];
/// `[start-]end[/stride][:format]`
const SHORT: &str = r"(?i)^((0?x?[0-9a-f]+)-)?(0?x?[0-9a-f]+)(/(0?x?[0-9a-f]+))?(:(.+))?$";

fn sequence(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let options = Options::new(arguments, &KNOWN)?;
    let nothing = [Value::from("")];
    let only_named = arguments.positional.is_empty() && !arguments.named.is_empty();
    let terms = if only_named { &nothing[..] } else { &arguments.positional };
    let mut out = Vec::new();
    for value in terms {
        let text = match value.as_int() {
            Some(number) => number.to_string(),
            None => term(value, "sequence")?.to_owned(),
        };
        let here = parse(&text)?;
        if let Some((other, _)) = here.iter().find(|(name, _)| !KNOWN.contains(&name.as_str())) {
            return Err(Diagnostic::new("unknown option of a lookup")
                .detail(format!("unrecognized arguments to with_sequence: '{other}'"))
                .did_you_mean(other, KNOWN));
        }
        out.extend(numbers(&options.with(here, &KNOWN)?)?);
    }
    Ok(Value::list(out))
}

fn parse(text: &str) -> Result<Vec<(String, Value)>> {
    let short = compile(&Value::from(SHORT), Flags::NONE)?;
    if let Some(found) = short.match_start(text).map_err(exhausted)? {
        let parts = [("start", 2), ("end", 3), ("stride", 5), ("format", 7)];
        return Ok(parts
            .into_iter()
            .filter_map(|(name, group)| found.get(group).map(|text| (name.to_owned(), Value::from(text))))
            .collect());
    }
    pairs(text)
}

fn numbers(options: &Options) -> Result<Vec<Value>> {
    let start = options.integer("start")?.unwrap_or(1);
    let stride = options.integer("stride")?.unwrap_or(1);
    let end = match (options.integer("count")?, options.integer("end")?) {
        (None, None) => return Err(Diagnostic::new("must specify count or end in with_sequence")),
        (Some(_), Some(_)) => {
            return Err(Diagnostic::new("can't specify both count and end in with_sequence"));
        }
        (Some(0), None) => return Ok(Vec::new()),
        (Some(count), None) => start + count * stride - 1,
        (None, Some(end)) => end,
    };
    if stride > 0 && end < start {
        return Err(Diagnostic::new("to count backwards make stride negative"));
    }
    if stride < 0 && end > start {
        return Err(Diagnostic::new("to count forward don't make stride negative"));
    }
    let format = options.text("format", "%d");
    if stride == 0 {
        return Ok(Vec::new());
    }
    if format.matches('%').count() != 1 {
        return Err(
            Diagnostic::new("wrong option of a lookup").detail(format!("bad formatting string: {format}"))
        );
    }
    let mut out = Vec::new();
    let mut number = start;
    while (stride > 0 && number <= end) || (stride < 0 && number >= end) {
        out.push(percent(&format, &Value::from(number))?);
        number += stride;
    }
    Ok(out)
}
