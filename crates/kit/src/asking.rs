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
    /// With nothing but these as its arguments, or none.
    Bare(&'static [&'static str]),
    /// As this function says, which gets the arguments.
    So(fn(&[&str]) -> bool),
}

use How::{Bare, Freely, So, Verb, With};

const LIST: &[(&str, How)] = &[
    ("alternatives", With(&["--display", "--list"])),
    ("apk", So(apk_reads)),
    ("apt-cache", Freely),
    ("apt-config", Verb(&["dump", "shell"])),
    ("apt-get", With(&["-s", "--simulate"])),
    ("apt-key", With(&["--list-public-keys", "list", "finger"])),
    ("apt-mark", Verb(&["showhold", "showauto", "showmanual"])),
    ("arch", Freely),
    ("bcachefs", Verb(&["show-super"])),
    ("at", With(&["-c"])),
    ("atq", Freely),
    ("blkid", Freely),
    ("bmake", With(&["-q"])),
    ("blockdev", With(&["--getsize64", "--getss", "--getro"])),
    ("btrfs", So(|args| matches!(args, ["filesystem", "usage" | "show" | "df", ..]))),
    ("busctl", With(&["getZoneByName", "getZoneOfInterface"])),
    ("capsh", With(&["--print"])),
    ("chronyc", Verb(&["tracking", "sources"])),
    ("crontab", With(&["-l"])),
    ("chkconfig", With(&["--list", "-l"])),
    ("date", With(&["+%Z", "+%z"])),
    ("debconf-get-selections", Freely),
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
    // With `--test` it only tells.
    ("dpkg-divert", With(&["--list", "--listpackage", "--truename", "--test", "--version"])),
    ("dpkg-query", Freely),
    ("dmsetup", Verb(&["info"])),
    ("dnf", So(dnf_reads)),
    ("dnf-3", So(dnf_reads)),
    ("dnf5", So(dnf_reads)),
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
    ("git", So(git_reads)),
    ("gmake", With(&["-q"])),
    ("gpg", So(gpg_reads)),
    ("gpg2", So(gpg_reads)),
    ("hostname", Bare(&["-f", "--fqdn", "--long", "-s", "--short", "-d", "--domain", "-i", "-I", "-A"])),
    ("hostnamectl", Verb(&["status", "hostname", "show"])),
    ("id", Freely),
    ("initctl", Verb(&["list", "status"])),
    ("ip", So(ip_reads)),
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
    // With -q it runs only what the Makefile itself wants to be run even then.
    ("make", With(&["-q"])),
    ("matchpathcon", Freely),
    ("mkfs.btrfs", With(&["--version"])),
    // It tells its version; /dev/null it refuses.
    ("mkfs.f2fs", With(&["/dev/null"])),
    ("modinfo", Freely),
    ("modprobe", With(&["-n"])),
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
    ("parted", So(parted_reads)),
    ("patch", With(&["--dry-run"])),
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
    ("zypper", So(zypper_reads)),
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

/// What makes a program write in spite of the list above: options, or options and a value after `=`.
const NEVER: &[(&str, &[&str])] = &[
    ("at", &["-r", "-d", "-f"]),
    ("blkid", &["-g", "--garbage-collect"]),
    ("date", &["-s", "--set"]),
    ("dmidecode", &["--dump-bin"]),
    (
        "dpkg",
        &[
            "-i",
            "--install",
            "-r",
            "--remove",
            "-P",
            "--purge",
            "--unpack",
            "--configure",
            "--set-selections",
        ],
    ),
    ("file", &["--compile"]),
    ("gpg", GPG_WRITES),
    ("gpg2", GPG_WRITES),
    (
        "journalctl",
        &[
            "--cursor-file",
            "--flush",
            "--relinquish-var",
            "--rotate",
            "--setup-keys",
            "--smart-relinquish-var",
            "--sync",
            "--update-catalog",
            "--vacuum-files",
            "--vacuum-size",
            "--vacuum-time",
        ],
    ),
    ("openssl", &["-out"]),
    // What else it is told to do it only prints, with any of the options above.
    ("pacman", &["--refresh"]),
    ("rpm", &["-e", "--erase", "-i", "--install", "-U", "--upgrade", "-F", "--freshen", "--import"]),
    ("ss", &["--kill", "--diag"]),
    ("sysctl", &["-w", "--write", "-p", "--load", "--system"]),
];

const GPG_WRITES: &[&str] =
    &["--recv-keys", "--refresh-keys", "--delete-keys", "--edit-key", "--output", "-o", "--gen-key"];
/// Letters that make a program write, also within a group of them (`ss -tK`).
const NEVER_LETTERS: &[(&str, &[char])] = &[("file", &['C']), ("pacman", &['y']), ("ss", &['K', 'D'])];

/// Options before a verb whose value is the next argument.
const VALUED: &[&str] =
    &["-C", "-c", "-o", "-n", "-t", "-r", "--username", "--password", "--config", "--root", "-p"];

/// Where the first argument stands that is no option and no option's value.
fn verb_at(args: &[&str]) -> Option<usize> {
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        match arg.starts_with('-') {
            false => return Some(at),
            true => at += 1 + usize::from(VALUED.contains(arg)),
        }
    }
    None
}

