//! What hosts are busy with, at the bottom of the terminal.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use shevek_event::{Event, Phase, Stamped, TaskId};

/// Drawn at most this often.
const PACE: Duration = Duration::from_millis(100);

/// Hosts named, slowest first.
const NAMED: usize = 4;

/// Nothing is drawn for tasks quicker than this.
const PATIENCE: Duration = Duration::from_millis(400);

/// Lines that come and go.
pub(super) struct Live {
    bar: ProgressBar,
    drawn: Option<Instant>,
    /// What is on the screen, unless printing has cleared it.
    shown: String,
    task: Option<(TaskId, String)>,
    /// Hosts at work: since when, and in what phase since when.
    busy: HashMap<String, Busy>,
    done: usize,
    /// Nothing is drawn over a question, until something happens.
    is_asking: bool,
}

struct Busy {
    since: Instant,
    phase: Option<(Phase, Instant)>,
}

impl Live {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            drawn: None,
            shown: String::new(),
            task: None,
            busy: HashMap::new(),
            done: 0,
            is_asking: false,
        }
    }

    pub(super) fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    pub(super) fn on(&mut self, event: &Stamped) {
        self.is_asking = false;
        match &event.event {
            Event::TaskStarted(task) => {
                self.task = Some((task.id, task.name.clone()));
                self.done = 0;
            }
            Event::HostStarted(started) => {
                self.busy.insert(started.host.clone(), Busy { since: Instant::now(), phase: None });
            }
            Event::Phase(update) => {
                // A host that only does another one's work has no line of its own.
                if let Some(busy) = self.busy.get_mut(&update.host) {
                    busy.phase = Some((update.phase, Instant::now()));
                }
            }
            Event::HostDone(result) => {
                self.busy.remove(&result.host);
                self.done += 1;
            }
            Event::PlayStarted(_) | Event::Recap(_) | Event::RunFinished(_) => {
                self.busy.clear();
                self.task = None;
                self.clear();
            }
            _ => {}
        }
        if self.drawn.is_none_or(|drawn| drawn.elapsed() > PACE) {
            self.draw();
        }
    }

    /// A question follows.
    pub(super) fn make_way(&mut self) {
        self.clear();
        self.is_asking = true;
    }

    pub(super) fn draw(&mut self) {
        if self.is_asking {
            return;
        }
        self.drawn = Some(Instant::now());
        let text = self.text();
        if text.is_empty() {
            self.clear();
        } else if self.bar.is_finished() || text != self.shown {
            self.bar.reset();
            self.bar.set_message(text.clone());
            self.bar.tick();
            self.shown = text;
        }
    }

    pub(super) fn clear(&mut self) {
        self.shown.clear();
        if !self.bar.is_finished() {
            self.bar.finish_and_clear();
        }
    }

    fn text(&self) -> String {
        let mut slow: Vec<(&String, &Busy)> =
            self.busy.iter().filter(|(_, busy)| busy.since.elapsed() > PATIENCE).collect();
        if slow.is_empty() {
            return String::new();
        }
        slow.sort_by_key(|(host, busy)| (busy.since, host.as_str()));
        let name = self.task.as_ref().map_or("", |(_, name)| name.as_str());
        let mut lines = vec![format!("… {name}: {} done, {} at work", self.done, self.busy.len())];
        for (host, busy) in slow.iter().take(NAMED) {
            let what = busy.phase.map_or("working", |(phase, _)| phase.words());
            let mut line = format!("    {host}: {what}, {}", seconds(busy.since.elapsed()));
            if let Some((_, since)) =
                busy.phase.filter(|(_, since)| since.duration_since(busy.since) > PATIENCE)
            {
                line += &format!(" ({} in this phase)", seconds(since.elapsed()));
            }
            lines.push(line);
        }
        if slow.len() > NAMED {
            lines.push(format!("    and {} more", slow.len() - NAMED));
        }
        let harmless = |line: &str| line.replace(char::is_control, "?");
        lines.iter().map(|line| harmless(line)).collect::<Vec<_>>().join("\n")
    }
}

fn seconds(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 { format!("{seconds}s") } else { format!("{}m{:02}s", seconds / 60, seconds % 60) }
}
