//! People on their way to log in, browsers that know them, what they consented to and asked for.

use jiff::Timestamp;
use qiao::config::Scope;
use qiao::domain::ids::{ObjectId, UnionId};
use qiao::domain::rows::{
    Changes, ConsentChange, ConversationChange, Follower, NewEffect, Profile, RefreshToken,
};
use qiao::store::{OAuthState, SignIn, StoredSession};
use serde_json::json;

use super::Way;
use super::rows::{Room, account, done, effects, follower, held, linked, mapped, nothing, said};

/// The digest of a secret of this number.
fn digest(number: usize) -> String {
    format!("{number:064x}")
}

const CHANGE: &str = "customer.change";
const LANE: &str = "object:c4c:1";

fn change(of: &Follower) -> NewEffect {
    let payload = json!({ "follower": of, "field": "Mobile", "value": "+86" });
    NewEffect::new(LANE, CHANGE, "test", &payload)
}

impl Room {
    async fn begin(&self, number: usize) {
        let state = OAuthState {
            state: digest(number),
            browser: digest(1000 + number),
            account: account(),
            target: "/app/account/".to_owned(),
            scope: Scope::Base,
            asked: Scope::UserInfo,
            expires_at: self.later(600),
            used: false,
        };
        self.store.begin_oauth(state).await.unwrap();
    }

    async fn sign_in(&self, number: usize, of: &Follower, changes: Changes) -> bool {
        let session = StoredSession {
            token: digest(number),
            follower: of.clone(),
            asked: Scope::UserInfo,
            expires_at: self.later(86_400),
        };
        let sign_in = SignIn {
            state: digest(number),
            session,
            replaces: number.checked_sub(100).map(digest),
            changes,
        };
        self.store.sign_in(sign_in).await.unwrap()
    }

    async fn is_known(&self, number: usize) -> bool {
        let token = digest(number);
        let session = self.store.session(&token, self.now()).await;
        session.unwrap().is_some()
    }

    async fn consents(&self, change: ConsentChange) {
        self.write(Changes {
            consents: vec![change],
            ..nothing()
        })
        .await;
    }

    async fn wishes(&self, of: &Follower) -> i64 {
        let asked = self.store.ask_instead(
            LANE.to_owned(),
            CHANGE,
            of.clone(),
            "replaced",
            effects([change(of)]),
        );
        asked.await.unwrap()
    }

    async fn awaited(&self, of: &Follower) -> Vec<(i64, String)> {
        let awaited = self.store.awaited(LANE, of).await.unwrap();
        awaited.into_iter().map(|row| (row.id, row.state)).collect()
    }
}

pub async fn somebody_on_their_way_comes_back_once_and_in_time(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    for number in [1, 2] {
        room.begin(number).await;
    }
    let state = room
        .store
        .oauth_state(&digest(1), room.now())
        .await
        .unwrap();
    let state = state.unwrap();
    assert_eq!((state.browser, state.used), (digest(1001), false));
    assert_eq!((state.scope, state.asked), (Scope::Base, Scope::UserInfo));
    assert!(room.sign_in(1, &anna, nothing()).await);
    assert!(room.is_known(1).await);
    let state = room
        .store
        .oauth_state(&digest(1), room.now())
        .await
        .unwrap();
    assert!(state.unwrap().used);
    let changes = mapped(linked(&anna, 1));
    assert!(!room.sign_in(1, &anna, changes.clone()).await, "once");
    room.wait(600);
    assert!(!room.sign_in(2, &anna, changes).await, "in time");
    assert_eq!(room.number("SELECT count(*) FROM mapping").await, 0);
    let late = room
        .store
        .oauth_state(&digest(2), room.now())
        .await
        .unwrap();
    assert_eq!(late, None);
    room.wait(1);
    assert_eq!(room.store.prune_sessions(room.now()).await.unwrap(), 2);
    assert!(room.is_known(1).await);
    room.wait(86_400);
    assert!(!room.is_known(1).await);
    assert_eq!(room.store.prune_sessions(room.now()).await.unwrap(), 1);
}

pub async fn a_follower_is_known_to_some_browsers_and_the_oldest_go(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    room.begin(50).await;
    assert!(room.sign_in(50, &bert, nothing()).await);
    for number in 1..=21 {
        room.begin(number).await;
        assert!(room.sign_in(number, &anna, nothing()).await);
        room.wait(1);
    }
    assert!(!room.is_known(1).await && room.is_known(2).await);
    assert!(room.is_known(50).await, "Bert's is not hers");
    room.begin(102).await;
    assert!(room.sign_in(102, &anna, nothing()).await);
    assert!(
        !room.is_known(2).await,
        "the browser has another cookie now"
    );
    assert!(room.store.end_session(digest(102)).await.unwrap());
    assert!(!room.store.end_session(digest(102)).await.unwrap());
    assert!(!room.is_known(102).await);
}

