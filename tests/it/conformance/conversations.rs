//! Conversations, what C4C has of them, and media.

use jiff::Timestamp;
use qiao::domain::ids::ObjectId;
use qiao::domain::rows::{
    Changes, ConversationChange, EndReason, Follower, MediaChange, MediaContent, NewActivity,
    NewEffect, NewProfile, SeatEvent,
};
use qiao::store::{Conversation, InC4c};

use super::Way;
use super::rows::{Room, customer, done, effect, follower, nothing, said, tenant, to_say};

fn conversations(changes: impl IntoIterator<Item = ConversationChange>) -> Changes {
    Changes {
        conversations: changes.into_iter().collect(),
        ..nothing()
    }
}

impl Room {
    /// Somebody says something; gives the message's id.
    pub async fn hears_from(&self, who: &Follower) -> i64 {
        let messages = vec![said(who, "hello")];
        self.write(Changes {
            messages,
            ..nothing()
        })
        .await;
        self.number("SELECT max(id) FROM message").await
    }

    /// They begin a conversation with it.
    pub async fn opens(&self, who: &Follower, previous_id: Option<i64>) -> i64 {
        let message_id = self.hears_from(who).await;
        let opened = ConversationChange::Opened {
            follower: who.clone(),
            message_id,
            at: self.now(),
            previous_id,
        };
        self.write(conversations([opened])).await;
        message_id
    }

    async fn goes_on(&self, id: i64, message_id: Option<i64>) {
        let at = self.now();
        let change = ConversationChange::GoesOn { id, message_id, at };
        self.write(conversations([change])).await;
    }

    pub async fn ends(&self, id: i64, reason: EndReason) {
        let at = self.now();
        self.write(conversations([ConversationChange::Ended {
            id,
            reason,
            at,
        }]))
        .await;
    }

    async fn newest(&self, who: &Follower) -> Option<Conversation> {
        self.store
            .newest_conversations(&[who])
            .await
            .unwrap()
            .remove(who)
    }
}

pub async fn a_conversation_goes_on_until_it_ends_and_the_next_knows_of_it(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    assert_eq!(room.newest(&anna).await, None);
    let first = room.opens(&anna, None).await;
    room.opens(&bert, None).await;
    let conversation = room.newest(&anna).await.unwrap();
    assert_eq!((conversation.open, conversation.messages), (true, 1));
    room.wait(5);
    let second = room.hears_from(&anna).await;
    room.goes_on(conversation.id, Some(second)).await;
    room.wait(5);
    room.goes_on(conversation.id, None).await;
    let conversation = room.newest(&anna).await.unwrap();
    assert_eq!(
        (conversation.messages, conversation.last_at),
        (2, room.now()),
        "we spoke"
    );
    room.ends(conversation.id, EndReason::Keyword).await;
    room.ends(conversation.id, EndReason::Idle).await;
    let third = room.opens(&anna, Some(conversation.id)).await;
    let next = room.newest(&anna).await.unwrap();
    assert!(next.open && next.id != conversation.id);
    let of = async |message| room.store.conversation_of(&anna, message).await.unwrap();
    assert_eq!(of(first).await.unwrap().id, conversation.id);
    assert_eq!(of(second).await.unwrap().id, conversation.id);
    assert_eq!(of(third).await.unwrap().id, next.id);
    assert_eq!(of(first - 1).await, None);
    let ended = "SELECT count(*) FROM conversation WHERE end_reason = 'keyword'";
    assert_eq!(room.number(ended).await, 1, "it ended once");
    let linked = "SELECT previous_id FROM conversation WHERE previous_id IS NOT NULL";
    assert_eq!(room.number(linked).await, conversation.id);
}

pub async fn a_follower_has_one_open_conversation(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.opens(&anna, None).await;
    let conversation = room.newest(&anna).await.unwrap();
    room.opens(&anna, None).await;
    assert_eq!(room.newest(&anna).await.unwrap().id, conversation.id);
}

pub async fn the_stillest_conversations_are_found(way: &Way) {
    let room = Room::new(way).await;
    for letter in ['a', 'b', 'c'] {
        room.opens(&follower(letter), None).await;
        room.wait(60);
    }
    let account = follower('a').account;
    let idle = async |since, limit| {
        let found = room
            .store
            .idle_conversations(&account, since, limit)
            .await
            .unwrap();
        let openids = found.into_iter().map(|conversation| conversation.follower);
        openids.collect::<Vec<_>>()
    };
    assert_eq!(
        idle(room.later(-60), 9).await,
        [follower('a'), follower('b')]
    );
    assert_eq!(idle(room.now(), 1).await, [follower('a')]);
    room.ends(1, EndReason::Idle).await;
    assert_eq!(idle(room.later(-60), 9).await, [follower('b')]);
}

