//! `unvault`: what files hold, decrypted.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::source::files::{must_find, read_text};
use crate::source::options::{Options, term};

pub(crate) const LOOKUP: Lookup = Lookup { names: &["unvault"], markers: Markers::Propagate, run: unvault };

fn unvault(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    Options::new(arguments, &[])?;
    let texts = arguments.positional.iter().map(|name| {
        let path = must_find(context, Some("files"), term(name, "unvault")?)?;
        Ok(Value::from(read_text(context, &path)?.0).secret())
    });
    Ok(Value::list(texts.collect::<Result<_>>()?))
}
