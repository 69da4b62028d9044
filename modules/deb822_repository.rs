//! Add and remove sources of packages for apt, as files of the deb822 format.
//!
//! ```yaml
//! - deb822_repository:
//!     name: debian
//!     types: deb
//!     uris: http://mirror.example.org/debian
//!     suites: stretch
//!     components: [main, contrib, non-free]
//! - deb822_repository: { name: debian, state: absent }
//! ```
use shevek_kit::http::{Request, UrlOptions};
use shevek_kit::prelude::*;

/// Arguments of `deb822_repository`.
#[derive(Args)]
#[module(procedure)]
pub struct Deb822Repository {
    /// Allow a source that was signed to lose its signature.
    allow_downgrade_to_insecure: Option<bool>,
    /// Allow a source without a signature.
    allow_insecure: Option<bool>,
    /// Allow signatures with weak algorithms.
    allow_weak: Option<bool>,
    /// Architectures whose packages are looked for.
    architectures: Option<Vec<String>>,
    /// Whether indexes are fetched by their hash.
    by_hash: Option<bool>,
    /// Whether the source's date is checked.
    check_date: Option<bool>,
    /// Whether the source's end of validity is checked.
    check_valid_until: Option<bool>,
    /// Parts of the distribution (`main`).
    components: Option<Vec<String>>,
    /// How many seconds a source may be ahead of the host's clock.
    date_max_future: Option<i64>,
    /// Whether the source is used.
    enabled: Option<bool>,
    /// The index's path.
    inrelease_path: Option<String>,
    /// Languages whose descriptions are fetched.
    languages: Option<Vec<String>>,
    /// What the source is called; its file's name is made of it.
    name: String,
    /// Whether differences between indexes are fetched.
    pdiffs: Option<bool>,
    /// The key: its text, an address, a path or a fingerprint.
    signed_by: Option<String>,
    /// Releases.
    suites: Option<Vec<String>>,
    /// Kinds of indexes to fetch.
    targets: Option<Vec<String>>,
    /// Trust the source without a signature.
    trusted: Option<bool>,
    /// Packages, their sources, or both.
    #[arg(default("deb"))]
    types: Vec<Type>,
    /// Addresses.
    uris: Option<Vec<String>>,
    /// Permissions of the file.
    #[arg(default = "0644")]
    mode: Permissions,
    /// Whether the source is there.
    #[arg(default = "present")]
    state: Presence,
}

/// Kinds of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Type {
    /// Packages.
    #[choice("deb")]
    Packages,
    /// Their sources.
    #[choice("deb-src")]
    Sources,
}

impl Procedure for Deb822Repository {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let slug = self.slug();
        let dest = format!("/etc/apt/sources.list.d/{slug}.sources");
        let key = |end: &str| format!("/etc/apt/keyrings/{slug}.{end}");
        if self.state == Presence::Absent {
            let mut changed = false;
            for path in [&dest, &key("asc"), &key("gpg")] {
                if host.exists(path) {
                    host.remove(path)?;
                    changed = true;
                }
            }
            let outcome = Outcome::ok().changed_if(changed).with("repo", Val::Null).with("dest", dest);
            return Ok(outcome.with("key_filename", key("gpg")));
        }
        let mut changed = false;
        let (signed_by, key_file) = match &self.signed_by {
            None => (None, None),
            Some(text) if host.exists(text) => (Some(text.clone()), Some(text.clone())),
            Some(url) if url.contains("://") && !url.contains('\n') => {
                let path = self.fetch_key(url, &slug, &mut changed, host)?;
                (Some(path.clone()), Some(path))
            }
            Some(text) => (Some(text.clone()), None),
        };
        let repo = self.text(signed_by);
        let now = host.read_if_there(&dest)?;
        if now.as_deref() != Some(repo.as_bytes()) {
            host.write_as(&dest, &mut repo.as_bytes(), &Commit::default())?;
            host.diff(text_diff(&dest, now.as_deref(), Some(repo.as_bytes())));
            changed = true;
        }
        let attributes = FileAttributes { mode: Some(self.mode.clone()), ..FileAttributes::default() };
        changed |= attributes.ensure(host, dest.as_ref(), &mut AttributeDiff::default())?;
        Ok(Outcome::ok()
            .changed_if(changed)
            .with("repo", repo)
            .with("dest", dest)
            .with("key_filename", key_file.map_or(Val::Null, Val::from)))
    }
}

impl Deb822Repository {
    /// The name as a part of a file's name.
    fn slug(&self) -> String {
        let mut slug = String::new();
        for c in self.name.to_lowercase().chars() {
            match c {
                '_' | ' ' | '\t' | '\n' if slug.ends_with('\u{0}') => {}
                '_' | ' ' | '\t' | '\n' => slug.push('\u{0}'),
                'a'..='z' | '0'..='9' | '-' => slug.push(c),
                _ => {}
            }
        }
        slug.replace('\u{0}', "-")
    }

