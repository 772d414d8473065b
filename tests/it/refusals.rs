//! Bad input on the WeChat side: what it is answered, and that nothing of it is stored.

use std::time::Duration;

use qiao_sim::fault::Kind;
use qiao_sim::wechat::{Mode, Reply, Settings, Tamper};
use sqlx::Connection as _;

use crate::raw::{answered, client, envelope, seal, signed, text_push};
use crate::world::{KEY, Plan, World};

const SOMEBODY: &str = "oAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const TOKEN: &str = "simtoken";
const APP_ID: &str = "wx0123456789abcdef";

/// Rows of every table that a push could reach.
const ROWS: &str = "SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM dedupe)
    + (SELECT count(*) FROM message) + (SELECT count(*) FROM outbox)
    + (SELECT count(*) FROM mapping)";

fn hello() -> String {
    text_push(SOMEBODY, 1, "hello")
}

async fn plaintext() -> World {
    World::planned(Plan {
        wechat: Settings::default(),
        ..Plan::default()
    })
    .await
}

/// How often pushes were refused for `reason` since the process began.
async fn refused(world: &World, reason: &str) -> u64 {
    let (status, text) = world.get("/metrics").await;
    assert_eq!(status, 200);
    let line = format!("qiao_refused_total{{side=\"wechat\",reason=\"{reason}\"}} ");
    let count = text.lines().find_map(|l| l.strip_prefix(&line));
    count.map_or(0, |count| count.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_not_from_wechat_is_refused_and_leaves_nothing() {
    let world = World::new().await;
    let sealed = seal(KEY, APP_ID, &hello());
    let right = envelope(&sealed);
    let other_key = seal(&KEY.replace('a', "b"), APP_ID, &hello());
    let other_app = seal(KEY, "wxffffffffffffffff", &hello());
    let elsewhere = hello().replace("gh_0123456789ab", "gh_somebodyelse");
    let elsewhere = seal(KEY, APP_ID, &elsewhere);
    let forgeries = [
        ("unencrypted", String::new(), right.clone()),
        (
            "signature",
            signed("wrongtoken", Some(&sealed)),
            right.clone(),
        ),
        (
            "signature",
            signed(TOKEN, Some("another body")),
            right.clone(),
        ),
        ("unencrypted", signed(TOKEN, None), hello()),
        (
            "undecryptable",
            signed(TOKEN, Some(&other_key)),
            envelope(&other_key),
        ),
        (
            "undecryptable",
            signed(TOKEN, Some("AAAA")),
            envelope("AAAA"),
        ),
        (
            "app_id",
            signed(TOKEN, Some(&other_app)),
            envelope(&other_app),
        ),
        (
            "to_user_name",
            signed(TOKEN, Some(&elsewhere)),
            envelope(&elsewhere),
        ),
    ];
    for (reason, query, body) in forgeries {
        let before = refused(&world, reason).await;
        let answer = world.push_raw(&query, body).await;
        assert_eq!(answer, (401, String::new()), "{reason}");
        assert!(
            refused(&world, reason).await > before,
            "{reason} is counted"
        );
    }
    assert_eq!(world.count(ROWS).await, 0);
    assert_eq!(
        world.push_raw(&signed(TOKEN, Some(&sealed)), right).await.0,
        200,
        "the right one"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_push_of_the_simulated_wechat_is_refused_in_every_mode() {
    for mode in [Mode::Plain, Mode::Compatible, Mode::Safe] {
        let world = World::planned(Plan {
            wechat: Settings {
                mode,
                encoding_aes_key: (mode != Mode::Plain).then(|| KEY.to_owned()),
                ..Settings::default()
            },
            ..Plan::default()
        })
        .await;
        let openid = world.somebody();
        world.wechat.with(|wechat, _, _| {
            let tamper = Some(Tamper::WrongSignature);
            wechat.next_push(qiao_sim::wechat::PushOptions {
                tamper,
                ..Default::default()
            });
        });
        let push = world.say(&openid, "I am somebody else");
        assert_eq!(world.answered(push).await, Reply::Refused(401), "{mode:?}");
        assert_eq!(world.count(ROWS).await, 0, "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_push_to_an_account_without_a_key_is_refused() {
    let world = plaintext().await;
    let sealed = seal(KEY, APP_ID, &hello());
    let answer = world
        .push_raw(&signed(TOKEN, Some(&sealed)), envelope(&sealed))
        .await;
    assert_eq!(answer, (401, String::new()));
    assert_eq!(world.count(ROWS).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_xml_of_a_push_is_refused_and_nothing_is_expanded() {
    let tenfold = |(name, of): (char, char)| {
        let value = format!("&{of};").repeat(10);
        format!("<!ENTITY {name} \"{value}\">")
    };
    let entities: Vec<String> = ('b'..='j').zip('a'..).map(tenfold).collect();
    let bomb = format!(
        "<!DOCTYPE lolz [<!ENTITY a \"lol\">{}]><xml><FromUserName>&j;</FromUserName></xml>",
        entities.concat()
    );
    let external = "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><xml>&x;</xml>".to_owned();
    let deep = format!("{}{}", "<a>".repeat(2_000), "</a>".repeat(2_000));
    let malformed = [
        ("not_xml", "hello".to_owned()),
        ("not_xml", "{\"json\":true}".to_owned()),
        ("not_xml", hello().replace("</xml>", "")),
        ("dtd", bomb),
        ("dtd", external),
        ("too_deep", deep),
        ("missing_field", hello().replace("FromUserName", "Nobody")),
        ("missing_field", hello().replace("CreateTime", "Never")),
        ("missing_field", hello().replace("1795420800", "yesterday")),
    ];
    let (plain, safe) = (plaintext().await, World::new().await);
    for (reason, xml) in malformed {
        let before = refused(&plain, reason).await;
        let answer = plain.push_raw(&signed(TOKEN, None), xml.clone()).await;
        assert_eq!(answer, (400, String::new()), "{reason}");
        let answer = safe.post_sealed(&xml).await;
        assert_eq!(answer, (400, String::new()), "{reason}, encrypted");
        assert!(
            refused(&plain, reason).await >= before + 2,
            "{reason} is counted"
        );
    }
    for world in [&plain, &safe] {
        assert_eq!(world.count(ROWS).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_above_64_kib_is_too_large() {
    let world = plaintext().await;
    let padded = |bytes: usize| {
        let xml = hello();
        let room = bytes - xml.len();
        xml.replace("hello", &format!("hello{}", "x".repeat(room)))
    };
    let query = signed(TOKEN, None);
    assert_eq!(world.push_raw(&query, padded(64 * 1024 + 1)).await.0, 413);
    assert_eq!(world.count(ROWS).await, 0);
    assert_eq!(world.push_raw(&query, padded(64 * 1024)).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_is_not_found() {
    let world = World::new().await;
    let url = format!("{}/wechat/other?{}", world.url(), signed(TOKEN, None));
    assert_eq!(
        answered(client().post(&url).body(hello())).await,
        (404, String::new())
    );
    assert_eq!(answered(client().get(&url)).await, (404, String::new()));
    assert_eq!(world.count(ROWS).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_can_verify_the_url_and_nobody_else_can() {
    let world = World::new().await;
    let push = world
        .wechat
        .with(|wechat, now, rng| wechat.verify_url(now, rng));
    assert_eq!(world.answered(push).await, Reply::Verified);
    let query = format!("{}&echostr=3%2B4", signed(TOKEN, None));
    assert_eq!(
        world.get(&format!("/wechat/main?{query}")).await,
        (200, "3+4".to_owned())
    );
    let query = format!("{}&echostr=34", signed("wrongtoken", None));
    assert_eq!(
        world.get(&format!("/wechat/main?{query}")).await,
        (401, String::new())
    );
    let without = signed(TOKEN, None);
    assert_eq!(world.get(&format!("/wechat/main?{without}")).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_meets_a_locked_database_and_is_taken_once_it_is_free() {
    let world = World::new().await;
    let mut somebody = world.sqlite().await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut somebody)
        .await
        .unwrap();
    let before = refused(&world, "busy").await;
    let (second, push) = (Duration::from_secs(1), hello());
    let answer = tokio::time::timeout(second, world.post_sealed(&push)).await;
    let answer = answer.expect("an answer within 1 s");
    assert_eq!(answer, (503, String::new()));
    assert!(refused(&world, "busy").await > before);
    let (status, ready) = world.get("/readyz").await;
    assert_eq!(status, 503, "{ready}");
    assert!(ready.contains("\"ready\":false"), "{ready}");
    sqlx::query("ROLLBACK")
        .execute(&mut somebody)
        .await
        .unwrap();
    somebody.close().await.unwrap();
    assert_eq!(
        world.post_sealed(&hello()).await,
        (200, "success".to_owned())
    );
    assert_eq!(world.count("SELECT count(*) FROM inbox").await, 1);
    assert_eq!(world.get("/readyz").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_due_while_the_database_was_locked_is_delivered_once_it_is_free() {
    let world = World::new().await;
    let failed = Kind::Status {
        status: 500,
        html: false,
        retry_after: None,
    };
    world.c4c_fails("POST", failed);
    let openid = world.somebody();
    world.follow(&openid);
    world.settled().await;
    let mut somebody = world.sqlite().await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut somebody)
        .await
        .unwrap();
    world.advance(Duration::from_secs(5));
    // The second is refused after the claim was, which came before it at the latest.
    for _ in 0..2 {
        assert_eq!(world.post_sealed(&hello()).await, (503, String::new()));
    }
    somebody.close().await.unwrap();
    world.until_seen(&openid, "1000441").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_path_of_public_url_stands_before_every_route() {
    let mut world = World::new().await;
    world.stop().await;
    world.reconfigure(
        "listen = \"127.0.0.1:0\"",
        "listen = \"127.0.0.1:0\"\npublic_url = \"https://bridge.example.cn/qiao/v1\"",
    );
    world.start().await;
    assert_eq!(world.get("/healthz").await.0, 404);
    assert_eq!(world.get("/qiao/v1/healthz").await.0, 200);
    let query = format!("{}&echostr=1", signed(TOKEN, None));
    assert_eq!(world.get(&format!("/wechat/main?{query}")).await.0, 404);
    assert_eq!(
        world.get(&format!("/qiao/v1/wechat/main?{query}")).await,
        (200, "1".to_owned())
    );
}
