//! The hosts' counts at the end.

use std::io;

use shevek_event::{Counts, Recap};

use super::result::dump_value;
use crate::screen::{Screen, Stream};
use crate::{Colour, Look};

/// Shows the counts, and what `set_stats` collected.
pub(super) fn show(recap: &Recap, look: &Look, screen: &mut Screen) -> io::Result<()> {
    screen.banner("PLAY RECAP")?;
    for (host, counts) in &recap.hosts {
        let host = screen.harmless(host);
        let plain = format!("{host:<26} : {}", columns(counts, |text, _| text));
        let text = if screen.has_colours() {
            let palette = &screen.palette;
            let colour = if counts.failed > 0 || counts.unreachable > 0 {
                &palette.error
            } else if counts.changed > 0 {
                &palette.changed
            } else {
                &palette.ok
            };
            let name = screen.paint(&host, colour);
            let counts = columns(counts, |text, colour| {
                colour.map_or(text.clone(), |pick| screen.paint(&text, pick(screen)))
            });
            format!("{name:<37} : {counts}")
        } else {
            plain.clone()
        };
        screen.painted(&text, &plain)?;
    }
    screen.empty()?;
    unreachable(recap, screen)?;
    custom(recap, look, screen)
}

// Differs from Ansible: the hosts that could not be reached are named once more at the end, each with the reason, on
// standard error.
fn unreachable(recap: &Recap, screen: &mut Screen) -> io::Result<()> {
    if recap.unreachable.is_empty() {
        return Ok(());
    }
    let colour = screen.palette.unreachable.clone();
    screen.line("UNREACHABLE HOSTS", Some(&colour), Stream::Err)?;
    for (host, reason) in &recap.unreachable {
        // One line each, whatever the host has said.
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        screen.line(&format!("{host}: {reason}"), Some(&colour), Stream::Err)?;
    }
    Ok(())
}

type Pick = fn(&Screen) -> &Colour;

fn columns(counts: &Counts, paint: impl Fn(String, Option<Pick>) -> String) -> String {
    let columns: [(&str, u32, Pick); 7] = [
        ("ok", counts.ok, |screen| &screen.palette.ok),
        ("changed", counts.changed, |screen| &screen.palette.changed),
        ("unreachable", counts.unreachable, |screen| &screen.palette.unreachable),
        ("failed", counts.failed, |screen| &screen.palette.error),
        ("skipped", counts.skipped, |screen| &screen.palette.skip),
        ("rescued", counts.rescued, |screen| &screen.palette.ok),
        ("ignored", counts.ignored, |screen| &screen.palette.warn),
    ];
    let columns =
        columns.map(|(name, count, pick)| paint(format!("{name}={count:<4}"), (count > 0).then_some(pick)));
    columns.join(" ")
}

fn custom(recap: &Recap, look: &Look, screen: &mut Screen) -> io::Result<()> {
    let Some(custom) = recap.custom.as_ref().filter(|_| look.custom_stats) else { return Ok(()) };
    screen.banner("CUSTOM STATS: ")?;
    let one_line = |value| dump_value(value, 1, look).replace('\n', "");
    for (host, value) in &custom.hosts {
        screen.line(&format!("\t{host}: {}", one_line(value)), None, Stream::Out)?;
    }
    if let Some(run) = &custom.run {
        screen.painted("", "")?;
        screen.line(&format!("\tRUN: {}", one_line(run)), None, Stream::Out)?;
    }
    screen.painted("", "")
}
