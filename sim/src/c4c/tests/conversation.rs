//! What followers say: messages, their threads, and the tickets that are made of them.

use super::*;
use crate::fault::{Fault, Kind};

#[test]
fn a_first_message_is_its_own_root_and_becomes_a_ticket_by_itself() {
    let mut world = World::new(Settings::default());
    let follower = world.follower("oOpenId");
    let first = world.says(&follower, "24052365923001", "Where is my parcel?", None);
    assert_eq!(first["RootSocialMediaActivityUUID"], first["UUID"]);
    assert_eq!(first["ParentSocialMediaActivityUUID"], first["UUID"]);
    assert_eq!(first["SocialMediaMessageID"], "24052365923001");
    assert_eq!(first["InitiatorCodeText"], "Inbound");
    let ticket = world.ticket_of(&first).unwrap();
    let ticket = world.get(&format!("{TICKETS}('{ticket}')"));
    let ticket = &ticket["d"]["results"];
    assert_eq!(ticket["BuyerPartyID"], "1000441");
    assert_eq!(ticket["Name"], "Where is my parcel?");
    assert_eq!(ticket["ServiceRequestLifeCycleStatusCodeText"], "Open");
}

#[test]
fn a_follow_up_stands_in_the_thread_of_the_first_and_makes_no_ticket() {
    let mut world = World::new(Settings::default());
    let follower = world.follower("oOpenId");
    let first = world.says(&follower, "1", "one", None);
    let second = world.says(&follower, "2", "two", Some(&first));
    let third = world.says(&follower, "3", "three", Some(&second));
    assert_eq!(third["RootSocialMediaActivityUUID"], first["UUID"]);
    assert_eq!(third["ParentSocialMediaActivityUUID"], second["UUID"]);
    assert_eq!(world.ticket_of(&second), None);
    assert_eq!(world.tenant.tickets().count(), 1);
    let follows = format!(
        "{ACTIVITIES}('{}')/SocialMediaActivityToChildSocialMediaActivity",
        first["ObjectID"].as_str().unwrap()
    );
    assert_eq!(world.rows(&follows), [second]);
}

#[test]
fn the_history_of_a_conversation_is_complete_and_unsorted() {
    let mut world = World::new(Settings::default());
    let follower = world.follower("oOpenId");
    let first = world.says(&follower, "0", "0", None);
    let other = world.says(&follower, "other", "other", None);
    for number in 1..=20 {
        let text = number.to_string();
        world.says(&follower, &text, &text, Some(&first));
    }
    world.says(&follower, "elsewhere", "elsewhere", Some(&other));
    let url = format!(
        "{API}GetAllChildSocialMediaActivity?RootSocialMediaActivityNodeID='{}'",
        first["ObjectID"].as_str().unwrap()
    );
    let ids = |world: &mut World| -> Vec<u32> {
        let rows = world.rows(&url);
        let ids = rows
            .iter()
            .map(|row| row["SocialMediaMessageID"].as_str().unwrap());
        ids.map(|id| id.parse().unwrap()).collect()
    };
    let mut found = ids(&mut world);
    assert!(!found.is_sorted());
    found.sort_unstable();
    assert_eq!(found, (1..=20).collect::<Vec<u32>>());
    world.tenant.configure(|s| s.children_with_root = true);
    assert!(ids(&mut world).contains(&0));
}

#[test]
fn messages_are_found_by_their_keys_and_their_stamps() {
    let mut world = World::new(Settings::default());
    let follower = world.follower("oOpenId");
    let first = world.says(&follower, "m1", "one", None);
    world.pass(5_000);
    let second = world.says(&follower, "m2", "two", Some(&first));
    let (root, number) = (&first["UUID"], &second["ID"]);
    let (root, number) = (root.as_str().unwrap(), number.as_str().unwrap());
    for (filter, ids) in [
        ("SocialMediaMessageID eq 'm1'".to_owned(), vec!["m1"]),
        ("SocialMediaMessageID eq 'm*'".to_owned(), vec!["m1", "m2"]),
        ("SocialMediaMessageID eq ''".to_owned(), vec![]),
        (
            format!("ID eq '{number}' and InitiatorCode eq '2'"),
            vec!["m2"],
        ),
        (format!("ID eq '{number}' and InitiatorCode eq '1'"), vec![]),
        (
            format!("RootSocialMediaActivityUUID eq guid'{root}'"),
            vec!["m1", "m2"],
        ),
        (
            "EntityLastChangedOn ge datetimeoffset'2026-11-23T08:00:05Z'".to_owned(),
            vec!["m2"],
        ),
    ] {
        let found = world.found(ACTIVITIES, &filter);
        let found: Vec<&str> = found
            .iter()
            .map(|row| row["SocialMediaMessageID"].as_str().unwrap())
            .collect();
        assert_eq!(found, ids, "{filter}");
    }
    world.tenant.configure(|s| s.page = 1);
    let page = world.get(&format!("{ACTIVITIES}?$inlinecount=allpages"));
    assert_eq!(page["d"]["__count"], "2");
    let next = page["d"]["__next"].as_str().unwrap();
    let next = next.strip_prefix("https://my000001.c4c.example").unwrap();
    assert_eq!(world.rows(next)[0]["SocialMediaMessageID"], "m2");
}

