//! The gate before a remote: when the whole account or tenant is in trouble, its rows wait
//! uncounted and one probe at a time asks whether the trouble is over. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::verdict::Pause;

/// However soon a remote asks to be tried again, a probe waits at least this long.
const SHORTEST_PROBE: Duration = Duration::from_mins(1);

/// Doublings of a wait that backs off: 15 minutes become 16 hours at most.
const MAX_DOUBLINGS: u32 = 6;

/// The state of one remote's gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// Nothing is known of it since the start: one attempt at a time, until one succeeds. A
    /// daemon that is restarted again and again must not lock a user with many wrong passwords.
    Probing,
    /// It answers.
    Open,
    /// It is paused.
    Closed {
        /// Why, as a stable word.
        reason: &'static str,
        /// When the next probe may go.
        until: Timestamp,
        /// Probes in a row that have failed.
        failed: u32,
    },
}

impl Gate {
    /// How many attempts may run at once, of at most `max`.
    pub fn slots(&self, max: usize, now: Timestamp) -> usize {
        match self {
            Self::Open => max,
            Self::Probing => 1,
            Self::Closed { until, .. } => usize::from(now >= *until),
        }
    }

    /// The gate after an attempt in which the remote showed no trouble of its own.
    #[must_use]
    pub fn answered(self) -> Self {
        Self::Open
    }

    /// The gate after an attempt that met the remote's trouble.
    #[must_use]
    pub fn troubled(self, pause: &Pause, now: Timestamp) -> Self {
        let failed = match &self {
            Self::Closed { until, failed, .. } if now >= *until => failed + 1,
            Self::Closed { failed, .. } => *failed,
            Self::Probing | Self::Open => 0,
        };
        let doublings = if pause.backs_off { failed } else { 0 };
        let wait = pause.probe_after.max(SHORTEST_PROBE) * 2_u32.pow(doublings.min(MAX_DOUBLINGS));
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        let until = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        match self {
            // Attempts that were under way when the gate closed report late: the longest pause wins.
            Self::Closed { until: later, .. } if later > until => self,
            _ => Self::Closed {
                reason: pause.reason,
                until,
                failed,
            },
        }
    }

    /// When it makes sense to look for work again: not before the next probe.
    pub fn not_before(&self) -> Option<Timestamp> {
        match self {
            Self::Closed { until, .. } => Some(*until),
            Self::Probing | Self::Open => None,
        }
    }

    /// Why it is closed.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Closed { reason, .. } => Some(reason),
            Self::Probing | Self::Open => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TROUBLE: Pause = Pause {
        reason: "unavailable",
        probe_after: Duration::from_secs(5),
        backs_off: false,
    };

    #[test]
    fn a_closed_gate_lets_one_probe_through_when_its_time_has_come() {
        let start = Timestamp::UNIX_EPOCH;
        let gate = Gate::Open.troubled(&TROUBLE, start);
        assert_eq!(gate.slots(4, start), 0);
        assert_eq!(gate.slots(4, Timestamp::from_second(59).unwrap()), 0);
        assert_eq!(gate.slots(4, Timestamp::from_second(60).unwrap()), 1);
        assert_eq!(gate.answered().slots(4, start), 4);
    }

    #[test]
    fn a_late_report_does_not_shorten_the_pause() {
        let long = Pause {
            reason: "unauthorized",
            probe_after: Duration::from_mins(15),
            backs_off: true,
        };
        let gate = Gate::Open.troubled(&long, Timestamp::UNIX_EPOCH);
        let gate = gate.troubled(&TROUBLE, Timestamp::from_second(1).unwrap());
        assert_eq!(gate.reason(), Some("unauthorized"));
        assert_eq!(gate.not_before(), Timestamp::from_second(900).ok());
    }

    #[test]
    fn a_probe_that_harms_is_made_more_and_more_seldom() {
        let unauthorized = Pause {
            reason: "unauthorized",
            probe_after: Duration::from_mins(15),
            backs_off: true,
        };
        let mut gate = Gate::Open;
        let mut now = Timestamp::UNIX_EPOCH;
        let mut waits = Vec::new();
        for _ in 0..9 {
            // The second is an attempt that was under way when the first closed the gate.
            gate = gate
                .troubled(&unauthorized, now)
                .troubled(&unauthorized, now);
            let next = gate.not_before().unwrap();
            waits.push(next.duration_since(now).as_mins());
            now = next;
        }
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 960, 960, 960]);
    }

    #[test]
    fn a_fresh_start_tries_one_at_a_time() {
        assert_eq!(Gate::Probing.slots(4, Timestamp::UNIX_EPOCH), 1);
    }
}
