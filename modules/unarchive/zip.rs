//! Zip archives, by `unzip` and `zipinfo`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

use shevek_kit::moment::Moment;
use shevek_kit::prelude::*;

use super::Archive;

/// One line of `zipinfo -T -s`: permissions, size, time and name.
struct Member<'a> {
    permissions: &'a str,
    size: u64,
    time: &'a str,
    name: &'a str,
}

impl<'a> Member<'a> {
    fn read(line: &'a str) -> Option<Member<'a>> {
        let mut rest = line;
        let mut next = || {
            rest = rest.trim_start();
            let (word, tail) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
            rest = tail;
            word
        };
        let permissions = next();
        let (_, _, size, _, _, time) = (next(), next(), next(), next(), next(), next());
        let name = rest.strip_prefix(' ').unwrap_or(rest);
        let is_member = matches!(permissions.len(), 7 | 8 | 10)
            && permissions.starts_with(['d', 'l', '-', '?'])
            && time.len() == 15
            && !name.is_empty();
        is_member.then_some(())?;
        Some(Member { permissions, size: size.parse().ok()?, time, name })
    }

    /// The bits that unzip gives it; archives made elsewhere say little.
    fn mode(&self, umask: u32) -> u32 {
        let bits = self.permissions.get(1..).unwrap_or_default();
        if bits.len() != 9 {
            let all = if self.name.ends_with('/') || bits.starts_with("rwx") { 0o777 } else { 0o666 };
            return all & !umask;
        }
        bits.bytes()
            .fold(0, |mode, bit| (mode << 1) | u32::from(matches!(bit, b'r' | b'w' | b'x' | b's' | b't')))
    }
}

impl Archive<'_> {
    fn wanted(&self, name: &str) -> bool {
        let fits =
            |patterns: &[String]| patterns.iter().any(|pattern| crate::pattern::matches(pattern, name));
        if self.args.include.is_empty() { !fits(&self.args.exclude) } else { fits(&self.args.include) }
    }

    fn program(&self, host: &Probe, name: &str) -> Result<()> {
        if host.which(name).is_some() {
            return Ok(());
        }
        Err(Fault::absent(format!(
            "Failed to find handler for \"{}\". Make sure the required command to extract the file is installed.\nUnable to \
             find required '{name}' binary in the path.",
            self.path.display()
        )))
    }

    pub(super) fn zip_files(&self, host: &Probe) -> Result<Vec<String>> {
        self.program(host, "unzip")?;
        self.program(host, "zipinfo")?;
        let out = host.ask(cmd("zipinfo").arg("-1").arg(self.path))?.out();
        Ok(out.lines().filter(|name| self.wanted(name)).map(str::to_owned).collect())
    }

    pub(super) fn zip_differences(&self, host: &Probe) -> Result<String> {
        let listed = host.ask(cmd("zipinfo").args(["-T", "-s"]).arg(self.path).any_rc())?.out();
        let sums = host.ask(cmd("unzip").arg("-v").arg(self.path).any_rc())?.out();
        let sums: HashMap<&str, u32> = sums.lines().filter_map(checksum).collect();
        let mut found = String::new();
        for member in listed.lines().filter_map(Member::read).filter(|member| self.wanted(member.name)) {
            if let Some(marks) = self.compare(&member, sums.get(member.name).copied(), host)? {
                let _ = writeln!(found, "{marks} {}", member.name);
            }
        }
        Ok(found)
    }

    /// How a member differs from the file, in the manner of rsync's itemized changes.
    fn compare(&self, member: &Member<'_>, sum: Option<u32>, host: &Probe) -> Result<Option<String>> {
        let kind = match member.permissions.as_bytes().first() {
            _ if member.name.ends_with('/') => 'd',
            Some(b'l') => 'L',
            _ => 'f',
        };
        let path = self.dest.join(member.name.trim_end_matches('/'));
        let Some(stat) = host.lstat(&path)? else { return Ok(Some(format!(">{kind}++++++.??"))) };
        let same_kind = match kind {
            'd' => stat.is_folder(),
            'L' => stat.is_link(),
            _ => stat.is_file(),
        };
        if !same_kind {
            return Ok(Some(format!("c{kind}++++++.??")));
        }
        let mut marks = ['.'; 7];
        if stat.is_file() {
            let time = Moment::parse(host, member.time, "%Y%m%d.%H%M%S").map(|time| Time::from(time).seconds);
            let is = stat.modified.seconds;
            match time {
                Some(time) if self.args.keep_newer && time < is => return Ok(None),
                Some(time) if time != is => marks[2] = 't',
                _ => {}
            }
            if member.size != stat.size {
                marks[1] = 's';
            }
            if sum.is_some_and(|sum| crc32(host, &path).is_ok_and(|is| is != sum)) {
                marks[0] = 'c';
            }
        }
        let given = &self.args.attributes;
        let identity = host.identity();
        if kind != 'L' {
            let wanted = match given.bits(Some(&stat), host)? {
                Some(mode) => mode,
                None => member.mode(identity.umask),
            };
            if wanted != stat.mode {
                marks[3] = 'p';
            }
        }
        if given.uid(host)?.unwrap_or(identity.uid) != stat.uid {
            marks[4] = 'o';
        }
        if given.gid(host)?.unwrap_or(identity.gid) != stat.gid {
            marks[5] = 'g';
        }
        let differs = marks.iter().any(|mark| *mark != '.');
        Ok(differs.then(|| format!(".{kind}{}??", marks.iter().collect::<String>())))
    }

