//! By which names the host is known to storage networks.

use shevek_kit::prelude::*;

use super::{Facts, Wanted, line, put, word};

/// `fibre_channel_wwn`.
pub(super) fn fibre_channel(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    const FOLDER: &str = "/sys/class/fc_host";
    let adapters = host.list(FOLDER).unwrap_or_default();
    let names: Vec<String> = adapters
        .iter()
        .filter_map(|adapter| word(host, &format!("{FOLDER}/{}/port_name", adapter.to_string_lossy())))
        .map(|name| name.trim_start_matches("0x").to_owned())
        .collect();
    put(facts, "fibre_channel_wwn", names);
    Ok(())
}

/// `iscsi_iqn`.
pub(super) fn iscsi(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let text = line(host, "/etc/iscsi/initiatorname.iscsi").unwrap_or_default();
    let name = text.lines().find_map(|entry| entry.strip_prefix("InitiatorName="));
    put(facts, "iscsi_iqn", name.unwrap_or_default());
    Ok(())
}

/// `hostnqn`.
pub(super) fn nvme(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let text = line(host, "/etc/nvme/hostnqn").unwrap_or_default();
    put(facts, "hostnqn", text.lines().find(|entry| entry.starts_with("nqn.")).unwrap_or_default());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_where_they_are_kept() {
        let world = World::new().file("/sys/class/fc_host/host0/port_name", "0x21000014ff52a9bb\n").file(
            "/etc/iscsi/initiatorname.iscsi",
            "## comment\nInitiatorName=iqn.1993-08.org.debian:01:44\n",
        );
        let wanted = Wanted { subsets: Vec::new(), fact_path: String::new() };
        let mut facts = Facts::new();
        for collect in [fibre_channel, iscsi, nvme] {
            collect(&world.probe(), &wanted, &mut facts).unwrap();
        }
        let expected: Facts = vec![
            ("fibre_channel_wwn".to_owned(), Val::from(vec!["21000014ff52a9bb".to_owned()])),
            ("iscsi_iqn".to_owned(), "iqn.1993-08.org.debian:01:44".into()),
            ("hostnqn".to_owned(), "".into()),
        ];
        assert_eq!(facts, expected);
    }
}
