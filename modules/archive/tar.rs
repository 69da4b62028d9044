//! Tar archives, with the headers that Python's tarfile writes: so either finds the other's archives unchanged.

use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;

use shevek_kit::prelude::*;
use shevek_kit::printed;

use super::packing::{PIECE, Source};
use super::{Entry, Sums};

const BLOCK: usize = 512;
/// Archives are as long as so many blocks, or a multiple of that.
const RECORD: usize = 20 * BLOCK;

/// An archive of these.
pub(super) struct Tar<'a> {
    host: &'a Probe,
    entries: std::slice::Iter<'a, Entry>,
    /// The file that is being read, and how much of it is left.
    open: Option<(Box<dyn Read + Send>, u64)>,
    written: u64,
    is_over: bool,
}

impl<'a> Tar<'a> {
    pub(super) fn new(host: &'a Probe, entries: &'a [Entry]) -> Self {
        Tar { host, entries: entries.iter(), open: None, written: 0, is_over: false }
    }
}

fn filled(out: &mut Vec<u8>, length: u64, unit: usize) {
    let rest = usize::try_from(length % unit as u64).unwrap_or(0);
    if rest > 0 {
        out.resize(out.len() + unit - rest, 0);
    }
}

impl Source for Tar<'_> {
    fn more(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        if self.is_over {
            return Ok(false);
        }
        if let Some((mut file, left)) = self.open.take() {
            let wanted = left.min(PIECE as u64);
            file.by_ref().take(wanted).read_to_end(out)?;
            // A file that has become shorter is filled up: its length is in the header already.
            out.resize(usize::try_from(wanted).unwrap_or(0), 0);
            self.written += wanted;
            if left > wanted {
                self.open = Some((file, left - wanted));
            } else {
                filled(out, self.written, BLOCK);
                self.written = self.written.next_multiple_of(BLOCK as u64);
            }
            return Ok(true);
        }
        let Some(entry) = self.entries.next() else {
            out.resize(2 * BLOCK, 0);
            filled(out, self.written + 2 * BLOCK as u64, RECORD);
            self.is_over = true;
            return Ok(true);
        };
        let header = Header::of(self.host, entry).map_err(|fault| io::Error::other(fault.message))?;
        header.write(out);
        self.written += out.len() as u64;
        if header.size > 0 {
            let file = self
                .host
                .open_seen(&entry.path, &entry.stat)
                .map_err(|fault| io::Error::other(fault.message))?;
            self.open = Some((file, header.size));
        }
        Ok(true)
    }
}

/// What archives of these would have in them.
pub(super) fn sums(host: &Probe, entries: &[Entry]) -> Result<Sums> {
    let one = |entry| {
        let header = Header::of(host, entry)?;
        Ok((entry.name.clone(), checksum(&header.block(&header.fields().0))))
    };
    entries.iter().map(one).collect()
}

struct Header {
    name: Vec<u8>,
    mode: u32,
    uid: u32,
    gid: u32,
    size: u64,
    modified: Time,
    kind: u8,
    link: Vec<u8>,
    user: Vec<u8>,
    group: Vec<u8>,
    device: Option<(u32, u32)>,
}

/// A number that a header has room for, or what goes in its place.
fn number(value: i64, digits: u32) -> (u64, bool) {
    match u64::try_from(value) {
        Ok(value) if value < 8_u64.pow(digits - 1) => (value, false),
        _ => (0, true),
    }
}

impl Header {
    fn of(host: &Probe, entry: &Entry) -> Result<Header> {
        let stat = &entry.stat;
        let (kind, link) = match (stat.kind, &entry.same_as) {
            (_, Some(other)) => (b'1', other.clone()),
            (FileKind::Folder, _) => (b'5', Vec::new()),
            (FileKind::Link, _) => (b'2', host.readlink(&entry.path)?.as_os_str().as_bytes().to_vec()),
            (FileKind::Fifo, _) => (b'6', Vec::new()),
            (FileKind::CharDevice, _) => (b'3', Vec::new()),
            (FileKind::BlockDevice, _) => (b'4', Vec::new()),
            _ => (b'0', Vec::new()),
        };
        let mut name = entry.name.clone();
        if kind == b'5' {
            name.push(b'/');
        }
        let device = (rustix::fs::major(stat.rdev), rustix::fs::minor(stat.rdev));
        Ok(Header {
            name,
            mode: stat.mode,
            uid: stat.uid,
            gid: stat.gid,
            size: if kind == b'0' { stat.size } else { 0 },
            modified: stat.modified,
            kind,
            link,
            user: host.user_of(stat.uid)?.map(|user| user.name.into_bytes()).unwrap_or_default(),
            group: host.group_of(stat.gid)?.map(|group| group.name.into_bytes()).unwrap_or_default(),
            device: matches!(kind, b'3' | b'4').then_some(device),
        })
    }

