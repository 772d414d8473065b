//! How croner sees our time. It has adapters for other libraries, none for our version of jiff.
//!
//! croner decides what a cron expression means where the local clock jumps: a fixed hour that does
//! not exist fires right after the gap, one that comes twice fires the first time, and what is
//! written with `*` follows the clock through both.

use std::cmp::Ordering;

use croner::errors::CronError;
use croner::{CivilDateTime, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::AmbiguousOffset;
use jiff::{SignedDuration, ZonedDateTime};

/// An instant as the clock on the wall of a zone shows it.
#[derive(Debug, Clone)]
pub(super) struct Local(pub(super) ZonedDateTime);

impl CronDateTime for Local {
    fn to_civil(&self) -> CivilDateTime {
        let shown = self.0.datetime();
        let positive = |part: i8| u32::from(part.unsigned_abs());
        CivilDateTime::from_ymd_hms_opt(
            i32::from(shown.year()),
            positive(shown.month()),
            positive(shown.day()),
            positive(shown.hour()),
            positive(shown.minute()),
            positive(shown.second()),
        )
        .expect("both calendars are Gregorian")
    }

    fn civil_weekday(&self) -> Weekday {
        let days = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(u32::from(days.unsigned_abs()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let shown = read(civil).ok_or(CronError::InvalidDate)?;
        let found = self.0.time_zone().to_ambiguous_zoned_datetime(shown);
        let local = |at: Result<ZonedDateTime, jiff::Error>| {
            at.map(Self).map_err(|_| CronError::InvalidTime)
        };
        Ok(match found.offset() {
            AmbiguousOffset::Unambiguous { .. } => Resolution::Single(local(found.unambiguous())?),
            AmbiguousOffset::Fold { .. } => {
                Resolution::Ambiguous(local(found.clone().earlier())?, local(found.later())?)
            }
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        let later = self.0.checked_add(SignedDuration::from_secs(seconds));
        later.ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

fn read(civil: CivilDateTime) -> Option<DateTime> {
    let part = |part: u32| i8::try_from(part).ok();
    DateTime::new(
        i16::try_from(civil.year()).ok()?,
        part(civil.month())?,
        part(civil.day())?,
        part(civil.hour())?,
        part(civil.minute())?,
        part(civil.second())?,
        0,
    )
    .ok()
}
