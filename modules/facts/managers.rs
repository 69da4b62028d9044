//! Which package manager and which service manager the host has.

use shevek_kit::prelude::*;

use super::{Facts, Wanted, line, put};

/// Programs by which package managers are known, later ones winning over earlier ones as in Ansible.
const PACKAGE_MANAGERS: &[(&str, &str)] = &[
    ("/usr/bin/yum", "yum"),
    ("/usr/bin/apt-get", "apt"),
    ("/usr/bin/zypper", "zypper"),
    ("/usr/sbin/urpmi", "urpmi"),
    ("/usr/bin/pacman", "pacman"),
    ("/usr/bin/xbps-install", "xbps"),
    ("/usr/sbin/pkg", "pkgng"),
    ("/usr/bin/emerge", "portage"),
    ("/usr/bin/swupd", "swupd"),
    ("/sbin/apk", "apk"),
    ("/usr/bin/apk", "apk"),
    ("/usr/bin/dnf-3", "dnf"),
    ("/usr/bin/dnf5", "dnf5"),
];

/// `pkg_mgr`.
pub(super) fn packages(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let found: Vec<&str> =
        PACKAGE_MANAGERS.iter().filter(|(path, _)| host.exists(path)).map(|(_, name)| *name).collect();
    let debian = host.exists("/etc/debian_version");
    let alt = host.exists("/etc/altlinux-release");
    let name = if debian && found.contains(&"apt") {
        "apt"
    } else if alt && found.contains(&"apt") {
        "apt_rpm"
    } else if found.contains(&"dnf5") && (!found.contains(&"dnf") || dnf_is_five(host)) {
        "dnf5"
    } else if found.contains(&"dnf") {
        "dnf"
    } else {
        // An apt that is not the system's own is looked at last.
        let own = found.iter().rfind(|name| **name != "apt");
        own.or(found.first()).copied().unwrap_or("unknown")
    };
    put(facts, "pkg_mgr", name);
    Ok(())
}

/// Whether `dnf` is its fifth version.
fn dnf_is_five(host: &Probe) -> bool {
    host.readlink("/usr/bin/dnf").is_ok_and(|target| target.to_string_lossy().contains("dnf5"))
}

/// `service_mgr`.
pub(super) fn services(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    put(facts, "service_mgr", service_manager(host));
    Ok(())
}

/// `systemd`: its version and what it was built with, where it is in charge.
pub(super) fn systemd(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    if host.which("systemctl").is_none() || !is_booted(host) {
        return Ok(());
    }
    let Ok(ran) = host.ask(cmd("systemctl").arg("--version").any_rc()) else { return Ok(()) };
    let said = ran.out();
    let version = said.split(' ').nth(1).and_then(|word| word.parse::<i64>().ok());
    if let (Some(version), Some(features)) = (version, said.lines().nth(1)) {
        let entries =
            vec![("features".to_owned(), features.into()), ("version".to_owned(), Val::Int(version))];
        put(facts, "systemd", Val::Map(entries));
    }
    Ok(())
}

/// Whether systemd runs the host.
fn is_booted(host: &Probe) -> bool {
    ["/run/systemd/system/", "/dev/.run/systemd/", "/dev/.systemd/"].iter().any(|path| host.exists(path))
}

fn service_manager(host: &Probe) -> String {
    let first = line(host, "/proc/1/comm").unwrap_or_default();
    match first.as_str() {
        "systemd" => return "systemd".to_owned(),
        "runit" | "runit-init" => return "runit".to_owned(),
        "svscan" | "s6-svscan" => return "svc".to_owned(),
        "openrc-init" => return "openrc".to_owned(),
        _ => {}
    }
    let systemctl = host.which("systemctl").is_some();
    if systemctl && is_booted(host) {
        return "systemd".to_owned();
    }
    if host.exists("/sbin/openrc") || host.exists("/usr/sbin/openrc") {
        return "openrc".to_owned();
    }
    let init_is_systemd = host
        .readlink("/sbin/init")
        .is_ok_and(|target| target.file_name().is_some_and(|name| name == "systemd"));
    if systemctl && init_is_systemd {
        return "systemd".to_owned();
    }
    if host.exists("/etc/init.d/") {
        return "sysvinit".to_owned();
    }
    "service".to_owned()
}
