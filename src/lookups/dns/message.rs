//! Questions and answers on the wire (RFC 1035, 6891).

use std::fmt::Write;

/// One record of an answer, its data still as it came.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub owner: String,
    pub kind: u16,
    pub class: u16,
    pub ttl: u32,
    /// Where its data lie in the message.
    pub data: (usize, usize),
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Message {
    pub bytes: Vec<u8>,
    pub code: u8,
    pub truncated: bool,
    pub answers: Vec<Record>,
}

/// How long the part before the question is.
const HEAD: usize = 12;

/// A question as it is sent. `None`: that is no name.
pub(crate) fn question(id: u16, name: &str, kind: u16, class: u16) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(64);
    out.extend(id.to_be_bytes());
    // Recursion desired; one question, one additional record.
    out.extend([0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1]);
    let start = out.len();
    for label in name.trim_end_matches('.').split('.').filter(|_| name != ".") {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length))?;
        out.push(length);
        out.extend(label.bytes());
    }
    out.push(0);
    if out.len() - start > 255 {
        return None;
    }
    out.extend(kind.to_be_bytes());
    out.extend(class.to_be_bytes());
    // EDNS: 4096 bytes, DNSSEC answers are welcome.
    out.extend([0, 0, 41, 0x10, 0, 0, 0, 0x80, 0, 0, 0]);
    Some(out)
}

/// Reads an answer to that question; `None`: it is none.
pub(crate) fn parse(bytes: Vec<u8>, question: &[u8]) -> Option<Message> {
    let mut reader = Reader { bytes: &bytes, at: 0, end: bytes.len() };
    let id = reader.number16()?;
    let flags = reader.number16()?;
    let is_answer = flags & 0x8000 != 0 && question.get(..2)? == id.to_be_bytes();
    if !is_answer {
        return None;
    }
    let (code, truncated) = ((flags & 0xf) as u8, flags & 0x0200 != 0);
    let (questions, answers) = (reader.number16()?, reader.number16()?);
    reader.take(4)?;
    // Who only guesses the number of the question doesn't know what was asked. A server that can't read a question may
    // leave it out.
    match questions {
        0 if code != 0 => {}
        1 => {
            let mut asked = Reader { bytes: question, at: HEAD, end: question.len() };
            let same =
                reader.name()?.eq_ignore_ascii_case(&asked.name()?) && reader.take(4)? == asked.take(4)?;
            if !same {
                return None;
            }
        }
        _ => return None,
    }
    // It is asked for again in another way, and may end anywhere.
    let answers = if truncated { 0 } else { answers };
    let mut records = Vec::new();
    for _ in 0..answers {
        let owner = reader.name()?;
        let (kind, class) = (reader.number16()?, reader.number16()?);
        let ttl = reader.number32()?;
        let length = usize::from(reader.number16()?);
        let data = (reader.at, reader.at + length);
        reader.take(length)?;
        records.push(Record { owner, kind, class, ttl, data });
    }
    Some(Message { code, truncated, answers: records, bytes })
}

/// Reads numbers, names and strings of a message.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    /// Reads the data of a record.
    pub(crate) fn of(message: &'a Message, record: &Record) -> Self {
        Self { bytes: &message.bytes, at: record.data.0, end: record.data.1 }
    }

    /// The next bytes.
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.end)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> Option<&'a [u8]> {
        self.take(self.end.checked_sub(self.at)?)
    }

    /// Whether nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.end
    }

    /// A byte.
    pub(crate) fn number8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// Two bytes.
    pub(crate) fn number16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    /// Four bytes.
    pub(crate) fn number32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A string with its length before it.
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number8()?;
        self.take(usize::from(length))
    }

    /// A name, which may go on elsewhere in the message; with a dot at the end.
    pub(crate) fn name(&mut self) -> Option<String> {
        let mut out = String::new();
        let (mut at, mut after) = (self.at, None);
        // Each jump goes backwards, so there is an end.
        loop {
            let length = *self.bytes.get(at)?;
            match length >> 6 {
                0 if length == 0 => {
                    at += 1;
                    break;
                }
                0 => {
                    let label = self.bytes.get(at + 1..at + 1 + usize::from(length))?;
                    label.iter().for_each(|byte| push_escaped(&mut out, *byte));
                    out.push('.');
                    at += 1 + usize::from(length);
                }
                3 => {
                    let low = *self.bytes.get(at + 1)?;
                    let target = usize::from(length & 0x3f) << 8 | usize::from(low);
                    after.get_or_insert(at + 2);
                    if target >= at {
                        return None;
                    }
                    at = target;
                }
                _ => return None,
            }
            if out.len() > 4 * 256 {
                return None;
            }
        }
        self.at = after.unwrap_or(at);
        Some(if out.is_empty() { ".".to_owned() } else { out })
    }
}

/// A byte of a label as it is written.
fn push_escaped(out: &mut String, byte: u8) {
    match byte {
        b'"' | b'(' | b')' | b'.' | b';' | b'\\' | b'@' | b'$' => {
            out.push('\\');
            out.push(char::from(byte));
        }
        0x21..=0x7e => out.push(char::from(byte)),
        _ => {
            let _ = write!(out, "\\{byte:03}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer with one record.
    fn answer(question: &[u8], flags: u16) -> Vec<u8> {
        let mut out = question[..question.len() - 11].to_vec();
        out[2..4].copy_from_slice(&flags.to_be_bytes());
        out[6..12].copy_from_slice(&[0, 1, 0, 0, 0, 0]);
        out.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
        out
    }

    #[test]
    fn only_an_answer_to_what_was_asked_is_taken() {
        let asked = question(7, "a.test.", 1, 1).unwrap();
        assert_eq!(parse(answer(&asked, 0x8180), &asked).unwrap().answers.len(), 1);
        let upper = question(7, "A.Test.", 1, 1).unwrap();
        assert!(parse(answer(&upper, 0x8180), &asked).is_some());
        for other in [(7, "b.test.", 1), (7, "a.test.", 28), (8, "a.test.", 1)] {
            let other = question(other.0, other.1, other.2, 1).unwrap();
            assert!(parse(answer(&other, 0x8180), &asked).is_none());
        }
    }

    #[test]
    fn a_truncated_answer_may_end_anywhere() {
        let asked = question(7, "a.test.", 1, 1).unwrap();
        let mut cut = answer(&asked, 0x8380);
        cut.truncate(cut.len() - 3);
        assert!(parse(cut.clone(), &asked).unwrap().truncated);
        cut[2] &= !0x02;
        assert!(parse(cut, &asked).is_none());
    }
}
