//! Tickets and their notes.

use serde_json::json;

use super::*;
use crate::c4c::note::{self, NewNote};
use crate::c4c::{Kind, Note, Pace, Ticket};

/// The property that carries the mark, in these stories.
const MARK: &str = "Name";

fn new_note() -> NewNote<'static> {
    NewNote {
        type_code: note::REPLY_FROM_CUSTOMER,
        text: TEXT,
        language: "ZH",
    }
}

fn row(id: &str, number: &str, name: &str) -> String {
    json!({
        "ObjectID": id, "ID": number, "Name": name,
        "ServiceRequestUserLifeCycleStatusCode": "YJ",
        "ServiceRequestLifeCycleStatusCode": "3",
    })
    .to_string()
}

fn ticket(id: &str, number: &str) -> Ticket {
    Ticket {
        object_id: ObjectId::new(id),
        id: number.into(),
        status: "YJ".into(),
        is_completed: true,
        changed_at: None,
    }
}

#[tokio::test]
async fn a_ticket_is_opened_with_its_first_note_in_one_call() {
    let body = include_str!("../../../tests/fixtures/c4c/sap-devguide/servicerequest_created.json");
    let far_side = answering(move |_| answer(201, &[], body));
    let client = far_side.client(&tenant());
    let fields = BTreeMap::from([
        (MARK.to_owned(), "WeChat 4711".to_owned()),
        ("ProcessingTypeCode".to_owned(), "SRRQ".to_owned()),
    ]);
    let opened = client
        .create_ticket(Pace::Live, &fields, &new_note())
        .await
        .unwrap();
    let expected = Ticket {
        object_id: ObjectId::new("00163E1379D01ED785B015D2038B098A"),
        id: "5197".into(),
        status: "1".into(),
        is_completed: false,
        changed_at: None,
    };
    assert_eq!(opened, expected);
    assert_eq!(far_side.words(), ["fetch", "post"]);
    let post = &far_side.seen()[1];
    assert_eq!(within(post), "ServiceRequestCollection");
    assert_eq!(
        json(post),
        json!({
            "Name": "WeChat 4711",
            "ProcessingTypeCode": "SRRQ",
            "ServiceRequestTextCollection": [
                { "TypeCode": "10008", "Text": TEXT, "LanguageCode": "ZH" },
            ],
        })
    );
}

#[tokio::test]
async fn a_ticket_whose_answer_is_lost_is_uncertain_and_found_by_its_mark() {
    let far_side = answering(|request| match request.word() {
        "post" => Err(TransportError::Lost("timed out".into())),
        _ => rows(&[
            row(OTHER_ID, "1034310", "WeChat 4711"),
            row(ID, "1034309", "WeChat 4711"),
            row(OTHER_ID, "1", "wechat 4711"),
        ]),
    });
    let client = far_side.client(&tenant());
    let fields = BTreeMap::from([(MARK.to_owned(), "WeChat 4711".to_owned())]);
    let error = client
        .create_ticket(Pace::Live, &fields, &new_note())
        .await
        .unwrap_err();
    assert_uncertain(&error);
    let found = client.find_ticket_by(Pace::Live, MARK, "WeChat 4711").await;
    assert_eq!(found, Ok(Some(ticket(ID, "1034309"))));
    let missing = client.find_ticket_by(Pace::Live, MARK, "WeChat 4712").await;
    assert_eq!(missing, Ok(None));
    assert_eq!(
        within(&far_side.seen()[2]),
        "ServiceRequestCollection?$format=json&$filter=Name eq 'WeChat 4711'"
    );
}

#[tokio::test]
async fn a_refused_ticket_shows_neither_fields_nor_text() {
    let quoting = format!("Name 'WeChat 4711' or Text '{TEXT}' is wrong");
    let far_side = answering(move |_| answer(400, &[], &quoting));
    let client = far_side.client(&tenant());
    let fields = BTreeMap::from([(MARK.to_owned(), "WeChat 4711".to_owned())]);
    let error = client
        .create_ticket(Pace::Live, &fields, &new_note())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "C4C `main`: refused (400): Name '…' or Text '…' is wrong; correct what is sent"
    );
    assert_discreet(&error);
}

#[tokio::test]
async fn a_mark_that_cannot_be_searched_for_is_told() {
    let far_side = FarSide::new(|_| refused("not filterable"));
    let client = far_side.client(&tenant());
    let error = client.find_ticket_by(Pace::Live, "Mark_KUT", "4711").await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "C4C `main`: Mark_KUT cannot be filtered by; let the administrator make it filterable"
    );
}

