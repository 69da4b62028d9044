//! Prints what the files named on standard input are, a line each: the value as Python would print it, or `!` and why it is
//! refused. `tests/yaml/compare` holds it against PyYAML.

use std::io::{self, BufRead, Write};

use shevek_diag::Source;
use shevek_yaml::{Options, load_all};

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for path in io::stdin().lock().lines() {
        let line = match std::fs::read_to_string(path?) {
            Err(why) => format!("! {why}"),
            Ok(text) => match load_all(&Source::new("values.yml", text), &Options::default()) {
                Ok(documents) => shevek_value::Value::list(documents).repr(),
                Err(why) => format!("! {}", why.detail),
            },
        };
        writeln!(out, "{}", line.replace('\n', " "))?;
    }
    Ok(())
}