pub async fn a_ticket_leads_to_its_conversation(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.opens(&anna, None).await;
    let id = room.newest(&anna).await.unwrap().id;
    let (ticket, _) = customer(7);
    let known = |root_object_id: Option<ObjectId>, ticket| {
        conversations([ConversationChange::InC4c {
            id,
            root_object_id,
            ticket,
        }])
    };
    let (first_activity, _) = customer(8);
    room.write(known(Some(first_activity.clone()), None)).await;
    room.write(known(None, Some((ticket.clone(), "1034309".to_owned()))))
        .await;
    let of = async |account: &str, number: &str| {
        let account = qiao::domain::ids::AccountId::new(account);
        let found = room.store.conversation_of_ticket(&[&account], number).await;
        found.unwrap()
    };
    let conversation = of("main", "1034309").await.unwrap();
    assert_eq!(conversation.root_object_id, Some(first_activity.clone()));
    assert_eq!(conversation.ticket, Some((ticket, "1034309".to_owned())));
    assert_eq!(of("main", "1").await, None);
    assert_eq!(of("other", "1034309").await, None, "it is another tenant's");
    let (account, other) = (
        anna.account.clone(),
        qiao::domain::ids::AccountId::new("other"),
    );
    assert_eq!(
        room.store
            .conversation_numbered(id)
            .await
            .unwrap()
            .unwrap()
            .id,
        id
    );
    assert_eq!(
        room.store.conversation_numbered(id + 1).await.unwrap(),
        None
    );
    let of_keys = async |account, keys: &[&ObjectId]| {
        let found = room
            .store
            .conversations_of_tickets(&[account], keys)
            .await
            .unwrap();
        found
            .into_iter()
            .map(|conversation| conversation.id)
            .collect::<Vec<_>>()
    };
    let (ticket, _) = customer(7);
    assert_eq!(of_keys(&account, &[&first_activity, &ticket]).await, [id]);
    assert!(of_keys(&account, &[&first_activity]).await.is_empty());
    assert!(of_keys(&other, &[&ticket]).await.is_empty());
    let of_root = async |account, key| {
        let found = room.store.conversation_of_root(&[account], key).await;
        found.unwrap().map(|conversation| conversation.id)
    };
    assert_eq!(of_root(&account, &first_activity).await, Some(id));
    assert_eq!(of_root(&account, &ticket).await, None);
    assert_eq!(of_root(&other, &first_activity).await, None);
}

pub async fn what_stands_in_c4c_for_a_message_is_remembered_once(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    let message_id = room.hears_from(&anna).await;
    assert_eq!(room.store.in_c4c(message_id).await.unwrap(), None);
    let activity = |object: Option<ObjectId>, number: Option<&str>| NewActivity {
        tenant: tenant(),
        kind: "activity",
        object_id: object,
        number: number.map(str::to_owned),
        direction: "in",
        message_id: Some(message_id),
        message: None,
    };
    let (object, _) = customer(1);
    for _ in 0..2 {
        room.write(Changes {
            activities: vec![activity(Some(object.clone()), Some("59160"))],
            ..nothing()
        })
        .await;
    }
    let expected = InC4c {
        kind: "activity".to_owned(),
        object_id: Some(object.clone()),
        number: Some("59160".to_owned()),
    };
    assert_eq!(room.store.in_c4c(message_id).await.unwrap(), Some(expected));
    let (other, _) = customer(2);
    let (tenant, both) = (tenant(), [&other, &object]);
    let known = room.store.known_activities(&tenant, &both).await;
    assert_eq!(known.unwrap(), std::slice::from_ref(&object));
    let is_known = async |number| {
        let known = room.store.is_activity_known(&tenant, number).await;
        known.unwrap()
    };
    assert!(is_known("59160").await && !is_known("59161").await);
    assert_eq!(room.number("SELECT count(*) FROM activity").await, 1);
    let mut answer = to_say(&anna, "an answer");
    answer.activities.push(NewActivity {
        message: Some(0),
        message_id: None,
        direction: "out",
        ..activity(None, Some("59162"))
    });
    room.write(answer).await;
    let written = "SELECT message_id FROM activity WHERE number = '59162'";
    let newest = room.number("SELECT max(id) FROM message").await;
    assert_eq!(room.number(written).await, newest);
}

pub async fn a_profile_is_remembered(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    assert_eq!(room.store.profile(&anna).await.unwrap(), None);
    for number in [1, 2] {
        let profile = NewProfile {
            follower: anna.clone(),
            object_id: customer(number).0,
        };
        room.write(Changes {
            profiles: vec![profile],
            ..nothing()
        })
        .await;
        assert_eq!(
            room.store.profile(&anna).await.unwrap(),
            Some(customer(number).0)
        );
    }
}