/// `apk`: verbs that read, and others that are only played.
fn apk_reads(args: &[&str]) -> bool {
    const VERBS: &[&str] = &["info", "version", "list", "search", "policy"];
    // The repositories stand before the verb.
    let mut rest = args;
    while let ["--repository" | "--repositories-file", _, tail @ ..] | ["--no-cache" | "-v", tail @ ..] = rest
    {
        rest = tail;
    }
    match rest {
        [verb, ..] if VERBS.contains(verb) => true,
        ["add" | "del" | "upgrade", options @ ..] => options.contains(&"--simulate"),
        _ => false,
    }
}

/// `dnf`: verbs that read, and those that ask before they do anything where the answer is no.
fn dnf_reads(args: &[&str]) -> bool {
    const VERBS: &[&str] =
        &["list", "info", "repoquery", "repolist", "repo", "check-update", "check-upgrade", "search"];
    const ASKING: &[&str] =
        &["install", "upgrade", "update", "downgrade", "remove", "autoremove", "group", "distro-sync"];
    let verb = verb_at(args).and_then(|at| args.get(at));
    let is_no = args.first() == Some(&"--assumeno") && !args.contains(&"-y");
    verb.is_some_and(|verb| VERBS.contains(verb) || is_no && ASKING.contains(verb))
}

/// `parted`: a script that only prints.
fn parted_reads(args: &[&str]) -> bool {
    matches!(args, ["--version"] | ["-s", "-m", _, "--", "unit", _, "print"])
}

/// `zypper`: verbs that read, and others that are only played. Keys of repositories are never taken over by the way.
fn zypper_reads(args: &[&str]) -> bool {
    const READ: &[&str] = &["search", "info", "se", "if", "lr", "repos", "list-updates", "list-patches"];
    const PLAYED: &[&str] = &["install", "remove", "update", "patch", "dist-upgrade"];
    // Before the verb stand options, some with a value of their own.
    let verb = args.iter().position(|arg| READ.contains(arg) || PLAYED.contains(arg));
    let Some((before, [verb, after @ ..])) = verb.and_then(|at| args.split_at_checked(at)) else {
        return false;
    };
    let are_options = before.iter().enumerate().all(|(at, arg)| {
        arg.starts_with('-')
            || at.checked_sub(1).and_then(|at| before.get(at)).is_some_and(|arg| arg.starts_with("--"))
    });
    are_options
        && !before.contains(&"--gpg-auto-import-keys")
        && (READ.contains(verb)
            || after.iter().take_while(|arg| **arg != "--").any(|arg| *arg == "--dry-run"))
}

/// `gpg`: keys that it is given, without a key ring and a trust database of its own, which it would make in the user's home.
fn gpg_reads(args: &[&str]) -> bool {
    let leaves_nothing =
        args.contains(&"--no-keyring") && args.windows(2).any(|two| two == ["--trust-model", "always"]);
    args == ["--version"] || (leaves_nothing && args.contains(&"--with-colons"))
}