pub async fn what_somebody_consented_to_is_kept_until_they_withdraw_it(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    assert_eq!(room.store.consent(&anna).await.unwrap(), None);
    room.write(mapped(linked(&anna, 1))).await;
    let profile = Profile {
        name: Some("Anna".to_owned()),
        avatar: None,
    };
    let given = |profile: Option<&Profile>| ConsentChange::Given {
        follower: anna.clone(),
        profile: profile.cloned(),
        refresh_token: RefreshToken::new("r"),
        unionid: Some(UnionId::new("u")),
    };
    let at = room.now();
    room.consents(given(Some(&profile))).await;
    let mapping = room.store.mapping(&anna).await.unwrap().unwrap();
    assert_eq!(mapping.unionid, Some(UnionId::new("u")));
    let stands = async || room.store.consent(&anna).await.unwrap().unwrap();
    assert_eq!(
        (stands().await.profile, stands().await.read_at),
        (profile.clone(), Some(at))
    );
    room.wait(1);
    room.consents(given(None)).await;
    let kept = stands().await;
    assert_eq!(
        (kept.profile, kept.read_at),
        (profile, Some(at)),
        "nothing was read"
    );
    assert_eq!(kept.given_at, room.now());
    let read = Profile {
        name: Some("Annabel".to_owned()),
        avatar: Some("https://a".to_owned()),
    };
    room.consents(ConsentChange::Read {
        follower: anna.clone(),
        profile: read.clone(),
    })
    .await;
    assert_eq!(stands().await.profile, read);
    room.consents(ConsentChange::Lapsed {
        follower: anna.clone(),
    })
    .await;
    assert_eq!(stands().await.refresh_token, None);
    room.begin(1).await;
    room.sign_in(1, &anna, nothing()).await;
    let withdrawn = |at: Timestamp, closed| ConsentChange::Withdrawn {
        follower: anna.clone(),
        at,
        closed,
    };
    room.consents(withdrawn(at, false)).await;
    assert_eq!(
        stands().await.withdrawn_at,
        None,
        "they consented again since"
    );
    room.consents(withdrawn(room.now(), false)).await;
    let gone = stands().await;
    assert_eq!(
        (gone.profile, gone.withdrawn_at),
        (Profile::default(), Some(room.now()))
    );
    assert!(room.is_known(1).await);
    room.consents(withdrawn(room.now(), true)).await;
    assert!(!room.is_known(1).await, "their WeChat account is closed");
}

pub async fn what_a_follower_asks_for_takes_the_place_of_what_waits(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    let first = room.wishes(&anna).await;
    let of_bert = room.wishes(&bert).await;
    let second = room.wishes(&anna).await;
    assert_eq!(room.row(first).await.state, "cancelled");
    assert_eq!(room.awaited(&anna).await, [(second, "ready".to_owned())]);
    assert_eq!(room.awaited(&bert).await, [(of_bert, "ready".to_owned())]);
    assert_eq!(room.run(done()).await, of_bert);
    // What runs ends; what was held or given up gives way.
    let job = room.claim_one().await;
    let third = room.wishes(&anna).await;
    let states = [(second, "running".to_owned()), (third, "ready".to_owned())];
    assert_eq!(room.awaited(&anna).await, states);
    room.settle(job, done()).await;
    room.run(held("test")).await;
    assert_eq!(room.awaited(&anna).await, [(third, "held".to_owned())]);
    let fourth = room.wishes(&anna).await;
    room.run(qiao::store::NextState::Dead).await;
    assert_eq!(room.awaited(&anna).await, [(fourth, "dead".to_owned())]);
    let fifth = room.wishes(&anna).await;
    assert_eq!(room.awaited(&anna).await, [(fifth, "ready".to_owned())]);
    assert_eq!(room.row(fourth).await.state, "cancelled");
}

pub async fn a_follower_is_told_of_their_tickets_newest_first(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    for (id, ticket) in [(1, "100"), (2, "200"), (3, "200")] {
        let mut talk = nothing();
        talk.messages.push(said(&anna, "hello"));
        room.write(talk).await;
        let opened = ConversationChange::Opened {
            follower: anna.clone(),
            message_id: id,
            at: room.now(),
            previous_id: None,
        };
        let in_c4c = ConversationChange::InC4c {
            id,
            root_object_id: None,
            ticket: Some((ObjectId::new(ticket), ticket.to_owned())),
        };
        for change in [opened, in_c4c] {
            room.write(Changes {
                conversations: vec![change],
                ..nothing()
            })
            .await;
        }
        if id < 3 {
            let ended = ConversationChange::Ended {
                id,
                reason: qiao::domain::rows::EndReason::Idle,
                at: room.now(),
            };
            room.write(Changes {
                conversations: vec![ended],
                ..nothing()
            })
            .await;
        }
        room.wait(60);
    }
    let told = room.store.tickets_told(&anna, 10).await.unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|t| (t.ticket_id.as_str(), t.state.as_str()))
        .collect();
    assert_eq!(told, [("200", "open"), ("100", "ended")]);
    assert!(
        room.store
            .tickets_told(&follower('b'), 10)
            .await
            .unwrap()
            .is_empty()
    );
}
