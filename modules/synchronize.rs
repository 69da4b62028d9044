//! Copy folders between machines with rsync.
//!
//! rsync runs on the machine that runs shevek, or on the one that `delegate_to` names, and connects by itself to the host of
//! the task: with its own ssh, its own keys, and `become` by way of `sudo` without a password (`rsync_path` says another way).
//! The host is the destination, or with `mode: pull` the source. Both ends need rsync.
//!
//! ```yaml
//! - ansible.posix.synchronize: { src: site/, dest: /srv/www/, delete: true }
//! - ansible.posix.synchronize: { src: /var/backups/, dest: backups/, mode: pull }
//! - ansible.posix.synchronize:
//!     src: /srv/data
//!     dest: /mnt/copy
//!     rsync_opts: [ --no-motd, '--exclude=.git' ]
//!   delegate_to: '{{ inventory_hostname }}'
//! ```
use std::path::{Component, Path, PathBuf};

use shevek_kit::prelude::*;
use shevek_kit::{quoted, words};

/// Arguments of `synchronize`.
#[derive(Args)]
#[module(procedure, collection = "ansible.posix")]
pub struct Synchronize {
    /// What is copied; with a `/` at its end only what is in it.
    #[arg(required)]
    src: PathBuf,
    /// Where it is copied to.
    #[arg(required)]
    dest: PathBuf,
    /// The port of ssh there.
    dest_port: Option<i64>,
    /// Remove what the source does not have.
    #[arg(default = false)]
    delete: bool,
    /// The private key.
    private_key: Option<PathBuf>,
    /// The rsync to run on the other machine.
    rsync_path: Option<String>,
    /// The rsync to run here; the variable `ansible_rsync_path` says it.
    #[arg(name = "_local_rsync_path", default = "rsync")]
    local_rsync: PathBuf,
    /// The password to log in with; the host's variables say it.
    #[arg(name = "_local_rsync_password")]
    password: Option<Secret>,
    /// Put the controller's address where `localhost` stands.
    #[arg(name = "_substitute_controller", default = false)]
    substitute_controller: bool,
    /// Recurse, and keep links, permissions, times, owners, groups and devices.
    #[arg(default = true)]
    archive: bool,
    /// Compare files by checksum.
    #[arg(default = false)]
    checksum: bool,
    /// Compress what is sent.
    #[arg(default = true)]
    compress: bool,
    /// Make no new files.
    #[arg(default = false)]
    existing_only: bool,
    /// Copy folders without what is in them.
    #[arg(default = false)]
    dirs: bool,
    /// Recurse into folders; left out: as `archive` says.
    recursive: Option<bool>,
    /// Copy links as links; left out: as `archive` says.
    links: Option<bool>,
    /// Copy what links point to.
    #[arg(default = false)]
    copy_links: bool,
    /// Keep permissions; left out: as `archive` says.
    perms: Option<bool>,
    /// Keep times; left out: as `archive` says.
    times: Option<bool>,
    /// Keep owners; left out: as `archive` says.
    owner: Option<bool>,
    /// Keep groups; left out: as `archive` says.
    group: Option<bool>,
    /// Put the user into the address of the other machine.
    #[arg(default = true)]
    #[expect(dead_code, reason = "the controller reads it")]
    set_remote_user: bool,
    /// Seconds without any data after which rsync gives up; 0: never.
    #[arg(default = 0)]
    rsync_timeout: i64,
    /// Further options of rsync.
    rsync_opts: Vec<String>,
    /// Options of ssh; the connection says them, with `use_ssh_args`.
    #[arg(name = "_ssh_args")]
    ssh_args: Option<String>,
    /// Use the ssh options of the connection.
    #[arg(default = false)]
    #[expect(dead_code, reason = "the controller reads it")]
    use_ssh_args: bool,
    /// Let ssh share connections.
    #[arg(default = false)]
    ssh_connection_multiplexing: bool,
    /// Keep files that were copied in part.
    #[arg(default = false)]
    partial: bool,
    /// Check the key of the other machine.
    #[arg(default = false)]
    verify_host: bool,
    /// Put files in place all together at the end.
    #[arg(default = true)]
    delay_updates: bool,
    /// Whether the host is where things go, or where they come from.
    #[arg(default = "push")]
    #[expect(dead_code, reason = "the controller reads it")]
    mode: Mode,
    /// Folders with files to link to, where they are the same.
    link_dest: Vec<PathBuf>,
}

/// The direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Mode {
    /// From the host.
    Pull,
    /// To the host.
    Push,
}

/// Marks what changed in rsync's output.
const MARK: &str = "<<CHANGED>>";

