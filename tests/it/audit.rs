//! What operators did stands in a chain that nobody changes unseen.

use std::time::Duration;

use crate::commands::qiao;
use crate::world::World;

/// A world in which an operator said three things to a follower.
async fn acted() -> (World, String) {
    let world = World::new().await;
    let openid = world.customer().await;
    for text in ["one", "two", "three"] {
        world.send(&openid, text).await;
    }
    world.settled().await;
    (world, openid)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_act_is_listed_with_what_it_changed_and_without_its_words() {
    let (world, openid) = acted().await;
    world.run_job("expire").await;
    let list = qiao(&world, &["audit", "list", "--json"]).await.json();
    let acts: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["act"].as_str().unwrap())
        .collect();
    assert_eq!(
        acts,
        ["jobs.run", "message.send", "message.send", "message.send"]
    );
    assert_eq!(list[1]["after"], "queued 1");
    let hers = qiao(&world, &["audit", "list", "--person", &openid, "--json"]).await;
    assert_eq!(hers.json().as_array().unwrap().len(), 3);
    let nobodys = qiao(&world, &["audit", "list", "--person", "oNobody"]).await;
    assert_eq!(
        (nobodys.out.as_str(), nobodys.err.as_str()),
        ("", "nothing was done\n")
    );
    let late = ["audit", "list", "--since", "2027-01-01T00:00:00Z", "--json"];
    assert_eq!(qiao(&world, &late).await.out, "[]\n");
    let jobs = ["audit", "list", "--act", "jobs.run"];
    qiao(&world, &jobs).await.says("expire");
    let all = world
        .text("SELECT group_concat(who || act || target || coalesce(before, '') || coalesce(after, '')) FROM audit")
        .await;
    for word in [&*openid, "one", "three"] {
        assert!(!all.contains(word), "{word} stands in {all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_act_changes_nothing_and_leaves_no_row() {
    let (world, _) = acted().await;
    qiao(&world, &["outbox", "retry", "999"])
        .await
        .fails(1, "there is no effect");
    assert_eq!(world.count("SELECT count(*) FROM audit").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_touches_a_row_is_found_out() {
    for (harm, told) in [
        ("UPDATE audit SET who = 'li' WHERE id = 2", "row 2 does not fit"),
        ("DELETE FROM audit WHERE id = 2", "row 3 follows on row 1"),
        ("UPDATE audit SET id = 9 WHERE id = 3", "row 9 follows on row 2"),
        ("DELETE FROM audit WHERE id = 3", "the last row is 2"),
        ("DELETE FROM audit", "the last row is 0"),
        (
            "INSERT INTO audit (at, who, act, target, hash) SELECT at, who, act, target, hash FROM audit
             WHERE id = 3",
            "row 4 does not fit",
        ),
    ] {
        let (world, _) = acted().await;
        qiao(&world, &["audit", "verify"]).await.says("3 rows");
        world.sql(harm).await;
        let verified = qiao(&world, &["audit", "verify"]).await;
        verified.fails(1, told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_was_noted_elsewhere_finds_what_the_chain_alone_cannot() {
    let (world, openid) = acted().await;
    let verified = qiao(&world, &["audit", "verify", "--json"]).await.json();
    let head = verified["head"].as_str().unwrap().to_owned();
    world.send(&openid, "four").await;
    let words = ["audit", "verify", "--head", &head];
    qiao(&world, &words).await.says("4 rows");
    // Somebody who knows SQLite well takes the end away, and goes on.
    world.sql("DELETE FROM audit WHERE id > 2").await;
    world
        .sql("UPDATE sqlite_sequence SET seq = 2 WHERE name = 'audit'")
        .await;
    world.advance(Duration::from_secs(1));
    world.send(&openid, "five").await;
    qiao(&world, &["audit", "verify"]).await.says("3 rows");
    qiao(&world, &words).await.fails(1, "row 3 is not the one");
    qiao(&world, &["audit", "verify", "--head", "3:abc"])
        .await
        .fails(2, "ID:HASH");
}
