//! Mappings, windows, tokens and histories.

use super::*;

#[tokio::test]
async fn a_late_link_does_not_bring_back_somebody_who_left() {
    let room = room().await;
    let tenant = TenantId::new("main");
    let change = |state| MappingChange::to(follower(), tenant.clone(), state);
    let customer = Some((ObjectId::new("A".repeat(32)), CustomerId::new("1000441")));
    let linked = MappingChange {
        customer,
        ..change(MappingState::Linked)
    };
    for row in [
        change(MappingState::Pending),
        change(MappingState::Unfollowed),
        linked.clone(),
    ] {
        room.store
            .write(Changes {
                mappings: vec![row],
                ..Changes::none()
            })
            .await
            .unwrap();
    }
    let mapping = room.store.mapping(&follower()).await.unwrap().unwrap();
    assert_eq!(mapping.state, MappingState::Unfollowed);
    assert!(
        mapping.customer.is_some(),
        "but which customer it was is kept"
    );
    let returned = MappingChange {
        returned: true,
        ..linked
    };
    room.store
        .write(Changes {
            mappings: vec![returned],
            ..Changes::none()
        })
        .await
        .unwrap();
    let mapping = room.store.mapping(&follower()).await.unwrap().unwrap();
    assert_eq!(mapping.state, MappingState::Linked);
}

#[tokio::test]
async fn a_newer_act_renews_the_window_and_an_older_one_does_not() {
    let room = room().await;
    let grant = |at: i64| NewGrant {
        follower: follower(),
        trigger: "message",
        granted_at: Timestamp::from_second(at).unwrap(),
        valid_until: Timestamp::from_second(2_000_000_000 + at).unwrap(),
        allowed: 5,
    };
    let write = |changes| room.store.write(changes);
    write(Changes {
        grants: vec![grant(10)],
        ..Changes::none()
    })
    .await
    .unwrap();
    let two = vec![follower(), follower()];
    write(Changes {
        window_uses: two,
        ..Changes::none()
    })
    .await
    .unwrap();
    write(Changes {
        grants: vec![grant(9)],
        ..Changes::none()
    })
    .await
    .unwrap();
    assert_eq!(room.store.grants(&follower()).await.unwrap()[0].used, 2);
    write(Changes {
        grants: vec![grant(11)],
        ..Changes::none()
    })
    .await
    .unwrap();
    assert_eq!(room.store.grants(&follower()).await.unwrap()[0].used, 0);
    write(Changes {
        window_closed: vec![WindowClosed {
            follower: follower(),
            until: Timestamp::from_second(11).unwrap(),
        }],
        ..Changes::none()
    })
    .await
    .unwrap();
    assert!(room.store.grants(&follower()).await.unwrap().is_empty());
}

#[tokio::test]
async fn deleting_a_history_leaves_no_word_of_it() {
    let room = room().await;
    let changes = Changes {
        messages: vec![said("a secret")],
        ..Changes::none()
    };
    let mut arrival = push("m:1", changes);
    arrival.body = "<xml>a secret</xml>".to_owned();
    room.store.arrive(arrival).await.unwrap();
    let forget = Changes {
        forgets: vec![follower()],
        ..Changes::none()
    };
    room.store.write(forget).await.unwrap();
    assert!(
        room.store
            .history(&follower(), 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        room.scalar("SELECT count(*) FROM inbox WHERE body IS NOT NULL")
            .await,
        0
    );
}

#[tokio::test]
async fn a_slow_refresher_never_overwrites_a_newer_token() {
    let room = room().await;
    let account = AccountId::new("main");
    let token = |value: &str| StoredToken {
        value: value.into(),
        fetched_at: room.clock.now(),
        expires_at: room.clock.now(),
    };
    assert!(
        room.store
            .replace_token(&account, None, token("A"))
            .await
            .unwrap()
    );
    assert!(
        room.store
            .replace_token(&account, Some("A".into()), token("B"))
            .await
            .unwrap()
    );
    assert!(
        !room
            .store
            .replace_token(&account, Some("A".into()), token("C"))
            .await
            .unwrap()
    );
}
