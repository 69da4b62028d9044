//! `from_csv` (community.general): rows of comma-separated values as mappings.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, flag, given, string};
use shevek_python::csv::rows;
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["community.general.from_csv", "from_csv"],
    markers: Markers::Propagate,
    run: from_csv,
}];

fn from_csv(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data], [dialect, fieldnames, delimiter, skip_space, _]) =
        bind(arguments, ["data"], ["dialect", "fieldnames", "delimiter", "skipinitialspace", "strict"])?;
    let dialect = dialect.map_or_else(|| "excel".into(), str_of);
    let usual = match dialect.as_ref() {
        "excel" | "unix" => ',',
        "excel-tab" => '\t',
        other => {
            return Err(Diagnostic::new("unknown dialect of CSV")
                .detail(format!("Dialect '{other}' is not supported by your version of python."))
                .did_you_mean(other, ["excel", "excel-tab", "unix"]));
        }
    };
    let delimiter = match given(delimiter).map(str_of) {
        None => usual,
        Some(text) => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(only), None) => only,
                _ => return Err(Diagnostic::new("wrong delimiter").detail("it must be one character")),
            }
        }
    };
    let mut lines = rows(string(data, "data")?, delimiter).into_iter();
    let names = match given(fieldnames) {
        Some(names) => context.iterate(names)?,
        None => lines.next().unwrap_or_default().into_iter().map(Value::from).collect(),
    };
    let skip_space = flag(skip_space);
    let row = |cells: Vec<String>| {
        let mut out = Map::default();
        let mut cells =
            cells.into_iter().map(|cell| Value::from(if skip_space { cell.trim_start() } else { &cell }));
        for name in &names {
            out.insert(name.clone(), cells.next().unwrap_or_default());
        }
        let rest: Vec<Value> = cells.collect();
        if !rest.is_empty() {
            out.insert(Value::NULL, Value::list(rest));
        }
        Value::map(out)
    };
    Ok(Value::list(lines.map(row).collect()))
}
