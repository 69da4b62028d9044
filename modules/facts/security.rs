//! SELinux, AppArmor, FIPS, capabilities, and the host's SSH keys.

use shevek_kit::prelude::*;

use super::{Facts, Wanted, line, put};

/// All of them.
pub(super) fn collect(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    selinux(host, facts);
    let apparmor = if host.exists("/sys/kernel/security/apparmor") { "enabled" } else { "disabled" };
    put(facts, "apparmor", Val::Map(vec![("status".to_owned(), apparmor.into())]));
    put(facts, "fips", line(host, "/proc/sys/crypto/fips_enabled").as_deref() == Some("1"));
    ssh_keys(host, facts);
    Ok(())
}

/// `system_capabilities`, as `capsh` prints them; `N/A` without it.
pub(super) fn capabilities(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let said = match host.which("capsh") {
        Some(_) => host.ask(cmd("capsh").arg("--print").any_rc()).ok().filter(Ran::ok),
        None => None,
    };
    let Some(said) = said.map(|ran| ran.out()) else {
        put(facts, "system_capabilities_enforced", "N/A");
        put(facts, "system_capabilities", "N/A");
        return Ok(());
    };
    let current = said.lines().find_map(|entry| entry.strip_prefix("Current:")).map(str::trim);
    let (enforced, list) = match current {
        None => ("NA", Vec::new()),
        Some("=ep") => ("False", Vec::new()),
        Some(current) => {
            let list = current.split('=').nth(1).unwrap_or_default();
            ("True", list.split(',').map(|word| word.trim().to_owned()).collect())
        }
    };
    put(facts, "system_capabilities_enforced", enforced);
    put(facts, "system_capabilities", list);
    Ok(())
}

fn selinux(host: &Probe, facts: &mut Facts) {
    let config = line(host, "/etc/selinux/config").unwrap_or_default();
    let set = |key: &str| {
        config
            .lines()
            .find_map(|entry| entry.strip_prefix(key)?.strip_prefix('='))
            .map(|v| v.trim().to_owned())
    };
    let mut entries: Vec<(String, Val)> = Vec::new();
    let mut add = |key: &str, value: Val| entries.push((key.to_owned(), value));
    match line(host, "/sys/fs/selinux/enforce") {
        None => add("status", "disabled".into()),
        Some(enforce) => {
            add("status", "enabled".into());
            let version = line(host, "/sys/fs/selinux/policyvers").and_then(|text| text.parse::<i64>().ok());
            add("policyvers", version.map_or_else(|| "unknown".into(), Val::Int));
            add("config_mode", set("SELINUX").unwrap_or_else(|| "unknown".to_owned()).into());
            add("mode", if enforce == "1" { "enforcing" } else { "permissive" }.into());
            add("type", set("SELINUXTYPE").unwrap_or_else(|| "unknown".to_owned()).into());
        }
    }
    put(facts, "selinux", Val::Map(entries));
    put(facts, "selinux_python_present", true);
}

fn ssh_keys(host: &Probe, facts: &mut Facts) {
    for folder in ["/etc/ssh", "/etc/openssh", "/etc"] {
        let mut found = false;
        for kind in ["dsa", "rsa", "ecdsa", "ed25519"] {
            let Some(text) = line(host, &format!("{folder}/ssh_host_{kind}_key.pub")) else { continue };
            let mut words = text.split_whitespace();
            if let (Some(algorithm), Some(key)) = (words.next(), words.next()) {
                found = true;
                put(facts, &format!("ssh_host_key_{kind}_public"), key);
                put(facts, &format!("ssh_host_key_{kind}_public_keytype"), algorithm);
            }
        }
        if found {
            return;
        }
    }
}
