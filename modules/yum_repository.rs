//! Add and remove repositories of yum and dnf.
//!
//! ```yaml
//! - yum_repository: { name: epel, description: EPEL YUM repo, baseurl: 'https://download.fedoraproject.org/pub/epel/$releasever/$basearch/' }
//! - yum_repository: { name: epel, file: external_repos, state: absent }
//! ```
use std::path::PathBuf;

use shevek_kit::lossless;
use shevek_kit::prelude::*;

/// Arguments of `yum_repository`.
#[derive(Args)]
#[module(procedure)]
pub struct YumRepository {
    /// Megabytes a second that may be used, or a part of what there is.
    bandwidth: Option<String>,
    /// Addresses.
    baseurl: Vec<String>,
    /// How much is spent to fetch from here.
    cost: Option<String>,
    /// Whether differences of metadata are used.
    countme: Option<bool>,
    /// Least part of a package that a difference saves, in percent.
    deltarpm_percentage: Option<String>,
    /// The same for metadata.
    deltarpm_metadata_percentage: Option<String>,
    /// What the repository is called.
    description: Option<String>,
    /// Whether groups of packages are used.
    enablegroups: Option<bool>,
    /// Whether it is used.
    enabled: Option<bool>,
    /// Packages that are not taken from here.
    #[arg(alias = "excludepkgs")]
    exclude: Vec<String>,
    /// How mirrors are chosen.
    failovermethod: Option<Failover>,
    /// The file's name, without `.repo`; left out: the repository's.
    file: Option<String>,
    /// A key to check the others with.
    gpgcakey: Option<String>,
    /// Whether signatures of packages are checked.
    gpgcheck: Option<bool>,
    /// Keys.
    gpgkey: Vec<String>,
    /// Whether packages count that modules hide.
    module_hotfixes: Option<bool>,
    /// Which headers are fetched.
    http_caching: Option<Caching>,
    /// A file to read, too.
    include: Option<String>,
    /// Packages that are taken from here.
    includepkgs: Vec<String>,
    /// How addresses are resolved.
    ip_resolve: Option<Resolve>,
    /// Whether connections are kept open.
    keepalive: Option<bool>,
    /// What is kept of fetched packages.
    keepcache: Option<Keep>,
    /// Seconds for which metadata is good.
    metadata_expire: Option<String>,
    /// When its age counts.
    metadata_expire_filter: Option<Filter>,
    /// A list of mirrors with checksums.
    metalink: Option<String>,
    /// A list of mirrors.
    mirrorlist: Option<String>,
    /// Seconds for which that is good.
    mirrorlist_expire: Option<String>,
    /// The repository.
    name: String,
    /// The password.
    password: Option<Secret>,
    /// Its rank among repositories.
    priority: Option<String>,
    /// Whether packages of others are protected from its.
    protect: Option<bool>,
    /// The proxy.
    proxy: Option<String>,
    /// The proxy's password.
    proxy_password: Option<Secret>,
    /// Who one is to the proxy.
    proxy_username: Option<String>,
    /// Whether signatures of metadata are checked.
    repo_gpgcheck: Option<bool>,
    /// The folder of `.repo` files.
    #[arg(default = "/etc/yum.repos.d")]
    reposdir: PathBuf,
    /// How often is tried.
    retries: Option<String>,
    /// Whether Amazon's S3 is asked.
    s3_enabled: Option<bool>,
    /// Whether it may be missing.
    skip_if_unavailable: Option<bool>,
    /// Whether certificates are checked when metadata is fetched.
    ssl_check_cert_permissions: Option<bool>,
    /// Certificates to trust.
    #[arg(alias = "ca_cert")]
    sslcacert: Option<String>,
    /// The client's certificate.
    #[arg(alias = "client_cert")]
    sslclientcert: Option<String>,
    /// The client's key.
    #[arg(alias = "client_key")]
    sslclientkey: Option<String>,
    /// Whether the server's certificate is checked.
    #[arg(alias = "validate_certs")]
    sslverify: Option<bool>,
    /// Whether it is there.
    #[arg(default = "present")]
    state: Presence,
    /// Megabytes a second that may be used.
    throttle: Option<String>,
    /// Seconds that a connection may keep silent.
    timeout: Option<String>,
    /// What a package's origin is called.
    ui_repoid_vars: Option<String>,
    /// Who one is.
    username: Option<String>,
    /// Accepted; nothing happens asynchronously here.
    #[arg(name = "async")]
    asynchronous: Option<bool>,
    /// Owner, mode and the like of the file.
    #[arg(flatten)]
    attributes: FileAttributes,
}

/// How mirrors are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Failover {
    /// At random.
    Roundrobin,
    /// In order.
    Priority,
}

