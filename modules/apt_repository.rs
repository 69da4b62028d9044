//! Add and remove sources of packages for apt, as lines of `sources.list`.
//!
//! ```yaml
//! - apt_repository: { repo: deb http://archive.canonical.com/ubuntu hardy partner, state: present, filename: google-chrome }
//! - apt_repository: { repo: 'ppa:nginx/stable', codename: trusty }
//! - apt_repository: { repo: deb http://archive.canonical.com/ubuntu hardy partner, state: absent }
//! ```
use std::path::{Path, PathBuf};

use shevek_kit::http::{Request, UrlOptions};
use shevek_kit::lossless;
use shevek_kit::prelude::*;

/// Arguments of `apt_repository`.
#[derive(Args)]
#[module(procedure)]
pub struct AptRepository {
    /// The line, or `ppa:owner/name`.
    repo: String,
    /// Whether it is there.
    #[arg(default = "present")]
    state: Presence,
    /// Permissions of a file that is made.
    mode: Option<Permissions>,
    /// Fetch the lists of packages after a change.
    #[arg(default = true, alias = "update-cache")]
    update_cache: bool,
    /// How often that is tried.
    #[arg(default = 5)]
    update_cache_retries: u32,
    /// Longest pause between tries, in seconds.
    #[arg(default = 12)]
    update_cache_retry_max_delay: u64,
    /// The file's name in `sources.list.d`; left out: one is made of the address.
    filename: Option<String>,
    /// Accepted; nothing is needed here.
    #[arg(default = true)]
    #[expect(dead_code, reason = "accepted, of no consequence")]
    install_python_apt: bool,
    /// Whether Launchpad's certificate is checked.
    #[arg(default = true)]
    validate_certs: bool,
    /// The release's name for a `ppa`, instead of the host's own.
    codename: Option<String>,
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    valid: bool,
    enabled: bool,
    source: String,
    comment: String,
}

impl Line {
    fn read(line: &str) -> Line {
        let line = line.trim();
        let (enabled, line) = line.strip_prefix('#').map_or((true, line), |rest| (false, rest));
        let (source, comment) = match line.find('#') {
            Some(at) if at > 0 => {
                (line.get(..at).unwrap_or_default(), line.get(at + 1..).unwrap_or_default())
            }
            _ => (line, ""),
        };
        let words: Vec<&str> = source.split_whitespace().collect();
        let valid = matches!(words.first(), Some(&("deb" | "deb-src" | "rpm" | "rpm-src")));
        let source = if valid { words.join(" ") } else { source.trim().to_owned() };
        Line { valid, enabled, source, comment: comment.trim().to_owned() }
    }

    fn write(&self, out: &mut String) {
        if !self.enabled {
            out.push_str("# ");
        }
        out.push_str(&self.source);
        if !self.comment.is_empty() {
            out.push_str(" # ");
            out.push_str(&self.comment);
        }
        out.push('\n');
    }
}

/// A list: its file, and what it says.
type List = (PathBuf, Vec<Line>);

/// A file as it was.
type Kept = (Stat, Vec<u8>);

const FOLDER: &str = "/etc/apt/sources.list.d";

fn lists(host: &Probe) -> Result<Vec<List>> {
    let mut paths = vec![PathBuf::from("/etc/apt/sources.list")];
    if host.is_folder(FOLDER) {
        paths.extend(host.list(FOLDER)?.into_iter().map(|name| Path::new(FOLDER).join(name)));
    }
    let mut lists = Vec::new();
    for path in paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "list")) {
        if host.stat(&path)?.is_some_and(|stat| stat.is_file()) {
            let text = host.read_lossless(&path)?;
            lists.push((path, text.lines().map(Line::read).collect()));
        }
    }
    Ok(lists)
}

fn text(lines: &[Line]) -> String {
    let mut out = String::new();
    lines.iter().for_each(|line| line.write(&mut out));
    out
}

