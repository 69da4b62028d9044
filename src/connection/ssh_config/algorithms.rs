//! Lists of algorithms: replaced, or changed with `+`, `-` and `^`.

use super::settings::Setting;
use super::{Place, SshConfigError};
use crate::ssh::{List, default_names, is_supported};
use crate::wildcard::matches;

/// The names to offer, as far as this program has them.
pub(super) fn names(list: List, setting: &Setting) -> Result<Vec<String>, SshConfigError> {
    let value = setting.value();
    let all = changed(&default_names(list), value);
    let names: Vec<String> = all.into_iter().filter(|name| is_supported(list, name)).collect();
    if names.is_empty() {
        return Err(none_left(&setting.place, value, &default_names(list)));
    }
    Ok(names)
}

/// A list, given the default and a value that may change it.
pub(super) fn changed(default: &[String], value: &str) -> Vec<String> {
    let own =
        |text: &str| text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    match value.split_at_checked(1) {
        Some(("+", more)) => default.iter().cloned().chain(own(more)).fold(Vec::new(), once),
        Some(("-", less)) => {
            let less = own(less);
            default
                .iter()
                .filter(|name| !less.iter().any(|pattern| matches(pattern, name)))
                .cloned()
                .collect()
        }
        Some(("^", first)) => own(first).into_iter().chain(default.iter().cloned()).fold(Vec::new(), once),
        _ => own(value),
    }
}

fn once(mut names: Vec<String>, name: String) -> Vec<String> {
    if !names.contains(&name) {
        names.push(name);
    }
    names
}

fn none_left(place: &Place, value: &str, have: &[String]) -> SshConfigError {
    SshConfigError::new(place, format!("none of {value} is supported"))
        .with_help(format!("supported by default are {}", have.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_replaced_or_changed() {
        let default = ["a".to_owned(), "b1".to_owned(), "b2".to_owned()];
        assert_eq!(changed(&default, "x,y"), ["x", "y"]);
        assert_eq!(changed(&default, "+x,a"), ["a", "b1", "b2", "x"]);
        assert_eq!(changed(&default, "-b*"), ["a"]);
        assert_eq!(changed(&default, "^b2,x"), ["b2", "x", "a", "b1"]);
    }
}
