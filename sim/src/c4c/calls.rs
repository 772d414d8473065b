//! The log of calls: what a test counts, without bodies or queries.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;

use super::stamps;

/// Calls remembered one by one; the totals go on counting.
const REMEMBERED: usize = 10_000;

/// One call of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// When it arrived.
    #[serde(serialize_with = "stamps::as_text")]
    pub at: Timestamp,
    /// The verb on the wire.
    pub method: String,
    /// The path, decoded.
    pub path: String,
    /// The status answered; `None` when no answer was sent.
    pub status: Option<u16>,
    /// Whether it was a part of a `$batch`.
    pub in_batch: bool,
    /// Its `traceparent` (W3C trace context), which C4C does not look at.
    pub traceparent: Option<String>,
}

/// All calls since the start or the last clearing.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Calls {
    recent: VecDeque<Call>,
    /// By verb and entity set, navigation or function, for example
    /// `POST IndividualCustomerCollection`.
    totals: BTreeMap<String, u64>,
    /// The most calls that were under way at one time, as far as their latency shows it.
    pub peak: usize,
    /// Calls that began while the tenant's limit of parallel calls was used up.
    pub over_limit: u64,
    #[serde(skip)]
    ends: Vec<Timestamp>,
}

impl Calls {
    /// The last calls, oldest first.
    pub fn recent(&self) -> impl DoubleEndedIterator<Item = &Call> {
        self.recent.iter()
    }

    /// How many there were of a verb on an entity set, navigation or function:
    /// `("POST", "IndividualCustomerCollection")`.
    pub fn total(&self, method: &str, set: &str) -> u64 {
        let counted = self.totals.get(&format!("{method} {set}"));
        counted.copied().unwrap_or_default()
    }

    /// How many remembered calls had that verb, a path containing `piece`, and that status.
    pub fn count(&self, method: &str, piece: &str, status: u16) -> usize {
        let fits = |call: &&Call| {
            call.method == method && call.path.contains(piece) && call.status == Some(status)
        };
        self.recent.iter().filter(fits).count()
    }

    pub(super) fn record(&mut self, call: Call) {
        let operation = format!("{} {}", call.method, last_set(&call.path));
        *self.totals.entry(operation).or_default() += 1;
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(call);
    }

    /// Counts a call as under way from `from` to `to`.
    pub(super) fn under_way(&mut self, from: Timestamp, to: Timestamp, limit: usize) {
        self.ends.retain(|end| *end > from);
        self.over_limit += u64::from(self.ends.len() >= limit);
        if to > from {
            self.ends.push(to);
        }
        self.peak = self.peak.max(self.ends.len()).max(1);
    }
}

/// The last entity set, navigation, function, `$metadata` or `$batch` in a path.
fn last_set(path: &str) -> &str {
    let named = |segment: &&str| {
        let capital = segment.starts_with(|first: char| first.is_ascii_uppercase());
        (capital && *segment != "Binary") || ["$metadata", "$batch"].contains(segment)
    };
    let mut segments = path.rsplit('/').map(|s| s.split('(').next().unwrap_or(s));
    segments.find(named).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    #[test]
    fn calls_are_counted_by_verb_and_set() {
        let mut calls = Calls::default();
        for (method, path) in [
            ("GET", "/sap/c4c/odata/v1/c4codataapi/XCollection('1')"),
            ("GET", "/sap/c4c/odata/v1/c4codataapi/XCollection"),
            ("GET", "/sap/c4c/odata/v1/c4codataapi/$metadata"),
        ] {
            calls.record(Call {
                at: at(0),
                method: method.to_owned(),
                path: path.to_owned(),
                status: Some(200),
                in_batch: false,
                traceparent: None,
            });
        }
        assert_eq!(calls.total("GET", "XCollection"), 2);
        assert_eq!(calls.count("GET", "$metadata", 200), 1);
    }

    #[test]
    fn the_peak_is_how_many_calls_overlap() {
        let mut calls = Calls::default();
        for (from, to) in [(0, 10), (5, 15), (9, 19), (10, 20)] {
            calls.under_way(at(from), at(to), 2);
        }
        assert_eq!(calls.peak, 3);
        assert_eq!(calls.over_limit, 2);
    }
}
