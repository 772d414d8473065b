//! What only somebody who stands outside can know: what the platforms did and showed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// A push by what its URL tells: the account, the follower, and the second of the act.
pub type PushKey = (usize, String, i64);

/// An act of a follower, or an event about one, as it was pushed.
#[derive(Debug, Default, Clone)]
pub struct Pushed {
    /// Of messages.
    pub msg_ids: Vec<i64>,
    /// How many pushes share this second.
    pub acts: usize,
    /// How often Qiao acknowledged it.
    pub acknowledged: usize,
    /// How often it was handed to Qiao.
    pub delivered: usize,
}

/// The memory of a seed.
#[derive(Debug, Default)]
pub struct Witness {
    /// Broken promises, in words. The first ends the seed.
    pub broken: Vec<String>,
    pub pushes: BTreeMap<PushKey, Pushed>,
    /// Every instant at which WeChat showed what an effect sends, by the effect's id.
    pub shown: BTreeMap<i64, Vec<Timestamp>>,
    /// Effects that an operator set going again.
    pub retried: BTreeMap<i64, usize>,
    /// Followers whose windows Qiao could not know: an act of theirs was still under way while
    /// something was sent to them.
    pub unsure: BTreeSet<(usize, String)>,
    /// Tokens in the order of their issue, by account.
    pub tokens: [Vec<String>; 2],
    /// Whether one has come since the stored ones were looked at.
    pub token_came: bool,
    /// The place in that order of the token that is stored.
    pub stored: [Option<usize>; 2],
    /// Customers that an agent deleted or made obsolete.
    pub removed: BTreeSet<String>,
    /// The baselines and, by account and OpenID, the change notices, as they last stood.
    pub baselines: BTreeMap<String, String>,
    pub notices: BTreeMap<(String, String), i64>,
    /// Whether several commits went on at once since then.
    pub several: bool,
    /// Customers of whose changes some notification was lost.
    pub untold: BTreeSet<String>,
    /// The customer that an agent has open.
    pub open: Option<String>,
    /// Whether a push was refused because its commit took too long in real time: nothing else
    /// makes Qiao refuse one here.
    pub stalled: bool,
    pub restarts: usize,
}

impl Witness {
    pub fn breaks(&mut self, promise: String) {
        self.broken.push(promise);
    }

    /// Holds `promise` or remembers that it is broken.
    pub fn holds(&mut self, kept: bool, promise: impl FnOnce() -> String) {
        if !kept {
            self.breaks(promise());
        }
    }
}
