//! Authentication, cookies, CSRF and call slots.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::c4c::{Kind, Pace};

const TOKEN: &str = "Xi6wOfG-O55Wt8ZkhYW0eA==";

/// A tenant with a business user: a write needs the present token and the session's cookie.
fn business_user() -> Arc<FarSide> {
    let session = AtomicUsize::new(0);
    FarSide::new(move |request| {
        if request.is_fetch() {
            let number = session.fetch_add(1, Ordering::SeqCst) + 1;
            let cookie = format!("SAP_SESSIONID_AAA_001={number}; path=/; secure; HttpOnly");
            let headers = [
                ("x-csrf-token", &*format!("{TOKEN}{number}")),
                ("set-cookie", "sap-usercontext=sap-client=001; path=/"),
                ("set-cookie", &cookie),
            ];
            return answer(200, &headers, r#"{"d":{"EntitySets":[]}}"#);
        }
        let number = session.load(Ordering::SeqCst);
        let cookie = request.header("cookie").unwrap_or_default();
        let fits = cookie.contains(&format!("SAP_SESSIONID_AAA_001={number}"))
            && cookie.contains("sap-usercontext=sap-client=001")
            && request.header("x-csrf-token") == Some(&format!("{TOKEN}{number}"));
        // The session ends behind the back of whoever wrote this.
        if request.body.contains("expire") {
            session.fetch_add(100, Ordering::SeqCst);
        }
        if fits {
            created()
        } else {
            answer(403, &[("x-csrf-token", "Required")], "")
        }
    })
}

#[tokio::test]
async fn a_business_user_fetches_one_token_for_many_writes() {
    let far_side = business_user();
    let client = far_side.client(&tenant());
    for _ in 0..3 {
        client.create(Pace::Live, &fields()).await.unwrap();
    }
    assert_eq!(far_side.words(), ["fetch", "post", "post", "post"]);
    let fetch = &far_side.seen()[0];
    assert_eq!(fetch.path, "/sap/c4c/odata/v1/c4codataapi/?$format=json");
    assert_eq!(
        fetch.header("authorization"),
        Some("Basic UUlBTzpzM2NyZXQtdzByZA==")
    );
}

#[tokio::test]
async fn an_expired_token_is_fetched_again_and_the_write_repeated_once() {
    let far_side = business_user();
    let client = far_side.client(&tenant());
    let expiring = BTreeMap::from([("LastName".to_owned(), "expire".to_owned())]);
    client.create(Pace::Live, &expiring).await.unwrap();
    client.create(Pace::Live, &fields()).await.unwrap();
    assert_eq!(far_side.words(), ["fetch", "post", "post", "fetch", "post"]);
}

#[tokio::test]
async fn parallel_writers_fetch_once_and_refresh_once() {
    let far_side = business_user();
    let client = far_side.client(&tenant());
    let none = fields();
    let write = || client.create(Pace::Live, &none);
    let (a, b, c) = tokio::join!(write(), write(), write());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let fetches = |far_side: &FarSide| far_side.seen().iter().filter(|s| s.is_fetch()).count();
    assert_eq!(fetches(&far_side), 1);

    let expiring = BTreeMap::from([("LastName".to_owned(), "expire".to_owned())]);
    client.create(Pace::Live, &expiring).await.unwrap();
    let (a, b, c) = tokio::join!(write(), write(), write());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(fetches(&far_side), 2);
}

/// A technical user: whatever the fetch gets, writes are taken without a token.
async fn technical_user(fetched: Outcome) {
    let far_side = FarSide::new(move |request| {
        if request.is_fetch() {
            fetched.clone()
        } else {
            assert_eq!(request.header("x-csrf-token"), None);
            created()
        }
    });
    let client = far_side.client(&tenant());
    for _ in 0..2 {
        client.create(Pace::Live, &fields()).await.unwrap();
    }
    assert_eq!(far_side.words(), ["fetch", "post", "post"]);
}

#[tokio::test]
async fn a_technical_user_writes_although_the_fetch_fails() {
    technical_user(answer(500, &[], "<html>dump</html>")).await;
    technical_user(answer(403, &[], "")).await;
    technical_user(ok(r#"{"d":{"EntitySets":[]}}"#)).await;
    technical_user(answer(200, &[("x-csrf-token", "Required")], "")).await;
    technical_user(Err(TransportError::Lost("hung up".into()))).await;
}

#[tokio::test]
async fn a_refused_token_that_cannot_be_renewed_ends_after_one_repeat() {
    let words = ["fetch", "post", "fetch", "post"];
    for (fetched, words) in [(TOKEN, &words[..]), ("", &words[..3])] {
        let far_side = FarSide::new(move |request| {
            if request.is_fetch() {
                answer(200, &[("x-csrf-token", fetched)], "")
            } else {
                answer(403, &[], "<html>403 CSRF token validation failed</html>")
            }
        });
        let client = far_side.client(&tenant());
        let error = client.create(Pace::Live, &fields()).await.unwrap_err();
        assert_eq!(error.kind, Kind::Csrf);
        assert_eq!(far_side.words(), words);
    }
}

#[tokio::test]
async fn no_token_is_fetched_for_reads_nor_when_csrf_is_off() {
    let far_side = FarSide::new(|request| {
        if request.is_write() {
            answer(403, &[("x-csrf-token", "Required")], "")
        } else {
            rows(&[])
        }
    });
    let config = Tenant {
        csrf: Csrf::Off,
        ..tenant()
    };
    let error = far_side
        .client(&config)
        .create(Pace::Live, &fields())
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Csrf);
    far_side.client(&tenant()).probe(Pace::Live).await.unwrap();
    assert_eq!(far_side.words(), ["post", "get"]);
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let far_side = FarSide::new(|_| answer(401, &[], "<html>Unauthorized</html>"));
    let client = far_side.client(&tenant());
    let error = client.create(Pace::Live, &fields()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unauthorized);
    assert_eq!(far_side.words(), ["fetch"]);
    assert_discreet(&error);
}

#[tokio::test]
async fn reads_ask_for_json_twice_and_writes_send_it() {
    let far_side = FarSide::new(|request| {
        if request.is_write() {
            created()
        } else {
            rows(&[])
        }
    });
    let client = far_side.client(&tenant());
    client.find_by_openid(Pace::Live, &openid()).await.unwrap();
    client.create(Pace::Live, &fields()).await.unwrap();
    let seen = far_side.seen();
    let (read, write) = (seen.first().unwrap(), seen.last().unwrap());
    assert_eq!(read.header("accept"), Some("application/json"));
    assert!(read.path.contains("?$format=json&"));
    assert_eq!(write.header("content-type"), Some("application/json"));
    assert_eq!(write.body, format!(r#"{{"LastName":"{OPENID}"}}"#));
}

#[tokio::test]
async fn no_more_calls_run_at_once_than_configured_and_bulk_leaves_one_free() {
    let running = Arc::new(AtomicUsize::new(0));
    for (pace, expected) in [(Pace::Live, 3), (Pace::Bulk, 2)] {
        let far_side = Arc::new(Counting {
            running: running.clone(),
            most: AtomicUsize::new(0),
        });
        let config = Tenant {
            max_calls: 3,
            ..tenant()
        };
        let client = Client::new(far_side.clone(), &config, TenantId::new("main"));
        let probe = || client.probe(pace);
        let all = tokio::join!(probe(), probe(), probe(), probe(), probe(), probe());
        assert!(all.0.is_ok() && all.5.is_ok());
        assert_eq!(far_side.most.load(Ordering::SeqCst), expected);
    }
}

/// Counts how many calls are on their way at once.
#[derive(Debug)]
struct Counting {
    running: Arc<AtomicUsize>,
    most: AtomicUsize,
}

impl Transport for Counting {
    fn send(&self, _: Request) -> BoxFuture<'_, Outcome> {
        Box::pin(async {
            let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            for _ in 0..5 {
                tokio::task::yield_now().await;
            }
            self.running.fetch_sub(1, Ordering::SeqCst);
            rows(&[])
        })
    }
}
