//! Which difference it is, given what the three sides hold of one follower.

use super::Drift;
use crate::domain::rows::{Follower, MappingState};
use crate::store::{Mapping, Suspect, UnknownFollower};
use crate::wechat::user::UserInfo;

/// A follower whom WeChat lists and no mapping has as one. `import`: the configuration wants such
/// people brought in.
pub fn unknown(follower: Follower, unknown: &UnknownFollower, import: bool) -> Drift {
    let known_at = unknown.seen_at;
    match unknown.claims {
        _ if unknown.has_left => Drift::FollowMissed { follower, known_at },
        0 => Drift::FollowerWithoutMapping {
            follower,
            known_at,
            import,
        },
        1 => Drift::CustomerElsewhere(follower),
        customers => Drift::DuplicateCustomers {
            follower,
            customers,
        },
    }
}

/// A mapping and its customer; `None` when all is well, or when somebody is at work on it.
pub fn mapped(follower: Follower, suspect: &Suspect) -> Option<Drift> {
    match suspect.state {
        MappingState::Unfollowed => None,
        MappingState::Linked => linked(follower, suspect),
        MappingState::Pending | MappingState::Conflict | MappingState::Obsolete => {
            unlinked(follower, suspect)
        }
    }
}

fn unlinked(follower: Follower, suspect: &Suspect) -> Option<Drift> {
    if suspect.busy {
        return None;
    }
    let knows_one = suspect.object_id.is_some() && suspect.state == MappingState::Pending;
    match suspect.claims {
        0 if suspect.state == MappingState::Obsolete => None,
        // The linking that was begun with a customer goes on with that one.
        _ if knows_one => Some(Drift::MappingWithoutCustomer(follower)),
        0 => Some(Drift::MappingWithoutCustomer(follower)),
        1 => Some(Drift::CustomerElsewhere(follower)),
        customers => Some(Drift::DuplicateCustomers {
            follower,
            customers,
        }),
    }
}

fn linked(follower: Follower, suspect: &Suspect) -> Option<Drift> {
    let object = suspect.object_id.clone()?;
    let is_own = suspect.wechat_id.as_ref() == Some(&follower.openid);
    let customers = suspect.claims;
    if suspect.active != Some(true) {
        return Some(match customers {
            0 => Drift::CustomerGone { follower, object },
            // Merged with another one, as it seems.
            1 => Drift::CustomerElsewhere(follower),
            _ => Drift::DuplicateCustomers {
                follower,
                customers,
            },
        });
    }
    match (customers, &suspect.wechat_id) {
        (2.., _) => Some(Drift::DuplicateCustomers {
            follower,
            customers,
        }),
        _ if is_own => None,
        (1, _) => Some(Drift::WechatIdChanged { follower, object }),
        // One person in two accounts: the field has room for one of their OpenIDs.
        (_, Some(_)) if suspect.of_companion => None,
        (_, Some(_)) => Some(Drift::WechatIdChanged { follower, object }),
        (_, None) => Some(Drift::WechatIdRemoved { follower, object }),
    }
}

