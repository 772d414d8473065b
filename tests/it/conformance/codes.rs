//! QR codes, their scans, and who asked for an agent.

use qiao::domain::qr::{Purpose, ScanOutcome, Scene};
use qiao::domain::rows::{Changes, Follower, Invitation, MadeQrCode, NewQrCode, QrChange, QrScan};
use qiao::store::{Kept, QrCode};

use super::Way;
use super::rows::{Room, account, customer, follower, nothing, tenant};

fn changed(change: QrChange) -> Changes {
    Changes {
        qr_codes: vec![change],
        ..nothing()
    }
}

impl Room {
    async fn wants(&self, scene: &str, purpose: Purpose, seconds: Option<i64>) {
        let binds = purpose == Purpose::Bind;
        let (object, number) = customer(7);
        let code = NewQrCode {
            account: account(),
            scene: Scene::Text(scene.to_owned()),
            purpose,
            target: "1000007".to_owned(),
            customer: binds.then(|| (tenant(), object, number)),
            single_use: binds,
            lifetime: seconds.map(jiff::SignedDuration::from_secs),
        };
        self.write(changed(QrChange::Wanted(Box::new(code)))).await;
    }

    async fn is_made(&self, scene: &str, ticket: &str, seconds: Option<i64>) {
        let made = MadeQrCode {
            account: account(),
            scene: scene.to_owned(),
            ticket: ticket.to_owned(),
            url: format!("http://weixin.qq.com/q/{ticket}"),
            expires_at: seconds.map(|seconds| self.later(seconds)),
        };
        self.write(changed(QrChange::Made(Box::new(made)))).await;
    }

    async fn code(&self, scene: &str) -> QrCode {
        let found = self.store.qr_code(&account(), scene).await.unwrap();
        found.unwrap_or_else(|| panic!("no code {scene}"))
    }

    async fn scans(&self, code: &QrCode, people: &[(Follower, bool)], outcome: ScanOutcome) {
        let scan = |(follower, follow): &(Follower, bool)| QrScan {
            code_id: code.id,
            follower: follower.clone(),
            follow: *follow,
            outcome,
            at: self.now(),
        };
        let qr_scans = people.iter().map(scan).collect();
        self.write(Changes {
            qr_scans,
            ..nothing()
        })
        .await;
    }
}

pub async fn a_code_is_wanted_then_made_and_found_by_its_scene(way: &Way) {
    let room = Room::new(way).await;
    room.wants("fair", Purpose::Campaign, Some(60)).await;
    assert_eq!(room.code("fair").await.state, "wanted");
    room.is_made("fair", "T1", Some(60)).await;
    room.wants("fair", Purpose::Campaign, Some(60)).await;
    let code = room.code("fair").await;
    assert_eq!(code.ticket.as_deref(), Some("T1"), "it can be scanned");
    assert!(code.is_good(room.now()) && !code.is_good(room.later(61)));
    room.wait(61);
    room.wants("fair", Purpose::Campaign, Some(60)).await;
    let code = room.code("fair").await;
    assert_eq!((code.state.as_str(), code.ticket), ("wanted", None));
    let failed = QrChange::Failed {
        account: account(),
        scene: "fair".to_owned(),
        reason: "WeChat refused it".to_owned(),
    };
    room.write(changed(failed)).await;
    assert_eq!(room.code("fair").await.state, "failed");
    room.wants("door", Purpose::Bind, None).await;
    let bind = room.code("door").await;
    assert_eq!(bind.customer.unwrap().0, customer(7).0);
    let count = room.store.permanent_qr_codes(&account()).await.unwrap();
    assert_eq!(count, 1);
    let listed = room.store.qr_codes(i64::MAX, 1).await.unwrap();
    assert_eq!(listed[0].scene.text(), "door", "the newest first");
    let older = room.store.qr_codes(listed[0].id, 9).await.unwrap();
    assert_eq!(older.len(), 1);
    let both = [
        (&account(), "fair"),
        (&account(), "gate"),
        (&account(), "door"),
    ];
    let found = room.store.qr_codes_of(&both).await.unwrap();
    assert_eq!(found.len(), 2, "of those that we made");
    let elsewhere = qiao::domain::ids::AccountId::new("other");
    assert_eq!(room.store.qr_code(&elsewhere, "fair").await.unwrap(), None);
}

pub async fn scans_are_counted_in_their_code_and_go_before_it(way: &Way) {
    let room = Room::new(way).await;
    room.wants("door", Purpose::Bind, Some(60)).await;
    let code = room.code("door").await;
    let (anna, bert) = (follower('a'), follower('b'));
    room.scans(
        &code,
        &[(anna, true), (bert.clone(), false)],
        ScanOutcome::Counted,
    )
    .await;
    assert_eq!(room.code("door").await.used_at, None);
    room.wait(5);
    room.scans(&code, &[(bert.clone(), false)], ScanOutcome::Binding)
        .await;
    let used = room.now();
    room.wait(5);
    room.scans(&code, &[(bert, false)], ScanOutcome::Bound)
        .await;
    let code = room.code("door").await;
    assert_eq!((code.scans, code.follows), (4, 1));
    assert_eq!(
        (code.used_at, code.last_scan_at),
        (Some(used), Some(room.now()))
    );
    let told = room.store.qr_scans(code.id, 2).await.unwrap();
    let outcomes: Vec<&str> = told.iter().map(|scan| scan.outcome.as_str()).collect();
    assert_eq!(outcomes, ["bound", "binding"], "the newest first");
    let deleted = room.store.delete_older(Kept::Scans, room.later(1), 0).await;
    assert_eq!(deleted.unwrap().gone, 3, "but the newest");
    assert_eq!(room.code("door").await.scans, 4);
}

pub async fn the_next_conversation_takes_an_invitation_up(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    let invited = |agent: &str, at| Changes {
        invitations: vec![Invitation {
            follower: anna.clone(),
            agent: agent.to_owned(),
            at,
        }],
        ..nothing()
    };
    room.write(invited("17", room.now())).await;
    room.write(invited("16", room.later(-5))).await;
    let waits = "SELECT coalesce(max(CAST(agent AS INTEGER)), 0) FROM invitation";
    assert_eq!(room.number(waits).await, 17, "the last scan counts");
    room.opens(&follower('b'), None).await;
    assert_eq!(room.number(waits).await, 17, "that was not she");
    room.opens(&anna, None).await;
    let newest = async || {
        let found = room.store.newest_conversations(&[&anna]).await.unwrap();
        found[&anna].clone()
    };
    assert_eq!(newest().await.agent.as_deref(), Some("17"));
    assert_eq!(room.number(waits).await, 0);
    room.write(invited("18", room.now())).await;
    room.opens(&anna, None).await;
    assert_eq!(newest().await.agent.as_deref(), Some("17"), "it is open");
    assert_eq!(room.number(waits).await, 18, "so it waits");
}