    pub(super) fn unzip(&self) -> Command {
        let command = cmd("unzip").arg("-o").args(&self.args.extra_opts).arg(self.path);
        let excluded = (!self.args.exclude.is_empty()).then_some("-x");
        let command = command.args(excluded).args(&self.args.exclude).args(&self.args.include);
        command.arg("-d").arg(self.dest)
    }
}

/// Name and checksum of a line of `unzip -v`: length, method, size, ratio, date, time, sum, and two blanks before the name.
fn checksum(line: &str) -> Option<(&str, u32)> {
    let mut rest = line;
    let mut word = "";
    for _ in 0..7 {
        rest = rest.trim_start();
        (word, rest) = rest.split_at(rest.find(' ')?);
    }
    Some((rest.strip_prefix("  ")?, u32::from_str_radix(word, 16).ok()?))
}

/// The checksum that zip archives keep.
fn crc32(host: &Probe, path: &Path) -> Result<u32> {
    let mut file = host.open(path)?;
    let mut table = [0u32; 256];
    for (at, entry) in (0u32..).zip(table.iter_mut()) {
        *entry = (0..8).fold(at, |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 });
    }
    let (mut sum, mut buffer) = (u32::MAX, vec![0; 1 << 16]);
    loop {
        let n = file.read(&mut buffer).map_err(|e| Fault::io("could not read", path, &e))?;
        if n == 0 {
            return Ok(!sum);
        }
        for byte in buffer.iter().take(n) {
            let at = (sum ^ u32::from(*byte)) & 0xff;
            sum = table.get(at as usize).copied().unwrap_or(0) ^ (sum >> 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Unarchive;
    use super::*;

    const LISTED: &str = "Archive:  /a.zip\nZip file size: 170 bytes, number of entries: 1\n\
        -rw-r--r--  3.0 unx        3 tx stor 20231114.221320 a b.txt\n1 file, 3 bytes uncompressed\n";
    const SUMS: &str = "       3  Stored        3   0% 2023-11-14 22:13 352441c2  a b.txt\n";

    fn world() -> World {
        World::new()
            .program("unzip")
            .program("zipinfo")
            .folder("/opt")
            .file("/a.zip", b"PK\x03\x04".as_slice())
            .says("zipinfo -1 /a.zip", "a b.txt\n")
            .says("zipinfo -T -s /a.zip", LISTED)
            .says("unzip -v /a.zip", SUMS)
            .says("unzip -o*", "")
    }

    #[test]
    fn a_member_is_compared_by_time_size_and_sum() {
        let args = "{ src: /a.zip, dest: /opt, remote_src: yes }";
        let done = conform::<Unarchive>(args, world()).changed().gives("handler", "ZipArchive");
        done.ran(["unzip -o /a.zip -d /opt"]);
        conform::<Unarchive>(args, world().file("/opt/a b.txt", "abc")).unchanged().ran([]);
        let done = conform::<Unarchive>(args, world().file("/opt/a b.txt", "abd")).changed();
        assert_eq!(done.outcome().diff[0].prepared.as_deref(), Some(".fc......?? a b.txt\n"));
    }

    #[test]
    fn a_member_whose_name_ends_like_anothers_has_its_own_sum() {
        let other = SUMS.replace("352441c2", "00000001").replace("a b.txt", "b.txt");
        let listed = LISTED.replace("a b.txt", "b.txt");
        let world = world()
            .says("zipinfo -1 /a.zip", "a b.txt\nb.txt\n")
            .says("zipinfo -T -s /a.zip", &listed.replace("1 file,", &LISTED[LISTED.find("-rw").unwrap()..]))
            .says("unzip -v /a.zip", &format!("{SUMS}{other}"))
            .file("/opt/a b.txt", "abc")
            .file("/opt/b.txt", "abc");
        let done = conform::<Unarchive>("{ src: /a.zip, dest: /opt, remote_src: yes }", world).changed();
        assert_eq!(done.outcome().diff[0].prepared.as_deref(), Some(".fc......?? b.txt\n"));
        assert_eq!(
            checksum("       0  Stored        0   0% 2023-11-14 22:13 00000000  x/  y"),
            Some(("x/  y", 0))
        );
    }
}