/// What WeChat tells of somebody that is news. `names`: customers are named after their followers.
pub fn profile(mapping: &Mapping, info: &UserInfo, names: bool) -> Option<Drift> {
    let unionid = info
        .unionid
        .clone()
        .filter(|id| mapping.unionid.as_ref() != Some(id));
    let name = info.remark.clone().or_else(|| info.nickname.clone());
    let name = name.filter(|name| names && mapping.name.as_ref() != Some(name));
    let linked = mapping.state == MappingState::Linked;
    let object = mapping.customer.as_ref().filter(|_| linked);
    let name = object.map(|(object, _)| object.clone()).zip(name);
    (unionid.is_some() || name.is_some()).then(|| Drift::ProfileChanged {
        follower: mapping.follower.clone(),
        unionid,
        name,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ids::{AccountId, ObjectId, OpenId};

    fn follower() -> Follower {
        Follower {
            account: AccountId::new("main"),
            openid: OpenId::new("oLVPpjqs9BhvzwPj5A-vTYAX3GLc"),
        }
    }

    /// A link of which all is well.
    fn well() -> Suspect {
        Suspect {
            openid: follower().openid,
            state: MappingState::Linked,
            object_id: Some(ObjectId::new("A".repeat(32))),
            active: Some(true),
            wechat_id: Some(follower().openid),
            of_companion: false,
            claims: 1,
            busy: false,
        }
    }

    fn kind(suspect: &Suspect) -> Option<&'static str> {
        mapped(follower(), suspect).map(|drift| drift.kind())
    }

    #[test]
    fn a_link_is_judged_by_what_its_customer_carries() {
        let other = Some(OpenId::new("oLVPpjqs9BhvzwPj5A-vTYAX3GL2"));
        let (none, gone) = (None, [None, Some(false)]);
        assert_eq!(kind(&well()), None);
        for active in gone {
            for (claims, expected) in [
                (0, "customer_gone"),
                (1, "customer_elsewhere"),
                (2, "duplicate_customers"),
            ] {
                let suspect = Suspect {
                    active,
                    claims,
                    ..well()
                };
                assert_eq!(kind(&suspect), Some(expected), "{active:?}");
            }
        }
        for (wechat_id, claims, of_companion, expected) in [
            (&none, 0, false, Some("wechat_id_removed")),
            (&none, 1, false, Some("wechat_id_changed")),
            (&other, 0, false, Some("wechat_id_changed")),
            (&other, 0, true, None),
            (&other, 1, true, Some("wechat_id_changed")),
            (&well().wechat_id, 2, false, Some("duplicate_customers")),
        ] {
            let suspect = Suspect {
                wechat_id: wechat_id.clone(),
                claims,
                of_companion,
                ..well()
            };
            assert_eq!(kind(&suspect), expected, "{suspect:?}");
        }
    }

    #[test]
    fn who_waits_for_a_customer_is_judged_by_how_many_there_are() {
        use MappingState::{Conflict, Obsolete, Pending};
        for (state, claims, expected) in [
            (Pending, 0, Some("mapping_without_customer")),
            (Conflict, 0, Some("mapping_without_customer")),
            (Obsolete, 0, None),
            (Pending, 1, Some("customer_elsewhere")),
            (Conflict, 1, Some("customer_elsewhere")),
            (Obsolete, 1, Some("customer_elsewhere")),
            (Pending, 2, Some("duplicate_customers")),
            (Conflict, 2, Some("duplicate_customers")),
            (Obsolete, 3, Some("duplicate_customers")),
        ] {
            let suspect = Suspect {
                state,
                claims,
                object_id: None,
                ..well()
            };
            assert_eq!(kind(&suspect), expected, "{suspect:?}");
        }
    }

    prop_compose! {
        fn any_suspect()(
            state in prop::sample::select(MappingState::ALL.to_vec()),
            active in any::<Option<bool>>(),
            carries in prop::sample::select(vec!["", "own", "other"]),
            (known, of_companion, busy) in any::<(bool, bool, bool)>(),
            claims in 0_u32..4,
        ) -> Suspect {
            Suspect {
                state,
                active,
                wechat_id: match carries {
                    "" => None,
                    "own" => Some(follower().openid),
                    _ => Some(OpenId::new("oLVPpjqs9BhvzwPj5A-vTYAX3GL2")),
                },
                object_id: (known || state == MappingState::Linked)
                    .then(|| ObjectId::new("A".repeat(32))),
                of_companion,
                claims,
                busy,
                ..well()
            }
        }
    }

    proptest! {
        #[test]
        fn nobody_who_left_or_is_being_linked_is_judged(suspect in any_suspect()) {
            let linked = suspect.state == MappingState::Linked;
            let untouchable = suspect.state == MappingState::Unfollowed || (suspect.busy && !linked);
            if untouchable {
                prop_assert_eq!(mapped(follower(), &suspect), None);
            }
        }

        /// Where several customers carry the OpenID no program chooses one.
        #[test]
        fn several_customers_are_never_repaired(suspect in any_suspect()) {
            let drift = mapped(follower(), &suspect);
            let begun = suspect.state == MappingState::Pending && suspect.object_id.is_some();
            if let (2.., Some(drift), false) = (suspect.claims, drift, begun) {
                prop_assert_eq!(drift.kind(), "duplicate_customers");
            }
        }
    }
}