fn plain<'a>(args: &[&'a str]) -> Vec<&'a str> {
    args.iter().copied().filter(|arg| !arg.starts_with('-')).collect()
}

/// `ip`: an object alone, or one to be shown.
fn ip_reads(args: &[&str]) -> bool {
    const OPTIONS: &[&str] = &[
        "-o", "-oneline", "-4", "-6", "-j", "-json", "-p", "-pretty", "-d", "-details", "-s", "-stats", "-br",
    ];
    let options = args.iter().take_while(|arg| arg.starts_with('-'));
    let known = options.clone().all(|option| OPTIONS.contains(option));
    let words: Vec<_> = args.iter().skip(options.count()).collect();
    known && words.get(1).is_none_or(|verb| ["show", "list", "lst", "ls", "get"].contains(*verb))
}

/// `git`: verbs that read, and those that read when called so.
fn git_reads(args: &[&str]) -> bool {
    let Some(at) = verb_at(args) else { return args.contains(&"--version") };
    let rest = args.get(at + 1..).unwrap_or_default();
    let words = plain(rest);
    let has = |options: &[&str]| {
        rest.iter().any(|arg| {
            options.iter().any(|o| arg == o || arg.strip_prefix(o).is_some_and(|r| r.starts_with('=')))
        })
    };
    if has(&["--output"]) {
        return false;
    }
    let first = words.first().copied();
    match args.get(at).copied().unwrap_or_default() {
        "rev-parse" | "ls-remote" | "status" | "show-ref" | "for-each-ref" | "diff" | "describe"
        | "cat-file" | "log" | "verify-tag" | "verify-commit" | "version" => true,
        "branch" => {
            let lists = has(&[
                "-a",
                "--all",
                "-r",
                "--remotes",
                "--list",
                "--contains",
                "--merged",
                "--show-current",
            ]);
            let writes =
                ["-d", "-D", "-m", "-M", "-c", "-C", "-f", "-u", "-t", "--delete", "--move", "--copy"];
            let more = ["--force", "--set-upstream-to", "--unset-upstream", "--edit-description", "--track"];
            (words.is_empty() || lists) && !has(&writes) && !has(&more)
        }
        "tag" => {
            let lists = has(&["-l", "--list", "--contains", "--points-at", "--merged"]);
            (rest.is_empty() || lists)
                && !has(&["-d", "--delete", "-f", "--force", "-a", "-s", "-u", "-m", "-F"])
        }
        "config" => {
            has(&["--get", "--get-all", "--get-regexp", "--list", "-l"])
                || matches!(first, Some("get" | "list"))
        }
        "remote" => matches!(first, None | Some("show" | "get-url")),
        "symbolic-ref" => words.len() <= 1 && !has(&["-d", "--delete"]),
        "submodule" => match words.as_slice() {
            ["status" | "summary", ..] => true,
            ["foreach", program, "rev-parse", ..] => program.rsplit('/').next() == Some("git"),
            _ => false,
        },
        _ => false,
    }
}

