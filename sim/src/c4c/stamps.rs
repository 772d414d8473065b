//! Stamps of change that never repeat, and how instants are shown in the control API.

use jiff::{SignedDuration, Timestamp};
use serde::Serializer;

/// Gives each change a stamp later than every earlier one, so that it has an ETag of its own even
/// while the clock stands still. Microseconds, as C4C keeps them.
#[derive(Debug, Clone, Default)]
pub(super) struct Stamps {
    last: Option<Timestamp>,
}

impl Stamps {
    /// The stamp of a change made now.
    pub(super) fn next(&mut self, now: Timestamp) -> Timestamp {
        let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        let tick = SignedDuration::from_micros(1);
        let after_last = self.last.map(|last| last.saturating_add(tick));
        let at = match after_last {
            Some(Ok(next)) if next > now => next,
            _ => now,
        };
        self.last = Some(at);
        at
    }
}

/// An instant as text.
pub(super) fn as_text<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}
