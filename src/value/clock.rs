//! The clock: the time now, formats, and the time between two moments (Python's `timedelta`).

use std::any::Any;
use std::cmp::Ordering;

use jiff::civil;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};
use shevek_diag::{Diagnostic, Result};

use crate::{Date, DateTime, Map, Object, Value};

impl DateTime {
    /// The time now, on the local clock or on that of UTC.
    pub fn now(utc: bool) -> Self {
        let zone = if utc { TimeZone::UTC } else { TimeZone::system() };
        Self::from_civil(Zoned::new(Timestamp::now(), zone).datetime(), None)
    }

    /// Reads text by a format of `strptime`.
    pub fn strptime(text: &str, format: &str) -> Result<Self> {
        let wrong = |why: jiff::Error| {
            Diagnostic::new("not a time")
                .detail(format!("time data '{text}' does not match format '{format}': {why}"))
        };
        let parts = jiff::fmt::strtime::parse(format, text).map_err(wrong)?;
        let date = parts
            .to_date()
            .or_else(|_| civil::Date::new(parts.year().unwrap_or(1900), 1, 1))
            .map_err(wrong)?;
        let time = parts.to_time().unwrap_or(civil::Time::midnight());
        Ok(Self::from_civil(date.to_datetime(time), parts.offset().map(Offset::seconds)))
    }

    /// The same moment from seconds since 1970, on the clock of UTC.
    pub fn from_timestamp(seconds: f64, utc: bool) -> Result<Self> {
        let wrong = || Diagnostic::new("not a time").detail(format!("{seconds} seconds are out of range"));
        let duration = SignedDuration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
        let moment = Timestamp::from_duration(duration).map_err(|_| wrong())?;
        let zone = if utc { TimeZone::UTC } else { TimeZone::system() };
        Ok(Self::from_civil(Zoned::new(moment, zone).datetime(), None))
    }

    fn zoned(&self) -> Result<Zoned> {
        let wrong = |why: jiff::Error| Diagnostic::new("not a time").detail(why.to_string());
        let small = |number: u32| i8::try_from(number).unwrap_or(i8::MAX);
        let year = i16::try_from(self.date.year).unwrap_or(i16::MAX);
        let date = civil::Date::new(year, small(self.date.month), small(self.date.day)).map_err(wrong)?;
        let nanos = i32::try_from(self.microsecond * 1000).unwrap_or(0);
        let time = civil::Time::new(small(self.hour), small(self.minute), small(self.second), nanos);
        let zone = match self.offset {
            Some(seconds) => TimeZone::fixed(Offset::from_seconds(seconds).map_err(wrong)?),
            None => TimeZone::system(),
        };
        date.to_datetime(time.map_err(wrong)?).to_zoned(zone).map_err(wrong)
    }

    fn from_civil(civil: civil::DateTime, offset: Option<i32>) -> Self {
        let part = |number: i8| u32::try_from(number).unwrap_or(0);
        Self {
            date: Date { year: i32::from(civil.year()), month: part(civil.month()), day: part(civil.day()) },
            hour: part(civil.hour()),
            minute: part(civil.minute()),
            second: part(civil.second()),
            microsecond: u32::try_from(civil.subsec_nanosecond() / 1000).unwrap_or(0),
            offset,
        }
    }

    /// Seconds since 1970; without an offset the local clock is meant.
    pub fn timestamp(&self) -> Result<f64> {
        Ok(self.zoned()?.timestamp().as_duration().as_secs_f64())
    }

    /// Prints by a format of `strftime`.
    pub fn strftime(&self, format: &str) -> Result<String> {
        let micros = format!("{:06}", self.microsecond);
        let zoned = self.zoned()?;
        let seconds = zoned.timestamp().as_second().to_string();
        let mut plain = String::with_capacity(format.len());
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                plain.push(c);
                continue;
            }
            match chars.next() {
                Some('f') => plain.push_str(&micros),
                Some('s') => plain.push_str(&seconds),
                // Without an offset Python prints neither.
                Some('z' | 'Z') if self.offset.is_none() => {}
                Some(other) => plain.extend(['%', other]),
                None => plain.push_str("%%"),
            }
        }
        jiff::fmt::strtime::format(&plain, &zoned)
            .map_err(|why| Diagnostic::new("can't format a time").detail(format!("'{format}': {why}")))
    }

    /// Time since another.
    pub fn since(&self, other: &DateTime) -> TimeDelta {
        TimeDelta { micros: self.microseconds_since_epoch() - other.microseconds_since_epoch() }
    }

    pub(crate) fn moved(&self, by: TimeDelta, forward: bool) -> Result<Value> {
        let micros = if forward { by.micros } else { -by.micros };
        let moved = Self::from_microseconds(self.microseconds_since_epoch() + micros, self.offset);
        moved
            .map(Value::object)
            .ok_or_else(|| Diagnostic::new("not a time").detail("date value out of range"))
    }
}

