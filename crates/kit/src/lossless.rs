//! Text that keeps its bytes: files that are read, changed and written back are not always UTF-8, and what the task does
//! not name must come out as it went in.
//!
//! Bytes that are no UTF-8 become characters of the last private plane, one each, as Python's `surrogateescape` makes
//! surrogates of them; [`bytes`] turns them back.

/// Where the characters that stand for bytes begin: byte 0x80 is U+10FF00 + 0x80.
const FIRST: u32 = 0x10_FF00;

/// The character that stands for a byte.
fn stand_in(byte: u8) -> char {
    char::from_u32(FIRST + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The byte that a character stands for.
fn meant(c: char) -> Option<u8> {
    u8::try_from(u32::from(c).checked_sub(FIRST)?).ok().filter(|byte| *byte >= 0x80)
}

/// Bytes as text, whatever they are.
pub fn text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        // Where such a character is really written, its bytes stand for themselves too: so nothing is ambiguous.
        if chunk.valid().contains(|c| meant(c).is_some()) {
            let mut buffer = [0; 4];
            for c in chunk.valid().chars() {
                match meant(c) {
                    None => out.push(c),
                    Some(_) => out.extend(c.encode_utf8(&mut buffer).bytes().map(stand_in)),
                }
            }
        } else {
            out.push_str(chunk.valid());
        }
        out.extend(chunk.invalid().iter().copied().map(stand_in));
    }
    out
}

/// The bytes that [`text`] was made of.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| meant(*c).is_some()) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default().as_bytes());
        out.extend(meant(c));
        rest = rest.get(at + c.len_utf8()..).unwrap_or_default();
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// The text as it can be shown: what stands for bytes becomes U+FFFD.
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if meant(c).is_some() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_out_as_it_went_in() {
        let all: Vec<u8> =
            (0..=255).chain("grün \u{10ff80} \u{fffd} \u{10ffff}".bytes()).chain(*b"\xc3").collect();
        assert_eq!(bytes(&text(&all)), all);
        assert_eq!(text("grün".as_bytes()), "grün");
        assert_eq!(text(b"gr\xfcn").chars().count(), 4);
        assert_eq!(shown(&text(b"gr\xfcn")), "gr\u{fffd}n");
    }
}
