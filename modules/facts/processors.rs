//! Processors.

use std::collections::BTreeSet;

use shevek_kit::prelude::*;

use super::{Facts, Wanted, line, put};

/// `processor*`.
pub(super) fn collect(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let text = line(host, "/proc/cpuinfo").unwrap_or_default();
    let mut names: Vec<Val> = Vec::new();
    let mut sockets = BTreeSet::new();
    let (mut count, mut cores, mut siblings) = (0_i64, 1_i64, 0_i64);
    for entry in text.lines() {
        let Some((key, value)) = entry.split_once(':') else { continue };
        let (key, value) = (key.trim(), value.trim());
        match key {
            "processor" => {
                count += 1;
                names.push(value.into());
            }
            "vendor_id" | "model name" | "Processor" | "cpu" | "vendor" => names.push(value.into()),
            "physical id" => {
                sockets.insert(value.to_owned());
            }
            "cpu cores" => cores = value.parse().unwrap_or(1),
            "siblings" => siblings = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    let sockets_count =
        i64::try_from(sockets.len()).unwrap_or(1).max(if sockets.is_empty() { count.max(1) } else { 1 });
    let cores = if sockets.is_empty() { 1 } else { cores.max(1) };
    let threads = if siblings > 0 { (siblings / cores).max(1) } else { 1 };
    let flags =
        text.lines().filter_map(|entry| entry.split_once(':')).rfind(|(key, _)| key.trim() == "flags");
    if let Some((_, flags)) = flags {
        put(facts, "flags", flags.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    }
    put(facts, "processor", Val::List(names));
    put(facts, "processor_count", sockets_count);
    put(facts, "processor_cores", cores);
    put(facts, "processor_threads_per_core", threads);
    put(facts, "processor_vcpus", if count > 0 { count } else { sockets_count * cores * threads });
    put(facts, "processor_nproc", available(host).unwrap_or(count.max(1)));
    Ok(())
}

/// How many processors this process may use.
fn available(host: &Probe) -> Option<i64> {
    let status = line(host, "/proc/self/status")?;
    let list = status.lines().find_map(|entry| entry.strip_prefix("Cpus_allowed_list:"))?;
    let mut count = 0;
    for part in list.trim().split(',') {
        count += match part.split_once('-') {
            Some((from, to)) => to.parse::<i64>().ok()? - from.parse::<i64>().ok()? + 1,
            None => 1,
        };
    }
    Some(count)
}
