//! Colours under Ansible's names.

/// A colour: what stands between `ESC [` and `m`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colour(String);

impl Colour {
    /// A colour by its name (`bright red`), or `color123`, `rgb345`, `gray12`; `None`: there is no such colour.
    pub fn named(name: &str) -> Option<Self> {
        let code = match name {
            "black" => "0;30",
            "bright gray" => "0;37",
            "blue" => "0;34",
            "white" => "1;37",
            "green" => "0;32",
            "bright blue" => "1;34",
            "cyan" => "0;36",
            "bright green" => "1;32",
            "red" => "0;31",
            "bright cyan" => "1;36",
            "purple" | "magenta" => "0;35",
            "bright red" => "1;31",
            "yellow" => "0;33",
            "bright purple" | "bright magenta" => "1;35",
            "dark gray" => "1;30",
            "bright yellow" => "1;33",
            "normal" => "0",
            _ => return Self::numbered(name),
        };
        Some(Self(code.to_owned()))
    }

    fn numbered(name: &str) -> Option<Self> {
        let code: u32 = if let Some(number) = name.strip_prefix("color") {
            number.parse().ok()?
        } else if let Some(digits) = name.strip_prefix("rgb") {
            let parts: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(6)).collect();
            match parts.as_slice() {
                [red, green, blue] if digits.len() == 3 => 16 + 36 * red + 6 * green + blue,
                _ => return None,
            }
        } else {
            232 + name.strip_prefix("gray")?.parse::<u32>().ok()?
        };
        Some(Self(format!("38;5;{code}")))
    }

    /// The text in this colour, line by line.
    pub fn paint(&self, text: &str) -> String {
        let code = &self.0;
        text.split('\n').map(|line| format!("\u{1b}[{code}m{line}\u{1b}[0m")).collect::<Vec<_>>().join("\n")
    }
}

/// Which colour is for what.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each is the colour of what it is named after, as in Ansible's settings")]
pub struct Palette {
    pub changed: Colour,
    pub debug: Colour,
    pub deprecate: Colour,
    pub diff_add: Colour,
    pub diff_lines: Colour,
    pub diff_remove: Colour,
    pub error: Colour,
    pub included: Colour,
    pub ok: Colour,
    pub skip: Colour,
    pub unreachable: Colour,
    pub verbose: Colour,
    pub warn: Colour,
}

impl Default for Palette {
    fn default() -> Self {
        let colour = |code: &str| Colour(code.to_owned());
        Self {
            changed: colour("0;33"),
            debug: colour("1;30"),
            deprecate: colour("0;35"),
            diff_add: colour("0;32"),
            diff_lines: colour("0;36"),
            diff_remove: colour("0;31"),
            error: colour("0;31"),
            included: colour("0;36"),
            ok: colour("0;32"),
            skip: colour("0;36"),
            unreachable: colour("1;31"),
            verbose: colour("0;34"),
            warn: colour("1;35"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ansibles() {
        for (name, code) in [
            ("bright purple", Some("1;35")),
            ("color200", Some("38;5;200")),
            ("rgb123", Some("38;5;67")),
            ("gray10", Some("38;5;242")),
            ("rgb9", None),
            ("mauve", None),
        ] {
            assert_eq!(Colour::named(name), code.map(|code| Colour(code.to_owned())), "{name}");
        }
    }

    #[test]
    fn each_line_is_painted_by_itself() {
        let red = Colour::named("red").unwrap();
        assert_eq!(red.paint("a\n"), "\u{1b}[0;31ma\u{1b}[0m\n\u{1b}[0;31m\u{1b}[0m");
    }
}
