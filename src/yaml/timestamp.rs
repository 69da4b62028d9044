//! YAML 1.1's dates and times.

use shevek_value::{Date, DateTime, Value};

/// The date or time that text stands for; `None`: it doesn't look like one. An error says why it is none all the same.
pub(crate) fn parse(text: &str) -> Option<Result<Value, String>> {
    let mut rest = Rest(text);
    let year = rest.digits(4, 4)?;
    let (month_at, month) = rest.after('-').map(|r| (r.0.len(), r)).and_then(|(_, mut r)| {
        let before = r.0.len();
        let month = r.digits(1, 2)?;
        rest = r;
        Some((before - r.0.len(), month))
    })?;
    rest = rest.after('-')?;
    let before = rest.0.len();
    let day = rest.digits(1, 2)?;
    let date = Date::new(year as i32, month, day);
    if rest.0.is_empty() {
        let two_digits = month_at == 2 && before == 2;
        return two_digits.then(|| date.map(Value::object).map_err(str::to_owned));
    }
    let parts = time(rest)?;
    Some(date.map_err(str::to_owned).and_then(|date| parts.on(date)))
}

#[derive(Clone, Copy)]
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn after(self, c: char) -> Option<Self> {
        self.0.strip_prefix(c).map(Rest)
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        digits.parse().ok()
    }
}

struct Time {
    hour: u32,
    minute: u32,
    second: u32,
    microsecond: u32,
    offset: Option<i32>,
}

fn time(rest: Rest<'_>) -> Option<Time> {
    let blank = |text: &str| text.trim_start_matches([' ', '\t']).len();
    let mut rest = match rest.after('T').or_else(|| rest.after('t')) {
        Some(rest) => rest,
        None if blank(rest.0) < rest.0.len() => Rest(rest.0.trim_start_matches([' ', '\t'])),
        None => return None,
    };
    let hour = rest.digits(1, 2)?;
    rest = rest.after(':')?;
    let minute = rest.digits(2, 2)?;
    rest = rest.after(':')?;
    let second = rest.digits(2, 2)?;
    let mut microsecond = 0;
    if let Some(fraction) = rest.after('.') {
        let count = fraction.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, after) = fraction.0.split_at(count);
        microsecond = format!("{digits:0<6}").get(..6)?.parse().ok()?;
        rest = Rest(after);
    }
    if rest.0.is_empty() {
        return Some(Time { hour, minute, second, microsecond, offset: None });
    }
    rest = Rest(rest.0.trim_start_matches([' ', '\t']));
    let offset = if let Some(after) = rest.after('Z') {
        rest = after;
        0
    } else {
        let sign = if rest.0.starts_with('-') { -1 } else { 1 };
        rest = rest.after('-').or_else(|| rest.after('+'))?;
        let hours = rest.digits(1, 2)? as i32;
        let mut minutes = 0;
        if let Some(mut after) = rest.after(':') {
            minutes = after.digits(2, 2)? as i32;
            rest = after;
        }
        sign * (hours * 3600 + minutes * 60)
    };
    rest.0.is_empty().then_some(Time { hour, minute, second, microsecond, offset: Some(offset) })
}

impl Time {
    fn on(self, date: Date) -> Result<Value, String> {
        let Self { hour, minute, second, microsecond, offset } = self;
        let wrong = match (hour, minute, second) {
            (24.., ..) => "hour must be in 0..23",
            (_, 60.., _) => "minute must be in 0..59",
            (_, _, 60..) => "second must be in 0..59",
            _ if offset.is_some_and(|offset| offset.abs() >= 86_400) => "offset must be less than a day",
            _ => return Ok(Value::object(DateTime { date, hour, minute, second, microsecond, offset })),
        };
        Err(wrong.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_yaml_timestamps() {
        let text = |text: &str| parse(text).map(|value| value.map(|v| v.text()));
        assert_eq!(text("2020-01-02"), Some(Ok("2020-01-02".into())));
        assert_eq!(text("2020-1-2"), None);
        assert_eq!(text("2020-1-2 3:04:05"), Some(Ok("2020-01-02 03:04:05".into())));
        assert_eq!(text("2001-12-14t21:59:43.10-05:00"), Some(Ok("2001-12-14 21:59:43.100000-05:00".into())));
        assert_eq!(text("2001-12-15 2:59:43.1 Z"), Some(Ok("2001-12-15 02:59:43.100000+00:00".into())));
        assert_eq!(text("2020-01-01 10:00:00 +02:30"), Some(Ok("2020-01-01 10:00:00+02:30".into())));
        assert_eq!(text("2020-01-01 10:00"), None);
        assert_eq!(text("2020-01-01 25:00:00"), Some(Err("hour must be in 0..23".into())));
    }
}