/// What may be cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Caching {
    /// Everything.
    All,
    /// Packages.
    Packages,
    /// Nothing.
    None,
}

/// How addresses are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Resolve {
    /// IPv4.
    #[choice("4")]
    Four,
    /// IPv6.
    #[choice("6")]
    Six,
    /// IPv4.
    #[choice("IPv4")]
    V4,
    /// IPv6.
    #[choice("IPv6")]
    V6,
    /// Either.
    #[choice("whatever")]
    Whatever,
}

/// Whether fetched packages are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Keep {
    /// No.
    #[choice("0")]
    No,
    /// Yes.
    #[choice("1")]
    Yes,
}

/// When the age of metadata counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Filter {
    /// Never.
    #[choice("never")]
    Never,
    /// Not for the past.
    #[choice("read-only:past")]
    Past,
    /// Not for the present.
    #[choice("read-only:present")]
    Present,
    /// Not for the future.
    #[choice("read-only:future")]
    Future,
}

impl Procedure for YumRepository {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let present = self.state == Presence::Present;
        if present {
            if self.baseurl.is_empty() && self.metalink.is_none() && self.mirrorlist.is_none() {
                fail!("Parameter 'baseurl', 'metalink' or 'mirrorlist' is required.");
            }
            if self.description.is_none() {
                fail!("Parameter 'description' is required.");
            }
        }
        if !host.is_folder(&self.reposdir) {
            return Err(Fault::absent(format!(
                "Repo directory '{}' does not exist.",
                self.reposdir.display()
            )));
        }
        let name = self.file.as_ref().unwrap_or(&self.name);
        let path = self.reposdir.join(format!("{name}.repo"));
        let before = host.read_if_there(&path)?;
        let mut sections = sections(&lossless::text(before.as_deref().unwrap_or_default()));
        let now = sections.iter().position(|(known, _)| *known == self.name);
        let entries = self.entries();
        let changed = match (present, now) {
            (false, None) => false,
            (false, Some(at)) => {
                sections.remove(at);
                true
            }
            (true, None) => {
                sections.push((self.name.clone(), entries));
                true
            }
            (true, Some(at)) => {
                let mut new = (self.name.clone(), entries);
                let changed = sections.get(at) != Some(&new);
                if let Some(known) = sections.get_mut(at) {
                    std::mem::swap(known, &mut new);
                }
                changed
            }
        };
        let mut outcome = Outcome::ok().with("repo", &self.name).with("state", self.state);
        if changed {
            sections.sort();
            let mut after = String::new();
            for (name, entries) in &sections {
                after.push_str(&format!("[{name}]\n"));
                entries.iter().for_each(|(key, value)| after.push_str(&format!("{key} = {value}\n")));
                after.push('\n');
            }
            let after = lossless::bytes(&after);
            let shown = path.display().to_string();
            let new = (!sections.is_empty()).then_some(&*after);
            let (from, to) = (before.as_deref().unwrap_or_default(), new.unwrap_or_default());
            host.diff(text_diff(&shown, Some(from), Some(to)));
            match new {
                // There may be a password in it: it is never seen with another mode than the one asked for.
                Some(mut new) => {
                    let how = self.attributes.commit(host, &path)?;
                    host.write_as(&path, &mut new, &how)?;
                }
                None => host.remove(&path)?,
            }
        }
        let mut diff = AttributeDiff::default();
        let attributes = host.exists(&path) && self.attributes.ensure(host, &path, &mut diff)?;
        outcome.changed = changed || attributes;
        Ok(outcome)
    }
}

/// An INI file: sections, and the options of each; lines that go on are joined with newlines.
fn sections(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut sections: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in text.lines() {
        let is_more = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push((name.to_owned(), Vec::new()));
        } else if let Some((_, entries)) = sections.last_mut() {
            match (is_more, entries.last_mut(), line.split_once(['=', ':'])) {
                (true, Some((_, value)), _) => value.push_str(&format!("\n\t{line}")),
                (_, _, Some((key, value))) => {
                    entries.push((key.trim().to_lowercase(), value.trim().to_owned()))
                }
                _ => entries.push((line.to_owned(), String::new())),
            }
        }
    }
    sections
}

