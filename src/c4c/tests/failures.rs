//! From what comes back to what it means.

use std::time::Duration;

use super::*;
use crate::c4c::{Kind, Pace};
use crate::domain::verdict::{Failure, Verdict};

/// The failures of a read and of a write that both get `outcome`.
async fn read_and_write(outcome: Outcome) -> (Failure, Failure) {
    let far_side = FarSide::new(move |request| {
        if request.is_fetch() {
            ok("")
        } else {
            outcome.clone()
        }
    });
    let client = far_side.client(&tenant());
    let read = client.probe(Pace::Live).await.unwrap_err();
    let write = client.create(Pace::Live, &fields()).await.unwrap_err();
    assert_discreet(&read);
    assert_discreet(&write);
    (read.failure(), write.failure())
}

fn xml(message: &str) -> String {
    format!("<error><code/><message>{message}</message></error>")
}

const PAGE: &str = "<!DOCTYPE html><html><title>Down for maintenance</title><p>secret</p></html>";

#[tokio::test]
async fn every_status_has_its_verdict() {
    use Verdict::{Auth, Permanent, Throttled, Transient, Uncertain};
    let not_found = xml("Property 'ABC' not found");
    let locked = xml("Record locked by user X");
    let user_locked = xml("The user is locked");
    let plain = String::new();
    let page = PAGE.to_owned();
    for (status, body, read, write, pause) in [
        (200, &page, Transient, Transient, None),
        (302, &plain, Auth, Auth, Some("redirected")),
        (400, &not_found, Permanent, Permanent, None),
        (400, &locked, Transient, Transient, None),
        (400, &page, Transient, Transient, None),
        (401, &user_locked, Auth, Auth, Some("unauthorized")),
        (403, &plain, Auth, Auth, Some("forbidden")),
        (403, &user_locked, Auth, Auth, Some("forbidden")),
        (403, &locked, Transient, Transient, None),
        (404, &not_found, Permanent, Permanent, None),
        (404, &page, Transient, Transient, None),
        (409, &plain, Transient, Transient, None),
        (412, &plain, Transient, Transient, None),
        (428, &plain, Permanent, Permanent, None),
        (429, &plain, Throttled, Throttled, None),
        (500, &not_found, Transient, Uncertain, None),
        (500, &locked, Transient, Transient, None),
        (502, &page, Transient, Uncertain, None),
        (503, &page, Transient, Transient, Some("unavailable")),
        (504, &plain, Transient, Uncertain, None),
    ] {
        let failures = read_and_write(answer(status, &[], body)).await;
        let verdicts = (failures.0.verdict, failures.1.verdict);
        assert_eq!(verdicts, (read, write), "{status} {body}");
        for failure in [&failures.0, &failures.1] {
            assert_eq!(failure.pause.as_ref().map(|p| p.reason), pause, "{status}");
            assert!(!failure.message.contains("secret"), "{}", failure.message);
        }
    }
}

#[tokio::test]
async fn a_lost_answer_is_uncertain_for_writes_only() {
    let (read, write) = read_and_write(Err(TransportError::Lost("reset".into()))).await;
    assert_eq!(read.verdict, Verdict::Transient);
    assert_eq!(write.verdict, Verdict::Uncertain);
    let (read, write) = read_and_write(Err(TransportError::TooLarge)).await;
    assert_eq!(read.verdict, Verdict::Permanent);
    assert_eq!(write.verdict, Verdict::Uncertain);
}

#[tokio::test]
async fn an_unreachable_tenant_is_paused_and_nothing_is_uncertain() {
    let failures = read_and_write(Err(TransportError::NotSent("refused".into()))).await;
    for failure in [failures.0, failures.1] {
        assert_eq!(failure.verdict, Verdict::Transient);
        let pause = failure.pause.unwrap();
        assert_eq!(pause.reason, "unreachable");
        assert_eq!(pause.probe_after, Duration::from_mins(1));
    }
}

#[tokio::test]
async fn credentials_are_probed_rarely_so_that_no_user_gets_locked() {
    let (failure, _) = read_and_write(answer(401, &[], "")).await;
    assert_eq!(failure.pause.unwrap().probe_after, Duration::from_mins(15));
}

#[tokio::test]
async fn retry_after_is_honoured_but_a_busy_tenant_is_never_probed_within_a_minute() {
    for (asked, waited) in [("300", 300), ("5", 60)] {
        let headers = [("retry-after", asked)];
        let (failure, _) = read_and_write(answer(503, &headers, PAGE)).await;
        assert_eq!(
            failure.pause.unwrap().probe_after,
            Duration::from_secs(waited)
        );
        let (failure, _) = read_and_write(answer(429, &headers, "")).await;
        let asked = Duration::from_secs(asked.parse().unwrap());
        assert_eq!(failure.retry_after, Some(asked));
    }
    let (failure, _) = read_and_write(answer(429, &[], "")).await;
    assert_eq!(failure.retry_after, None);
}

#[tokio::test]
async fn a_message_tells_cause_and_remedy_and_masks_the_openid() {
    let body = xml(&format!(
        "Value '{OPENID}' of property LastName is too long"
    ));
    let (_, failure) = read_and_write(answer(400, &[], &body)).await;
    assert_eq!(
        failure.message,
        "C4C `main`: refused (400): Value 'oLVP…Lc' of property LastName is too long; \
         correct what is sent"
    );
    let far_side = FarSide::new(move |_| answer(500, &[], &body));
    let client = far_side.client(&tenant());
    let error = client
        .find_by_openid(Pace::Live, &openid())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("oLVP…Lc"));
    assert_discreet(&error);
}

#[tokio::test]
async fn a_create_whose_answer_cannot_be_read_is_uncertain() {
    let location = format!("IndividualCustomerCollection('{ID}')");
    let located: &[(&str, &str)] = &[("location", &location)];
    for (headers, body) in [(&[][..], ""), (&[], "{"), (&[], PAGE), (located, "")] {
        let made = answer(201, headers, body);
        let far_side = FarSide::new(move |request| match request.word() {
            "post" => made.clone(),
            _ => answer(404, &[], ""),
        });
        let client = far_side.client(&tenant());
        let error = client.create(Pace::Live, &fields()).await.unwrap_err();
        assert!(matches!(error.kind, Kind::CreatedUnread { .. }), "{error}");
        assert_eq!(error.failure().verdict, Verdict::Uncertain);
        assert_discreet(&error);
    }
}

#[tokio::test]
async fn an_answer_that_is_no_odata_is_tried_again() {
    let (failure, _) = read_and_write(ok("{\"x\":1}")).await;
    assert_eq!(failure.verdict, Verdict::Transient);
}

#[tokio::test]
async fn a_page_instead_of_a_missing_customer_is_not_taken_for_its_absence() {
    let far_side = FarSide::new(|_| answer(404, &[], PAGE));
    let client = far_side.client(&tenant());
    let error = client.customer(Pace::Live, &id()).await.unwrap_err();
    assert!(matches!(error.kind, Kind::HtmlPage { status: 404, .. }));
}
