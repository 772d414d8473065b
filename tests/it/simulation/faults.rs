//! What goes wrong in a seed: each kind by name, counted, and how often it may come.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Every kind of fault. A run of many seeds must have met them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A call never left.
    NotSent,
    /// A call was lost before its effect.
    LostBefore,
    /// A call had its effect and its answer was lost.
    LostAfter,
    /// A call was answered after its caller had given up.
    TooLate,
    /// The far side answered one call with an error.
    Refused,
    /// The far side was out of order for a while.
    Outage,
    /// A push was lost on its way to us.
    PushLost,
    /// The answer to a push was lost on its way back.
    AnswerLost,
    /// A push came a second time, to the byte.
    Duplicate,
    /// A push was overtaken by a later one.
    Overtaken,
    /// C4C sent no notification of a change.
    NotificationLost,
    /// The daemon was killed between two calls.
    Killed,
    /// The daemon was killed in a commit.
    KilledInCommit,
    /// A commit was held while others went on.
    CommitHeld,
    /// Our clock was set forwards or back.
    WrongClock,
    /// Much time passed at once.
    LongPause,
    /// WeChat ended the access_token.
    TokenRevoked,
    /// WeChat's quota was used up.
    Quota,
    /// WeChat took the right to send from the account (48001).
    NotAllowed,
    /// A tenant in maintenance.
    Maintenance,
    /// C4C locked our user, or its password was changed.
    LockedOut,
    /// C4C ended our session.
    SessionEnded,
}

impl Fault {
    pub const ALL: [Self; 22] = [
        Self::NotSent,
        Self::LostBefore,
        Self::LostAfter,
        Self::TooLate,
        Self::Refused,
        Self::Outage,
        Self::PushLost,
        Self::AnswerLost,
        Self::Duplicate,
        Self::Overtaken,
        Self::NotificationLost,
        Self::Killed,
        Self::KilledInCommit,
        Self::CommitHeld,
        Self::WrongClock,
        Self::LongPause,
        Self::TokenRevoked,
        Self::Quota,
        Self::NotAllowed,
        Self::Maintenance,
        Self::LockedOut,
        Self::SessionEnded,
    ];
}

/// How often each kind happened.
pub type Count = BTreeMap<Fault, u64>;

/// Which kinds a seed knows. Each seed has only some of them: where everything goes wrong at once,
/// little gets far enough to go wrong in a new way.
#[derive(Debug)]
pub struct Climate(Vec<Fault>);

impl Climate {
    pub fn of(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ 0x00c1_1a7e);
        let share = rng.random_range(0.15..0.75);
        let mut kinds: Vec<Fault> = Fault::ALL
            .into_iter()
            .filter(|_| rng.random_bool(share))
            .collect();
        if kinds.contains(&Fault::WrongClock) {
            // C4C is asked for what changed since an instant of our clock: with a wrong one, a
            // change whose notification was lost may stay unseen, and nobody promised otherwise.
            kinds.retain(|kind| *kind != Fault::NotificationLost);
        }
        Self(kinds)
    }

    pub fn knows(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }
}
