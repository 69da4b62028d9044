//! How many files this process may have open, and how many connections that makes.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shevek_diag::Diagnostic;

/// What is needed beside connections: reporters, files that are sent, key files, the terminal.
const BESIDE: u64 = 128;

/// How many a connection may need: a socket, or the pipes of a program and its process.
const EACH: u64 = 4;

/// Raises the limit of open files as far as so many hosts need it and the system allows. Gives how many connections may be
/// open at once, and a warning where they are fewer than the hosts. In a check run no connection is closed to make room: the
/// host keeps in mind there what would have changed.
pub(crate) fn room_for(hosts: usize, check: bool) -> (usize, Option<Box<Diagnostic>>) {
    let needed = u64::try_from(hosts).unwrap_or(u64::MAX).saturating_mul(EACH).saturating_add(BESIDE);
    let limit = getrlimit(Resource::Nofile);
    let (soft, hard) = (limit.current.unwrap_or(u64::MAX), limit.maximum.unwrap_or(u64::MAX));
    let wanted = needed.min(hard);
    let raised = wanted > soft
        && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }).is_ok();
    let open = if raised { wanted } else { soft };
    let most = most_of(open);
    let warning = (most < hosts).then(|| too_low(open, (most, hosts), check));
    (if check { usize::MAX } else { most }, warning)
}

/// How many connections fit under a limit; where they do not all fit at their dearest, they are counted as sockets.
fn most_of(open: u64) -> usize {
    let room = open.saturating_sub(BESIDE.min(open / 2));
    usize::try_from(room).unwrap_or(usize::MAX).max(1)
}

fn too_low(open: u64, (most, hosts): (usize, usize), check: bool) -> Box<Diagnostic> {
    let so = if check { "the others may not be reached" } else { "connections are closed and made anew" };
    Diagnostic::warning("few open files are allowed")
        .detail(format!("{open} files may be open at once, enough for {most} of {hosts} hosts: {so}"))
        .help(format!(
            "raise the limit: `ulimit -n {}`",
            u64::try_from(hosts).unwrap_or(u64::MAX).saturating_add(BESIDE)
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_hosts_need_nothing_and_too_many_are_told_of() {
        let (most, warning) = room_for(5, false);
        assert!(most >= 5 && warning.is_none());
        assert_eq!((most_of(1024), most_of(64)), (896, 32));
        let warning = too_low(1024, (896, 5000), false);
        assert!(warning.message().contains("896 of 5000 hosts"), "{}", warning.message());
        assert!(warning.help[0].contains("ulimit -n 5128"));
    }
}
