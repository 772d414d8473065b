//! `qiao doctor`: each check turns red when what it checks is broken, and all are green in a world
//! where all is well. [`ward`] is that world, `broken*` break it, [`command`] is what operators see.

mod broken;
mod broken_backups;
mod broken_outside;
mod command;
mod told;
mod ward;

use std::collections::BTreeSet;

use qiao::doctor::{Outcome, checks};

use ward::Ward;

#[tokio::test(flavor = "multi_thread")]
async fn every_check_is_green_where_all_is_well() {
    let ward = Ward::new().await;
    ward.world.talking_customer().await;
    ward.world.advance(std::time::Duration::from_secs(2));
    ward.world.settled().await;
    let rows = ward.examine().await;
    let told: Vec<String> = rows
        .iter()
        .filter(|row| row.outcome != Outcome::Ok)
        .map(|row| format!("{} [{}]: {:?}", row.check.id, row.subject, row.evidence))
        .collect();
    assert!(told.is_empty(), "\n{}\n", told.join("\n"));
    let seen: BTreeSet<&str> = rows.iter().map(|row| row.check.id).collect();
    let all: BTreeSet<&str> = checks().map(|check| check.id).collect();
    assert_eq!(seen, all, "every check has a row");
}

#[test]
fn every_check_has_a_story_that_turns_it_red() {
    let rooms = [
        broken::STORIES,
        broken_backups::STORIES,
        broken_outside::STORIES,
    ];
    let stories = rooms.into_iter().flatten();
    let stories: BTreeSet<String> = stories.map(|story| ward::id_of(story)).collect();
    let all: BTreeSet<String> = checks().map(|check| check.id.to_owned()).collect();
    assert_eq!(stories, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_skips_what_needs_the_network_and_nothing_else() {
    let mut ward = Ward::new().await;
    ward.offline = true;
    let calls = ward
        .world
        .wechat
        .look(|wechat| wechat.calls("/cgi-bin/stable_token"));
    for row in ward.examine().await {
        let skipped = row.outcome == Outcome::Skipped;
        assert_eq!(skipped, row.check.live, "{}", row.check.id);
    }
    let after = ward
        .world
        .wechat
        .look(|wechat| wechat.calls("/cgi-bin/stable_token"));
    assert_eq!(after, calls, "nobody was called");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_password_is_tried_once() {
    let ward = Ward::new().await;
    let before = ward
        .world
        .c4c
        .look(|c4c| c4c.user("agent").unwrap().refused);
    ward.world
        .c4c
        .with(|c4c, _, _| c4c.users().set_password("agent", "another"));
    let rows = ward.examine().await;
    let login = rows.iter().find(|row| row.check.id == "c4c.login").unwrap();
    assert_eq!(login.outcome, Outcome::Failed);
    let refused = ward
        .world
        .c4c
        .look(|c4c| c4c.user("agent").unwrap().refused);
    assert_eq!(refused - before, 1, "wrong passwords lock the user");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_is_as_before_when_the_doctor_has_gone() {
    let ward = Ward::new().await;
    ward.world.customer().await;
    let count = async || {
        let sql = "SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM outbox)
             + (SELECT count(*) FROM audit) + (SELECT count(*) FROM account_token)";
        ward.world.count(sql).await
    };
    let token = "SELECT value FROM account_token";
    let (before, token_before) = (count().await, ward.world.text(token).await);
    let customers = ward.world.customers();
    ward.examine().await;
    assert_eq!(count().await, before);
    assert_eq!(ward.world.text(token).await, token_before);
    assert_eq!(ward.world.customers(), customers);
    ward.world
        .send(&ward.world.customer().await, "still well")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_classic_token_of_a_running_daemon_is_not_ended() {
    let mut ward = Ward::new().await;
    ward.change("app_id =", "access_token = \"token\"\napp_id =");
    let calls = || {
        ward.world
            .wechat
            .look(|wechat| wechat.calls("/cgi-bin/token"))
    };
    let rows = ward.examine().await;
    let token = rows
        .iter()
        .find(|row| row.check.id == "wechat.token")
        .unwrap();
    assert_eq!((token.outcome, calls()), (Outcome::Skipped, 0));
    // Now there is a stored one, and it is used.
    ward.world.customer().await;
    let rows = ward.examine().await;
    let quota = rows
        .iter()
        .find(|row| row.check.id == "wechat.quota")
        .unwrap();
    assert_eq!((quota.outcome, calls()), (Outcome::Ok, 0));
}
