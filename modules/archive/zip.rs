//! Zip archives.

use std::io::{self, Read, Write};
use std::path::Path;

use flate2::Crc;
use flate2::write::DeflateEncoder;
use shevek_kit::moment;
use shevek_kit::prelude::*;

use super::packing::{PIECE, Source};
use super::{Entry, Sums};

/// From this length on, numbers take eight bytes. Python leaves as much room.
const LONG: u64 = 0x7fff_ffff;

/// A member that was written, or is being written.
struct Member {
    name: Vec<u8>,
    /// Its date and time, as DOS has them.
    time: [u16; 2],
    mode: u32,
    is_folder: bool,
    offset: u64,
    sum: u32,
    packed: u64,
    size: u64,
}

/// A file that is being packed.
struct Open {
    file: Box<dyn Read + Send>,
    packer: DeflateEncoder<Vec<u8>>,
    sum: Crc,
    is_long: bool,
}

/// An archive of these.
pub(super) struct Zip<'a> {
    host: &'a Probe,
    entries: std::slice::Iter<'a, Entry>,
    members: Vec<Member>,
    open: Option<Open>,
    written: u64,
    is_over: bool,
}

impl<'a> Zip<'a> {
    pub(super) fn new(host: &'a Probe, entries: &'a [Entry]) -> Self {
        Zip { host, entries: entries.iter(), members: Vec::new(), open: None, written: 0, is_over: false }
    }

    /// What is in it, once all is written.
    pub(super) fn sums(self) -> Sums {
        self.members.into_iter().map(|member| (member.name, member.sum)).collect()
    }

    fn member(&self, entry: &Entry) -> io::Result<Member> {
        let at = moment::local(self.host, entry.stat.modified.system()).format("%Y %m %d %H %M %S");
        let parts: Vec<u16> = at.split(' ').filter_map(|part| part.parse().ok()).collect();
        let [year @ 1980..=2107, month, day, hour, minute, second] = *parts.as_slice() else {
            let message = "ZIP does not support timestamps before 1980";
            return Err(io::Error::other(format!("{}: {message}", entry.path.display())));
        };
        let time = [hour << 11 | minute << 5 | (second / 2), (year - 1980) << 9 | month << 5 | day];
        let is_folder = entry.stat.is_folder();
        let mut name = entry.name.clone();
        if is_folder {
            name.push(b'/');
        }
        let kind = if is_folder { 0o040_000 } else { 0o100_000 };
        let mode = kind | entry.stat.mode;
        Ok(Member { name, time, mode, is_folder, offset: self.written, sum: 0, packed: 0, size: 0 })
    }
}

/// Numbers as zip has them: the lowest byte first.
struct Bytes<'a>(&'a mut Vec<u8>);

