//! [`Permissions`]: the mode of a file as a task writes it, an octal number or symbolic as for chmod(1).

use shevek_proto::Val;

use crate::arg::Arg;
use crate::fault::{Fault, Result};
use crate::kind::Kind;

/// The mode that a task asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permissions {
    /// A number.
    Number(u32),
    /// Clauses such as `u=rwX,g+s`.
    Symbolic(String),
    /// Like that of the source (`preserve`, for copies).
    Preserve,
}

/// What symbolic clauses start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// The permission bits now.
    pub mode: u32,
    /// Whether it is a folder.
    pub folder: bool,
    /// The umask, for clauses that name nobody.
    pub umask: u32,
}

impl Arg for Permissions {
    const KIND: Kind = Kind::Permissions;
    fn read(value: Val) -> std::result::Result<Self, String> {
        match value {
            Val::Int(i) => match u32::try_from(i) {
                Ok(mode) if mode <= 0o7777 => Ok(Permissions::Number(mode)),
                _ => Err(format!("Invalid mode supplied, only permission info is allowed: {i}")),
            },
            Val::Str(text) => Ok(Permissions::parse(&text)),
            other => Err(format!(
                "mode must be in octal or symbolic form, not {}",
                crate::printed::python_type(&other)
            )),
        }
    }
}

impl Permissions {
    /// Reads the text of a task.
    pub fn parse(text: &str) -> Permissions {
        if text == "preserve" {
            return Permissions::Preserve;
        }
        let digits = text.trim();
        let digits =
            digits.strip_prefix("0o").or(digits.strip_prefix("0O")).unwrap_or(digits).replace('_', "");
        match u32::from_str_radix(&digits, 8) {
            Ok(mode) => Permissions::Number(mode),
            Err(_) => Permissions::Symbolic(text.to_owned()),
        }
    }

    /// The bits that are wanted of something that has others now.
    pub fn bits(&self, start: Start) -> Result<u32> {
        match self {
            Permissions::Number(mode) if *mode <= 0o7777 => Ok(*mode),
            Permissions::Number(mode) => {
                Err(Fault::new("Invalid mode supplied, only permission info is allowed")
                    .with("details", *mode))
            }
            // Copies put the source's mode in its place.
            Permissions::Preserve => Err(refused("preserve")),
            Permissions::Symbolic(clauses) => {
                let mut mode = start.mode;
                for clause in clauses.split(',') {
                    mode = apply(clause, Start { mode, ..start }).ok_or_else(|| refused(clause))?;
                }
                Ok(mode)
            }
        }
    }
}

fn refused(clause: &str) -> Fault {
    Fault::new("mode must be in octal or symbolic form")
        .with("details", format!("bad symbolic permission for mode: {clause}"))
}

/// A mode as Ansible's results show it.
pub fn shown(mode: u32) -> String {
    format!("0{:03o}", mode & 0o7777)
}

fn apply(clause: &str, start: Start) -> Option<u32> {
    let is_operator = |c: char| matches!(c, '+' | '-' | '=');
    let first = clause.find(is_operator)?;
    let (whom, mut rest) = clause.split_at(first);
    let named = !whom.is_empty();
    let whom = if matches!(whom, "" | "a") { "ugo" } else { whom };
    if !whom.chars().all(|c| "ugo".contains(c)) {
        return None;
    }
    let mut mode = start.mode;
    while let Some(operator) = rest.chars().next() {
        let after = rest.get(1..)?;
        let end = after.find(is_operator).unwrap_or(after.len());
        let (what, next) = after.split_at(end);
        rest = next;
        for who in whom.chars() {
            let mut bits = 0;
            for letter in what.chars() {
                bits |= letter_bits(letter, who, Start { mode, ..start }, named)?;
            }
            mode = match operator {
                '+' => mode | bits,
                '-' => mode & !bits,
                _ => (mode & !of(who)) | bits,
            };
        }
    }
    Some(mode)
}

/// All bits that belong to somebody.
fn of(who: char) -> u32 {
    match who {
        'u' => 0o4700,
        'g' => 0o2070,
        _ => 0o1007,
    }
}

fn letter_bits(letter: char, who: char, start: Start, named: bool) -> Option<u32> {
    let shift = match who {
        'u' => 6,
        'g' => 3,
        _ => 0,
    };
    let masked = |bits: u32| if named { bits } else { bits & !start.umask };
    Some(match letter {
        'r' => masked(4 << shift),
        'w' => masked(2 << shift),
        'x' => masked(1 << shift),
        'X' if start.folder || start.mode & 0o111 != 0 => 1 << shift,
        's' if who == 'u' => 0o4000,
        's' if who == 'g' => 0o2000,
        't' if who == 'o' => 0o1000,
        'X' | 's' | 't' => 0,
        'u' => (start.mode >> 6 & 7) << shift,
        'g' => (start.mode >> 3 & 7) << shift,
        'o' => (start.mode & 7) << shift,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(text: &str, mode: u32, folder: bool) -> u32 {
        Permissions::parse(text).bits(Start { mode, folder, umask: 0o022 }).unwrap()
    }

    #[test]
    fn symbolic_modes_are_those_of_chmod() {
        for (text, mode, wanted) in [
            ("0640", 0, 0o640),
            ("u=rwX,g=rX,o=", 0o600, 0o640),
            ("u=rwX,g=rX,o=", 0o700, 0o750),
            ("u+x,g+s,o+t", 0o644, 0o3744),
            ("+w", 0o444, 0o644),
            ("a+w", 0o444, 0o666),
            ("g=u", 0o740, 0o770),
            ("u=rw-x+X,g=r-x+X", 0o754, 0o754),
        ] {
            assert_eq!(bits(text, mode, false), wanted, "{text} on {mode:o}");
        }
        assert_eq!(bits("a=rX", 0, true), 0o555);
    }

    #[test]
    fn nonsense_is_refused() {
        let start = Start { mode: 0, folder: false, umask: 0 };
        for text in ["u=q", "z+r", "rwx", ""] {
            assert!(Permissions::parse(text).bits(start).is_err(), "{text}");
        }
    }
}
