//! Reading what changed, page by page.

use jiff::Timestamp;

use super::*;
use crate::c4c::{Kind, Pace};

fn since() -> Timestamp {
    "2026-11-23T08:00:00.5Z".parse().unwrap()
}

fn many(count: usize) -> Outcome {
    let row = |n: usize| customer_row(&format!("{n:032X}"), &n.to_string(), "Li");
    rows(&(1..=count).map(row).collect::<Vec<_>>())
}

#[tokio::test]
async fn a_sweep_follows_next_links() {
    let far_side = FarSide::new(|request| {
        if request.path.contains("skiptoken=1001") {
            many(1)
        } else {
            ok(&format!(
                r#"{{"d":{{"results":[{}],"__next":"{HOST}/x?$skiptoken=1001"}}}}"#,
                customer_row(ID, "1", "Li")
            ))
        }
    });
    let client = far_side.client(&tenant());
    let first = client
        .changed_since(Pace::Bulk, since(), None)
        .await
        .unwrap();
    let next = first.next.as_deref();
    let last = client
        .changed_since(Pace::Bulk, since(), next)
        .await
        .unwrap();
    assert_eq!((first.customers.len(), last.customers.len()), (1, 1));
    assert_eq!(last.next, None);
    let seen = far_side.seen();
    assert_eq!(
        seen[0].path,
        "/sap/c4c/odata/v1/c4codataapi/IndividualCustomerCollection?$format=json\
         &$filter=EntityLastChangedOn ge datetimeoffset'2026-11-23T08:00:00Z'\
         &$orderby=EntityLastChangedOn"
    );
    assert_eq!(seen[1].path, "/x?$skiptoken=1001&$format=json");
}

#[tokio::test]
async fn a_full_page_without_a_next_link_is_skipped_over() {
    let far_side = FarSide::new(|request| {
        if request.path.contains("&$skip=1000") {
            many(3)
        } else {
            many(1000)
        }
    });
    let client = far_side.client(&tenant());
    let first = client
        .changed_since(Pace::Bulk, since(), None)
        .await
        .unwrap();
    let next = first.next.as_deref();
    let last = client
        .changed_since(Pace::Bulk, since(), next)
        .await
        .unwrap();
    assert_eq!((first.customers.len(), last.customers.len()), (1000, 3));
    assert_eq!(last.next, None);
}

#[tokio::test]
async fn credentials_never_follow_a_link_to_another_host() {
    let far_side = FarSide::new(|_| {
        ok(r#"{"d":{"results":[],"__next":"https://evil.example/x?$skiptoken=1001"}}"#)
    });
    let client = far_side.client(&tenant());
    let page = client
        .changed_since(Pace::Bulk, since(), None)
        .await
        .unwrap();
    let followed = client
        .changed_since(Pace::Bulk, since(), page.next.as_deref())
        .await;
    assert_eq!(followed.unwrap_err().kind, Kind::ForeignLink);
    let found = client.find_by_openid(Pace::Live, &openid()).await;
    assert_eq!(found.unwrap_err().kind, Kind::ForeignLink);
    assert_eq!(far_side.seen().len(), 2);
}

#[tokio::test]
async fn a_page_that_nobody_gave_out_is_refused() {
    let far_side = FarSide::new(|_| many(0));
    let client = far_side.client(&tenant());
    let page = client.changed_since(Pace::Bulk, since(), Some("7")).await;
    assert_eq!(page.unwrap_err().kind, Kind::BadCursor);
    assert!(far_side.seen().is_empty());
}

#[tokio::test]
async fn one_odd_row_does_not_stop_a_sweep() {
    let odd = r#"{"ObjectID":"X"}"#.to_owned();
    let far_side = FarSide::new(move |_| rows(&[odd.clone(), customer_row(ID, "1", "Li")]));
    let client = far_side.client(&tenant());
    let page = client
        .changed_since(Pace::Bulk, since(), None)
        .await
        .unwrap();
    assert_eq!(numbers(&page.customers), ["1"]);
}