    /// Numbers for the header proper, and what it has no room for.
    fn fields(&self) -> ([u64; 4], Vec<(&'static str, Vec<u8>)>) {
        let mut further = Vec::new();
        let texts = [
            ("path", &self.name, 100),
            ("linkpath", &self.link, 100),
            ("uname", &self.user, 32),
            ("gname", &self.group, 32),
        ];
        for (key, text, room) in texts {
            if text.len() > room || !text.is_ascii() {
                further.push((key, text.clone()));
            }
        }
        let size = i64::try_from(self.size).unwrap_or(i64::MAX);
        let numbers = [("uid", i64::from(self.uid), 8), ("gid", i64::from(self.gid), 8), ("size", size, 12)];
        let mut short = [0; 4];
        for ((key, value, digits), short) in numbers.into_iter().zip(&mut short) {
            let (fits, is_long) = number(value, digits);
            *short = fits;
            if is_long {
                further.push((key, value.to_string().into_bytes()));
            }
        }
        // Python's times are no whole numbers, so that this one never has room.
        let [_, _, _, modified] = &mut short;
        *modified = number(self.modified.as_f64() as i64, 12).0;
        further.push(("mtime", printed::float(self.modified.as_f64()).into_bytes()));
        (short, further)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (short, further) = self.fields();
        let mut records = Vec::new();
        for (key, value) in further {
            // The length of a record counts its own digits.
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while rest + length.to_string().len() != length {
                length = rest + length.to_string().len();
            }
            records.extend_from_slice(format!("{length} {key}=").as_bytes());
            records.extend_from_slice(&value);
            records.push(b'\n');
        }
        let head = Header {
            name: b"././@PaxHeader".to_vec(),
            mode: 0,
            uid: 0,
            gid: 0,
            size: records.len() as u64,
            modified: Time::default(),
            kind: b'x',
            link: Vec::new(),
            user: Vec::new(),
            group: Vec::new(),
            device: None,
        };
        out.extend_from_slice(&head.block(&[0, 0, head.size, 0]));
        let length = records.len() as u64;
        out.append(&mut records);
        filled(out, length, BLOCK);
        out.extend_from_slice(&self.block(&short));
    }

    fn block(&self, numbers: &[u64; 4]) -> Vec<u8> {
        let [uid, gid, size, modified] = numbers;
        let mut block = Vec::with_capacity(BLOCK);
        let text = |block: &mut Vec<u8>, text: &[u8], room: usize| {
            let end = block.len() + room;
            // What is not ASCII is a question mark here; it is right in what goes before.
            let plain = String::from_utf8_lossy(text);
            block.extend(plain.chars().map(|c| if c.is_ascii() { c as u8 } else { b'?' }).take(room));
            block.resize(end, 0);
        };
        let octal = |block: &mut Vec<u8>, value: u64, room: usize| {
            block.extend_from_slice(format!("{value:0width$o}\0", width = room - 1).as_bytes());
        };
        text(&mut block, &self.name, 100);
        octal(&mut block, u64::from(self.mode & 0o7777), 8);
        octal(&mut block, *uid, 8);
        octal(&mut block, *gid, 8);
        octal(&mut block, *size, 12);
        octal(&mut block, *modified, 12);
        block.extend_from_slice(b"        ");
        block.push(self.kind);
        text(&mut block, &self.link, 100);
        block.extend_from_slice(b"ustar\x0000");
        text(&mut block, &self.user, 32);
        text(&mut block, &self.group, 32);
        match self.device {
            Some((major, minor)) => {
                octal(&mut block, u64::from(major), 8);
                octal(&mut block, u64::from(minor), 8);
            }
            None => block.resize(block.len() + 16, 0),
        }
        block.resize(BLOCK, 0);
        let sum = format!("{:06o}\0", checksum(&block));
        for (slot, byte) in block.iter_mut().skip(148).zip(sum.bytes()) {
            *slot = byte;
        }
        block
    }
}

/// The sum of a header's bytes, with blanks where the sum itself stands.
fn checksum(block: &[u8]) -> u32 {
    let byte =
        |(at, byte): (usize, &u8)| if (148..156).contains(&at) { u32::from(b' ') } else { u32::from(*byte) };
    block.iter().enumerate().map(byte).sum()
}

/// What an archive has in it.
pub(super) fn read(from: &mut dyn Read) -> io::Result<Sums> {
    let wrong = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let mut sums = Sums::new();
    let mut name: Option<Vec<u8>> = None;
    let mut length: Option<u64> = None;
    let mut is_first = true;
    loop {
        let mut block = Vec::with_capacity(BLOCK);
        (&mut *from).take(BLOCK as u64).read_to_end(&mut block)?;
        if block.iter().all(|byte| *byte == 0) {
            return if is_first && block.is_empty() { Err(wrong("empty file")) } else { Ok(sums) };
        }
        is_first = false;
        let field = |start: usize, end: usize| block.get(start..end).unwrap_or_default();
        let text =
            |start: usize, end: usize| field(start, end).split(|byte| *byte == 0).next().unwrap_or_default();
        let octal = |start: usize, end: usize| -> Option<u64> {
            match field(start, end) {
                [first, rest @ ..] if first & 0x80 != 0 => {
                    let first = u64::from(first & 0x7f);
                    Some(rest.iter().fold(first, |number, byte| (number << 8) | u64::from(*byte)))
                }
                digits => {
                    let digits = std::str::from_utf8(digits).ok()?.trim_matches(['\0', ' ']);
                    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
                }
            }
        };
        let sum = octal(148, 156).filter(|sum| *sum == u64::from(checksum(&block)));
        let Some(sum) = sum.and_then(|sum| u32::try_from(sum).ok()).filter(|_| block.len() == BLOCK) else {
            return Err(wrong("bad checksum"));
        };
        let kind = field(156, 157).first().copied().unwrap_or(0);
        let size = length.take().or_else(|| octal(124, 136)).ok_or_else(|| wrong("bad size"))?;
        match kind {
            b'x' | b'L' => {
                let content = content(from, size)?;
                if kind == b'L' {
                    name = Some(content.split(|byte| *byte == 0).next().unwrap_or_default().to_vec());
                } else {
                    for (key, value) in records(&content) {
                        match key {
                            b"path" => name = Some(value.to_vec()),
                            b"size" => {
                                length = std::str::from_utf8(value).ok().and_then(|size| size.parse().ok())
                            }
                            _ => {}
                        }
                    }
                }
            }
            b'g' | b'K' => {
                content(from, size)?;
            }
            _ => {
                let short = || match text(345, 500) {
                    prefix if !prefix.is_empty() && field(257, 263) == b"ustar\0" => {
                        [prefix, b"/", text(0, 100)].concat()
                    }
                    _ => text(0, 100).to_vec(),
                };
                let mut name = name.take().unwrap_or_else(short);
                while name.ends_with(b"/") {
                    name.pop();
                }
                sums.insert((name, sum));
                // Links and devices have no content, whatever their header says.
                if matches!(kind, b'0' | 0 | b'7') {
                    let padded = size.next_multiple_of(BLOCK as u64);
                    if io::copy(&mut (&mut *from).take(padded), &mut io::sink())? < padded {
                        return Err(wrong("unexpected end of data"));
                    }
                }
            }
        }
    }
}

/// The content of a header that is there for the next one.
fn content(from: &mut dyn Read, size: u64) -> io::Result<Vec<u8>> {
    if size > 1 << 20 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a header that is too long"));
    }
    let mut content = Vec::new();
    from.take(size.next_multiple_of(BLOCK as u64)).read_to_end(&mut content)?;
    content.truncate(usize::try_from(size).unwrap_or(0));
    Ok(content)
}

/// `LENGTH KEY=VALUE` and a line's end, again and again.
fn records(mut content: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut out = Vec::new();
    while let Some(blank) = content.iter().position(|byte| *byte == b' ') {
        let digits = content.get(..blank).and_then(|digits| std::str::from_utf8(digits).ok());
        let Some(length) = digits.and_then(|digits| digits.parse::<usize>().ok()) else { break };
        let Some((record, rest)) = content.split_at_checked(length) else { break };
        let body = record.get(blank + 1..record.len().saturating_sub(1)).unwrap_or_default();
        if let Some(at) = body.iter().position(|byte| *byte == b'=') {
            let (key, value) = body.split_at(at);
            out.push((key, value.get(1..).unwrap_or_default()));
        }
        content = rest;
    }
    out
}
