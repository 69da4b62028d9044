//! Make a temporary file or folder.
//!
//! Only its maker can use it; nobody removes it but the playbook.
//!
//! ```yaml
//! - tempfile: { state: directory, suffix: build }
//!   register: work
//! - file: { path: "{{ work.path }}", state: absent }
//! ```
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};

use shevek_kit::prelude::*;
use shevek_kit::printed::python_repr;

/// Arguments of `tempfile`.
#[derive(Args)]
#[module(procedure)]
pub struct Tempfile {
    /// What to make.
    #[arg(default = "file")]
    state: What,
    /// The folder that it is made in. Left out: the system's folder for temporary files.
    path: Option<PathBuf>,
    /// How its name starts.
    #[arg(default = "ansible.")]
    prefix: String,
    /// How its name ends.
    #[arg(default = "")]
    suffix: String,
}

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum What {
    /// A folder.
    Directory,
    /// A file.
    File,
}

impl Procedure for Tempfile {
    // Differs from Ansible: check mode plans the file instead of skipping, so that later tasks have a path to go on with.
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        for (name, part) in [("prefix", &self.prefix), ("suffix", &self.suffix)] {
            if part.contains('/') {
                let part = python_repr(&part.into());
                fail!("{name} must be a valid file name component, got {part}");
            }
        }
        let folder = match &self.path {
            Some(path) => host.folder().join(path),
            None => folder(host)?,
        };
        let mut path = folder.join(self.name());
        while host.lstat(&path)?.is_some() {
            path = folder.join(self.name());
        }
        match self.state {
            What::Directory => host.mkdir(&path, 0o700)?,
            What::File => {
                let private = Commit { mode: Some(0o600), fresh: true, ..Commit::default() };
                host.write_as(&path, &mut std::io::empty(), &private)?;
            }
        }
        Ok(Outcome::ok().changed_if(true).with("path", &path))
    }
}

impl Tempfile {
    fn name(&self) -> String {
        format!("{}{}{}", self.prefix, unguessable(), self.suffix)
    }
}

/// The system's folder for temporary files.
pub(crate) fn folder(host: &Probe) -> Result<PathBuf> {
    let own = host.folder();
    let absolute = |path: &Path| own.join(path);
    let named = ["TMPDIR", "TEMP", "TMP"].into_iter().filter_map(|name| host.env(name));
    let usual = ["/tmp", "/var/tmp", "/usr/tmp", ""].map(str::to_owned);
    let all = named.filter(|path| !path.is_empty()).chain(usual).map(|path| absolute(Path::new(&path)));
    let usable = |path: &PathBuf| host.is_folder(path) && host.may(path, Access::Write);
    all.into_iter().find(usable).ok_or_else(|| Fault::new("No usable temporary directory found"))
}

/// Eight letters for a name that nobody can know beforehand.
pub(crate) fn unguessable() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz_01234";
    let random = RandomState::new().build_hasher().finish();
    let letters = (0..8).filter_map(|i| LETTERS.get((random >> (5 * i)) as usize & 31));
    letters.map(|b| char::from(*b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_its_own() {
        let done = conform::<Tempfile>("{ suffix: .x }", World::new()).changed().gives("mode", "0600");
        let path = done.outcome().get("path").unwrap().as_str().unwrap().to_owned();
        assert!(path.starts_with("/tmp/ansible.") && path.ends_with(".x") && path.len() == 23, "{path}");
        done.holds(&path, "").then("{}").changed();
    }

    #[test]
    fn a_folder_where_the_task_says() {
        let args = "{ state: directory, path: /var, prefix: a }";
        let done = conform::<Tempfile>(args, World::new()).changed();
        let done = done.gives("state", "directory").gives("mode", "0700");
        assert!(done.outcome().get("path").unwrap().as_str().unwrap().starts_with("/var/a"));
        let done = conform::<Tempfile>("{}", World::new().folder("/scratch").env("TMPDIR", "/scratch"));
        assert!(done.outcome().get("path").unwrap().as_str().unwrap().starts_with("/scratch/"));
    }

    #[test]
    fn names_are_no_paths() {
        conform::<Tempfile>("{ prefix: a/b }", World::new())
            .failed("prefix must be a valid file name component, got 'a/b'");
        conform::<Tempfile>("{ path: /no }", World::new()).failed("/no");
    }
}