impl Procedure for AptRepository {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        if self.repo.is_empty() {
            fail!("Please set argument 'repo' to a non-empty value");
        }
        let before = lists(host)?;
        let mut after = before.clone();
        let ppa = self.ppa(host)?;
        let wanted = match &ppa {
            Some(ppa) => ppa.line.clone(),
            None => {
                let line = Line::read(&self.repo);
                if !line.valid || !line.enabled {
                    fail!("Invalid repository string: {}", self.repo);
                }
                line.source
            }
        };
        let is_active = |line: &Line| line.valid && line.enabled && line.source == wanted;
        if self.state == Presence::Absent {
            after.iter_mut().for_each(|(_, lines)| lines.retain(|line| !is_active(line)));
        } else {
            if let Some(ppa) = &ppa
                && !before.iter().any(|(_, lines)| lines.iter().any(is_active))
            {
                self.sign(ppa, host)?;
            }
            self.add(&wanted, ppa.as_ref(), &mut after);
        }
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        // What is changed, as it was.
        let mut touched: Vec<(PathBuf, Option<Kept>)> = Vec::new();
        for (path, lines) in &after {
            let old = before.iter().find(|(known, _)| known == path).map(|(_, lines)| text(lines));
            let new = Some(text(lines)).filter(|text| !text.is_empty());
            // An empty list that was empty before stays.
            if old == new || (new.is_none() && old.as_deref() == Some("")) {
                continue;
            }
            let name = path.display().to_string();
            // Differs from Ansible: the difference is in the result only when differences are asked for.
            let bytes = |text: &Option<String>| text.as_deref().map(lossless::bytes);
            host.diff(text_diff(&name, bytes(&old).as_deref(), bytes(&new).as_deref()));
            let was = match host.stat(path)? {
                Some(stat) => Some((stat, host.read(path)?)),
                None => None,
            };
            touched.push((path.clone(), was));
            match (&old, &new) {
                (None, _) => added.push(name),
                (Some(_), None) => removed.push(name),
                _ => {}
            }
            self.save(path, old.is_none(), new.as_deref(), host)?;
        }
        let changed = !touched.is_empty();
        if changed && self.update_cache {
            let retries = (self.update_cache_retries, self.update_cache_retry_max_delay);
            if let Err(fault) = crate::apt::fetch_lists(retries, 60, host) {
                for (path, was) in touched {
                    match was {
                        Some((stat, content)) => {
                            let (mode, uid, gid) = (Some(stat.mode), Some(stat.uid), Some(stat.gid));
                            let how = Commit { mode, uid, gid, ..Commit::default() };
                            host.write_as(followed(host, &path, Links::Follow), &mut &*content, &how)?;
                        }
                        None => host.remove(path)?,
                    }
                }
                return Err(fault);
            }
        }
        Ok(Outcome::ok()
            .changed_if(changed)
            .with("repo", &self.repo)
            .with("sources_added", added)
            .with("sources_removed", removed)
            .with("state", self.state))
    }
}

/// A personal package archive of Launchpad.
struct Ppa {
    owner: String,
    name: String,
    codename: String,
    line: String,
}

impl AptRepository {
    fn ppa(&self, host: &Probe) -> Result<Option<Ppa>> {
        let Some(ppa) = self.repo.strip_prefix("ppa:") else { return Ok(None) };
        let (owner, name) = ppa.split_once('/').unwrap_or((ppa, "ppa"));
        let codename = match &self.codename {
            Some(codename) => codename.clone(),
            None => {
                let text = host.read_if_there("/etc/os-release")?.unwrap_or_default();
                let text = String::from_utf8_lossy(&text);
                let line = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
                line.unwrap_or_default().trim_matches('"').to_owned()
            }
        };
        let line = format!("deb https://ppa.launchpadcontent.net/{owner}/{name}/ubuntu {codename} main");
        Ok(Some(Ppa { owner: owner.to_owned(), name: name.to_owned(), codename, line }))
    }

    /// Brings a `ppa`'s key among those that apt trusts.
    fn sign(&self, ppa: &Ppa, host: &mut Host) -> Result<()> {
        let url = format!("https://api.launchpad.net/1.0/~{}/+archive/{}", ppa.owner, ppa.name);
        let options = UrlOptions { validate_certs: self.validate_certs, ..UrlOptions::default() };
        let mut request = Request::new("GET", &url, &options);
        request.headers.push(("Accept".to_owned(), "application/json".to_owned()));
        let response = host.probe().http(&request).map_err(|fault| Fault {
            message: format!("failed to fetch PPA information, error was: {}", fault.message),
            ..fault
        })?;
        if response.status != 200 {
            fail!(
                "failed to fetch PPA information, error was: HTTP Error {}: {}",
                response.status,
                response.reason
            );
        }
        let told = shevek_kit::json::read(&String::from_utf8_lossy(&response.body));
        let told = told.map_err(|why| Fault::new(format!("failed to fetch PPA information: {why}")))?;
        let Some(key) = told.get("signing_key_fingerprint").and_then(Val::as_str) else {
            fail!("failed to fetch PPA information: it names no key");
        };
        let server = ["--keyserver", "hkp://keyserver.ubuntu.com:80"];
        if host.which("apt-key").is_some() {
            let command = cmd("apt-key").args(["adv", "--recv-keys", "--no-tty"]).args(server).arg(key);
            return host.run(command.does(Effect::Nothing)).map(drop);
        }
        host.need("gpg")?;
        let folders = ["/etc/apt/keyrings", "/etc/apt/trusted.gpg.d", "/usr/share/keyrings"];
        let Some(folder) = folders.into_iter().find(|folder| host.is_folder(folder)) else {
            fail!(
                "Unable to find any existing apt gpgp repo directories, tried the following: {}",
                folders.join(", ")
            );
        };
        let path = format!("{folder}/{}-{}.gpg", ppa.owner, ppa.name);
        let ran =
            host.run(cmd("gpg").arg("--no-tty").args(server).args(["--export", key]).does(Effect::Nothing))?;
        if ran.stdout.is_empty() && !host.rehearsing() {
            fail!("Unable to get required signing key");
        }
        host.write(path, ran.stdout)
    }

