//! Archives that GNU tar reads.

use shevek_kit::prelude::*;

use super::{Archive, Kind};

/// Ends of lines of `tar --diff` that always tell a difference.
const DIFFERS: [&str; 7] = [
    ": Mod time differs",
    ": Warning: Cannot stat: No such file or directory",
    ": Invalid owner",
    ": Invalid group",
    ": Symlink differs",
    ": Contents differ",
    ": Size differs",
];

impl Archive<'_> {
    /// `tar VERB` with all that its three uses have in common.
    fn tar(&self, host: &Probe, verb: &str) -> Result<Command> {
        let Some(program) = host.which("gtar").or_else(|| host.which("tar")) else {
            return Err(Fault::absent(format!(
                "Failed to find handler for \"{}\". Make sure the required command to extract the file is installed.\n\
                 Unable to find required 'gtar' or 'tar' binary in the path",
                self.path.display()
            )));
        };
        let version = host.ask(cmd(&program).arg("--version").any_rc())?.out();
        if !version.contains("GNU") {
            fail!("Command \"{}\" detected as another tar. GNU tar required.", program.display());
        }
        let flag = match self.kind {
            Kind::Gzip => Some("-z"),
            Kind::Bzip2 => Some("-j"),
            Kind::Xz => Some("-J"),
            Kind::Zstd => Some("--zstd"),
            Kind::Zip | Kind::Tar => None,
        };
        let mut command = cmd(program).arg(verb);
        if verb != "--list" {
            command = command.arg("-C").arg(self.dest).folder(self.dest);
        }
        command = command.args(flag);
        if !self.args.extra_opts.is_empty() {
            command = command.arg("--show-transformed-names").args(&self.args.extra_opts);
        }
        if verb != "--list" {
            if let Some(owner) = &self.args.attributes.owner {
                command = command.arg(format!("--owner={owner}"));
            }
            if let Some(group) = &self.args.attributes.group {
                command = command.arg(format!("--group={group}"));
            }
            command = command.flag("--keep-newer-files", self.args.keep_newer);
        }
        let excluded =
            self.args.exclude.iter().map(|name| format!("--exclude={}", name.trim_end_matches('/')));
        command = command.args(excluded).flag("--quoting-style=literal", verb == "--list");
        Ok(command.arg("-f").arg(self.path).args(&self.args.include).any_rc())
    }

    pub(super) fn tar_files(&self, host: &Probe) -> Result<Vec<String>> {
        let ran = host.ask(self.tar(host, "--list")?)?;
        let unfit = |why: &str| {
            Fault::new(format!(
                "Failed to find handler for \"{}\". Make sure the required command to extract the file is installed.\n{why}",
                self.path.display()
            ))
        };
        if !ran.ok() {
            return Err(unfit(&format!("Command \"tar\" could not handle archive: {}", ran.err())));
        }
        let out = ran.out();
        let names = out.lines().map(|line| line.strip_prefix('/').unwrap_or(line));
        let is_excluded = |name: &str| {
            let mut patterns = self.args.exclude.iter().map(|pattern| pattern.trim_end_matches('/'));
            patterns.any(|pattern| crate::pattern::matches(pattern, name))
        };
        let files: Vec<String> = names.filter(|name| !is_excluded(name)).map(str::to_owned).collect();
        if files.is_empty() {
            return Err(unfit(
                "Command \"tar\" found no files in archive. Empty archive files are not supported.",
            ));
        }
        Ok(files)
    }

    pub(super) fn tar_differences(&self, host: &Probe, files: &[String]) -> Result<String> {
        if host.rehearsing() {
            // tar sees what the host has; what is planned is looked at here.
            let mut missing = String::new();
            for name in files {
                let path = self.dest.join(name);
                match host.lstat(&path)? {
                    None => missing
                        .push_str(&format!("{name}: Warning: Cannot stat: No such file or directory\n")),
                    Some(stat) if stat.is_folder() => {}
                    Some(_) => host.as_on_host(&path)?,
                }
            }
            if !missing.is_empty() {
                return Ok(missing);
            }
        }
        let ran = host.ask(self.tar(host, "--diff")?)?;
        let given = &self.args.attributes;
        let is_root = host.identity().uid == 0;
        // What the task sets anyway is no difference.
        let counted = [
            (": Uid differs", is_root && given.owner.is_none()),
            (": Gid differs", is_root && given.group.is_none()),
            (": Mode differs", given.mode.is_none()),
        ];
        let told = format!("{}\n{}", ran.out(), ran.err());
        let mut found = String::new();
        for line in told.lines().filter(|line| !line.contains(": : Warning: Cannot stat")) {
            let known = counted.iter().any(|(end, counts)| *counts && line.ends_with(end));
            if known || DIFFERS.iter().any(|end| line.contains(end)) {
                found.push_str(line);
                found.push('\n');
            }
        }
        Ok(found)
    }

    pub(super) fn untar(&self, host: &Probe) -> Result<Command> {
        self.tar(host, "--extract")
    }
}
