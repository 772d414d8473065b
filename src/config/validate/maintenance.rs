//! Reads a weekly window: `Sat 16:00-22:00 UTC`.

use jiff::civil::{Time, Weekday};

use super::forms;
use crate::config::error::Fault;
use crate::config::types::MaintenanceWindow;

/// Reads `DAY FROM-TO ZONE`. An end before the start lies on the next day.
pub(super) fn window(text: &str) -> Result<MaintenanceWindow, Fault> {
    let wrong = |reason: &str| Fault::new(reason, "write for example \"Sat 16:00-22:00 UTC\"");
    let words: Vec<&str> = text.split_whitespace().collect();
    let [day, hours, zone] = words.as_slice() else {
        return Err(wrong("a window is a day, hours and a time zone"));
    };
    let weekday = weekday(day)
        .ok_or_else(|| wrong("the day is none of Mon, Tue, Wed, Thu, Fri, Sat, Sun"))?;
    let (from, to) = hours
        .split_once('-')
        .and_then(|(from, to)| Some((time(from)?, time(to)?)))
        .ok_or_else(|| wrong("the hours are not like 16:00-22:00, between 00:00 and 23:59"))?;
    if from == to {
        return Err(wrong("the window ends when it begins"));
    }
    Ok(MaintenanceWindow {
        weekday,
        from,
        to,
        zone: forms::time_zone(zone)?,
    })
}

fn weekday(text: &str) -> Option<Weekday> {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let text = text.to_ascii_lowercase();
    let index = NAMES.iter().position(|name| *name == text)?;
    Weekday::from_monday_zero_offset(i8::try_from(index).ok()?).ok()
}

fn time(text: &str) -> Option<Time> {
    Time::strptime("%H:%M", text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::time;
    use proptest::prelude::*;

    #[test]
    fn a_window_may_cross_midnight_and_has_its_own_zone() {
        let window = window("fri 22:30-02:00 Asia/Shanghai").unwrap();
        assert_eq!(window.weekday, Weekday::Friday);
        assert_eq!(window.from, time(22, 30, 0, 0));
        assert_eq!(window.to, time(2, 0, 0, 0));
        assert_eq!(window.zone.iana_name(), Some("Asia/Shanghai"));
    }

    #[test]
    fn what_is_no_window_says_which_part_is_wrong() {
        for (text, expected) in [
            ("", "a day, hours and a time zone"),
            ("Sat 16:00-22:00", "a day, hours and a time zone"),
            ("Sat 16:00 - 22:00 UTC", "a day, hours and a time zone"),
            ("Someday 16:00-22:00 UTC", "the day is none of"),
            ("Sat 16:00 UTC", "the hours are not like"),
            ("Sat 16:00-24:00 UTC", "the hours are not like"),
            ("Sat 16:00-16:00 UTC", "ends when it begins"),
            ("Sat 16:00-22:00 Mars", "time zone database"),
        ] {
            let error = window(text).unwrap_err().at("k");
            assert!(error.reason.contains(expected), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn every_day_and_pair_of_hours_is_read_as_written(
            day in 0..7_usize, from in 0..1440_i32, to in 0..1440_i32,
        ) {
            prop_assume!(from != to);
            let name = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][day];
            let clock = |minute: i32| format!("{:02}:{:02}", minute / 60, minute % 60);
            let window = window(&format!("{name} {}-{} UTC", clock(from), clock(to))).unwrap();
            prop_assert_eq!(usize::try_from(window.weekday.to_monday_zero_offset()).unwrap(), day);
            prop_assert_eq!(window.from.strftime("%H:%M").to_string(), clock(from));
            prop_assert_eq!(window.to.strftime("%H:%M").to_string(), clock(to));
        }
    }
}