/// Says why a command may not be asked, or nothing if it may.
pub(crate) fn refusal(command: &Command) -> Option<String> {
    let name = command.name();
    let Some((_, how)) = LIST.iter().find(|(program, _)| *program == name) else {
        return Some(format!(
            "{name} is not on the list of programs that only read (crates/kit/src/asking.rs)"
        ));
    };
    let args: Vec<_> = command.args.iter().map(|a| a.to_string_lossy()).collect();
    let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
    let is = |arg: &str, word: &str| {
        arg == word || arg.strip_prefix(word).is_some_and(|rest| rest.starts_with('='))
    };
    let fits = match how {
        Freely => true,
        With(words) => args.iter().any(|arg| words.iter().any(|word| is(arg, word))),
        Verb(verbs) => verb_at(&args).map_or_else(
            || args.iter().any(|arg| verbs.contains(arg)),
            |at| args.get(at).is_some_and(|arg| verbs.contains(arg)),
        ),
        Bare(words) => args.iter().all(|arg| words.contains(arg)),
        So(reads) => reads(&args),
    };
    let of = |list: &[(&str, &'static [&'static str])]| {
        list.iter().find(|(program, _)| *program == name).map(|(_, words)| *words).unwrap_or_default()
    };
    let never = of(NEVER);
    let letters = NEVER_LETTERS
        .iter()
        .find(|(program, _)| *program == name)
        .map(|(_, letters)| *letters)
        .unwrap_or_default();
    let writes = args.iter().any(|arg| {
        let group = arg.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        never.iter().any(|word| is(arg, word))
            || group.is_some_and(|group| group.contains(letters))
            || (name == "sysctl" && arg.contains('='))
    });
    // An import that only shows what it would import is the one way to see the fingerprints of a file's keys.
    let imports = name.starts_with("gpg") && args.contains(&"--import");
    let writes = writes || (imports && !["show-only", "--dry-run"].iter().all(|word| args.contains(word)));
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

    #[test]
    fn a_program_that_reads_may_not_write_by_the_way() {
        let command = |line: &str| {
            let mut words = line.split(' ');
            cmd(words.next().unwrap()).args(words)
        };
        for line in [
            "dnf --assumeno clean all",
            "dnf --assumeno install vim -y",
            "dnf install vim",
            "hostname web",
            "hostname -F /etc/hostname",
            "ip link set eth0 down",
            "ip -batch file",
            "ip addr add 10.0.0.1/8 dev show",
            "journalctl --vacuum-size=1M",
            "ss -tK dst 10.0.0.1",
            "file -C -m magic",
            "btrfs filesystem resize max /mnt",
            "pacman -Sy --list core",
            "git branch new",
            "git branch -D old",
            "git tag v1",
            "git tag -d v1",
            "git config user.name x",
            "git config --unset user.name",
            "git remote set-url origin x",
            "git push origin status",
            "git diff --output=x",
            "git symbolic-ref HEAD refs/heads/x",
            "git submodule foreach rm -rf",
            "git submodule update",
            "systemctl stop show",
            "sysctl -n kernel.panic=1",
            "gpg --no-keyring --trust-model always --with-colons --import key",
            "gpg --with-colons -",
            "gpg --no-keyring --with-colons -",
            "gpg --list-keys",
            "date +%z -s now",
            "apk add nginx",
            "apk --repository add del --purge info",
            "apk update --simulate",
            "parted -s -m /dev/sdb -- unit KiB rm 1 print",
            "parted -s -f -m /dev/sdb -- unit KiB print",
            "zypper --non-interactive install -- --dry-run",
            "zypper refresh search",
            "zypper --gpg-auto-import-keys install --dry-run x",
            "dpkg-divert --add /bin/x",
        ] {
            assert!(refusal(&command(line)).is_some(), "{line}");
        }
        for line in [
            "hostname",
            "hostname -f",
            "ip -o addr show",
            "ip -4 route get 8.8.8.8",
            "ip link",
            "journalctl -u ssh",
            "ss -tlnp",
            "file --mime-type a",
            "btrfs filesystem usage -b /mnt",
            "pacman -Qi bash",
            "pacman --upgrade --print-format %n a.pkg",
            "git branch --no-color -a",
            "git -C /srv branch",
            "git tag --list v*",
            "git config --get-all user.name",
            "git remote get-url origin",
            "git ls-remote --get-url origin",
            "git submodule foreach /usr/bin/git rev-parse HEAD",
            "systemctl --user show nginx",
            "dnf -y -c /etc/dnf.conf repoquery x",
            "sysctl -n kernel.panic",
            "gpg --no-keyring --trust-model always --with-colons -",
            "gpg --version",
            "apk --no-cache --repository /srv --repositories-file /dev/null -v info --installed x",
            "apk del --purge --simulate x",
            "parted -s -m /dev/sdb -- unit KiB print",
            "zypper --xmlout --root /mnt --disable-repositories search --type package x",
            "zypper --quiet install --type package --dry-run -- +x",
            "dpkg-divert --test --rename --add /bin/x",
            "date +%z",
        ] {
            assert!(refusal(&command(line)).is_none(), "{line}");
        }
    }
}
