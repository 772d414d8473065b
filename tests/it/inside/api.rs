//! A follower's own data: theirs, and nobody else's.

use qiao::domain::ids::{AccountId, OpenId};
use qiao::domain::rows::Follower;
use qiao_sim::fault::{Kind, UNTIL_CLEARED};

use super::{Browser, inside};
use crate::world::{Plan, World};

const SOCIAL: &str = "[wechat.main.conversation]\ninto_c4c = \"social\"\nchannel_id = \"WECHAT\"\n";

async fn two() -> (World, String, String) {
    let plan = Plan {
        account: SOCIAL.to_owned(),
        ..Plan::default()
    };
    let world = inside("snsapi_base", plan).await;
    let (anna, bert) = (world.customer().await, world.customer().await);
    for (who, text) in [(&anna, "Anna asks"), (&bert, "Bert asks")] {
        world.say(who, text);
        world.recorded().await;
    }
    (world, anna, bert)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_told_of_its_follower_from_the_database_alone() {
    let (world, anna, _) = two().await;
    let ticket = world.the_ticket(&anna).id;
    let mut phone = Browser::phone(&world, &anna).await;
    phone.open("/app/account/").await;
    world.c4c_fails_for(
        "",
        Kind::Status {
            status: 503,
            html: false,
            retry_after: None,
        },
        UNTIL_CLEARED,
    );
    let me = phone.get("/app/api/me").await.json();
    let follower = Follower {
        account: AccountId::new("main"),
        openid: OpenId::new(&anna),
    };
    let mapping = world.store().mapping(&follower).await.unwrap().unwrap();
    let (_, number) = mapping.customer.unwrap();
    assert_eq!(me["customer"]["customer_id"], number.as_str());
    assert_eq!(me["customer"]["fields"]["FirstName"], "Wechat");
    assert_eq!(me["tickets"][0]["ticket_id"], ticket.as_str());
    assert_eq!(me["tickets"][0]["state"], "open");
    assert_eq!(me["pending"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_parameter_reaches_anybody_elses_data() {
    let (world, anna, bert) = two().await;
    let mut phone = Browser::phone(&world, &anna).await;
    phone.open("/app/account/").await;
    let attempts = [
        format!("openid={bert}"),
        format!("follower={bert}&account=main"),
        format!("account=main&openid={bert}&before=999999&limit=100"),
        format!("limit=100&user={bert}"),
    ];
    for query in &attempts {
        for path in ["/app/api/me", "/app/api/me/history"] {
            let got = phone.get(&format!("{path}?{query}")).await;
            assert_eq!(got.status, 200, "{path}?{query}");
            assert!(!got.body.contains("Bert asks"), "{query}");
            assert!(!got.body.contains(&bert), "{query}");
        }
    }
    let body = serde_json::json!({
        "mobile": "+86 138 0000 0000", "openid": bert, "follower": {"account": "main", "openid": bert},
    });
    assert_eq!(phone.send("/app/api/me/mobile", &body).await.status, 202);
    world.settled().await;
    let of = |openid: &str| {
        world
            .c4c
            .look(|c4c| c4c.find_by_wechat_id(openid)[0].text("Mobile").to_owned())
    };
    assert_eq!(of(&bert), "");
    assert_ne!(of(&anna), "");
    assert!(!phone.everything().contains("Bert"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_own_history_comes_in_pages_newest_first() {
    let (world, anna, _) = two().await;
    for number in 0..5 {
        world.say(&anna, &format!("message {number}"));
        world.settled().await;
    }
    let mut phone = Browser::phone(&world, &anna).await;
    phone.open("/app/account/").await;
    let first = phone.get("/app/api/me/history?limit=2").await.json();
    assert_eq!(first["messages"][0]["text"], "message 4");
    assert_eq!(first["messages"][1]["direction"], "in");
    let mut texts = Vec::new();
    let mut before = String::new();
    loop {
        let page = format!("/app/api/me/history?limit=2{before}");
        let page = phone.get(&page).await.json();
        let messages = page["messages"].as_array().unwrap().clone();
        texts.extend(
            messages
                .iter()
                .filter_map(|m| m["text"].as_str().map(str::to_owned)),
        );
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    let said: Vec<_> = texts
        .iter()
        .filter(|text| text.starts_with("message"))
        .collect();
    assert_eq!(
        said,
        [
            "message 4",
            "message 3",
            "message 2",
            "message 1",
            "message 0"
        ]
    );
    assert!(texts.contains(&"Anna asks".to_owned()));
    for wrong in ["limit=0", "limit=101", "limit=x", "before=x", "before=0"] {
        let got = phone.get(&format!("/app/api/me/history?{wrong}")).await;
        assert_eq!(got.status, 400, "{wrong}");
    }
}
