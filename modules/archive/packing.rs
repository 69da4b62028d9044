//! Compressed streams, and what else is read as it is made.

use std::io::{self, Read, Write};

use bzip2::read::{BzEncoder, MultiBzDecoder};
use flate2::read::{GzEncoder, MultiGzDecoder};
use lzma_rust2::{XzOptions, XzReader, XzWriter};

use super::Format;

/// How much is done at a time.
pub(super) const PIECE: usize = 1 << 16;

/// What makes bytes, some at a time.
pub(super) trait Source {
    /// Adds some to `out`; `false` when there are no more.
    fn more(&mut self, out: &mut Vec<u8>) -> io::Result<bool>;
}

/// A source that is read.
pub(super) struct Stream<S> {
    source: S,
    made: Vec<u8>,
    at: usize,
    is_over: bool,
}

impl<S: Source> Stream<S> {
    pub(super) fn new(source: S) -> Self {
        Stream { source, made: Vec::new(), at: 0, is_over: false }
    }

    pub(super) fn into_source(self) -> S {
        self.source
    }
}

impl<S: Source> Read for Stream<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.made.len() && !self.is_over {
            self.made.clear();
            self.at = 0;
            self.is_over = !self.source.more(&mut self.made)?;
        }
        let mut rest = self.made.get(self.at..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

/// Something to read, in xz.
struct Xz<'a> {
    from: Box<dyn Read + 'a>,
    writer: Option<XzWriter<Vec<u8>>>,
}

impl Source for Xz<'_> {
    fn more(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let Some(mut writer) = self.writer.take() else { return Ok(false) };
        let mut piece = Vec::with_capacity(PIECE);
        self.from.by_ref().take(PIECE as u64).read_to_end(&mut piece)?;
        if piece.is_empty() {
            out.append(&mut writer.finish()?);
            return Ok(false);
        }
        writer.write_all(&piece)?;
        out.append(writer.inner_mut());
        self.writer = Some(writer);
        Ok(true)
    }
}

/// Something to read, compressed.
pub(super) fn packed<'a>(format: Format, from: Box<dyn Read + 'a>) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match format {
        Format::Gz => Box::new(GzEncoder::new(from, flate2::Compression::default())),
        Format::Bz2 => Box::new(BzEncoder::new(from, bzip2::Compression::best())),
        Format::Xz => {
            let writer = XzWriter::new(Vec::new(), XzOptions::with_preset(6))?;
            Box::new(Stream::new(Xz { from, writer: Some(writer) }))
        }
        Format::Tar | Format::Zip => from,
    })
}

/// Something compressed, to be read.
pub(super) fn unpacked<'a>(format: Format, from: Box<dyn Read + 'a>) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match format {
        Format::Gz => Box::new(MultiGzDecoder::new(from)),
        Format::Bz2 => Box::new(MultiBzDecoder::new(from)),
        Format::Xz => Box::new(XzReader::new(from, true)),
        Format::Tar | Format::Zip => from,
    })
}

/// The CRC-32 of all that is read.
pub(super) fn sum(from: &mut dyn Read) -> io::Result<u32> {
    let mut sum = flate2::Crc::new();
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(sum.sum()),
            count => sum.update(piece.get(..count).unwrap_or_default()),
        }
    }
}
