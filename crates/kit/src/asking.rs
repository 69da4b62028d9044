//! The programs that [`Probe::ask`](crate::Probe::ask) may run: only those, and only so, that they just read.
//!
//! This list is the one hole that types cannot close (reading often means running a program), so every line of it is
//! reviewed: a line may stand here only if the program, called so, changes nothing that a user could see.

use crate::command::Command;

/// How a program may be called.
enum How {
    /// In any way.
    Freely,
    /// With one of these as its first argument that is no option (`systemctl show`).
    Verb(&'static [&'static str]),
    /// With one of these among its arguments.
    With(&'static [&'static str]),
}

use How::{Freely, Verb, With};

const LIST: &[(&str, How)] = &[
    ("alternatives", With(&["--display", "--list"])),
    ("apk", Verb(&["info", "version", "list", "search", "policy"])),
    ("apt-cache", Freely),
    ("apt-config", Verb(&["dump", "shell"])),
    ("apt-get", With(&["-s", "--simulate"])),
    ("apt-key", With(&["--list-public-keys", "list", "finger"])),
    ("apt-mark", Verb(&["showhold", "showauto", "showmanual"])),
    ("arch", Freely),
    // With any of these it shows; `show-super` is bcachefs's.
    ("bcachefs", Verb(&["show-super"])),
    ("blkid", Freely),
    ("blockdev", With(&["--getsize64", "--getss", "--getro"])),
    ("btrfs", Verb(&["usage", "show", "df"])),
    ("busctl", With(&["getZoneByName", "getZoneOfInterface"])),
    ("capsh", With(&["--print"])),
    ("chronyc", Verb(&["tracking", "sources"])),
    ("crontab", With(&["-l"])),
    // Built by the kit's http only, with a configuration that has neither a method nor a body.
    ("chkconfig", With(&["--list", "-l"])),
    ("date", With(&["+%Z", "+%z"])),
    ("debconf-show", Freely),
    ("df", Freely),
    ("dmidecode", Freely),
    (
        "dpkg",
        With(&[
            "--print-architecture",
            "--print-foreign-architectures",
            "-l",
            "--get-selections",
            "--compare-versions",
            "-s",
            "--status",
            "-L",
        ]),
    ),
    ("dump.f2fs", Freely),
    ("dumpfs", Freely),
    ("dpkg-deb", With(&["-f", "--field", "-I", "--info", "-W", "--show", "-c", "--contents"])),
    ("dpkg-divert", With(&["--list", "--listpackage", "--truename"])),
    ("dpkg-query", Freely),
    ("dmsetup", Verb(&["info"])),
    ("dnf", Verb(&["list", "info", "repoquery", "repolist", "check-update", "search"])),
    ("dnf5", Verb(&["list", "info", "repoquery", "repo", "check-upgrade", "search"])),
    ("facter", Freely),
    ("fatresize", With(&["--info"])),
    ("file", Freely),
    ("findmnt", Freely),
    ("firewall-cmd", With(FIREWALL)),
    ("firewall-offline-cmd", With(FIREWALL)),
    ("getcap", Freely),
    ("getconf", Freely),
    ("getenforce", Freely),
    ("getent", Freely),
    ("getfacl", Freely),
    ("getfattr", Freely),
    ("getsebool", Freely),
    ("grubby", With(&["--info"])),
    (
        "git",
        Verb(&[
            "rev-parse",
            "ls-remote",
            "status",
            "show-ref",
            "for-each-ref",
            "diff",
            "describe",
            "cat-file",
            "symbolic-ref",
            "branch",
            "tag",
            "log",
            "submodule",
            "remote",
            "config",
            "verify-tag",
            "verify-commit",
            "--version",
            "version",
        ]),
    ),
    ("gpg", With(&["--list-keys", "--with-colons", "--show-keys", "--version"])),
    ("gpg2", With(&["--list-keys", "--with-colons", "--show-keys", "--version"])),
    ("hostname", Freely),
    ("hostnamectl", Verb(&["status", "hostname", "show"])),
    ("id", Freely),
    ("initctl", Verb(&["list", "status"])),
    ("ip", Freely),
    ("ip6tables", With(&["-C", "--check", "-L", "--list", "-S", "--list-rules", "--version"])),
    ("ip6tables-save", Freely),
    ("iptables", With(&["-C", "--check", "-L", "--list", "-S", "--list-rules", "--version"])),
    ("iptables-save", Freely),
    ("journalctl", Freely),
    ("ldd", With(&["--version"])),
    ("locale", Freely),
    ("localectl", Verb(&["status", "list-locales"])),
    ("loginctl", Verb(&["show-user", "show-session", "list-sessions", "list-users"])),
    ("lsattr", Freely),
    ("lsblk", Freely),
    ("lscpu", Freely),
    ("lsmod", Freely),
    ("lspci", Freely),
    ("lsusb", Freely),
    ("lvcreate", With(&["--test"])),
    ("lvextend", With(&["--test"])),
    ("lvm", Verb(&["version"])),
    ("lvreduce", With(&["--test"])),
    ("lvremove", With(&["--test"])),
    ("lvs", Freely),
    ("matchpathcon", Freely),
    ("mkfs.btrfs", With(&["--version"])),
    // It tells its version; /dev/null it refuses.
    ("mkfs.f2fs", With(&["/dev/null"])),
    ("modinfo", Freely),
    ("mokutil", With(&["--sb-state"])),
    ("netstat", Freely),
    ("nfs4_getfacl", Freely),
    ("nfs4_setfacl", With(&["--test"])),
    ("npm", Verb(&["list", "ls", "outdated", "view", "root"])),
    ("openssl", Verb(&["x509", "version", "rsa", "req", "pkey"])),
    (
        "pacman",
        With(&[
            "-Q",
            "-Qi",
            "-Qq",
            "-Si",
            "-Ss",
            "-Qe",
            "-Qu",
            "-Sp",
            "-Sgq",
            "-Sg",
            "-Qg",
            "--query",
            "--list",
            "--groups",
            "--print-format",
        ]),
    ),
    ("pip", Verb(&["list", "freeze", "show", "--version"])),
    ("pip3", Verb(&["list", "freeze", "show", "--version"])),
    ("ps", Freely),
    ("pvdisplay", Freely),
    ("pvs", Freely),
    ("python3", With(&["--version", "-V"])),
    ("rc-service", With(&["--exists", "--list", "status"])),
    ("rc-status", Freely),
    ("rc-update", Verb(&["show"])),
    ("readlink", Freely),
    (
        "rpm",
        With(&[
            "-q",
            "-qa",
            "--query",
            "-qp",
            "-qi",
            "-qf",
            "-V",
            "--eval",
            "-E",
            "-K",
            "--version",
            "--whatprovides",
        ]),
    ),
    ("rpmkeys", With(&["--list", "-K", "--checksig"])),
    ("rsync", With(&["--dry-run"])),
    ("runlevel", Freely),
    ("selinuxenabled", Freely),
    ("semanage", With(&["-l", "--list", "-E", "--extract"])),
    ("service", With(&["status", "--status-all"])),
    ("sestatus", Freely),
    // Asks a device for its identification; it takes no command that writes.
    ("sg_inq", Freely),
    ("setfacl", With(&["--test"])),
    ("ss", Freely),
    ("ssh-keygen", With(&["-l", "-lf"])),
    // For rsync with a password.
    ("sshpass", With(&["--dry-run"])),
    ("stat", Freely),
    ("svn", Verb(&["info", "status"])),
    ("sysctl", With(&["-n", "-e", "-a"])),
    (
        "systemctl",
        Verb(&[
            "show",
            "is-enabled",
            "is-active",
            "is-failed",
            "list-units",
            "list-unit-files",
            "cat",
            "status",
            "get-default",
            "is-system-running",
            "show-environment",
            "--version",
        ]),
    ),
    ("systemd-detect-virt", Freely),
    ("systemd-escape", Freely),
    ("tar", With(&["--list", "-t", "-tf", "--diff", "--compare", "-d", "--version"])),
    ("tune2fs", With(&["-l"])),
    ("timedatectl", Verb(&["status", "show", "list-timezones"])),
    ("udevadm", Verb(&["info"])),
    ("ufw", With(&["status", "--version", "version", "--dry-run"])),
    ("uname", Freely),
    ("unzip", With(&["-l", "-Z", "-ZT", "-t", "-Z1", "-v"])),
    ("update-alternatives", With(&["--display", "--list", "--query"])),
    ("uptime", Freely),
    ("visudo", With(&["-c"])),
    ("vgchange", With(&["--help"])),
    ("vgcreate", With(&["--help"])),
    ("vgs", Freely),
    ("virt-what", Freely),
    ("who", Freely),
    ("xfs_info", Freely),
    ("yum", Verb(&["list", "info", "repolist", "check-update", "search"])),
    ("zipinfo", Freely),
    ("zypper", Verb(&["search", "info", "se", "if", "lr", "repos", "list-updates", "list-patches"])),
];

