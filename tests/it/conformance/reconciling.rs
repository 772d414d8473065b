//! What reconciliation asks: who is missing on which side, and who waits for nothing.

use jiff::civil::date;
use qiao::domain::ids::{OpenId, UnionId};
use qiao::domain::rows::{Changes, Finding, MappingChange, MappingState};
use qiao::store::{Repaired, SeenCustomer, StartedBy, Suspect};

use super::Way;
use super::rows::{
    Room, account, customer, done, effect, follower, linked, mapped, mapping_to, nothing, tenant,
};

fn openids(letters: &[char]) -> Vec<OpenId> {
    let openid = |letter: &char| follower(*letter).openid;
    letters.iter().map(openid).collect()
}

impl Room {
    async fn see(&self, letters: &[char]) {
        let (account, openids) = (account(), openids(letters));
        let seen = self.store.mark_seen(&account, &openids, self.now());
        seen.await.unwrap();
    }

    /// A customer of this number is seen in C4C, carrying a follower's OpenID.
    async fn see_customer(&self, number: u32, carries: Option<char>, active: Option<bool>) {
        let seen = SeenCustomer {
            object_id: customer(number).0,
            wechat_id: carries.map(|letter| follower(letter).openid),
            active,
        };
        self.store.mark_customers(&tenant(), &[seen]).await.unwrap();
    }

    async fn unknown(&self, first: char, last: char) -> Vec<(OpenId, bool, u32)> {
        let (account, tenant) = (account(), tenant());
        let (first, last) = (follower(first).openid, follower(last).openid);
        let found = self.store.unknown(&account, &tenant, &first, &last);
        let found = found.await.unwrap().into_iter();
        found
            .map(|unknown| (unknown.openid, unknown.has_left, unknown.claims))
            .collect()
    }

    async fn suspects(&self) -> Vec<Suspect> {
        let window = self.store.window(&account(), None, 100).await.unwrap();
        let (first, last) = window.expect("somebody is mapped");
        self.store
            .suspects(&account(), &first, &last)
            .await
            .unwrap()
    }

    async fn suspect(&self, letter: char) -> Option<Suspect> {
        let found = self.suspects().await.into_iter();
        let mut found = found.filter(|suspect| suspect.openid == follower(letter).openid);
        found.next()
    }
}

pub async fn the_far_side_lists_somebody_we_do_not_know(way: &Way) {
    let room = Room::new(way).await;
    let left = |letter, seconds| MappingChange {
        followed_at: Some(room.later(seconds)),
        ..mapping_to(&follower(letter), MappingState::Unfollowed)
    };
    room.write(mapped(mapping_to(&follower('a'), MappingState::Pending)))
        .await;
    room.write(mapped(left('b', -5))).await;
    room.write(mapped(left('e', 5))).await;
    room.see(&['a', 'b', 'c', 'd', 'e', 'f']).await;
    room.store
        .mark_moved(&account(), &openids(&['d']))
        .await
        .unwrap();
    room.see_customer(7, Some('c'), Some(true)).await;
    room.see_customer(8, Some('c'), Some(false)).await;
    let [b, c, f] = ['b', 'c', 'f'].map(|letter| follower(letter).openid);
    let expected = [(b, true, 0), (c.clone(), false, 1), (f.clone(), false, 0)];
    assert_eq!(room.unknown('a', 'b').await, expected[..1]);
    assert_eq!(
        room.unknown('c', 'f').await,
        expected[1..],
        "d is known under another OpenID, e left after the list was read"
    );
    room.store.forget_customers(&tenant()).await.unwrap();
    assert_eq!(room.unknown('c', 'f').await[0].2, 0);
    let window = room.store.seen_window(&account(), Some(&c), 2).await;
    let ends = ['d', 'e'].map(|letter| follower(letter).openid);
    assert_eq!(window.unwrap(), Some(ends.into()));
    let window = room.store.seen_window(&account(), Some(&f), 2).await;
    assert_eq!(window.unwrap(), None);
}

pub async fn we_know_somebody_whom_the_far_side_does_not_list(way: &Way) {
    let room = Room::new(way).await;
    for letter in ['a', 'b', 'c', 'd', 'e'] {
        room.write(mapped(linked(&follower(letter), 7))).await;
    }
    room.write(mapped(mapping_to(&follower('b'), MappingState::Unfollowed)))
        .await;
    room.wait(10);
    let began = room.now();
    room.write(mapped(linked(&follower('f'), 7))).await;
    let returned = MappingChange {
        followed_at: Some(room.later(1)),
        ..linked(&follower('e'), 7)
    };
    room.write(mapped(returned)).await;
    let (account, store) = (account(), &room.store);
    room.see(&['c', 'x']).await;
    room.see(&['c']).await;
    let unseen = async |first, last| {
        let (first, last) = (follower(first).openid, follower(last).openid);
        let unseen = store.unseen(&account, began, &first, &last).await;
        unseen.unwrap()
    };
    assert_eq!(unseen('a', 'c').await, [follower('a')]);
    assert_eq!(
        unseen('b', 'f').await,
        [follower('d')],
        "b left, c was listed, e and f came later"
    );
    let seen = store.seen_mappings(&account, None, 9).await.unwrap();
    assert_eq!(seen.len(), 1, "only c is listed and mapped");
    assert_eq!(seen[0].follower, follower('c'));
    let c = follower('c').openid;
    let none = store.seen_mappings(&account, Some(&c), 9).await;
    assert!(none.unwrap().is_empty());
    store.forget_seen(&account).await.unwrap();
    assert_eq!(unseen('a', 'f').await, ['a', 'c', 'd'].map(follower));
}

