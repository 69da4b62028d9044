//! Download files to a host.
//!
//! A file that is there already is only fetched again if the server has a newer one, or its checksum differs. What comes is
//! written to a temporary file as it comes, and takes the place of the old file when it is whole. The host needs no other
//! program for this, for http and for https.
//!
//! ```yaml
//! - get_url: { url: https://example.com/path/file.conf, dest: /etc/foo.conf, mode: '0440' }
//! - get_url:
//!     url: http://example.com/file.tar.gz
//!     dest: /opt/file.tar.gz
//!     checksum: sha256:http://example.com/sha256sum.txt
//! ```
use std::path::{Path, PathBuf};
use std::time::Duration;

use shevek_kit::Summing;
use shevek_kit::http::{self, Redirects, Request, Response, Stream, UrlOptions};
use shevek_kit::prelude::*;

/// Arguments of `get_url`.
#[derive(Args)]
#[module(procedure)]
pub struct GetUrl {
    /// The address: http or https.
    url: String,
    /// Where the file goes: a file or a folder.
    dest: PathBuf,
    /// Make a copy of a file that is replaced, with a time in its name.
    #[arg(default = false)]
    backup: bool,
    /// What the file must have: `algorithm:digest`, or `algorithm:` and the address of a list of digests.
    #[arg(default = "")]
    checksum: String,
    /// Seconds that the server may keep silent.
    #[arg(default = 10)]
    timeout: u32,
    /// Headers of the request.
    headers: Dict,
    /// A folder for what is being downloaded; it must be there.
    tmp_dest: Option<PathBuf>,
    /// The user's name.
    #[arg(alias = "username")]
    url_username: Option<String>,
    /// The user's password.
    #[arg(alias = "password")]
    url_password: Option<Secret>,
    /// Options of all modules that use HTTP.
    #[arg(flatten)]
    options: UrlOptions,
    /// Owner, mode and the like.
    #[arg(flatten)]
    attributes: FileAttributes,
}

impl Procedure for GetUrl {
    fn would(&self, host: &Probe) -> Result<Would> {
        let mut outcome = Outcome::ok().with("url", http::masked(&self.url)).with("dest", &self.dest);
        let wanted = self.wanted(host)?;
        let mut request = self.request("HEAD", &self.url);
        if !self.is_folder(host) && host.exists(&self.dest) {
            if let Some((algorithm, digest)) = &wanted {
                if !self.options.force && host.checksum(&self.dest, *algorithm)? == *digest {
                    // What is left are attributes, and those the plan can be given.
                    return Ok(Would::Rehearse);
                }
            } else if !self.options.force {
                self.unless_newer(host, &mut request)?;
            }
        }
        let response = self.fetched(host, &request)?;
        outcome.set("status_code", i64::from(response.status));
        if response.status != 304 {
            let dest = self.place(host, &response);
            self.check_folder(host, &dest)?;
            outcome.set("dest", &dest);
            outcome.changed = true;
        }
        outcome.set("msg", words(&response));
        Ok(Would::answer(outcome))
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let mut outcome = Outcome::ok()
            .with("checksum_dest", Val::Null)
            .with("checksum_src", Val::Null)
            .with("dest", &self.dest)
            .with("elapsed", 0)
            .with("url", http::masked(&self.url));
        let wanted = self.wanted(host)?;
        let mut request = self.request("GET", &self.url);
        if !self.is_folder(host) && host.exists(&self.dest) {
            if let Some((algorithm, digest)) = &wanted {
                if !self.options.force && host.checksum(&self.dest, *algorithm)? == *digest {
                    outcome.changed = self.ensure(host, &self.dest)?;
                    let more = if outcome.changed { " but file attributes changed" } else { "" };
                    return Ok(outcome.with("msg", format!("file already exists{more}")));
                }
            } else if !self.options.force {
                self.unless_newer(host, &mut request)?;
            }
        }
        if let Some(folder) = &self.tmp_dest {
            match host.stat(folder)? {
                Some(stat) if stat.is_folder() => {}
                Some(_) => fail!("{} is a file but should be a directory.", folder.display()),
                None => fail!("{} directory does not exist.", folder.display()),
            }
        }
        let start = host.now();
        let response = self.fetched(host, &request)?;
        outcome.set("elapsed", host.now().duration_since(start).unwrap_or_default().as_secs());
        // A file of the host has no status.
        let status =
            if http::scheme(&self.url) == "file" { Val::Null } else { i64::from(response.status).into() };
        outcome.set("status_code", status);
        outcome.set("msg", words(&response));
        if response.status == 304 {
            return Ok(outcome);
        }
        let dest = self.place(host, &response);
        outcome.set("dest", &dest);
        self.check_folder(host, &dest)?;
        let there = host.exists(&dest);
        let old = if there { Some(host.checksum(&dest, Algorithm::Sha1)?) } else { None };
        outcome.set("checksum_dest", old.clone());
        let further = wanted.iter().map(|(algorithm, _)| *algorithm);
        let further = further.filter(|a| ![Algorithm::Sha1, Algorithm::Md5].contains(a));
        let mut content = Summing::new(response.body, further.chain([Algorithm::Sha1, Algorithm::Md5]));
        let name = dest.file_name().unwrap_or_default();
        let beside = self.tmp_dest.as_ref().map_or_else(|| dest.clone(), |folder| folder.join(name));
        let staged = host.stage(&beside, &mut content).map_err(|fault| Fault {
            message: format!("failed to create temporary content file: {}", fault.message),
            ..fault
        })?;
        let (new, md5) = (content.end(Algorithm::Sha1), content.end(Algorithm::Md5));
        outcome.set("checksum_src", &new);
        if let Some((algorithm, digest)) = &wanted {
            let got = match algorithm {
                Algorithm::Sha1 => new.clone(),
                Algorithm::Md5 => md5.clone(),
                other => content.end(*other),
            };
            if got != *digest {
                host.discard(staged);
                let url = http::masked(&self.url);
                return Err(Fault::new(format!(
                    "The checksum for {url} did not match {digest}; it was {got}."
                ))
                .with("url", url)
                .with("dest", &dest)
                .with("checksum_src", new));
            }
        }
        if old.as_ref() == Some(&new) {
            host.discard(staged);
        } else {
            if self.backup && there {
                let backup = host.backup(&dest)?;
                outcome.set("backup_file", &backup);
            }
            let how = self.attributes.commit(host, &dest)?;
            host.commit(staged, &dest, &how)?;
            outcome.changed = true;
        }
        outcome.changed |= self.ensure(host, &dest)?;
        outcome.set("md5sum", md5);
        Ok(outcome)
    }
}