impl YumRepository {
    /// The options, sorted by name, as the file has them.
    fn entries(&self) -> Vec<(String, String)> {
        let text = |value: &Option<String>| value.clone();
        let flag = |value: Option<bool>| value.map(|on| if on { "1" } else { "0" }.to_owned());
        let secret = |value: &Option<Secret>| value.as_ref().map(|secret| secret.reveal().to_owned());
        let list = |values: &[String], between: &str| (!values.is_empty()).then(|| values.join(between));
        let all = [
            ("async", flag(self.asynchronous)),
            ("bandwidth", text(&self.bandwidth)),
            ("baseurl", list(&self.baseurl, "\n\t")),
            ("cost", text(&self.cost)),
            ("countme", flag(self.countme)),
            ("deltarpm_metadata_percentage", text(&self.deltarpm_metadata_percentage)),
            ("deltarpm_percentage", text(&self.deltarpm_percentage)),
            ("enabled", flag(self.enabled)),
            ("enablegroups", flag(self.enablegroups)),
            ("exclude", list(&self.exclude, " ")),
            ("failovermethod", self.failovermethod.map(|c| c.word().to_owned())),
            ("gpgcakey", text(&self.gpgcakey)),
            ("gpgcheck", flag(self.gpgcheck)),
            ("gpgkey", list(&self.gpgkey, "\n\t")),
            ("http_caching", self.http_caching.map(|c| c.word().to_owned())),
            ("include", text(&self.include)),
            ("includepkgs", list(&self.includepkgs, " ")),
            ("ip_resolve", self.ip_resolve.map(|c| c.word().to_owned())),
            ("keepalive", flag(self.keepalive)),
            ("keepcache", self.keepcache.map(|c| c.word().to_owned())),
            ("metadata_expire", text(&self.metadata_expire)),
            ("metadata_expire_filter", self.metadata_expire_filter.map(|c| c.word().to_owned())),
            ("metalink", text(&self.metalink)),
            ("mirrorlist", text(&self.mirrorlist)),
            ("mirrorlist_expire", text(&self.mirrorlist_expire)),
            ("module_hotfixes", flag(self.module_hotfixes)),
            ("name", text(&self.description)),
            ("password", secret(&self.password)),
            ("priority", text(&self.priority)),
            ("protect", flag(self.protect)),
            ("proxy", text(&self.proxy)),
            ("proxy_password", secret(&self.proxy_password)),
            ("proxy_username", text(&self.proxy_username)),
            ("repo_gpgcheck", flag(self.repo_gpgcheck)),
            ("retries", text(&self.retries)),
            ("s3_enabled", flag(self.s3_enabled)),
            ("skip_if_unavailable", flag(self.skip_if_unavailable)),
            ("ssl_check_cert_permissions", flag(self.ssl_check_cert_permissions)),
            ("sslcacert", text(&self.sslcacert)),
            ("sslclientcert", text(&self.sslclientcert)),
            ("sslclientkey", text(&self.sslclientkey)),
            ("sslverify", flag(self.sslverify)),
            ("throttle", text(&self.throttle)),
            ("timeout", text(&self.timeout)),
            ("ui_repoid_vars", text(&self.ui_repoid_vars)),
            ("username", text(&self.username)),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/etc/yum.repos.d/epel.repo";

    #[test]
    fn a_repository_is_a_section() {
        let world = World::new().folder("/etc/yum.repos.d");
        let args =
            "{ name: epel, description: EPEL, baseurl: [http://a/, http://b/], gpgcheck: no, file: epel }";
        let args = args.replace("no,", "false,");
        let done =
            conform::<YumRepository>(&args, world).changed().gives("repo", "epel").gives("state", "present");
        let done =
            done.holds(FILE, "[epel]\nbaseurl = http://a/\n\thttp://b/\ngpgcheck = 0\nname = EPEL\n\n");
        let done = done.then(&args).unchanged();
        let other = "{ name: aaa, description: A, metalink: http://m, file: epel }";
        let done = done.then(other).changed().then("{ name: epel, state: absent }").changed();
        let done = done.holds(FILE, "[aaa]\nmetalink = http://m\nname = A\n\n");
        done.then("{ name: aaa, file: epel, state: absent }").changed().lacks(FILE);
    }

    #[test]
    fn what_others_wrote_stays_as_it_was_read() {
        let text = b"[old]\nname: Depot f\xfcr alle\nbaseurl=http://x:8080/\n".as_slice();
        let world = World::new().file(FILE, text);
        let args = "{ name: new, description: N, metalink: m, file: epel, password: pw, mode: '0600' }";
        let done = conform::<YumRepository>(args, world).changed();
        let wanted = b"[new]\nmetalink = m\nname = N\npassword = pw\n\n[old]\nname = Depot f\xfcr alle\nbaseurl = http://x:8080/\n\n";
        assert_eq!(done.probe().read(FILE).unwrap(), wanted);
        assert_eq!(done.probe().stat(FILE).unwrap().unwrap().mode, 0o600);
    }

    #[test]
    fn what_is_missing_is_said() {
        let world = || World::new().folder("/etc/yum.repos.d");
        conform::<YumRepository>("{ name: a, description: b }", world()).failed("is required");
        conform::<YumRepository>("{ name: a, baseurl: b }", world()).failed("'description' is required");
        conform::<YumRepository>("{ name: a, state: absent }", World::new()).failed("does not exist");
    }
}