pub(crate) fn as_date_time(value: &Value) -> Option<&DateTime> {
    value.as_object()?.as_any().downcast_ref()
}

pub(crate) fn as_delta(value: &Value) -> Option<&TimeDelta> {
    value.as_object()?.as_any().downcast_ref()
}

/// Time between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeDelta {
    /// In microseconds.
    pub micros: i128,
}

const DAY: i128 = 86_400_000_000;

impl TimeDelta {
    fn days(self) -> i128 {
        self.micros.div_euclid(DAY)
    }
    fn seconds(self) -> i128 {
        self.micros.rem_euclid(DAY) / 1_000_000
    }
    fn microseconds(self) -> i128 {
        self.micros.rem_euclid(1_000_000)
    }
}

fn small(number: i128) -> Value {
    Value::from(i64::try_from(number).unwrap_or(i64::MAX))
}

impl Object for TimeDelta {
    fn type_name(&self) -> &'static str {
        "timedelta"
    }
    fn get(&self, _: &Value) -> Result<Option<Value>> {
        Ok(None)
    }
    fn attribute(&self, name: &str) -> Result<Option<Value>> {
        Ok(match name {
            "days" => Some(small(self.days())),
            "seconds" => Some(small(self.seconds())),
            "microseconds" => Some(small(self.microseconds())),
            _ => None,
        })
    }
    fn method(&self, name: &str, _: &[Value], _: &Map) -> Option<Result<Value>> {
        (name == "total_seconds").then(|| Ok(Value::from(self.micros as f64 / 1e6)))
    }
    fn is_true(&self) -> bool {
        self.micros != 0
    }
    fn text(&self) -> String {
        let seconds = self.seconds();
        let mut text = match self.days() {
            0 => String::new(),
            days @ (1 | -1) => format!("{days} day, "),
            days => format!("{days} days, "),
        };
        text.push_str(&format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
        if self.microseconds() != 0 {
            text.push_str(&format!(".{:06}", self.microseconds()));
        }
        text
    }
    fn repr(&self) -> String {
        format!("datetime.timedelta(days={}, seconds={})", self.days(), self.seconds())
    }
    fn plain(&self) -> Option<Value> {
        Some(Value::from(self.text()))
    }
    fn equals(&self, other: &Value) -> bool {
        as_delta(other) == Some(self)
    }
    fn compare(&self, other: &Value) -> Option<Result<Ordering>> {
        as_delta(other).map(|other| Ok(self.micros.cmp(&other.micros)))
    }
    fn add(&self, other: &Value) -> Option<Result<Value>> {
        match as_date_time(other) {
            Some(time) => Some(time.moved(*self, true)),
            None => {
                as_delta(other).map(|other| Ok(Value::object(Self { micros: self.micros + other.micros })))
            }
        }
    }
    fn subtract(&self, other: &Value) -> Option<Result<Value>> {
        as_delta(other).map(|other| Ok(Value::object(Self { micros: self.micros - other.micros })))
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_subtracts_as_python_does() {
        let at = |text: &str| DateTime::strptime(text, "%Y-%m-%d %H:%M:%S").unwrap();
        let (early, late) = (at("2024-02-28 10:00:00"), at("2024-03-01 09:30:05"));
        assert_eq!(early.text(), "2024-02-28 10:00:00");
        assert_eq!(late.strftime("%d/%m/%y %H:%M:%S.%f").unwrap(), "01/03/24 09:30:05.000000");
        assert_eq!(late.since(&early).text(), "1 day, 23:30:05");
        assert_eq!(early.since(&late).text(), "-2 days, 0:29:55");
        assert_eq!(early.repr(), "datetime.datetime(2024, 2, 28, 10, 0)");
    }
}
