//! Maintenance windows: what is open is what a calendar on the wall says.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use qiao::config::MaintenanceWindow;
use qiao::domain::ids::TenantId;
use toml::Value;

use crate::Target;
use crate::told::assert_fit;
use crate::world::configured;

pub(crate) const TARGET: Target = Target {
    name: "maintenance",
    check,
    words: &[
        "Sat 16:00-22:00 UTC",
        "sun",
        "23:00-02:00",
        "00:00-23:59",
        "Asia/Shanghai",
        "America/New_York",
        "Europe/Dublin",
        "Pacific/Apia",
        "Australia/Lord_Howe",
        "24:00",
        "-",
        ":",
        " ",
        "\n1795420800",
        "\n-62135596800",
        "\n253402207200",
        "../../etc/passwd",
    ],
};

/// A window, and on a second line the seconds of an instant.
fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (text, instant) = text.split_once('\n').unwrap_or((&text, "1795420800"));
    match configured(&format!("maintenance = {}", Value::from(text))) {
        Ok(config) => {
            let windows = &config.c4c[&TenantId::new("main")].maintenance;
            let now = instant.trim().parse().ok();
            let now = now.and_then(|seconds| Timestamp::from_second(seconds).ok());
            for window in windows {
                assert_as_on_the_wall(window, now.unwrap_or_default());
            }
        }
        Err(errors) => {
            for error in &errors.0 {
                assert!(error.key.starts_with("c4c.main.maintenance"), "{error}");
                assert_fit(&error.to_string());
            }
        }
    }
}

fn assert_as_on_the_wall(window: &MaintenanceWindow, now: Timestamp) {
    let end = window.end_if_open(now);
    if let Some(end) = end {
        assert!(now < end && end.duration_since(now) <= SignedDuration::from_hours(26));
        assert_eq!(window.end_if_open(end), None);
    }
    // Where clocks change, the wall shows some times twice and others never.
    if keeps_offset(&window.zone, now) {
        assert_eq!(end.is_some(), is_open(window, now));
    }
}

fn keeps_offset(zone: &TimeZone, now: Timestamp) -> bool {
    let day = SignedDuration::from_hours(49);
    let (Ok(before), Ok(after)) = (now.checked_sub(day), now.checked_add(day)) else {
        return false;
    };
    let offset = |at| zone.to_offset(at);
    offset(before) == offset(now) && offset(now) == offset(after)
}

fn is_open(window: &MaintenanceWindow, now: Timestamp) -> bool {
    let wall = now.to_zoned_datetime(window.zone.clone()).datetime();
    let (today, time): (_, Time) = (wall.date().weekday(), wall.time());
    let crosses = window.to < window.from;
    let in_first_part = today == window.weekday && time >= window.from;
    let in_second_part = today.previous() == window.weekday && time < window.to;
    if crosses {
        in_first_part || in_second_part
    } else {
        in_first_part && time < window.to
    }
}
