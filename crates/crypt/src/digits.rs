//! The digits of crypt's base 64.

const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The digit of six bits.
pub(crate) fn digit(value: u64) -> char {
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

/// Bytes in this order, three at a time, the lowest bits first.
pub(crate) fn shuffled(bytes: &[u8], order: &[usize]) -> String {
    let taken: Vec<u8> = order.iter().filter_map(|at| bytes.get(*at)).copied().collect();
    let mut out = String::new();
    for chunk in taken.chunks(3) {
        let number = chunk.iter().rev().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        out.push_str(&little_endian(number, chunk.len() + 1));
    }
    out
}