pub async fn a_medium_is_wanted_then_stored_or_missing_and_stays_so(way: &Way) {
    let room = Room::new(way).await;
    let message_id = room.hears_from(&follower('a')).await;
    let media = |media: Vec<MediaChange>| Changes { media, ..nothing() };
    let wanted = |kind: &str| MediaChange::Wanted {
        message_id,
        kind: kind.to_owned(),
        media_id: format!("id of {kind}"),
    };
    room.write(media(vec![wanted("video"), wanted("thumb")]))
        .await;
    let rows = room.store.media_of(message_id).await.unwrap();
    let states = |rows: &[qiao::store::MediaRow]| {
        let states = rows.iter().map(|row| row.state.clone());
        states.collect::<Vec<_>>()
    };
    assert_eq!(states(&rows), ["wanted", "wanted"]);
    let content = MediaContent {
        sha256: "a".repeat(64),
        bytes: 5,
        mime: "video/mp4".to_owned(),
        name: "001.mp4".to_owned(),
    };
    let stored = MediaChange::Stored {
        id: rows[0].id,
        content,
    };
    let missing = |id| MediaChange::Missing {
        id,
        reason: "WeChat forgot it".to_owned(),
    };
    room.write(media(vec![stored, missing(rows[1].id)])).await;
    room.write(media(vec![missing(rows[0].id)])).await;
    let rows = room.store.media_of(message_id).await.unwrap();
    assert_eq!(states(&rows), ["stored", "missing"]);
    assert_eq!(rows[0].bytes, Some(5));
    assert_eq!(rows[1].reason.as_deref(), Some("WeChat forgot it"));
}

pub async fn an_agents_file_is_written_with_its_message_and_known_again(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    let attached = |number, content| MediaChange::Attached {
        message: 0,
        kind: "image",
        object_id: customer(number).0,
        content,
    };
    let content = MediaContent {
        sha256: "b".repeat(64),
        bytes: 5,
        mime: "image/jpeg".to_owned(),
        name: "plan.jpg".to_owned(),
    };
    let mut changes = to_say(&anna, "an answer");
    for (number, content) in [(1, Ok(content)), (2, Err("too long".to_owned()))] {
        let mut more = to_say(&anna, "plan.jpg");
        more.media.push(attached(number, content));
        changes.extend(more);
    }
    room.write(changes).await;
    let newest = room.number("SELECT max(id) FROM message").await;
    let stored = room.store.media_of(newest - 1).await.unwrap().remove(0);
    assert_eq!((stored.state.as_str(), stored.bytes), ("stored", Some(5)));
    let missing = room.store.media_of(newest).await.unwrap().remove(0);
    assert_eq!(missing.reason.as_deref(), Some("too long"));
    let keys = [1, 2, 3].map(|number| customer(number).0);
    let known = room.store.known_attachments(&[&keys[0], &keys[2]]).await;
    assert_eq!(known.unwrap(), keys[..1]);
    let files = ["b".repeat(64), "c".repeat(64)];
    assert_eq!(room.store.unused_media(&files).await.unwrap(), files[1..]);
    let forget = Changes {
        forgets: vec![anna],
        ..nothing()
    };
    for expected in [1, 2] {
        room.write(forget.clone()).await;
        let unused = room.store.unused_media(&files).await.unwrap();
        assert_eq!(unused.len(), expected, "what waits is still to be sent");
        for job in room.claim().await {
            room.settle(job, done()).await;
            while let [job] = &room.claim().await[..] {
                room.settle(job.clone(), done()).await;
            }
        }
    }
}

pub async fn what_happens_at_the_seats_is_written_down(way: &Way) {
    let room = Room::new(way).await;
    let event = SeatEvent {
        follower: follower('a'),
        kind: "transferred",
        detail: "a@x -> b@x".to_owned(),
        at: Timestamp::UNIX_EPOCH,
    };
    room.write(Changes {
        seat_events: vec![event],
        ..nothing()
    })
    .await;
    let written = "SELECT count(*) FROM conversation_event WHERE kind = 'transferred'";
    assert_eq!(room.number(written).await, 1);
}

/// An effect may be about a message that came in; that one stays received whatever becomes of it.
pub async fn a_message_that_came_in_stays_received_whatever_is_done_about_it(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    let message_id = room.hears_from(&anna).await;
    let about = NewEffect {
        message_id: Some(message_id),
        ..effect("about")
    };
    room.queue([about]).await;
    let job = room.claim_one().await;
    assert_eq!(job.message_id, Some(message_id));
    assert_eq!(job.text.as_deref(), Some("hello"));
    let said = room.store.said(message_id).await.unwrap().unwrap();
    assert_eq!(
        (said.follower, said.kind),
        (anna.clone(), "text".to_owned())
    );
    room.settle(job, done()).await;
    assert_eq!(room.states(&anna).await, ["received"]);
}

/// Pushes of one moment overtake each other; what nobody has tried is put in the order of the messages.
pub async fn what_was_said_first_goes_first_in_whatever_order_it_came(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    let about = async |who: &Follower, msg_id: &str| {
        let mut message = said(who, msg_id);
        message.msg_id = Some(msg_id.into());
        let messages = vec![message];
        room.write(Changes {
            messages,
            ..nothing()
        })
        .await;
        let message_id = Some(room.number("SELECT max(id) FROM message").await);
        let record = NewEffect {
            message_id,
            in_order_said: true,
            ..effect(&who.c4c_lane())
        };
        room.queue([record]).await;
    };
    for msg_id in ["30", "9", "100"] {
        about(&anna, msg_id).await;
        about(&bert, msg_id).await;
    }
    let mut heard = Vec::new();
    for _ in 0..3 {
        for job in room.claim().await {
            heard.extend(job.text.clone());
            room.settle(job, done()).await;
        }
    }
    assert_eq!(heard, ["9", "9", "30", "30", "100", "100"]);
}
