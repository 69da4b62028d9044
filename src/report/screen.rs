//! Where text goes: the terminal or pipes, and the log file.

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::Zoned;

use crate::{Colour, Palette};

/// Standard output or standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stream {
    /// Standard output.
    #[default]
    Out,
    /// Standard error.
    Err,
}

/// Columns of banners where there is no terminal.
const COLUMNS: usize = 79;

/// Writes lines.
pub struct Screen {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    log: Option<Log>,
    /// The colours, if there are any.
    colours: bool,
    /// Which colour is for what.
    pub palette: Palette,
    columns: usize,
    /// Whether someone's terminal would obey escapes in what hosts print: standard output, and standard error.
    terminals: (bool, bool),
    /// The live lines, which have to make way.
    live: Option<indicatif::ProgressBar>,
}

struct Log {
    file: Box<dyn Write + Send>,
    user: String,
}

impl Screen {
    /// A screen that writes to these, without colours.
    pub fn new(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Self {
            out,
            err,
            log: None,
            colours: false,
            palette: Palette::default(),
            columns: COLUMNS,
            terminals: (false, false),
            live: None,
        }
    }

    /// With colours.
    #[must_use]
    pub fn coloured(mut self, palette: Palette) -> Self {
        self.colours = true;
        self.palette = palette;
        self
    }

    /// Standard output is a terminal of this width: control characters in what hosts print are made visible there.
    #[must_use]
    pub fn terminal(mut self, columns: usize) -> Self {
        self.terminals.0 = true;
        self.columns = COLUMNS.max(columns.saturating_sub(1));
        self
    }

    /// Standard error is a terminal: control characters in what hosts print are made visible there.
    #[must_use]
    pub fn terminal_for_errors(mut self) -> Self {
        self.terminals.1 = true;
        self
    }

    /// Writes everything to a log file as well, in the user's name.
    #[must_use]
    pub fn logging(mut self, file: Box<dyn Write + Send>, user: String) -> Self {
        self.log = Some(Log { file, user });
        self
    }

    /// Keeps clear of live lines.
    pub(crate) fn set_live(&mut self, live: Option<indicatif::ProgressBar>) {
        self.live = live;
    }

    /// One line (or several), with a newline at its end.
    pub fn line(&mut self, text: &str, colour: Option<&Colour>, stream: Stream) -> io::Result<()> {
        let text = text.replace("\r\n", "\n");
        let text = text.strip_suffix('\n').unwrap_or(&text);
        self.log(text)?;
        let is_terminal = match stream {
            Stream::Out => self.terminals.0,
            Stream::Err => self.terminals.1,
        };
        let seen = if is_terminal { visible(text) } else { Cow::Borrowed(text) };
        let text = seen.as_ref();
        match colour.filter(|_| self.colours) {
            Some(colour) => self.write(&colour.paint(text), stream),
            None => self.write(text, stream),
        }
    }

    /// A line that is put together and painted already, and its plain text for the log.
    pub fn painted(&mut self, text: &str, plain: &str) -> io::Result<()> {
        self.log(plain)?;
        self.write(text, Stream::Out)
    }

    /// An empty line, which is in no log.
    pub fn empty(&mut self) -> io::Result<()> {
        self.write("", Stream::Out)
    }

    /// A heading: an empty line, and the text with stars up to the edge.
    pub fn banner(&mut self, text: &str) -> io::Result<()> {
        let text = text.trim();
        let stars = self.columns.saturating_sub(console::measure_text_width(text)).max(3);
        self.line(&format!("\n{text} {}", "*".repeat(stars)), None, Stream::Out)
    }

    /// The text in a colour, if there are colours.
    pub fn paint(&self, text: &str, colour: &Colour) -> String {
        if self.colours { colour.paint(text) } else { text.to_owned() }
    }

    /// Whether there are colours.
    pub fn has_colours(&self) -> bool {
        self.colours
    }

    /// The text as it may be written to standard output: Windows' line ends are Unix', and on a terminal no control
    /// characters but line ends and tabs are left, so that what a host prints can't play tricks.
    pub fn harmless(&self, text: &str) -> String {
        let text = text.replace("\r\n", "\n");
        if self.terminals.0 { visible(&text).into_owned() } else { text }
    }

