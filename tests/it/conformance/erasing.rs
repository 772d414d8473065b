//! Erasing a person: all of theirs, nothing of anybody else, and nobody who comes meanwhile.

use qiao::domain::qr::{Purpose, ScanOutcome, Scene};
use qiao::domain::rows::{
    Changes, ConversationChange, ErasureCause, Follower, Invitation, MappingState, NewErasure,
    NewQrCode, QrChange, QrScan, SeatEvent, Snapshot,
};
use qiao::store::{Beginning, PARTS, Place};

use super::Way;
use super::rows::{
    Room, account, customer, done, effect, effects, follower, linked, mapped, mapping_to, nothing,
    push, said, tenant, to_say,
};

impl Room {
    async fn order(&self, follower: &Follower) -> i64 {
        let order = NewErasure {
            follower: follower.clone(),
            cause: ErasureCause::Operator,
            not_before: self.now(),
            obsolete_customer: false,
        };
        self.store.order_erasure(order).await.unwrap()
    }

    async fn begins(&self, id: i64, follower: &Follower) -> bool {
        let keys = self.store.keys_of(follower, "c4c").await.unwrap();
        let beginning = Beginning {
            id,
            follower: follower.clone(),
            keys,
            salt: [1; 32],
            changes: nothing(),
        };
        self.store.begin_erasure(beginning).await.unwrap()
    }

    /// Deletes the rows as the job does.
    async fn takes_all(&self, id: i64, follower: &Follower) -> u64 {
        let erasure = self.store.erasure(id).await.unwrap().unwrap();
        let ends = erasure.ends(self.store.ends().await.unwrap());
        let (keys, mut taken) = (erasure.keys(), 0);
        for part in &PARTS {
            let found = self
                .store
                .personal(part, follower, &keys, Place::START, &ends);
            let ids = found.await.unwrap().0.iter().map(|row| row.id).collect();
            taken += self.store.erase(id, part.table, ids).await.unwrap();
        }
        taken
    }

    async fn certifies(&self, id: i64) {
        self.store.finish_erasure(id).await.unwrap();
        assert!(self.store.tidy().await.unwrap().log_empty);
        let certified = self.store.certify(id, "{}".to_owned(), "0".repeat(64));
        certified.await.unwrap();
        let erasure = self.store.erasure(id).await.unwrap().unwrap();
        assert_eq!((erasure.state.as_str(), erasure.follower()), ("done", None));
    }

    /// Something of everything, of this person.
    async fn knows(&self, of: &Follower, number: u32) {
        let mut talk = to_say(of, "to be sent");
        talk.messages.insert(0, said(of, "hello"));
        talk.effects[0].message = Some(1);
        talk.mappings = vec![linked(of, number)];
        talk.snapshots = vec![Snapshot {
            tenant: tenant(),
            object_id: customer(number).0,
            fields: [("FirstName".to_owned(), "Anna".to_owned())].into(),
            etag: None,
            changed_at: None,
        }];
        talk.seat_events = vec![SeatEvent {
            follower: of.clone(),
            kind: "accepted",
            detail: "seat".to_owned(),
            at: self.now(),
        }];
        let scan = QrScan {
            code_id: 1,
            follower: of.clone(),
            follow: true,
            outcome: ScanOutcome::Invited,
            at: self.now(),
        };
        talk.qr_scans = vec![scan];
        talk.qr_codes = vec![QrChange::Wanted(Box::new(NewQrCode {
            account: account(),
            scene: Scene::secret([u8::try_from(number).unwrap(); 16]),
            purpose: Purpose::Bind,
            target: customer(number).1.as_str().to_owned(),
            customer: Some((tenant(), customer(number).0, customer(number).1)),
            single_use: true,
            lifetime: None,
        }))];
        let mut arrival = push(&format!("m:{number}"), talk);
        arrival.openid = Some(of.openid.clone());
        if let Some(dedupe) = &mut arrival.dedupe {
            dedupe.sender = of.openid.as_str().into();
        }
        self.arrive(arrival).await;
        let job = self.claim_one().await;
        let message_id = job.message_id.unwrap() - 1;
        self.settle(job, done()).await;
        let opened = ConversationChange::Opened {
            follower: of.clone(),
            message_id,
            at: self.now(),
            previous_id: None,
        };
        self.write(Changes {
            conversations: vec![opened],
            ..nothing()
        })
        .await;
        let invitations = vec![Invitation {
            follower: of.clone(),
            agent: "17".to_owned(),
            at: self.now(),
        }];
        self.write(Changes {
            invitations,
            ..nothing()
        })
        .await;
    }
}

