//! Weekly maintenance windows: is one open, and until when. Pure.

use jiff::{Timestamp, ToSpan};

use super::types::MaintenanceWindow;

impl MaintenanceWindow {
    /// The end of the window that is open at `now`; `None` when it is closed.
    pub fn end_if_open(&self, now: Timestamp) -> Option<Timestamp> {
        let today = now.to_zoned_datetime(self.zone.clone()).date();
        // One that crosses midnight may have begun yesterday.
        [today.yesterday().ok()?, today]
            .into_iter()
            .find_map(|day| {
                if day.weekday() != self.weekday {
                    return None;
                }
                let crosses = self.to < self.from;
                let last = if crosses {
                    day.checked_add(1.day()).ok()?
                } else {
                    day
                };
                let at = |date: jiff::civil::Date, time| {
                    self.zone
                        .to_ambiguous_timestamp(date.to_datetime(time))
                        .compatible()
                        .ok()
                };
                let (from, to) = (at(day, self.from)?, at(last, self.to)?);
                (from <= now && now < to).then_some(to)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{Weekday, time};
    use jiff::tz::TimeZone;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_is_open_from_its_start_until_before_its_end() {
        let window = MaintenanceWindow {
            weekday: Weekday::Saturday,
            from: time(16, 0, 0, 0),
            to: time(22, 0, 0, 0),
            zone: TimeZone::UTC,
        };
        let end = at("2026-11-28T22:00:00Z");
        assert_eq!(window.end_if_open(at("2026-11-28T15:59:59Z")), None);
        assert_eq!(window.end_if_open(at("2026-11-28T16:00:00Z")), Some(end));
        assert_eq!(window.end_if_open(end), None);
        assert_eq!(
            window.end_if_open(at("2026-11-27T17:00:00Z")),
            None,
            "a Friday"
        );
    }

    #[test]
    fn a_window_that_crosses_midnight_is_open_on_both_sides_of_it() {
        let window = MaintenanceWindow {
            weekday: Weekday::Saturday,
            from: time(22, 0, 0, 0),
            to: time(2, 0, 0, 0),
            zone: TimeZone::get("Asia/Shanghai").unwrap(),
        };
        let end = Some(at("2026-11-28T18:00:00Z"));
        assert_eq!(window.end_if_open(at("2026-11-28T14:30:00Z")), end);
        assert_eq!(window.end_if_open(at("2026-11-28T17:30:00Z")), end);
        assert_eq!(window.end_if_open(at("2026-11-28T18:30:00Z")), None);
    }
}
