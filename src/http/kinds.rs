//! Counts pushes by kind. Senders name the kinds, so only so many get a label of their own.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use metrics::Counter;

use crate::domain::series;

/// Kinds with a label of their own: the documented ones are about 40.
const MOST: usize = 64;

/// The label of all others.
const OTHER: &str = "other";

/// The counters in use.
#[derive(Default)]
pub(super) struct Kinds(Mutex<HashMap<String, Counter>>);

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kinds")
    }
}

impl Kinds {
    /// Counts one push of this kind.
    pub(super) fn count(&self, kind: &str) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = counters.get(kind) {
            return counter.increment(1);
        }
        let label = if counters.len() < MOST { kind } else { OTHER };
        counters
            .entry(label.to_owned())
            .or_insert_with_key(|kind| metrics::counter!(series::PUSHES, "kind" => kind.clone()))
            .increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_invented_kinds_shares_one_label() {
        let kinds = Kinds::default();
        for number in 0..10 * MOST {
            kinds.count(&format!("invented_{number}"));
        }
        assert_eq!(kinds.0.lock().unwrap().len(), MOST + 1);
    }
}
