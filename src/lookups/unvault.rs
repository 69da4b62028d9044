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
        // A file that was never closed holds no secrets.
        let (text, secrecy) = read_text(context, &path)?;
        Ok(secrecy.mark(Value::from(text)))
    });
    Ok(Value::list(texts.collect::<Result<_>>()?))
}
