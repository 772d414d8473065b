//! Who is who.

use qiao::domain::ids::{AccountId, UnionId};
use qiao::domain::rows::{Changes, Follower, MappingChange, MappingState, Snapshot};
use qiao::store::Mapping;

use super::Way;
use super::rows::{Room, account, customer, follower, linked, mapped, mapping_to, nothing, tenant};

impl Room {
    async fn mapping(&self, follower: &Follower) -> Mapping {
        self.store.mapping(follower).await.unwrap().unwrap()
    }
}

pub async fn a_mapping_keeps_what_a_change_does_not_name(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    assert_eq!(room.store.mapping(&anna).await.unwrap(), None);
    let first = MappingChange {
        unionid: Some(UnionId::new("union")),
        customer: Some(customer(7)),
        scene: Some("poster".to_owned()),
        name: Some("Anna".to_owned()),
        followed_at: Some(room.now()),
        ..mapping_to(&anna, MappingState::Linked)
    };
    let followed_at = first.followed_at;
    let linked_at = Some(room.now());
    room.write(mapped(first)).await;
    room.wait(5);
    let obsolete = MappingChange {
        reason: Some("gone in C4C".to_owned()),
        ..mapping_to(&anna, MappingState::Obsolete)
    };
    room.write(mapped(obsolete)).await;
    let expected = Mapping {
        follower: anna.clone(),
        unionid: Some(UnionId::new("union")),
        tenant: tenant(),
        customer: Some(customer(7)),
        state: MappingState::Obsolete,
        reason: Some("gone in C4C".to_owned()),
        scene: Some("poster".to_owned()),
        name: Some("Anna".to_owned()),
        followed_at,
        linked_at,
        updated_at: room.now(),
    };
    assert_eq!(room.mapping(&anna).await, expected);
    room.write(mapped(linked(&anna, 8))).await;
    let mapping = room.mapping(&anna).await;
    assert_eq!(mapping.customer, Some(customer(8)));
    assert_eq!(mapping.reason, None, "a reason is of its state");
}

pub async fn a_late_link_does_not_bring_back_somebody_who_left(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.write(mapped(mapping_to(&anna, MappingState::Pending)))
        .await;
    room.write(mapped(mapping_to(&anna, MappingState::Unfollowed)))
        .await;
    room.write(mapped(linked(&anna, 7))).await;
    let mapping = room.mapping(&anna).await;
    assert_eq!(mapping.state, MappingState::Unfollowed);
    assert_eq!(
        mapping.customer,
        Some(customer(7)),
        "but whose it was is kept"
    );
    let back = MappingChange {
        returned: true,
        ..linked(&anna, 7)
    };
    room.write(mapped(back)).await;
    assert_eq!(room.mapping(&anna).await.state, MappingState::Linked);
    let both = Changes {
        mappings: vec![
            mapping_to(&anna, MappingState::Unfollowed),
            linked(&anna, 7),
        ],
        ..nothing()
    };
    room.write(both).await;
    let left = room.mapping(&anna).await.state;
    assert_eq!(left, MappingState::Unfollowed, "within one commit, too");
}

pub async fn what_was_decided_before_a_link_stood_does_not_undo_it(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.write(mapped(linked(&anna, 7))).await;
    let follow = MappingChange {
        returned: true,
        followed_at: Some(room.now()),
        ..mapping_to(&anna, MappingState::Pending)
    };
    room.write(mapped(follow)).await;
    let mapping = room.mapping(&anna).await;
    assert_eq!(mapping.state, MappingState::Linked);
    assert_eq!(mapping.followed_at, Some(room.now()));
    let unchecked = MappingChange {
        customer: Some(customer(7)),
        ..mapping_to(&anna, MappingState::Pending)
    };
    room.write(mapped(unchecked)).await;
    let state = room.mapping(&anna).await.state;
    assert_eq!(
        state,
        MappingState::Pending,
        "who knows the customer knows it better"
    );
}

pub async fn since_when_they_are_linked_stays_while_the_customer_does(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    let since = room.now();
    room.write(mapped(linked(&anna, 7))).await;
    room.wait(5);
    let named = MappingChange {
        name: Some("Anna".to_owned()),
        ..linked(&anna, 7)
    };
    room.write(mapped(named)).await;
    assert_eq!(room.mapping(&anna).await.linked_at, Some(since));
    room.write(mapped(linked(&anna, 8))).await;
    assert_eq!(room.mapping(&anna).await.linked_at, Some(room.now()));
    let from_before = MappingChange {
        linked_at: Some(since),
        ..linked(&bert, 9)
    };
    room.write(mapped(from_before)).await;
    room.wait(5);
    room.write(mapped(linked(&bert, 9))).await;
    assert_eq!(room.mapping(&bert).await.linked_at, Some(since));
}

pub async fn an_unlinked_follower_stands_for_nobody(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert, cleo) = (follower('a'), follower('b'), follower('c'));
    let unlink = async |who: &Follower| room.store.unlink(who, "wrong person").await.unwrap();
    for who in [&anna, &bert, &cleo] {
        room.write(mapped(linked(who, 7))).await;
    }
    room.write(mapped(mapping_to(&bert, MappingState::Unfollowed)))
        .await;
    room.wait(5);
    assert!(unlink(&anna).await && unlink(&bert).await);
    assert!(!unlink(&anna).await, "of nobody");
    assert!(!unlink(&follower('x')).await);
    let mapping = room.mapping(&anna).await;
    assert_eq!(
        (mapping.state, mapping.customer),
        (MappingState::Obsolete, None)
    );
    assert_eq!(mapping.reason.as_deref(), Some("wrong person"));
    assert_eq!((mapping.linked_at, mapping.updated_at), (None, room.now()));
    let left = room.mapping(&bert).await;
    assert_eq!(
        (left.state, left.customer),
        (MappingState::Unfollowed, None)
    );
    assert_eq!(
        room.mapping(&cleo).await.customer,
        Some(customer(7)),
        "nobody else"
    );
}