    fn write(&mut self, text: &str, stream: Stream) -> io::Result<()> {
        // Live lines make way, and come back when they are drawn the next time.
        if let Some(live) = self.live.as_ref().filter(|live| !live.is_finished()) {
            live.finish_and_clear();
        }
        let target = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        target.write_all(text.as_bytes())?;
        target.write_all(b"\n")?;
        target.flush()
    }

    fn log(&mut self, text: &str) -> io::Result<()> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let time = Zoned::now().strftime("%Y-%m-%d %H:%M:%S,%3f").to_string();
        // Whoever looks at it later will do so on a terminal.
        let text = visible(text.trim_start_matches('\n'));
        let Log { file, user } = log;
        writeln!(file, "{time} p={} u={user} n=ansible INFO| {text}", std::process::id())
    }
}

/// The text with control characters, but for line ends and tabs, shown as such.
fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match u32::from(c) {
            code @ (0..=0x1f | 0x7f) if is_control(c) => {
                out.push('^');
                out.extend(char::from_u32(code ^ 0x40));
            }
            code if is_control(c) => out.push_str(&format!("\\x{code:02x}")),
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Controls that a terminal might obey; C1 controls among them.
fn is_control(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

/// The width of the terminal that standard output is, if it is one.
pub fn terminal_columns() -> Option<usize> {
    let terminal = console::Term::stdout();
    terminal.is_term().then(|| usize::from(terminal.size().1))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A writer whose text can be looked at.
    #[derive(Clone, Default)]
    pub(crate) struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Paper {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn screen() -> (Screen, Paper) {
        let paper = Paper::default();
        (Screen::new(Box::new(paper.clone()), Box::new(paper.clone())), paper)
    }

    #[test]
    fn escapes_from_hosts_do_nothing_on_a_terminal_and_stay_in_pipes() {
        let trick = "\u{1b}]0;owned\u{7}\u{9b}2J\ttab\r\n";
        let (screen, paper) = screen();
        let mut screen = screen.terminal(80);
        screen.line(trick, None, Stream::Out).unwrap();
        assert_eq!(paper.text(), "^[]0;owned^G\\x9b2J\ttab\n");
        let (mut screen, paper) = self::screen();
        screen.line(trick, None, Stream::Out).unwrap();
        assert_eq!(paper.text(), "\u{1b}]0;owned\u{7}\u{9b}2J\ttab\n");
    }

    #[test]
    fn each_stream_is_a_terminal_by_itself_and_the_log_is_always_harmless() {
        let (out, err, log) = (Paper::default(), Paper::default(), Paper::default());
        let screen = Screen::new(Box::new(out.clone()), Box::new(err.clone()));
        let mut screen = screen.terminal_for_errors().logging(Box::new(log.clone()), "someone".to_owned());
        for stream in [Stream::Out, Stream::Err] {
            screen.line("\u{1b}[2J", None, stream).unwrap();
        }
        assert_eq!((out.text().as_str(), err.text().as_str()), ("\u{1b}[2J\n", "^[[2J\n"));
        assert_eq!(log.text().matches("INFO| ^[[2J\n").count(), 2);
    }

    #[test]
    fn banners_reach_the_edge_and_have_three_stars_at_least() {
        let (mut screen, paper) = screen();
        screen.banner("TASK [日本]").unwrap();
        screen.banner(&"x".repeat(90)).unwrap();
        let lines: Vec<String> = paper.text().lines().map(str::to_owned).collect();
        assert_eq!(lines[1], format!("TASK [日本] {}", "*".repeat(79 - 11)));
        assert_eq!(lines[3], format!("{} ***", "x".repeat(90)));
    }

    #[test]
    fn the_log_has_everything_without_colours() {
        let (screen, paper) = screen();
        let log = Paper::default();
        let mut screen =
            screen.coloured(Palette::default()).logging(Box::new(log.clone()), "someone".to_owned());
        let green = screen.palette.ok.clone();
        screen.line("\nok", Some(&green), Stream::Out).unwrap();
        assert_eq!(paper.text(), "\u{1b}[0;32m\u{1b}[0m\n\u{1b}[0;32mok\u{1b}[0m\n");
        let line = log.text();
        assert!(line.ends_with(" u=someone n=ansible INFO| ok\n"), "{line}");
    }
}