impl Bytes<'_> {
    fn two(&mut self, values: &[u16]) {
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    fn four(&mut self, values: &[u32]) {
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    fn eight(&mut self, values: &[u64]) {
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }
}

fn low(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn count(value: usize) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

impl Member {
    /// The version needed, flags and the method.
    fn kind(&self, is_long: bool) -> [u16; 3] {
        // Sums and lengths of files come behind them; names are UTF-8 if they are not ASCII.
        let behind = if self.is_folder { 0 } else { 0x08 };
        let named = if self.name.is_ascii() { 0 } else { 0x800 };
        [if is_long { 45 } else { 20 }, behind | named, if self.is_folder { 0 } else { 8 }]
    }

    fn head(&self, is_long: bool, out: &mut Vec<u8>) {
        let mut bytes = Bytes(out);
        bytes.four(&[0x0403_4b50]);
        bytes.two(&self.kind(is_long));
        bytes.two(&self.time);
        let length = if is_long { u32::MAX } else { 0 };
        bytes.four(&[0, length, length]);
        bytes.two(&[count(self.name.len()), if is_long { 20 } else { 0 }]);
        bytes.0.extend_from_slice(&self.name);
        if is_long {
            bytes.two(&[1, 16]);
            bytes.eight(&[0, 0]);
        }
    }

    fn tail(&self, is_long: bool, out: &mut Vec<u8>) {
        let mut bytes = Bytes(out);
        bytes.four(&[0x0807_4b50, self.sum]);
        match is_long {
            true => bytes.eight(&[self.packed, self.size]),
            false => bytes.four(&[low(self.packed), low(self.size)]),
        }
    }

    fn listed(&self, out: &mut Vec<u8>) {
        let numbers = [self.size, self.packed, self.offset];
        let further: Vec<u64> = numbers.into_iter().filter(|number| *number >= u64::from(u32::MAX)).collect();
        let is_long = !further.is_empty();
        let mut bytes = Bytes(out);
        bytes.four(&[0x0201_4b50]);
        // Made on Unix.
        bytes.two(&[3 << 8 | if is_long { 45 } else { 20 }]);
        bytes.two(&self.kind(is_long));
        bytes.two(&self.time);
        bytes.four(&[self.sum, low(self.packed), low(self.size)]);
        let extra = if is_long { count(4 + 8 * further.len()) } else { 0 };
        bytes.two(&[count(self.name.len()), extra, 0, 0, 0]);
        bytes.four(&[self.mode << 16 | if self.is_folder { 0x10 } else { 0 }, low(self.offset)]);
        bytes.0.extend_from_slice(&self.name);
        if is_long {
            bytes.two(&[1, count(8 * further.len())]);
            bytes.eight(&further);
        }
    }
}

impl Zip<'_> {
    fn directory(&self, out: &mut Vec<u8>) {
        for member in &self.members {
            member.listed(out);
        }
        let (start, length, number) = (self.written, out.len() as u64, self.members.len());
        let mut bytes = Bytes(out);
        if number >= usize::from(u16::MAX) || start + length >= u64::from(u32::MAX) {
            let end = start + length;
            bytes.four(&[0x0606_4b50]);
            bytes.eight(&[44]);
            bytes.two(&[45, 45]);
            bytes.four(&[0, 0]);
            bytes.eight(&[number as u64, number as u64, length, start]);
            bytes.four(&[0x0706_4b50, 0]);
            bytes.eight(&[end]);
            bytes.four(&[1]);
        }
        bytes.four(&[0x0605_4b50]);
        bytes.two(&[0, 0, count(number), count(number)]);
        bytes.four(&[low(length), low(start)]);
        bytes.two(&[0]);
    }

    fn go_on(&mut self, mut open: Open, out: &mut Vec<u8>) -> io::Result<()> {
        let mut piece = Vec::with_capacity(PIECE);
        open.file.by_ref().take(PIECE as u64).read_to_end(&mut piece)?;
        let Some(member) = self.members.last_mut() else { return Ok(()) };
        member.size += piece.len() as u64;
        if piece.is_empty() {
            let mut rest = open.packer.finish()?;
            member.packed += rest.len() as u64;
            member.sum = open.sum.sum();
            out.append(&mut rest);
            member.tail(open.is_long, out);
            return Ok(());
        }
        open.sum.update(&piece);
        open.packer.write_all(&piece)?;
        member.packed += open.packer.get_ref().len() as u64;
        out.append(open.packer.get_mut());
        self.open = Some(open);
        Ok(())
    }
}

impl Source for Zip<'_> {
    fn more(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        if self.is_over {
            return Ok(false);
        }
        if let Some(open) = self.open.take() {
            self.go_on(open, out)?;
        } else if let Some(entry) = self.entries.next() {
            let member = self.member(entry)?;
            let is_long = !member.is_folder && entry.stat.size.saturating_mul(21) / 20 > LONG;
            member.head(is_long, out);
            if !member.is_folder {
                let file = self
                    .host
                    .open_seen(&entry.path, &entry.stat)
                    .map_err(|fault| io::Error::other(fault.message))?;
                let packer = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
                self.open = Some(Open { file, packer, sum: Crc::new(), is_long });
            }
            self.members.push(member);
        } else {
            self.directory(out);
            self.is_over = true;
        }
        self.written += out.len() as u64;
        Ok(true)
    }
}

/// What an archive has in it; `None` if it is none.
pub(super) fn read(host: &Probe, path: &Path) -> Option<Sums> {
    let (start, number) = directory(host, path)?;
    let mut file = host.open(path).ok()?;
    io::copy(&mut file.by_ref().take(start), &mut io::sink()).ok()?;
    let mut file = io::BufReader::new(file);
    let mut sums = Sums::new();
    for _ in 0..number {
        let mut head = [0; 46];
        file.read_exact(&mut head).ok()?;
        let at = |place: usize| -> Option<u16> { at_two(&head, place) };
        if at_four(&head, 0)? != 0x0201_4b50 {
            return None;
        }
        let mut name = vec![0; usize::from(at(28)?)];
        file.read_exact(&mut name).ok()?;
        let rest = u64::from(at(30)?) + u64::from(at(32)?);
        io::copy(&mut file.by_ref().take(rest), &mut io::sink()).ok()?;
        sums.insert((name, at_four(&head, 16)?));
    }
    Some(sums)
}

fn at_two(bytes: &[u8], place: usize) -> Option<u16> {
    bytes.get(place..place + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn at_four(bytes: &[u8], place: usize) -> Option<u32> {
    bytes.get(place..place + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn at_eight(bytes: &[u8], place: usize) -> Option<u64> {
    bytes.get(place..place + 8)?.try_into().ok().map(u64::from_le_bytes)
}

/// Where the list of members starts, and how long it is: the end of the archive says so.
fn directory(host: &Probe, path: &Path) -> Option<(u64, u64)> {
    // A remark of any length can stand at the end.
    let longest = usize::from(u16::MAX) + 22 + 76;
    let mut file = host.open(path).ok()?;
    let mut end = Vec::new();
    loop {
        let before = end.len();
        file.by_ref().take(PIECE as u64).read_to_end(&mut end).ok()?;
        if end.len() == before {
            break;
        }
        let extra = end.len().saturating_sub(2 * longest);
        end.drain(..extra);
    }
    let place = end.windows(4).rposition(|sign| sign == b"PK\x05\x06")?;
    let (number, start) = (at_two(&end, place + 10)?, at_four(&end, place + 16)?);
    if number < u16::MAX && start < u32::MAX {
        return Some((u64::from(start), u64::from(number)));
    }
    let place = end.windows(4).rposition(|sign| sign == b"PK\x06\x06")?;
    Some((at_eight(&end, place + 48)?, at_eight(&end, place + 32)?))
}
