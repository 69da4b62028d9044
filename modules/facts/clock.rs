//! Date and time.

use std::time::UNIX_EPOCH;

use shevek_kit::moment::{local, utc};
use shevek_kit::prelude::*;

use super::{Facts, Wanted, put};

/// `date_time`.
pub(super) fn collect(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let now = host.now();
    let (here, there) = (local(host, now), utc(now));
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = format!("{:06}", since.subsec_micros());
    let offset = here.offset();
    let sign = if offset < 0 { '-' } else { '+' };
    let minutes = offset.unsigned_abs() / 60;
    let tz = here.format("%Z");
    let entries: Vec<(&str, String)> = vec![
        ("year", here.format("%Y")),
        ("month", here.format("%m")),
        ("weekday", here.format("%A")),
        ("weekday_number", here.format("%w")),
        ("weeknumber", here.format("%W")),
        ("day", here.format("%d")),
        ("hour", here.format("%H")),
        ("minute", here.format("%M")),
        ("second", here.format("%S")),
        ("epoch", since.as_secs().to_string()),
        ("epoch_int", since.as_secs().to_string()),
        ("date", here.format("%Y-%m-%d")),
        ("time", here.format("%H:%M:%S")),
        ("iso8601_micro", format!("{}.{micros}Z", there.format("%Y-%m-%dT%H:%M:%S"))),
        ("iso8601", there.format("%Y-%m-%dT%H:%M:%SZ")),
        ("iso8601_basic", format!("{}{micros}", here.format("%Y%m%dT%H%M%S"))),
        ("iso8601_basic_short", here.format("%Y%m%dT%H%M%S")),
        ("tz", tz.clone()),
        ("tz_dst", tz),
        ("tz_offset", format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)),
    ];
    put(facts, "date_time", Val::Map(entries.into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect()));
    Ok(())
}