/// What firewalld is asked.
const FIREWALL: &[&str] = &[
    "--state",
    "--version",
    "--list-all",
    "--list-icmp-blocks",
    "--list-interfaces",
    "--list-ports",
    "--list-protocols",
    "--list-services",
    "--list-sources",
    "--get-zones",
    "--get-default-zone",
    "--get-target",
    "--query-forward",
    "--query-forward-port",
    "--query-icmp-block-inversion",
    "--query-port",
    "--query-masquerade",
    "--query-rich-rule",
    "--get-services",
];

/// Options of `git config`, `git branch`, `git remote` and the like that would make them write.
const GIT_WRITES: &[&str] = &[
    "--add",
    "--unset",
    "--unset-all",
    "--replace-all",
    "-d",
    "-D",
    "add",
    "set-url",
    "remove",
    "update",
    "init",
    "sync",
];

/// Says why a command may not be asked, or nothing if it may.
pub(crate) fn refusal(command: &Command) -> Option<String> {
    let name = command.name();
    let Some((_, how)) = LIST.iter().find(|(program, _)| *program == name) else {
        return Some(format!(
            "{name} is not on the list of programs that only read (crates/kit/src/asking.rs)"
        ));
    };
    let args: Vec<_> = command.args.iter().map(|a| a.to_string_lossy()).collect();
    let fits = match how {
        Freely => true,
        With(words) => args.iter().any(|a| words.iter().any(|w| a == w || a.starts_with(&format!("{w}=")))),
        Verb(verbs) => args.iter().any(|a| verbs.contains(&a.as_ref())),
    };
    let writes = name == "git" && args.iter().any(|a| GIT_WRITES.contains(&a.as_ref()));
    (!fits || writes)
        .then(|| format!("{} is not among the ways to call {name} that only read", command.line()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::cmd;

    #[test]
    fn what_writes_is_refused() {
        assert!(refusal(&cmd("systemctl").arg("--no-pager").arg("show").arg("nginx")).is_none());
        assert!(refusal(&cmd("/usr/bin/dpkg-query").arg("-W")).is_none());
        for command in
            [cmd("systemctl").arg("restart"), cmd("rm"), cmd("git").args(["remote", "add", "a", "b"])]
        {
            assert!(refusal(&command).is_some(), "{}", command.line());
        }
    }
}