#[tokio::test]
async fn a_ticket_is_read_and_one_that_is_gone_is_none() {
    let far_side = FarSide::new(|request| {
        if request.path.contains(OTHER_ID) {
            not_found()
        } else {
            ok(&format!(r#"{{"d":{}}}"#, row(ID, "1034309", "")))
        }
    });
    let client = far_side.client(&tenant());
    let read = client.ticket(Pace::Live, &id()).await;
    assert_eq!(read, Ok(Some(ticket(ID, "1034309"))));
    let gone = client.ticket(Pace::Live, &ObjectId::new(OTHER_ID)).await;
    assert_eq!(gone, Ok(None));
}

#[tokio::test]
async fn a_ticket_is_changed_by_its_fields_alone() {
    let far_side = answering(|_| answer(204, &[], ""));
    let client = far_side.client(&tenant());
    let status = "ServiceRequestUserLifeCycleStatusCode";
    let fields = BTreeMap::from([(status.to_owned(), "1".to_owned())]);
    client
        .patch_ticket(Pace::Live, &id(), &fields)
        .await
        .unwrap();
    let patch = far_side.seen().pop().unwrap();
    assert_eq!(patch.word(), "patch");
    assert_eq!(within(&patch), format!("ServiceRequestCollection('{ID}')"));
    assert_eq!(json(&patch), json!({ status: "1" }));
}

#[tokio::test]
async fn changed_tickets_come_page_by_page() {
    let far_side = FarSide::new(|request| {
        if request.path.contains("skiptoken") {
            rows(&[row(OTHER_ID, "2", ""), r#"{"ID":"no key"}"#.to_owned()])
        } else {
            one_of_two(&row(ID, "1", ""))
        }
    });
    let client = far_side.client(&tenant());
    let since = "2026-11-23T08:00:00Z".parse().unwrap();
    let first = client
        .tickets_changed_since(Pace::Bulk, since, None)
        .await
        .unwrap();
    let next = first.next.as_deref();
    let last = client
        .tickets_changed_since(Pace::Bulk, since, next)
        .await
        .unwrap();
    assert_eq!(first.rows, [ticket(ID, "1")]);
    assert_eq!((last.rows, last.next), (vec![ticket(OTHER_ID, "2")], None));
}

#[tokio::test]
async fn a_note_is_written_on_its_ticket_and_gives_its_key() {
    let body = include_str!(
        "../../../tests/fixtures/c4c/sap-devguide/servicerequestdescription_created_1.json"
    );
    let far_side = answering(move |_| answer(201, &[], body));
    let client = far_side.client(&tenant());
    let note = client
        .add_note(Pace::Live, &id(), &new_note())
        .await
        .unwrap();
    assert_eq!(note.as_str(), "00163E1379D01EE785B1D128A8C10224");
    let post = far_side.seen().pop().unwrap();
    assert_eq!(
        within(&post),
        format!("ServiceRequestCollection('{ID}')/ServiceRequestTextCollection")
    );
    assert_eq!(
        json(&post),
        json!({ "TypeCode": "10008", "Text": TEXT, "LanguageCode": "ZH" })
    );
}

#[tokio::test]
async fn the_key_of_a_note_may_stand_in_its_location_but_a_tickets_is_none() {
    let write = async |key: &str| {
        let location = format!("/x/ServiceRequestCollection('{ID}')/Notes('{key}')");
        let far_side = answering(move |_| answer(201, &[("location", &location)], ""));
        let client = far_side.client(&tenant());
        client.add_note(Pace::Live, &id(), &new_note()).await
    };
    assert_eq!(write(OTHER_ID).await, Ok(ObjectId::new(OTHER_ID)));
    assert_uncertain(&write(ID).await.unwrap_err());
}

#[tokio::test]
async fn a_note_whose_answer_is_lost_is_uncertain_and_one_on_no_ticket_is_not() {
    for outcome in [
        Err(TransportError::Lost("timed out".into())),
        answer(201, &[], ""),
        answer(500, &[], TEXT),
    ] {
        let far_side = answering(move |_| outcome.clone());
        let client = far_side.client(&tenant());
        let error = client.add_note(Pace::Live, &id(), &new_note()).await;
        assert_uncertain(&error.unwrap_err());
    }
    let far_side = answering(|_| not_found());
    let client = far_side.client(&tenant());
    let error = client.add_note(Pace::Live, &id(), &new_note()).await;
    assert_eq!(error.unwrap_err().failure().verdict, Verdict::Permanent);
}

#[tokio::test]
async fn the_notes_of_a_ticket_come_from_all_pages_and_in_the_order_of_time() {
    let note = |id: &str, created: i64, name: &str| {
        json!({
            "ObjectID": id, "TypeCode": "10007", "Text": TEXT, "AuthorName": name,
            "CreatedBy": "Eddie Smoke", "CreatedOn": format!("/Date({created})/"),
        })
        .to_string()
    };
    let far_side = FarSide::new(move |request| {
        if request.path.contains("skiptoken") {
            rows(&[note(ID, 1_490_908_760_000, "")])
        } else {
            one_of_two(&note(OTHER_ID, 1_490_908_761_000, "Agent"))
        }
    });
    let client = far_side.client(&tenant());
    let notes = client.notes(Pace::Live, &id()).await.unwrap();
    let expected = |id: &str, at: &str, author: &str| Note {
        object_id: ObjectId::new(id),
        type_code: note::REPLY_TO_CUSTOMER.into(),
        text: TEXT.into(),
        created_at: at.parse().ok(),
        author: author.into(),
    };
    assert_eq!(
        notes,
        [
            expected(ID, "2017-03-30T21:19:20Z", "Eddie Smoke"),
            expected(OTHER_ID, "2017-03-30T21:19:21Z", "Agent"),
        ]
    );
    assert_eq!(format!("{:?}", notes[0]), format!("Note({ID}, 10007)"));
}

#[tokio::test]
async fn a_ticket_without_notes_has_none_and_no_ticket_is_an_error() {
    let far_side = FarSide::new(|request| {
        if request.path.contains(OTHER_ID) {
            not_found()
        } else {
            rows(&[])
        }
    });
    let client = far_side.client(&tenant());
    assert_eq!(client.notes(Pace::Live, &id()).await, Ok(Vec::new()));
    let gone = client.notes(Pace::Live, &ObjectId::new(OTHER_ID)).await;
    assert!(matches!(gone.unwrap_err().kind, Kind::NotFound { .. }));
}