impl GetUrl {
    fn is_folder(&self, host: &Probe) -> bool {
        host.is_folder(&self.dest)
    }

    fn request(&self, method: &str, url: &str) -> Request {
        let mut request = Request::new(method, url, &self.options);
        request = request.login(self.url_username.as_deref(), self.url_password.as_ref());
        request.timeout = Duration::from_secs(u64::from(self.timeout));
        request.redirects = Redirects::Python;
        let text = shevek_kit::printed::python_str;
        request.headers = self.headers.iter().map(|(k, v)| (k.clone(), text(v))).collect();
        if self.options.force {
            request.headers.push(("Cache-Control".to_owned(), "no-cache".to_owned()));
        }
        request
    }

    fn unless_newer(&self, host: &Probe, request: &mut Request) -> Result<()> {
        if let Some(stat) = host.stat(&self.dest)? {
            request.headers.push(("If-Modified-Since".to_owned(), crate::uri::http_date(stat.modified)));
        }
        Ok(())
    }

    fn fetched(&self, host: &Probe, request: &Request) -> Result<Response<Stream>> {
        let url = http::masked(&request.url);
        let told = |mut fault: Fault| {
            fault.result.retain(|(key, _)| key != "status");
            fault.with("url", &url).with("dest", &self.dest)
        };
        let response = host.fetch(request).map_err(told)?;
        if !matches!(response.status, 200 | 304) {
            return Err(told(
                Fault::new("Request failed")
                    .with("status_code", i64::from(response.status))
                    .with("response", words(&response)),
            ));
        }
        Ok(response)
    }

    /// The digest that the file must have.
    fn wanted(&self, host: &Probe) -> Result<Option<(Algorithm, String)>> {
        if self.checksum.is_empty() {
            return Ok(None);
        }
        let Some((name, digest)) = self.checksum.split_once(':') else {
            fail!("The checksum parameter has to be in format <algorithm>:<checksum>");
        };
        let Some(algorithm) = Algorithm::named(&name.trim().to_lowercase()) else {
            fail!("Could not hash file '{}' with algorithm '{name}'", self.dest.display());
        };
        let digest = match http::scheme(digest).as_str() {
            "http" | "https" | "ftp" | "file" => {
                let response = self.fetched(host, &self.request("GET", digest))?.whole()?;
                let name = named(&self.url);
                let text = String::from_utf8_lossy(&response.body).into_owned();
                match listed(&text, name) {
                    Some(digest) => digest,
                    None => {
                        fail!("Unable to find a checksum for file '{name}' in '{}'", http::masked(digest))
                    }
                }
            }
            _ => digest.to_owned(),
        };
        let digest: String = digest.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
        if digest.is_empty() || !digest.chars().all(|c| c.is_ascii_hexdigit()) {
            fail!("The checksum format is invalid");
        }
        Ok(Some((algorithm, digest.to_lowercase())))
    }

