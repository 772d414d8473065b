//! One trace from a push to what C4C is asked because of it: on the calls and on the rows.

use qiao_sim::fault::{Fault, Kind};
use qiao_sim::wechat::Settings;
use qiao_sim::wechat::crypto::signature;
use serde_json::json;

use crate::commands::qiao;
use crate::process::Site;
use crate::raw::{client, envelope, seal, signed};
use crate::world::{KEY, World, open};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The traces of all that stands in the database, each once.
const TRACES: &str = "SELECT DISTINCT coalesce(trace, 'none') FROM (
    SELECT trace FROM inbox UNION ALL SELECT trace FROM outbox)";

/// Somebody follows, by a push that carries this `traceparent`; what follows from it is over.
async fn followed(world: &World, traceparent: Option<&str>) -> String {
    let openid = world.somebody();
    let settings = Settings::default();
    let xml = format!(
        "<xml><ToUserName><![CDATA[{}]]></ToUserName><FromUserName><![CDATA[{openid}]]>\
         </FromUserName><CreateTime>1795420800</CreateTime><MsgType><![CDATA[event]]></MsgType>\
         <Event><![CDATA[subscribe]]></Event><EventKey></EventKey></xml>",
        settings.original_id
    );
    let sealed = seal(KEY, &settings.app_id, &xml);
    let query = signed(&settings.token, Some(&sealed));
    let mut push = client()
        .post(format!("{}/wechat/main?{query}", world.url()))
        .body(envelope(&sealed));
    if let Some(traceparent) = traceparent {
        push = push.header("traceparent", traceparent);
    }
    assert_eq!(push.send().await.unwrap().status(), 200);
    world.settled().await;
    openid
}

/// The trace of the call that made the customer, and all spans that C4C has seen.
fn at_c4c(world: &World) -> (String, Vec<String>) {
    world.c4c.look(|c4c| {
        let mut spans = Vec::new();
        let mut made = None;
        for call in c4c.calls().recent() {
            let header = call.traceparent.as_deref().expect("each call has one");
            let parts: Vec<&str> = header.split('-').collect();
            let [version, trace, span, flags] = parts[..] else {
                panic!("{header}")
            };
            assert_eq!((version, flags), ("00", "01"));
            spans.push(span.to_owned());
            if call.method == "POST" && call.path.ends_with("IndividualCustomerCollection") {
                made = Some(trace.to_owned());
            }
        }
        (made.expect("a customer was made"), spans)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_of_a_push_is_on_every_row_and_on_the_call_that_makes_the_customer() {
    let world = World::new().await;
    let openid = followed(&world, Some(VALID)).await;
    let (made, mut spans) = at_c4c(&world);
    assert_eq!(made, TRACE);
    let calls = spans.len();
    spans.sort();
    spans.dedup();
    assert_eq!(spans.len(), calls, "each call is a span of its own");
    assert!(!spans.contains(&"00f067aa0ba902b7".to_owned()));
    let of_the_push = "SELECT DISTINCT trace FROM outbox WHERE effect IN
        ('follower.acted', 'customer.ensure', 'wechat.send')";
    assert_eq!(world.texts(of_the_push).await, [TRACE]);
    let arrived = "SELECT trace FROM inbox WHERE source = 'wechat'";
    assert_eq!(world.text(arrived).await, TRACE);

    let id = world
        .count("SELECT id FROM outbox WHERE effect = 'customer.ensure'")
        .await
        .to_string();
    qiao(&world, &["outbox", "show", &id]).await.says(TRACE);
    let listed = qiao(&world, &["outbox", "show", &id, "--json"]).await;
    assert_eq!(listed.json()["trace"], json!(TRACE));
    let talk = qiao(&world, &["conversation", "show", &openid, "--json"]).await;
    for message in talk.json()["messages"].as_array().unwrap() {
        assert_eq!(message["trace"], json!(TRACE), "{message}");
    }
    let shown = "SELECT trace FROM v_outbox WHERE effect = 'wechat.send'";
    assert_eq!(world.text(shown).await, TRACE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_without_a_trace_or_with_an_invalid_one_gets_one() {
    for traceparent in [None, Some("00-xyz"), Some(&VALID[..54])] {
        let world = World::new().await;
        followed(&world, traceparent).await;
        let (made, _) = at_c4c(&world);
        assert_ne!(made, TRACE);
        let arrived = "SELECT trace FROM inbox WHERE source = 'wechat'";
        assert_eq!(world.text(arrived).await, made);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_or_an_operator_begins_has_a_trace_of_its_own() {
    let world = World::new().await;
    let openid = world.talking_customer().await;
    let before = world.texts(TRACES).await;
    assert!(!before.contains(&"none".to_owned()), "{before:?}");
    world.run_job("reconcile").await;
    world.send(&openid, "first").await;
    world.send(&openid, "second").await;
    world.settled().await;
    let after = world.texts(TRACES).await;
    assert!(after.len() >= before.len() + 2, "{before:?} {after:?}");
    assert!(!after.contains(&"none".to_owned()), "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_the_trace_of_an_attempt_that_failed_and_of_a_push_that_was_refused() {
    let site = Site::new().await;
    let mut daemon = site.serve().await;
    site.c4c.with(|c4c, _, _| {
        c4c.faults().add(Fault {
            on: "POST".to_owned(),
            kind: Kind::Drop { after_effect: true },
            times: 1,
        });
    });
    let push = client().post(format!("{}/wechat/main", site.url()));
    let refused = push
        .header("traceparent", VALID)
        .body("<xml/>")
        .send()
        .await;
    assert_ne!(refused.unwrap().status(), 200);
    let line = daemon.until_logged("refused").await;
    assert!(line.contains(TRACE), "{line}");
    site.wechat.with(|wechat, now, rng| {
        let openid = wechat.new_follower(rng);
        wechat.follow(&openid, None, now, rng)
    });
    let line = daemon.until_logged("an attempt failed").await;
    let mut database = open(&site.database()).await;
    let arrived = sqlx::query_scalar("SELECT trace FROM inbox WHERE source = 'wechat'");
    let arrived: String = arrived.fetch_one(&mut database).await.unwrap();
    assert!(line.contains(&format!("\"trace\":\"{arrived}\"")), "{line}");
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_refused_leaves_no_trace() {
    let world = World::new().await;
    let wrong = signature(&["wrong", "1", "2"]);
    let url = format!(
        "{}/wechat/main?signature={wrong}&timestamp=1&nonce=2",
        world.url()
    );
    let push = client()
        .post(url)
        .header("traceparent", VALID)
        .body("<xml/>");
    assert_ne!(push.send().await.unwrap().status(), 200);
    assert!(world.texts(TRACES).await.is_empty());
}
