//! What becomes of an attempt whose outcome the database refuses: it is held for a person without
//! what follows from it, so that one bad row does not block its lane for ever. Pure.

use std::fmt::Display;

use crate::domain::rows::Changes;
use crate::domain::verdict::Verdict;
use crate::store::{NextState, Settlement, Tried};

/// The word in `outbox.held_reason`.
const REASON: &str = "unwritable";

/// The same attempt, held. It may have had its effect.
pub(super) fn held(settlement: Settlement, fault: &impl Display) -> Settlement {
    Settlement {
        tried: Tried {
            verdict: Some(Verdict::Permanent),
            error: Some(format!("its outcome cannot be written: {fault}")),
            counted: true,
        },
        next: NextState::Held {
            reason: REASON.to_owned(),
            uncertain: true,
        },
        changes: Changes::none(),
        ..settlement
    }
}

/// Whether it is what [`held`] makes: nothing less can be written.
pub(super) fn is_held(settlement: &Settlement) -> bool {
    matches!(&settlement.next, NextState::Held { reason, .. } if reason == REASON)
}
