//! `[retention]`: days, 0 for ever.

use jiff::SignedDuration;

use crate::config::defaults;
use crate::config::error::Fault;
use crate::config::retention::Retention;
use crate::config::tree::{Reading, Section};

/// A hundred years.
const MOST_DAYS: i64 = 36_500;

/// A repeated push gets the answer of the first, whose key is remembered for a week (`prune`).
const LEAST_INBOX: i64 = 14;

pub(super) fn retention(section: &Section<'_>) -> Reading<Retention> {
    let messages = days(section, "messages", defaults::KEEP_MESSAGES, 1);
    let locations = days(section, "locations", defaults::KEEP_LOCATIONS, 1);
    let inbox = days(section, "inbox", defaults::KEEP_INBOX, LEAST_INBOX);
    let attempts = days(section, "attempts", defaults::KEEP_ATTEMPTS, 1);
    let findings = days(section, "findings", defaults::KEEP_FINDINGS, 1);
    let job_runs = days(section, "job_runs", defaults::KEEP_JOB_RUNS, 1);
    Ok(Retention {
        messages: messages?,
        locations: locations?,
        inbox: inbox?,
        attempts: attempts?,
        findings: findings?,
        job_runs: job_runs?,
    })
}

fn days(
    section: &Section<'_>,
    key: &str,
    default: i64,
    least: i64,
) -> Reading<Option<SignedDuration>> {
    match section.number(key)?.unwrap_or(default) {
        0 => Ok(None),
        days if (least..=MOST_DAYS).contains(&days) => {
            Ok(Some(SignedDuration::from_hours(days * 24)))
        }
        _ => {
            let reason = format!("the number is neither 0 nor between {least} and {MOST_DAYS}");
            let remedy =
                format!("write so many days, or 0 to keep them for ever; the default is {default}");
            Err(section.error(key, Fault::new(reason, remedy)))
        }
    }
}
