//! What a template prints: one value as it is, or text.

use shevek_value::{Flags, Value};

use super::{Eval, Machine};

/// What has been printed so far.
#[derive(Default)]
pub(crate) enum Output {
    /// Nothing.
    #[default]
    Empty,
    /// One value, still with its type.
    One(Value),
    /// Several: text.
    Text(String, Flags),
    /// Something missing was printed beside other things: the whole is missing.
    Missing(Value),
    /// Nobody wants it (imported templates, children of `extends`).
    Unwanted,
}

impl Output {
    /// Prints a value. `null` prints nothing, and doesn't count.
    pub(crate) fn print(&mut self, machine: &Machine<'_>, value: Value) -> Eval<()> {
        if value.is_null() {
            return Ok(());
        }
        match self {
            Output::Empty => *self = Output::One(value),
            Output::Unwanted | Output::Missing(_) => {}
            Output::One(first) => {
                let first = std::mem::take(first);
                let mut text = String::new();
                let mut flags = Flags::NONE;
                *self = match write(machine, first, &mut text, &mut flags)?
                    .or(write(machine, value, &mut text, &mut flags)?)
                {
                    Some(missing) => Output::Missing(missing),
                    None => Output::Text(text, flags),
                };
            }
            Output::Text(text, flags) => {
                if let Some(missing) = write(machine, value, text, flags)? {
                    *self = Output::Missing(missing);
                }
            }
        }
        Ok(())
    }

    /// The result: one thing printed keeps its type.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Output::Empty | Output::Unwanted => Value::NULL,
            Output::One(value) | Output::Missing(value) => value,
            Output::Text(text, flags) => Value::from(text).flagged(flags),
        }
    }
}

/// Writes a value as text; gives back what is missing.
fn write(machine: &Machine<'_>, value: Value, text: &mut String, flags: &mut Flags) -> Eval<Option<Value>> {
    if value.is_blank() {
        return Ok(None);
    }
    if value.is_undefined() {
        return Ok(Some(value));
    }
    if value.is_secret() {
        *flags = flags.with(Flags::SECRET);
    }
    if let Some(piece) = value.as_str()
        && !value.is_template()
    {
        text.push_str(piece);
        return Ok(None);
    }
    match machine.printable(value) {
        Ok(value) if value.is_omit() => Ok(None),
        Ok(value) => {
            if value.is_secret() {
                *flags = flags.with(Flags::SECRET);
            }
            text.push_str(&value.text());
            Ok(None)
        }
        Err(super::Fault::Undefined(missing)) => Ok(Some(super::Fault::Undefined(missing).into_marker())),
        Err(fault) => Err(fault),
    }
}
