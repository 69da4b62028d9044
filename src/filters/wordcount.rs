//! `wordcount`: how many words.

use shevek_diag::Result;
use shevek_pyre::Flags;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::bind;
use shevek_python::regex::compile;
use shevek_python::text::str_of;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["wordcount"], markers: Markers::Propagate, run: wordcount }];

fn wordcount(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["s"], [])?;
    let words = compile(&Value::from(r"\w+"), Flags::NONE)?;
    Ok(Value::from(words.find_iter(&str_of(value)).count()))
}
