//! Files on messages and tickets.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::c4c::attachment::{MAX_FILE, NewFile};
use crate::c4c::{Attachment, Kind, Owner, Pace};

fn file(bytes: &[u8]) -> NewFile<'_> {
    NewFile {
        name: "图片.jpg",
        mime: "image/jpeg",
        bytes,
    }
}

fn attachment(mime: &str, size: u64) -> Attachment {
    Attachment {
        object_id: ObjectId::new(OTHER_ID),
        name: "three.txt".into(),
        mime: mime.into(),
        size: Some(size),
        link: None,
    }
}

fn bytes(status: u16, bytes: &[u8]) -> Outcome {
    answer(status, &[], "").map(|answer| Response {
        body: bytes.to_vec(),
        ..answer
    })
}

#[tokio::test]
async fn a_file_goes_up_whole_and_is_not_sent_back() {
    let far_side = answering(|_| answer(201, &[], ""));
    let client = far_side.client(&tenant());
    for owner in [Owner::Activity(id()), Owner::Ticket(id())] {
        client
            .attach(Pace::Live, &owner, &file(b"\xff\xd8\x00"))
            .await
            .unwrap();
    }
    let seen = far_side.seen();
    assert_eq!(
        within(&seen[1]),
        format!("SocialMediaActivityCollection('{ID}')/SocialMediaActivityAttachmentFolder")
    );
    assert_eq!(
        within(&seen[2]),
        format!("ServiceRequestCollection('{ID}')/ServiceRequestAttachmentFolder")
    );
    assert_eq!(seen[1].header("odata-no-response-payload"), Some("true"));
    assert_eq!(
        json(&seen[1]),
        json!({
            "Name": "图片.jpg", "MimeType": "image/jpeg", "Binary": "/9gA",
            "TypeCode": "10001", "CategoryCode": "2",
        })
    );
}

#[tokio::test]
async fn other_writes_ask_for_their_answer() {
    let far_side = answering(|_| created());
    let client = far_side.client(&tenant());
    client.create(Pace::Live, &fields()).await.unwrap();
    let post = far_side.seen().pop().unwrap();
    assert_eq!(post.header("odata-no-response-payload"), None);
}

#[tokio::test]
async fn a_lost_upload_is_uncertain_and_a_refused_one_names_no_file() {
    for (outcome, verdict) in [
        (
            Err(TransportError::Lost("timed out".into())),
            Verdict::Uncertain,
        ),
        (Err(TransportError::TooLarge), Verdict::Uncertain),
        (refused("图片.jpg is too large"), Verdict::Permanent),
    ] {
        let far_side = answering(move |_| outcome.clone());
        let client = far_side.client(&tenant());
        let error = client
            .attach(Pace::Live, &Owner::Ticket(id()), &file(b"x"))
            .await
            .unwrap_err();
        assert_eq!(error.failure().verdict, verdict);
        assert!(!error.to_string().contains("图片"), "{error}");
    }
}

#[tokio::test]
async fn a_file_over_the_limit_is_moved_neither_way() {
    let far_side = FarSide::new(|_| ok(""));
    let client = far_side.client(&tenant());
    let owner = Owner::Ticket(id());
    let long = vec![0; MAX_FILE + 1];
    let up = client.attach(Pace::Live, &owner, &file(&long)).await;
    assert_eq!(up.unwrap_err().kind, Kind::FileTooLarge);
    let long = attachment("image/jpeg", MAX_FILE as u64 + 1);
    let down = client.attachment_bytes(Pace::Live, &owner, &long).await;
    assert_eq!(down.unwrap_err().kind, Kind::FileTooLarge);
    assert!(far_side.seen().is_empty());

    // What C4C says of the size need not be true.
    for outcome in [
        Err(TransportError::TooLarge),
        bytes(200, &vec![0; MAX_FILE + 1]),
    ] {
        let far_side = FarSide::new(move |_| outcome.clone());
        let client = far_side.client(&tenant());
        let short = attachment("image/jpeg", 37);
        let down = client.attachment_bytes(Pace::Live, &owner, &short).await;
        let error = down.unwrap_err();
        assert_eq!(error.kind, Kind::FileTooLarge);
        assert_eq!(error.failure().verdict, Verdict::Permanent);
    }
}