    fn place<B>(&self, host: &Probe, response: &Response<B>) -> PathBuf {
        if !self.is_folder(host) {
            return self.dest.clone();
        }
        let of_url = || named(&response.url).to_owned();
        self.dest.join(response.proposed_name().unwrap_or_else(of_url))
    }

    fn check_folder(&self, host: &Probe, dest: &Path) -> Result<()> {
        let folder = dest.parent().unwrap_or(Path::new("/"));
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if host.exists(dest) {
            if !host.may(dest, Access::Write) {
                fail!("Destination {} is not writable", dest.display());
            }
        } else if !host.exists(folder) {
            let fault = Fault::absent(format!("Destination {} does not exist", folder.display()));
            return Err(fault.for_want_of_folder(dest));
        } else if !host.may(folder, Access::Write) {
            fail!("Destination {} is not writable", folder.display());
        }
        Ok(())
    }

    fn ensure(&self, host: &mut Host, dest: &Path) -> Result<bool> {
        self.attributes.ensure(host, dest, &mut AttributeDiff::of(dest))
    }
}

/// The name of the file that an address names.
fn named(url: &str) -> &str {
    match http::file_name(url) {
        "" | "." | ".." => "index.html",
        name => name,
    }
}

fn words<B>(response: &Response<B>) -> String {
    match response.status {
        200 => format!("OK ({} bytes)", response.get("content-length").unwrap_or("unknown")),
        status => format!("HTTP Error {status}: {}", response.reason),
    }
}

/// The digest of a file in a list as `sha256sum` or BSD's `sha256` print it, or one that is nothing but a digest.
fn listed(text: &str, name: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    if let [line] = lines.as_slice()
        && line.split_whitespace().count() == 1
    {
        return Some(line.trim().to_owned());
    }
    lines.iter().find_map(|line| {
        if let Some((head, digest)) = line.rsplit_once('=')
            && let Some((_, path)) = head.trim_end().strip_suffix(')').and_then(|h| h.split_once('('))
        {
            return (path == name).then(|| digest.trim().to_owned());
        }
        let (digest, path) = line.split_once(char::is_whitespace)?;
        let path = path.trim_start().trim_start_matches('*').trim_start_matches(['.', '/']);
        (path == name).then(|| digest.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1";

    fn world() -> World {
        World::new()
            .serves("HEAD http://h/f.txt", Response::new(200, ""))
            .serves("GET http://h/f.txt", Response::new(200, "text").header("Content-Length", "4"))
    }

    #[test]
    fn a_file_is_downloaded_to_a_folder() {
        let done =
            conform::<GetUrl>("{ url: 'http://h/f.txt', dest: /tmp, mode: '0600' }", world()).changed();
        done.gives("dest", "/tmp/f.txt")
            .gives("msg", "OK (4 bytes)")
            .gives("mode", "0600")
            .holds("/tmp/f.txt", "text");
    }

    #[test]
    fn a_file_that_the_server_has_no_newer_of_is_left() {
        let world = World::new().file("/tmp/f", "old").serves("*", Response::new(304, ""));
        conform::<GetUrl>("{ url: 'http://h/f', dest: /tmp/f }", world)
            .unchanged()
            .gives("status_code", 304)
            .holds("/tmp/f", "old");
    }

    #[test]
    fn a_checksum_saves_the_download_and_guards_it() {
        let args = format!("{{ url: 'http://h/f.txt', dest: /tmp/f, checksum: 'sha256:{SHA256}' }}");
        conform::<GetUrl>(&args, World::new().file("/tmp/f", "text"))
            .unchanged()
            .gives("msg", "file already exists");
        conform::<GetUrl>(&args, world()).changed().holds("/tmp/f", "text");
        let args = "{ url: 'http://h/f.txt', dest: /tmp/f, checksum: 'sha1:abcd' }";
        conform_apart::<GetUrl>(args, world()).failed("did not match abcd").lacks("/tmp/f");
    }

    #[test]
    fn a_checksum_is_looked_up_in_a_list() {
        let list = format!("00  other\n{SHA256}  ./f.txt\n");
        let world = world().serves("GET http://h/sums", Response::new(200, list));
        let args = "{ url: 'http://h/f.txt', dest: /tmp/f, checksum: 'sha256:http://h/sums' }";
        conform::<GetUrl>(args, world).changed().holds("/tmp/f", "text");
        assert_eq!(listed("SHA256 (f) = ab\n", "f").as_deref(), Some("ab"));
        assert_eq!(listed("ab\n", "f").as_deref(), Some("ab"));
    }

    #[test]
    fn a_server_that_refuses_is_a_failure() {
        let world = World::new().serves("*", Response::new(404, ""));
        conform::<GetUrl>("{ url: 'http://h/f', dest: /tmp/f }", world)
            .failed("Request failed")
            .gives("status_code", 404)
            .gives("response", "HTTP Error 404: Not Found");
    }
}
