//! `mandatory`: fails with words of one's own when a value is undefined.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Reason, Value};

use shevek_python::arguments::{bind, given};

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["mandatory"], markers: Markers::Accept, run: mandatory }];

fn mandatory(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [message]) = bind(arguments, ["a"], ["msg"])?;
    let missing = value.as_undefined().filter(|undefined| !matches!(undefined.reason, Reason::Failed(_)));
    match missing {
        None => Ok(value.clone()),
        Some(undefined) => {
            let text = match given(message) {
                Some(message) => message.text(),
                None if undefined.name.is_empty() => "Mandatory variable not defined.".to_owned(),
                None => format!("Mandatory variable '{}' not defined.", undefined.name),
            };
            Err(Diagnostic::new(text).at_maybe(undefined.origin.as_ref(), ""))
        }
    }
}
