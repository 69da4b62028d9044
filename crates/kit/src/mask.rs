//! Masks the values of secret options wherever they turn up in an outcome.

use shevek_proto::{Outcome, Val};

/// Replaces secrets in an outcome.
pub(crate) fn mask(outcome: &mut Outcome, secrets: &[String]) {
    if secrets.is_empty() {
        return;
    }
    for (_, value) in outcome.result.iter_mut().chain(&mut outcome.facts) {
        mask_value(value, secrets);
    }
    for diff in &mut outcome.diff {
        mask_value(&mut diff.before, secrets);
        mask_value(&mut diff.after, secrets);
        if let Some(text) = &mut diff.prepared {
            mask_text(text, secrets);
        }
    }
    for warning in &mut outcome.warnings {
        mask_text(warning, secrets);
    }
}

fn mask_value(value: &mut Val, secrets: &[String]) {
    match value {
        Val::Str(text) => mask_text(text, secrets),
        Val::Bytes(bytes) => {
            if let Ok(mut text) = String::from_utf8(bytes.clone()) {
                mask_text(&mut text, secrets);
                *bytes = text.into_bytes();
            }
        }
        Val::List(items) => items.iter_mut().for_each(|item| mask_value(item, secrets)),
        Val::Map(entries) => entries.iter_mut().for_each(|(_, item)| mask_value(item, secrets)),
        Val::Int(_) | Val::Float(_) => {
            if secrets.contains(&crate::printed::python_str(value)) {
                *value = Val::from(WHOLE);
            }
        }
        Val::Null | Val::Bool(_) | Val::Blob(_) => {}
    }
}

const WHOLE: &str = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER";

fn mask_text(text: &mut String, secrets: &[String]) {
    if secrets.contains(text) {
        WHOLE.clone_into(text);
        return;
    }
    for secret in secrets {
        if text.contains(secret.as_str()) {
            *text = text.replace(secret.as_str(), "********");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_however_deep() {
        let mut outcome =
            Outcome::ok().with("cmd", vec!["login", "hunter2"]).with("msg", "used hunter2 twice");
        mask(&mut outcome, &["hunter2".to_owned()]);
        assert_eq!(outcome.get("cmd"), Some(&vec!["login", WHOLE].into()));
        assert_eq!(outcome.message(), "used ******** twice");
    }
}
