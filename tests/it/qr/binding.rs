//! A code that says whom a follower stands for.

use std::time::Duration;

use qiao::domain::qr::{Purpose, Wish};
use qiao_sim::wechat::Via;

use super::{OUTCOMES, temporary};
use crate::commands::qiao;
use crate::world::{Plan, World};

const STANDING: &str = "SELECT state || ' ' || coalesce(customer_id, 'nobody') FROM v_mapping
                        ORDER BY updated_at, openid";

/// A customer whom an agent made: key and number.
fn stranger(world: &World) -> (String, String) {
    world.c4c.with(|c4c, now, _| {
        let object = c4c.create_customer(&[("LastName", "Li")], now);
        let number = c4c.customer(&object).unwrap().text("CustomerID").to_owned();
        (object, number)
    })
}

fn bind(number: &str) -> Wish {
    temporary(Purpose::Bind, number, 24)
}

/// How often somebody saw a piece.
fn saw(world: &World, openid: &str, piece: &str) -> usize {
    let seen = world.seen_by(openid, Via::Custom).into_iter();
    seen.filter(|text| text.contains(piece)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_scans_first_is_linked_to_the_customer_and_nobody_is_made() {
    let world = World::new().await;
    let (object, number) = stranger(&world);
    // By ObjectID as well as by number.
    let url = world.code(bind(&object.to_lowercase())).await;
    let openid = world.somebody();
    world.scans(&openid, &url).await;
    assert_eq!(world.text(STANDING).await, format!("linked {number}"));
    assert_eq!(world.customers(), 1, "the agent's");
    assert_eq!(saw(&world, &openid, &number), 1, "they are told");
    let used = "SELECT target FROM v_qr_code WHERE used_at IS NOT NULL";
    assert_eq!(world.text(used).await, number);
    assert_eq!(world.texts(OUTCOMES).await, ["binding"]);
    let scene = world.text("SELECT scene FROM qr_code").await;
    assert_eq!(scene.len(), "bind-".len() + 32, "128 bits");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_later_is_told_so_and_becomes_a_customer_as_anybody() {
    let world = World::new().await;
    let (_, number) = stranger(&world);
    let url = world.code(bind(&number)).await;
    let (first, second) = (world.somebody(), world.somebody());
    world.scans(&first, &url).await;
    world.scans(&second, &url).await;
    assert_eq!(saw(&world, &second, "已被使用"), 1);
    assert_eq!(world.texts(OUTCOMES).await, ["binding", "used"]);
    let bound = "SELECT count(*) FROM mapping WHERE customer_id <> ''";
    assert_eq!(world.count(bound).await, 2);
    assert_eq!(world.customers(), 2);
    // To scan it once more takes nothing from the first.
    world.scans(&first, &url).await;
    assert_eq!(world.texts(OUTCOMES).await, ["binding", "used", "bound"]);
    assert_eq!(saw(&world, &first, "已被使用"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_scan_at_the_same_moment_one_is_linked() {
    let world = World::new().await;
    let (_, number) = stranger(&world);
    let url = world.code(bind(&number)).await;
    let people: Vec<String> = (0..5).map(|_| world.somebody()).collect();
    world.wechat.with(|wechat, now, rng| {
        for openid in &people {
            wechat.scan_code(openid, &url, now, rng).unwrap();
        }
    });
    world.settled().await;
    let mut outcomes = world.texts(OUTCOMES).await;
    outcomes.sort();
    assert_eq!(outcomes, ["binding", "used", "used", "used", "used"]);
    let of_it = "SELECT count(*) FROM mapping m JOIN qr_code c USING (object_id)";
    assert_eq!(world.count(of_it).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reusable_code_links_a_whole_family() {
    let world = World::new().await;
    let (_, number) = stranger(&world);
    let wish = Wish {
        reusable: true,
        ..bind(&number)
    };
    let url = world.code(wish).await;
    for _ in 0..2 {
        world.scans(&world.somebody(), &url).await;
    }
    assert_eq!(world.texts(OUTCOMES).await, ["binding", "binding"]);
    assert_eq!(world.customers(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stands_for_another_customer_keeps_them_and_a_person_decides() {
    let world = World::new().await;
    let openid = world.customer().await;
    let (_, number) = stranger(&world);
    let url = world.code(bind(&number)).await;
    world.scans(&openid, &url).await;
    assert_eq!(world.text(STANDING).await, "conflict 1000441");
    assert_eq!(saw(&world, &openid, "已对应另一位客户"), 1);
    let reason = world.text("SELECT reason FROM v_mapping").await;
    assert!(
        reason.contains("1000441") && reason.contains(&number),
        "{reason}"
    );
    assert_eq!(
        world
            .count("SELECT count(*) FROM qr_code WHERE used_at > 0")
            .await,
        0
    );
    let linked = ["mapping", "link", "main", &openid, "--customer", &number];
    qiao(&world, &linked).await.says("being linked");
    world.settled().await;
    assert_eq!(world.text(STANDING).await, format!("linked {number}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_while_they_are_being_linked_to_somebody_else_is_for_a_person_too() {
    let world = World::new().await;
    let (_, number) = stranger(&world);
    let url = world.code(bind(&number)).await;
    let openid = world.somebody();
    world.c4c_fails(
        "IndividualCustomer",
        qiao_sim::fault::Kind::Status {
            status: 503,
            html: false,
            retry_after: None,
        },
    );
    world.follow(&openid);
    world.settled().await;
    world.scans(&openid, &url).await;
    world.advance(Duration::from_mins(2));
    world.settled().await;
    assert!(world.text(STANDING).await.starts_with("conflict"));
    let note = "SELECT note FROM outbox WHERE effect = 'customer.link'";
    assert!(
        world
            .text(note)
            .await
            .contains("another customer meanwhile")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_has_expired_binds_nobody() {
    let world = World::new().await;
    let (_, number) = stranger(&world);
    world.code(bind(&number)).await;
    let scene = world.text("SELECT scene FROM qr_code").await;
    let openid = world.somebody();
    world.advance(Duration::from_hours(25));
    // WeChat would not push it; should it do so, its clock counts.
    world
        .wechat
        .with(|wechat, now, rng| wechat.follow(&openid, Some(&scene), now, rng));
    world.settled().await;
    assert_eq!(saw(&world, &openid, "已过期"), 1);
    assert_eq!(world.texts(OUTCOMES).await, ["expired"]);
    assert_eq!(world.customers(), 2, "they became a customer as anybody");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_is_gone_by_then_is_told_to_the_follower_and_to_operators() {
    let plan = Plan {
        account: "[wechat.main.texts]\nbind_failed = \"no such customer\"\n".to_owned(),
        ..Plan::default()
    };
    let world = World::planned(plan).await;
    let (object, number) = stranger(&world);
    let url = world.code(bind(&number)).await;
    world
        .c4c
        .with(|c4c, now, _| c4c.change(&object, &[("LifeCycleStatusCode", "4")], now));
    let openid = world.somebody();
    world.scans(&openid, &url).await;
    assert_eq!(saw(&world, &openid, "no such customer"), 1);
    let dead = "SELECT last_error FROM v_dead_letter WHERE effect = 'customer.link'";
    assert!(world.text(dead).await.contains("obsolete"));
    assert_eq!(world.text(STANDING).await, "linked 1000442", "as anybody");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_customers_code_is_gone_with_them() {
    let world = World::new().await;
    let (_, number) = stranger(&world);
    let url = world.code(bind(&number)).await;
    let openid = world.somebody();
    world.scans(&openid, &url).await;
    let zip = world.folder.path().join("person.zip");
    let words = [
        "person",
        "export",
        &openid,
        "--output",
        zip.to_str().unwrap(),
    ];
    let told = qiao(&world, &words).await;
    assert_eq!(told.code, 0, "{told:?}");
    let mut zip = zip::ZipArchive::new(std::fs::File::open(&zip).unwrap()).unwrap();
    for table in ["qr_code", "qr_scan"] {
        let file = zip.by_name(&format!("{table}.json")).unwrap();
        let rows = std::io::read_to_string(file).unwrap();
        assert!(rows.contains(&number), "{table}: {rows}");
    }
    qiao(&world, &["person", "erase", &openid, "--yes"]).await;
    world.run_job("erase").await;
    for rows in [
        "SELECT count(*) FROM qr_code",
        "SELECT count(*) FROM qr_scan",
        "SELECT count(*) FROM mapping",
    ] {
        assert_eq!(world.count(rows).await, 0, "{rows}");
    }
}
