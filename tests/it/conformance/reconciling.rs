//! What reconciliation asks: who is missing on which side, and who waits for nothing.

use qiao::domain::ids::OpenId;
use qiao::domain::rows::{MappingChange, MappingState};

use super::Way;
use super::rows::{Room, account, done, effect, follower, linked, mapped, mapping_to};

fn openids(letters: &[char]) -> Vec<OpenId> {
    let openid = |letter: &char| follower(*letter).openid;
    letters.iter().map(openid).collect()
}

pub async fn the_far_side_lists_somebody_we_do_not_know(way: &Way) {
    let room = Room::new(way).await;
    room.write(mapped(mapping_to(&follower('a'), MappingState::Pending)))
        .await;
    room.write(mapped(mapping_to(&follower('b'), MappingState::Unfollowed)))
        .await;
    let listed = openids(&['a', 'b', 'c']);
    let mut missing = room.store.unmapped(&account(), &listed).await.unwrap();
    missing.sort();
    assert_eq!(missing, openids(&['b', 'c']), "b left, it was said");
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
    store
        .mark_seen(&account, &openids(&['c', 'x']))
        .await
        .unwrap();
    store.mark_seen(&account, &openids(&['c'])).await.unwrap();
    let unseen = store.unseen(&account, began, None, 1).await.unwrap();
    assert_eq!(unseen, [follower('a')]);
    let after = &unseen[0].openid;
    let rest = store.unseen(&account, began, Some(after), 9).await.unwrap();
    assert_eq!(
        rest,
        [follower('d')],
        "b left, c was listed, e and f came later"
    );
    store.forget_seen(&account).await.unwrap();
    let all = store.unseen(&account, began, None, 9).await.unwrap();
    assert_eq!(all, ['a', 'c', 'd'].map(follower));
}

pub async fn a_pending_mapping_without_work_is_stranded(way: &Way) {
    let room = Room::new(way).await;
    for letter in ['a', 'b', 'c'] {
        let pending = mapping_to(&follower(letter), MappingState::Pending);
        room.write(mapped(pending)).await;
    }
    room.write(mapped(linked(&follower('d'), 7))).await;
    room.queue([effect(&follower('b').c4c_lane())]).await;
    let stranded = room.store.stranded(&account(), None, 1).await.unwrap();
    assert_eq!(stranded, [follower('a')]);
    let after = &stranded[0].openid;
    let rest = room.store.stranded(&account(), Some(after), 9).await;
    assert_eq!(rest.unwrap(), [follower('c')]);
    let job = room.claim_one().await;
    let while_running = room.store.stranded(&account(), None, 9).await.unwrap();
    assert_eq!(while_running.len(), 2);
    room.settle(job, done()).await;
    let all = room.store.stranded(&account(), None, 9).await.unwrap();
    assert_eq!(all, ['a', 'b', 'c'].map(follower));
}
