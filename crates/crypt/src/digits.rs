//! The digits of crypt's base 64: six bits each, the lowest first.

/// The digits, in the order of what they stand for.
pub const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The digit of six bits.
pub fn digit(value: u64) -> char {
    DIGITS.get((value & 0x3f) as usize).copied().map_or('.', char::from)
}

/// A number with its lowest bits first, in so many digits.
pub(crate) fn little_endian(mut value: u64, digits: usize) -> String {
    let mut out = String::with_capacity(digits);
    for _ in 0..digits {
        out.push(digit(value));
        value >>= 6;
    }
    out
}

/// The number that such digits stand for.
pub(crate) fn number(digits: &str) -> Option<u64> {
    digits.bytes().rev().try_fold(0_u64, |number, byte| {
        let value = DIGITS.iter().position(|known| *known == byte)?;
        Some((number << 6) | value as u64)
    })
}

/// Whether these are all digits.
pub(crate) fn are(text: &str) -> bool {
    number(text).is_some()
}

/// The digits of bytes, three at a time.
pub fn of_bytes(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().rev().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        out.push_str(&little_endian(number, chunk.len() + 1));
    }
    out
}

/// The bytes of digits; `None`: digits that stand for no whole bytes, or no digits.
pub fn bytes(digits: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for chunk in digits.as_bytes().chunks(4) {
        let number = number(std::str::from_utf8(chunk).ok()?)?;
        let whole = chunk.len() * 6 / 8;
        if whole == 0 || number >> (8 * whole) != 0 {
            return None;
        }
        bytes.extend(number.to_le_bytes().into_iter().take(whole));
    }
    Some(bytes)
}

/// The digits of bytes that are taken in this order.
pub(crate) fn shuffled(bytes: &[u8], order: &[usize]) -> String {
    let taken: Vec<u8> = order.iter().filter_map(|at| bytes.get(*at)).copied().collect();
    of_bytes(&taken)
}
