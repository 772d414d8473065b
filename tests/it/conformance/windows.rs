//! What a follower's acts allow us to send, and the token with which it is sent.

use qiao::domain::ids::AccountId;
use qiao::domain::rows::{Changes, NewGrant, WindowClosed};
use qiao::store::{StoredGrant, StoredToken, TokenKind};
use secrecy::ExposeSecret as _;

use super::Way;
use super::rows::{Room, account, follower, nothing};

/// A grant for an act so many seconds from now, which ends as many seconds later.
fn grant(room: &Room, trigger: &'static str, at: i64, lasts: i64) -> Changes {
    Changes {
        grants: vec![NewGrant {
            follower: follower('a'),
            trigger,
            granted_at: room.later(at),
            valid_until: room.later(at + lasts),
            allowed: 5,
        }],
        ..nothing()
    }
}

fn uses(letters: &[char]) -> Changes {
    Changes {
        window_uses: letters.iter().copied().map(follower).collect(),
        ..nothing()
    }
}

impl Room {
    async fn grants(&self, letter: char) -> Vec<StoredGrant> {
        self.store.grants(&follower(letter)).await.unwrap()
    }
}

pub async fn a_newer_act_renews_the_window_and_an_older_one_does_not(way: &Way) {
    let room = Room::new(way).await;
    room.write(grant(&room, "message", 10, 1000)).await;
    room.write(uses(&['a', 'a'])).await;
    room.write(grant(&room, "message", 9, 2000)).await;
    room.write(grant(&room, "message", 10, 2000)).await;
    let expected = StoredGrant {
        trigger: "message".to_owned(),
        granted_at: room.later(10),
        valid_until: room.later(1010),
        allowed: 5,
        used: 2,
    };
    assert_eq!(room.grants('a').await, [expected]);
    room.write(grant(&room, "message", 11, 1000)).await;
    let renewed = room.grants('a').await.remove(0);
    assert_eq!((renewed.used, renewed.granted_at), (0, room.later(11)));
}

pub async fn a_send_counts_in_every_live_grant_of_its_follower(way: &Way) {
    let room = Room::new(way).await;
    room.write(grant(&room, "follow", 0, 60)).await;
    room.write(grant(&room, "message", 0, 1000)).await;
    room.wait(60);
    room.write(grant(&room, "menu", 0, 30)).await;
    room.write(uses(&['a', 'b', 'a'])).await;
    let used = room.grants('a').await;
    let used: Vec<_> = used.iter().map(|g| (g.trigger.as_str(), g.used)).collect();
    assert_eq!(used, [("follow", 0), ("menu", 2), ("message", 2)]);
    assert!(room.grants('b').await.is_empty(), "a use grants nothing");
}

pub async fn a_window_is_closed_up_to_the_act_that_was_known(way: &Way) {
    let room = Room::new(way).await;
    room.write(grant(&room, "message", 10, 1000)).await;
    room.write(grant(&room, "menu", 11, 1000)).await;
    let closed = |follower, until| Changes {
        window_closed: vec![WindowClosed { follower, until }],
        ..nothing()
    };
    room.write(closed(follower('b'), room.later(100))).await;
    room.write(closed(follower('a'), room.later(10))).await;
    let left = room.grants('a').await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].trigger, "menu", "granted after the send began");
}

pub async fn a_slow_refresher_never_overwrites_a_newer_token(way: &Way) {
    let room = Room::new(way).await;
    let token = |value: &str| StoredToken {
        value: value.into(),
        fetched_at: room.now(),
        expires_at: room.later(7200),
    };
    assert!(
        room.store
            .token(&account(), TokenKind::AccessToken)
            .await
            .unwrap()
            .is_none()
    );
    for (old, new, replaced) in [
        (None, "A", true),
        (None, "B", false),
        (Some("A"), "C", true),
        (Some("A"), "D", false),
    ] {
        let old = old.map(Into::into);
        let done = room
            .store
            .replace_token(&account(), TokenKind::AccessToken, old, token(new))
            .await;
        assert_eq!(done.unwrap(), replaced, "{new}");
    }
    let stands = room
        .store
        .token(&account(), TokenKind::AccessToken)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stands.value.expose_secret(), "C");
    assert_eq!(stands.fetched_at, room.now());
    assert_eq!(stands.expires_at, room.later(7200));
    let other = AccountId::new("other");
    assert!(
        room.store
            .token(&other, TokenKind::AccessToken)
            .await
            .unwrap()
            .is_none()
    );
}