pub async fn a_link_whose_customer_does_not_fit_is_suspected(way: &Way) {
    let room = Room::new(way).await;
    for (letter, number) in [('a', 1), ('b', 2), ('c', 3), ('d', 4), ('e', 5), ('f', 5)] {
        room.write(mapped(linked(&follower(letter), number))).await;
    }
    // Of `a` all is well; `b` is obsolete, `c` carries nothing, `d` is carried twice.
    room.see_customer(1, Some('a'), None).await;
    room.see_customer(1, None, Some(true)).await;
    room.see_customer(2, Some('b'), Some(false)).await;
    room.see_customer(3, None, Some(true)).await;
    room.see_customer(4, Some('d'), Some(true)).await;
    room.see_customer(9, Some('d'), Some(true)).await;
    room.see_customer(5, Some('e'), Some(true)).await;
    // Nobody is mapped to it and it carries nothing.
    room.see_customer(77, None, Some(true)).await;
    let found: Vec<_> = room.suspects().await;
    let letters: Vec<OpenId> = found.iter().map(|s| s.openid.clone()).collect();
    assert_eq!(letters, openids(&['b', 'c', 'd', 'f']));
    let [b, c, d, f] = &found[..] else {
        unreachable!()
    };
    assert_eq!((b.active, b.claims), (Some(false), 0));
    assert_eq!((c.active, &c.wechat_id), (Some(true), &None));
    assert_eq!(d.claims, 2);
    assert_eq!((f.of_companion, f.claims), (true, 0));
    let kept = "SELECT count(*) FROM reconcile_customer WHERE object_id LIKE '%4D'";
    assert_eq!(room.number(kept).await, 0);
    let window = room.store.window(&account(), Some(&letters[2]), 1).await;
    let alone = follower('e').openid;
    assert_eq!(window.unwrap(), Some((alone.clone(), alone)));
    let last = follower('f').openid;
    let window = room.store.window(&account(), Some(&last), 1).await;
    assert_eq!(window.unwrap(), None);
    room.store.forget_customers(&tenant()).await.unwrap();
    assert_eq!(room.suspects().await.len(), 6);
}

pub async fn a_pending_mapping_without_work_is_stranded(way: &Way) {
    let room = Room::new(way).await;
    for letter in ['a', 'b'] {
        let pending = mapping_to(&follower(letter), MappingState::Pending);
        room.write(mapped(pending)).await;
    }
    room.write(mapped(mapping_to(&follower('d'), MappingState::Unfollowed)))
        .await;
    room.queue([effect(&follower('b').c4c_lane())]).await;
    let busy = async |letter| room.suspect(letter).await.map(|suspect| suspect.busy);
    assert_eq!(busy('a').await, Some(false));
    assert_eq!(busy('b').await, Some(true));
    assert_eq!(busy('d').await, None, "who left is of no concern");
    let job = room.claim_one().await;
    assert_eq!(busy('b').await, Some(true));
    room.settle(job, done()).await;
    assert_eq!(busy('b').await, Some(false));
}

pub async fn one_customer_or_one_person_with_several_is_found(way: &Way) {
    let room = Room::new(way).await;
    let person = |letter, number, unionid: &str, account: &str| {
        let mut follower = follower(letter);
        follower.account = qiao::domain::ids::AccountId::new(account);
        MappingChange {
            unionid: Some(UnionId::new(unionid)),
            ..linked(&follower, number)
        }
    };
    for change in [
        person('a', 1, "u1", "main"),
        person('b', 1, "u1", "other"),
        person('c', 2, "u2", "main"),
        person('d', 2, "u3", "main"),
        person('e', 3, "u4", "main"),
        person('f', 4, "u4", "other"),
        person('g', 5, "u5", "main"),
        person('h', 5, "u6", "main"),
        person('i', 6, "u7", "main"),
        person('j', 7, "u7", "other"),
    ] {
        room.write(mapped(change)).await;
    }
    let store = &room.store;
    let shared = store.shared_customers(&tenant(), None, 1).await.unwrap();
    assert_eq!(
        (&shared[0].object_id, shared[0].followers),
        (&customer(2).0, 2)
    );
    let after = Some(&shared[0].object_id);
    let rest = store.shared_customers(&tenant(), after, 9).await.unwrap();
    assert_eq!(rest.len(), 1, "1 belongs to one person in two accounts");
    assert_eq!(rest[0].object_id, customer(5).0);
    let unionids = store.shared_unionids(&tenant(), None, 1).await.unwrap();
    assert_eq!(unionids[0].unionid(), UnionId::new("u4"));
    assert_eq!(
        (unionids[0].account.as_str(), unionids[0].openid.as_str()),
        ("main", follower('e').openid.as_str())
    );
    assert_eq!(unionids[0].customers, "3,4");
    let after = unionids[0].unionid();
    let rest = store.shared_unionids(&tenant(), Some(&after), 9).await;
    assert_eq!(rest.unwrap().len(), 1);
}

