//! [`Moment`]: a time as the host's clock on the wall shows it.

use std::time::SystemTime;

use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::probe::Probe;

/// A time in the host's time zone.
#[derive(Debug, Clone)]
pub struct Moment(Zoned);

/// A time in the host's time zone: that of `TZ`, else of /etc/localtime, else UTC.
pub fn local(probe: &Probe, time: SystemTime) -> Moment {
    let zone = zone(probe).unwrap_or(TimeZone::UTC);
    let stamp = jiff::Timestamp::try_from(time).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Moment(stamp.to_zoned(zone))
}

/// A time in UTC.
pub fn utc(time: SystemTime) -> Moment {
    let stamp = jiff::Timestamp::try_from(time).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Moment(stamp.to_zoned(TimeZone::UTC))
}

/// A time as HTTP has it: `Thu, 01 Jan 1970 00:00:00 GMT`, with hyphens too.
pub(crate) fn from_http(text: &str) -> Option<SystemTime> {
    let text = text.trim().trim_matches('"').replace('-', " ");
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(&text).ok().map(SystemTime::from)
}

fn zone(probe: &Probe) -> Option<TimeZone> {
    let named = probe.env("TZ").filter(|tz| !tz.is_empty());
    let Some(name) = named else {
        return TimeZone::tzif("local", &probe.read("/etc/localtime").ok()?).ok();
    };
    let name = name.trim_start_matches(':');
    let path = if name.starts_with('/') { name.to_owned() } else { format!("/usr/share/zoneinfo/{name}") };
    match probe.read(&path) {
        Ok(data) => TimeZone::tzif(name, &data).ok(),
        Err(_) => TimeZone::posix(name).ok(),
    }
}

impl Moment {
    /// Formatted as `strftime` does; `%f` is microseconds as in Python.
    pub fn format(&self, pattern: &str) -> String {
        self.0.strftime(&pattern.replace("%f", "%6f")).to_string()
    }

    /// As Python's `str(datetime)` prints it: `2026-11-21 22:35:29.123456`.
    pub fn python(&self) -> String {
        if self.0.subsec_nanosecond() / 1000 == 0 {
            self.format("%Y-%m-%d %H:%M:%S")
        } else {
            self.format("%Y-%m-%d %H:%M:%S.%f")
        }
    }

    /// The offset from UTC in seconds.
    pub fn offset(&self) -> i32 {
        self.0.offset().seconds()
    }

    /// Reads a time in the host's time zone, `strptime` style.
    pub fn parse(probe: &Probe, text: &str, pattern: &str) -> Option<SystemTime> {
        let broken = jiff::fmt::strtime::parse(pattern, text).ok()?;
        let civil = broken.to_datetime().ok()?;
        let zoned = civil.to_zoned(zone(probe).unwrap_or(TimeZone::UTC)).ok()?;
        Some(zoned.timestamp().into())
    }
}

/// A span of time as Python's `str(timedelta)` prints it: `0:00:01.500000`.
pub fn python_span(span: std::time::Duration) -> String {
    let (days, rest) = (span.as_secs() / 86400, span.as_secs() % 86400);
    let clock = format!("{}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    let fraction = match span.subsec_micros() {
        0 => String::new(),
        micros => format!(".{micros:06}"),
    };
    match days {
        0 => format!("{clock}{fraction}"),
        1 => format!("1 day, {clock}{fraction}"),
        days => format!("{days} days, {clock}{fraction}"),
    }
}
