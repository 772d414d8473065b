//! Conversations as people list them, and their messages with all that is known of their way.

use qiao::domain::ids::AccountId;
use qiao::domain::rows::{Changes, EndReason, MediaChange, NewActivity};
use qiao::store::{ConversationFilter, ListedConversation};
use serde_json::json;

use super::Way;
use super::rows::{Room, customer, follower, linked, mapped, nothing, tenant, to_say};

pub async fn conversations_are_listed_newest_first_narrowed_and_in_pages(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    room.write(mapped(linked(&anna, 7))).await;
    room.opens(&anna, None).await;
    room.opens(&bert, None).await;
    room.ends(1, EndReason::Keyword).await;
    room.wait(5);
    room.opens(&anna, Some(1)).await;
    let filter = ConversationFilter {
        state: None,
        account: None,
        before: i64::MAX,
        limit: 9,
    };
    let ids = |conversations: Vec<ListedConversation>| {
        conversations
            .iter()
            .map(|conversation| conversation.id)
            .collect::<Vec<_>>()
    };
    let all = room.store.conversations(&filter).await.unwrap();
    let oldest = &all[2];
    assert_eq!(oldest.openid, anna.openid.as_str());
    assert_eq!((oldest.account.as_str(), oldest.messages), ("main", 1));
    assert_eq!(oldest.customer_id.as_deref(), Some("7"));
    assert_eq!(oldest.state, "ended");
    assert_eq!(oldest.end_reason.as_deref(), Some("keyword"));
    assert_eq!((&oldest.ticket, &all[1].customer_id), (&None, &None));
    assert_eq!(
        (all[0].opened_at(), all[0].last_at()),
        (room.now(), room.now())
    );
    assert_eq!(ids(all), [3, 2, 1]);
    let only =
        async |filter: ConversationFilter| ids(room.store.conversations(&filter).await.unwrap());
    let page = ConversationFilter {
        before: 3,
        limit: 1,
        ..filter.clone()
    };
    assert_eq!(only(page).await, [2]);
    let open = ConversationFilter {
        state: Some("open".to_owned()),
        ..filter.clone()
    };
    assert_eq!(only(open.clone()).await, [3, 2]);
    let elsewhere = ConversationFilter {
        account: Some(AccountId::new("other")),
        ..filter.clone()
    };
    assert_eq!(only(elsewhere).await, [0; 0]);
    let with = async |filter: &ConversationFilter| {
        let found = room.store.conversations_with(&anna, filter).await;
        ids(found.unwrap())
    };
    assert_eq!(with(&filter).await, [3, 1]);
    assert_eq!(with(&open).await, [3]);
}

pub async fn a_message_is_told_with_its_conversation_what_c4c_has_of_it_and_its_media(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.write(to_say(&anna, "welcome")).await;
    room.hears_from(&follower('b')).await;
    let first = room.opens(&anna, None).await;
    room.ends(1, EndReason::Idle).await;
    let second = room.opens(&anna, Some(1)).await;
    room.wait(5);
    let (object, _) = customer(1);
    let recorded = NewActivity {
        tenant: tenant(),
        kind: "activity",
        object_id: Some(object),
        number: Some("59160".to_owned()),
        direction: "in",
        message_id: Some(first),
        message: None,
    };
    let wanted = |kind: &str| MediaChange::Wanted {
        message_id: first,
        kind: kind.to_owned(),
        media_id: "of WeChat".to_owned(),
    };
    room.write(Changes {
        activities: vec![recorded],
        media: vec![wanted("video"), wanted("image")],
        ..nothing()
    })
    .await;
    let told = room.store.messages_before(&anna, i64::MAX, 9).await;
    let told = told.unwrap();
    let conversations: Vec<_> = told.iter().map(|row| row.conversation_id).collect();
    assert_eq!(
        conversations,
        [None, Some(1), Some(2)],
        "ours came before the first"
    );
    assert_eq!((told[1].message.id, told[2].message.id), (first, second));
    assert_eq!(told[1].activity.as_deref(), Some("59160"));
    assert_eq!(told[1].in_c4c_at(), Some(room.now()));
    let medium = |kind: &str| {
        json!({ "kind": kind, "state": "wanted", "name": null, "mime": null, "bytes": null,
            "reason": null })
    };
    assert_eq!(told[1].media(), json!([medium("video"), medium("image")]));
    assert_eq!((&told[2].activity, told[2].in_c4c_at()), (&None, None));
    assert_eq!(told[2].media(), json!([]));
}
