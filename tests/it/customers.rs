//! How a follower comes by exactly one customer, whatever C4C holds and however it answers.

use std::time::Duration;

use qiao_sim::c4c::{self, Dialect, IgnoreCase};
use qiao_sim::fault::Kind;

use crate::world::{Plan, World};

const CUSTOMERS: &str = "IndividualCustomerCollection";
const CREATE: &str = "POST /sap/c4c/odata/v1/c4codataapi/IndividualCustomerCollection";

/// Longer than the wait after an outage, and than the first retries.
const A_WHILE: Duration = Duration::from_secs(75);

fn plan(knobs: c4c::Settings, tenant: &str) -> Plan {
    Plan {
        c4c: knobs,
        tenant: tenant.to_owned(),
        ..Plan::default()
    }
}

/// An agent makes a customer with that WeChat ID; its ObjectID.
fn made_by_an_agent(world: &World, wechat_id: &str) -> String {
    let fields = [("LastName", "Wang"), ("WechatID", wechat_id)];
    world
        .c4c
        .with(|c4c, now, _| c4c.create_customer(&fields, now))
}

async fn linked_object(world: &World) -> String {
    world
        .text("SELECT max(object_id) FROM v_mapping WHERE state = 'linked'")
        .await
}

fn customers(world: &World) -> usize {
    world.c4c.look(|c4c| c4c.customers().count())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_a_customer_already_is_linked_and_not_created_again() {
    let world = World::new().await;
    let openid = world.somebody();
    let object = made_by_an_agent(&world, &openid);
    world.follow(&openid);
    world.until_seen(&openid, "1000441").await;
    world.settled().await;
    assert_eq!(world.c4c_calls("POST", CUSTOMERS), 0);
    assert_eq!(linked_object(&world).await, object);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_openid_that_differs_only_in_case_is_somebody_else() {
    let knobs = c4c::Settings {
        ignore_case: IgnoreCase::All,
        ..c4c::Settings::default()
    };
    let world = World::planned(plan(knobs, "")).await;
    let openid = world.somebody();
    let stranger = openid.to_ascii_uppercase();
    assert_ne!(openid, stranger);
    let theirs = made_by_an_agent(&world, &stranger);
    world.follow(&openid);
    world.until_seen(&openid, "1000442").await;
    world.settled().await;
    assert_eq!(customers(&world), 2);
    assert_ne!(world.object_of(&openid), theirs);
    assert_eq!(linked_object(&world).await, world.object_of(&openid));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_customers_with_one_wechat_id_wait_for_a_person() {
    let world = World::new().await;
    let openid = world.somebody();
    made_by_an_agent(&world, &openid);
    let second = made_by_an_agent(&world, &openid);
    world.follow(&openid);
    world.settled().await;
    world.say(&openid, "hello?");
    world.settled().await;
    assert_eq!(world.seen(&openid).len(), 1, "only the welcome");
    assert_eq!(world.c4c_calls("POST", CUSTOMERS), 0);
    let reason = "SELECT reason FROM v_mapping WHERE state = 'conflict'";
    assert!(world.text(reason).await.contains("1000441, 1000442"));
    let held = "SELECT id FROM v_outbox WHERE state = 'held' AND held_reason = 'conflict'";
    let held = world.count(held).await;

    world.c4c.with(|c4c, now, _| c4c.delete(&second, now));
    world.settled().await;
    assert!(world.store().retry(held).await.unwrap());
    world.until_seen(&openid, "1000441").await;
    world.settled().await;
    assert_eq!(linked_object(&world).await, world.object_of(&openid));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_wechat_id_is_not_filterable_the_last_name_answers() {
    let knobs = c4c::Settings {
        wechat_id_filterable: false,
        ..c4c::Settings::default()
    };
    let world = World::planned(plan(knobs, "")).await;
    let known = world.somebody();
    world
        .c4c
        .with(|c4c, now, _| c4c.create_customer(&[("LastName", &known)], now));
    world.follow(&known);
    world.until_seen(&known, "1000441").await;
    let fresh = world.customer().await;
    world.settled().await;
    assert_eq!(world.c4c_calls("POST", CUSTOMERS), 1);
    world.object_of(&fresh);
    let refused = world
        .c4c
        .look(|c4c| c4c.calls().count("GET", "CustomerCommonCollection", 400));
    assert_eq!(refused, 1, "what cannot be filtered is asked once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_customer_is_found_again_even_when_the_mapping_is_lost() {
    let mut world = World::new().await;
    let openid = world.customer().await;
    let object = world.object_of(&openid);
    world.change(&openid, &[("LastName", "Wang")]);
    world.settled().await;
    let database = world.folder.path().join("data/qiao.db");
    world.stop().await;
    sqlx::query("DELETE FROM mapping")
        .execute(&mut crate::world::open(&database).await)
        .await
        .unwrap();
    world.start().await;
    world.advance(A_WHILE);
    world.unfollow(&openid);
    world.settled().await;
    world.advance(A_WHILE);
    world.follow(&openid);
    world.settled().await;
    assert_eq!(customers(&world), 1);
    assert_eq!(linked_object(&world).await, object);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_field_gets_the_wechat_id_with_the_create_or_after_it() {
    for (write, patches) in [("create", 0), ("patch", 1)] {
        let knobs = c4c::Settings {
            extension_field: true,
            before_save_script: false,
            ..c4c::Settings::default()
        };
        let tenant = format!(
            r#"wechat_id = {{ field = "WechatID_KUT", write = "{write}" }}
               customer = {{ FirstName = "Wechat", LastName = "Guest", RoleCode = "CRM000" }}
               lookup = ["wechat_id"]"#
        );
        let world = World::planned(plan(knobs, &tenant)).await;
        let openid = world.customer().await;
        let object = world.object_of(&openid);
        assert_eq!(linked_object(&world).await, object, "{write}");
        assert_eq!(
            world
                .count("SELECT count(*) FROM v_mapping WHERE reason IS NULL")
                .await,
            1
        );
        assert_eq!(world.c4c_calls("PATCH", CUSTOMERS), patches, "{write}");
        assert_eq!(world.seen(&openid).len(), 2, "our own writes are not told");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wechat_id_that_does_not_stand_is_linked_with_a_concern() {
    let knobs = c4c::Settings {
        before_save_script: false,
        ..c4c::Settings::default()
    };
    let world = World::planned(plan(knobs, "")).await;
    let openid = world.somebody();
    world.follow(&openid);
    world.until_seen(&openid, "1000441").await;
    world.settled().await;
    let reason = "SELECT reason FROM v_mapping WHERE state = 'linked'";
    assert!(world.text(reason).await.contains("BeforeSave script"));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_dialects_of_odata_bring_a_customer() {
    for dialect in [Dialect::C4c, Dialect::Standard] {
        let knobs = c4c::Settings {
            dialect,
            ..c4c::Settings::default()
        };
        let world = World::planned(plan(knobs, "")).await;
        let openid = world.customer().await;
        assert_eq!(linked_object(&world).await, world.object_of(&openid));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_users_session_may_end_at_any_time() {
    let mut business = plan(c4c::Settings::default(), "");
    business.user = "agent";
    let world = World::planned(business).await;
    world.customer().await;
    world.c4c.with(|c4c, _, _| c4c.expire_sessions());
    world.customer().await;
    let answered = |status| {
        world
            .c4c
            .look(|c4c| c4c.calls().count("POST", CUSTOMERS, status))
    };
    assert_eq!((answered(403), answered(201)), (1, 2));
    let tries = "SELECT count(*) FROM attempt WHERE outcome = 'failed'";
    assert_eq!(world.count(tries).await, 0, "a fresh token is no failure");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csrf_fetch_that_fails_stops_only_who_needs_a_token() {
    let knobs = c4c::Settings {
        token_fetch_fails: true,
        ..c4c::Settings::default()
    };
    let technical = World::planned(plan(knobs.clone(), "")).await;
    technical.customer().await;

    let mut business = plan(knobs, "");
    business.user = "agent";
    let world = World::planned(business).await;
    let openid = world.somebody();
    world.follow(&openid);
    world.settled().await;
    assert_eq!(customers(&world), 0);
    world
        .c4c
        .with(|c4c, _, _| c4c.configure(|knobs| knobs.token_fetch_fails = false));
    world.advance(Duration::from_mins(16));
    world.settled().await;
    assert_eq!(linked_object(&world).await, world.object_of(&openid));
    let counted = "SELECT count(*) FROM attempt WHERE outcome = 'failed' AND counted = 1";
    assert_eq!(world.count(counted).await, 0);
}

/// One fault at the create, and what it must come to: customers, POSTs.
async fn create_meets(kind: Kind, posts: u64, verdict: &str) {
    let told = format!("{kind:?}");
    let world = World::new().await;
    world.c4c_fails(CREATE, kind);
    let openid = world.somebody();
    world.follow(&openid);
    world.settled().await;
    assert_eq!(world.seen(&openid).len(), 1, "{told}");
    let last = "SELECT last_verdict FROM v_outbox WHERE effect = 'customer.ensure'";
    assert_eq!(world.text(last).await, verdict, "{told}");
    world.say(&openid, "are you there?");
    world.advance(A_WHILE);
    world.until_seen(&openid, "1000").await;
    world.settled().await;
    assert_eq!(customers(&world), 1, "{told}");
    assert_eq!(linked_object(&world).await, world.object_of(&openid));
    assert_eq!(world.c4c_calls("POST", CUSTOMERS), posts, "{told}");
    assert_eq!(world.seen(&openid).len(), 2, "told once: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_whose_answer_is_lost_makes_exactly_one_customer() {
    let lost = |after_effect| Kind::Drop { after_effect };
    create_meets(lost(true), 1, "uncertain").await;
    create_meets(lost(false), 2, "uncertain").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_answered_with_an_error_makes_exactly_one_customer() {
    let broken = |after_effect| Kind::Code {
        code: 500,
        after_effect,
    };
    create_meets(broken(true), 1, "uncertain").await;
    create_meets(broken(false), 2, "uncertain").await;
    create_meets(Kind::HtmlBody, 2, "transient").await;
    let page = Kind::Status {
        status: 503,
        html: true,
        retry_after: None,
    };
    create_meets(page, 2, "transient").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_while_the_customer_is_made_is_told_once() {
    let world = World::new().await;
    world.c4c_fails(CREATE, Kind::Latency { millis: 300 });
    let openid = world.somebody();
    world.follow(&openid);
    world
        .c4c
        .until(|c4c| (c4c.calls().total("POST", CUSTOMERS) == 1).then_some(()))
        .await;
    world.say(&openid, "hello");
    world.until_seen(&openid, "1000441").await;
    world.settled().await;
    assert_eq!(world.seen(&openid).len(), 2, "the welcome and the number");
    let twice = "SELECT note FROM v_outbox WHERE effect = 'customer.ensure' ORDER BY id DESC";
    assert_eq!(world.text(twice).await, "it is linked already");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_record_is_tried_again_and_not_created_again() {
    let knobs = c4c::Settings {
        extension_field: true,
        before_save_script: false,
        ..c4c::Settings::default()
    };
    let tenant = r#"wechat_id = { field = "WechatID_KUT", write = "patch" }"#;
    let world = World::planned(plan(knobs, tenant)).await;
    let locked = Kind::Code {
        code: 409,
        after_effect: false,
    };
    world.c4c_fails("PATCH", locked);
    let openid = world.somebody();
    world.follow(&openid);
    world.settled().await;
    let known = "SELECT count(*) FROM v_mapping WHERE state = 'pending' AND customer_id <> ''";
    assert_eq!(world.count(known).await, 1, "what is known is kept");
    world.advance(Duration::from_secs(5));
    world.until_seen(&openid, "1000441").await;
    world.settled().await;
    assert_eq!(world.c4c_calls("POST", CUSTOMERS), 1);
    assert_eq!(customers(&world), 1);
    assert_eq!(linked_object(&world).await, world.object_of(&openid));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_is_gone_makes_the_mapping_obsolete() {
    let world = World::new().await;
    for delete in [false, true] {
        let openid = world.customer().await;
        let object = world.object_of(&openid);
        let gone = world.c4c.with(|c4c, now, _| {
            if delete {
                c4c.delete(&object, now)
            } else {
                c4c.set_obsolete(&object, now)
            }
        });
        assert!(gone);
        world.settled().await;
        world.say(&openid, "still there?");
        world.settled().await;
        assert_eq!(world.seen(&openid).len(), 2, "nothing new is said");
    }
    let obsolete = "SELECT count(*) FROM v_mapping WHERE state = 'obsolete' AND reason <> ''";
    assert_eq!(world.count(obsolete).await, 2);
    assert_eq!(world.c4c_calls("POST", CUSTOMERS), 2, "and nobody is made");
}