#[tokio::test]
async fn files_and_links_are_listed_without_their_bytes() {
    let real =
        include_str!("../../../tests/fixtures/c4c/sap-devguide/attachmentfolder_created_text.json");
    let far_side = FarSide::new(move |request| {
        if request.path.contains("ServiceRequest") {
            ok(real)
        } else {
            rows(&[json!({
                "ObjectID": OTHER_ID, "Name": "Manual", "CategoryCode": "3", "SizeInkB": "0.0",
                "LinkWebURI": "https://example.com/manual",
            })
            .to_string()])
        }
    });
    let client = far_side.client(&tenant());
    let files = client
        .attachments(Pace::Live, &Owner::Ticket(id()))
        .await
        .unwrap();
    let text = Attachment {
        object_id: ObjectId::new("00163E1379D01EE785B1D128A8C2C224"),
        ..attachment("text/plain", 37)
    };
    assert_eq!(files, [text]);
    let links = client
        .attachments(Pace::Live, &Owner::Activity(id()))
        .await
        .unwrap();
    assert_eq!(links[0].link.as_deref(), Some("https://example.com/manual"));
    assert_eq!(
        within(&far_side.seen()[0]),
        format!(
            "ServiceRequestCollection('{ID}')/ServiceRequestAttachmentFolder?$format=json\
             &$select=ObjectID,Name,MimeType,SizeInkB,CategoryCode,LinkWebURI"
        )
    );
}

#[tokio::test]
async fn the_bytes_of_a_file_come_as_they_are() {
    let far_side = FarSide::new(|_| bytes(200, b"\xff\xd8\x00{"));
    let client = far_side.client(&tenant());
    let owner = Owner::Activity(id());
    let image = attachment("image/jpeg", 4);
    let read = client.attachment_bytes(Pace::Live, &owner, &image).await;
    assert_eq!(read, Ok(Some(b"\xff\xd8\x00{".to_vec())));
    let get = far_side.seen().pop().unwrap();
    assert_eq!(
        within(&get),
        format!("SocialMediaActivityAttachmentFolderCollection('{OTHER_ID}')/Binary/$value")
    );
    assert_eq!(get.header("accept"), Some("*/*"));
}

#[tokio::test]
async fn a_file_that_is_gone_is_none_and_a_log_in_page_is_no_file() {
    let owner = Owner::Ticket(id());
    let gone = FarSide::new(|_| not_found());
    let read = gone
        .client(&tenant())
        .attachment_bytes(Pace::Live, &owner, &attachment("image/jpeg", 4))
        .await;
    assert_eq!(read, Ok(None));

    let page = FarSide::new(|_| ok("<html><title>Logon</title></html>"));
    let client = page.client(&tenant());
    let image = client
        .attachment_bytes(Pace::Live, &owner, &attachment("image/jpeg", 4))
        .await;
    assert!(matches!(image.unwrap_err().kind, Kind::HtmlPage { .. }));
    let html = client
        .attachment_bytes(Pace::Live, &owner, &attachment("text/HTML", 4))
        .await;
    assert!(html.unwrap().unwrap().starts_with(b"<html>"));
}

/// Records how long each call may take.
#[derive(Debug, Default)]
struct Patience(Mutex<Vec<Duration>>);

impl Transport for Patience {
    fn send(&self, request: Request) -> BoxFuture<'_, Outcome> {
        self.0.lock().unwrap().push(request.timeout);
        Box::pin(async { rows(&[]) })
    }
}

#[tokio::test]
async fn files_get_more_time_than_anything_else() {
    let patience = Arc::new(Patience::default());
    let config = Tenant {
        csrf: Csrf::Off,
        ..tenant()
    };
    let client = Client::new(patience.clone(), &config, TenantId::new("main"));
    let owner = Owner::Ticket(id());
    client
        .attach(Pace::Live, &owner, &file(b"x"))
        .await
        .unwrap();
    client
        .attachment_bytes(Pace::Live, &owner, &attachment("image/jpeg", 4))
        .await
        .unwrap();
    client.attachments(Pace::Live, &owner).await.unwrap();
    let seconds: Vec<u64> = patience
        .0
        .lock()
        .unwrap()
        .iter()
        .map(Duration::as_secs)
        .collect();
    assert_eq!(seconds, [90, 90, 30]);
}
