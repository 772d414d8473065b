//! Where followers are.

use std::collections::HashMap;

use qiao::domain::place::{Place, System};
use qiao::domain::rows::{Changes, Follower, NewLocation};
use qiao::store::Kept;

use super::Way;
use super::rows::{Room, follower, nothing, push};

fn at(room: &Room, who: &Follower, second: i64, message_id: Option<i64>) -> NewLocation {
    NewLocation {
        follower: who.clone(),
        place: Place::new(System::Gcj02, 30.66, 104.06).unwrap(),
        accuracy: message_id.is_none().then_some(30.0),
        label: message_id.map(|_| "Chengdu".to_owned()),
        message_id,
        at: room.later(second),
    }
}

fn places(locations: impl IntoIterator<Item = NewLocation>) -> Changes {
    Changes {
        locations: locations.into_iter().collect(),
        ..nothing()
    }
}

pub async fn a_place_stands_in_both_systems_and_a_message_has_one(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    let message = room.hears_from(&anna).await;
    room.write(places([at(&room, &anna, 0, Some(message))]))
        .await;
    let again = NewLocation {
        label: Some("elsewhere".to_owned()),
        ..at(&room, &anna, 1, Some(message))
    };
    room.write(places([again])).await;
    let stored = room.store.location_of_message(message).await.unwrap();
    let stored = stored.unwrap();
    assert_eq!(stored.label.as_deref(), Some("Chengdu"));
    assert!((stored.place.gcj02.latitude() - 30.66).abs() < 1e-12);
    let told = "SELECT count(*) FROM v_location WHERE source = 'message' AND given = 'gcj02'
        AND gcj02_latitude = 30.66 AND abs(wgs84_latitude - 30.6624) < 0.0001";
    assert_eq!(room.number(told).await, 1);
    assert_eq!(
        room.store.location_of_message(message + 1).await.unwrap(),
        None
    );
}

pub async fn the_newest_event_of_each_follower_is_known(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert, carl) = (follower('a'), follower('b'), follower('c'));
    let message = room.hears_from(&carl).await;
    room.write(places([
        at(&room, &anna, 9, None),
        at(&room, &anna, 5, None),
        at(&room, &bert, 1, None),
        at(&room, &carl, 1, Some(message)),
    ]))
    .await;
    let last = room
        .store
        .last_location_events(&[&anna, &bert, &carl])
        .await;
    let expected = HashMap::from([(anna, room.later(9)), (bert, room.later(1))]);
    assert_eq!(last.unwrap(), expected);
}

pub async fn pushes_are_read_as_they_came(way: &Way) {
    let room = Room::new(way).await;
    room.arrive(push("m:1", nothing())).await;
    room.arrive(push("m:2", nothing())).await;
    let bodies = room.store.inbox_bodies(&[1, 2, 99]).await.unwrap();
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[&1], room.store.inbox_body(1).await.unwrap().unwrap());
}

pub async fn old_places_go_and_so_do_those_of_who_deletes_their_history(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    room.write(places([at(&room, &anna, 0, None)])).await;
    room.wait(2_000);
    room.write(places([
        at(&room, &anna, 0, None),
        at(&room, &bert, 0, None),
    ]))
    .await;
    let old = room
        .store
        .delete_older(Kept::Locations, room.later(-1_000), 0)
        .await;
    assert_eq!(old.unwrap().gone, 1);
    room.write(Changes {
        forgets: vec![anna.clone()],
        ..nothing()
    })
    .await;
    let left = room
        .store
        .last_location_events(&[&anna, &bert])
        .await
        .unwrap();
    assert!(left.contains_key(&bert) && left.len() == 1, "{left:?}");
}
