//! What erasing a person means: when one who left is erased, what C4C is asked for, and what the
//! certificate says. How the rows are found and deleted is the store's and the job's.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::names::CUSTOMER_OBSOLETE;
use crate::config::OnUnfollow;
use crate::domain::ids::{ObjectId, TenantId};
use crate::domain::rows::{
    Changes, ErasureCause, Follower, MappingChange, MappingState, NewEffect, NewErasure, names,
};

/// Who leaves by a slip of the thumb is back within minutes, and nothing of theirs must be gone.
const GRACE: SignedDuration = SignedDuration::from_mins(10);

/// What follows for who has just left, if their account erases those: `changes` are what the act means
/// otherwise.
pub fn left(changes: &Changes, wanted: OnUnfollow, received: Timestamp) -> Vec<NewErasure> {
    let has_left = |mapping: &&MappingChange| mapping.state == MappingState::Unfollowed;
    let who = changes.mappings.iter().filter(has_left);
    let erasure = |mapping: &MappingChange| NewErasure {
        follower: mapping.follower.clone(),
        cause: ErasureCause::Unfollow,
        not_before: received.saturating_add(GRACE).unwrap_or(received),
        obsolete_customer: false,
    };
    match wanted {
        OnUnfollow::Keep => Vec::new(),
        OnUnfollow::Erase => who.map(erasure).collect(),
    }
}

/// Whether an erasure has lost its reason: they left, and have come back since.
pub fn is_void(cause: &str, state: Option<MappingState>) -> bool {
    cause == ErasureCause::Unfollow.as_str() && state.is_some_and(|s| s != MappingState::Unfollowed)
}

/// An operator's order: at once.
pub fn ordered(follower: &Follower, obsolete_customer: bool, now: Timestamp) -> NewErasure {
    NewErasure {
        follower: follower.clone(),
        cause: ErasureCause::Operator,
        not_before: now,
        obsolete_customer,
    }
}

/// The payload of `customer.obsolete`: it outlives the erasure, so it names no follower.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obsolete {
    /// Where.
    pub tenant: TenantId,
    /// Which customer.
    pub object_id: ObjectId,
}

/// The effect that takes a customer out of use in C4C.
pub fn obsolete(tenant: &TenantId, object_id: &ObjectId) -> NewEffect {
    let payload = Obsolete {
        tenant: tenant.clone(),
        object_id: object_id.clone(),
    };
    NewEffect::new(
        names::object_lane(tenant, object_id),
        CUSTOMER_OBSOLETE,
        names::c4c(tenant),
        &payload,
    )
}

/// A copy of the database: a backup, or what was kept before a migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// Where it lies.
    pub path: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it will be deleted; `None` when nobody does that but a person.
    pub expires_at: Option<Timestamp>,
}

/// The copies that still hold somebody: made after their first row and before they were erased. Of whom
/// nobody knows the first row, every earlier copy may.
pub fn holding(copies: Vec<Copy>, first_seen: Option<Timestamp>, erased: Timestamp) -> Vec<Copy> {
    let holds = |copy: &Copy| {
        copy.made_at <= erased && first_seen.is_none_or(|first| copy.made_at >= first)
    };
    copies.into_iter().filter(holds).collect()
}

/// What was erased, for who asked for it: kept, and given out as JSON and as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// `erasure.id`
    pub erasure: String,
    /// The account.
    pub account: String,
    /// Who, under a name that nobody can lead back to them any more.
    pub person: String,
    /// `operator` or `unfollow`.
    pub cause: String,
    /// When it was wanted.
    pub ordered_at: Timestamp,
    /// When it began: what came later is of a new person.
    pub begun_at: Timestamp,
    /// When the last row was gone.
    pub finished_at: Timestamp,
    /// Rows that are gone, by table.
    pub rows: BTreeMap<String, u64>,
    /// Whether the whole file was written anew. If not, pieces of rows that SQLite had moved earlier may
    /// be left in unused parts of its pages.
    pub file_rewritten: bool,
    /// `kept` or `obsolete`: what was asked of C4C, which Qiao does not erase.
    pub customer_in_c4c: String,
    /// Copies that still hold them.
    pub copies: Vec<Copy>,
}

impl Certificate {
    /// For people: what JSON says, in sentences.
    pub fn text(&self) -> String {
        let mut lines = vec![
            format!(
                "Erasure {} of {} at account {}",
                self.erasure, self.person, self.account
            ),
            format!("ordered {}, by {}", self.ordered_at, self.cause),
            format!("begun {}, finished {}", self.begun_at, self.finished_at),
        ];
        let rows = self.rows.iter();
        let rows: Vec<String> = rows.map(|(table, n)| format!("{table} {n}")).collect();
        lines.push(format!("rows erased: {}", rows.join(", ")));
        let file = if self.file_rewritten {
            "the database file was written anew, its log emptied"
        } else {
            "the log was emptied; the file is too large to be written anew while the daemon runs, so pieces \
             may be left in unused parts of it: see docs/PRIVACY.md"
        };
        let customer = if self.customer_in_c4c == "kept" {
            "the customer in C4C was not touched"
        } else {
            "C4C is asked to make the customer obsolete"
        };
        lines.extend([file.to_owned(), customer.to_owned()]);
        for copy in &self.copies {
            lines.push(match copy.expires_at {
                Some(at) => format!("still held by {} until {at}", copy.path),
                None => format!("still held by {}: delete it by hand", copy.path),
            });
        }
        if self.copies.is_empty() {
            lines.push("no copy known to Qiao holds them".to_owned());
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AccountId, OpenId};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn copy(path: &str, made: i64) -> Copy {
        Copy {
            path: path.to_owned(),
            made_at: at(made),
            expires_at: None,
        }
    }

    #[test]
    fn a_copy_holds_who_was_known_when_it_was_made() {
        let copies = vec![
            copy("before", 9),
            copy("first", 10),
            copy("last", 20),
            copy("after", 21),
        ];
        let paths = |first| {
            let held = holding(copies.clone(), first, at(20));
            held.into_iter().map(|copy| copy.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(Some(at(10))), ["first", "last"]);
        assert_eq!(paths(None), ["before", "first", "last"]);
    }

    #[test]
    fn who_left_is_erased_after_a_while_and_only_where_that_is_wanted() {
        let follower = Follower {
            account: AccountId::new("main"),
            openid: OpenId::new("oAnna"),
        };
        let to = |state| Changes {
            mappings: vec![MappingChange::to(
                follower.clone(),
                TenantId::new("main"),
                state,
            )],
            ..Changes::none()
        };
        let gone = to(MappingState::Unfollowed);
        assert_eq!(left(&gone, OnUnfollow::Keep, at(0)), []);
        assert_eq!(
            left(&to(MappingState::Pending), OnUnfollow::Erase, at(0)),
            []
        );
        let erasures = left(&gone, OnUnfollow::Erase, at(0));
        assert_eq!(erasures[0].not_before, at(600));
        assert!(
            is_void("unfollow", Some(MappingState::Linked)),
            "they are back"
        );
        assert!(!is_void("unfollow", Some(MappingState::Unfollowed)));
        assert!(
            !is_void("operator", Some(MappingState::Linked)),
            "it was ordered"
        );
    }
}
