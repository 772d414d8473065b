//! How often a path may be called: by Beijing day, by minute, and clearing (`wechat.md` 9).

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use super::refusal::Refusal;

/// Calls of clear_quota in a calendar month.
const CLEARINGS: u32 = 10;

/// Counters of one account.
#[derive(Debug, Default)]
pub(super) struct Quotas {
    daily: HashMap<String, (Date, u32)>,
    by_minute: HashMap<String, (i64, u32)>,
    clearings: Option<(Date, u32)>,
}

/// The Beijing calendar day of an instant.
pub(super) fn beijing_day(now: Timestamp) -> Date {
    Offset::constant(8).to_datetime(now).date()
}

impl Quotas {
    /// Counts one call: 45011 above the minute's limit, 45009 above the day's.
    pub(super) fn charge(
        &mut self,
        path: &str,
        per_day: Option<u32>,
        per_minute: Option<u32>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if let Some(limit) = per_minute {
            let minute = now.as_second().div_euclid(60);
            count(&mut self.by_minute, path, minute, limit).ok_or_else(|| Refusal::new(45011))?;
        }
        if let Some(limit) = per_day {
            let day = beijing_day(now);
            count(&mut self.daily, path, day, limit).ok_or_else(|| Refusal::new(45009))?;
        }
        Ok(())
    }

    /// Calls of a path on this Beijing day.
    pub(super) fn used(&self, path: &str, now: Timestamp) -> u32 {
        match self.daily.get(path) {
            Some((day, used)) if *day == beijing_day(now) => *used,
            _ => 0,
        }
    }

    /// Sets every daily counter back; ten times a month, then 48006.
    pub(super) fn clear(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let month = beijing_day(now).first_of_month();
        let used = match self.clearings {
            Some((of, used)) if of == month => used,
            _ => 0,
        };
        if used >= CLEARINGS {
            return Err(Refusal::new(48006));
        }
        self.clearings = Some((month, used + 1));
        self.daily.clear();
        Ok(())
    }
}

/// Counts one within `period`; `None` when `limit` is reached.
fn count<P: PartialEq>(
    counters: &mut HashMap<String, (P, u32)>,
    path: &str,
    period: P,
    limit: u32,
) -> Option<()> {
    let used = match counters.get(path) {
        Some((of, used)) if *of == period => *used,
        _ => 0,
    };
    if used >= limit {
        return None;
    }
    counters.insert(path.to_owned(), (period, used + 1));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_daily_limit_starts_anew_at_midnight_in_beijing() {
        let mut quotas = Quotas::default();
        let mut call = |now| {
            quotas
                .charge("p", Some(1), None, at(now))
                .map_err(|r| r.code)
        };
        assert_eq!(call("2026-11-23T15:00:00Z"), Ok(()));
        assert_eq!(call("2026-11-23T15:59:59Z"), Err(45009));
        assert_eq!(call("2026-11-23T16:00:00Z"), Ok(()));
    }

    #[test]
    fn the_minute_limit_starts_anew_with_the_next_minute() {
        let mut quotas = Quotas::default();
        let mut call = |now| {
            quotas
                .charge("p", None, Some(1), at(now))
                .map_err(|r| r.code)
        };
        assert_eq!(call("2026-11-23T15:00:00Z"), Ok(()));
        assert_eq!(call("2026-11-23T15:00:59Z"), Err(45011));
        assert_eq!(call("2026-11-23T15:01:00Z"), Ok(()));
    }

    #[test]
    fn quotas_can_be_cleared_ten_times_a_month() {
        let mut quotas = Quotas::default();
        let november = at("2026-11-23T15:00:00Z");
        for _ in 0..10 {
            quotas.charge("p", Some(1), None, november).unwrap();
            quotas.clear(november).unwrap();
        }
        assert_eq!(quotas.clear(november).map_err(|r| r.code), Err(48006));
        assert_eq!(quotas.clear(at("2026-12-01T00:00:00Z")), Ok(()));
    }
}
