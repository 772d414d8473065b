//! A follower changes the number of their mobile phone: through the outbox to C4C, and back.

use std::time::Duration;

use qiao_sim::fault::{Kind, UNTIL_CLEARED};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Browser, inside};
use crate::world::{Plan, World};

const NUMBER: &str = "+86 138 0000 0000";
const OTHER: &str = "+86 139 1111 1111";
const PATH: &str = "/app/api/me/mobile";
const NOTICES: &str = "SELECT count(*) FROM message WHERE purpose = 'customer_changed'";

async fn looking() -> (World, String, Browser) {
    let world = inside("snsapi_base", Plan::default()).await;
    let anna = world.customer().await;
    let mut phone = Browser::phone(&world, &anna).await;
    phone.open("/app/account/").await;
    (world, anna, phone)
}

fn in_c4c(world: &World, openid: &str) -> String {
    world
        .c4c
        .look(|c4c| c4c.find_by_wechat_id(openid)[0].text("Mobile").to_owned())
}

fn down() -> Kind {
    Kind::Status {
        status: 503,
        html: false,
        retry_after: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_number_stands_in_c4c_and_on_the_page_and_nobody_is_told_of_it() {
    let (world, anna, mut phone) = looking().await;
    let asked = phone.send(PATH, &json!({ "mobile": NUMBER })).await;
    assert_eq!(asked.status, 202);
    let id = asked.json()["id"].as_str().unwrap().to_owned();
    world.settled().await;
    world.advance(Duration::from_secs(10));
    world.settled().await;
    assert_eq!(in_c4c(&world, &anna), NUMBER);
    let me = phone.get("/app/api/me").await.json();
    assert_eq!(me["customer"]["fields"]["Mobile"], NUMBER);
    assert_eq!(me["pending"], json!([]));
    assert_eq!(
        world.count(NOTICES).await,
        0,
        "C4C's own notification says nothing new"
    );
    let traced =
        "SELECT count(*) FROM outbox WHERE effect = 'customer.change' AND trace IS NOT NULL";
    assert_eq!(world.count(traced).await, 1, "it is followed as any other");
    let done = world
        .store()
        .outbox_row(id.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (done.0.effect.as_str(), done.0.state.as_str()),
        ("customer.change", "done")
    );
    // An agent's change is still told.
    world.change(&anna, &[("Mobile", OTHER)]);
    world.until_seen(&anna, "Mobile").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_c4c_is_down_a_change_waits_and_a_later_one_takes_its_place() {
    let (world, anna, mut phone) = looking().await;
    world.c4c_fails_for("", down(), UNTIL_CLEARED);
    let first = phone.send(PATH, &json!({ "mobile": NUMBER })).await.json();
    world.settled().await;
    let me = phone.get("/app/api/me").await.json();
    let waiting = json!([{"id": first["id"], "what": "mobile", "state": "waiting",
        "since": me["pending"][0]["since"]}]);
    assert_eq!(me["pending"], waiting);
    let second = phone.send(PATH, &json!({ "mobile": OTHER })).await.json();
    let me = phone.get("/app/api/me").await.json();
    let ids: Vec<&Value> = me["pending"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["id"])
        .collect();
    assert_eq!(ids, [&second["id"]]);
    world.c4c_heals();
    world.advance(Duration::from_hours(1));
    world.settled().await;
    world.advance(Duration::from_hours(1));
    world.settled().await;
    assert_eq!(in_c4c(&world, &anna), OTHER);
    let patches = world
        .texts("SELECT state FROM outbox WHERE effect = 'customer.change' ORDER BY id")
        .await;
    assert_eq!(patches, ["cancelled", "done"]);
    assert_eq!(phone.get("/app/api/me").await.json()["pending"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_c4c_refuses_is_seen_on_the_page_and_by_operators() {
    let (world, _, mut phone) = looking().await;
    let refused = Kind::Status {
        status: 400,
        html: false,
        retry_after: None,
    };
    world.c4c_fails_for("PATCH", refused, UNTIL_CLEARED);
    phone.send(PATH, &json!({ "mobile": NUMBER })).await;
    world.settled().await;
    let me = phone.get("/app/api/me").await.json();
    assert_eq!(me["pending"][0]["state"], "failed", "{me}");
    assert_eq!(
        world.text("SELECT effect FROM v_dead_letter").await,
        "customer.change"
    );
    world.c4c_heals();
    phone.send(PATH, &json!({ "mobile": OTHER })).await;
    world.settled().await;
    assert_eq!(phone.get("/app/api/me").await.json()["pending"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_answer_it_looks_before_it_writes_again() {
    let (world, anna, mut phone) = looking().await;
    world.c4c_fails("PATCH", Kind::Drop { after_effect: true });
    phone.send(PATH, &json!({ "mobile": NUMBER })).await;
    world.settled().await;
    let before = world.c4c_calls("PATCH", "IndividualCustomerCollection");
    world.advance(Duration::from_hours(1));
    world.settled().await;
    let after = world.c4c_calls("PATCH", "IndividualCustomerCollection");
    assert_eq!(after, before, "it stood there already");
    assert_eq!(in_c4c(&world, &anna), NUMBER);
    let me = phone.get("/app/api/me").await.json();
    assert_eq!(me["customer"]["fields"]["Mobile"], NUMBER);
    assert_eq!(world.count(NOTICES).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_number_or_no_wish_of_our_own_page_changes_nothing() {
    let (world, _, mut phone) = looking().await;
    let origin = world.url();
    let body = json!({ "mobile": NUMBER }).to_string();
    let kind = ("content-type", "application/json");
    for (headers, status) in [
        (vec![kind, ("origin", "https://evil.example")], 403),
        (vec![kind, ("origin", "null")], 403),
        (vec![kind], 403),
        (vec![kind, ("sec-fetch-site", "cross-site")], 403),
        (vec![("origin", &*origin)], 400),
        (
            vec![("content-type", "text/plain"), ("origin", &*origin)],
            400,
        ),
    ] {
        let got = phone
            .request(Method::POST, PATH, &headers, body.clone())
            .await;
        assert_eq!(got.status, status, "{headers:?}");
    }
    for (wrong, told) in [
        (json!({ "mobile": "13800000000" }), "国家代码"),
        (json!({ "mobile": "+86 x" }), "数字"),
        (json!({ "mobile": 1 }), "application/json"),
        (json!([]), "application/json"),
    ] {
        let got = phone.clone().speaks("zh").send(PATH, &wrong).await;
        assert_eq!(got.status, 400, "{wrong}");
        assert!(
            got.json()["error"].as_str().unwrap().contains(told),
            "{got:?}"
        );
    }
    let long = json!({ "mobile": format!("+86{}", "1".repeat(5000)) });
    assert_eq!(phone.send(PATH, &long).await.status, 413);
    let mut nobody = Browser::new(&world);
    assert_eq!(
        nobody.send(PATH, &json!({ "mobile": NUMBER })).await.status,
        401
    );
    let changes = "SELECT count(*) FROM outbox WHERE effect = 'customer.change'";
    assert_eq!(world.count(changes).await, 0);
    let same_origin = [kind, ("sec-fetch-site", "same-origin")];
    let got = phone.request(Method::POST, PATH, &same_origin, body).await;
    assert_eq!(got.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_reads_what_is_theirs_and_changes_nothing() {
    let (world, anna, mut phone) = looking().await;
    world.unfollow(&anna);
    world.settled().await;
    let me = phone.get("/app/api/me").await.json();
    assert_eq!(me["customer"]["state"], "unfollowed");
    let got = phone.send(PATH, &json!({ "mobile": NUMBER })).await;
    assert_eq!(got.status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_is_known_to_no_browser() {
    let (world, anna, mut phone) = looking().await;
    let command = qiao::control::Command::PersonErase {
        account: qiao::domain::ids::AccountId::new("main"),
        openid: qiao::domain::ids::OpenId::new(&anna),
        obsolete_customer: false,
    };
    world.operate(command).await.unwrap();
    assert_eq!(phone.get("/app/api/me").await.status, 401);
    assert_eq!(world.count("SELECT count(*) FROM session").await, 0);
}
