//! How a pattern is read and matched.

/// Python's flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Flags(u8);

impl Flags {
    /// No flag.
    pub const NONE: Flags = Flags(0);
    /// `re.IGNORECASE`.
    pub const IGNORECASE: Flags = Flags(1);
    /// `re.MULTILINE`: `^` and `$` also match at line ends.
    pub const MULTILINE: Flags = Flags(2);
    /// `re.DOTALL`: `.` also matches a newline.
    pub const DOTALL: Flags = Flags(4);
    /// `re.VERBOSE`: white space and comments in the pattern don't count.
    pub const VERBOSE: Flags = Flags(8);
    /// `re.ASCII`: `\w`, `\d`, `\s`, `\b` and case know ASCII only.
    pub const ASCII: Flags = Flags(16);

    /// Whether all of `other`'s flags are set.
    pub fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags of both.
    #[must_use]
    pub fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// These flags without `other`'s.
    #[must_use]
    pub fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }

    /// These flags, with another if wanted.
    #[must_use]
    pub fn with_if(self, wanted: bool, other: Flags) -> Flags {
        if wanted { self.with(other) } else { self }
    }

    /// The flag of a letter, as in `(?i)`. `u` is the default and sets nothing.
    pub(crate) fn of_letter(letter: char) -> Option<Flags> {
        Some(match letter {
            'i' => Self::IGNORECASE,
            'm' => Self::MULTILINE,
            's' => Self::DOTALL,
            'x' => Self::VERBOSE,
            'a' => Self::ASCII,
            'u' => Self::NONE,
            _ => return None,
        })
    }
}
