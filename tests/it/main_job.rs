//! The main job, end to end.

use qiao_sim::wechat::Via;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_becomes_a_customer_and_is_told_the_number() {
    let world = World::new().await;
    let openid = world.somebody();
    world.follow(&openid);
    world.until_seen(&openid, "1000").await;
    world.settled().await;
    let seen = world.seen(&openid);
    assert_eq!(seen[0].0, Via::Reply, "the welcome is the passive reply");
    assert_eq!(seen[1].0, Via::Custom);
    world.object_of(&openid);
    assert_eq!(
        world
            .count("SELECT count(*) FROM v_mapping WHERE state = 'linked'")
            .await,
        1
    );
    assert_eq!(
        world
            .count("SELECT count(*) FROM message WHERE state = 'sent'")
            .await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_c4c_reaches_the_follower() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.say(&openid, "hello");
    world.settled().await;
    world.change(&openid, &[("Mobile", "+86 139 0000 0000")]);
    world.until_seen(&openid, "Mobile").await;
    world.settled().await;
    assert_eq!(world.seen(&openid).len(), 3);
}
