//! What is due when: over changes of time, zones, downtime, and clocks that are set.

use jiff::ToSpan as _;
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn schedule(text: &str, zone: &str) -> Schedule {
    Schedule::parse(text, &TimeZone::get(zone).unwrap()).unwrap()
}

/// The instants at which it starts between two moments, for somebody who looks every five seconds.
fn starts(schedule: &Schedule, from: &str, to: &str) -> Vec<String> {
    let (mut now, to) = (at(from), at(to));
    let mut since = Since::Known(now);
    let mut starts = Vec::new();
    while now < to {
        if schedule.next(since, now).is_some_and(|next| next <= now) {
            since = Since::Ran(now);
            starts.push(now.to_string());
        }
        now += SignedDuration::from_secs(5);
    }
    starts
}

#[test]
fn what_never_ran_is_due_at_once_by_a_wait_and_at_its_next_moment_by_cron() {
    let now = at("2026-11-23T10:00:00Z");
    let every = schedule("every 1 min", "UTC");
    assert_eq!(every.next(Since::Known(now), now), Some(now));
    let nightly = schedule("30 3 * * *", "UTC");
    assert_eq!(
        starts(&nightly, "2026-11-23T10:00:02Z", "2026-11-25T10:00:00Z"),
        ["2026-11-24T03:30:02Z", "2026-11-25T03:30:02Z"]
    );
    // Down at its first moment, it comes when the daemon is back.
    let known = Since::Known(at("2026-11-23T10:00:00Z"));
    let back = at("2026-11-24T09:00:00Z");
    assert!(nightly.next(known, back).unwrap() <= back);
}

#[test]
fn what_was_missed_is_due_once() {
    for text in ["every 1 h", "30 3 * * *", "*/5 * * * *", "0 4 * * SUN"] {
        let schedule = schedule(text, "Asia/Shanghai");
        let back = at("2026-11-23T10:00:00Z");
        let last = Since::Ran(at("2026-10-01T00:00:00Z"));
        assert!(schedule.next(last, back).unwrap() <= back, "{text}");
        assert!(
            schedule.next(Since::Ran(back), back).unwrap() > back,
            "{text}"
        );
    }
}