pub async fn everybody_who_stands_for_a_customer_is_found(way: &Way) {
    let room = Room::new(way).await;
    let elsewhere = Follower {
        account: AccountId::new("other"),
        ..follower('b')
    };
    for (who, number) in [(&follower('a'), 7), (&elsewhere, 7), (&follower('c'), 8)] {
        room.write(mapped(linked(who, number))).await;
    }
    let object = customer(7).0;
    let found = room.store.mappings_of(&tenant(), &object).await.unwrap();
    let mut found: Vec<_> = found.into_iter().map(|m| m.follower).collect();
    found.sort();
    assert_eq!(found, [follower('a'), elsewhere]);
}

pub async fn somebody_who_waits_for_their_customer_is_noticed(way: &Way) {
    let room = Room::new(way).await;
    let elsewhere = AccountId::new("other");
    let noticed = async |accounts: &[&AccountId]| room.store.any_pending(accounts).await.unwrap();
    room.write(mapped(linked(&follower('a'), 7))).await;
    assert!(!noticed(&[&elsewhere, &account()]).await);
    room.write(mapped(mapping_to(&follower('b'), MappingState::Pending)))
        .await;
    assert!(noticed(&[&elsewhere, &account()]).await);
    assert!(!noticed(&[&elsewhere]).await);
    assert!(!noticed(&[]).await);
    room.write(mapped(linked(&follower('b'), 8))).await;
    assert!(!noticed(&[&account()]).await, "linked by now");
}

pub async fn the_mappings_of_many_are_read_at_once(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert, nobody) = (follower('a'), follower('b'), follower('x'));
    let elsewhere = Follower {
        account: AccountId::new("other"),
        ..anna.clone()
    };
    for (who, number) in [(&anna, 7), (&bert, 8), (&follower('c'), 9)] {
        room.write(mapped(linked(who, number))).await;
    }
    let asked = [&bert, &nobody, &anna, &elsewhere];
    let found = room.store.mappings_of_followers(&asked).await.unwrap();
    assert_eq!(found.len(), 2);
    for who in [anna, bert] {
        assert_eq!(found[&who], room.mapping(&who).await);
    }
}

pub async fn mappings_are_listed_in_pages(way: &Way) {
    let room = Room::new(way).await;
    let elsewhere = Follower {
        account: AccountId::new("before"),
        ..follower('z')
    };
    for who in [&follower('c'), &follower('a'), &elsewhere, &follower('b')] {
        room.write(mapped(mapping_to(who, MappingState::Pending)))
            .await;
    }
    for (account, expected) in [
        (
            None,
            vec![elsewhere, follower('a'), follower('b'), follower('c')],
        ),
        (
            Some(account()),
            vec![follower('a'), follower('b'), follower('c')],
        ),
        (Some(AccountId::new("nobody")), vec![]),
    ] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = room.store.mappings(account.as_ref(), after.as_ref(), 2);
            let page = page.await.unwrap();
            assert!(page.len() <= 2);
            let Some(last) = page.last() else { break };
            after = Some(last.follower.clone());
            listed.extend(page.into_iter().map(|mapping| mapping.follower));
        }
        assert_eq!(listed, expected);
    }
}

pub async fn an_openid_leads_to_its_accounts(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    let elsewhere = Follower {
        account: AccountId::new("other"),
        ..anna.clone()
    };
    for who in [&follower('b'), &anna, &elsewhere] {
        room.write(mapped(mapping_to(who, MappingState::Pending)))
            .await;
    }
    let mut found = room.store.accounts_of(&anna.openid).await.unwrap();
    found.sort();
    assert_eq!(found, [account(), AccountId::new("other")]);
    let of_bert = room.store.accounts_of(&follower('b').openid).await;
    assert_eq!(of_bert.unwrap(), [account()]);
    let of_nobody = room.store.accounts_of(&follower('x').openid).await;
    assert_eq!(of_nobody.unwrap(), []);
}

pub async fn the_last_baseline_of_a_customer_stands(way: &Way) {
    let room = Room::new(way).await;
    let (object, _) = customer(7);
    let read = |mobile: &str, etag: Option<&str>| Snapshot {
        tenant: tenant(),
        object_id: object.clone(),
        fields: [("Mobile".to_owned(), mobile.to_owned())].into(),
        etag: etag.map(str::to_owned),
        changed_at: etag.map(|_| room.now()),
    };
    let found = room.store.snapshot(&tenant(), &object).await.unwrap();
    assert_eq!(found, None);
    for snapshot in [read("1", Some("W/1")), read("2", None)] {
        let snapshots = vec![snapshot.clone()];
        room.write(Changes {
            snapshots,
            ..nothing()
        })
        .await;
        let found = room.store.snapshot(&tenant(), &object).await.unwrap();
        assert_eq!(found, Some(snapshot));
    }
    let other = room.store.snapshot(&tenant(), &customer(8).0).await;
    assert_eq!(other.unwrap(), None);
}