impl Procedure for Synchronize {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let shown = self.line(host)?.join(" ");
        let words = words::split(&shown).map_err(|why| Fault::new(format!("{why}: {shown}")))?;
        let words: Vec<String> = words.iter().map(|word| host.expand(word)).collect();
        let (program, args) = words.split_first().ok_or("rsync has no name")?;
        let command = match &self.password {
            None => cmd(program).args(args),
            Some(password) => {
                if host.which("sshpass").is_none() {
                    let message =
                        "to use rsync connection with passwords, you must install the sshpass program";
                    return Err(Fault::absent(message));
                }
                cmd("sshpass").arg("-e").args(&words).env("SSHPASS", password.reveal())
            }
        };
        let command = command.any_rc();
        let ran = match host.rehearsing() {
            true => host.ask(command.clone())?,
            false => host.run(command.clone())?,
        };
        if !ran.ok() {
            return Err(Fault::new(ran.err()).with("rc", ran.rc).with("cmd", shown));
        }
        let out = ran.out();
        let changed = match self.link_dest.is_empty() {
            true => out.contains(MARK),
            // Each line is there; what did not change has a dot.
            false => !out.contains(&format!("{MARK}.")),
        };
        if changed && host.rehearsing() {
            // What it would bring is not known to the plan; it has to hear that something would come.
            host.run(command)?;
        }
        let clean = out.replace(MARK, "");
        let lines: Vec<&str> = clean.split('\n').filter(|line| !line.is_empty()).collect();
        let lines = Val::from(lines);
        host.diff(Diff { prepared: Some(clean.clone()), ..Diff::default() });
        Ok(Outcome::ok()
            .changed_if(changed)
            .with("msg", clean)
            .with("rc", ran.rc)
            .with("cmd", shown)
            .with("stdout_lines", lines))
    }
}

fn quote(word: &str) -> String {
    quoted(word.as_ref())
}

impl Synchronize {
    /// The words of the command, quoted; those of the task stand as the task has them.
    fn line(&self, host: &Probe) -> Result<Vec<String>> {
        let (source, dest) = self.ends(host)?;
        let mut line = vec![self.rsync(host)?];
        let mut option = |on: bool, word: &str| {
            if on {
                line.push(word.to_owned());
            }
        };
        option(self.delay_updates, "--delay-updates");
        option(self.delay_updates, "-F");
        option(self.compress, "--compress");
        option(self.rsync_timeout != 0, &format!("--timeout={}", self.rsync_timeout));
        option(host.rehearsing(), "--dry-run");
        option(self.delete, "--delete-after");
        option(self.existing_only, "--existing");
        option(self.checksum, "--checksum");
        option(self.copy_links, "--copy-links");
        option(self.archive, "--archive");
        let parts = [
            (self.recursive, "recursive"),
            (self.links, "links"),
            (self.perms, "perms"),
            (self.times, "times"),
            (self.owner, "owner"),
            (self.group, "group"),
        ];
        for (wanted, name) in parts {
            match self.archive {
                true => option(wanted == Some(false), &format!("--no-{name}")),
                false => option(wanted == Some(true), &format!("--{name}")),
            }
        }
        option(self.dirs, "--dirs");
        if source.starts_with("rsync://") && dest.starts_with("rsync://") {
            return Err(Fault::new("either src or dest must be a localhost").with("rc", 1));
        }
        let by_ssh = !source.starts_with("rsync://")
            && !dest.starts_with("rsync://")
            && (source.contains(':') || dest.contains(':'));
        if by_ssh && !self.rsync_opts.iter().any(|option| option.contains("--rsh")) {
            line.push(format!("--rsh={}", quote(&self.ssh(host)?)));
        }
        if let Some(path) = self.rsync_path.as_deref().filter(|path| !path.is_empty()) {
            line.push(format!("--rsync-path={}", quote(path)));
        }
        if self.rsync_opts.iter().any(String::is_empty) {
            host.warn(
                "The empty string is present in rsync_opts which will cause rsync to transfer the current working directory. If this is intended, use \".\" instead to get rid of this warning. If this is unintended, check for problems in your playbook leading to empty string in rsync_opts.",
            );
        }
        line.extend(self.rsync_opts.iter().cloned());
        if self.partial {
            line.push("--partial".to_owned());
        }
        self.link(host, &dest, &mut line)?;
        line.push(format!("--out-format={}", quote(&format!("{MARK}%i %n%L"))));
        line.extend([quote(&source), quote(&dest)]);
        Ok(line)
    }

    /// Both ends, with the controller's address where that is asked for.
    fn ends(&self, host: &Probe) -> Result<(String, String)> {
        let ends = (self.src.display().to_string(), self.dest.display().to_string());
        if !self.substitute_controller {
            return Ok(ends);
        }
        let client = ["SSH_CLIENT", "SSH_CONNECTION"].into_iter().find_map(|name| host.env(name));
        let client = client.as_deref().and_then(|text| text.split_whitespace().next());
        let Some(client) = client else {
            fail!("Could not determine controller hostname for rsync to send to");
        };
        let named = |end: String| match end.strip_prefix("localhost:") {
            Some(path) => format!("{client}:{path}"),
            None => end,
        };
        Ok((named(ends.0), named(ends.1)))
    }

    fn rsync(&self, host: &Probe) -> Result<String> {
        let name = self.local_rsync.display().to_string();
        let found = if name.contains('/') { name } else { host.need(&name)?.display().to_string() };
        Ok(found)
    }