#[test]
fn an_hour_that_does_not_exist_fires_once_after_the_gap() {
    // 2026-03-29: 02:00 becomes 03:00 in Berlin, which is 01:00Z.
    let nightly = schedule("30 2 * * *", "Europe/Berlin");
    assert_eq!(
        starts(&nightly, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"),
        ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    );
    let hourly = schedule("15 * * * *", "Europe/Berlin");
    assert_eq!(
        starts(&hourly, "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z"),
        [
            "2026-03-29T00:15:00Z",
            "2026-03-29T01:15:00Z",
            "2026-03-29T02:15:00Z"
        ]
    );
}

#[test]
fn an_hour_that_comes_twice_fires_once() {
    // 2026-10-25: 03:00 becomes 02:00 in Berlin, at 01:00Z.
    let nightly = schedule("30 2 * * *", "Europe/Berlin");
    assert_eq!(
        starts(&nightly, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"),
        ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
    );
}

#[test]
fn what_goes_by_the_hour_goes_on_through_an_hour_that_comes_twice() {
    let half_hourly = schedule("*/30 * * * *", "Europe/Berlin");
    let night = starts(&half_hourly, "2026-10-24T23:45:00Z", "2026-10-25T02:15:00Z");
    assert_eq!(night.len(), 5, "{night:?}");
}

#[test]
fn each_schedule_goes_by_the_clock_of_its_zone() {
    for (zone, expected) in [
        ("Asia/Shanghai", "2026-11-22T19:30:00Z"),
        ("UTC", "2026-11-23T03:30:00Z"),
        ("America/New_York", "2026-11-23T08:30:00Z"),
        // Half an hour off the others.
        ("Asia/Kolkata", "2026-11-22T22:00:00Z"),
    ] {
        let nightly = schedule("30 3 * * *", zone);
        let since = Since::Ran(at("2026-11-22T12:00:00Z"));
        let next = nightly.next(since, at("2026-11-22T12:00:00Z"));
        assert_eq!(next, Some(at(expected)), "{zone}");
        assert_eq!(nightly.zone().unwrap().iana_name(), Some(zone));
    }
}

#[test]
fn a_clock_that_was_set_silences_nothing_and_starts_nothing_twice() {
    for text in ["every 1 min", "every 1 d", "30 3 * * *", "0 4 1 * *"] {
        let schedule = schedule(text, "Asia/Shanghai");
        let today = at("2026-11-23T10:00:00Z");
        // Forward by a year: once, and then again in its rhythm.
        let ahead = at("2027-11-23T10:00:00Z");
        let last = Since::Ran(today);
        assert!(schedule.next(last, ahead).unwrap() <= ahead, "{text}");
        // Back by a year: once, too.
        let last = Since::Ran(ahead);
        assert!(schedule.next(last, today).unwrap() <= today, "{text}");
        assert!(
            schedule.next(Since::Ran(today), today).unwrap() > today,
            "{text}"
        );
    }
    // Back over the moment by seconds, as time servers do it: that moment has had its start.
    let nightly = schedule("30 3 * * *", "UTC");
    let last = Since::Ran(at("2026-11-23T03:30:02Z"));
    for now in ["2026-11-23T03:29:58Z", "2026-11-23T03:30:01Z"] {
        assert_eq!(
            nightly.next(last, at(now)),
            Some(at("2026-11-24T03:30:00Z")),
            "{now}"
        );
    }
}

#[test]
fn what_is_off_is_never_due() {
    let off = schedule("off", "UTC");
    let now = at("2026-11-23T10:00:00Z");
    assert!(off.is_off());
    assert_eq!(off.next(Since::Known(now), now), None);
    assert_eq!(off.next(Since::Ran(Timestamp::UNIX_EPOCH), now), None);
}

#[test]
fn what_is_no_schedule_says_which_part_is_wrong() {
    for (text, expected) in [
        ("", NotASchedule::Fields),
        ("daily", NotASchedule::Fields),
        ("@daily", NotASchedule::Fields),
        ("0 3 * *", NotASchedule::Fields),
        ("0 0 3 * * *", NotASchedule::Fields),
        ("60 3 * * *", NotASchedule::Field("minute")),
        ("0 24 * * *", NotASchedule::Field("hour")),
        ("0 3 0 * *", NotASchedule::Field("day of month")),
        ("0 3 * 13 *", NotASchedule::Field("month")),
        ("0 3 * * FUNDAY", NotASchedule::Field("day of week")),
        ("0 3 30 2 *", NotASchedule::Never),
        ("0 3 31 4,6,9,11 *", NotASchedule::Never),
        ("every", NotASchedule::Wait),
        ("every minute", NotASchedule::Wait),
        ("every 0 s", NotASchedule::Wait),
        ("every -5 min", NotASchedule::Wait),
        ("every 5 minutes", NotASchedule::Wait),
        ("every 367 d", NotASchedule::Wait),
        ("every 9223372036854775807 d", NotASchedule::Wait),
    ] {
        let refused = Schedule::parse(text, &TimeZone::UTC);
        assert_eq!(refused, Err(expected), "{text}");
    }
    // Rare is not never.
    schedule("0 3 29 2 *", "UTC");
}

/// Schedules of many rhythms, in zones whose clocks jump in either hemisphere, by an hour or less.
fn some_schedule() -> impl Strategy<Value = Schedule> {
    let zones = [
        "UTC",
        "Asia/Shanghai",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
    ];
    let cron =
        (0..60_u8, 0..24_u8, 1..29_u8, 1..13_u8, 0..7_u8).prop_flat_map(|(m, h, d, mo, w)| {
            prop::sample::select(vec![
                format!("{m} {h} * * *"),
                format!("{m} * * * *"),
                format!("*/{} * * * *", m / 2 + 1),
                format!("{m} {h},{} * * *", (h + 1) % 24),
                format!("{m} {h} {d} * *"),
                format!("{m} {h} * * {w}"),
                format!("{m} */{} * {mo} *", h / 2 + 1),
            ])
        });
    let every = (1..400_i64, prop::sample::select(vec!["s", "min", "h"]))
        .prop_map(|(number, unit)| format!("every {number} {unit}"));
    let text = prop_oneof![3 => cron, 1 => every];
    (text, prop::sample::select(zones.to_vec())).prop_map(|(text, zone)| schedule(&text, zone))
}

fn some_instant() -> impl Strategy<Value = Timestamp> {
    // 2026 and 2027, to the microsecond.
    (1_767_225_600_000_000..1_830_297_600_000_000_i64)
        .prop_map(|micros| Timestamp::from_microsecond(micros).unwrap())
}

proptest! {
    #[test]
    fn the_next_start_lies_after_the_last(schedule in some_schedule(), last in some_instant()) {
        prop_assert!(schedule.next(Since::Ran(last), last).unwrap() > last);
    }

    #[test]
    fn nothing_starts_twice_between_two_of_its_moments(
        schedule in some_schedule(), start in some_instant(), waits in prop::collection::vec(0..90_000_i64, 1..60),
    ) {
        let (mut now, mut last) = (start, start);
        for wait in waits {
            now += SignedDuration::from_secs(wait);
            let next = schedule.next(Since::Ran(last), now).unwrap();
            // One of its moments lies between two starts, at the second's end.
            prop_assert_eq!(next, schedule.after(last).unwrap());
            if next <= now {
                last = now;
                prop_assert!(schedule.next(Since::Ran(last), now).unwrap() > now);
            }
        }
    }

    #[test]
    fn after_downtime_it_is_due_exactly_once(
        schedule in some_schedule(), last in some_instant(), periods in 1..5_usize, moment in 0..5_i64,
    ) {
        let missed = std::iter::successors(schedule.after(last), |at| schedule.after(*at));
        let back = missed.take(periods).last().unwrap() + SignedDuration::from_secs(moment);
        prop_assert!(schedule.next(Since::Ran(last), back).unwrap() <= back);
        prop_assert!(schedule.next(Since::Ran(back), back).unwrap() > back);
    }

    #[test]
    fn a_clock_set_back_keeps_nothing_waiting_longer_than_two_periods(
        schedule in some_schedule(), now in some_instant(), days in 0..800_i64,
    ) {
        let last = now.to_zoned_datetime(TimeZone::UTC).checked_add(days.days()).unwrap().timestamp();
        let next = schedule.next(Since::Ran(last), now).unwrap();
        let moments: Vec<_> =
            std::iter::successors(Some(now), |at| schedule.after(*at)).take(2).collect();
        let period = schedule.after(moments[1]).unwrap().duration_since(moments[1]);
        let end = schedule.after(now.checked_add(period).unwrap()).unwrap();
        prop_assert!(next <= end, "{next} is later than {end}");
    }

    #[test]
    fn whatever_is_written_is_read_or_refused(text in "[0-9a-zA-Z*,/#?@ -]{0,24}") {
        if let Ok(schedule) = Schedule::parse(&text, &TimeZone::UTC) {
            prop_assert!(schedule.is_off() || schedule.after(Timestamp::UNIX_EPOCH).is_some());
        }
    }
}