pub async fn a_person_is_erased_table_by_table_and_nobody_else(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    room.knows(&anna, 1).await;
    room.knows(&bert, 2).await;
    assert!(room.store.is_known(&anna).await.unwrap());
    let id = room.order(&anna).await;
    let due = room.store.erasures_due(room.now()).await.unwrap();
    assert_eq!((due.len(), due[0].id), (1, id));
    assert!(room.begins(id, &anna).await);
    assert!(room.takes_all(id, &anna).await > 0);
    assert_eq!(room.takes_all(id, &anna).await, 0, "nothing is left");
    room.certifies(id).await;
    assert!(!room.store.is_known(&anna).await.unwrap());
    assert!(
        room.store
            .erasures_due(room.now())
            .await
            .unwrap()
            .is_empty()
    );
    for (table, left) in [
        ("SELECT count(*) FROM mapping", 1),
        ("SELECT count(*) FROM customer_snapshot", 1),
        ("SELECT count(*) FROM message", 2),
        ("SELECT count(*) FROM inbox", 1),
        ("SELECT count(*) FROM dedupe", 1),
        ("SELECT count(*) FROM outbox", 1),
        ("SELECT count(*) FROM attempt", 1),
        ("SELECT count(*) FROM conversation", 1),
        ("SELECT count(*) FROM conversation_event", 1),
        ("SELECT count(*) FROM qr_code", 1),
        ("SELECT count(*) FROM qr_scan", 1),
        ("SELECT count(*) FROM invitation", 1),
        ("SELECT count(*) FROM pseudonym", 0),
        ("SELECT count(*) FROM audit WHERE act = 'person.erased'", 1),
        ("SELECT json_extract(counts, '$.message') FROM erasure", 2),
    ] {
        assert_eq!(room.number(table).await, left, "{table}");
    }
}

pub async fn nothing_begins_while_something_is_done_for_the_person(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.write(mapped(mapping_to(&anna, MappingState::Pending)))
        .await;
    room.queue([effect(&anna.c4c_lane()), effect(&anna.c4c_lane())])
        .await;
    let id = room.order(&anna).await;
    let running = room.claim_one().await;
    assert!(!room.begins(id, &anna).await, "it runs");
    assert_eq!(room.number("SELECT count(*) FROM mapping").await, 1);
    room.settle(running, done()).await;
    let mut act = effect("in:main");
    act.payload = format!("{{\"who\":\"{}\"}}", anna.openid.as_str()).into();
    room.write(effects([act])).await;
    assert!(
        !room.begins(id, &anna).await,
        "an act is about to be decided"
    );
    room.store.cancel(3, "decided".to_owned()).await.unwrap();
    assert!(room.begins(id, &anna).await);
    assert_eq!(
        room.row(2).await.state,
        "cancelled",
        "what waits is not done"
    );
}

pub async fn who_comes_during_the_erasure_is_a_new_person_and_keeps_their_rows(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.knows(&anna, 1).await;
    let id = room.order(&anna).await;
    assert!(room.begins(id, &anna).await);
    room.knows(&anna, 2).await;
    room.takes_all(id, &anna).await;
    assert_eq!(room.takes_all(id, &anna).await, 0);
    room.certifies(id).await;
    assert_eq!(room.number("SELECT count(*) FROM message").await, 2);
    for table in [
        "SELECT count(*) FROM mapping WHERE customer_id = '2'",
        "SELECT count(*) FROM inbox WHERE dedupe_key = 'm:2'",
        "SELECT count(*) FROM dedupe",
        "SELECT count(*) FROM outbox",
        "SELECT count(*) FROM conversation",
        "SELECT count(*) FROM conversation_event",
    ] {
        assert_eq!(room.number(table).await, 1, "{table}");
    }
}

pub async fn an_id_is_not_given_again_while_an_erasure_may_take_it_for_an_old_one(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.knows(&anna, 1).await;
    let id = room.order(&anna).await;
    assert!(room.begins(id, &anna).await);
    room.takes_all(id, &anna).await;
    let room = Room::new(&way.after_a_crash()).await;
    room.knows(&anna, 2).await;
    room.takes_all(id, &anna).await;
    assert_eq!(room.number("SELECT count(*) FROM message").await, 2);
    assert_eq!(room.number("SELECT count(*) FROM inbox").await, 1);
}

pub async fn an_erasure_is_ordered_once_and_may_be_dropped_before_it_begins(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    let left = NewErasure {
        follower: anna.clone(),
        cause: ErasureCause::Unfollow,
        not_before: room.later(600),
        obsolete_customer: false,
    };
    room.write(Changes {
        erasures: vec![left],
        ..nothing()
    })
    .await;
    assert!(
        room.store
            .erasures_due(room.now())
            .await
            .unwrap()
            .is_empty()
    );
    let id = room.order(&anna).await;
    let due = room.store.erasures_due(room.now()).await.unwrap();
    assert_eq!((due.len(), due[0].cause.as_str()), (1, "operator"));
    assert!(room.store.drop_erasure(id).await.unwrap());
    assert!(!room.store.drop_erasure(id).await.unwrap());
    let again = room.order(&anna).await;
    assert!(room.begins(again, &anna).await);
    assert!(
        !room.store.drop_erasure(again).await.unwrap(),
        "it has begun"
    );
    let (ends, files) = (room.store.ends().await.unwrap(), ["0".repeat(64)]);
    let others = room.store.files_of_others(&anna, &ends, &files).await;
    assert!(others.unwrap().is_empty());
}

pub async fn the_words_of_deleted_messages_leave_the_index(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    for text in ["chartreuse umbrella", "quicksilver"] {
        room.write(Changes {
            messages: vec![said(&anna, text)],
            ..nothing()
        })
        .await;
        room.store.index_messages(10).await.unwrap();
    }
    let id = room.order(&anna).await;
    assert!(room.begins(id, &anna).await);
    room.takes_all(id, &anna).await;
    let blocks = "SELECT count(*) FROM message_search_data WHERE instr(block, 'quicksilver') > 0";
    assert_eq!(room.number(blocks).await, 1, "only marked as deleted");
    while room.store.merge_index().await.unwrap() {}
    assert_eq!(room.number(blocks).await, 0);
}
