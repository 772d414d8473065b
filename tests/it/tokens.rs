//! The access_token: kept, renewed, repaired; and an account that is not let in.

use std::time::Duration;

use qiao_sim::wechat::Via;

use crate::steps::{CUSTOM_SEND, STABLE_TOKEN};
use crate::world::World;

const FAILED: &str = "SELECT count(*) FROM attempt WHERE outcome = 'failed'";
const TOKEN: &str = "SELECT value FROM account_token WHERE account = 'main'";

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_fetched_once_and_outlives_a_restart() {
    let mut world = World::new().await;
    let openid = world.talking_customer().await;
    world.stop().await;
    world.start().await;
    world.send(&openid, "after the restart").await;
    world.until_seen(&openid, "after the restart").await;
    world.settled().await;
    assert_eq!(world.wechat_calls(STABLE_TOKEN), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_sends_at_once_share_one_fetch() {
    let world = World::new().await;
    let openids: Vec<String> = (0..12).map(|_| world.somebody()).collect();
    for openid in &openids {
        world.follow(openid);
    }
    world.settled().await;
    for openid in &openids {
        assert_eq!(world.seen_by(openid, Via::Custom).len(), 1);
    }
    assert_eq!(world.wechat_calls(STABLE_TOKEN), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_or_expired_token_is_replaced_within_the_attempt() {
    for revoked in [true, false] {
        let world = World::new().await;
        let openid = world.talking_customer().await;
        world.wechat.with(|wechat, now, _| {
            if revoked {
                wechat.revoke_tokens(now);
            } else {
                wechat.expire_tokens(now);
            }
        });
        let old = world.text(TOKEN).await;
        world.send(&openid, "with another token").await;
        world.settled().await;
        assert_eq!(
            world.seen_by(&openid, Via::Custom)[1..],
            ["with another token"]
        );
        assert_ne!(world.text(TOKEN).await, old);
        assert_eq!(world.wechat_calls(STABLE_TOKEN), 2);
        assert_eq!(world.count(FAILED).await, 0, "no try was lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_that_is_handed_out_again_is_replaced_by_force() {
    let world = World::new().await;
    let openid = world.talking_customer().await;
    let old = world.text(TOKEN).await;
    world.wechat_refuses("custom/send", 40001);
    world.send(&openid, "with another token").await;
    world.settled().await;
    assert_eq!(
        world.seen_by(&openid, Via::Custom)[1..],
        ["with another token"]
    );
    assert_ne!(world.text(TOKEN).await, old);
    assert_eq!(world.count(FAILED).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refresh_job_renews_a_token_before_its_end_and_not_earlier() {
    let world = World::new().await;
    assert_eq!(
        world.run_job("token_refresh").await,
        "1 access_tokens renewed"
    );
    let first = world.text(TOKEN).await;
    world.advance(Duration::from_secs(7_200 - 241));
    assert_eq!(
        world.run_job("token_refresh").await,
        "0 access_tokens renewed"
    );
    assert_eq!(world.wechat_calls(STABLE_TOKEN), 1);
    world.advance(Duration::from_secs(1));
    assert_eq!(
        world.run_job("token_refresh").await,
        "1 access_tokens renewed"
    );
    assert_ne!(world.text(TOKEN).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_not_allowed_pauses_the_account_and_burns_no_try() {
    let world = World::new().await;
    world.wechat.with(|wechat, _, _| {
        wechat.settings.ip_allow_list = vec!["203.0.113.9".to_owned()];
    });
    let openids = [world.somebody(), world.somebody(), world.somebody()];
    for openid in &openids {
        world.say(openid, "hello");
        world.settled().await;
    }
    let (reason, seconds) = world.pause_of("wechat:main").expect("a pause");
    assert_eq!((reason, seconds), ("ip_not_allowed", 60));
    assert_eq!(world.wechat_calls(STABLE_TOKEN), 1, "one asked for all");
    world.advance(Duration::from_secs(59));
    world.settled().await;
    assert_eq!(world.wechat_calls(STABLE_TOKEN), 1);
    world
        .while_time_passes(async {
            world
                .wechat
                .until(|wechat| (wechat.calls(STABLE_TOKEN) == 2).then_some(()))
                .await;
        })
        .await;
    world.settled().await;
    assert_eq!(
        world.text("SELECT group_concat(DISTINCT state || attempts) FROM outbox WHERE effect = 'wechat.send'").await,
        "ready0",
        "all wait, none was counted"
    );
    let (status, ready) = world.get("/readyz").await;
    assert_eq!(status, 200, "pushes are taken all the same");
    assert!(ready.contains("ip_not_allowed"), "{ready}");
    world
        .wechat
        .with(|wechat, _, _| wechat.settings.ip_allow_list.clear());
    world.advance(Duration::from_secs(70));
    for openid in &openids {
        world.until_seen(openid, "1000").await;
    }
    world.settled().await;
    assert_eq!(world.pause_of("wechat:main"), None);
    assert_eq!(world.wechat_calls(CUSTOM_SEND), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_pauses_the_account_for_longer() {
    let world = World::new().await;
    world
        .wechat
        .with(|wechat, _, _| wechat.settings.app_secret = "another".to_owned());
    let openid = world.somebody();
    world.say(&openid, "hello");
    world.settled().await;
    let (reason, seconds) = world.pause_of("wechat:main").expect("a pause");
    assert_eq!((reason, seconds), ("app_secret_refused", 900));
}
