//! The gate before a remote: when the whole account or tenant is in trouble, its rows wait
//! uncounted and one probe at a time asks whether the trouble is over. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::verdict::Pause;

/// However soon a remote asks to be tried again, a probe waits at least this long.
const SHORTEST_PROBE: Duration = Duration::from_mins(1);

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
        let wait = SignedDuration::try_from(pause.probe_after.max(SHORTEST_PROBE))
            .unwrap_or(SignedDuration::MAX);
        let until = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        // Attempts that were under way when the gate closed report late: the longest pause wins.
        match self {
            Self::Closed {
                until: later,
                reason,
            } if later > until => Self::Closed {
                reason,
                until: later,
            },
            _ => Self::Closed {
                reason: pause.reason,
                until,
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
        };
        let gate = Gate::Open.troubled(&long, Timestamp::UNIX_EPOCH);
        let gate = gate.troubled(&TROUBLE, Timestamp::from_second(1).unwrap());
        assert_eq!(gate.reason(), Some("unauthorized"));
        assert_eq!(gate.not_before(), Timestamp::from_second(900).ok());
    }

    #[test]
    fn a_fresh_start_tries_one_at_a_time() {
        assert_eq!(Gate::Probing.slots(4, Timestamp::UNIX_EPOCH), 1);
    }
}
