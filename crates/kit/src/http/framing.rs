//! How the body of an answer ends: after so many bytes, with its last chunk, or with the connection.

use std::io::{self, BufRead, Read};

/// Longest line that an answer's head, or a chunk's, may have.
pub(crate) const LINE: u64 = 64 * 1024;

/// A body that ends where its framing says.
pub(crate) struct Framed<R> {
    from: R,
    how: Framing,
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many bytes, of `total`.
    Length { left: u64, total: u64 },
    /// After the last chunk; so much is left of this one.
    Chunked { left: u64, begun: bool },
    /// With the connection.
    Connection,
    /// It is over.
    Over,
}

impl<R: BufRead> Framed<R> {
    pub(crate) fn new(from: R, how: Framing) -> Self {
        Framed { from, how }
    }

    /// Reads the line before a chunk; true where there is one.
    fn next_chunk(&mut self, begun: bool) -> io::Result<bool> {
        if begun {
            line(&mut self.from)?;
        }
        let head = line(&mut self.from)?;
        let digits = head.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(digits, 16).map_err(|_| incomplete("a chunk has no length"))?;
        if size > 0 {
            self.how = Framing::Chunked { left: size, begun: true };
            return Ok(true);
        }
        // Trailers are of no interest.
        while !line(&mut self.from)?.is_empty() {}
        self.how = Framing::Over;
        Ok(false)
    }
}

fn incomplete(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("IncompleteRead({why})"))
}

/// A line without its end.
pub(crate) fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut bytes = Vec::new();
    from.take(LINE).read_until(b'\n', &mut bytes)?;
    if bytes.pop() != Some(b'\n') {
        let why = if bytes.len() as u64 >= LINE - 1 { "a line is too long" } else { "the connection ended" };
        return Err(incomplete(why));
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl<R: BufRead> Read for Framed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.how {
                Framing::Over => return Ok(0),
                Framing::Connection => return self.from.read(buffer),
                Framing::Length { left: 0, .. } => self.how = Framing::Over,
                Framing::Length { left, total } => {
                    let n = (&mut self.from).take(left).read(buffer)? as u64;
                    if n == 0 {
                        let why = format!("{} bytes read, {left} more expected", total - left);
                        return Err(incomplete(&why));
                    }
                    self.how = Framing::Length { left: left - n, total };
                    return Ok(n as usize);
                }
                Framing::Chunked { left: 0, begun } => {
                    if !self.next_chunk(begun)? {
                        return Ok(0);
                    }
                }
                Framing::Chunked { left, begun } => {
                    let n = (&mut self.from).take(left).read(buffer)? as u64;
                    if n == 0 {
                        return Err(incomplete("the connection ended within a chunk"));
                    }
                    self.how = Framing::Chunked { left: left - n, begun };
                    return Ok(n as usize);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, how: Framing) -> io::Result<String> {
        let mut out = String::new();
        Framed::new(text.as_bytes(), how).read_to_string(&mut out).map(|_| out)
    }

    #[test]
    fn bodies_end_where_they_say() {
        let length = |total| Framing::Length { left: total, total };
        assert_eq!(read("hello, more", length(5)).unwrap(), "hello");
        assert_eq!(
            read("hel", length(5)).unwrap_err().to_string(),
            "IncompleteRead(3 bytes read, 2 more expected)"
        );
        let chunked = Framing::Chunked { left: 0, begun: false };
        assert_eq!(read("5\r\nhello\r\n2;x=y\r\n w\r\n0\r\nT: x\r\n\r\nmore", chunked).unwrap(), "hello w");
        assert!(read("5\r\nhel", chunked).is_err());
        assert!(read("5\r\nhello\r\n", chunked).is_err(), "the last chunk is missing");
        assert_eq!(read("to the end", Framing::Connection).unwrap(), "to the end");
    }
}