    fn fetch_key(&self, url: &str, slug: &str, changed: &mut bool, host: &mut Host) -> Result<String> {
        let options = UrlOptions::default();
        let response = host.probe().http(&Request::new("GET", url, &options)).map_err(|fault| {
            let why = fault.message.strip_prefix("Request failed: ").unwrap_or(&fault.message);
            Fault::new(format!("Could not fetch signed_by key: {why}"))
        })?;
        if response.status >= 400 {
            fail!("Could not fetch signed_by key: HTTP Error {}: {}", response.status, response.reason);
        }
        let armored = response.body.windows(36).any(|part| part == b"-----BEGIN PGP PUBLIC KEY BLOCK-----");
        let path = format!("/etc/apt/keyrings/{slug}.{}", if armored { "asc" } else { "gpg" });
        if !host.exists("/etc/apt/keyrings") {
            host.mkdir("/etc/apt/keyrings", 0o755)?;
            *changed = true;
        }
        if host.read_if_there(&path)?.as_ref() != Some(&response.body) {
            host.write_as(&path, &mut &*response.body, &Commit { mode: Some(0o644), ..Commit::default() })?;
            *changed = true;
        } else if host.stat(&path)?.is_some_and(|stat| stat.mode != 0o644) {
            host.chmod(&path, 0o644)?;
            *changed = true;
        }
        Ok(path)
    }

    /// The file's text: one field a line, in the order of their options.
    fn text(&self, signed_by: Option<String>) -> String {
        let flag = |value: Option<bool>| value.map(|on| if on { "yes" } else { "no" }.to_owned());
        let list = |value: &Option<Vec<String>>| value.as_ref().map(|words| words.join(" "));
        let types: Vec<&str> =
            self.types.iter().map(|kind| if *kind == Type::Packages { "deb" } else { "deb-src" }).collect();
        let fields = [
            ("Allow-Downgrade-To-Insecure", flag(self.allow_downgrade_to_insecure)),
            ("Allow-Insecure", flag(self.allow_insecure)),
            ("Allow-Weak", flag(self.allow_weak)),
            ("Architectures", list(&self.architectures)),
            ("By-Hash", flag(self.by_hash)),
            ("Check-Date", flag(self.check_date)),
            ("Check-Valid-Until", flag(self.check_valid_until)),
            ("Components", list(&self.components)),
            ("Date-Max-Future", self.date_max_future.map(|seconds| seconds.to_string())),
            ("Enabled", flag(self.enabled)),
            ("Inrelease-Path", self.inrelease_path.clone()),
            ("Languages", list(&self.languages)),
            ("X-Repolib-Name", Some(self.name.clone())),
            ("Pdiffs", flag(self.pdiffs)),
            ("Signed-By", signed_by),
            ("Suites", list(&self.suites)),
            ("Targets", list(&self.targets)),
            ("Trusted", flag(self.trusted)),
            ("Types", Some(types.join(" "))),
            ("URIs", list(&self.uris)),
        ];
        let mut out = String::new();
        for (name, value) in fields {
            let Some(value) = value else { continue };
            out.push_str(name);
            out.push(':');
            if value.contains('\n') {
                for line in value.trim().lines() {
                    out.push_str("\n    ");
                    out.push_str(if line.trim().is_empty() { "." } else { line.trim() });
                }
            } else if !value.is_empty() {
                out.push(' ');
                out.push_str(&value);
            }
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shevek_kit::http::Response;

    const PATH: &str = "/etc/apt/sources.list.d/my-repo.sources";

    #[test]
    fn the_options_become_fields() {
        let args = "{ name: My Repo!, uris: http://h/debian, suites: [stable], components: [main, contrib], \
                    enabled: yes, signed_by: \"-----BEGIN\\n\\nabc\" }";
        let done =
            conform::<Deb822Repository>(args, World::new().folder("/etc/apt/sources.list.d")).changed();
        let text = "Components: main contrib\nEnabled: yes\nX-Repolib-Name: My Repo!\nSigned-By:\n    -----BEGIN\n    .\n    \
                    abc\nSuites: stable\nTypes: deb\nURIs: http://h/debian\n";
        let done = done.holds(PATH, text).gives("repo", text).gives("dest", PATH).then(args).unchanged();
        let gone = "{ name: my_repo, state: absent }";
        done.then(gone).changed().lacks(PATH).then(gone).unchanged();
    }

    #[test]
    fn a_key_is_fetched_from_its_address() {
        let world = World::new()
            .folder("/etc/apt/sources.list.d")
            .serves("GET http://h/key", Response::new(200, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"));
        let done = conform::<Deb822Repository>("{ name: a, signed_by: 'http://h/key' }", world).changed();
        let done = done.gives("key_filename", "/etc/apt/keyrings/a.asc");
        let done = done.holds("/etc/apt/keyrings/a.asc", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n");
        done.then("{ name: a, signed_by: 'http://h/key' }").unchanged();
    }
}
