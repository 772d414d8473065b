//! What becomes of an effect after a failed attempt: a pure function of verdict, tries, now.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::verdict::{Failure, Verdict};
use crate::store::NextState;

/// How long one attempt may take: several calls of 30 s, one after the other.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(2);

/// A lease outlives the attempt, so that a row is never claimed while its attempt runs.
pub const LEASE: Duration = Duration::from_mins(3);

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The waits between counted tries, in seconds. They sum to seven days: long enough for a long
/// week-end without anybody on call, and the first ones short enough for a hiccup.
pub const WAITS: [u64; 19] = [
    2,
    5,
    10,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    20 * MINUTE,
    40 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    8 * HOUR,
    12 * HOUR,
    24 * HOUR,
    36 * HOUR,
    36 * HOUR,
    // What is left of seven days.
    45 * HOUR - 78 * MINUTE - 47,
];

/// The wait when the far side asks for a slower pace and does not say how much slower.
const THROTTLED_WAIT: Duration = Duration::from_mins(1);

/// The longest `Retry-After` that is believed; past it we ask again by ourselves.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * HOUR);

/// An effect that has waited this long is given up, however many of its tries were forgiven.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What the policy looks at besides the failure.
#[derive(Debug, Clone, Copy)]
pub struct Tries {
    /// Counted tries before this one.
    pub before: i64,
    /// When the effect was written.
    pub created_at: Timestamp,
    /// When this try ended.
    pub now: Timestamp,
    /// A random fraction in `0.0..1.0`, for the jitter.
    pub jitter: f64,
}

/// Decides on the next state, and whether the try counts towards giving up.
pub fn next(failure: &Failure, tries: Tries) -> (NextState, bool) {
    if tries.now.duration_since(tries.created_at) > MAX_AGE {
        return (NextState::Dead, true);
    }
    let uncertain = failure.verdict == Verdict::Uncertain;
    let at = |wait: Duration| later(tries.now, wait);
    if failure.pause.is_some() {
        // The gate says when the remote is tried again; this row keeps its place before it.
        let at = tries.now;
        return (NextState::Ready { at, uncertain }, false);
    }
    match failure.verdict {
        Verdict::Permanent | Verdict::Window => (NextState::Dead, true),
        Verdict::Throttled => {
            let wait = asked(failure).unwrap_or_default().max(THROTTLED_WAIT);
            (
                NextState::Ready {
                    at: at(jittered_up(wait, tries.jitter)),
                    uncertain,
                },
                false,
            )
        }
        Verdict::Transient | Verdict::Auth | Verdict::Uncertain => {
            let scheduled = usize::try_from(tries.before)
                .ok()
                .and_then(|n| WAITS.get(n));
            let Some(seconds) = scheduled else {
                return (NextState::Dead, true);
            };
            let wait = spread(Duration::from_secs(*seconds), tries.jitter);
            let wait = wait.max(asked(failure).unwrap_or_default());
            (
                NextState::Ready {
                    at: at(wait),
                    uncertain,
                },
                true,
            )
        }
    }
}

fn asked(failure: &Failure) -> Option<Duration> {
    failure
        .retry_after
        .map(|wait| wait.min(LONGEST_RETRY_AFTER))
}

/// ±20 %, so that what failed together does not come back together.
fn spread(wait: Duration, jitter: f64) -> Duration {
    wait.mul_f64(0.8 + 0.4 * jitter)
}

/// Up to 20 % more: a far side that named a time is not asked before it.
fn jittered_up(wait: Duration, jitter: f64) -> Duration {
    wait.mul_f64(1.0 + 0.2 * jitter)
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::verdict::Pause;
    use proptest::prelude::*;

    fn tries(before: i64) -> Tries {
        Tries {
            before,
            created_at: Timestamp::UNIX_EPOCH,
            now: Timestamp::UNIX_EPOCH,
            jitter: 0.5,
        }
    }

    #[test]
    fn the_waits_sum_to_seven_days_and_never_shrink() {
        assert_eq!(WAITS.iter().sum::<u64>(), 7 * 24 * HOUR);
        assert!(WAITS.windows(2).all(|pair| pair[0] <= pair[1]), "{WAITS:?}");
    }

    #[test]
    fn a_twentieth_counted_failure_is_the_last() {
        let failure = Failure::new(Verdict::Transient, "503");
        assert!(matches!(
            next(&failure, tries(18)),
            (NextState::Ready { .. }, true)
        ));
        assert_eq!(next(&failure, tries(19)), (NextState::Dead, true));
    }

    #[test]
    fn a_pause_of_the_remote_burns_no_try() {
        let mut failure = Failure::new(Verdict::Auth, "401");
        failure.pause = Some(Pause {
            reason: "unauthorized",
            probe_after: Duration::from_mins(15),
            backs_off: true,
        });
        let (next, counted) = next(&failure, tries(19));
        assert_eq!(
            next,
            NextState::Ready {
                at: Timestamp::UNIX_EPOCH,
                uncertain: false
            }
        );
        assert!(!counted);
    }

    #[test]
    fn nothing_waits_for_ever_even_if_no_try_counts() {
        let failure = Failure::new(Verdict::Throttled, "429");
        let late = Tries {
            now: Timestamp::from_second(15 * 86_400).unwrap(),
            ..tries(0)
        };
        assert_eq!(next(&failure, late), (NextState::Dead, true));
    }

    proptest! {
        #[test]
        fn retry_after_is_honoured_within_its_clamp(
            before in 0_i64..19, asked in 0_u64..10_000_000, jitter in 0.0_f64..1.0,
            throttled: bool,
        ) {
            let verdict = if throttled { Verdict::Throttled } else { Verdict::Transient };
            let mut failure = Failure::new(verdict, "slow down");
            failure.retry_after = Some(Duration::from_secs(asked));
            let (next, counted) = next(&failure, Tries { jitter, ..tries(before) });
            let NextState::Ready { at, uncertain } = next else { panic!("{next:?}") };
            let waited = at.duration_since(Timestamp::UNIX_EPOCH).as_secs().unsigned_abs();
            prop_assert!(waited >= asked.min(24 * HOUR));
            let longest = (24 * HOUR).max(WAITS[usize::try_from(before).unwrap()]);
            prop_assert!(waited <= longest + longest / 5 + 1);
            prop_assert_eq!(counted, !throttled);
            prop_assert!(!uncertain);
        }
    }
}