    /// The file of a new source.
    fn file(&self, source: &str, ppa: Option<&Ppa>) -> PathBuf {
        let name = match (&self.filename, ppa) {
            (Some(name), _) => name.clone(),
            (None, Some(ppa)) => format!("ppa_{}_{}_{}", ppa.owner, ppa.name, ppa.codename),
            (None, None) => {
                let mut rest = source;
                // Options are no part of the address.
                let bare;
                if let (Some(open), Some(close)) = (source.find('['), source.find(']')) {
                    bare = format!(
                        "{}{}",
                        source.get(..open).unwrap_or_default(),
                        source.get(close + 1..).unwrap_or_default()
                    );
                    rest = &bare;
                }
                let address = rest.split_whitespace().nth(1).unwrap_or_default();
                let address = address.split_once("://").map_or(address, |(_, rest)| rest);
                let address = address.split_once('@').map_or(address, |(_, rest)| rest);
                let words = address.split(|c: char| !c.is_ascii_alphanumeric());
                words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
            }
        };
        let name = format!("{name}.list");
        if name.contains('/') { PathBuf::from(name) } else { Path::new(FOLDER).join(name) }
    }

    fn add(&self, source: &str, ppa: Option<&Ppa>, lists: &mut Vec<List>) {
        let mut found = false;
        for line in lists.iter_mut().flat_map(|(_, lines)| lines) {
            if line.valid && line.source == source {
                line.enabled = true;
                found = true;
            }
        }
        if found {
            return;
        }
        let path = self.file(source, ppa);
        let new = Line { valid: true, enabled: true, source: source.to_owned(), comment: String::new() };
        match lists.iter_mut().find(|(known, _)| *known == path) {
            Some((_, lines)) => lines.push(new),
            None => lists.push((path, vec![new])),
        }
    }

    fn save(&self, path: &Path, is_new: bool, text: Option<&str>, host: &mut Host) -> Result<()> {
        let Some(text) = text else { return host.remove(path) };
        let path = followed(host, path, Links::Follow);
        if let Some(folder) = path.parent()
            && !host.exists(folder)
        {
            host.mkdir(folder, 0o755)?;
        }
        let mode = self.mode.clone().unwrap_or(Permissions::Number(0o644));
        let attributes = FileAttributes { mode: Some(mode).filter(|_| is_new), ..FileAttributes::default() };
        let how = attributes.commit(host, &path)?;
        host.write_as(&path, &mut &*lossless::bytes(text), &how)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "/etc/apt/sources.list";

    fn world() -> World {
        World::new()
            .program("apt-get")
            .folder(FOLDER)
            .file(LIST, "deb http://h/debian stable main # own\n# deb http://h/old  stable main\n# words\n")
            .says("apt-get update*", "")
    }

    #[test]
    fn a_source_gets_a_file_named_by_its_address() {
        let args = "{ repo: 'deb [arch=amd64] https://u:p@dl.example.com/linux/apt  stable main' }";
        let done = conform::<AptRepository>(args, world()).changed();
        let path = "/etc/apt/sources.list.d/dl_example_com_linux_apt.list";
        let done = done.holds(path, "deb [arch=amd64] https://u:p@dl.example.com/linux/apt stable main\n");
        let done =
            done.gives("sources_added", vec![path]).ran(["apt-get update -q -o DPkg::Lock::Timeout=60"]);
        let done = done.then(args).unchanged();
        let args =
            "{ repo: 'deb [arch=amd64] https://u:p@dl.example.com/linux/apt stable main', state: absent }";
        done.then(args).changed().lacks(path).gives("sources_removed", vec![path]).then(args).unchanged();
    }

    #[test]
    fn a_source_that_was_switched_off_is_switched_on() {
        let args = "{ repo: 'deb http://h/old stable main', update_cache: no }";
        let done = conform::<AptRepository>(args, world()).changed().ran([]);
        done.holds(
            LIST,
            "deb http://h/debian stable main # own\ndeb http://h/old stable main\n#  words\n"
                .replace("#  words", "# words")
                .as_str(),
        );
    }

    #[test]
    fn what_cannot_be_fetched_is_taken_back() {
        let world = world().answers("apt-get update*", Ran::failed(100, "E: no\n"));
        let args = "{ repo: 'deb http://x/y z main', update_cache_retries: 1, filename: x }";
        conform_apart::<AptRepository>(args, world)
            .failed("Failed to update apt cache")
            .lacks("/etc/apt/sources.list.d/x.list");
        let odd = b"deb  http://h/debian   stable main\n\n#  words, gr\xfcn\n".as_slice();
        let other = "/etc/apt/sources.list.d/x.list";
        let world = self::world()
            .answers("apt-get update*", Ran::failed(100, "E: no\n"))
            .file(LIST, odd)
            .file(other, odd);
        let before = world.probe().stat(LIST).unwrap().unwrap().ino;
        let done = conform_apart::<AptRepository>(args, world).failed("Failed to update apt cache");
        assert_eq!(done.probe().read(other).unwrap(), odd);
        assert_eq!(done.probe().read(LIST).unwrap(), odd);
        assert_eq!(done.probe().stat(LIST).unwrap().unwrap().ino, before, "nobody touched it");
        conform::<AptRepository>("{ repo: 'http://x' }", self::world())
            .failed("Invalid repository string: http://x");
    }
}
