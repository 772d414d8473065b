//! When an access token is due to be fetched again (wechat.md 3.1, 3.2).
//!
//! `stable_token` answers the same token until five minutes before its end, so asking earlier
//! brings nothing new, and the old token works through those five minutes. `token` gives the old
//! one five minutes of grace as well. Asking with four minutes left therefore suits both: the new
//! one is there, a minute of clock difference does no harm, and there is time for retries.

use jiff::{SignedDuration, Timestamp};

/// How long before its end a token is due.
const LEAD: SignedDuration = SignedDuration::from_mins(4);

/// Shortest time between two fetches, for a source that keeps answering with a nearly expired one.
const MIN_GAP: SignedDuration = SignedDuration::from_secs(10);

/// When to fetch again. Of a token that came with little life left (a central service hands out
/// old ones) half of that life is used.
pub fn refresh_at(fetched_at: Timestamp, expires_at: Timestamp) -> Timestamp {
    let life = expires_at.duration_since(fetched_at);
    let wait = (life - LEAD.min(life / 2)).max(MIN_GAP);
    fetched_at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// Whether it is time to fetch again.
pub fn is_due(fetched_at: Timestamp, expires_at: Timestamp, now: Timestamp) -> bool {
    now >= refresh_at(fetched_at, expires_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_fresh_token_is_due_four_minutes_before_its_end() {
        assert!(!is_due(at(0), at(7200), at(6959)));
        assert!(is_due(at(0), at(7200), at(6960)));
        assert!(is_due(at(0), at(7200), at(9000)));
    }

    #[test]
    fn a_token_that_comes_old_is_used_for_half_of_what_it_has_left() {
        // wechat.md 3.2: the documentation's example answers 345 seconds.
        assert_eq!(
            refresh_at(at(100), at(100 + 345)),
            at(100) + SignedDuration::from_millis(172_500)
        );
    }

    #[test]
    fn a_source_that_hands_out_dead_tokens_is_not_asked_in_a_loop() {
        for expires_at in [at(100), at(101), at(0)] {
            assert_eq!(refresh_at(at(100), expires_at), at(110));
        }
    }

    #[test]
    fn a_token_is_asked_for_only_after_the_platform_has_rotated_it() {
        let rotated = at(7200 - 300);
        assert!(refresh_at(at(0), at(7200)) > rotated);
    }
}