    fn ssh(&self, host: &Probe) -> Result<String> {
        let mut words = vec![host.need("ssh")?.display().to_string()];
        if !self.ssh_connection_multiplexing {
            words.extend(["-S".to_owned(), "none".to_owned()]);
        }
        if let Some(key) = &self.private_key {
            words.extend(["-i".to_owned(), key.display().to_string()]);
        }
        if let Some(port) = self.dest_port {
            words.extend(["-o".to_owned(), format!("Port={port}")]);
        }
        if !self.verify_host {
            let options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
            words.extend(options.map(str::to_owned));
        }
        let line = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
        Ok(match self.ssh_args.as_deref().filter(|args| !args.is_empty()) {
            Some(args) => format!("{line} {args}"),
            None => line,
        })
    }

    fn link(&self, host: &Probe, dest: &str, line: &mut Vec<String>) -> Result<()> {
        if self.link_dest.is_empty() {
            return Ok(());
        }
        // A link that is made is no change to rsync, unless it talks much.
        line.extend(["-H".to_owned(), "-vv".to_owned()]);
        let folder = dest.rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = absolute(host, Path::new(folder)).display().to_string();
        for path in &self.link_dest {
            let path = absolute(host, path).display().to_string();
            if folder.starts_with(&path) {
                fail!(
                    "Hardlinking into a subdirectory of the source would cause recursion. {folder} and {dest}"
                );
            }
            line.push(format!("--link-dest={path}"));
        }
        Ok(())
    }
}

/// A path from the root on, its `..` parts followed.
fn absolute(host: &Probe, path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in host.folder().join(path).components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: &str = "'--out-format=<<CHANGED>>%i %n%L'";

    fn world(says: &str) -> World {
        World::new().program("rsync").program("ssh").program("sshpass").answers("*", Ran::said(says))
    }

    #[test]
    fn what_changed_is_told() {
        let says = "<<CHANGED>>.d..t...... ./\n<<CHANGED>>>f+++++++++ a b\n";
        let done = conform::<Synchronize>("{ src: /a/, dest: /b, delete: yes }", world(says)).changed();
        let line =
            format!("/usr/bin/rsync --delay-updates -F --compress --delete-after --archive {FORMAT} /a/ /b");
        let done = done.ran([&line]);
        let done = done.gives("msg", ".d..t...... ./\n>f+++++++++ a b\n").gives("rc", 0);
        let done = done.gives("stdout_lines", vec![".d..t...... ./", ">f+++++++++ a b"]);
        let cmd = line.replace("'--out-format=<<CHANGED>>%i %n%L'", "--out-format='<<CHANGED>>%i %n%L'");
        done.gives("cmd", cmd);
        conform::<Synchronize>("{ src: /a/, dest: /b }", world("")).unchanged();
    }

    #[test]
    fn another_machine_is_reached_by_ssh() {
        let args = "{ src: /a, dest: 'ann@db1:/b c', dest_port: 2222, private_key: /k, archive: no, links: yes, compress: no, delay_updates: no, rsync_path: sudo rsync, _ssh_args: -4 }";
        let done = conform::<Synchronize>(args, world(""));
        done.ran([&format!(
            "/usr/bin/rsync --links '--rsh=/usr/bin/ssh -S none -i /k -o Port=2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -4' '--rsync-path=sudo rsync' {FORMAT} /a 'ann@db1:/b c'"
        )]);
        let args = "{ src: /a, dest: 'h:/b', archive: no, compress: no, delay_updates: no, verify_host: yes, ssh_connection_multiplexing: yes, _local_rsync_password: s3cret }";
        let done = conform::<Synchronize>(args, world(""));
        done.ran([&format!("sshpass -e /usr/bin/rsync --rsh=/usr/bin/ssh {FORMAT} /a h:/b")]);
        let args = "{ src: 'rsync://h/a', dest: /b, archive: no, compress: no, delay_updates: no, rsync_opts: [\"--exclude 'a b'\"] }";
        let done = conform::<Synchronize>(args, world(""));
        done.ran([&format!("/usr/bin/rsync --exclude 'a b' {FORMAT} rsync://h/a /b")]);
    }

    #[test]
    fn a_failure_tells_what_rsync_said() {
        let failing = World::new().program("rsync").answers("*", Ran::failed(23, "no such file\n"));
        conform::<Synchronize>("{ src: /a, dest: /b }", failing).failed("no such file").gives("rc", 23);
        conform::<Synchronize>("{ src: /a, dest: /b }", World::new()).failed("\"rsync\"");
        let args = "{ src: 'rsync://a/b', dest: 'rsync://c/d' }";
        conform::<Synchronize>(args, world("")).failed("must be a localhost");
    }

    #[test]
    fn links_are_made_to_what_is_the_same() {
        let args =
            "{ src: /a/f, dest: /b/f, link_dest: [/a/../a], archive: no, compress: no, delay_updates: no }";
        let done = conform::<Synchronize>(args, world("<<CHANGED>>.f  f\n")).unchanged();
        done.ran([&format!("/usr/bin/rsync -H -vv --link-dest=/a {FORMAT} /a/f /b/f")]);
        let args = "{ src: /a/f, dest: /a/f, link_dest: [/a] }";
        conform::<Synchronize>(args, world("")).failed("would cause recursion");
    }
}