#[test]
fn what_the_channel_does_not_know_is_refused() {
    let mut world = World::new(Settings::default());
    let follower = world.follower("oOpenId");
    let first = world.says(&follower, "1", "one", None);
    let good = message(&follower, "2", "two", None);
    let nobody = json!("00163E0D-BD9E-1ED7-96EB-DFDA5600FFFF");
    for (property, value, sentence) in [
        (
            "SocialMediaChannelCode",
            json!("777"),
            "unknown to this tenant",
        ),
        (
            "SocialMediaActivityProviderID",
            json!("NONE"),
            "unknown to this tenant",
        ),
        ("SocialMediaUserProfileUUID", nobody.clone(), "no profile"),
        ("CategoryCode", json!("002"), "unknown to this tenant"),
        ("CategoryCode", json!("003"), "missing in a follow-up"),
        (
            "ParentSocialMediaActivityUUID",
            first["UUID"].clone(),
            "not for a message that starts a conversation",
        ),
        (
            "SocialMediaUserProfileUUID",
            json!("x"),
            "a GUID is expected",
        ),
        ("CategoryCode", json!(""), "is mandatory"),
        ("ID", json!("5"), "cannot be set at creation"),
        ("WeChat", json!("x"), "not found"),
    ] {
        let mut payload = good.clone();
        payload[property] = value;
        let (status, told) = world.post_refused(ACTIVITIES, &payload);
        assert_eq!(status, 400);
        assert!(told.contains(sentence), "{property}: {told}");
    }
    let mut orphan = message(&follower, "2", "two", Some(&first));
    orphan["ParentSocialMediaActivityUUID"] = nobody;
    assert!(
        world
            .post_refused(ACTIVITIES, &orphan)
            .1
            .contains("no activity")
    );
    for property in [
        "SocialMediaChannelCode",
        "SocialMediaActivityProviderID",
        "SocialMediaUserProfileUUID",
    ] {
        let mut payload = good.clone();
        payload.as_object_mut().unwrap().remove(property);
        let (status, told) = world.post_refused(ACTIVITIES, &payload);
        assert_eq!(
            (status, told),
            (400, format!("Property '{property}' is mandatory"))
        );
    }
    assert_eq!(world.tenant.activities().count(), 1);
}

#[test]
fn a_message_id_may_stand_twice_unless_the_tenant_forbids_it() {
    let mut world = World::new(Settings::default());
    let follower = world.follower("oOpenId");
    for _ in 0..2 {
        world.says(&follower, "same", "text", None);
    }
    world.tenant.configure(|s| s.unique_message_id = true);
    let again = message(&follower, "same", "text", None);
    assert!(
        world
            .post_refused(ACTIVITIES, &again)
            .1
            .contains("not unique")
    );
    world.says(&follower, "other", "text", None);
    assert_eq!(world.tenant.activities_of("oOpenId").len(), 3);
}

#[test]
fn the_ticket_may_come_later_or_never() {
    let mut world = World::new(Settings {
        auto_ticket_ms: 3_000,
        ..Settings::default()
    });
    let follower = world.follower("oOpenId");
    let first = world.says(&follower, "1", "one", None);
    assert_eq!(world.ticket_of(&first), None);
    assert_eq!(
        world.tenant.next_due(),
        Some("2026-11-23T08:00:03Z".parse().unwrap())
    );
    world.pass(3_000);
    assert!(world.ticket_of(&first).is_some());
    assert_eq!(world.tenant.next_due(), None);

    world.tenant.configure(|s| s.auto_ticket = false);
    let second = world.says(&follower, "2", "two", None);
    world.pass(60_000);
    assert_eq!(world.ticket_of(&second), None);
    assert_eq!(world.tenant.tickets().count(), 1);
}

#[test]
fn a_message_whose_answer_is_lost_is_there_all_the_same() {
    let mut world = World::new(Settings::default());
    let follower = world.follower("oOpenId");
    world.tenant.faults().add(Fault {
        on: "SocialMediaActivityCollection".to_owned(),
        kind: Kind::Drop { after_effect: true },
        times: 1,
    });
    let payload = message(&follower, "m1", "text", None).to_string();
    let lost = world.deliver(&request("POST", ACTIVITIES, &payload));
    assert!(matches!(lost, Delivery::Drop));
    assert_eq!(
        world
            .found(ACTIVITIES, "SocialMediaMessageID eq 'm1'")
            .len(),
        1
    );
    let calls = world.tenant.calls();
    assert_eq!(calls.total("POST", "SocialMediaActivityCollection"), 1);
}

#[test]
fn a_message_cannot_be_rewritten_or_deleted() {
    let mut world = World::new(Settings::default());
    let follower = world.follower("oOpenId");
    let first = world.says(&follower, "1", "one", None);
    let url = format!("{ACTIVITIES}('{}')", first["ObjectID"].as_str().unwrap());
    let rewrite = request("PATCH", &url, r#"{"Text":"other"}"#);
    assert_eq!(world.refused(&rewrite).0, 400);
    assert_eq!(world.refused(&request("DELETE", &url, "")).0, 405);
    let urgent = request("PATCH", &url, r#"{"PriorityCode":"1"}"#);
    assert_eq!(world.send(&urgent).status, 204);
}
