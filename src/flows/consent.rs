//! What follows when somebody consents to tell their name and avatar, or withdraws that: the consent,
//! and their customer's fields that speak of it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::names::{CONSENT_WITHDRAWN, PROFILE_RENEW};
use super::naming;
use crate::config::{Account, Tenant};
use crate::domain::rows::{Changes, ConsentChange, Follower, NewEffect, Priority, Profile, names};
use crate::store::{Consent, Mapping};
use crate::wechat::push::Event;
use crate::wechat::push::event::PrivacyNotice;

/// What was told is read again when it is older and somebody opens a page.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// The number of nickname and avatar in `RevokeInfo` (wechat.md 2.4).
const NICKNAME_AND_AVATAR: &str = "205";

/// What WeChat's own sample has in its place: everything.
const EVERYTHING: &str = "1";

/// The payload of `profile.renew`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renew {
    /// Whose.
    pub follower: Follower,
}

/// The payload of `consent.withdrawn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Who.
    pub follower: Follower,
    /// When, as WeChat says.
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub at: Timestamp,
    /// Their WeChat account is closed: no browser knows them any more, either.
    #[serde(default)]
    pub closed: bool,
}

/// What is known of who told something.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Their mapping.
    pub mapping: Option<&'a Mapping>,
    /// What they had told before.
    pub consent: Option<&'a Consent>,
    /// Their account.
    pub account: &'a Account,
    /// Its tenant.
    pub tenant: &'a Tenant,
}

/// What follows for their customer from what was told now: it is named after them, unless the account's
/// own people have named them.
pub fn told(known: &Known<'_>, now: &Profile) -> Option<NewEffect> {
    let mapping = known.mapping?;
    let before = known.consent.map(|consent| &consent.profile);
    let theirs = before.and_then(|profile| profile.name.as_deref());
    let named_by_us = mapping.name.is_some() && mapping.name.as_deref() != theirs;
    let name = now.name.as_deref().filter(|_| !named_by_us);
    let avatar = now.avatar.as_deref();
    let avatar = avatar.filter(|avatar| before.and_then(|b| b.avatar.as_deref()) != Some(*avatar));
    naming::called(mapping, name, avatar, known.account, known.tenant)
}

/// What follows from a withdrawal: nothing of it stays, and their customer loses what came of it.
pub fn withdrawn(of: &Withdrawn, known: &Known<'_>) -> Changes {
    let consent = known.consent.filter(|consent| consent.given_at <= of.at);
    let change = ConsentChange::Withdrawn {
        follower: of.follower.clone(),
        at: of.at,
        closed: of.closed,
    };
    let forgotten = consent.zip(known.mapping).and_then(|(consent, mapping)| {
        naming::forgotten(mapping, &consent.profile, known.account, known.tenant)
    });
    Changes {
        consents: vec![change],
        effects: forgotten.into_iter().collect(),
        ..Changes::none()
    }
}

/// The effect that reads a profile again, when that is due for who opens a page.
pub fn renewal(follower: &Follower, consent: &Consent, now: Timestamp) -> Option<NewEffect> {
    consent.refresh_token.as_ref()?;
    let fresh = consent
        .read_at
        .is_some_and(|read| now.duration_since(read) < FRESH);
    (!fresh).then(|| renew(follower))
}

/// The effect that reads a profile again.
pub fn renew(follower: &Follower) -> NewEffect {
    let payload = Renew {
        follower: follower.clone(),
    };
    let remote = names::wechat(&follower.account);
    NewEffect {
        merge: true,
        ..NewEffect::new(follower.profile_lane(), PROFILE_RENEW, remote, &payload)
    }
}

/// What follows from what WeChat says of a person's data: a withdrawal, or another look at their
/// profile, which WeChat has cleaned.
pub fn noticed(follower: &Follower, event: &Event, at: Timestamp) -> Option<NewEffect> {
    let Event::Privacy {
        notice, revoked, ..
    } = event
    else {
        return None;
    };
    let closed = match notice {
        PrivacyNotice::Modified => return Some(renew(follower)),
        PrivacyNotice::Revoked if !concerns_profile(revoked) => return None,
        PrivacyNotice::Revoked => false,
        PrivacyNotice::Closed => true,
    };
    let withdrawn = Withdrawn {
        follower: follower.clone(),
        at,
        closed,
    };
    Some(NewEffect {
        priority: Priority::Live,
        ..NewEffect::new(
            names::inbound_lane(&follower.account),
            CONSENT_WITHDRAWN,
            names::LOCAL,
            &withdrawn,
        )
    })
}

fn concerns_profile(revoked: &str) -> bool {
    revoked
        .split(|c: char| !c.is_ascii_digit())
        .any(|number| number == NICKNAME_AND_AVATAR || number == EVERYTHING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_revocation_of_name_and_avatar_is_one() {
        for (revoked, concerns) in [
            ("205", true),
            ("201,205", true),
            ("1", true),
            ("206", false),
            ("2051", false),
            ("", false),
        ] {
            assert_eq!(concerns_profile(revoked), concerns, "{revoked}");
        }
    }
}
