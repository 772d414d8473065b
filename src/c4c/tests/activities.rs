//! Messages on their way into C4C, and answers on their way out.

use serde_json::json;

use super::*;
use crate::c4c::activity::NewActivity;
use crate::c4c::{Activity, Kind, Pace};

const MSG_ID: &str = "23912345678901234";

fn new<'a>(profile: &'a ObjectId, root: Option<&'a ObjectId>) -> NewActivity<'a> {
    NewActivity {
        message_id: MSG_ID,
        profile,
        channel_code: "008",
        channel_id: "QIAO",
        author: "Zhang Wei",
        text: TEXT,
        root,
        at: "2026-11-23T08:00:00.5Z".parse().ok(),
    }
}

fn row(id: &str, number: &str, message_id: &str, initiator: &str) -> String {
    json!({
        "ObjectID": id, "ID": number, "SocialMediaMessageID": message_id,
        "InitiatorCode": initiator, "Text": TEXT, "SocialMediaMessageAuthor": "Zhang Wei",
        "RootSocialMediaActivityUUID": "00163EAA-1111-1EE7-B897-5BD4AB3F0001",
        "SocialMediaUserProfileUUID": "00163EAA-1111-1EE7-B897-5BD4AB3F0009",
        "PrivateSocialMediaMessageIndicator": true,
        "SocialMediaMessageCreationDateTime": "/Date(1490902810849)/",
        "EntityLastChangedOn": "/Date(1490902811000)/",
    })
    .to_string()
}

async fn found(rows_there: Vec<String>) -> Option<Activity> {
    let far_side = FarSide::new(move |_| rows(&rows_there));
    let client = far_side.client(&tenant());
    client.find_activity(Pace::Live, MSG_ID).await.unwrap()
}

#[tokio::test]
async fn a_message_is_found_by_its_msg_id_and_read_whole() {
    let far_side = FarSide::new(|_| rows(&[row(OTHER_ID, "59161", MSG_ID, "2")]));
    let client = far_side.client(&tenant());
    let activity = client.find_activity(Pace::Live, MSG_ID).await.unwrap();
    let expected = Activity {
        object_id: ObjectId::new(OTHER_ID),
        id: "59161".into(),
        message_id: MSG_ID.into(),
        root: id(),
        profile: Some(ObjectId::new("00163EAA11111EE7B8975BD4AB3F0009")),
        is_outbound: false,
        is_private: true,
        author: "Zhang Wei".into(),
        text: TEXT.into(),
        created_at: "2017-03-30T19:40:10.849Z".parse().ok(),
        changed_at: "2017-03-30T19:40:11Z".parse().ok(),
    };
    assert_eq!(
        format!("{activity:?}"),
        format!("Some(Activity({OTHER_ID}, 59161))")
    );
    assert_eq!(activity, Some(expected));
    assert_eq!(
        within(&far_side.seen()[0]),
        format!(
            "SocialMediaActivityCollection?$format=json&$filter=SocialMediaMessageID eq '{MSG_ID}'"
        )
    );
}

#[tokio::test]
async fn of_several_messages_the_first_is_taken_and_of_others_none() {
    let several = vec![
        row(OTHER_ID, "10000", MSG_ID, "2"),
        row(ID, "9999", MSG_ID, "2"),
    ];
    assert_eq!(found(several).await.unwrap().id, "9999");
    assert_eq!(
        found(vec![row(ID, "1", "2391234567890123", "2")]).await,
        None
    );
    assert_eq!(found(Vec::new()).await, None);
}

#[tokio::test]
async fn a_message_that_cannot_be_searched_for_is_never_taken_for_new() {
    let far_side = FarSide::new(|_| refused("Property SocialMediaMessageID is not filterable"));
    let client = far_side.client(&tenant());
    let error = client.find_activity(Pace::Live, MSG_ID).await.unwrap_err();
    assert!(matches!(error.kind, Kind::Unfilterable { .. }));
    assert_eq!(error.failure().verdict, Verdict::Permanent);
    let error = client.find_activity(Pace::Live, "*").await.unwrap_err();
    assert!(matches!(error.kind, Kind::Filter(_)));
    assert_eq!(far_side.seen().len(), 1);
}

#[tokio::test]
async fn a_message_is_read_by_its_key_and_by_its_number() {
    let far_side = FarSide::new(|request| {
        if within(request).contains(OTHER_ID) {
            not_found()
        } else {
            rows(&[row(ID, "59161", "", "1")])
        }
    });
    let client = far_side.client(&tenant());
    let by_key = client.activity(Pace::Live, &id()).await.unwrap();
    let by_number = client.activity_numbered(Pace::Live, "59161").await.unwrap();
    assert!(by_key.as_ref().unwrap().is_outbound);
    assert_eq!(by_key, by_number);
    let gone = client.activity(Pace::Live, &ObjectId::new(OTHER_ID)).await;
    assert_eq!(gone, Ok(None));
}