pub async fn a_day_has_so_many_calls(way: &Way) {
    let room = Room::new(way).await;
    let (today, tomorrow) = (date(2027, 1, 1), date(2027, 1, 2));
    let count = async |day| {
        let account = account();
        let counted = room.store.count_call(&account, "user/get", day, 2);
        counted.await.unwrap()
    };
    assert!(count(today).await && count(today).await);
    assert!(!count(today).await);
    assert!(count(tomorrow).await);
    let account = account();
    let none = room.store.count_call(&account, "other", today, 0);
    assert!(!none.await.unwrap());
    assert_eq!(room.number("SELECT count(*) FROM call_count").await, 1);
}

pub async fn a_repair_is_queued_once_and_its_finding_says_so(way: &Way) {
    let room = Room::new(way).await;
    room.write(mapped(linked(&follower('a'), 1))).await;
    let run = room.store.start_job("reconcile", StartedBy::Schedule).await;
    let run = run.unwrap().expect("it does not run yet");
    let found = |repair: Option<&str>| Finding {
        job_run_id: run,
        kind: "profile_changed",
        account: Some(account()),
        tenant: Some(tenant()),
        openid: Some(follower('a').openid),
        object_id: None,
        detail: String::new(),
        state: if repair.is_some() {
            "found"
        } else {
            "for_person"
        },
        repair: repair.map(str::to_owned),
    };
    let findings = vec![found(Some("{}")), found(None), found(Some("[]"))];
    let noted = room
        .store
        .note_findings(run, r#"{"at":"o1"}"#.to_owned(), findings);
    noted.await.unwrap();
    let last = room.store.last_run("reconcile").await.unwrap().unwrap();
    assert_eq!(last.resume.as_deref(), Some(r#"{"at":"o1"}"#));
    assert_eq!(room.store.count_planned(run).await.unwrap(), 2);
    let planned = room.store.planned(run, 1).await.unwrap();
    assert_eq!(planned[0].repair, "{}");
    let repaired = Repaired {
        findings: planned.iter().map(|planned| planned.id).collect(),
        changes: Changes {
            effects: vec![effect("object:1")],
            ..nothing()
        },
        unionids: vec![
            (follower('a'), UnionId::new("u1")),
            (follower('b'), UnionId::new("u2")),
        ],
    };
    room.store.repair(repaired).await.unwrap();
    assert_eq!(room.store.planned(run, 9).await.unwrap()[0].repair, "[]");
    let states: Vec<_> = room.store.findings(run, 0, 9).await.unwrap();
    let states: Vec<_> = states.iter().map(|found| found.state.as_str()).collect();
    assert_eq!(states, ["repairing", "for_person", "found"]);
    let mapping = room.store.mapping(&follower('a')).await.unwrap().unwrap();
    assert_eq!(mapping.unionid, Some(UnionId::new("u1")));
    assert_eq!(mapping.state, MappingState::Linked);
    assert_eq!(room.claim().await.len(), 1);
}

pub async fn what_is_found_late_undoes_nothing_that_was_done_later(way: &Way) {
    let room = Room::new(way).await;
    let at = |state, seconds, returned| MappingChange {
        followed_at: Some(room.later(seconds)),
        returned,
        ..mapping_to(&follower('a'), state)
    };
    let state = async || {
        let mapping = room.store.mapping(&follower('a')).await.unwrap().unwrap();
        (mapping.state, mapping.followed_at)
    };
    room.write(mapped(at(MappingState::Pending, 10, true)))
        .await;
    room.write(mapped(at(MappingState::Unfollowed, 5, false)))
        .await;
    let follows = (MappingState::Pending, Some(room.later(10)));
    assert_eq!(state().await, follows, "they left before they came back");
    room.write(mapped(at(MappingState::Unfollowed, 20, false)))
        .await;
    room.write(mapped(at(MappingState::Pending, 15, true)))
        .await;
    let left = (MappingState::Unfollowed, Some(room.later(20)));
    assert_eq!(state().await, left, "they came back before they left");
    // Both in one commit.
    let both = [
        at(MappingState::Pending, 30, true),
        at(MappingState::Unfollowed, 25, false),
    ];
    room.write(Changes {
        mappings: both.into(),
        ..nothing()
    })
    .await;
    assert_eq!(state().await, (MappingState::Pending, Some(room.later(30))));
}
