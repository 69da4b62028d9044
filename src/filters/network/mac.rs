//! [`Mac`]: hardware addresses, as Python's `netaddr` reads and writes them.

/// A hardware address of 48 or 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mac {
    pub value: u64,
    pub bits: u32,
}

impl Mac {
    /// `00:1b:77:49:54:fd`, the same with `-`, `001b.7749.54fd`, `001b77:4954fd`, `001b774954fd`, and longer ones.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(separator) = text.chars().find(|c| matches!(c, ':' | '-' | '.')) {
            let parts: Vec<&str> = text.split(separator).collect();
            let (bits, widest) = match (parts.len(), separator) {
                (6, ':' | '-') => (48, 2),
                (3, _) => (48, 4),
                (2, ':' | '-') => (48, 6),
                (8, ':' | '-') => (64, 2),
                (4, _) => (64, 4),
                _ => return None,
            };
            let mut value = 0;
            for part in parts {
                let fits = !part.is_empty() && part.len() <= widest;
                // Half of an address is written out in full.
                if !fits || (widest == 6 && part.len() < 5) {
                    return None;
                }
                value = value << (4 * widest) | digits(part)?;
            }
            return Some(Self { value, bits });
        }
        let bits = match text.len() {
            11 | 12 => 48,
            16 => 64,
            _ => return None,
        };
        Some(Self { value: digits(text)?, bits })
    }

    /// Groups of so many bytes, each as it is wanted.
    pub(crate) fn groups(self, bytes: u32, separator: &str, form: impl Fn(u64) -> String) -> String {
        let size = 8 * bytes;
        let count = self.bits / size;
        let mask = (1u64 << size) - 1;
        let all: Vec<String> =
            (0..count).rev().map(|place| form(self.value >> (place * size) & mask)).collect();
        all.join(separator)
    }

    /// The part of an IPv6 address that a host makes of it.
    pub(crate) fn interface(self) -> u128 {
        let long = match self.bits {
            48 => (self.value >> 24) << 40 | 0xff_fe00_0000 | self.value & 0xff_ffff,
            _ => self.value,
        };
        u128::from(long ^ 1 << 57)
    }
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u64::from_str_radix(text, 16).ok())?
}
