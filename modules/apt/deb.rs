//! Package files: those of the host, and those that are fetched first.

use std::sync::OnceLock;

use shevek_kit::http::{self, UrlOptions};
use shevek_kit::prelude::*;

use super::{Apt, Known, Wanted, package};
use crate::download;

/// How a package is installed from an address: only the part of the runner that speaks HTTP has that, the core is the smaller.
static FETCHING: OnceLock<Install> = OnceLock::new();

type Install = fn(&Apt, &str, &mut Host) -> Result<Outcome>;

/// Lets `apt` take addresses.
pub(crate) fn speak() {
    FETCHING.get_or_init(|| Apt::install_from);
}

impl Apt {
    /// Installs package files: paths, separated by commas, or one address.
    pub(super) fn install_files(&self, debs: &str, host: &mut Host) -> Result<Outcome> {
        if self.state != Wanted::Present {
            fail!("deb only supports state=present");
        }
        if !debs.contains("://") {
            let paths = debs.split(',').map(str::trim).filter(|path| !path.is_empty());
            let paths: Vec<String> = paths.map(|path| host.probe().expand(path)).collect();
            return self.install_those(&paths, host);
        }
        match FETCHING.get() {
            Some(install) => install(self, debs, host),
            None => fail!("no module of this part of the runner speaks http"),
        }
    }

    fn install_from(&self, address: &str, host: &mut Host) -> Result<Outcome> {
        if host.probe().rehearsing() {
            return self.would_install(http::file_name(address), host);
        }
        let path = download::temporary(address, ".deb", &UrlOptions::default(), host)?;
        let done = self.install_those(&[path.to_string_lossy().into_owned()], host);
        host.remove(&path)?;
        done
    }

    fn install_those(&self, paths: &[String], host: &mut Host) -> Result<Outcome> {
        let known = Known::read(host.probe())?;
        let mut command = self.installing(self.apt_get()).arg("install");
        let (mut missing, mut replaces) = (false, false);
        for path in paths {
            if !host.probe().exists(path) {
                return Err(Fault::absent(format!("Unable to install package: {path} is not there")));
            }
            let field = |name: &str| -> Result<String> {
                let told = host.probe().ask(cmd("dpkg-deb").arg("--field").arg(path).arg(name))?;
                Ok(told.out().trim().to_owned())
            };
            let (name, version) = (field("Package")?, field("Version")?);
            if !is_installed(&known, &name, &version) {
                missing = true;
                replaces |= !field("Replaces")?.is_empty();
                command = command.arg(path).does(package(&name, "present"));
            }
        }
        if !missing {
            return Ok(Outcome::ok().with("stdout", "").with("stderr", ""));
        }
        // Differs from Ansible: apt-get installs files, and not dpkg; what a file needs is marked as brought by it. As with
        // dpkg, nothing is removed but what the package says that it replaces.
        self.change(command.flag("--no-remove", !replaces && !self.fail_on_autoremove), host)
    }

    /// What check mode can say of a file that it does not fetch: by Debian's rules its name says what is in it.
    fn would_install(&self, file: &str, host: &mut Host) -> Result<Outcome> {
        let mut parts =
            http::unescaped(file).trim_end_matches(".deb").split('_').map(str::to_owned).collect::<Vec<_>>();
        if let [name, version, _] = parts.as_mut_slice() {
            if is_installed(&Known::read(host.probe())?, name, version) {
                return Ok(Outcome::ok());
            }
            host.note(Thing::Package, name, "present");
        }
        Ok(Outcome::ok().changed_if(true).with("stdout", "").with("stderr", ""))
    }
}

fn is_installed(known: &Known, name: &str, version: &str) -> bool {
    known.get(name).is_some_and(|there| there.is_installed && there.version == version)
}

#[cfg(test)]
mod tests {
    use shevek_kit::http::Response;

    use super::*;

    const STATUS: &str =
        "Package: curl\nStatus: install ok installed\nVersion: 7.88.1-10\nArchitecture: amd64\n\n";

    fn world() -> World {
        World::new()
            .program("apt-get")
            .file("/var/lib/dpkg/status", STATUS)
            .file("/tmp/a.deb", "")
            .file("/tmp/b.deb", "")
            .says("dpkg-deb --field /tmp/a.deb Package", "curl\n")
            .says("dpkg-deb --field /tmp/a.deb Version", "7.88.1-10\n")
            .says("dpkg-deb --field /tmp/b.deb Package", "other\n")
            .says("dpkg-deb --field /tmp/b.deb Version", "1\n")
            .says("dpkg-deb --field /tmp/b.deb Replaces", "\n")
            .says("apt-get *", "")
    }

    #[test]
    fn package_files_that_are_installed_already_are_left() {
        conform::<Apt>("{ deb: /tmp/a.deb }", world()).unchanged().ran([]);
        conform_apart::<Apt>("{ deb: '/tmp/a.deb,/tmp/b.deb' }", world())
            .ran(["apt-get -y -q -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
             -o DPkg::Lock::Timeout=60 install /tmp/b.deb --no-remove"]);
    }

    #[test]
    fn a_package_file_is_fetched_first() {
        speak();
        let with = |status| {
            world()
                .says("dpkg-deb --field *", "x")
                .serves("GET https://h/x_1_all.deb?a=b", Response::new(status, "deb"))
        };
        let args = "{ deb: 'https://h/x_1_all.deb?a=b' }";
        conform_apart::<Apt>(args, with(200)).changed();
        conform_apart::<Apt>(args, with(404))
            .failed("Failure downloading https://h/x_1_all.deb?a=b, HTTP Error 404: Not Found");
    }
}