#[tokio::test]
async fn a_first_message_begins_a_conversation_and_the_next_goes_on_with_it() {
    let far_side = answering(|_| made(&row(ID, "59161", MSG_ID, "2")));
    let client = far_side.client(&tenant());
    let profile = ObjectId::new(OTHER_ID);
    let first = client
        .create_activity(Pace::Live, &new(&profile, None))
        .await
        .unwrap();
    assert_eq!((first.id.as_str(), &first.root), ("59161", &id()));
    client
        .create_activity(Pace::Live, &new(&profile, Some(&first.root)))
        .await
        .unwrap();
    let seen = far_side.seen();
    assert_eq!(within(&seen[1]), "SocialMediaActivityCollection");
    let mut expected = json!({
        "CategoryCode": "001",
        "InitiatorCode": "2",
        "PrivateSocialMediaMessageIndicator": true,
        "SocialMediaActivityProviderID": "QIAO",
        "SocialMediaChannelCode": "008",
        "SocialMediaMessageAuthor": "Zhang Wei",
        "SocialMediaMessageCreationDateTime": "/Date(1795420800500)/",
        "SocialMediaMessageID": MSG_ID,
        "SocialMediaUserProfileUUID": "00163EAA-1111-1EE7-B897-5BD4AB3F0002",
        "Text": TEXT,
    });
    assert_eq!(json(&seen[1]), expected);
    expected["CategoryCode"] = "003".into();
    expected["ParentSocialMediaActivityUUID"] = "00163EAA-1111-1EE7-B897-5BD4AB3F0001".into();
    assert_eq!(json(&seen[2]), expected);
}

#[tokio::test]
async fn a_root_that_c4c_does_not_name_is_the_message_itself() {
    let far_side = answering(|_| made(&format!(r#"{{"ObjectID":"{ID}","ID":"7"}}"#)));
    let client = far_side.client(&tenant());
    let profile = ObjectId::new(OTHER_ID);
    let activity = client
        .create_activity(Pace::Live, &new(&profile, None))
        .await
        .unwrap();
    assert_eq!(activity.root, id());
}

#[tokio::test]
async fn a_message_with_an_empty_answer_is_read_from_its_location() {
    let location = format!("https://t.example/x/SocialMediaActivityCollection('{ID}')");
    let far_side = answering(move |request| match request.word() {
        "post" => answer(201, &[("location", &location)], ""),
        _ => rows(&[row(ID, "59161", MSG_ID, "2")]),
    });
    let client = far_side.client(&tenant());
    let profile = ObjectId::new(OTHER_ID);
    let made = client
        .create_activity(Pace::Live, &new(&profile, None))
        .await
        .unwrap();
    assert_eq!(made.id, "59161");
    assert_eq!(far_side.words(), ["fetch", "post", "get"]);
}

#[tokio::test]
async fn a_message_whose_answer_is_lost_is_uncertain_and_its_text_stays_unseen() {
    let quoting = format!("Text '{TEXT}' of Zhang Wei is too long");
    for outcome in [
        Err(TransportError::Lost("timed out".into())),
        answer(201, &[], "{}"),
        answer(500, &[], &quoting),
    ] {
        let far_side = answering(move |_| outcome.clone());
        let client = far_side.client(&tenant());
        let profile = ObjectId::new(OTHER_ID);
        let error = client
            .create_activity(Pace::Live, &new(&profile, None))
            .await
            .unwrap_err();
        assert_uncertain(&error);
        assert!(!error.to_string().contains("Zhang Wei"), "{error}");
    }
}

#[tokio::test]
async fn the_ticket_of_a_message_is_found_through_its_reference() {
    let reference = |id: &str, kind: &str, parent: &str| {
        format!(r#"{{"ID":"{id}","TypeCode":"{kind}","ParentObjectID":"{parent}"}}"#)
    };
    // Whatever the filter says: a reference to another document is no answer.
    let far_side = FarSide::new(move |_| {
        rows(&[
            reference("5916", "1607", OTHER_ID),
            reference("59161", "118", OTHER_ID),
            reference("59161", "1607", ID),
        ])
    });
    let client = far_side.client(&tenant());
    let ticket = client.ticket_of_activity(Pace::Live, "59161").await;
    assert_eq!(ticket, Ok(Some(id())));
    assert_eq!(client.ticket_of_activity(Pace::Live, "1").await, Ok(None));
    assert_eq!(
        within(&far_side.seen()[0]),
        "ServiceRequestBusinessTransactionDocumentReferenceCollection\
         ?$format=json&$filter=ID eq '59161' and TypeCode eq '1607'"
    );
}

#[tokio::test]
async fn a_sweep_over_answers_never_brings_what_a_follower_wrote() {
    let far_side = FarSide::new(|request| {
        if request.path.contains("skiptoken") {
            return rows(&[row(ID, "59163", "", "1")]);
        }
        let some = [
            row(ID, "59161", MSG_ID, "2"),
            row(OTHER_ID, "59162", "", "1"),
        ]
        .join(",");
        one_of_two(&some)
    });
    let client = far_side.client(&tenant());
    let since = "2026-11-23T08:00:00.5Z".parse().unwrap();
    let numbers = |page: &crate::c4c::Changed<Activity>| -> Vec<String> {
        page.rows.iter().map(|a| a.id.clone()).collect()
    };
    let first = client
        .answers_changed_since(Pace::Bulk, since, None)
        .await
        .unwrap();
    let next = first.next.as_deref();
    let last = client
        .answers_changed_since(Pace::Bulk, since, next)
        .await
        .unwrap();
    assert_eq!(
        (numbers(&first), numbers(&last)),
        (vec!["59162".into()], vec!["59163".into()])
    );
    assert_eq!(last.next, None);
    assert_eq!(
        within(&far_side.seen()[0]),
        "SocialMediaActivityCollection?$format=json&$filter=InitiatorCode eq '1' and \
         EntityLastChangedOn ge datetimeoffset'2026-11-23T08:00:00Z'&$orderby=EntityLastChangedOn"
    );
}
