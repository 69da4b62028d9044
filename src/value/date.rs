//! Dates and times, as YAML and `now()` make them: Python's `datetime.date` and `datetime.datetime`.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt::Write;

use shevek_diag::Result;

use crate::clock::{as_date_time, as_delta};
use crate::{Map, Object, Value};

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// From 1 to 9999.
    pub year: i32,
    /// From 1.
    pub month: u32,
    /// From 1.
    pub day: u32,
}

/// A moment, with or without its distance from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime {
    /// The day.
    pub date: Date,
    /// From 0 to 23.
    pub hour: u32,
    /// From 0 to 59.
    pub minute: u32,
    /// From 0 to 59.
    pub second: u32,
    /// From 0 to 999,999.
    pub microsecond: u32,
    /// Seconds east of UTC; `None`: it is not known ("naive").
    pub offset: Option<i32>,
}

impl Date {
    /// The day, if the calendar has it; otherwise Python's words for what is wrong.
    pub fn new(year: i32, month: u32, day: u32) -> Result<Self, &'static str> {
        if !(1..=9999).contains(&year) {
            return Err("year is out of range");
        }
        if !(1..=12).contains(&month) {
            return Err("month must be in 1..12");
        }
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if !(1..=days).contains(&day) {
            return Err("day is out of range for month");
        }
        Ok(Self { year, month, day })
    }

    /// Days since 1970-01-01.
    pub fn days_since_epoch(&self) -> i64 {
        // Counts in years that begin in March, so that the leap day is the last.
        let (year, month) = if self.month <= 2 {
            (i64::from(self.year) - 1, i64::from(self.month) + 9)
        } else {
            (i64::from(self.year), i64::from(self.month) - 3)
        };
        let day_of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
    }

    /// The day that many days after 1970-01-01; `None`: Python's calendar ends before.
    pub fn from_days(days: i64) -> Option<Self> {
        let shifted = days.checked_add(719_468)?;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = u32::try_from(day_of_year - (153 * month + 2) / 5 + 1).ok()?;
        let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = i32::try_from(year_of_era + era * 400 + carry).ok()?;
        Self::new(year, u32::try_from(month).ok()?, day).ok()
    }

    /// The day of the week: Monday is 0.
    pub fn weekday(&self) -> i64 {
        (self.days_since_epoch() + 3).rem_euclid(7)
    }

    /// As ISO 8601 writes it.
    pub fn iso(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl DateTime {
    /// As ISO 8601 writes it, with the given letter between day and time.
    pub fn iso(&self, separator: char) -> String {
        let mut out =
            format!("{}{separator}{:02}:{:02}:{:02}", self.date.iso(), self.hour, self.minute, self.second);
        if self.microsecond > 0 {
            let _ = write!(out, ".{:06}", self.microsecond);
        }
        if let Some(offset) = self.offset {
            let sign = if offset < 0 { '-' } else { '+' };
            let minutes = offset.abs() / 60;
            let _ = write!(out, "{sign}{:02}:{:02}", minutes / 60, minutes % 60);
        }
        out
    }

    /// Microseconds since 1970-01-01, in UTC if the offset is known.
    pub fn microseconds_since_epoch(&self) -> i128 {
        let seconds = i128::from(self.date.days_since_epoch()) * 86_400
            + i128::from(self.hour) * 3600
            + i128::from(self.minute) * 60
            + i128::from(self.second)
            - i128::from(self.offset.unwrap_or(0));
        seconds * 1_000_000 + i128::from(self.microsecond)
    }

    /// The moment that many microseconds after 1970-01-01 as a clock at this offset shows it.
    pub fn from_microseconds(microseconds: i128, offset: Option<i32>) -> Option<Self> {
        let local = microseconds + i128::from(offset.unwrap_or(0)) * 1_000_000;
        let seconds = local.div_euclid(1_000_000);
        let of_day = u32::try_from(seconds.rem_euclid(86_400)).ok()?;
        Some(Self {
            date: Date::from_days(i64::try_from(seconds.div_euclid(86_400)).ok()?)?,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            microsecond: u32::try_from(local.rem_euclid(1_000_000)).ok()?,
            offset,
        })
    }
}

impl Object for Date {
    fn type_name(&self) -> &'static str {
        "date"
    }

    fn attribute(&self, name: &str) -> Result<Option<Value>> {
        Ok(match name {
            "year" => Some(Value::from(self.year)),
            "month" => Some(Value::from(self.month)),
            "day" => Some(Value::from(self.day)),
            _ => None,
        })
    }

    fn method(&self, name: &str, _arguments: &[Value], _named: &Map) -> Option<Result<Value>> {
        Some(Ok(match name {
            "isoformat" => Value::str(self.iso()),
            "weekday" => Value::from(self.weekday()),
            "isoweekday" => Value::from(self.weekday() + 1),
            "toordinal" => Value::from(self.days_since_epoch() + 719_163),
            _ => return None,
        }))
    }

    fn text(&self) -> String {
        self.iso()
    }

    fn repr(&self) -> String {
        format!("datetime.date({}, {}, {})", self.year, self.month, self.day)
    }

    fn plain(&self) -> Option<Value> {
        Some(Value::str(self.iso()))
    }

    fn equals(&self, other: &Value) -> bool {
        other.as_object().and_then(|o| o.as_any().downcast_ref::<Self>()) == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for DateTime {
    fn type_name(&self) -> &'static str {
        "datetime"
    }

    fn attribute(&self, name: &str) -> Result<Option<Value>> {
        Ok(match name {
            "hour" => Some(Value::from(self.hour)),
            "minute" => Some(Value::from(self.minute)),
            "second" => Some(Value::from(self.second)),
            "microsecond" => Some(Value::from(self.microsecond)),
            name => return self.date.attribute(name),
        })
    }

    fn method(&self, name: &str, arguments: &[Value], named: &Map) -> Option<Result<Value>> {
        Some(Ok(match name {
            "isoformat" => {
                let separator = arguments.first().or_else(|| named.get("sep"));
                Value::str(
                    self.iso(separator.and_then(Value::as_str).and_then(|s| s.chars().next()).unwrap_or('T')),
                )
            }
            "date" => Value::object(self.date),
            "timestamp" => return Some(self.timestamp().map(Value::from)),
            "strftime" => {
                let format = arguments.first().or_else(|| named.get("format"));
                return Some(self.strftime(format.and_then(Value::as_str).unwrap_or("")).map(Value::from));
            }
            name => return self.date.method(name, arguments, named),
        }))
    }

    fn text(&self) -> String {
        self.iso(' ')
    }

    fn repr(&self) -> String {
        let mut out = format!(
            "datetime.datetime({}, {}, {}, {}, {}",
            self.date.year, self.date.month, self.date.day, self.hour, self.minute
        );
        if self.second > 0 || self.microsecond > 0 {
            let _ = write!(out, ", {}", self.second);
        }
        if self.microsecond > 0 {
            let _ = write!(out, ", {}", self.microsecond);
        }
        match self.offset {
            Some(0) => out.push_str(", tzinfo=datetime.timezone.utc"),
            Some(seconds) if seconds > 0 => {
                let _ = write!(out, ", tzinfo=datetime.timezone(datetime.timedelta(seconds={seconds}))");
            }
            Some(seconds) => {
                let seconds = seconds + 86_400;
                let _ =
                    write!(out, ", tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds={seconds}))");
            }
            None => {}
        }
        out + ")"
    }

    fn plain(&self) -> Option<Value> {
        Some(Value::str(self.iso('T')))
    }

    fn equals(&self, other: &Value) -> bool {
        other.as_object().and_then(|o| o.as_any().downcast_ref::<Self>()).is_some_and(|other| {
            self.offset.is_some() == other.offset.is_some()
                && self.microseconds_since_epoch() == other.microseconds_since_epoch()
        })
    }

    fn is_true(&self) -> bool {
        true
    }

    fn compare(&self, other: &Value) -> Option<Result<Ordering>> {
        as_date_time(other).map(|other| Ok(self.since(other).micros.cmp(&0)))
    }

    fn add(&self, other: &Value) -> Option<Result<Value>> {
        as_delta(other).map(|delta| self.moved(*delta, true))
    }

    fn subtract(&self, other: &Value) -> Option<Result<Value>> {
        match as_date_time(other) {
            Some(other) => Some(Ok(Value::object(self.since(other)))),
            None => as_delta(other).map(|delta| self.moved(*delta, false)),
        }
    }

    fn format(&self, specification: &str) -> Option<Result<String>> {
        Some(if specification.is_empty() { Ok(self.text()) } else { self.strftime(specification) })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_the_epoch_and_back() {
        for (year, month, day, days) in
            [(1970, 1, 1, 0), (2000, 2, 29, 11_016), (2026, 11, 21, 20_778), (1, 1, 1, -719_162)]
        {
            let date = Date::new(year, month, day).unwrap();
            assert_eq!(date.days_since_epoch(), days);
            assert_eq!(Date::from_days(days), Some(date));
        }
        assert_eq!(Date::new(2001, 2, 30), Err("day is out of range for month"));
        assert_eq!(Date::new(2026, 11, 21).unwrap().weekday(), 5);
    }

    #[test]
    fn prints_as_python_does() {
        let date = Date::new(2020, 1, 2).unwrap();
        let time = DateTime { date, hour: 3, minute: 4, second: 0, microsecond: 50, offset: Some(-9000) };
        assert_eq!(time.text(), "2020-01-02 03:04:00.000050-02:30");
        assert_eq!(
            time.repr(),
            "datetime.datetime(2020, 1, 2, 3, 4, 0, 50, \
             tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=77400)))"
        );
        assert_eq!(Value::object(date).repr(), "datetime.date(2020, 1, 2)");
        assert_eq!(DateTime::from_microseconds(time.microseconds_since_epoch(), Some(-9000)), Some(time));
    }
}
